#pragma once
// How symbols get their numbers: which nodes define them, and how a declared type and a concrete
// shape bind them.
#include "ir/graph.h"

namespace carnot {

/// Whether the run may bind symbols from this node's results (see carnot/op_structs.h): it has
/// results whose size only the data tells, or the tensor ("target") that the size comes from.
bool may_define_symbols(const Node& node);

/// Fits a concrete shape to declared sizes: symbols that are unknown so far are bound (also inside
/// an expression where it is linear in one of them), everything else must agree.
Status bind_symbols(const Dims& declared, const Shape& actual, Symbols& symbols);
/// The shape, where every symbol is known and no size is negative; nothing otherwise.
std::optional<Shape> known_shape(const Dims& dims, const Symbols& symbols);
/// The operation with known symbols in its attributes replaced by their numbers.
Op with_symbols(const Op& op, const Symbols& symbols);

}  // namespace carnot
