#pragma once
// Reporter: how every object tells its user what went wrong: ILogger, and IErrorRecorder where one
// is set.
#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <sstream>
#include <string>

#include "NvInfer.h"
#include "carnot/status.h"

namespace trt {

using namespace nvinfer1;

/// "conv 3: needs 2": the arguments one after another.
template <class... Args>
std::string cat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

class Reporter {
 public:
  explicit Reporter(ILogger* logger = nullptr) : logger_(logger) {}
  Reporter(const Reporter& other) : logger_(other.logger_) { set_recorder(other.recorder_); }
  Reporter& operator=(const Reporter&) = delete;
  ~Reporter() { set_recorder(nullptr); }

  ILogger* logger() const { return logger_; }
  IErrorRecorder* recorder() const { return recorder_; }
  void set_recorder(IErrorRecorder* recorder);

  /// "IBuilder::reset: Error Code 3: API Usage Error (why)".
  void error(ErrorCode code, const char* call, const std::string& why) const;
  void error(const char* call, const carnot::Status& status) const;
  /// The call itself is wrong.
  void misuse(const char* call, const std::string& why) const {
    error(ErrorCode::kINVALID_ARGUMENT, call, why);
  }
  void log(ILogger::Severity severity, const std::string& text) const;
  void warning(const std::string& text) const { log(ILogger::Severity::kWARNING, text); }
  void info(const std::string& text) const { log(ILogger::Severity::kINFO, text); }
  void verbose(const std::string& text) const { log(ILogger::Severity::kVERBOSE, text); }

  /// What `f` gives; `otherwise`, and an error, where the machine refuses memory.
  template <class T, class F>
  T guard(const char* call, T otherwise, F&& f) const noexcept {
    try {
      return f();
    } catch (const std::bad_alloc&) {
      out_of_memory(call);
    } catch (const std::exception& e) {
      failed(call, e.what());
    }
    return otherwise;
  }
  template <class F>
  void guard(const char* call, F&& f) const noexcept {
    guard(call, 0, [&] {
      f();
      return 0;
    });
  }

 private:
  void out_of_memory(const char* call) const noexcept;
  void failed(const char* call, const char* why) const noexcept;

  ILogger* logger_;
  IErrorRecorder* recorder_ = nullptr;
};

/// Why this can be no name, or an empty string.
std::string name_problem(char const* name);

/// What kind of error TensorRT would call it.
ErrorCode error_code(carnot::Code code);

}  // namespace trt
