// A pointwise node a * y + b with constants per output channel, behind a convolution or matmul with
// constant weights (batch norm is such a node), moves into the weights and the bias. Weights are
// multiplied in f64 and rounded once. A matmul has no bias: there only the factors move.
#include <algorithm>
#include <cmath>

#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {
namespace {

// y -> a * y + b for each channel; where `varies` is false, the constants b.
struct Affine {
  bool varies = false;
  std::vector<double> a, b;
};

// Values per channel of a constant that broadcasts to `dims` along the channel axis alone.
std::optional<std::vector<double>> per_channel(const Tensor& tensor, const Dims& dims, size_t axis,
                                               size_t channels) {
  if (!is_float(tensor.dtype()) || tensor.rank() > std::ssize(dims)) return {};
  const size_t lead = dims.size() - tensor.shape().size();
  for (size_t i = 0; i < tensor.shape().size(); ++i) {
    if (tensor.shape()[i] != 1 && lead + i != axis) return {};
  }
  const bool one = tensor.elements() == 1;
  if (!one && tensor.elements() != static_cast<int64_t>(channels)) return {};
  std::vector<double> out(channels);
  for (size_t i = 0; i < channels; ++i) out[i] = tensor.get(one ? 0 : static_cast<int64_t>(i));
  return out;
}

// Evaluates a scalar program on affine functions; gives up on what is not affine.
class Evaluate {
 public:
  explicit Evaluate(size_t channels) : channels_(channels) {}

  std::optional<Affine> run(const ScalarProgram& body, std::vector<Affine> values) {
    for (const ScalarInst& inst : body.insts) {
      std::optional<Affine> value = step(inst, values);
      if (!value) return {};
      values.push_back(std::move(*value));
    }
    return values[static_cast<size_t>(body.results[0])];
  }
  Affine constant(std::vector<double> b) const {
    return {false, std::vector<double>(channels_, 0), std::move(b)};
  }
  Affine variable() const {
    return {true, std::vector<double>(channels_, 1), std::vector<double>(channels_, 0)};
  }

 private:
  std::optional<Affine> step(const ScalarInst& inst, const std::vector<Affine>& values) const {
    const auto arg = [&](size_t i) -> const Affine& {
      return values[static_cast<size_t>(inst.args[i])];
    };
    switch (inst.op) {
      case ScalarOp::kConst:
        if (!is_float(inst.type)) return {};
        return constant(std::vector<double>(channels_, inst.real));
      case ScalarOp::kNeg:
        return times(arg(0), constant(std::vector<double>(channels_, -1)));
      case ScalarOp::kAdd:
        return plus(arg(0), arg(1), 1);
      case ScalarOp::kSub:
        return plus(arg(0), arg(1), -1);
      case ScalarOp::kMul:
        if (arg(0).varies && arg(1).varies) return {};
        return arg(0).varies ? times(arg(0), arg(1)) : times(arg(1), arg(0));
      case ScalarOp::kDiv: {
        if (arg(1).varies) return {};
        Affine inverse = arg(1);
        for (double& b : inverse.b) b = 1 / b;
        return times(arg(0), inverse);
      }
      default:
        return {};
    }
  }
  Affine plus(const Affine& x, const Affine& y, double sign) const {
    Affine out = x;
    out.varies |= y.varies;
    for (size_t i = 0; i < channels_; ++i) {
      out.a[i] += sign * y.a[i];
      out.b[i] += sign * y.b[i];
    }
    return out;
  }
  Affine times(const Affine& x, const Affine& factor) const {
    Affine out = x;
    for (size_t i = 0; i < channels_; ++i) {
      out.a[i] *= factor.b[i];
      out.b[i] *= factor.b[i];
    }
    return out;
  }
  size_t channels_;
};

// The weights as outer x channel x inner blocks, so that element (o, c, i) belongs to channel
// c + (o / outer_per_group) * middle of the result.
struct WeightLayout {
  int64_t outer = 1, middle = 1, inner = 1, outer_per_group = 1;
};

struct Target {
  Node* node = nullptr;
  const Tensor* weights = nullptr;
  const Tensor* bias = nullptr;
  size_t axis = 0;  // of the channels, in the result
  size_t channels = 0;
  WeightLayout layout;
};

int64_t volume_from(const Shape& shape, size_t first) {
  return volume(Shape(shape.begin() + static_cast<ptrdiff_t>(first), shape.end()));
}

// The contraction, as far as its weights (and bias) are constants; its result's rank and sizes are
// those of `node`'s one result.
std::optional<Target> target_of(Node* node) {
  Target t;
  t.node = node;
  if (node->inputs.size() < 2 || !(t.weights = constant_of(node->inputs[1]))) return {};
  const Dims& dims = node->output()->type().dims;
  const Shape& w = t.weights->shape();
  if (const auto* conv = node->as<op::Conv>()) {
    t.axis = conv->channels_last ? dims.size() - 1 : 1;
    t.layout = {1, w[0], volume_from(w, 1), 1};
  } else if (const auto* transposed = node->as<op::ConvTranspose>()) {
    t.axis = 1;
    t.layout = {w[0], w[1], volume_from(w, 2), w[0] / transposed->groups};
  } else if (const auto* matmul = node->as<op::MatMul>()) {
    if (w.size() != 2) return {};
    t.axis = dims.size() - 1;
    t.layout =
        matmul->transpose_b ? WeightLayout{1, w[0], w[1], 1} : WeightLayout{w[0], w[1], 1, w[0]};
  } else {
    return {};
  }
  if (node->inputs.size() > 2 && !(t.bias = constant_of(node->inputs[2]))) return {};
  if (t.weights->elements() == 0 || !dims[t.axis].is_constant()) return {};
  t.channels = static_cast<size_t>(dims[t.axis].value());
  return t;
}

Result<Tensor> scaled_weights(const Target& t, const std::vector<double>& a) {
  CARNOT_ASSIGN(const Tensor from, t.weights->dense());
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(from.dtype(), from.shape()));
  const bool f32 = from.dtype() == DType::kF32;  // the common case, without the codec
  const float* source = from.as<float>();
  float* target = out.as<float>();
  bool finite = true;
  int64_t at = 0;
  for (int64_t o = 0; o < t.layout.outer; ++o) {
    const int64_t group = o / t.layout.outer_per_group;
    for (int64_t c = 0; c < t.layout.middle; ++c) {
      const double factor = a[static_cast<size_t>(c + group * t.layout.middle)];
      for (int64_t i = 0; i < t.layout.inner; ++i, ++at) {
        if (f32) {
          target[at] = static_cast<float>(source[at] * factor);
          finite &= std::isfinite(target[at]);
        } else {
          out.set(at, from.get(at) * factor);
          finite &= std::isfinite(out.get(at));
        }
      }
    }
  }
  if (!finite) return error(Code::kUnsupported, "a weight would not be finite");
  return out;
}

bool all_are(const std::vector<double>& values, double value) {
  return std::all_of(values.begin(), values.end(), [&](double v) { return v == value; });
}
bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

class Fold {
 public:
  Fold(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}
  Status node(Node* pointwise);

 private:
  std::optional<Affine> affine(const Node& pointwise, const Target& target, size_t operand);
  Status into_conv(Node* pointwise, const Target& target, const Affine& affine);
  Status into_matmul(Node* pointwise, const Target& target, const Affine& affine);
  void replace(Node* pointwise, const Target& target);

  Graph& graph_;
  PassContext& context_;
};

std::optional<Affine> Fold::affine(const Node& pointwise, const Target& target, size_t operand) {
  Evaluate evaluate(target.channels);
  std::vector<Affine> operands;
  for (size_t i = 0; i < pointwise.inputs.size(); ++i) {
    if (i == operand) {
      operands.push_back(evaluate.variable());
      continue;
    }
    const Tensor* constant = constant_of(pointwise.inputs[i]);
    if (!constant) return {};
    const auto values =
        per_channel(*constant, target.node->output()->type().dims, target.axis, target.channels);
    if (!values) return {};
    operands.push_back(evaluate.constant(*values));
  }
  std::optional<Affine> out =
      evaluate.run(pointwise.as<op::Pointwise>()->body, std::move(operands));
  return out && out->varies ? out : std::nullopt;
}

void Fold::replace(Node* pointwise, const Target& target) {
  Value* result = target.node->output();
  target.node->origin = merge(target.node->origin, pointwise->origin);
  result->name = pointwise->output()->name;
  graph_.replace_uses(pointwise->output(), result);
  graph_.erase(pointwise);
}

Status Fold::into_conv(Node* pointwise, const Target& target, const Affine& affine) {
  Result<Tensor> weights = scaled_weights(target, affine.a);
  const DType dtype = target.weights->dtype();
  CARNOT_ASSIGN(Tensor bias, Tensor::allocate(dtype, {static_cast<int64_t>(target.channels)}));
  for (size_t c = 0; c < target.channels; ++c) {
    const auto at = static_cast<int64_t>(c);
    bias.set(at, affine.b[c] + (target.bias ? affine.a[c] * target.bias->get(at) : 0));
    if (!std::isfinite(bias.get(at))) weights = error(Code::kUnsupported, "a bias is not finite");
  }
  if (!weights.ok()) {
    context_.note(*pointwise, "could move into the weights, but " + weights.status().message());
    return {};
  }
  if (!context_.rewrite()) return {};
  Node* node = target.node;
  std::vector<Value*> inputs = {node->inputs[0], node->inputs[1]};
  if (!all_are(affine.a, 1)) {
    inputs[1] = graph_.constant(std::move(*weights), node->inputs[1]->producer->origin, node);
    inputs[1]->name = node->inputs[1]->name;
  }
  if (target.bias || !all_are(affine.b, 0)) {
    inputs.push_back(graph_.constant(std::move(bias), pointwise->origin, node));
  }
  graph_.set_inputs(node, std::move(inputs));
  replace(pointwise, target);
  return {};
}

Status Fold::into_matmul(Node* pointwise, const Target& target, const Affine& affine) {
  if (all_are(affine.a, 1)) return {};
  Result<Tensor> weights = scaled_weights(target, affine.a);
  if (!weights.ok()) {
    context_.note(*pointwise, "could move into the weights, but " + weights.status().message());
    return {};
  }
  if (!context_.rewrite()) return {};
  Node* node = target.node;
  Value* scaled = graph_.constant(std::move(*weights), node->inputs[1]->producer->origin, node);
  scaled->name = node->inputs[1]->name;
  graph_.set_inputs(node, {node->inputs[0], scaled});
  if (all_are(affine.b, 0)) {
    replace(pointwise, target);
    return {};
  }
  CARNOT_ASSIGN(Tensor shift,
                Tensor::allocate(target.weights->dtype(), {static_cast<int64_t>(target.channels)}));
  for (size_t c = 0; c < target.channels; ++c) shift.set(static_cast<int64_t>(c), affine.b[c]);
  op::Pointwise add;
  add.body.inputs = 2;
  add.body.results = {add.body.add(ScalarOp::kAdd, 0, 1)};
  Value* constant = graph_.constant(std::move(shift), pointwise->origin, pointwise);
  pointwise->op = std::move(add);
  graph_.set_inputs(pointwise, {node->output(), constant});
  return {};
}

Status Fold::node(Node* pointwise) {
  if (pointwise->outputs.size() != 1) return {};
  for (size_t i = 0; i < pointwise->inputs.size(); ++i) {
    Value* y = pointwise->inputs[i];
    const auto target = y->producer ? target_of(y->producer) : std::nullopt;
    if (!target || !(y->type() == pointwise->output()->type()) || !is_float(y->type().dtype))
      continue;
    const std::optional<Affine> found = affine(*pointwise, *target, i);
    if (!found) continue;
    if (!used_once(graph_, y)) {
      // Numbers alone are part of an activation rather than of a norm.
      if (pointwise->inputs.size() > 1)
        context_.note(*pointwise,
                      "could move into the weights, but the plain result is needed too");
      return {};
    }
    if (!all_finite(found->a) || !all_finite(found->b)) {
      context_.note(*pointwise, "could move into the weights, but its constants are not finite");
      return {};
    }
    if (target->node->as<op::MatMul>()) return into_matmul(pointwise, *target, *found);
    return into_conv(pointwise, *target, *found);
  }
  return {};
}

}  // namespace

Status fold_affine(Graph& graph, PassContext& context) {
  Fold fold(graph, context);
  for (Node* node : graph.nodes()) {
    CARNOT_RETURN_IF_ERROR(context.budget().check());
    if (node->as<op::Pointwise>()) CARNOT_RETURN_IF_ERROR(fold.node(node));
  }
  return {};
}

}  // namespace carnot
