#include "kernel/kernel.h"

#include <algorithm>

#include "base/hash.h"

namespace carnot {

Dim axis_symbol(int i) {
  return Dim::symbol("#" + std::to_string(i));
}
bool has_faults(const Kernel& kernel) {
  return std::any_of(kernel.stages.begin(), kernel.stages.end(), [](const Stage& stage) {
    return std::any_of(stage.loads.begin(), stage.loads.end(),
                       [](const Load& load) { return load.within.has_value(); });
  });
}

Dim load_symbol(int i) {
  return Dim::symbol("$" + std::to_string(i));
}

const char* to_string(Combiner combiner) {
  constexpr const char* kNames[] = {"none", "sum", "product", "max", "min", "argmax", "argmin"};
  return kNames[static_cast<size_t>(combiner)];
}

uint64_t hash(const Kernel& kernel) {
  Kernel nameless = kernel;
  const auto forget = [](std::vector<Axis>& axes) {
    for (Axis& axis : axes) axis.name.clear();
  };
  nameless.name.clear();
  forget(nameless.axes);
  for (Stage& stage : nameless.stages) forget(stage.inner);
  return hash64(print(nameless));
}

}  // namespace carnot
