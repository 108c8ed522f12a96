// Small types of the runtime, and the interfaces that a program implements for it: logger,
// profiler, allocators, streams.

#pragma once

#include "NvInferImpl.h"

namespace nvinfer1 {

/// Base of what the library makes: neither copied nor moved.
class INoCopy {
 protected:
  INoCopy() = default;
  virtual ~INoCopy() = default;
  INoCopy(INoCopy const& other) = delete;
  INoCopy& operator=(INoCopy const& other) = delete;
  INoCopy(INoCopy&& other) = delete;
  INoCopy& operator=(INoCopy&& other) = delete;
};

/// What an engine may be restricted to. There is nothing but kSTANDARD here.
enum class EngineCapability : int32_t {
  kSTANDARD = 0,
  kSAFETY = 1,
  kDLA_STANDALONE = 2,
  // Names of other versions.
  kDEFAULT = kSTANDARD,
  kSAFE_GPU = kSAFETY,
  kSAFE_DLA = kDLA_STANDALONE,
};

/// Elements of a network that the program owns until the engine is built.
class Weights {
 public:
  DataType type;
  /// Row-major; null for none.
  void const* values;
  /// Elements, not bytes.
  int64_t count;
};

// Programs of version 7 derive from IHostMemory. For them, and so for the libraries, its functions
// are virtual, behind the entries that programs of version 10 know.
#if defined(TENSORRT_BUILD_LIB) || CARNOT_TENSORRT_SOURCE < 8
#define CARNOT_TRT_VIRTUAL virtual
#else
#define CARNOT_TRT_VIRTUAL
#endif

/// A block of bytes that the library owns: an engine file, a cache.
class IHostMemory : public INoCopy {
 public:
  virtual ~IHostMemory() noexcept = default;
  CARNOT_TRT_VIRTUAL void* data() const noexcept { return mImpl->data(); }

  /// Bytes.
  CARNOT_TRT_VIRTUAL std::size_t size() const noexcept { return mImpl->size(); }

  /// kINT8 for engines and caches.
  CARNOT_TRT_VIRTUAL DataType type() const noexcept { return mImpl->type(); }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  CARNOT_TRT_VIRTUAL void destroy() noexcept { delete this; }

 protected:
  apiv::VHostMemory* mImpl;
};
#undef CARNOT_TRT_VIRTUAL

/// Where a tensor's elements lie.
enum class TensorLocation : int32_t {
  kDEVICE = 0,
  kHOST = 1,
};

/// Which weights of a layer are meant, for refitting by layer.
enum class WeightsRole : int32_t {
  kKERNEL = 0,
  kBIAS = 1,
  kSHIFT = 2,
  kSCALE = 3,
  kCONSTANT = 4,
  kANY = 5,
};

/// Where a layer runs. There is no DLA here.
enum class DeviceType : int32_t {
  kGPU = 0,
  kDLA = 1,
};

/// How a runtime may write code to files. Accepted, without effect.
enum class TempfileControlFlag : int32_t {
  kALLOW_IN_MEMORY_FILES = 0,
  kALLOW_TEMPORARY_FILES = 1,
};

/// How a tensor's elements lie in memory. I/O tensors are kLINEAR here.
enum class TensorFormat : int32_t {
  kLINEAR = 0,  ///< Row-major.
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

/// What an allocation will be used for.
enum class AllocatorFlag : int32_t {
  kRESIZABLE = 0,  ///< reallocate() may be called on it.
};

/// A bit for each AllocatorFlag.
using AllocatorFlags = uint32_t;

/// Takes the messages of the library. Implemented by the program; called from any thread.
class ILogger {
 public:
  enum class Severity : int32_t {
    kINTERNAL_ERROR = 0,
    kERROR = 1,
    kWARNING = 2,
    kINFO = 3,
    kVERBOSE = 4,
  };

  /// `msg` lives for the call only. A lesser severity is a graver one.
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

/// How a library of plugins finds the logger of the program that loads it.
class ILoggerFinder {
 public:
  virtual ILogger* findLogger() = 0;

 protected:
  virtual ~ILoggerFinder() = default;
};

namespace v_1_0 {

/// Is told how long each layer took. Implemented by the program.
class IProfiler {
 public:
  /// Called for each layer in order of execution; `ms` is in milliseconds.
  virtual void reportLayerTime(char const* layerName, float ms) = 0;
  virtual ~IProfiler() {}
};
}  // namespace v_1_0

using IProfiler = v_1_0::IProfiler;

namespace v_1_0 {

/// Gives and takes back device memory; on the CPU, host memory. Implemented by the program,
/// called from any thread.
class IGpuAllocator : public IVersionedInterface {
 public:
  /// `size` bytes at a multiple of `alignment`, a power of two or 0; null when there are none.
  virtual void* allocate(uint64_t const size, uint64_t const alignment,
                         AllocatorFlags const flags) = 0;
  ~IGpuAllocator() override = default;
  IGpuAllocator() = default;

  /// The same allocation with at least newSize bytes and its contents kept; null where it cannot
  /// be.
  virtual void* reallocate(void* const, uint64_t, uint64_t) { return nullptr; }

  /// Takes back what allocate() gave. False when it was not given.
  virtual bool deallocate(void* const memory) {
    free(memory);
    return true;
  }

  /// As allocate(), usable by work that is queued on the stream afterwards.
  virtual void* allocateAsync(uint64_t const size, uint64_t const alignment,
                              AllocatorFlags const flags, cudaStream_t) {
    return allocate(size, alignment, flags);
  }

  /// As deallocate(), when the work queued on the stream is done.
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

/// An allocator whose calls are ordered by streams.
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

/// Gives the bytes of an engine file in order. Implemented by the program.
class IStreamReader : public IVersionedInterface {
 public:
  ~IStreamReader() override = default;
  IStreamReader() = default;
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IStreamReader", 1, 0};
  }

  /// Writes up to nbBytes to host memory; returns how many, less than nbBytes at the end only.
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

/// Takes the bytes of an engine file in order. Implemented by the program.
class IStreamWriter : public IVersionedInterface {
 public:
  ~IStreamWriter() override = default;
  IStreamWriter() = default;
  InterfaceInfo getInterfaceInfo() const noexcept final {
    return InterfaceInfo{"IStreamWriter", 1, 0};
  }

  /// Returns how many bytes it took; fewer than nbBytes is an error.
  virtual int64_t write(void const* data, int64_t nbBytes) = 0;

 protected:
  IStreamWriter(IStreamWriter const&) = default;
  IStreamWriter(IStreamWriter&&) = default;
  IStreamWriter& operator=(IStreamWriter const&) & = default;
  IStreamWriter& operator=(IStreamWriter&&) & = default;
};
}  // namespace v_1_0

using IStreamWriter = v_1_0::IStreamWriter;

/// What an offset counts from.
enum class SeekPosition : int32_t {
  kSET = 0,
  kCUR = 1,
  kEND = 2,
};

namespace v_1_0 {

/// Gives the bytes of an engine file in any order. Implemented by the program.
class IStreamReaderV2 : public IVersionedInterface {
 public:
  ~IStreamReaderV2() override = default;
  IStreamReaderV2() = default;
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IStreamReaderV2", 1, 0};
  }

  /// Writes up to nbBytes from the position on, which advances; returns how many.
  virtual int64_t read(void* destination, int64_t nbBytes, cudaStream_t stream) noexcept = 0;

  /// Moves the position. False when it cannot.
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
