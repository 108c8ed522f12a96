#pragma once
// Reductions as exporters write them, for passes that recognize norms and softmax. Private to
// src/passes.
#include <optional>
#include <vector>

#include "ir/graph.h"

namespace carnot {

/// Values inside a pattern: nobody outside may need them.
using Inner = std::vector<Value*>;

/// The value before reshapes that only add or remove axes of size 1; they join `inner`.
Value* before_unit_axes(Value* value, Inner& inner);

/// A reduction of `of` over `axes` (sorted, not negative).
struct Statistic {
  Value* of = nullptr;
  op::Reduce::Kind kind = op::Reduce::kSum;
  op::Ints axes;
};
/// What `value` is, perhaps behind such reshapes. A sum divided by the number of its elements is a
/// mean. All values on the way, `value` included, join `inner`.
std::optional<Statistic> statistic_of(Value* value, Inner& inner);

/// Whether the type is that of x with `axes` of size 1: how a statistic meets its operand.
bool keeps_axes(const TensorType& type, const TensorType& x, const op::Ints& axes);

/// Whether all uses of the inner values are by each other's producers or by `node`.
bool private_to(const Graph& graph, const Node& node, const Inner& inner);

}  // namespace carnot
