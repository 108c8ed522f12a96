// Small types of the runtime, and the interfaces that a program implements for it: logger,
// profiler, allocators, streams.

#pragma once

#include "NvInferImpl.h"

namespace nvinfer1 {

class INoCopy {
 protected:
  INoCopy() = default;
  virtual ~INoCopy() = default;
  INoCopy(INoCopy const& other) = delete;
  INoCopy& operator=(INoCopy const& other) = delete;
  INoCopy(INoCopy&& other) = delete;
  INoCopy& operator=(INoCopy&& other) = delete;
};

enum class EngineCapability : int32_t {
  kSTANDARD = 0,
  kSAFETY = 1,
  kDLA_STANDALONE = 2,
  // Names of other versions.
  kDEFAULT = kSTANDARD,
  kSAFE_GPU = kSAFETY,
  kSAFE_DLA = kDLA_STANDALONE,
};

class Weights {
 public:
  DataType type;
  void const* values;
  int64_t count;
};

class IHostMemory : public INoCopy {
 public:
  virtual ~IHostMemory() noexcept = default;

  void* data() const noexcept { return mImpl->data(); }

  std::size_t size() const noexcept { return mImpl->size(); }

  DataType type() const noexcept { return mImpl->type(); }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }

 protected:
  apiv::VHostMemory* mImpl;
};

enum class TensorLocation : int32_t {
  kDEVICE = 0,
  kHOST = 1,
};

enum class WeightsRole : int32_t {
  kKERNEL = 0,
  kBIAS = 1,
  kSHIFT = 2,
  kSCALE = 3,
  kCONSTANT = 4,
  kANY = 5,
};

enum class DeviceType : int32_t {
  kGPU = 0,
  kDLA = 1,
};

enum class TempfileControlFlag : int32_t {
  kALLOW_IN_MEMORY_FILES = 0,
  kALLOW_TEMPORARY_FILES = 1,
};

enum class TensorFormat : int32_t {
  kLINEAR = 0,
  kCHW2 = 1,
  kHWC8 = 2,
  kCHW4 = 3,
  kCHW16 = 4,
  kCHW32 = 5,
  kDHWC8 = 6,
  kCDHW32 = 7,
  kHWC = 8,
  kDLA_LINEAR = 9,
  kDLA_HWC4 = 10,
  kHWC16 = 11,
  kDHWC = 12,
  // Names of other versions.
  kNCHW = kLINEAR,
  kNC2HW2 = kCHW2,
  kNHWC8 = kHWC8,
};

enum class AllocatorFlag : int32_t {
  kRESIZABLE = 0,
};

using AllocatorFlags = uint32_t;

class ILogger {
 public:
  enum class Severity : int32_t {
    kINTERNAL_ERROR = 0,
    kERROR = 1,
    kWARNING = 2,
    kINFO = 3,
    kVERBOSE = 4,
  };

  virtual void log(Severity severity, AsciiChar const* msg) = 0;
  ILogger() = default;
  virtual ~ILogger() = default;

 protected:
  ILogger(ILogger const&) = default;
  ILogger(ILogger&&) = default;
  ILogger& operator=(ILogger const&) & = default;
  ILogger& operator=(ILogger&&) & = default;
};
namespace impl {
template <>
struct EnumMaxImpl<ILogger::Severity> {
  static constexpr int32_t kVALUE = 5;
};
}  // namespace impl

class ILoggerFinder {
 public:
  virtual ILogger* findLogger() = 0;

 protected:
  virtual ~ILoggerFinder() = default;
};

namespace v_1_0 {

class IProfiler {
 public:
  virtual void reportLayerTime(char const* layerName, float ms) = 0;
  virtual ~IProfiler() {}
};
}  // namespace v_1_0

using IProfiler = v_1_0::IProfiler;

namespace v_1_0 {

class IGpuAllocator : public IVersionedInterface {
 public:
  virtual void* allocate(uint64_t const size, uint64_t const alignment,
                         AllocatorFlags const flags) = 0;
  ~IGpuAllocator() override = default;
  IGpuAllocator() = default;

  virtual void* reallocate(void* const, uint64_t, uint64_t) { return nullptr; }

  virtual bool deallocate(void* const memory) {
    free(memory);
    return true;
  }

  virtual void* allocateAsync(uint64_t const size, uint64_t const alignment,
                              AllocatorFlags const flags, cudaStream_t) {
    return allocate(size, alignment, flags);
  }

  virtual bool deallocateAsync(void* const memory, cudaStream_t) { return deallocate(memory); }

  InterfaceInfo getInterfaceInfo() const noexcept override { return {"IGpuAllocator", 1, 0}; }

  // Calls of other versions: members that no table holds.
  /// What deallocate() calls unless it is overridden: the name of versions 5 to 9. It lies behind
  /// all entries that the library calls.
  virtual void free(void* const /*memory*/) {}

 protected:
  IGpuAllocator(IGpuAllocator const&) = default;
  IGpuAllocator(IGpuAllocator&&) = default;
  IGpuAllocator& operator=(IGpuAllocator const&) & = default;
  IGpuAllocator& operator=(IGpuAllocator&&) & = default;
};
}  // namespace v_1_0

using IGpuAllocator = v_1_0::IGpuAllocator;

namespace v_1_0 {

class IGpuAsyncAllocator : public IGpuAllocator {
 public:
  IGpuAsyncAllocator() = default;
  ~IGpuAsyncAllocator() override = default;

  void* allocateAsync(uint64_t const size, uint64_t const alignment, AllocatorFlags const flags,
                      cudaStream_t) noexcept override = 0;

  bool deallocateAsync(void* const memory, cudaStream_t) noexcept override = 0;

  void* allocate(uint64_t const size, uint64_t const alignment,
                 AllocatorFlags const flags) noexcept override {
    return allocateAsync(size, alignment, flags, nullptr);
  }

  bool deallocate(void* const memory) noexcept override { return deallocateAsync(memory, nullptr); }

  InterfaceInfo getInterfaceInfo() const noexcept override { return {"IGpuAllocator", 1, 0}; }
};
}  // namespace v_1_0

using IGpuAsyncAllocator = v_1_0::IGpuAsyncAllocator;

namespace v_1_0 {

class IStreamReader : public IVersionedInterface {
 public:
  ~IStreamReader() override = default;
  IStreamReader() = default;

  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IStreamReader", 1, 0};
  }

  virtual int64_t read(void* destination, int64_t nbBytes) = 0;

 protected:
  IStreamReader(IStreamReader const&) = default;
  IStreamReader(IStreamReader&&) = default;
  IStreamReader& operator=(IStreamReader const&) & = default;
  IStreamReader& operator=(IStreamReader&&) & = default;
};
}  // namespace v_1_0

using IStreamReader = v_1_0::IStreamReader;

namespace v_1_0 {

class IStreamWriter : public IVersionedInterface {
 public:
  ~IStreamWriter() override = default;
  IStreamWriter() = default;

  InterfaceInfo getInterfaceInfo() const noexcept final {
    return InterfaceInfo{"IStreamWriter", 1, 0};
  }

  virtual int64_t write(void const* data, int64_t nbBytes) = 0;

 protected:
  IStreamWriter(IStreamWriter const&) = default;
  IStreamWriter(IStreamWriter&&) = default;
  IStreamWriter& operator=(IStreamWriter const&) & = default;
  IStreamWriter& operator=(IStreamWriter&&) & = default;
};
}  // namespace v_1_0

using IStreamWriter = v_1_0::IStreamWriter;

enum class SeekPosition : int32_t {
  kSET = 0,
  kCUR = 1,
  kEND = 2,
};

namespace v_1_0 {

class IStreamReaderV2 : public IVersionedInterface {
 public:
  ~IStreamReaderV2() override = default;
  IStreamReaderV2() = default;

  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IStreamReaderV2", 1, 0};
  }

  virtual int64_t read(void* destination, int64_t nbBytes, cudaStream_t stream) noexcept = 0;

  virtual bool seek(int64_t offset, SeekPosition where) noexcept = 0;

 protected:
  IStreamReaderV2(IStreamReaderV2 const&) = default;
  IStreamReaderV2(IStreamReaderV2&&) = default;
  IStreamReaderV2& operator=(IStreamReaderV2 const&) & = default;
  IStreamReaderV2& operator=(IStreamReaderV2&&) & = default;
};
}  // namespace v_1_0

using IStreamReaderV2 = v_1_0::IStreamReaderV2;

}  // namespace nvinfer1
