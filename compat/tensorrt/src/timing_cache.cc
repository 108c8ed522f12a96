#include "timing_cache.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>
#include <vector>

#include "host_memory.h"

namespace trt {

namespace {

/// "KERNEL DEVICE tactic revision microseconds": two hashes of 16 digits are the key.
struct Line {
  TimingCacheKey key{};
  uint64_t tactic = 0;
  float ms = 0;
  size_t time_at = 0;  ///< where the line's time begins

  bool has(const TimingCacheKey& other) const {
    return std::memcmp(key.data, other.data, sizeof key.data) == 0;
  }
};

std::optional<Line> parse(const std::string& line) {
  constexpr size_t kTacticAt = 34;
  const size_t time = line.rfind(' ');
  if (line.empty() || line[0] == '#' || time == std::string::npos || time < kTacticAt) {
    return std::nullopt;
  }
  const size_t revision = line.rfind(' ', time - 1);
  if (revision == std::string::npos || revision <= kTacticAt) return std::nullopt;
  Line out;
  std::string digits = line.substr(0, 16) + line.substr(17, 16);
  for (size_t i = 0; i < sizeof out.key.data; ++i) {
    const char* const from = digits.data() + 2 * i;
    if (std::from_chars(from, from + 2, out.key.data[i], 16).ptr != from + 2) return std::nullopt;
  }
  out.tactic = tactic_hash({line.data() + kTacticAt, revision - kTacticAt});
  out.time_at = time + 1;
  out.ms = std::strtof(line.c_str() + out.time_at, nullptr) / 1000;
  return out;
}

template <class F>
void for_each_line(const std::string& text, F&& f) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) f(line, parse(line));
}

}  // namespace

IHostMemory* TimingCache::serialize() const noexcept {
  return reporter_.guard("ITimingCache::serialize", static_cast<IHostMemory*>(nullptr), [&] {
    const auto* const bytes = reinterpret_cast<const std::byte*>(text_.data());
    return new HostMemory({bytes, bytes + text_.size()});
  });
}

bool TimingCache::combine(ITimingCache const& other, bool) noexcept {
  return reporter_.guard("ITimingCache::combine", false, [&] {
    std::set<std::string> known;  // lines but for their times, and comments
    const auto key = [](const std::string& text, const std::optional<Line>& line) {
      return line ? text.substr(0, line->time_at) : text;
    };
    for_each_line(text_, [&](const std::string& text, const std::optional<Line>& line) {
      known.insert(key(text, line));
    });
    const std::string& more = static_cast<const TimingCache&>(other).text();
    for_each_line(more, [&](const std::string& text, const std::optional<Line>& line) {
      if (known.insert(key(text, line)).second) text_ += text + "\n";
    });
    return true;
  });
}

bool TimingCache::reset() noexcept {
  text_.clear();
  return true;
}

int64_t TimingCache::queryKeys(TimingCacheKey* keys, int64_t capacity) const noexcept {
  return reporter_.guard("ITimingCache::queryKeys", int64_t{-1}, [&] {
    std::vector<TimingCacheKey> known;
    for_each_line(text_, [&](const std::string&, const std::optional<Line>& line) {
      const auto is_same = [&](const TimingCacheKey& key) { return line->has(key); };
      if (line && std::none_of(known.begin(), known.end(), is_same)) known.push_back(line->key);
    });
    const auto count = static_cast<int64_t>(known.size());
    if (keys) std::copy_n(known.begin(), std::clamp<int64_t>(capacity, 0, count), keys);
    return count;
  });
}

TimingCacheValue TimingCache::query(TimingCacheKey const& key) const noexcept {
  const TimingCacheValue none{TimingCacheValue::kINVALID_TACTIC_HASH, -1.0F};
  return reporter_.guard("ITimingCache::query", none, [&] {
    TimingCacheValue best = none;
    for_each_line(text_, [&](const std::string&, const std::optional<Line>& line) {
      if (!line || !line->has(key) || (best.timingMSec >= 0 && best.timingMSec <= line->ms)) return;
      best.tacticHash = line->tactic;
      best.timingMSec = line->ms;
    });
    return best;
  });
}

// A build takes the fastest of an operation's tactics: the one that the program wants becomes it,
// those that were as fast or faster become a little slower.
bool TimingCache::update(TimingCacheKey const& key, TimingCacheValue const& value) noexcept {
  const char* const call = "ITimingCache::update";
  constexpr float kSlower = 1.001F;
  return reporter_.guard(call, false, [&] {
    const bool erases = value.tacticHash == TimingCacheValue::kINVALID_TACTIC_HASH;
    if (!erases && !(std::isfinite(value.timingMSec) && value.timingMSec > 0)) {
      reporter_.misuse(call, cat("a time of ", value.timingMSec, " ms"));
      return false;
    }
    std::string next;
    bool has_key = false, has_tactic = false;
    for_each_line(text_, [&](const std::string& text, const std::optional<Line>& line) {
      if (!line || !line->has(key)) {
        next += text + "\n";
        return;
      }
      has_key = true;
      if (erases) return;
      const bool wanted = line->tactic == value.tacticHash;
      has_tactic = has_tactic || wanted;
      const float ms = wanted ? value.timingMSec : std::max(line->ms, value.timingMSec * kSlower);
      next += cat(text.substr(0, line->time_at), ms * 1000, '\n');
    });
    if (!has_key) {
      reporter_.misuse(call, "no entry has this key: queryKeys() lists those that there are");
      return false;
    }
    if (!erases && !has_tactic) {
      reporter_.misuse(
          call,
          "no tactic that was timed for this key has this hash: with kVERBOSE messages "
          "and kEDITABLE_TIMING_CACHE a build lists them");
      return false;
    }
    text_ = std::move(next);
    return true;
  });
}

}  // namespace trt
