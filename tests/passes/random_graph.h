#pragma once
// Small random graphs that hold what passes look for: views in rows, identities, equal nodes,
// affine nodes behind contractions, shape arithmetic, regions.
#include "ir/graph.h"

namespace carnot {

/// The same graph for the same seed.
Graph random_graph(uint64_t seed);

}  // namespace carnot
