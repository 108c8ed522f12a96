// The safety runtime since version 10.8: typed addresses, descriptions of tensors, ITRTGraph. What
// makes a graph fails and says what to use.

#pragma once

#include "NvInferSafePlugin.h"
#if defined(__has_include) && !defined(CARNOT_TENSORRT_WITHOUT_CUDA)
#if __has_include(<cuda_fp16.h>)
#include <cuda_fp16.h>
#endif
#endif

struct __half;

namespace nvinfer2 {
namespace safe {

using half_t = __half;

/// An address with the type of what lies there and its bytes. It owns nothing.
class TypedArray {
 public:
  TypedArray() noexcept = default;
  TypedArray(TypedArray const&) = default;
  TypedArray(TypedArray&&) = default;
  TypedArray& operator=(TypedArray const&) & = default;
  TypedArray& operator=(TypedArray&&) & = default;
  ~TypedArray() noexcept = default;
  TypedArray(float* data, uint64_t const bytes) noexcept
      : TypedArray(DataType::kFLOAT, data, bytes) {}
  TypedArray(half_t* data, uint64_t const bytes) noexcept
      : TypedArray(DataType::kHALF, data, bytes) {}
  TypedArray(int64_t* data, uint64_t const bytes) noexcept
      : TypedArray(DataType::kINT64, data, bytes) {}
  TypedArray(int32_t* data, uint64_t const bytes) noexcept
      : TypedArray(DataType::kINT32, data, bytes) {}
  TypedArray(int8_t* data, uint64_t const bytes) noexcept
      : TypedArray(DataType::kINT8, data, bytes) {}
  TypedArray(uint8_t* data, uint64_t const bytes) noexcept
      : TypedArray(DataType::kUINT8, data, bytes) {}
  TypedArray(bool* data, uint64_t const bytes) noexcept
      : TypedArray(DataType::kBOOL, data, bytes) {}

  DataType getType() const noexcept { return mType; }
  /// Null where the type is another, as of the following ones.
  float* getFloat() const noexcept { return as<float>(DataType::kFLOAT); }
  half_t* getHalf() const noexcept { return as<half_t>(DataType::kHALF); }
  int64_t* getInt64() const noexcept { return as<int64_t>(DataType::kINT64); }
  int32_t* getInt32() const noexcept { return as<int32_t>(DataType::kINT32); }
  int8_t* getInt8() const noexcept { return as<int8_t>(DataType::kINT8); }
  uint8_t* getUint8() const noexcept { return as<uint8_t>(DataType::kUINT8); }
  bool* getBool() const noexcept { return as<bool>(DataType::kBOOL); }
  uint64_t getSize() const noexcept { return mBytes; }
  void* getData() const noexcept { return mData; }

 private:
  TypedArray(DataType const type, void* const data, uint64_t const bytes) noexcept
      : mType(type), mData(data), mBytes(bytes) {}
  template <typename T>
  T* as(DataType const type) const noexcept {
    return mType == type ? static_cast<T*>(mData) : nullptr;
  }

  DataType mType{DataType::kFLOAT};
  void* mData{nullptr};
  uint64_t mBytes{0U};
};

/// The sizes of a tensor as it lies in memory: one more than Dims may have, for a split axis.
class PhysicalDims {
 public:
  static constexpr int32_t MAX_DIMS{9};
  int32_t nbDims;
  int64_t d[MAX_DIMS];
};

inline bool operator==(PhysicalDims const& a, PhysicalDims const& b) noexcept {
  if (a.nbDims != b.nbDims) {
    return false;
  }
  for (int32_t i = 0; i < a.nbDims; ++i) {
    if (a.d[i] != b.d[i]) {
      return false;
    }
  }
  return true;
}

inline bool operator!=(PhysicalDims const& a, PhysicalDims const& b) noexcept {
  return !(a == b);
}

namespace impl {
inline Dims unknownDims() noexcept {
  Dims dims{};
  dims.nbDims = -1;
  return dims;
}
}  // namespace impl

/// An input or output of a graph. `shape`, `stride` and `strideOrder` are as it lies in memory.
struct TensorDescriptor {
  AsciiChar const* tensorName{nullptr};
  PhysicalDims shape{-1, {}};
  PhysicalDims stride{-1, {}};
  DataType dataType{DataType::kFLOAT};
  uint64_t bytesPerComponent{0U};
  uint64_t componentsPerVector{1U};
  int64_t vectorizedDim{-1};
  uint64_t sizeInBytes{0U};
  TensorIOMode ioMode{TensorIOMode::kNONE};
  MemoryPlacement memPlacement{MemoryPlacement::kNONE};
  PhysicalDims strideOrder{-1, {}};
  Dims userShape = impl::unknownDims();
};

/// An engine and its context.
class ITRTGraph {
 public:
  ITRTGraph(ITRTGraph const&) = delete;
  ITRTGraph(ITRTGraph&&) = delete;
  ITRTGraph& operator=(ITRTGraph const&) & = delete;
  ITRTGraph& operator=(ITRTGraph&&) & = delete;
  virtual ~ITRTGraph() noexcept = default;
  virtual ErrorCode clone(ITRTGraph*& graph, ISafeRecorder& recorder) noexcept = 0;
  virtual ErrorCode getScratchMemorySize(size_t& size) const noexcept = 0;
  virtual ErrorCode getTRTManagedScratch(bool& flag) const noexcept = 0;
  virtual ErrorCode setScratchMemory(void* memory) noexcept = 0;
  virtual ErrorCode getScratchMemory(void*& memory) noexcept = 0;
  virtual ErrorCode getNbIOTensors(int64_t& nb) const noexcept = 0;
  virtual ErrorCode getIOTensorName(AsciiChar const*& name, size_t const index) const noexcept = 0;
  virtual ErrorCode getIOTensorDescriptor(TensorDescriptor& desc,
                                          AsciiChar const* const tensorName) const noexcept = 0;
  virtual ErrorCode getIOTensorDescriptor(TensorDescriptor& desc,
                                          int32_t const index) const noexcept = 0;
  virtual ErrorCode setIOTensorAddress(AsciiChar const* const tensorName,
                                       TypedArray const& tensor) noexcept = 0;
  virtual ErrorCode setIOTensorAddress(int32_t const index, TypedArray const& tensor) noexcept = 0;
  virtual ErrorCode getIOTensorAddress(AsciiChar const* const tensorName,
                                       TypedArray& tensor) noexcept = 0;
  virtual ErrorCode getIOTensorAddress(int32_t const index, TypedArray& tensor) noexcept = 0;
  virtual ErrorCode setInputConsumedEvent(cudaEvent_t event) noexcept = 0;
  virtual ErrorCode getInputConsumedEvent(cudaEvent_t& event) const noexcept = 0;
  virtual ErrorCode getErrorBuffer(RuntimeErrorInformation*& buffer) const noexcept = 0;
  virtual ErrorCode getSafeRecorder(ISafeRecorder*& recorder) const noexcept = 0;
  virtual ErrorCode getNbIOProfiles(int64_t& nb) const noexcept = 0;
  virtual ErrorCode setIOProfile(int64_t profileIndex) noexcept = 0;
  virtual ErrorCode getIOProfile(int64_t& profileIndex) const noexcept = 0;
  virtual ErrorCode getNbAuxStreams(int32_t& nbStreams) const noexcept = 0;
  virtual ErrorCode setAuxStreams(cudaStream_t* auxStreams, int32_t nbStreams) noexcept = 0;
  virtual ErrorCode executeAsync(cudaStream_t stream) noexcept = 0;
  virtual ErrorCode sync() noexcept = 0;

 protected:
  ITRTGraph() = default;
};

/// An error, and `graph` null.
extern "C" inline ErrorCode createTRTGraph(ITRTGraph*& graph, void const* /*buffer*/,
                                           int64_t /*bufferSize*/, ISafeRecorder& recorder,
                                           bool /*trtManagedScratch*/ = true,
                                           ISafeMemAllocator* /*allocator*/ = nullptr) noexcept {
  graph = nullptr;
  recorder.reportError(ErrorCode::kUNSUPPORTED_STATE,
                       "createTRTGraph: there is no safety runtime; build with "
                       "EngineCapability::kSTANDARD and load with nvinfer1::createInferRuntime()");
  return ErrorCode::kUNSUPPORTED_STATE;
}

/// An error unless `graph` is null: there is none to end.
extern "C" inline ErrorCode destroyTRTGraph(ITRTGraph*& graph) noexcept {
  return graph == nullptr ? ErrorCode::kSUCCESS : ErrorCode::kINVALID_ARGUMENT;
}

}  // namespace safe
}  // namespace nvinfer2
