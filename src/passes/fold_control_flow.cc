// An `if` whose condition is known becomes the region that it takes; a `loop` that runs never or
// once becomes its initial values or its body.
#include <algorithm>

#include "ir/inline.h"
#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {
namespace {

class State {
 public:
  State(Graph& graph, PassContext& context)
      : graph_(graph), context_(context), names_(graph, context.outermost()), scope_(graph) {}

  Status node(Node* node) {
    own_ = scope_.enter(*node);
    if (node->as<op::If>()) return fold_if(node);
    return node->as<op::Loop>() ? fold_loop(node) : Status();
  }
  /// Types of values that took another's place may say more than the types inferred from it.
  Status finish() { return changed_ ? substitute(graph_, with_) : Status(); }

 private:
  Status fold_if(Node* node);
  Status fold_loop(Node* node);
  Status replace(Node* node, const std::vector<Value*>& values);
  Result<Value*> no_iterations(Node* node, size_t result, const Value* element);

  Graph& graph_;
  PassContext& context_;
  SymbolNames names_;
  SymbolScope scope_;
  std::vector<std::string> own_;  // symbols that the node defines
  Substitution with_;             // symbols that folded nodes defined
  bool changed_ = false;
};

std::optional<int64_t> known_number(const Value* value) {
  if (const Tensor* tensor = constant_of(value)) {
    if (tensor->elements() == 1) return tensor->get_int(0);
  }
  const auto& elements = value->info.elements;
  if (elements && elements->size() == 1 && (*elements)[0].is_constant()) {
    return (*elements)[0].value();
  }
  return {};
}

Status State::replace(Node* node, const std::vector<Value*>& values) {
  if (!match_results(*node, types_of(values), own_, with_)) {
    context_.note(*node, "a symbol that it defines would get no size");
    return {};  // what was inlined is dead
  }
  for (size_t i = 0; i < node->outputs.size(); ++i) {
    if (values[i]->name.empty()) values[i]->name = node->outputs[i]->name;
    graph_.replace_uses(node->outputs[i], values[i]);
  }
  graph_.erase(node);
  changed_ = true;
  return {};
}

Status State::fold_if(Node* node) {
  const std::optional<int64_t> condition = known_number(node->inputs[0]);
  if (!condition) return {};
  if (!context_.rewrite()) return {};
  const Graph& taken = *node->regions[*condition != 0 ? 0 : 1];
  CARNOT_ASSIGN(std::vector<Value*> values,
                inline_region(graph_, taken, {node->inputs.begin() + 1, node->inputs.end()}, node,
                              node->origin, names_));
  return replace(node, values);
}

// An empty stack of scan outputs; only where the shape of one is known.
Result<Value*> State::no_iterations(Node* node, size_t result, const Value* element) {
  Shape shape = {0};
  for (const Dim& dim : element->type().dims) shape.push_back(dim.value());
  CARNOT_ASSIGN(Tensor empty, Tensor::allocate(node->outputs[result]->type().dtype, shape));
  return graph_.constant(std::move(empty), node->origin, node);
}

Status State::fold_loop(Node* node) {
  const auto carried = static_cast<size_t>(node->as<op::Loop>()->carried);
  const std::optional<int64_t> trips = known_number(node->inputs[0]);
  const std::optional<int64_t> condition = known_number(node->inputs[1]);
  const Graph& body = *node->regions[0];
  const bool never = (trips && *trips <= 0) || (condition && *condition == 0);
  const bool once = trips && *trips == 1 && condition && *condition != 0;
  if (!never && !once) {
    if (trips && !condition) context_.note(*node, "the initial condition is not a constant");
    return {};
  }
  if (never) {
    for (size_t i = 1 + carried; i < body.outputs().size(); ++i) {
      if (!body.outputs()[i]->type().is_static()) {
        context_.note(*node, "runs never, but the shape of what it would stack is not known");
        return {};
      }
    }
  }
  if (!context_.rewrite()) return {};
  std::vector<Value*> values(node->inputs.begin() + 2,
                             node->inputs.begin() + 2 + static_cast<ptrdiff_t>(carried));
  if (never) {
    for (size_t i = carried; i < node->outputs.size(); ++i) {
      CARNOT_ASSIGN(Value * empty, no_iterations(node, i, body.outputs()[1 + i]));
      values.push_back(empty);
    }
    return replace(node, values);
  }
  const auto one = [&](size_t input) {  // as many axes as the body's input has
    return Shape(static_cast<size_t>(body.inputs()[input]->type().rank()), 1);
  };
  Tensor running = Tensor::zeros(DType::kBool, one(1));
  running.set_int(0, 1);
  std::vector<Value*> arguments = {
      graph_.constant(Tensor::from_i64(one(0), {0}), node->origin, node),
      graph_.constant(std::move(running), node->origin, node)};
  arguments.insert(arguments.end(), node->inputs.begin() + 2, node->inputs.end());
  CARNOT_ASSIGN(std::vector<Value*> results,
                inline_region(graph_, body, arguments, node, node->origin, names_));
  values.assign(results.begin() + 1, results.begin() + 1 + static_cast<ptrdiff_t>(carried));
  for (size_t i = 1 + carried; i < results.size(); ++i) {
    op::Reshape stacked{results[i]->type().dims};
    stacked.sizes.insert(stacked.sizes.begin(), 1);
    CARNOT_ASSIGN(Value * value, graph_.make(std::move(stacked), {results[i]}, node->origin, node));
    values.push_back(value);
  }
  return replace(node, values);
}

}  // namespace

Status fold_control_flow(Graph& graph, PassContext& context) {
  if (graph.nesting() == 1) return {};
  State state(graph, context);
  for (Node* node : graph.nodes()) CARNOT_RETURN_IF_ERROR(state.node(node));
  return state.finish();
}

}  // namespace carnot
