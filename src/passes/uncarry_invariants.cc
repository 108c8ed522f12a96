// uncarry_invariants: what a loop hands unchanged from iteration to iteration (the weights of a
// recurrent network that was exported as a loop) becomes a capture, and a constant that a region
// captures becomes a constant inside it: then its kernels can be made for it.
#include "passes/passes.h"

namespace carnot {

namespace {

constexpr size_t kFirstOperand = 2, kFirstInput = 2, kFirstOutput = 1;  // of what a loop carries

std::vector<size_t> invariants_of(const Node& node, const op::Loop& op) {
  std::vector<size_t> out;
  const Graph& body = *node.regions[0];
  for (size_t k = 0; k < static_cast<size_t>(op.carried); ++k) {
    const bool same = body.outputs()[kFirstOutput + k] == body.inputs()[kFirstInput + k];
    const TensorType& type = node.inputs[kFirstOperand + k]->type();
    if (same && type == node.outputs[k]->type() && type == body.inputs()[kFirstInput + k]->type()) {
      out.push_back(k);
    }
  }
  return out;
}

// The body with inputs for those behind its captures.
std::unique_ptr<Graph> body_without(const Graph& old, const std::vector<size_t>& invariants) {
  auto body = std::make_unique<Graph>(old.clone());
  for (const size_t k : invariants) {
    Value* carried = body->inputs()[kFirstInput + k];
    body->replace_uses(carried, body->add_input(carried->name, carried->type()));
  }
  std::vector<Value*> outputs = body->outputs();
  for (size_t i = invariants.size(); i-- > 0;) {
    outputs.erase(outputs.begin() + static_cast<ptrdiff_t>(kFirstOutput + invariants[i]));
  }
  body->set_outputs(std::move(outputs));
  body->output_names.clear();
  for (size_t i = invariants.size(); i-- > 0;) body->remove_input(kFirstInput + invariants[i]);
  return body;
}

Result<Node*> uncarry(Graph& graph, Node* node, const std::vector<size_t>& invariants) {
  op::Loop op = *node->as<op::Loop>();
  std::vector<Value*> inputs = node->inputs, captures;
  std::vector<std::string> names;
  for (const Value* v : node->outputs) names.push_back(v->name);
  for (size_t i = invariants.size(); i-- > 0;) {
    const auto k = static_cast<ptrdiff_t>(invariants[i]);
    const auto operand = inputs.begin() + static_cast<ptrdiff_t>(kFirstOperand) + k;
    captures.insert(captures.begin(), *operand);
    inputs.erase(operand);
    names.erase(names.begin() + k);
    op.types.erase(op.types.begin() + k);
    --op.carried;
  }
  inputs.insert(inputs.end(), captures.begin(), captures.end());
  std::vector<std::unique_ptr<Graph>> regions;
  regions.push_back(body_without(*node->regions[0], invariants));
  CARNOT_ASSIGN(Node * made, graph.add(std::move(op), std::move(inputs), node->origin, names, node,
                                       std::move(regions)));
  size_t next = 0;
  for (size_t k = 0, at = 0; k < node->outputs.size(); ++k) {
    const bool invariant = at < invariants.size() && invariants[at] == k;
    graph.replace_uses(node->outputs[k], invariant ? captures[at++] : made->outputs[next++]);
  }
  graph.erase(node);
  return made;
}

void sink_constants(Node* node, PassContext& context) {
  const Captures captures = captures_of(node->op);
  for (size_t i = captures.operand, j = captures.input; i < node->inputs.size(); ++i, ++j) {
    const Tensor* constant = constant_of(node->inputs[i]);
    if (!constant) continue;
    for (const auto& region : node->regions) {
      Value* input = region->inputs()[j];
      if (input->users.empty() && !region->is_output(input)) continue;
      if (!context.rewrite()) return;
      const std::vector<Node*> nodes = region->nodes();
      Value* inside = region->constant(*constant, node->inputs[i]->producer->origin,
                                       nodes.empty() ? nullptr : nodes.front());
      inside->name = input->name;
      region->replace_uses(input, inside);
    }
  }
}

}  // namespace

Status uncarry_invariants(Graph& graph, PassContext& context) {
  if (graph.nesting() == 1) return {};
  for (Node* node : graph.nodes()) {
    if (node->as<op::Fused>() || node->regions.empty()) continue;
    Node* holder = node;
    if (const auto* loop = node->as<op::Loop>()) {
      const std::vector<size_t> invariants = invariants_of(*node, *loop);
      if (!invariants.empty() && context.rewrite()) {
        CARNOT_ASSIGN(holder, uncarry(graph, node, invariants));
      }
    }
    sink_constants(holder, context);
  }
  return {};
}

}  // namespace carnot
