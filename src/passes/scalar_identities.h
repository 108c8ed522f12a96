#pragma once
// Algebra on scalar programs, for passes.
#include "carnot/scalar.h"

namespace carnot {

/// The same results from fewer instructions: x*1, x+0, x/1, -(-x), pow(x, 2), division by a power
/// of two, casts that change nothing. Float results keep their bits, except that x + 0.0 may keep
/// a -0.0. Inputs stay, used or not. `types` are the inputs'.
ScalarProgram apply_identities(const ScalarProgram& program, const std::vector<DType>& types);

/// Whether every value of `from` survives a cast to `to`.
bool cast_is_exact(DType from, DType to);

}  // namespace carnot
