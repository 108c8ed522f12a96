// A node whose result's sizes come from a computed tensor (its "target" operand) takes them as
// attributes once the tensor's elements are known. The symbols that it defined become these sizes
// in all of the graph.
#include <algorithm>

#include "ir/inline.h"
#include "ir/targets.h"
#include "passes/passes.h"

namespace carnot {
Status resolve_targets(Graph& graph, PassContext& context) {
  Substitution with;
  bool changed = false;
  SymbolScope scope(graph);
  for (Node* node : graph.nodes()) {
    const std::vector<std::string> own = scope.enter(*node);
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
