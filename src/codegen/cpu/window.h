#pragma once
// Windows: depthwise convolutions and pools over channels-last images, a tile of output pixels at a
// time. For each row of taps the tile's pixels share what they load: neighbouring windows overlap.
// Lanes run along the channels; weights are read as [taps..., channels], so relayout() them first.
#include <vector>

#include "codegen/cpu/module.h"
#include "kernel/kernel.h"

namespace carnot::cpu {

struct WindowChoice {
  int pixels = 4;   ///< of the tile, along the image's width
  int vectors = 1;  ///< of channels
  bool operator==(const WindowChoice&) const = default;
};

/// Why a kernel is no window; ok where it is one.
Status why_not_window(const Kernel& kernel, const Target& target);

std::vector<WindowChoice> window_choices(const Kernel& kernel, const Target& target);

Result<GeneratedFunction> emit_window(Module& module, const std::string& symbol,
                                      const Kernel& kernel, const Symbols& likely,
                                      const WindowChoice& choice);

/// A constant stored with another order of axes: buffer `buffer` is transposed by `perm`.
struct Relayout {
  int buffer = 0;
  std::vector<int64_t> perm;
};
/// The kernel with every constant that its lanes would step over turned so that they do not, and
/// what was turned. Lanes run along the axis that stores step over by one.
std::vector<Relayout> relayout(Kernel& kernel, const std::vector<bool>& constant);

}  // namespace carnot::cpu
