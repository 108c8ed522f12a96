#pragma once
// The devices of this machine that engines can be built for and run on.
#include <cstdint>
#include <string>
#include <vector>

#include "carnot/status.h"

namespace carnot {

struct DeviceInfo {
  std::string name;         ///< "cpu", "cuda:0": as BuilderOptions::device takes it
  std::string product;      ///< "NVIDIA H200"; empty for a CPU
  std::string description;  ///< what a build may know of it, in one line
  int compute = 0;          ///< of a GPU: its compute capability times ten, 90
  int64_t memory_bytes = 0;
  std::vector<std::string> features;  ///< of a CPU: "avx512", "vnni", "bf16" ...
};

/// Always there.
DeviceInfo cpu_device();
/// In the driver's order. Error: no driver, too old a one, or no GPU, in a sentence.
Result<std::vector<DeviceInfo>> gpu_devices();
/// The number of the GPU whose CUDA context this thread works in (cudaSetDevice()); 0 where it has
/// none.
int current_gpu();

}  // namespace carnot
