#pragma once
// The process's CPU devices: one team of threads for each number of threads that Contexts ask for,
// so that engines side by side do not multiply threads.
#include <utility>

#include "device/device.h"

namespace carnot {

/// A device that is there as long as anybody holds a share of it.
class DeviceShare {
 public:
  DeviceShare() = default;
  DeviceShare(DeviceShare&& other) noexcept : threads_(std::exchange(other.threads_, 0)) {
    device_ = std::exchange(other.device_, nullptr);
  }
  DeviceShare& operator=(DeviceShare&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(threads_, other.threads_);
    return *this;
  }
  ~DeviceShare();
  Device& device() const { return *device_; }

 private:
  friend Result<DeviceShare> share_cpu_device(int threads);
  Device* device_ = nullptr;
  int threads_ = 0;
};

/// 0 threads: all that the process may use. Thread-safe.
Result<DeviceShare> share_cpu_device(int threads);

}  // namespace carnot
