#include "device_memory.h"

#include <memory>

#include "report.h"

namespace trt {

carnot::Result<void*> AllocatorMemory::allocate(size_t bytes, size_t alignment) {
  void* const memory = allocator_->allocateAsync(bytes, alignment, 0, stream_);
  if (memory && reinterpret_cast<uintptr_t>(memory) % alignment == 0) return memory;
  if (memory) release(memory);
  const std::string gave =
      memory ? cat("an address that is no multiple of ", alignment) : "nothing";
  return carnot::Status(carnot::Code::kOutOfMemory,
                        cat("the program's allocator gave ", gave, " for ", bytes, " bytes"));
}

carnot::Result<void*> BlockMemory::allocate(size_t bytes, size_t alignment) {
  void* at = static_cast<std::byte*>(block_) + used_;
  size_t left = bytes_ - used_;
  if (!block_ || !std::align(alignment, bytes, at, left)) return static_cast<void*>(nullptr);
  used_ = bytes_ - left + bytes;
  return at;
}

}  // namespace trt
