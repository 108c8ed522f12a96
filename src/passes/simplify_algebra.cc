// Pointwise nodes in their simplest form: constants that are one number become immediates, scalar
// identities are applied, operands that the body does not need go, and what is then a copy
// disappears.
#include <algorithm>

#include "ir/match.h"
#include "passes/passes.h"
#include "passes/scalar_identities.h"

namespace carnot {
namespace {

std::vector<DType> types_of(const std::vector<Value*>& values) {
  std::vector<DType> types;
  for (const Value* value : values) types.push_back(value->type().dtype);
  return types;
}

// Whether the results keep their types without the operands that `keep` leaves out.
bool same_results(const Node& node, const ScalarProgram& body, const std::vector<Value*>& inputs) {
  std::vector<Info> infos;
  for (const Value* value : inputs) infos.push_back(value->info);
  const Result<std::vector<Info>> results = infer(op::Pointwise{body}, infos);
  if (!results.ok() || results->size() != node.outputs.size()) return false;
  for (size_t i = 0; i < results->size(); ++i) {
    if (!((*results)[i].type == node.outputs[i]->type())) return false;
  }
  return true;
}

// The one number that a constant holds, exactly.
std::optional<ScalarInst> immediate_of(const Value* value) {
  const Tensor* tensor = constant_of(value);
  const std::optional<double> number = tensor ? uniform_value(*tensor) : std::nullopt;
  if (!number) return {};
  ScalarInst inst{ScalarOp::kConst, {-1, -1, -1}, tensor->dtype()};
  if (is_float(tensor->dtype())) inst.real = *number;
  if (!is_float(tensor->dtype())) inst.integer = tensor->get_int(0);
  return inst;
}

// The body over other inputs: `bind` gives the new input (an index), or an immediate.
struct Binding {
  int32_t input = -1;
  ScalarInst immediate;
};
ScalarProgram rebind(const ScalarProgram& body, const std::vector<Binding>& bind, int32_t inputs) {
  ScalarProgram out;
  out.inputs = inputs;
  std::vector<int32_t> ids;
  for (const Binding& each : bind) {
    const ScalarInst& number = each.immediate;
    if (each.input >= 0) {
      ids.push_back(each.input);
    } else if (is_float(number.type)) {
      ids.push_back(out.constant(number.type, number.real));
    } else {
      ids.push_back(out.constant_int(number.type, number.integer));
    }
  }
  out.results = out.append(body, ids);
  return out;
}

std::vector<bool> used_inputs(const ScalarProgram& body) {
  std::vector<bool> used(static_cast<size_t>(body.inputs), false);
  const auto use = [&](int32_t id) {
    if (id >= 0 && id < body.inputs) used[static_cast<size_t>(id)] = true;
  };
  for (const ScalarInst& inst : body.insts) {
    for (int i = 0; i < operands_of(inst.op); ++i) use(inst.args[static_cast<size_t>(i)]);
  }
  for (const int32_t result : body.results) use(result);
  return used;
}

// A NaN immediate differs from itself; its text does not.
bool same(const ScalarProgram& a, const ScalarProgram& b) {
  return a == b || to_string(a) == to_string(b);
}

class Simplify {
 public:
  Simplify(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}

  Status node(Node* node) {
    body_ = node->as<op::Pointwise>()->body;
    inputs_ = node->inputs;
    for (size_t i = 0; i < inputs_.size();) {
      if (!(drop_equal(*node, i) || make_immediate(*node, i))) ++i;
    }
    const std::vector<DType> types = types_of(inputs_);
    body_ = simplify(apply_identities(body_, types), types);
    drop_unused(*node);
    if (replace_copies(node)) return {};
    if (inputs_ == node->inputs && same(body_, node->as<op::Pointwise>()->body)) return {};
    if (!context_.rewrite()) return {};
    graph_.set_inputs(node, inputs_);
    node->as<op::Pointwise>()->body = body_;
    return {};
  }

 private:
  // Without operand i, which the body takes from `other` or an immediate instead.
  bool try_without(const Node& node, size_t i, int32_t other, const ScalarInst& immediate) {
    std::vector<Binding> bind;
    for (size_t k = 0; k < inputs_.size(); ++k) {
      bind.push_back({static_cast<int32_t>(k < i ? k : k - 1), {}});
    }
    bind[i] = {other, immediate};
    std::vector<Value*> rest = inputs_;
    rest.erase(rest.begin() + static_cast<ptrdiff_t>(i));
    ScalarProgram body = rebind(body_, bind, static_cast<int32_t>(rest.size()));
    if (!same_results(node, body, rest)) return false;
    body_ = std::move(body);
    inputs_ = std::move(rest);
    return true;
  }

  bool drop_equal(const Node& node, size_t i) {
    const auto first = std::find(inputs_.begin(), inputs_.end(), inputs_[i]) - inputs_.begin();
    if (static_cast<size_t>(first) == i) return false;
    return try_without(node, i, static_cast<int32_t>(first), {});
  }

  bool make_immediate(const Node& node, size_t i) {
    if (inputs_.size() == 1) return false;  // a constant expression: fold_constants computes it
    const auto number = immediate_of(inputs_[i]);
    return number && try_without(node, i, -1, *number);
  }

  void drop_unused(const Node& node) {
    for (size_t i = inputs_.size(); i-- > 0;) {
      if (inputs_.size() == 1 || used_inputs(body_)[i]) continue;
      try_without(node, i, -1, {ScalarOp::kConst, {-1, -1, -1}, inputs_[i]->type().dtype});
      body_ = simplify(body_, types_of(inputs_));
    }
  }

  // Results that are operands unchanged. True when nothing of the node is left.
  bool replace_copies(Node* node) {
    size_t replaced = 0;
    for (size_t i = 0; i < node->outputs.size(); ++i) {
      const int32_t id = body_.results[i];
      Value* result = node->outputs[i];
      if (id >= body_.inputs) continue;
      Value* operand = inputs_[static_cast<size_t>(id)];
      if (!(operand->type() == result->type())) continue;
      ++replaced;
      if (result->users.empty() && !graph_.is_output(result)) continue;
      if (!context_.rewrite()) return false;
      graph_.replace_uses(result, operand);
    }
    if (replaced < node->outputs.size()) return false;
    graph_.erase(node);
    return true;
  }

  Graph& graph_;
  PassContext& context_;
  ScalarProgram body_;
  std::vector<Value*> inputs_;
};

}  // namespace

Status simplify_algebra(Graph& graph, PassContext& context) {
  Simplify simplify(graph, context);
  for (Node* node : graph.nodes()) {
    CARNOT_RETURN_IF_ERROR(context.budget().check());
    if (node->as<op::Pointwise>() && !node->inputs.empty()) {
      CARNOT_RETURN_IF_ERROR(simplify.node(node));
    }
  }
  return {};
}

}  // namespace carnot
