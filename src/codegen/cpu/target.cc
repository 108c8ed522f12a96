#include "codegen/cpu/target.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>
#include <unistd.h>

#include <sstream>
#include <thread>

namespace carnot::cpu {

namespace {

struct IsaRow {
  Isa isa;
  const char* text;
  Arch arch;
  const char* features;
};
constexpr IsaRow kIsas[] = {
#define CARNOT_ISA(name, text, arch, features) {Isa::name, text, Arch::arch, features},
#include "codegen/cpu/isa.def"
};

void switch_on(Target& target, Isa isa) {
  target.isas |= uint64_t{1} << static_cast<int>(isa);
}

int64_t cache_bytes(int name, int64_t otherwise) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

/// Whether every feature of the row is on; `evex512` is LLVM's own switch, not a property of CPUs.
bool host_has(const llvm::StringMap<bool>& features, const char* row) {
  std::istringstream list(row);
  std::string feature;
  while (std::getline(list, feature, ',')) {
    if (feature == "+evex512") continue;
    if (!features.lookup(feature.substr(1))) return false;
  }
  return true;
}

Result<int64_t> positive(std::string_view text, std::string_view word) {
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || value > (int64_t{1} << 40)) {
      return error(Code::kInvalidArgument, "target: bad number in '", word, "'");
    }
    value = value * 10 + (c - '0');
  }
  if (value <= 0) return error(Code::kInvalidArgument, "target: '", word, "' must be positive");
  return value;
}

Status parse_word(Target& target, const std::string& word) {
  if (const size_t equals = word.find('='); equals != std::string::npos) {
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "tune") {
      target.tune_for = value;
      return {};
    }
    CARNOT_ASSIGN(const int64_t number, positive(value, word));
    if (key == "l1") return target.l1_bytes = number, Status();
    if (key == "l2") return target.l2_bytes = number, Status();
    if (key == "l3") return target.l3_bytes = number, Status();
    if (key == "threads" && number <= 4096)
      return target.threads = static_cast<int>(number), Status();
    return error(Code::kInvalidArgument, "target: '", word,
                 "' is not l1=, l2=, l3=, threads= or tune=");
  }
  for (const IsaRow& row : kIsas) {
    if (word != row.text) continue;
    if (row.arch != target.arch) {
      return error(Code::kInvalidArgument, "target: '", word,
                   "' does not belong to this architecture");
    }
    switch_on(target, row.isa);
    return {};
  }
  return error(Code::kInvalidArgument, "target: unknown instruction set '", word, "'");
}

/// What one instruction set implies of others.
void close(Target& target) {
  const bool wide = target.has(Isa::kAvx512) || target.has(Isa::kVnni) || target.has(Isa::kBf16) ||
                    target.has(Isa::kFp16);
  if (wide) switch_on(target, Isa::kAvx512), switch_on(target, Isa::kF16c);
  if (wide || target.has(Isa::kAvxVnni))
    switch_on(target, Isa::kAvx2), switch_on(target, Isa::kFma);
  if (target.has(Isa::kFma)) switch_on(target, Isa::kAvx2);
}

}  // namespace

int Target::vector_bytes() const {
  return has(Isa::kAvx512) ? 64 : has(Isa::kAvx2) ? 32 : 16;
}

int Target::vector_registers() const {
  return arch == Arch::kArm64 || has(Isa::kAvx512) ? 32 : 16;
}

std::string to_string(const Target& target) {
  std::string text = target.arch == Arch::kX86 ? "x86-64" : "aarch64";
  for (const IsaRow& row : kIsas) {
    if (target.has(row.isa)) text += cat(" ", row.text);
  }
  text += cat(" l1=", target.l1_bytes, " l2=", target.l2_bytes, " l3=", target.l3_bytes,
              " threads=", target.threads);
  if (!target.tune_for.empty()) text += cat(" tune=", target.tune_for);
  return text;
}

Result<Target> parse_target(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string word;
  words >> word;
  Target target;
  if (word == "aarch64") {
    target.arch = Arch::kArm64;
  } else if (word != "x86-64") {
    return error(Code::kInvalidArgument, "target: '", word, "' is neither x86-64 nor aarch64");
  }
  while (words >> word) CARNOT_RETURN_IF_ERROR(parse_word(target, word));
  close(target);
  return target;
}

Result<Target> host_target() {
  Target target;
  const llvm::Triple triple(llvm::sys::getProcessTriple());
  if (triple.getArch() == llvm::Triple::aarch64) {
    target.arch = Arch::kArm64;
  } else if (triple.getArch() != llvm::Triple::x86_64) {
    return error(Code::kUnsupported, "target: no code generator for ", triple.str());
  }
  const llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  for (const IsaRow& row : kIsas) {
    if (row.arch == target.arch && host_has(features, row.features)) switch_on(target, row.isa);
  }
  target.tune_for = llvm::sys::getHostCPUName().str();
  target.l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, target.l1_bytes);
  target.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, target.l2_bytes);
  target.l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, target.l3_bytes);
  target.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return target;
}

std::string llvm_features(const Target& target) {
  std::string features;
  for (const IsaRow& row : kIsas) {
    if (target.has(row.isa)) features += cat(features.empty() ? "" : ",", row.features);
  }
  return features;
}

}  // namespace carnot::cpu
