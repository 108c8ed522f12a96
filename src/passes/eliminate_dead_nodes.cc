// Removes nodes that no output needs and values that regions capture without using them.
#include <algorithm>

#include "passes/passes.h"

namespace carnot {
namespace {

bool captured_in_vain(const Node& node, size_t region_input) {
  return std::all_of(node.regions.begin(), node.regions.end(), [&](const auto& region) {
    const Value* input = region->inputs()[region_input];
    return input->users.empty() && !region->is_output(input);
  });
}

void drop_captures(Graph& graph, Node* node, PassContext& context) {
  const auto [operand, input] = captures_of(node->op);
  for (size_t i = node->inputs.size(); i-- > operand;) {
    const size_t region_input = i - operand + input;
    if (!captured_in_vain(*node, region_input) || !context.rewrite()) continue;
    for (const auto& region : node->regions) region->remove_input(region_input);
    std::vector<Value*> rest = node->inputs;
    rest.erase(rest.begin() + static_cast<ptrdiff_t>(i));
    graph.set_inputs(node, std::move(rest));
  }
}

}  // namespace

Status eliminate_dead_nodes(Graph& graph, PassContext& context) {
  if (context.exhausted()) return {};
  for (int removed = graph.remove_dead(); removed > 0; --removed) context.rewrite();
  // Backward: a capture dropped here may leave a node before it without uses.
  std::vector<Node*> nodes = graph.nodes();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if (!(*node)->regions.empty()) drop_captures(graph, *node, context);
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
