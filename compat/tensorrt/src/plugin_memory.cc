#include "plugin_memory.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace trt {

namespace {

class HostAllocator final : public nvinfer1::IGpuAllocator {
 public:
  void* allocate(uint64_t size, uint64_t alignment, nvinfer1::AllocatorFlags) noexcept override {
    const uint64_t aligned = std::max<uint64_t>(alignment, alignof(std::max_align_t));
    if (size == 0 || (aligned & (aligned - 1)) != 0 || size > UINT64_MAX - aligned) return nullptr;
    return std::aligned_alloc(aligned, (size + aligned - 1) / aligned * aligned);
  }
  bool deallocate(void* memory) noexcept override {
    std::free(memory);
    return true;
  }
};

/// The driver's own, whose addresses are multiples of 256.
class DriverAllocator final : public nvinfer1::IGpuAllocator {
 public:
  explicit DriverAllocator(void* driver)
      : allocate_(reinterpret_cast<Allocate>(dlsym(driver, "cuMemAlloc_v2"))),
        free_(reinterpret_cast<Free>(dlsym(driver, "cuMemFree_v2"))) {}
  void* allocate(uint64_t size, uint64_t alignment, nvinfer1::AllocatorFlags) noexcept override {
    uint64_t address = 0;
    if (!allocate_ || size == 0 || allocate_(&address, size) != 0) return nullptr;
    if (alignment <= 1 || address % alignment == 0) return reinterpret_cast<void*>(address);
    free_(address);
    return nullptr;
  }
  bool deallocate(void* memory) noexcept override {
    return !memory || (free_ && free_(reinterpret_cast<uint64_t>(memory)) == 0);
  }

 private:
  using Allocate = int (*)(uint64_t*, size_t);
  using Free = int (*)(uint64_t);
  Allocate allocate_;
  Free free_;
};

}  // namespace

nvinfer1::IGpuAllocator* plugin_memory(bool host) {
  static HostAllocator of_host;
  if (host) return &of_host;
  static void* const driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  static DriverAllocator of_driver(driver);
  return driver ? &of_driver : nullptr;
}

}  // namespace trt
