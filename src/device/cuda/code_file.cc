// Header: magic, version, how many modules and entries, bytes of the names. Then the modules'
// places (offset and size, 8 bytes each), the entries (kEntryWords words each), the names one after
// the other, and the modules, each at a multiple of 16.
#include "device/cuda/code_file.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace carnot::cuda {

namespace {

constexpr uint64_t kMagic = 0x41445543'544e5243;  // "CRNTCUDA"
constexpr uint32_t kVersion = 4;
constexpr size_t kHeaderBytes = 24;
constexpr size_t kEntryWords = 18, kEntryBytes = kEntryWords * 4;
constexpr size_t kModuleAlignment = 16;
constexpr uint32_t kScratch = 1, kDependentLaunch = 2, kFlags = 3;

// What every supported GPU has, or the driver takes.
constexpr uint32_t kThreadsMax = 1024, kSharedMax = 1 << 20, kArgumentsMax = 500, kClusterMax = 16;
constexpr uint32_t kBoxRowsMax = 256, kBoxNumbers = 6;

template <class... Args>
Status corrupt(const Args&... args) {
  return error(Code::kCorruptEngine, "CUDA code: ", args...);
}

template <class T>
void put(std::vector<std::byte>& out, T value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class T>
T get(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

Result<CodeEntry> parse_entry(std::span<const std::byte> bytes, std::string_view names,
                              size_t* name_at, size_t modules) {
  std::array<uint32_t, kEntryWords> w;
  std::memcpy(w.data(), bytes.data(), kEntryBytes);
  CodeEntry out;
  const auto take = [&](uint32_t size, std::string& text) {
    if (size > names.size() - *name_at) return false;
    text = names.substr(*name_at, size);
    *name_at += size;
    return true;
  };
  if (!take(w[0], out.name) || !take(w[1], out.function)) return corrupt("names do not fit");
  if (out.function.empty() || out.function.find('\0') != std::string::npos) {
    return corrupt("kernel '", out.name, "' has no function name");
  }
  out.module = w[2], out.threads = w[3], out.shared_bytes = w[4];
  out.pointers = w[5], out.integers = w[6], out.cluster = w[8];
  out.scratch = (w[7] & kScratch) != 0;
  out.dependent_launch = (w[7] & kDependentLaunch) != 0;
  out.library = static_cast<Library>(std::min(w[9], kLibraries - 1));
  for (size_t i = 0; i < out.boxes.size(); ++i) {
    const uint32_t* const box = &w[10 + 4 * i];
    out.boxes[i] = {box[0], box[1], box[2], box[3]};
  }
  if (w[2] >= modules || w[3] < 1 || w[3] > kThreadsMax || w[4] > kSharedMax ||
      w[5] > kArgumentsMax || w[6] > kArgumentsMax || (w[7] & ~kFlags) != 0 || w[8] < 1 ||
      w[8] > kClusterMax || w[9] >= kLibraries) {
    return corrupt("the launch of kernel '", out.name, "' is not valid");
  }
  bool ended = false;
  for (const BoxMap& box : out.boxes) {
    const bool sized = (box.element_bytes == 2 || box.element_bytes == 4) && box.rows >= 1 &&
                       box.rows <= kBoxRowsMax && box.pointer < out.pointers &&
                       box.numbers + kBoxNumbers <= out.integers;
    if (box != BoxMap() && (!sized || ended)) {
      return corrupt("the boxes of kernel '", out.name, "' are not valid");
    }
    ended = box == BoxMap();
  }
  return out;
}

}  // namespace

std::vector<std::byte> write_code_file(const CodeFile& file) {
  std::string names;
  for (const CodeEntry& entry : file.entries) names += entry.name + entry.function;
  std::vector<std::byte> out;
  put(out, kMagic);
  put(out, kVersion);
  put(out, static_cast<uint32_t>(file.modules.size()));
  put(out, static_cast<uint32_t>(file.entries.size()));
  put(out, static_cast<uint32_t>(names.size()));
  const auto aligned = [](size_t n) {
    return (n + kModuleAlignment - 1) / kModuleAlignment * kModuleAlignment;
  };
  size_t at = kHeaderBytes + 16 * file.modules.size() + kEntryBytes * file.entries.size();
  at = aligned(at + names.size());
  for (const auto& module : file.modules) {
    put(out, uint64_t{at});
    put(out, uint64_t{module.size()});
    at = aligned(at + module.size());
  }
  for (const CodeEntry& e : file.entries) {
    const uint32_t flags = (e.scratch ? kScratch : 0) | (e.dependent_launch ? kDependentLaunch : 0);
    for (const uint32_t word :
         {static_cast<uint32_t>(e.name.size()), static_cast<uint32_t>(e.function.size()), e.module,
          e.threads, e.shared_bytes, e.pointers, e.integers, flags, e.cluster,
          static_cast<uint32_t>(e.library)}) {
      put(out, word);
    }
    for (const BoxMap& box : e.boxes) {
      for (const uint32_t word : {box.pointer, box.element_bytes, box.rows, box.numbers}) {
        put(out, word);
      }
    }
  }
  for (const char c : names) out.push_back(static_cast<std::byte>(c));
  for (const auto& module : file.modules) {
    out.resize(aligned(out.size()));
    out.insert(out.end(), module.begin(), module.end());
  }
  return out;
}

Result<CodeFile> parse_code_file(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes) return corrupt("it is cut off");
  if (get<uint64_t>(bytes, 0) != kMagic) return corrupt("it does not begin as CUDA code does");
  if (const auto version = get<uint32_t>(bytes, 8); version != kVersion) {
    return corrupt("version ", version, " is not known, this program reads version ", kVersion,
                   "; build the engine again");
  }
  const size_t modules = get<uint32_t>(bytes, 12), entries = get<uint32_t>(bytes, 16);
  const size_t name_bytes = get<uint32_t>(bytes, 20);
  // Counts are below 2^32, so these sums stay far below 2^64.
  const size_t entries_at = kHeaderBytes + 16 * modules;
  const size_t names_at = entries_at + kEntryBytes * entries;
  if (names_at + name_bytes > bytes.size()) return corrupt("it is cut off");
  CodeFile out;
  for (size_t i = 0; i < modules; ++i) {
    const auto offset = get<uint64_t>(bytes, kHeaderBytes + 16 * i);
    const auto size = get<uint64_t>(bytes, kHeaderBytes + 16 * i + 8);
    if (offset > bytes.size() || size > bytes.size() - offset || size == 0) {
      return corrupt("module ", i, " is not inside it");
    }
    out.modules.push_back(bytes.subspan(offset, size));
  }
  const std::string_view names(reinterpret_cast<const char*>(bytes.data()) + names_at, name_bytes);
  size_t name_at = 0;
  for (size_t i = 0; i < entries; ++i) {
    CARNOT_ASSIGN(CodeEntry entry, parse_entry(bytes.subspan(entries_at + kEntryBytes * i), names,
                                               &name_at, modules));
    out.entries.push_back(std::move(entry));
  }
  return out;
}

}  // namespace carnot::cuda
