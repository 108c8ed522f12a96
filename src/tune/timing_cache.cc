#include "tune/timing_cache.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <vector>

#include "base/file.h"
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
  return cat(hex(kernel), ' ', hex(device), ' ', tactic, ' ', revision);
}

bool plausible(double us) {
  return std::isfinite(us) && us > 0 && us < 1e12;
}

}  // namespace

int TimingCache::parse(std::string_view text) {
  int unreadable = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> words;
    std::istringstream in{std::string(line)};
    for (std::string w; words.size() < 6 && in >> w;) words.push_back(w);
    double us = 0;
    const bool number =
        words.size() == 5 &&
        std::from_chars(words[4].data(), words[4].data() + words[4].size(), us).ptr ==
            words[4].data() + words[4].size();
    if (!number || !plausible(us) || words[0].size() != 16 || words[1].size() != 16) {
      ++unreadable;
      continue;
    }
    auto [it, added] =
        times_.emplace(cat(words[0], ' ', words[1], ' ', words[2], ' ', words[3]), us);
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
