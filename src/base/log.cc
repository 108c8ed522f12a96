#include "base/log.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <utility>

namespace carnot {
namespace {

// The one global: a process has one stderr.
struct Log {
  std::mutex mutex;
  LogSink sink;
  std::atomic<LogLevel> level{LogLevel::kWarning};
};
Log& the_log() {
  static Log* log = new Log;  // never destroyed: threads may log while the process ends
  return *log;
}

void append_hex(std::string& out, unsigned char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += "\\x";
  out += kDigits[c >> 4];
  out += kDigits[c & 15];
}

}  // namespace

const char* to_string(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kVerbose:
      return "verbose";
  }
  return "?";
}

void set_log_sink(LogSink sink) {
  const std::lock_guard lock(the_log().mutex);
  the_log().sink = std::move(sink);
}

void set_log_level(LogLevel level) {
  the_log().level.store(level, std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) {
  return level <= the_log().level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message) {
  if (!log_enabled(level)) return;
  std::string text;
  for (size_t at = 0; at <= message.size();) {
    const size_t end = std::min(message.find('\n', at), message.size());
    if (at) text += "\n    ";
    text += escape_control(message.substr(at, end - at));
    at = end + 1;
  }
  Log& state = the_log();
  const std::lock_guard lock(state.mutex);
  if (state.sink) {
    state.sink(level, text);
  } else {
    std::fprintf(stderr, "carnot: %s: %s\n", to_string(level), text.c_str());
  }
}

std::string escape_control(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7f) {
      append_hex(out, c);
    } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // U+0080..U+009F: C1 controls
      append_hex(out, c);
      append_hex(out, static_cast<unsigned char>(next));
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace carnot
