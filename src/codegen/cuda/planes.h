#pragma once
// Planes: a pointwise kernel between pixels, whose few channels lie side by side, and planes, one
// of each channel, or between pixels with a factor for each channel. A thread takes all channels of
// some neighbouring pixels: it turns them in its registers, and touches both sides in whole
// vectors.
#include <optional>
#include <vector>

#include "codegen/nest.h"

namespace carnot::cuda {

struct Planes {
  size_t channel = 0, pixel = 0;   ///< axes
  int channels = 1;                ///< the size of the first
  std::vector<int> loads, stores;  ///< of accesses to pixels: elements that they can take at once
                                   ///< (2, 4, 8 ...); 0: of planes, or neither
};

/// For threads of `pixels` pixels. Nothing where there are no such pixels.
std::optional<Planes> planes_of(const Nest& nest, int pixels);

}  // namespace carnot::cuda
