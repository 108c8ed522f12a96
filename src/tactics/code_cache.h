#pragma once
// CodeCache: machine code by what it was compiled from, so that a kernel is compiled once for
// checking, timing and the engine, and by a second build not at all. As a file it stands beside the
// timing cache. What is damaged is left out: a cache can cost time, never a wrong result.
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace carnot {

class CodeCache {
 public:
  static constexpr int64_t kBytesMax = 256 << 20;

  /// Null where unknown. Valid until this is destroyed.
  const std::vector<std::byte>* find(uint64_t key) const;
  const std::vector<std::byte>& add(uint64_t key, std::vector<std::byte> code);
  /// What an engine has: only this is saved, not the candidates that lost.
  void keep(uint64_t key) { code_.at(key).kept = true; }

  std::string print() const;
  /// Adds what a file's text holds. Says how many entries were damaged.
  int parse(std::string_view text);
  /// A file that does not exist is an empty cache.
  Status load(const std::string& path);
  /// Merges with what the file holds now, and replaces it atomically.
  Status save(const std::string& path) const;

 private:
  struct Entry {
    std::vector<std::byte> code;
    bool kept = false;
  };
  std::map<uint64_t, Entry> code_;
};

}  // namespace carnot
