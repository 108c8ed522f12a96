#pragma once
// Strips: in a window over pixels (a pool, a depthwise convolution) neighbouring points share most
// of what they load. A thread that takes a strip of them loads it once.
#include <optional>
#include <vector>

#include "codegen/nest.h"

namespace carnot::cuda {

/// Of one folding stage. Loads that do not slide do not depend on the strip's axis.
struct Slide {
  int step = 1;             ///< one point further is `step` further along the last inner axis
  int size = 1;             ///< of the last inner axis
  std::vector<bool> loads;  ///< which ones slide
};

/// The strip runs along the axis before the last one.
struct Strips {
  std::vector<Slide> stages;  ///< per stage of the nest; empty `loads` where it stores
};

/// Nothing where no window slides along the axis.
std::optional<Strips> strips_of(const Nest& nest);

}  // namespace carnot::cuda
