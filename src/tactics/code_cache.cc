// Layout: a line of text, then for each entry its key, size and the hash of its bytes (8 bytes
// each, little-endian), and the bytes.
#include "tactics/code_cache.h"

#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"

namespace carnot {

namespace {

constexpr std::string_view kHead = "# carnot code cache 1\n";
constexpr size_t kEntryBytes = 24;

}  // namespace

const std::vector<std::byte>* CodeCache::find(uint64_t key) const {
  const auto it = code_.find(key);
  return it == code_.end() ? nullptr : &it->second.code;
}

const std::vector<std::byte>& CodeCache::add(uint64_t key, std::vector<std::byte> code) {
  return code_.try_emplace(key, Entry{std::move(code), false}).first->second.code;
}

std::string CodeCache::print() const {
  std::string out(kHead);
  for (const auto& [key, entry] : code_) {
    if (!entry.kept) continue;
    const uint64_t head[] = {key, entry.code.size(), hash64(entry.code)};
    out.append(reinterpret_cast<const char*>(head), sizeof head);
    out.append(reinterpret_cast<const char*>(entry.code.data()), entry.code.size());
  }
  return out;
}

int CodeCache::parse(std::string_view text) {
  if (text.substr(0, kHead.size()) != kHead) return 1;
  text.remove_prefix(kHead.size());
  int damaged = 0;
  while (!text.empty()) {
    uint64_t head[3];
    if (text.size() < kEntryBytes) return damaged + 1;
    std::memcpy(head, text.data(), kEntryBytes);
    text.remove_prefix(kEntryBytes);
    if (head[1] > text.size()) return damaged + 1;
    const auto bytes = std::as_bytes(std::span(text.data(), head[1]));
    text.remove_prefix(head[1]);
    if (hash64(bytes) != head[2]) {
      ++damaged;
      continue;
    }
    code_.try_emplace(head[0], Entry{{bytes.begin(), bytes.end()}, true});
  }
  return damaged;
}

Status CodeCache::load(const std::string& path) {
  std::error_code none;
  if (!std::filesystem::exists(path, none)) return {};
  auto bytes = read_file(path, kBytesMax);
  if (!bytes.ok()) return std::move(bytes).status().with(cat("reading the code cache ", path));
  if (const int damaged = parse(*bytes)) {
    log_warning("code cache ", path, ": ", damaged, " damaged entries ignored");
  }
  return {};
}

Status CodeCache::save(const std::string& path) const {
  CodeCache merged;
  CARNOT_RETURN_IF_ERROR(merged.load(path));
  merged.parse(print());
  const std::string text = merged.print();
  // Full: it begins anew with what was compiled last.
  return atomic_write(path, static_cast<int64_t>(text.size()) <= kBytesMax ? text : print());
}

}  // namespace carnot
