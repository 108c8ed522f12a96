#pragma once
// NVIDIA GPUs as devices, through the driver alone.
#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "device/device.h"

namespace carnot {

/// What "cuda" (the first), "cuda:1" and "cuda:1/plain" name.
struct GpuName {
  int index = 0;
  /// Each kernel is a launch of its own that waits for the one before: no CUDA graphs, no early
  /// starts. For tools that follow launches (compute-sanitizer).
  bool plain = false;
  auto operator<=>(const GpuName&) const = default;
};
/// Nothing: it is no such name.
std::optional<GpuName> parse_gpu_name(std::string_view text);

/// A GPU of this machine, for people.
struct GpuListing {
  DeviceDescription description;
  std::string name;
  int64_t memory_bytes = 0;
  int memory_clock_mhz = 0;
};

/// Error: no driver, too old a one, or no GPU, in a sentence.
Result<std::vector<GpuListing>> list_gpus();
/// A library that is opened at run time, and where it was found; empty: nowhere, and why.
struct GpuLibrary {
  std::string name, path, version, missing;
};
std::vector<GpuLibrary> gpu_libraries();
/// Tells a description which of NVIDIA's libraries this machine has: features "cublaslt-13.1.0" and
/// "cudnn-9.19.0". Their tactics are for those that have them.
void add_gpu_libraries(DeviceDescription& device);
/// "13.0": the CUDA version of the driver.
Result<std::string> gpu_driver_version();
Result<DeviceDescription> describe_gpu(int index);
/// Of the context that this thread works in; -1 where it has none.
int gpu_of_thread();
/// A typical GPU of a kind ("sm_80", "sm_90a"), to build for without having one.
Result<DeviceDescription> typical_gpu(std::string_view isa);
Result<std::unique_ptr<Device>> make_cuda_device(GpuName name);
inline Result<std::unique_ptr<Device>> make_cuda_device(int index) {
  return make_cuda_device(GpuName{index});
}

}  // namespace carnot
