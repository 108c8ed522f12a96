// split_reductions: a reduction over several axes in front of a kept last one (the global average
// pool of a channels-last image) becomes two, the innermost folded axis first. The first has a task
// for each of the other axes' positions, where the whole had one for a handful of channel vectors,
// and both read neighbours. Sums are formed in another order, the same for any number of threads.
#include <algorithm>

#include "passes/passes.h"

namespace carnot {

namespace {

// Below it one kernel is over before a second has begun.
constexpr int64_t kFoldedMin = 512;

std::string why_not(const Node& node, const op::Reduce& op) {
  const Dims& in = node.inputs[0]->type().dims;
  if (op.axes.size() < 2) return "one axis";
  if (!is_float(node.inputs[0]->type().dtype)) return "not a float";
  int64_t folded = 1;
  for (int64_t a : op.axes) {
    const int64_t axis = a < 0 ? a + static_cast<int64_t>(in.size()) : a;
    if (axis + 1 == static_cast<int64_t>(in.size())) return "the last axis is folded";
    const Dim& d = in[static_cast<size_t>(axis)];
    folded = d.is_constant() && folded < kFoldedMin ? folded * d.value() : kFoldedMin;
  }
  return folded < kFoldedMin ? "too small to split" : "";
}

}  // namespace

Status split_reductions(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    const auto* op = node->as<op::Reduce>();
    if (!op || !why_not(*node, *op).empty() || !context.rewrite()) continue;
    const int64_t rank = node->inputs[0]->type().rank();
    op::Reduce inner = *op, outer = *op;
    for (int64_t& a : outer.axes) a = a < 0 ? a + rank : a;
    std::sort(outer.axes.begin(), outer.axes.end());
    inner.axes = {outer.axes.back()};
    inner.keep = true;
    if (op->keep) {
      outer.axes.pop_back();
    }
    CARNOT_ASSIGN(Value * part, graph.make(inner, node->inputs, node->origin, node));
    CARNOT_ASSIGN(Value * whole, graph.make(outer, {part}, node->origin, node));
    whole->name = node->output()->name;
    graph.replace_uses(node->output(), whole);
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
