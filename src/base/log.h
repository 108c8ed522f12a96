#pragma once
// The log sink: warnings and progress for a person. Errors are Status values, not log lines.
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace carnot {

enum class LogLevel { kError, kWarning, kInfo, kVerbose };
const char* to_string(LogLevel level);

/// Called under a lock, one message at a time, text escaped. Must not log itself.
using LogSink = std::function<void(LogLevel level, std::string_view message)>;
/// Replaces the sink; an empty one restores the default, which writes "carnot: warning: ..." lines
/// to stderr.
void set_log_sink(LogSink sink);
/// Messages above this level are dropped. kWarning at first.
void set_log_level(LogLevel level);
bool log_enabled(LogLevel level);

/// Hands the message on, control characters escaped, continuation lines indented: a name from a
/// model can neither move the cursor nor pose as a message of ours. Thread-safe.
void log(LogLevel level, std::string_view message);

template <class... Args>
void log_warning(const Args&... args) {
  if (log_enabled(LogLevel::kWarning)) log(LogLevel::kWarning, cat(args...));
}
template <class... Args>
void log_info(const Args&... args) {
  if (log_enabled(LogLevel::kInfo)) log(LogLevel::kInfo, cat(args...));
}
template <class... Args>
void log_verbose(const Args&... args) {
  if (log_enabled(LogLevel::kVerbose)) log(LogLevel::kVerbose, cat(args...));
}

/// Control characters as \n, \t, \xNN (C0, DEL, and C1 in UTF-8); everything else unchanged.
std::string escape_control(std::string_view text);

}  // namespace carnot
