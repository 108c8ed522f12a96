// The allocator that a program gives the safety runtime.

#pragma once

#include "NvInferSafeRecorder.h"

namespace nvinfer2 {
namespace safe {

/// Bytes that one allocation may have at most.
constexpr uint64_t kMAXIMUM_ALLOC_SIZE{17179869184U};

/// Where memory lies.
enum class MemoryPlacement : uint32_t {
  kNONE = 0x0,
  kMANAGED = 0x1,
  kGPU = 0x2,
  kCPU = 0x4,
  kCPU_PINNED = 0x80,
};

/// What memory is for.
enum class MemoryUsage : uint32_t {
  kGENERIC = 0x0,
  kIMMUTABLE = 0x3,
  kSCRATCH = 0x5,
  kIOTENSOR = 0x6,
};

/// Called from any thread.
class ISafeMemAllocator {
 public:
  /// Null when there is no such memory, or for 0 bytes.
  virtual void* allocate(uint64_t const size, uint64_t const alignment, MemoryPlacement const flags,
                         MemoryUsage const usage, ISafeRecorder& recorder) noexcept = 0;
  virtual ~ISafeMemAllocator() = default;
  ISafeMemAllocator() = default;
  virtual bool deallocate(void* const memory, MemoryPlacement const flags,
                          ISafeRecorder& recorder) noexcept = 0;

 protected:
  ISafeMemAllocator(ISafeMemAllocator const&) = default;
  ISafeMemAllocator(ISafeMemAllocator&&) = default;
  ISafeMemAllocator& operator=(ISafeMemAllocator const&) & = default;
  ISafeMemAllocator& operator=(ISafeMemAllocator&&) & = default;
};

}  // namespace safe
}  // namespace nvinfer2
