// Types that every other header needs: element types, dimensions, versions of interfaces,
// errors.

#pragma once

#include <cstddef>
#include <cstdint>

#include "NvInferVersion.h"

// CUDA's header where there is one, since programs expect it from here, and its two handles.
#if defined(__has_include) && !defined(CARNOT_TENSORRT_WITHOUT_CUDA)
#if __has_include(<cuda_runtime_api.h>)
#include <cuda_runtime_api.h>
#endif
#endif
typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;

struct cublasContext;
struct cudnnContext;

// Every call of every version is supported, so none is marked as deprecated.
#define TRT_DEPRECATED
#define TRT_DEPRECATED_BECAUSE(REASON)
#define TRT_DEPRECATED_ENUM
#define TRT_DEPRECATED_API __attribute__((visibility("default")))
#define TRTNOEXCEPT

#if __cplusplus >= 201703L
#define TRT_NODISCARD [[nodiscard]]
#else
#define TRT_NODISCARD
#endif
#define TRT_NODISCARD_BECAUSE(REASON) TRT_NODISCARD

// Defined while the libraries themselves are compiled.
#ifdef TENSORRT_BUILD_LIB
#define TENSORRTAPI __attribute__((visibility("default")))
#else
#define TENSORRTAPI
#endif

#if CARNOT_TENSORRT_SOURCE < 10
#define NV_TENSORRT_VERSION_INT(major, minor, patch) ((major)*1000L + (minor)*100L + (patch)*1L)
#else
#define NV_TENSORRT_VERSION_INT(major, minor, patch) ((major)*10000L + (minor)*100L + (patch)*1L)
#endif
#define NV_TENSORRT_VERSION \
  NV_TENSORRT_VERSION_INT(NV_TENSORRT_MAJOR, NV_TENSORRT_MINOR, NV_TENSORRT_PATCH)

namespace nvinfer1 {

using char_t = char;
using AsciiChar = char_t;

namespace v_1_0 {
class IErrorRecorder;
}  // namespace v_1_0
using IErrorRecorder = v_1_0::IErrorRecorder;

namespace impl {
/// The number of values of an enumeration, as `kVALUE`; specialized for each.
template <typename T>
struct EnumMaxImpl;

/// What the libraries are told that a program was compiled for.
constexpr int32_t kInterfaceVersion =
    TRT_MAJOR_ENTERPRISE * 10000 + TRT_MINOR_ENTERPRISE * 100 + TRT_PATCH_ENTERPRISE;
}  // namespace impl

/// The number of values of enumeration T: one more than the greatest.
template <typename T>
constexpr int32_t EnumMax() noexcept {
  return impl::EnumMaxImpl<T>::kVALUE;
}

}  // namespace nvinfer1

namespace nvinfer1 {

/// Types of elements.
enum class DataType : int32_t {
  kFLOAT = 0,
  kHALF = 1,
  kINT8 = 2,
  kINT32 = 3,
  kBOOL = 4,
  kUINT8 = 5,
  kFP8 = 6,  ///< 4 bits of exponent, 3 of mantissa
  kBF16 = 7,
  kINT64 = 8,
  kINT4 = 9,   ///< two a byte, the first in the low bits
  kFP4 = 10,   ///< 2 bits of exponent, 1 of mantissa, two a byte
  kE8M0 = 11,  ///< a power of two; scales only
};
namespace impl {
template <>
struct EnumMaxImpl<DataType> {
  static constexpr int32_t kVALUE = 12;
};
}  // namespace impl

#if CARNOT_TENSORRT_SOURCE < 10
class Dims32;
#endif

/// A shape: nbDims sizes, -1 for dynamic ones. nbDims is -1 where there is no shape.
class Dims64 {
 public:
  static constexpr int32_t MAX_DIMS{8};
  int32_t nbDims;
  int64_t d[MAX_DIMS];
#if CARNOT_TENSORRT_SOURCE < 10
  operator Dims32() const noexcept;
#endif
};

#if CARNOT_TENSORRT_SOURCE < 10
#if CARNOT_TENSORRT_SOURCE < 8
/// What an axis is for. Nothing reads it.
enum class DimensionType : int32_t {
  kSPATIAL = 0,
  kCHANNEL = 1,
  kINDEX = 2,
  kSEQUENCE = 3,
};
namespace impl {
template <>
struct EnumMaxImpl<DimensionType> {
  static constexpr int32_t kVALUE = 4;
};
}  // namespace impl
#endif

/// A shape as sources of versions 5 to 9 know it. Libraries take and give Dims64: the two convert
/// where a call needs it.
class Dims32 {
 public:
  static constexpr int32_t MAX_DIMS{8};
  int32_t nbDims;
  int32_t d[MAX_DIMS];
#if CARNOT_TENSORRT_SOURCE < 8
  DimensionType type[MAX_DIMS];
#endif
  operator Dims64() const noexcept {
    Dims64 wide{nbDims, {}};
    for (int32_t i = 0; i < MAX_DIMS; ++i) wide.d[i] = d[i];
    return wide;
  }
};

/// Sizes that need more than 32 bits become the greatest that fit.
inline Dims64::operator Dims32() const noexcept {
  Dims32 narrow{};
  narrow.nbDims = nbDims;
  for (int32_t i = 0; i < nbDims && i < MAX_DIMS; ++i) {
    narrow.d[i] = d[i] > INT32_MAX ? INT32_MAX : static_cast<int32_t>(d[i]);
  }
  return narrow;
}

using Dims = Dims32;
namespace impl {
using Size = int32_t;
}  // namespace impl
#else
using Dims = Dims64;
namespace impl {
/// A size of Dims.
using Size = int64_t;
}  // namespace impl
#endif

/// The name of an interface.
using InterfaceKind = char const*;

/// Which interface an object has, and its version.
class InterfaceInfo {
 public:
  InterfaceKind kind;
  int32_t major;
  int32_t minor;
};

/// In which language a program implements an interface.
enum class APILanguage : int32_t {
  kCPP = 0,
  kPYTHON = 1,
};
namespace impl {
template <>
struct EnumMaxImpl<APILanguage> {
  static constexpr int32_t kVALUE = 2;
};
}  // namespace impl

/// Base of interfaces that programs implement, so that libraries know their version.
class IVersionedInterface {
 public:
  virtual APILanguage getAPILanguage() const noexcept { return APILanguage::kCPP; }
  virtual InterfaceInfo getInterfaceInfo() const noexcept = 0;
  virtual ~IVersionedInterface() noexcept = default;

 protected:
  IVersionedInterface() = default;
  IVersionedInterface(IVersionedInterface const&) = default;
  IVersionedInterface(IVersionedInterface&&) = default;
  IVersionedInterface& operator=(IVersionedInterface const&) & = default;
  IVersionedInterface& operator=(IVersionedInterface&&) & = default;
};

/// Kinds of errors.
enum class ErrorCode : int32_t {
  kSUCCESS = 0,
  kUNSPECIFIED_ERROR = 1,
  kINTERNAL_ERROR = 2,
  kINVALID_ARGUMENT = 3,
  kINVALID_CONFIG = 4,
  kFAILED_ALLOCATION = 5,
  kFAILED_INITIALIZATION = 6,
  kFAILED_EXECUTION = 7,
  kFAILED_COMPUTATION = 8,
  kINVALID_STATE = 9,
  kUNSUPPORTED_STATE = 10,
};
namespace impl {
template <>
struct EnumMaxImpl<ErrorCode> {
  static constexpr int32_t kVALUE = 11;
};
}  // namespace impl

namespace v_1_0 {

/// Keeps errors for the program, which implements it. Called from any thread.
class IErrorRecorder : public IVersionedInterface {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IErrorRecorder", 1, 0};
  }
  using ErrorDesc = char const*;
  static constexpr size_t kMAX_DESC_LENGTH{127U};
  using RefCount = int32_t;
  IErrorRecorder() = default;
  ~IErrorRecorder() noexcept override = default;
  virtual int32_t getNbErrors() const = 0;
  virtual ErrorCode getErrorCode(int32_t errorIdx) const = 0;

  /// Lives until clear().
  virtual ErrorDesc getErrorDesc(int32_t errorIdx) const = 0;

  /// Whether errors were dropped for want of space.
  virtual bool hasOverflowed() const = 0;
  virtual void clear() = 0;

  /// Whether the error is fatal.
  virtual bool reportError(ErrorCode val, ErrorDesc desc) = 0;

  /// Called when an object begins to use it.
  virtual RefCount incRefCount() = 0;

  /// Called when an object ceases to use it.
  virtual RefCount decRefCount() = 0;

 protected:
  IErrorRecorder(IErrorRecorder const&) = default;
  IErrorRecorder(IErrorRecorder&&) = default;
  IErrorRecorder& operator=(IErrorRecorder const&) & = default;
  IErrorRecorder& operator=(IErrorRecorder&&) & = default;
};
}  // namespace v_1_0

using IErrorRecorder = v_1_0::IErrorRecorder;

/// What a tensor is to an engine.
enum class TensorIOMode : int32_t {
  kNONE = 0,
  kINPUT = 1,
  kOUTPUT = 2,
};
namespace impl {
template <>
struct EnumMaxImpl<TensorIOMode> {
  static constexpr int32_t kVALUE = 3;
};
}  // namespace impl

}  // namespace nvinfer1

/// The version of the library that was loaded: 10000 major + 100 minor + patch.
extern "C" TENSORRTAPI int32_t getInferLibVersion() noexcept;
