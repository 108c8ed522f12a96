#pragma once
// Whether two graphs compute the same, by running both.
#include "ir/graph.h"

namespace carnot {

/// Runs both with the same seeded inputs (each symbol of the inputs is 2, 3 or 4) and compares all
/// outputs; an error says which differ. A graph
/// that fails to run may stop failing only where it failed for want of memory.
/// `storage`: the element type in which values between may be kept, which widens the tolerance.
Status same_results(const Graph& before, const Graph& after, uint64_t seed,
                    int64_t bytes_max = int64_t{32} << 20, DType storage = DType::kF32);

}  // namespace carnot
