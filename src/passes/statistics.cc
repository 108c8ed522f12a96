#include "passes/statistics.h"

#include <algorithm>
#include <cmath>

#include "ir/match.h"

namespace carnot {
namespace {

Dims without_ones(const Dims& dims) {
  Dims out;
  for (const Dim& dim : dims) {
    if (!dim.is(1)) out.push_back(dim);
  }
  return out;
}

op::Ints resolved(const op::Reduce& reduce, int64_t rank) {
  op::Ints axes = reduce.axes;
  if (axes.empty()) {
    for (int64_t i = 0; i < rank; ++i) axes.push_back(i);
  }
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::sort(axes.begin(), axes.end());
  return axes;
}

}  // namespace

Value* before_unit_axes(Value* value, Inner& inner) {
  for (;;) {
    const Node* reshape = producer_of<op::Reshape>(value);
    if (!reshape || reshape->inputs.size() != 1) return value;
    Value* before = reshape->inputs[0];
    if (without_ones(before->type().dims) != without_ones(value->type().dims)) return value;
    inner.push_back(value);
    value = before;
  }
}

std::optional<Statistic> statistic_of(Value* value, Inner& inner) {
  value = before_unit_axes(value, inner);
  double factor = 1;
  if (const auto step = scalar_step(value->producer)) {
    const auto number = with_number(*step);
    const bool div = step->op == ScalarOp::kDiv && number && !number->number_first;
    if (!number || !(div || step->op == ScalarOp::kMul)) return {};
    factor = div ? 1 / number->number : number->number;
    inner.push_back(value);
    value = before_unit_axes(number->value, inner);
  }
  const Node* node = producer_of<op::Reduce>(value);
  if (!node) return {};
  inner.push_back(value);
  const op::Reduce& reduce = *node->as<op::Reduce>();
  Statistic out{node->inputs[0], reduce.kind, {}};
  out.axes = resolved(reduce, out.of->type().rank());
  if (factor == 1) return out;
  Dim count = 1;
  for (const int64_t axis : out.axes)
    count = count * out.of->type().dims[static_cast<size_t>(axis)];
  if (reduce.kind != op::Reduce::kSum || !count.is_constant()) return {};
  // The factor was rounded once.
  if (!(std::abs(factor * static_cast<double>(count.value()) - 1) < 1e-6)) return {};
  out.kind = op::Reduce::kMean;
  return out;
}

bool keeps_axes(const TensorType& type, const TensorType& x, const op::Ints& axes) {
  Dims want = x.dims;
  for (const int64_t axis : axes) want[static_cast<size_t>(axis)] = 1;
  return type.dims == want;
}

bool private_to(const Graph& graph, const Node& node, const Inner& inner) {
  const auto inside = [&](const Node* user) {
    return user == &node || std::any_of(inner.begin(), inner.end(),
                                        [&](const Value* v) { return v->producer == user; });
  };
  return std::all_of(inner.begin(), inner.end(), [&](const Value* value) {
    return !graph.is_output(value) && std::all_of(value->users.begin(), value->users.end(), inside);
  });
}

}  // namespace carnot
