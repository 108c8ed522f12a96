#pragma once
// Memory: memory of the device, or of the host for it, that only grows, so that it is allocated
// while shapes are new and never again. Counted against the context's budget.
#include <algorithm>
#include <utility>

#include "base/budget.h"
#include "device/device.h"

namespace carnot {

class Memory {
 public:
  Memory() = default;
  Memory(Device& device, Budget& budget, bool host = false)
      : device_(&device), budget_(&budget), host_(host) {}
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Memory() { clear(); }

  void* data() const { return data_; }
  /// At least `bytes`; what was inside is lost when it grows.
  Status reserve(int64_t bytes) {
    if (bytes <= bytes_ && data_) return {};
    clear();
    const int64_t wanted = std::max<int64_t>(bytes, 64);
    CARNOT_RETURN_IF_ERROR(budget_->charge(wanted).with("the memory limit of this context"));
    Result<void*> memory = host_ ? device_->allocate_host(static_cast<size_t>(wanted))
                                 : device_->allocate(static_cast<size_t>(wanted));
    if (!memory.ok()) {
      budget_->release(wanted);
      return std::move(memory).status();
    }
    data_ = *memory;
    bytes_ = wanted;
    return {};
  }

 private:
  void clear() {
    if (!data_) return;
    host_ ? device_->release_host(data_) : device_->release(data_);
    budget_->release(bytes_);
    data_ = nullptr;
    bytes_ = 0;
  }
  void swap(Memory& other) {
    std::swap(device_, other.device_);
    std::swap(budget_, other.budget_);
    std::swap(host_, other.host_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  Device* device_ = nullptr;
  Budget* budget_ = nullptr;
  bool host_ = false;
  void* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace carnot
