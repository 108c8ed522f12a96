// Device memory that is host memory: who owns which address, copies and fills.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>

#include "core.h"

namespace carnot::host_cuda {

namespace {

constexpr size_t kAlignment = 512;  // what programs rely on of cudaMalloc()

struct Registry {
  std::mutex mutex;
  std::map<uintptr_t, Block> blocks;  // by address
  size_t bytes = 0;
};

// Never destroyed: programs free memory while they are torn down.
Registry& registry() {
  static auto& r = *new Registry;
  return r;
}

uintptr_t number(const void* address) {
  return reinterpret_cast<uintptr_t>(address);
}

size_t meminfo(const char* key) {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    size_t kilobytes = 0;
    if (word == key && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

// Needs the lock.
Block* holder(Registry& r, const void* address) {
  auto above = r.blocks.upper_bound(number(address));
  if (above == r.blocks.begin()) return nullptr;
  Block& b = std::prev(above)->second;
  return number(address) - number(b.begin) < b.bytes ? &b : nullptr;
}

// rows * pitch that does not wrap.
bool span(size_t width, size_t height, size_t depth, size_t pitch, size_t slice, size_t* bytes) {
  size_t rows = 0, slices = 0;
  return !__builtin_mul_overflow(height - 1, pitch, &rows) &&
         !__builtin_mul_overflow(depth - 1, slice, &slices) &&
         !__builtin_add_overflow(rows, slices, bytes) &&
         !__builtin_add_overflow(*bytes, width, bytes);
}

// Whether there are pages: what no block holds is the program's own, and may be a wrong number.
bool is_mapped(const void* address, size_t bytes) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = number(address) / page * page;
  // It walks the mappings, as it would to write them back, and is told not to wait for that.
  return msync(reinterpret_cast<void*>(begin), number(address) + bytes - begin, MS_ASYNC) == 0;
}

bool reaches(const void* address, size_t bytes) {
  if (address == nullptr) return false;
  if (number(address) > std::numeric_limits<uintptr_t>::max() - bytes) return false;
  const Block b = find_block(address);
  if (b.kind == MemoryKind::kUnknown) return is_mapped(address, bytes);
  return bytes <= b.bytes - (number(address) - number(b.begin));
}

void fill_row(char* row, const Fill& f) {
  if (f.element == 1) {
    std::memset(row, static_cast<int>(f.value & 0xff), f.width);
    return;
  }
  for (size_t i = 0; i < f.width; ++i) std::memcpy(row + i * f.element, &f.value, f.element);
}

}  // namespace

MemorySize memory_size() {
  const size_t total = meminfo("MemTotal:"), available = meminfo("MemAvailable:");
  return {available < total ? available : total, total};
}

int allocate(void** address, size_t bytes, MemoryKind kind, unsigned flags) {
  if (address == nullptr) return kInvalidValue;
  *address = nullptr;
  if (bytes == 0) return kSuccess;
  constexpr size_t kLarge = size_t{64} << 20;  // the system grants it, and kills who touches it
  if (bytes > kLarge && bytes > memory_size().available) return kMemoryAllocation;
  const size_t padded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, padded);
  if (memory == nullptr) return kMemoryAllocation;
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  r.blocks[number(memory)] = {memory, bytes, kind, flags, true};
  *address = memory;
  return kSuccess;
}

int release(void* address, MemoryKind kind) {
  if (address == nullptr) return kSuccess;
  Registry& r = registry();
  {
    const std::lock_guard lock(r.mutex);
    const auto found = r.blocks.find(number(address));
    if (found == r.blocks.end() || !found->second.owned) return kInvalidValue;
    const MemoryKind is = found->second.kind;
    if (is != kind && !(kind == MemoryKind::kDevice && is == MemoryKind::kManaged)) {
      return kInvalidValue;
    }
    r.blocks.erase(found);
  }
  std::free(address);
  return kSuccess;
}

int register_host(void* address, size_t bytes, unsigned flags) {
  if (address == nullptr || bytes == 0) return kInvalidValue;
  if (number(address) > std::numeric_limits<uintptr_t>::max() - bytes) return kInvalidValue;
  if (!is_mapped(address, bytes)) return kInvalidValue;
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  const auto next = r.blocks.lower_bound(number(address));
  const bool overlaps = next != r.blocks.end() && next->first - number(address) < bytes;
  if (overlaps || holder(r, address)) return kHostMemoryAlreadyRegistered;
  r.blocks[number(address)] = {address, bytes, MemoryKind::kHost, flags, false};
  return kSuccess;
}

int unregister_host(void* address) {
  if (address == nullptr) return kInvalidValue;
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  const auto found = r.blocks.find(number(address));
  if (found == r.blocks.end() || found->second.owned) return kHostMemoryNotRegistered;
  r.blocks.erase(found);
  return kSuccess;
}

Block find_block(const void* address) {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  const Block* b = holder(r, address);
  return b ? *b : Block{};
}

void release_all() {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  for (const auto& [address, block] : r.blocks) {
    if (block.owned) std::free(block.begin);
  }
  r.blocks.clear();
}

int check_copy(const Copy& c) {
  constexpr int kKinds = 5;
  if (c.kind < 0 || c.kind >= kKinds) return kInvalidMemcpyDirection;
  if (c.width == 0 || c.height == 0 || c.depth == 0) return kSuccess;
  if (c.height > 1 && (c.to_pitch < c.width || c.from_pitch < c.width)) return kInvalidPitchValue;
  size_t to = 0, from = 0;
  if (!span(c.width, c.height, c.depth, c.to_pitch, c.to_slice, &to) ||
      !span(c.width, c.height, c.depth, c.from_pitch, c.from_slice, &from)) {
    return kInvalidValue;
  }
  return reaches(c.to, to) && reaches(c.from, from) ? kSuccess : kInvalidValue;
}

void run_copy(const Copy& c) {
  if (c.width == 0) return;
  for (size_t z = 0; z < c.depth; ++z) {
    for (size_t y = 0; y < c.height; ++y) {
      std::memmove(static_cast<char*>(c.to) + z * c.to_slice + y * c.to_pitch,
                   static_cast<const char*>(c.from) + z * c.from_slice + y * c.from_pitch, c.width);
    }
  }
}

int check_fill(const Fill& f) {
  if (f.element != 1 && f.element != 2 && f.element != 4) return kInvalidValue;
  if (f.width == 0 || f.height == 0 || f.depth == 0) return kSuccess;
  size_t row = 0, bytes = 0;
  if (__builtin_mul_overflow(f.width, f.element, &row)) return kInvalidValue;
  if (f.height > 1 && f.pitch < row) return kInvalidValue;
  if (!span(row, f.height, f.depth, f.pitch, f.slice, &bytes)) return kInvalidValue;
  return reaches(f.to, bytes) ? kSuccess : kInvalidValue;
}

void run_fill(const Fill& f) {
  if (f.width == 0) return;
  for (size_t z = 0; z < f.depth; ++z) {
    for (size_t y = 0; y < f.height; ++y) {
      fill_row(static_cast<char*>(f.to) + z * f.slice + y * f.pitch, f);
    }
  }
}

}  // namespace carnot::host_cuda
