#pragma once
// Status and Result<T>: how every fallible function reports an operating error. Nothing throws.
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace carnot {

enum class Code {
  kOk,
  kInvalidModel,     ///< the model breaks its own specification
  kUnsupported,      ///< legal, but not something we can do
  kInvalidArgument,  ///< the call is wrong
  kResourceLimit,    ///< a stated budget (bytes, time, count) was used up
  kOutOfMemory,      ///< the machine refused memory
  kIo,               ///< the operating system refused a file operation
  kCorruptEngine,    ///< an engine file is truncated, altered or malformed
  kVersionMismatch,  ///< made by, or for, something else than what runs here
  kCancelled,        ///< the caller asked to stop
  kWrongResult,      ///< a result differs from the reference
  kDevice,           ///< a device reported an error
  kInternal          ///< a defect of our own
};
const char* to_string(Code code);

/// Success, or a code with a message that reads from the outermost to the innermost cause.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  /// Adds the outer frame: "while folding %3: softmax: axis 4 is out of range".
  Status with(const std::string& context) && {
    if (!ok()) message_ = context + ": " + message_;
    return std::move(*this);
  }

 private:
  Code code_ = Code::kOk;
  std::string message_;
};
/// "unsupported: conv: ...", or "ok".
std::string to_string(const Status& status);

namespace detail {
/// Prints the status and aborts: the value of a failed Result was taken.
[[noreturn]] void bad_result_access(const Status& status);
Status not_an_error();
}  // namespace detail

/// A T, or the Status that says why there is none. Taking the value of a failed one aborts.
template <class T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<std::remove_cv_t<T>, Status>);

 public:
  using value_type = T;

  /// From anything that converts to T (`return std::make_unique<Derived>()`, `return {a, b}`).
  template <class U = T>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Status> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : value_(std::forward<U>(value)) {}
  Result(Status status) : status_(std::move(status)) {
    if (status_.ok()) status_ = detail::not_an_error();
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }

  T& value() & { return checked(), *value_; }
  const T& value() const& { return checked(), *value_; }
  T&& value() && { return checked(), std::move(*value_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Result with(const std::string& context) && {
    status_ = std::move(status_).with(context);
    return std::move(*this);
  }

 private:
  void checked() const {
    if (!value_.has_value()) detail::bad_result_access(status_);
  }
  std::optional<T> value_;
  Status status_;
};

}  // namespace carnot
