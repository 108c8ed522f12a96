// unflatten_rows: a product whose rows are axes made one by a reshape, and split again behind it,
// works on the axes themselves: reshape, matmul, bias, reshape back become matmul and bias. Then
// what changes the order of those axes in front and behind can meet.
#include <algorithm>

#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {

namespace {

struct Flattened {
  std::vector<Node*> steps;  // pointwise nodes between the product and the reshape, last one first
  Node* product = nullptr;
  Value* source = nullptr;  // what is made rows
};

// The operand that gives a pointwise node its shape, where all others are vectors along the last
// axis or single elements.
Value* shaped_operand(const Node& node) {
  Value* out = nullptr;
  for (Value* v : node.inputs) {
    if (v->type().rank() <= 1) continue;
    if (out || !(v->type().dims == node.output()->type().dims)) return nullptr;
    out = v;
  }
  return out;
}

std::optional<Flattened> flattened(const Graph& graph, const Node& reshape) {
  if (reshape.inputs.size() != 1) return std::nullopt;
  Flattened out;
  Value* v = reshape.inputs[0];
  for (; v && producer_of<op::Pointwise>(v); v = shaped_operand(*v->producer)) {
    if (!used_once(graph, v) || v->producer->outputs.size() != 1) return std::nullopt;
    out.steps.push_back(v->producer);
  }
  out.product = v ? producer_of<op::MatMul>(v) : nullptr;
  if (!out.product || !used_once(graph, v) || v->type().rank() != 2) return std::nullopt;
  const Node* rows = producer_of<op::Reshape>(out.product->inputs[0]);
  if (!rows || rows->inputs.size() != 1 || out.product->as<op::MatMul>()->transpose_a) {
    return std::nullopt;
  }
  out.source = rows->inputs[0];
  const Dims &to = reshape.output()->type().dims, &from = out.source->type().dims;
  if (to.size() < 3 || from.size() < to.size() || !(to.back() == v->type().dims[1])) {
    return std::nullopt;
  }
  return std::equal(to.begin(), to.end() - 1, from.begin()) ? std::optional(out) : std::nullopt;
}

}  // namespace

Status unflatten_rows(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    if (!node->as<op::Reshape>()) continue;
    const std::optional<Flattened> found = flattened(graph, *node);
    if (!found || !context.rewrite()) continue;
    Node* product = found->product;
    op::Reshape rows{node->output()->type().dims};
    rows.sizes.back() = product->inputs[0]->type().dims[1];
    CARNOT_ASSIGN(Value * v,
                  graph.make(std::move(rows), {found->source}, product->origin, product));
    CARNOT_ASSIGN(v, graph.make(product->op, {v, product->inputs[1]}, product->origin, product));
    for (auto step = found->steps.rbegin(); step != found->steps.rend(); ++step) {
      std::vector<Value*> inputs = (*step)->inputs;
      std::replace(inputs.begin(), inputs.end(), shaped_operand(**step), v);
      CARNOT_ASSIGN(v, graph.make((*step)->op, std::move(inputs), (*step)->origin, *step));
    }
    v->name = node->output()->name;
    graph.replace_uses(node->output(), v);
    graph.erase(node);
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
