// A node whose result's sizes come from a computed tensor (its "target" operand) takes them as
// attributes once the tensor's elements are known. The symbols that it defined become these sizes
// in all of the graph.
#include <algorithm>

#include "ir/inline.h"
#include "ir/match.h"
#include "ir/targets.h"
#include "passes/passes.h"

namespace carnot {
namespace {

// A range of known length is its elements' numbers, times a step, from a start: arithmetic that any
// kernel does in place.
Status resolve_range(Graph& graph, Node* node, PassContext& context) {
  const Value *start = node->inputs[0], *delta = node->inputs[2];
  const auto first = uniform_value(start), step = uniform_value(delta);
  if (!first || !step || context.exhausted()) return {};
  const DType dtype = start->type().dtype;
  op::Iota iota{{node->as<op::Range>()->count}, 0, dtype};
  CARNOT_ASSIGN(Value * value, graph.make(std::move(iota), {}, node->origin, node));
  const auto apply = [&](ScalarOp op, Value* operand) -> Status {
    op::Pointwise out;
    out.body.inputs = 2;
    out.body.results = {out.body.add(op, 0, 1)};
    CARNOT_ASSIGN(value, graph.make(std::move(out), {value, operand}, node->origin, node));
    return {};
  };
  if (*step != 1) CARNOT_RETURN_IF_ERROR(apply(ScalarOp::kMul, node->inputs[2]));
  if (*first != 0) CARNOT_RETURN_IF_ERROR(apply(ScalarOp::kAdd, node->inputs[0]));
  if (!(value->type() == node->output()->type()) || !context.rewrite()) return {};
  value->name = node->output()->name;
  graph.replace_uses(node->output(), value);
  graph.erase(node);
  return {};
}

}  // namespace

Status resolve_targets(Graph& graph, PassContext& context) {
  Substitution with;
  bool changed = false;
  SymbolScope scope(graph);
  for (Node* node : graph.nodes()) {
    const std::vector<std::string> own = scope.enter(*node);
    if (node->as<op::Range>() && own.empty()) {
      CARNOT_RETURN_IF_ERROR(resolve_range(graph, node, context));
      continue;
    }
    const std::optional<size_t> target = target_operand(node->op, node->inputs.size());
    // A resize with a region keeps the place of its target; without one the operand goes.
    if (!target || *target + 1 != node->inputs.size()) continue;
    const Value* value = node->inputs[*target];
    const std::optional<Op> resolved =
        resolve_target(node->op, node->inputs[0]->type().dims, value->info, constant_of(value));
    if (!resolved) continue;
    std::vector<Value*> inputs(node->inputs.begin(), node->inputs.end() - 1);
    const Result<std::vector<Info>> infos = infer_node(*resolved, inputs, node->regions);
    if (!infos.ok()) {
      context.note(*node, "the computed sizes do not fit: " + infos.status().message());
      continue;
    }
    Substitution found = with;
    match_symbols(attribute_dims(node->op), attribute_dims(substitute(*resolved, with)), own,
                  found);
    if (std::any_of(own.begin(), own.end(), [&](const auto& name) { return !found.count(name); })) {
      context.note(*node, "a symbol that it defines would get no size");
      continue;
    }
    if (!context.rewrite()) break;
    with = std::move(found);
    node->op = *resolved;
    graph.set_inputs(node, std::move(inputs));
    changed = true;
  }
  return changed ? substitute(graph, with) : Status();
}

}  // namespace carnot
