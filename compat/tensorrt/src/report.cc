#include "report.h"

namespace trt {

namespace {

const char* kind_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kSUCCESS:
      return "Success";
    case ErrorCode::kUNSPECIFIED_ERROR:
      return "Unspecified Error";
    case ErrorCode::kINTERNAL_ERROR:
      return "Internal Error";
    case ErrorCode::kINVALID_ARGUMENT:
      return "API Usage Error";
    case ErrorCode::kINVALID_CONFIG:
      return "Configuration Error";
    case ErrorCode::kFAILED_ALLOCATION:
      return "Allocation Failure";
    case ErrorCode::kFAILED_INITIALIZATION:
      return "Initialization Failure";
    case ErrorCode::kFAILED_EXECUTION:
      return "Execution Failure";
    case ErrorCode::kFAILED_COMPUTATION:
      return "Computation Failure";
    case ErrorCode::kINVALID_STATE:
      return "Invalid State";
    case ErrorCode::kUNSUPPORTED_STATE:
      return "Unsupported State";
  }
  return "Error";
}

}  // namespace

ErrorCode error_code(carnot::Code code) {
  switch (code) {
    case carnot::Code::kOk:
      return ErrorCode::kSUCCESS;
    case carnot::Code::kInvalidModel:
    case carnot::Code::kInvalidArgument:
      return ErrorCode::kINVALID_ARGUMENT;
    case carnot::Code::kUnsupported:
      return ErrorCode::kUNSUPPORTED_STATE;
    case carnot::Code::kResourceLimit:
    case carnot::Code::kOutOfMemory:
      return ErrorCode::kFAILED_ALLOCATION;
    case carnot::Code::kIo:
    case carnot::Code::kCorruptEngine:
    case carnot::Code::kVersionMismatch:
      return ErrorCode::kFAILED_INITIALIZATION;
    case carnot::Code::kCancelled:
      return ErrorCode::kINVALID_STATE;
    case carnot::Code::kWrongResult:
      return ErrorCode::kFAILED_COMPUTATION;
    case carnot::Code::kDevice:
      return ErrorCode::kFAILED_EXECUTION;
    case carnot::Code::kInternal:
      return ErrorCode::kINTERNAL_ERROR;
  }
  return ErrorCode::kUNSPECIFIED_ERROR;
}

void Reporter::set_recorder(IErrorRecorder* recorder) {
  if (recorder) recorder->incRefCount();
  if (recorder_) recorder_->decRefCount();
  recorder_ = recorder;
}

void Reporter::log(ILogger::Severity severity, const std::string& text) const {
  if (logger_) logger_->log(severity, text.c_str());
}

void Reporter::error(ErrorCode code, const char* call, const std::string& why) const {
  const std::string text =
      cat(call, ": Error Code ", static_cast<int>(code), ": ", kind_of(code), " (", why, ")");
  const bool ours = code == ErrorCode::kINTERNAL_ERROR;
  log(ours ? ILogger::Severity::kINTERNAL_ERROR : ILogger::Severity::kERROR, text);
  if (recorder_) recorder_->reportError(code, text.c_str());
}

void Reporter::error(const char* call, const carnot::Status& status) const {
  error(error_code(status.code()), call, status.message());
}

void Reporter::out_of_memory(const char* call) const noexcept {
  const char* const text = ": Error Code 5: Allocation Failure (the machine refuses memory)";
  if (logger_)
    logger_->log(ILogger::Severity::kERROR, call), logger_->log(ILogger::Severity::kERROR, text);
  if (recorder_) recorder_->reportError(ErrorCode::kFAILED_ALLOCATION, text);
}

void Reporter::failed(const char* call, const char* why) const noexcept {
  if (logger_) logger_->log(ILogger::Severity::kINTERNAL_ERROR, call);
  if (logger_) logger_->log(ILogger::Severity::kINTERNAL_ERROR, why);
  if (recorder_) recorder_->reportError(ErrorCode::kINTERNAL_ERROR, why);
}

}  // namespace trt
