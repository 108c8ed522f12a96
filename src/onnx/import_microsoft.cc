// Operators of the domain com.microsoft, which ONNX Runtime's optimizer leaves in saved models.
#include "base/text.h"
#include "onnx/contraction.h"
#include "onnx/import_table.h"
#include "onnx/quantize.h"

namespace carnot::onnx {

namespace {

constexpr const char* kGelu = "mul(mul(#0.5, $0), add(#1, erf(mul($0, #0.7071067811865476))))";
constexpr const char* kFastGelu =
    "mul(mul(#0.5, $0), add(#1, tanh(mul(#0.7978845608028654, "
    "add($0, mul(#0.044715, mul($0, mul($0, $0))))))))";

/// Gelu, FastGelu and BiasGelu: the last two may add a bias first.
void gelu(NodeImport& n) {
  Value* const x = n.has_input(1) ? n.add2(n.in(0), n.in(1)) : n.in(0);
  n.out(n.map(n.type() == "FastGelu" ? kFastGelu : kGelu, {x}));
}

void quick_gelu(NodeImport& n) {
  n.out(n.map(cat("mul($0, sigmoid(mul($0, #", print_float(n.real("alpha", 1.702)), ")))"),
              {n.in(0)}));
}

/// x + skip (+ bias), normalized over the last axis; the sum is the last result.
void skip_norm(NodeImport& n) {
  const bool rms = n.type() == "SkipSimplifiedLayerNormalization";
  const size_t bias = rms ? 3 : 4;
  Value* sum = n.add2(n.in(0), n.in(1));
  if (n.has_input(bias)) sum = n.add2(sum, n.in(bias));
  op::Normalize op;
  op.axes = {sum->type().rank() - 1};
  op.epsilon = n.real("epsilon", 1e-12);
  op.rms = rms;
  Values operands = {sum, n.in(2)};
  if (!rms && n.has_input(3)) operands.push_back(n.in(3));
  n.out(n.make(std::move(op), operands));
  n.out(3, sum);
}

/// A matrix product with transposed operands and a factor.
void fused_matmul(NodeImport& n) {
  if (n.flag("transBatchA", false) || n.flag("transBatchB", false)) {
    n.unsupported("transBatchA and transBatchB are not supported");
  }
  op::MatMul op;
  op.transpose_a = n.flag("transA", false);
  op.transpose_b = n.flag("transB", false);
  Value* out = nullptr;
  if (op.transpose_a || op.transpose_b) {
    if (n.rank(0) < 2 || n.rank(1) < 2) n.invalid("transposed operands must be matrices");
    out = n.make(op, {n.in(0), n.in(1)});
  } else {
    out = numpy_matmul(n, n.in(0), n.in(1));
  }
  const double alpha = n.real("alpha", 1);
  n.out(alpha == 1 ? out : n.map(cat("mul($0, #", print_float(alpha), ")"), {out}));
}

/// A convolution (plus a summand) and an activation.
void fused_conv(NodeImport& n) {
  Value* x = convolve(n, n.in(0), n.in(1), n.opt(2));
  if (n.has_input(3)) x = n.add2(x, n.in(3));
  const std::string how = n.text("activation", "");
  const std::vector<double> params = n.reals("activation_params");
  const auto param = [&](size_t i) {
    if (i >= params.size()) n.invalid("the activation ", quote(how), " needs more parameters");
    return "#" + print_float(params[i]);
  };
  if (how == "Relu") {
    x = n.map("max($0, #0)", {x});
  } else if (how == "Sigmoid") {
    x = n.map("sigmoid($0)", {x});
  } else if (how == "Tanh") {
    x = n.map("tanh($0)", {x});
  } else if (how == "LeakyRelu") {
    x = n.map(cat("select(ge($0, #0), $0, mul($0, ", param(0), "))"), {x});
  } else if (how == "Clip") {
    x = n.map(cat("min(max($0, ", param(0), "), ", param(1), ")"), {x});
  } else if (how == "HardSigmoid") {
    x = n.map(cat("max(#0, min(#1, add(mul($0, ", param(0), "), ", param(1), ")))"), {x});
  } else if (!how.empty()) {
    n.unsupported("the activation ", quote(how), " is not supported");
  }
  n.out(x);
}

Value* real_operand(NodeImport& n, size_t first) {
  const auto single = [&](size_t i) { return n.has_input(i) ? n.reshape(n.in(i), {}) : nullptr; };
  return dequantize(n, n.in(first), single(first + 1), single(first + 2), DType::kF32);
}

Value* quantized(NodeImport& n, Value* x, size_t scale) {
  Value* const zero = n.has_input(scale + 1) ? n.reshape(n.in(scale + 1), {}) : nullptr;
  return quantize(n, x, n.reshape(n.in(scale), {}), zero, n.type(0).dtype);
}

void qlinear_binary(NodeImport& n) {
  const ScalarOp op = n.type() == "QLinearAdd" ? ScalarOp::kAdd : ScalarOp::kMul;
  n.out(quantized(n, n.binary(op, real_operand(n, 0), real_operand(n, 3)), 6));
}

void qlinear_activation(NodeImport& n) {
  const std::string body =
      n.type() == "QLinearSigmoid"
          ? std::string("sigmoid($0)")
          : cat("select(ge($0, #0), $0, mul($0, #", print_float(n.real("alpha", 0.01)), "))");
  n.out(quantized(n, n.map(body, {real_operand(n, 0)}), 3));
}

void qlinear_global_pool(NodeImport& n) {
  if (n.flag("channels_last", false)) n.unsupported("channels_last is not supported");
  std::vector<int64_t> axes;
  for (int64_t axis = 2; axis < n.rank(0); ++axis) axes.push_back(axis);
  n.out(quantized(n, n.reduce(op::Reduce::kMean, real_operand(n, 0), axes, true), 3));
}

constexpr ImportRow kRows[] = {
    {"BiasGelu", 1, kNewest, 2, 2, 1, gelu},
    {"FastGelu", 1, kNewest, 1, 2, 1, gelu},
    {"FusedConv", 1, kNewest, 2, 4, 1, fused_conv},
    {"FusedMatMul", 1, kNewest, 2, 2, 1, fused_matmul},
    {"Gelu", 1, kNewest, 1, 1, 1, gelu},
    {"QLinearAdd", 1, kNewest, 7, 8, 1, qlinear_binary},
    {"QLinearGlobalAveragePool", 1, kNewest, 5, 5, 1, qlinear_global_pool},
    {"QLinearLeakyRelu", 1, kNewest, 4, 5, 1, qlinear_activation},
    {"QLinearMul", 1, kNewest, 7, 8, 1, qlinear_binary},
    {"QLinearSigmoid", 1, kNewest, 4, 5, 1, qlinear_activation},
    {"QuickGelu", 1, kNewest, 1, 1, 1, quick_gelu},
    {"SkipLayerNormalization", 1, kNewest, 3, 5, 4, skip_norm},
    {"SkipSimplifiedLayerNormalization", 1, kNewest, 3, 4, 4, skip_norm},
};

}  // namespace

std::span<const ImportRow> microsoft_rows() {
  return kRows;
}

}  // namespace carnot::onnx
