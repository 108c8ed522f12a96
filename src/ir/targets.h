#pragma once
// Nodes whose result's sizes come from a computed tensor, their "target" (carnot/op_structs.h).
#include <optional>

#include "ops/op.h"

namespace carnot {

/// Which operand is the target, where an operation with this many operands has one.
std::optional<size_t> target_operand(const Op& op, size_t operands);

/// The operation with its sizes taken from the target into its attributes (its starts and pads
/// too), where the target's elements are known; `x` are the first operand's sizes. Computed scales
/// of a resize are read from `constant`.
std::optional<Op> resolve_target(const Op& op, const Dims& x, const Info& target,
                                 const Tensor* constant);

}  // namespace carnot
