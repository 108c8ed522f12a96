// sink_reshapes: a reshape that only adds or drops axes of size 1 moves from in front of a
// pointwise node to behind it, so that the node can join the kernel that computes its operand (the
// bias and activation of a 1-D convolution that was imported as a 2-D one).
#include <algorithm>

#include "passes/passes.h"

namespace carnot {

namespace {

// For each axis of `to` the axis of `from` that it is, -1 for one of size 1 that is new; nothing
// where the reshape does more than that.
std::optional<std::vector<int>> unit_axes(const Dims& from, const Dims& to) {
  std::vector<int> out;
  size_t f = 0;
  for (const Dim& d : to) {
    while (f < from.size() && from[f].is(1) && !d.is(1)) ++f;
    if (f < from.size() && from[f] == d) {
      out.push_back(static_cast<int>(f++));
    } else if (d.is(1)) {
      out.push_back(-1);
    } else {
      return std::nullopt;
    }
  }
  for (; f < from.size(); ++f) {
    if (!from[f].is(1)) return std::nullopt;
  }
  return out;
}

// The reshape among the operands that gives the node its shape.
Node* reshape_of(const Node& node) {
  for (const Value* v : node.inputs) {
    Node* p = v->producer;
    if (!p || !p->as<op::Reshape>() || p->inputs.size() != 1) continue;
    if (!(v->type().dims == node.output()->type().dims)) continue;
    const Value* x = p->inputs[0];
    const bool only =
        std::all_of(v->users.begin(), v->users.end(), [&](const Node* n) { return n == &node; });
    if (only && x->users.size() == 1 && x->producer && !constant_of(x)) return p;
  }
  return nullptr;
}

// An operand with the axes of `from`, as `places` (of the node's axes) says.
Result<Value*> moved(Graph& graph, Value* v, const Dims& from, const std::vector<int>& places,
                     Node* before) {
  const Dims& dims = v->type().dims;
  if (dims.empty()) return v;
  Dims sizes(from.size(), Dim(1));
  const size_t skip = places.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (places[skip + i] >= 0) sizes[static_cast<size_t>(places[skip + i])] = dims[i];
  }
  if (sizes == dims) return v;
  const Origin origin = v->producer ? v->producer->origin : Origin{};
  return graph.make(op::Reshape{.sizes = sizes}, {v}, origin, before);
}

}  // namespace

Status sink_reshapes(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    if (!node->as<op::Pointwise>() || node->outputs.size() != 1) continue;
    Node* reshape = reshape_of(*node);
    if (!reshape) continue;
    Value* x = reshape->inputs[0];
    const Dims from = x->type().dims, to = node->output()->type().dims;
    const auto places = unit_axes(from, to);
    if (!places || from == to || !context.rewrite()) continue;
    std::vector<Value*> inputs;
    for (Value* v : node->inputs) {
      if (v == reshape->output()) {
        inputs.push_back(x);
        continue;
      }
      CARNOT_ASSIGN(Value * operand, moved(graph, v, from, *places, node));
      inputs.push_back(operand);
    }
    CARNOT_ASSIGN(Value * made, graph.make(node->op, inputs, node->origin, node));
    CARNOT_ASSIGN(Value * y, graph.make(op::Reshape{.sizes = to}, {made}, node->origin, node));
    y->name = node->output()->name;
    graph.replace_uses(node->output(), y);
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
