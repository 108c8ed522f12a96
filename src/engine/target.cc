// Whether an engine that was built for one device runs on another.
#include <algorithm>
#include <charconv>
#include <iterator>

#include "engine/engine_file.h"

namespace carnot {
namespace {

// Each set of instructions contains those before it.
constexpr const char* kX86[] = {"x86-64", "avx2", "avx512"};

int rank_of(std::string_view isa) {
  const auto found = std::find(std::begin(kX86), std::end(kX86), isa);
  return found == std::end(kX86) ? -1 : static_cast<int>(found - std::begin(kX86));
}

// "sm_86": generation 8, 6 within it; `exact` where only that very GPU will do ("sm_90a").
struct Compute {
  int major = 0, minor = 0;
  bool exact = false;
};
Compute compute_of(std::string_view isa) {
  Compute out;
  constexpr std::string_view kPrefix = "sm_";
  if (isa.substr(0, kPrefix.size()) != kPrefix) return out;
  isa.remove_prefix(kPrefix.size());
  out.exact = !isa.empty() && isa.back() == 'a';
  if (out.exact) isa.remove_suffix(1);
  int number = 0;
  const auto read = std::from_chars(isa.data(), isa.data() + isa.size(), number);
  if (read.ec != std::errc() || read.ptr != isa.data() + isa.size()) return {};
  out.major = number / 10, out.minor = number % 10;
  return out;
}

// Machine code of one generation runs on its later members.
bool gpu_runs(std::string_view built_for, std::string_view here) {
  const Compute code = compute_of(built_for), gpu = compute_of(here);
  if (code.major == 0 || code.major != gpu.major) return false;
  return code.exact ? code.minor == gpu.minor : code.minor <= gpu.minor;
}

}  // namespace

std::string why_not_runnable(const DeviceDescription& built_for, const DeviceDescription& here) {
  if (built_for.kind != here.kind) {
    return cat("it was built for a ", built_for.kind, " device, this is a ", here.kind);
  }
  if (built_for.kind == "cuda") {
    if (gpu_runs(built_for.isa, here.isa)) return "";
    return cat("it was built for a GPU with ", built_for.isa, ", ",
               here.name.empty() ? "this one" : here.name, " has ", here.isa);
  }
  const int wanted = rank_of(built_for.isa), have = rank_of(here.isa);
  const bool same = built_for.isa == here.isa;
  if (!same && (wanted < 0 || have < 0 || wanted > have)) {
    return cat("it was built for a CPU with ", built_for.isa, ", this one has ", here.isa);
  }
  for (const std::string& feature : built_for.features) {
    if (!here.has(feature)) {
      return cat("it was built for a CPU with ", feature, ", which this one lacks");
    }
  }
  return "";
}

}  // namespace carnot
