#include "tune/timing_cache.h"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"

namespace carnot {

namespace {

std::string hex(uint64_t v) {
  char digits[17];
  const auto end = std::to_chars(digits, digits + 16, v, 16).ptr;
  return std::string(16 - static_cast<size_t>(end - digits), '0') + std::string(digits, end);
}

std::string key(uint64_t kernel, uint64_t device, const std::string& tactic, int revision) {
  return cat(timing_line(kernel, device), ' ', tactic, ' ', revision);
}

bool plausible(double us) {
  return std::isfinite(us) && us > 0 && us < 1e12;
}

}  // namespace

std::string timing_line(uint64_t kernel, uint64_t device) {
  return cat(hex(kernel), ' ', hex(device));
}

uint64_t timing_key(const DeviceDescription& device) {
  DeviceDescription bare = device;
  if (bare.kind == "cuda") bare.features.clear();
  return hash64(to_string(bare));
}

int TimingCache::parse(std::string_view text) {
  constexpr size_t kKernelEnd = 16, kDeviceEnd = 33;  // two hashes of 16 digits
  int unreadable = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    // A variant may hold spaces: the key is all but the last word.
    const size_t last = line.rfind(' ');
    const bool hashes = line.find(' ') == kKernelEnd &&
                        line.find(' ', kKernelEnd + 1) == kDeviceEnd && last > kDeviceEnd &&
                        line.find(' ', kDeviceEnd + 1) < last;
    double us = 0;
    const char* const number = hashes ? line.data() + last + 1 : nullptr;
    const char* const line_end = line.data() + line.size();
    if (!hashes || std::from_chars(number, line_end, us).ptr != line_end || !plausible(us)) {
      ++unreadable;
      continue;
    }
    auto [it, added] = times_.emplace(line.substr(0, last), us);
    if (!added) it->second = std::min(it->second, us);
  }
  return unreadable;
}

std::string TimingCache::print() const {
  std::string out = "# carnot timing cache: kernel device tactic revision microseconds\n";
  for (const auto& [k, us] : times_) out += cat(k, ' ', print_float(us), '\n');
  return out;
}

Status TimingCache::load(const std::string& path) {
  std::error_code none;
  if (!std::filesystem::exists(path, none)) return {};
  auto bytes = read_file(path, kBytesMax);
  if (!bytes.ok()) return std::move(bytes).status().with(cat("reading the timing cache ", path));
  if (const int bad = parse(*bytes)) {
    log_warning("timing cache ", path, ": ", bad, " unreadable lines ignored");
  }
  return {};
}

Status TimingCache::save(const std::string& path) const {
  TimingCache merged;
  CARNOT_RETURN_IF_ERROR(merged.load(path));
  merged.parse(print());
  return atomic_write(path, merged.print());
}

double TimingCache::find(uint64_t kernel, uint64_t device, const std::string& tactic,
                         int revision) const {
  const auto it = times_.find(key(kernel, device, tactic, revision));
  return it == times_.end() ? 0 : it->second;
}

void TimingCache::add(uint64_t kernel, uint64_t device, const std::string& tactic, int revision,
                      double microseconds) {
  if (plausible(microseconds)) times_[key(kernel, device, tactic, revision)] = microseconds;
}

}  // namespace carnot
