#pragma once
// Target: the CPU that code is generated for: instruction sets, vector shape, caches. Either the
// host, asked at run time, or a text such as "x86-64 avx2 fma" or "aarch64 neon".
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace carnot::cpu {

enum class Arch : uint8_t { kX86, kArm64 };

/// Instruction sets that a generator asks about; the text name is without the 'k', in lower case.
enum class Isa : uint8_t {
#define CARNOT_ISA(name, text, arch, features) name,
#include "codegen/cpu/isa.def"
};

struct Target {
  Arch arch = Arch::kX86;
  uint64_t isas = 0;     ///< bit per Isa
  std::string tune_for;  ///< LLVM's name of the processor to schedule for; empty: generic
  int64_t l1_bytes = 32 << 10, l2_bytes = 1 << 20, l3_bytes = 8 << 20;
  int threads = 1;  ///< how many cores a kernel may be split over

  bool has(Isa isa) const { return (isas >> static_cast<int>(isa)) & 1; }
  /// Of the widest vector that kernels use: 64, 32 or 16.
  int vector_bytes() const;
  int lanes(int element_bits) const { return vector_bytes() * 8 / element_bits; }
  int vector_registers() const;
  bool operator==(const Target&) const = default;
};

/// "x86-64 avx2 fma l1=32768 l2=1048576 l3=8388608 threads=2 tune=haswell".
std::string to_string(const Target& target);
/// Reads what to_string wrote; sizes, threads and tune may be left out. "avx512" means f, bw, dq,
/// vl and cd, and includes avx2 and fma.
Result<Target> parse_target(std::string_view text);
/// LLVM's feature string: "+avx,+avx2".
std::string llvm_features(const Target& target);
/// The processor that runs this.
Result<Target> host_target();

}  // namespace carnot::cpu
