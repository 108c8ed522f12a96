#include "timing_cache.h"

#include <cstring>

#include "host_memory.h"

namespace trt {

namespace {

uint64_t hash(std::string_view text, uint64_t h) {
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return h;
}

/// "KERNEL DEVICE tactic revision microseconds".
struct Line {
  TimingCacheKey key{};
  TimingCacheValue value{};
};

std::vector<Line> lines_of(const std::string& text) {
  std::vector<Line> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const size_t time = line.rfind(' ');
    if (line.empty() || line[0] == '#' || time == std::string::npos) continue;
    const std::string_view name(line.data(), time);
    Line row;
    const uint64_t words[] = {hash(name, 0xcbf29ce484222325), hash(name, 0x9e3779b97f4a7c15)};
    std::memcpy(row.key.data, words, sizeof row.key.data);
    row.value.tacticHash = words[0];
    row.value.timingMSec = std::strtof(line.c_str() + time, nullptr) / 1000;
    out.push_back(row);
  }
  return out;
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
    text_ += static_cast<const TimingCache&>(other).text();
    return true;
  });
}

bool TimingCache::reset() noexcept {
  text_.clear();
  return true;
}

int64_t TimingCache::queryKeys(TimingCacheKey* keys, int64_t capacity) const noexcept {
  return reporter_.guard("ITimingCache::queryKeys", int64_t{-1}, [&] {
    const std::vector<Line> lines = lines_of(text_);
    const auto count = static_cast<int64_t>(lines.size());
    for (int64_t i = 0; keys && i < std::min(capacity, count); ++i) {
      keys[i] = lines[static_cast<size_t>(i)].key;
    }
    return count;
  });
}

TimingCacheValue TimingCache::query(TimingCacheKey const& key) const noexcept {
  const TimingCacheValue none{TimingCacheValue::kINVALID_TACTIC_HASH, -1.0F};
  return reporter_.guard("ITimingCache::query", none, [&] {
    for (const Line& line : lines_of(text_)) {
      if (std::memcmp(line.key.data, key.data, sizeof key.data) == 0) return line.value;
    }
    return none;
  });
}

bool TimingCache::update(TimingCacheKey const& key, TimingCacheValue const& value) noexcept {
  const char* const call = "ITimingCache::update";
  return reporter_.guard(call, false, [&] {
    const bool erases = value.tacticHash == TimingCacheValue::kINVALID_TACTIC_HASH;
    std::string next;
    bool found = false;
    std::istringstream in(text_);
    for (std::string line; std::getline(in, line);) {
      const std::vector<Line> one = lines_of(line + "\n");
      const bool same =
          !one.empty() && std::memcmp(one[0].key.data, key.data, sizeof key.data) == 0;
      if (same && !erases && value.tacticHash != one[0].value.tacticHash) {
        reporter_.misuse(call, "an entry is of one tactic, whose hash query() gives");
        return false;
      }
      if (same) found = true;
      if (same && erases) continue;
      if (same) line = cat(line.substr(0, line.rfind(' ')), ' ', value.timingMSec * 1000);
      next += line + "\n";
    }
    if (!found) {
      reporter_.misuse(call, "no entry has this key: queryKeys() lists those that there are");
      return false;
    }
    text_ = std::move(next);
    return true;
  });
}

}  // namespace trt
