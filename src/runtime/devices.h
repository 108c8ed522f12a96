#pragma once
// The process's devices: for the CPU one team of threads for each number of threads that Contexts
// ask for, so that engines side by side do not multiply threads; of GPUs each once.
#include <functional>
#include <string>
#include <utility>

#include "device/cuda/cuda.h"

namespace carnot {

/// How to make a device that is not there yet.
using MakeDevice = std::function<Result<std::unique_ptr<Device>>()>;

/// A device that is there as long as anybody holds a share of it.
class DeviceShare {
 public:
  DeviceShare() = default;
  DeviceShare(DeviceShare&& other) noexcept : key_(std::move(other.key_)) {
    device_ = std::exchange(other.device_, nullptr);
  }
  DeviceShare& operator=(DeviceShare&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(key_, other.key_);
    return *this;
  }
  ~DeviceShare();
  Device& device() const { return *device_; }

 private:
  friend Result<DeviceShare> share(std::string key, const MakeDevice& make);
  Device* device_ = nullptr;
  std::string key_;
};

/// 0 threads: all that the process may use. Thread-safe.
Result<DeviceShare> share_cpu_device(int threads);
Result<DeviceShare> share_gpu(GpuName name);
/// The GPU that "cuda:1" or "cuda" (the first) names.
Result<GpuName> parse_gpu(std::string_view name);
/// The first GPU that runs what was built for `target`; an error says what there is instead.
Result<int> find_gpu(const DeviceDescription& target);

}  // namespace carnot
