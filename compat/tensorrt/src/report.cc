#include "report.h"

#include <cstdio>
#include <cstring>

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

/// The bytes of the UTF-8 sequence that `text` begins with; 0 where it begins with none.
size_t sequence_bytes(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t bytes = at(0) < 0x80   ? 1
                       : at(0) < 0xC2 ? 0
                       : at(0) < 0xE0 ? 2
                       : at(0) < 0xF0 ? 3
                       : at(0) < 0xF5 ? 4
                                      : 0;
  if (bytes > text.size()) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  const bool surrogate = bytes == 3 && at(0) == 0xED && at(1) >= 0xA0;
  const bool beyond = (bytes == 4 && at(0) == 0xF4 && at(1) >= 0x90) ||
                      (bytes == 3 && at(0) == 0xE0 && at(1) < 0xA0) ||
                      (bytes == 4 && at(0) == 0xF0 && at(1) < 0x90);
  return surrogate || beyond ? 0 : bytes;
}

/// With what is no text as \xNN: names come from models, and loggers in Python take UTF-8 alone.
std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t bytes = sequence_bytes(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool control = (first < ' ' && first != '\n' && first != '\t') || first == 0x7F;
    if (bytes > 0 && !control) {
      out += text.substr(0, bytes);
      text.remove_prefix(bytes);
      continue;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", first);
    out += escaped;
    text.remove_prefix(1);
  }
  return out;
}

bool is_plain(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= ' ' && c < 0x7F) || c == '\n' || c == '\t';
  });
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

std::string name_problem(char const* name) {
  constexpr size_t kBytesMax = 4096;  // with the zero at its end
  if (!name) return "the name is null";
  const size_t length = std::strlen(name);
  if (length < kBytesMax) return "";
  return cat("the name has ", length, " bytes, ", kBytesMax - 1, " is the most: '",
             std::string(name, 40), "...'");
}

void Reporter::set_recorder(IErrorRecorder* recorder) {
  if (recorder) recorder->incRefCount();
  if (recorder_) recorder_->decRefCount();
  recorder_ = recorder;
}

void Reporter::log(ILogger::Severity severity, const std::string& text) const {
  if (!logger_) return;
  logger_->log(severity, is_plain(text) ? text.c_str() : printable(text).c_str());
}

void Reporter::error(ErrorCode code, const char* call, const std::string& why) const {
  const std::string text =
      cat(call, ": Error Code ", static_cast<int>(code), ": ", kind_of(code), " (", why, ")");
  const bool ours = code == ErrorCode::kINTERNAL_ERROR;
  log(ours ? ILogger::Severity::kINTERNAL_ERROR : ILogger::Severity::kERROR, text);
  if (recorder_) recorder_->reportError(code, printable(text).c_str());
}

void Reporter::error(const char* call, const carnot::Status& status) const {
  error(error_code(status.code()), call, status.message());
}

void Reporter::out_of_memory(const char* call) const noexcept {
  char text[300];  // no memory is to be had
  std::snprintf(text, sizeof(text),
                "%s: Error Code 5: Allocation Failure (the machine refuses memory)", call);
  if (logger_) logger_->log(ILogger::Severity::kERROR, text);
  if (recorder_) recorder_->reportError(ErrorCode::kFAILED_ALLOCATION, text);
}

void Reporter::failed(const char* call, const char* why) const noexcept {
  char text[1000];
  std::snprintf(text, sizeof(text), "%s: Error Code 2: Internal Error (%s)", call, why);
  if (logger_) logger_->log(ILogger::Severity::kINTERNAL_ERROR, text);
  if (recorder_) recorder_->reportError(ErrorCode::kINTERNAL_ERROR, text);
}

}  // namespace trt
