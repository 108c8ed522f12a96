#include "kernel/kernel.h"

#include "base/hash.h"

namespace carnot {

Dim axis_symbol(int i) {
  return Dim::symbol("#" + std::to_string(i));
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
