#pragma once
// Which device builders build for and runtimes run on: a GPU where there is one, else the CPU; the
// environment variable CARNOT_DEVICE chooses otherwise.
#include "carnot/device.h"
#include "carnot/status.h"

namespace trt {

/// The GPU of the thread's CUDA context, or the first; the CPU where there is none. An error where
/// CARNOT_DEVICE names no device of this machine.
carnot::Result<carnot::DeviceInfo> choose_device();

inline bool is_gpu(const carnot::DeviceInfo& device) {
  return device.compute > 0;
}

}  // namespace trt
