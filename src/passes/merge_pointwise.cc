// merge_pointwise: a chain of pointwise nodes becomes one program. A producer moves into its only
// user when nothing is computed twice: same shape, or so cheap that repeating it costs less than
// storing it. Constants of one element become immediates, equal operands are read once.
#include <algorithm>

#include "passes/passes.h"

namespace carnot {

namespace {

constexpr size_t kInstsMax = 96;     ///< beyond, registers spill and compilation drags
constexpr size_t kOperandsMax = 12;  ///< live pointers in one loop

bool only_user(const Value* v, const Node* user) {
  return std::all_of(v->users.begin(), v->users.end(), [&](Node* n) { return n == user; });
}

bool is_immediate(const Value* v, const TensorType& result) {
  const Tensor* c = constant_of(v);
  if (!c || c->elements() != 1 || v->type().rank() > result.rank()) return false;
  return class_of(c->dtype()) != DTypeClass::kString;
}

// Builds a program while operands are bound to values.
struct Merged {
  ScalarProgram body;
  std::vector<Value*> operands;

  int32_t operand(Value* v) {
    auto it = std::find(operands.begin(), operands.end(), v);
    if (it == operands.end()) it = operands.insert(operands.end(), v);
    return static_cast<int32_t>(it - operands.begin());
  }
};

// Whether `v`, an operand of `user`, may be recomputed inside it.
std::string why_not_inline(const Graph& graph, const Value* v, const Node* user) {
  const Node* p = v->producer;
  if (p->outputs.size() != 1) return "its producer has several results";
  if (graph.is_output(v)) return "its operand is an output of the graph";
  if (!only_user(v, user)) return "its operand is needed elsewhere too";
  if (!(v->type().dims == user->output()->type().dims)) {
    return "its operand is broadcast: computing it once is cheaper";
  }
  if (p->as<op::Pointwise>()->body.insts.size() + user->as<op::Pointwise>()->body.insts.size() >
      kInstsMax) {
    return "the program would be too long";
  }
  if (p->inputs.size() + user->inputs.size() > kOperandsMax + 1) return "too many operands";
  return "";
}

// What becomes of one operand: it stays, its producer moves in, or it is a number.
struct Binding {
  Value* operand = nullptr;
  Node* producer = nullptr;
  const Tensor* immediate = nullptr;
};

// The operands' ids in the merged program.
std::vector<int32_t> bind_operands(Merged& merged, const std::vector<Binding>& bindings) {
  std::vector<int32_t> ids;
  for (const Binding& b : bindings) {
    if (b.immediate) {
      const Tensor& c = *b.immediate;
      ids.push_back(is_float(c.dtype()) ? merged.body.constant(c.dtype(), c.get(0))
                                        : merged.body.constant_int(c.dtype(), c.get_int(0)));
    } else if (b.producer) {
      std::vector<int32_t> in;
      for (Value* v : b.producer->inputs) in.push_back(merged.operand(v));
      ids.push_back(merged.body.append(b.producer->as<op::Pointwise>()->body, in)[0]);
    } else {
      ids.push_back(merged.operand(b.operand));
    }
  }
  return ids;
}

// One round on one node: its operands' producers, immediates and repeats folded into its program.
// Returns the new node, or null where nothing changed.
Result<Node*> merge_into(Graph& graph, Node* node, PassContext& context) {
  const ScalarProgram& body = node->as<op::Pointwise>()->body;
  Merged merged;
  std::vector<Binding> bindings;
  bool changed = false;
  const TensorType& result = node->output()->type();
  for (Value* v : node->inputs) {
    Binding b;
    if (is_immediate(v, result) && node->inputs.size() > 1) {
      b.immediate = constant_of(v);
      changed = true;
    } else if (v->producer && v->producer->as<op::Pointwise>()) {
      const std::string why = why_not_inline(graph, v, node);
      if (why.empty()) {
        b.producer = v->producer;
        changed = true;
      } else {
        context.note(*node, why);
        b.operand = v;
      }
    } else {
      b.operand = v;
    }
    bindings.push_back(b);
  }
  std::vector<Value*> unique;
  for (const Binding& b : bindings) {
    for (Value* v : b.producer ? b.producer->inputs : std::vector<Value*>{b.operand}) {
      if (v) merged.operand(v);
    }
  }
  for (size_t i = 0; i < node->inputs.size(); ++i) {
    if (std::find(unique.begin(), unique.end(), node->inputs[i]) != unique.end()) changed = true;
    unique.push_back(node->inputs[i]);
  }
  if (!changed || merged.operands.empty() || !context.rewrite()) return nullptr;
  merged.body.inputs = static_cast<int32_t>(merged.operands.size());
  const std::vector<int32_t> ids = bind_operands(merged, bindings);
  merged.body.results = merged.body.append(body, ids);
  std::vector<DType> types;
  Origin origin;
  for (const Value* v : merged.operands) types.push_back(v->type().dtype);
  for (const Binding& b : bindings) {
    if (b.producer) origin = merge(origin, b.producer->origin);
  }
  origin = merge(origin, node->origin);
  op::Pointwise op{simplify(merged.body, types)};
  std::vector<std::string> names;
  for (const Value* v : node->outputs) names.push_back(v->name);
  CARNOT_ASSIGN(Node * made, graph.add(std::move(op), merged.operands, origin, names, node));
  if (!(made->output()->type() == result)) {
    // An operand that gave the result its shape became an immediate: keep the node.
    graph.erase(made);
    return nullptr;
  }
  for (size_t i = 0; i < node->outputs.size(); ++i) {
    graph.replace_uses(node->outputs[i], made->outputs[i]);
  }
  return made;
}

}  // namespace

Status merge_pointwise(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    while (node && node->as<op::Pointwise>() && !context.exhausted()) {
      CARNOT_ASSIGN(node, merge_into(graph, node, context));
    }
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
