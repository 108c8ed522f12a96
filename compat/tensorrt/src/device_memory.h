#pragma once
// Where an engine's memory comes from when the program brings it: its allocator, or one block.
#include "NvInfer.h"
#include "carnot/context.h"

namespace trt {

/// An IGpuAllocator's memory.
class AllocatorMemory final : public carnot::MemorySource {
 public:
  explicit AllocatorMemory(nvinfer1::IGpuAllocator* allocator) : allocator_(allocator) {}
  carnot::Result<void*> allocate(size_t bytes, size_t alignment) override;
  void release(void* memory) override { allocator_->deallocateAsync(memory, stream_); }

  nvinfer1::IGpuAllocator* allocator() const { return allocator_; }
  /// Whose order the allocator's calls are in.
  void set_stream(cudaStream_t stream) { stream_ = stream; }

 private:
  nvinfer1::IGpuAllocator* allocator_;
  cudaStream_t stream_ = nullptr;
};

/// A block that the program owns, given out from its beginning on; what does not fit is left to the
/// device.
class BlockMemory final : public carnot::MemorySource {
 public:
  carnot::Result<void*> allocate(size_t bytes, size_t alignment) override;
  void release(void*) override {}

  void reset(void* block, size_t bytes) { block_ = block, bytes_ = bytes, used_ = 0; }
  void reset() { used_ = 0; }
  void* block() const { return block_; }
  size_t bytes() const { return bytes_; }

 private:
  void* block_ = nullptr;
  size_t bytes_ = 0, used_ = 0;
};

}  // namespace trt
