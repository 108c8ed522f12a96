#include "base/status.h"

#include <cstdio>
#include <cstdlib>

namespace carnot {

const char* to_string(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kInvalidModel:
      return "invalid model";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kInvalidArgument:
      return "invalid argument";
    case Code::kResourceLimit:
      return "resource limit";
    case Code::kOutOfMemory:
      return "out of memory";
    case Code::kIo:
      return "i/o error";
    case Code::kCorruptEngine:
      return "corrupt engine";
    case Code::kVersionMismatch:
      return "version mismatch";
    case Code::kCancelled:
      return "cancelled";
    case Code::kWrongResult:
      return "wrong result";
    case Code::kDevice:
      return "device error";
    case Code::kInternal:
      return "internal error";
  }
  return "unknown code";
}

std::string to_string(const Status& status) {
  if (status.ok()) return to_string(status.code());
  return cat(to_string(status.code()), ": ", status.message());
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error: CHECK(%s) failed\n", file, line, condition);
  std::abort();
}

namespace detail {

void bad_result_access(const Status& status) {
  std::fprintf(stderr, "internal error: the value of a failed Result was taken: %s\n",
               to_string(status).c_str());
  std::abort();
}

Status not_an_error() {
  return {Code::kInternal, "a Result was made of a Status that is no error"};
}

}  // namespace detail
}  // namespace carnot
