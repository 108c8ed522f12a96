#pragma once
// Memory: memory of the device, or of the host for it, that only grows, so that it is allocated
// while shapes are new and never again. Counted against the context's budget.
#include <algorithm>
#include <utility>

#include "base/budget.h"
#include "carnot/context.h"
#include "device/device.h"

namespace carnot {

class Memory {
 public:
  static constexpr int64_t kBytesMin = 64;

  Memory() = default;
  Memory(Device& device, Budget& budget, bool host = false)
      : device_(&device), budget_(&budget), host_(host) {}
  /// Of the device; from the source that is there when it is taken, if any.
  Memory(Device& device, Budget& budget, MemorySource* const& source)
      : device_(&device), budget_(&budget), source_(&source) {}
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
    const int64_t wanted = std::max(bytes, kBytesMin);
    CARNOT_RETURN_IF_ERROR(budget_->charge(wanted).with("the memory limit of this context"));
    Result<void*> memory = allocate(static_cast<size_t>(wanted));
    if (!memory.ok()) {
      budget_->release(wanted);
      return std::move(memory).status();
    }
    data_ = *memory;
    bytes_ = wanted;
    return {};
  }

  void clear() {
    if (!data_) return;
    if (from_) {
      from_->release(data_);
    } else {
      host_ ? device_->release_host(data_) : device_->release(data_);
    }
    budget_->release(bytes_);
    data_ = nullptr;
    bytes_ = 0;
  }

 private:
  Result<void*> allocate(size_t bytes) {
    from_ = source_ ? *source_ : nullptr;
    if (from_) {
      CARNOT_ASSIGN(void* const memory,
                    from_->allocate(bytes, static_cast<size_t>(device_->alignment())));
      if (memory) return memory;
      from_ = nullptr;
    }
    return host_ ? device_->allocate_host(bytes) : device_->allocate(bytes);
  }
  void swap(Memory& other) {
    std::swap(device_, other.device_);
    std::swap(budget_, other.budget_);
    std::swap(host_, other.host_);
    std::swap(source_, other.source_);
    std::swap(from_, other.from_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  Device* device_ = nullptr;
  Budget* budget_ = nullptr;
  bool host_ = false;
  MemorySource* const* source_ = nullptr;
  MemorySource* from_ = nullptr;  ///< whom `data_` goes back to; null: the device
  void* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace carnot
