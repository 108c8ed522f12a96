// Norms that an exporter spelled out become one node:
//   d = x - mean(x);  y = d / sqrt(mean(d * d) + epsilon)          layer or instance norm
//   y = x / sqrt(mean(x * x) + epsilon)                            RMS norm
// with the square, the root and the division in any of their usual spellings; a constant scale and
// shift behind it become operands.
#include <algorithm>

#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {
namespace {

// Values inside a pattern: nobody outside may need them.
using Inner = std::vector<Value*>;

// d of d * d (one operand used twice, or two equal ones) and of pow(d, 2).
Value* squared(const Value* value) {
  if (const auto mul = scalar_step(value, ScalarOp::kMul)) {
    const auto& [a, b, unused] = mul->operands;
    return a.value && a.value == b.value ? a.value : nullptr;
  }
  const auto pow = scalar_step(value, ScalarOp::kPow);
  return pow && pow->operands[1].uniform() == 2.0 ? pow->operands[0].value : nullptr;
}

// v of sqrt(v) and pow(v, 0.5).
Value* under_root(const Value* value) {
  if (const auto root = scalar_step(value, ScalarOp::kSqrt)) return root->operands[0].value;
  const auto pow = scalar_step(value, ScalarOp::kPow);
  return pow && pow->operands[1].uniform() == 0.5 ? pow->operands[0].value : nullptr;
}

// v of 1 / sqrt(v): recip, division or pow(v, -0.5).
Value* under_inverse_root(const Value* value, Inner& inner) {
  Value* root = nullptr;
  if (const auto recip = scalar_step(value, ScalarOp::kRecip)) root = recip->operands[0].value;
  if (const auto div = scalar_step(value, ScalarOp::kDiv)) {
    if (div->operands[0].uniform() == 1.0) root = div->operands[1].value;
  }
  if (root) {
    inner.push_back(root);
    return under_root(root);
  }
  const auto pow = scalar_step(value, ScalarOp::kPow);
  return pow && pow->operands[1].uniform() == -0.5 ? pow->operands[0].value : nullptr;
}

// The operand and the axes of a mean that keeps them.
struct Mean {
  Value* of = nullptr;
  op::Ints axes;
};
std::optional<Mean> mean_of(const Value* value) {
  const Node* node = producer_of<op::Reduce>(value);
  if (!node) return {};
  const auto& reduce = *node->as<op::Reduce>();
  if (reduce.kind != op::Reduce::kMean || !reduce.keep) return {};
  Mean out{node->inputs[0], reduce.axes};
  const int64_t rank = value->type().rank();
  if (out.axes.empty()) {
    for (int64_t i = 0; i < rank; ++i) out.axes.push_back(i);
  }
  for (int64_t& axis : out.axes) axis += axis < 0 ? rank : 0;
  std::sort(out.axes.begin(), out.axes.end());
  return out;
}

class Recognize {
 public:
  Recognize(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}

  Status node(Node* node) {
    if (absorb(node)) return {};
    if (const auto div = scalar_step(node); div && div->op == ScalarOp::kDiv) {
      Inner inner = {div->operands[1].value};
      if (!inner[0] || !div->operands[0].value) return {};
      return try_norm(node, div->operands[0].value, under_root(inner[0]), inner);
    }
    const auto mul = scalar_step(node);
    if (!mul || mul->op != ScalarOp::kMul) return {};
    for (const int side : {0, 1}) {
      Value* d = mul->operands[static_cast<size_t>(side)].value;
      Inner inner = {mul->operands[static_cast<size_t>(1 - side)].value};
      if (!d || !inner[0]) return {};
      Value* under = under_inverse_root(inner[0], inner);
      if (under) return try_norm(node, d, under, inner);
    }
    return {};
  }

 private:
  Status try_norm(Node* node, Value* d, Value* under, Inner inner);
  bool private_to(const Node& node, const Inner& inner);
  bool absorb(Node* node);

  Graph& graph_;
  PassContext& context_;
};

// Whether all uses of the inner values are by each other's producers or by `node`.
bool Recognize::private_to(const Node& node, const Inner& inner) {
  const auto inside = [&](const Node* user) {
    return user == &node || std::any_of(inner.begin(), inner.end(),
                                        [&](const Value* v) { return v->producer == user; });
  };
  return std::all_of(inner.begin(), inner.end(), [&](const Value* value) {
    return !graph_.is_output(value) &&
           std::all_of(value->users.begin(), value->users.end(), inside);
  });
}

// node = d / sqrt(under), where under should be mean(d * d) + epsilon.
Status Recognize::try_norm(Node* node, Value* d, Value* under, Inner inner) {
  const auto add = under ? scalar_step(under, ScalarOp::kAdd) : std::nullopt;
  const auto sum = add ? with_number(*add) : std::nullopt;
  const auto variance = sum ? mean_of(sum->value) : std::nullopt;
  const Value* base = variance ? squared(variance->of) : nullptr;
  if (!base || !(sum->number >= 0)) return {};
  if (base != d) {
    context_.note(*node, "looks like a norm, but what is squared is not what is divided");
    return {};
  }
  inner.insert(inner.end(), {under, sum->value, variance->of});
  op::Normalize norm{variance->axes, sum->number, true};
  Value* x = d;
  if (const auto sub = scalar_step(d, ScalarOp::kSub)) {
    const auto& [minuend, mean, unused] = sub->operands;
    const auto centre = mean.value ? mean_of(mean.value) : std::nullopt;
    if (centre && centre->of == minuend.value && centre->axes == norm.axes) {
      x = minuend.value;
      norm.rms = false;
      inner.insert(inner.end(), {d, mean.value});
    }
  }
  if (!is_float(x->type().dtype) || !(x->type() == node->output()->type())) return {};
  if (!private_to(*node, inner)) {
    context_.note(*node, "is a norm, but a value inside it is needed elsewhere");
    return {};
  }
  if (!context_.rewrite()) return {};
  Origin origin = node->origin;
  for (const Value* value : inner) origin = merge(value->producer->origin, origin);
  CARNOT_ASSIGN(Node * made, graph_.add(std::move(norm), {x}, std::move(origin), {}, node));
  made->output()->name = node->output()->name;
  graph_.replace_uses(node->output(), made->output());
  graph_.erase(node);
  return {};
}

// norm(x) * constant and norm(x) + constant: the constant becomes the norm's scale or shift.
bool Recognize::absorb(Node* node) {
  const auto step = scalar_step(node);
  if (!step || (step->op != ScalarOp::kMul && step->op != ScalarOp::kAdd)) return false;
  for (const size_t side : {0, 1}) {
    Value* y = step->operands[side].value;
    Value* factor = step->operands[1 - side].value;
    Node* norm = y ? producer_of<op::Normalize>(y) : nullptr;
    if (!norm || !factor || !constant_of(factor)) continue;
    const bool scale = step->op == ScalarOp::kMul;
    if (norm->inputs.size() != 1 && (scale || norm->inputs.size() != 2)) continue;
    if (!(y->type() == node->output()->type())) continue;
    if (!used_once(graph_, y)) {
      context_.note(*node, "could be part of the norm before it, whose plain result is needed too");
      continue;
    }
    if (!context_.rewrite()) return true;
    std::vector<Value*> inputs = norm->inputs;
    if (!scale && inputs.size() == 1) {
      Tensor one = Tensor::zeros(factor->type().dtype, {});
      one.set(0, 1);
      inputs.push_back(graph_.constant(std::move(one), node->origin, node));
    }
    inputs.push_back(factor);
    // It moves here: the constant may be defined between the two.
    graph_.move_before(norm, node);
    graph_.set_inputs(norm, std::move(inputs));
    norm->origin = merge(norm->origin, node->origin);
    y->name = node->output()->name;
    graph_.replace_uses(node->output(), y);
    graph_.erase(node);
    return true;
  }
  return false;
}

}  // namespace

Status recognize_norm(Graph& graph, PassContext& context) {
  Recognize recognize(graph, context);
  for (Node* node : graph.nodes()) CARNOT_RETURN_IF_ERROR(recognize.node(node));
  return {};
}

}  // namespace carnot
