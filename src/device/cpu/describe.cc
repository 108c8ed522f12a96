// Asks this machine's CPU what it is.
#include <unistd.h>

#include <algorithm>

#include "base/thread_team.h"
#include "device/device.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace carnot {
namespace {

#if defined(__x86_64__)

struct Leaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};
Leaf cpuid(unsigned leaf, unsigned sub = 0) {
  Leaf out;
  __get_cpuid_count(leaf, sub, &out.eax, &out.ebx, &out.ecx, &out.edx);  // zeros where absent
  return out;
}
bool bit(unsigned word, int i) {
  return (word >> i) & 1;
}

// Which register files the operating system saves: without that an instruction set is unusable.
uint64_t saved_state() {
  if (!bit(cpuid(1).ecx, 27)) return 0;  // OSXSAVE
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

void describe_isa(DeviceDescription& out) {
  constexpr uint64_t kAvx = 0x6, kAvx512 = 0xe6, kTiles = 0x60000;
  const Leaf basic = cpuid(1), extended = cpuid(7), more = cpuid(7, 1);
  const uint64_t saved = saved_state();
  const auto saves = [&](uint64_t mask) { return (saved & mask) == mask; };
  const bool avx2 = saves(kAvx) && bit(basic.ecx, 28) && bit(basic.ecx, 12) && bit(extended.ebx, 5);
  const bool avx512 = avx2 && saves(kAvx512) && bit(extended.ebx, 16) &&  // f
                      bit(extended.ebx, 17) && bit(extended.ebx, 30) &&   // dq, bw
                      bit(extended.ebx, 31) && bit(extended.ebx, 28);     // vl, cd
  out.isa = avx512 ? "avx512" : avx2 ? "avx2" : "x86-64";
  out.vector_bytes = avx512 ? 64 : avx2 ? 32 : 16;
  out.vector_registers = avx512 ? 32 : 16;
  const auto add = [&](bool present, const char* feature) {
    if (present) out.features.emplace_back(feature);
  };
  const bool tiles = saves(kTiles) && bit(extended.edx, 24);
  add(tiles && bit(extended.edx, 22), "amx_bf16");
  add(tiles && bit(extended.edx, 25), "amx_int8");
  add(avx512 && bit(more.eax, 5), "bf16");
  add(avx2 && bit(basic.ecx, 29), "f16c");
  add(avx512 && bit(extended.edx, 23), "fp16");
  add((avx512 && bit(extended.ecx, 11)) || (avx2 && bit(more.eax, 4)), "vnni");
}

#elif defined(__aarch64__)

void describe_isa(DeviceDescription& out) {
  out.isa = "neon";
  out.vector_registers = 32;
}

#else

void describe_isa(DeviceDescription& out) {
  out.isa = "generic";
}

#endif

void read_cache(int name, int64_t& bytes) {
  if (const long value = sysconf(name); value > 0) bytes = value;
}

}  // namespace

DeviceDescription describe_cpu() {
  DeviceDescription out;
  describe_isa(out);
  std::sort(out.features.begin(), out.features.end());
  out.threads = usable_cpus();
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  read_cache(_SC_LEVEL1_DCACHE_SIZE, out.l1_bytes);
  read_cache(_SC_LEVEL2_CACHE_SIZE, out.l2_bytes);
  read_cache(_SC_LEVEL3_CACHE_SIZE, out.l3_bytes);
#endif
  return out;
}

}  // namespace carnot
