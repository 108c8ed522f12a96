#pragma once
// Gathers and scatters whose data gave indices outside of their axis, for those who go on with
// them.
#include "ops/op.h"

namespace carnot {

/// An operation and its operands.
struct Call {
  Op op;
  std::vector<Tensor> operands;
};

/// The same gather or scatter with each index in range: a gather picks element 0 for one that was
/// not, a scatter leaves such updates out. `op` itself where it has no indices or nothing to pick;
/// an error where the operands are not what the operation takes.
Result<Call> within_range(const Op& op, Tensors operands);

}  // namespace carnot
