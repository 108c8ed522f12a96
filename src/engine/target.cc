// Whether an engine that was built for one device runs on another.
#include <algorithm>
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

}  // namespace

std::string why_not_runnable(const DeviceDescription& built_for, const DeviceDescription& here) {
  if (built_for.kind != here.kind) {
    return cat("it was built for a ", built_for.kind, " device, this is a ", here.kind);
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
