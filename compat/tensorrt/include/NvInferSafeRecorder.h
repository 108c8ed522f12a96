// The safety runtime's messages and asynchronous errors. There is no safety runtime here: what
// would make an object of it reports through a recorder like this and fails.

#pragma once

#include "NvInferForwardDecl.h"

namespace nvinfer2 {
namespace safe {

using ErrorDesc = char const*;
using RefCount = int32_t;

enum class Severity : uint32_t {
  kINTERNAL_ERROR = 0,
  kERROR = 1,
  kWARNING = 2,
  kINFO = 3,
  kVERBOSE = 4,
  kDEBUG = 5,
};

namespace impl {
template <>
struct EnumMaxImpl<Severity> {
  static constexpr int32_t kVALUE = 6;
};
}  // namespace impl

/// A program's recorder: of errors, and of messages up to its severity. Called from any thread.
class ISafeRecorder : public IErrorRecorder {
 public:
  /// Bytes of a message, without the 0 at its end.
  static constexpr size_t kMAX_SAFE_DESC_LENGTH{4095U};

  ISafeRecorder(Severity severity = Severity::kERROR, int32_t id = -1)
      : IErrorRecorder(), mSeverity(severity), mId(id) {}
  ISafeRecorder(ISafeRecorder const&) = delete;
  ISafeRecorder(ISafeRecorder&&) = delete;
  ISafeRecorder& operator=(ISafeRecorder const&) & = delete;
  ISafeRecorder& operator=(ISafeRecorder&&) & = delete;
  ~ISafeRecorder() noexcept override = default;

  virtual void setSeverity(Severity severity) noexcept { mSeverity = severity; }
  virtual Severity getSeverity() const noexcept { return mSeverity; }
  virtual int32_t getId() const noexcept { return mId; }
  virtual bool reportWarn(ErrorDesc /*text*/) noexcept { return false; }
  virtual bool reportDebug(ErrorDesc /*text*/) noexcept { return false; }
  virtual bool reportInfo(ErrorDesc /*text*/) noexcept { return false; }
  virtual bool reportVerbose(ErrorDesc /*text*/) noexcept { return false; }

 protected:
  Severity mSeverity;
  int32_t const mId;
};

/// Bits of RuntimeErrorInformation::bitMask.
enum class RuntimeErrorType : uint64_t {
  kNAN_CONSUMED = 1ULL << 0,
  kINF_CONSUMED = 1ULL << 1,
  kGATHER_OOB = 1ULL << 2,
  kSCATTER_OOB = 1ULL << 3,
  kSCATTER_RACE = 1ULL << 4,
  kDIV_ZERO = 1ULL << 5,
};

/// What kernels met while they ran.
struct RuntimeErrorInformation {
  uint64_t bitMask{0ULL};
};

}  // namespace safe
}  // namespace nvinfer2
