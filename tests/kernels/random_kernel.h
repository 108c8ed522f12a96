#pragma once
// Small random kernels: every kind of index map, guard, layout, fold and element type.
#include "tests/kernels/stored_kernel.h"

namespace carnot {

/// Always the same one for a seed. Its inputs are not filled.
StoredKernel random_kernel(uint64_t seed);

}  // namespace carnot
