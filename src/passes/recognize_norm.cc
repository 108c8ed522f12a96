// Norms that an exporter spelled out become one node:
//   d = x - mean(x);  y = d / sqrt(mean(d * d) + epsilon)          layer or instance norm
//   y = x / sqrt(mean(x * x) + epsilon)                            RMS norm
// with the square, the root and the division in any of their usual spellings, the variance perhaps
// as max(mean(x * x) - mean(x)^2, 0), and reshapes that restore reduced axes. A constant scale and
// shift behind it (the scale perhaps taken into the inverse root) become operands.
#include <algorithm>

#include "ir/match.h"
#include "passes/passes.h"
#include "passes/statistics.h"

namespace carnot {
namespace {

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
Value* under_root(Value* value, Inner& inner) {
  value = before_unit_axes(value, inner);
  inner.push_back(value);
  if (const auto root = scalar_step(value, ScalarOp::kSqrt)) return root->operands[0].value;
  const auto pow = scalar_step(value, ScalarOp::kPow);
  return pow && pow->operands[1].uniform() == 0.5 ? pow->operands[0].value : nullptr;
}

// v of 1 / sqrt(v): recip, division or pow(v, -0.5).
Value* under_inverse_root(Value* value, Inner& inner) {
  value = before_unit_axes(value, inner);
  inner.push_back(value);
  Value* root = nullptr;
  if (const auto recip = scalar_step(value, ScalarOp::kRecip)) root = recip->operands[0].value;
  if (const auto div = scalar_step(value, ScalarOp::kDiv)) {
    if (div->operands[0].uniform() == 1.0) root = div->operands[1].value;
  }
  if (root) return under_root(root, inner);
  const auto pow = scalar_step(value, ScalarOp::kPow);
  return pow && pow->operands[1].uniform() == -0.5 ? pow->operands[0].value : nullptr;
}

std::optional<Statistic> mean_of(Value* value, Inner& inner) {
  auto found = statistic_of(value, inner);
  return found && found->kind == op::Reduce::kMean ? found : std::nullopt;
}

// mean(s) of squares s: what is squared, and over which axes.
std::optional<Statistic> mean_square_of(Value* value, Inner& inner) {
  auto mean = mean_of(value, inner);
  if (!mean) return {};
  inner.push_back(mean->of);
  mean->of = squared(mean->of);
  return mean->of ? mean : std::nullopt;
}

// x of mean(x * x) - mean(x)^2, perhaps kept from being negative by max(..., 0).
std::optional<Statistic> raw_variance_of(Value* value, Inner& inner) {
  value = before_unit_axes(value, inner);
  if (const auto max = scalar_step(value, ScalarOp::kMax)) {
    const auto number = with_number(*max);
    if (!number || number->number != 0) return {};
    inner.push_back(value);
    value = before_unit_axes(number->value, inner);
  }
  const auto sub = scalar_step(value, ScalarOp::kSub);
  if (!sub || !sub->operands[0].value || !sub->operands[1].value) return {};
  inner.push_back(value);
  const auto square = mean_square_of(sub->operands[0].value, inner);
  Value* mean_squared = before_unit_axes(sub->operands[1].value, inner);
  Value* base = squared(mean_squared);
  if (!square || !base) return {};
  inner.push_back(mean_squared);
  const auto mean = mean_of(base, inner);
  return mean && mean->of == square->of && mean->axes == square->axes ? square : std::nullopt;
}

class Recognize {
 public:
  Recognize(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}

  Status node(Node* node) {
    if (absorb(node)) return {};
    const auto step = scalar_step(node);
    if (!step || !step->operands[0].value || !step->operands[1].value) return {};
    Value *a = step->operands[0].value, *b = step->operands[1].value;
    if (step->op == ScalarOp::kDiv) {
      Inner inner;
      Value* under = under_root(b, inner);
      return try_norm(node, a, b, under, nullptr, std::move(inner));
    }
    if (step->op != ScalarOp::kMul) return {};
    CARNOT_RETURN_IF_ERROR(try_product(node, a, b));
    return node->as<op::Pointwise>() ? try_product(node, b, a) : Status();
  }

 private:
  // node = d * r, where r should be an inverse root, perhaps times a constant scale.
  Status try_product(Node* node, Value* d, Value* r) {
    Inner inner;
    if (Value* under = under_inverse_root(r, inner)) {
      return try_norm(node, d, r, under, nullptr, std::move(inner));
    }
    const auto mul = scalar_step(r, ScalarOp::kMul);
    if (!mul) return {};
    for (const size_t side : {0, 1}) {
      Value *root = mul->operands[side].value, *scale = mul->operands[1 - side].value;
      if (!root || !scale || !constant_of(scale)) continue;
      inner = {r};
      if (Value* under = under_inverse_root(root, inner)) {
        return try_norm(node, d, root, under, scale, std::move(inner));
      }
    }
    return {};
  }

  Status try_norm(Node* node, Value* d, Value* root, Value* under, Value* scale, Inner inner);
  std::optional<Statistic> variance(Value* value, Value* d, Value** x, Inner& inner);
  bool absorb(Node* node);

  Graph& graph_;
  PassContext& context_;
};

// The axes over which `value` is the variance of x, where d = x - mean(x); or, where it is the mean
// of squares of d itself, *x stays null.
std::optional<Statistic> Recognize::variance(Value* value, Value* d, Value** x, Inner& inner) {
  Inner centred;
  std::optional<Statistic> centre;
  if (const auto sub = scalar_step(d, ScalarOp::kSub)) {
    Value *minuend = sub->operands[0].value, *mean = sub->operands[1].value;
    if (mean && minuend) centre = mean_of(mean, centred);
    if (centre && (centre->of != minuend || !keeps_axes(mean->type(), d->type(), centre->axes))) {
      centre.reset();
    }
    centred.push_back(d);
  }
  Inner plain = inner;
  if (const auto square = mean_square_of(value, plain); square && square->of == d) {
    inner = std::move(plain);
    if (!centre || centre->axes != square->axes) return square;
    *x = centre->of;
    inner.insert(inner.end(), centred.begin(), centred.end());
    return square;
  }
  if (!centre) return {};
  auto raw = raw_variance_of(value, inner);
  if (!raw || raw->of != centre->of || raw->axes != centre->axes) return {};
  *x = centre->of;
  inner.insert(inner.end(), centred.begin(), centred.end());
  return raw;
}

// node = d / sqrt(under) (times scale), where `root` is what d meets and `under` should be the
// variance + epsilon.
Status Recognize::try_norm(Node* node, Value* d, Value* root, Value* under, Value* scale,
                           Inner inner) {
  if (!under) return {};
  under = before_unit_axes(under, inner);
  const auto add = scalar_step(under, ScalarOp::kAdd);
  const auto sum = add ? with_number(*add) : std::nullopt;
  if (!sum || !(sum->number >= 0)) return {};
  inner.push_back(under);
  Value* x = nullptr;
  const auto found = variance(sum->value, d, &x, inner);
  if (!found) {
    Inner unused;
    if (mean_square_of(sum->value, unused)) {
      context_.note(*node, "looks like a norm, but what is squared is not what is divided");
    }
    return {};
  }
  op::Normalize norm{found->axes, sum->number, x == nullptr};
  if (!x) x = d;
  if (!is_float(x->type().dtype) || !(x->type() == node->output()->type())) return {};
  if (!keeps_axes(root->type(), x->type(), norm.axes)) return {};
  if (!private_to(graph_, *node, inner)) {
    context_.note(*node, "is a norm, but a value inside it is needed elsewhere");
    return {};
  }
  if (!context_.rewrite()) return {};
  Origin origin = node->origin;
  for (const Value* value : inner) origin = merge(value->producer->origin, origin);
  node->op = std::move(norm);
  node->origin = std::move(origin);
  graph_.set_inputs(node, scale ? std::vector<Value*>{x, scale} : std::vector<Value*>{x});
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
