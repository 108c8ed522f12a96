// Elementwise functions of one operand, as scalar programs.
#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

struct Body {
  std::string_view name, body;
};

constexpr Body kBodies[] = {
    {"Abs", "abs($0)"},
    {"Acos", "acos($0)"},
    {"Acosh", "acosh($0)"},
    {"Asin", "asin($0)"},
    {"Asinh", "asinh($0)"},
    {"Atan", "atan($0)"},
    {"Atanh", "atanh($0)"},
    {"BitwiseNot", "bit_not($0)"},
    {"Ceil", "ceil($0)"},
    {"Cos", "cos($0)"},
    {"Cosh", "cosh($0)"},
    {"Erf", "erf($0)"},
    {"Exp", "exp($0)"},
    {"Floor", "floor($0)"},
    {"HardSwish", "mul($0, max(#0, min(#1, add(div($0, #6), #0.5))))"},
    {"IsNaN", "is_nan($0)"},
    {"Log", "log($0)"},
    {"Neg", "neg($0)"},
    {"Not", "not($0)"},
    {"Reciprocal", "recip($0)"},
    {"Relu", "max($0, #0)"},
    {"Round", "round($0)"},
    {"Sigmoid", "sigmoid($0)"},
    {"Sign", "sign($0)"},
    {"Sin", "sin($0)"},
    {"Sinh", "sinh($0)"},
    // log(1 + exp(x)) where exp cannot overflow.
    {"Softplus", "add(max($0, #0), log(add(#1, exp(neg(abs($0))))))"},
    {"Softsign", "div($0, add(#1, abs($0)))"},
    {"Sqrt", "sqrt($0)"},
    {"Tan", "tan($0)"},
    {"Tanh", "tanh($0)"},
    {"Mish", "mul($0, tanh(add(max($0, #0), log(add(#1, exp(neg(abs($0))))))))"},
};

void simple(NodeImport& n) {
  for (const Body& row : kBodies) {
    if (row.name == n.type()) return n.out(n.map(row.body, {n.in(0)}));
  }
  n.unsupported("has no scalar program");
}

std::string number(double value) {
  return "#" + print_float(value);
}

/// The operand through `body`.
void one(NodeImport& n, const std::string& body) {
  n.out(n.map(body, {n.in(0)}));
}

void leaky_relu(NodeImport& n) {
  one(n, cat("select(ge($0, #0), $0, mul($0, ", number(n.real("alpha", 0.01)), "))"));
}

void elu(NodeImport& n) {
  const std::string alpha = number(n.real("alpha", 1));
  one(n, cat("select(ge($0, #0), $0, mul(", alpha, ", sub(exp($0), #1)))"));
}

void selu(NodeImport& n) {
  const double alpha = n.real("alpha", n.opset() < 6 ? 1.6732 : 1.67326319217681884765625);
  const double gamma = n.real("gamma", n.opset() < 6 ? 1.0507 : 1.05070102214813232421875);
  one(n, cat("select(gt($0, #0), mul(", number(gamma), ", $0), mul(", number(gamma * alpha),
             ", sub(exp($0), #1)))"));
}

void celu(NodeImport& n) {
  const std::string alpha = number(n.real("alpha", 1));
  one(n, cat("add(max($0, #0), min(#0, mul(", alpha, ", sub(exp(div($0, ", alpha, ")), #1))))"));
}

void hard_sigmoid(NodeImport& n) {
  const std::string alpha = number(n.real("alpha", 0.2)), beta = number(n.real("beta", 0.5));
  one(n, cat("max(#0, min(#1, add(mul($0, ", alpha, "), ", beta, ")))"));
}

void thresholded_relu(NodeImport& n) {
  one(n, cat("select(gt($0, ", number(n.real("alpha", 1)), "), $0, #0)"));
}

void shrink(NodeImport& n) {
  const double lambda = n.real("lambd", 0.5);
  const std::string bias = number(n.real("bias", 0));
  one(n, cat("select(lt($0, ", number(-lambda), "), add($0, ", bias, "), select(gt($0, ",
             number(lambda), "), sub($0, ", bias, "), #0))"));
}

void swish(NodeImport& n) {
  one(n, cat("mul($0, sigmoid(mul($0, ", number(n.real("alpha", 1)), ")))"));
}

void gelu(NodeImport& n) {
  const std::string how = n.text("approximate", "none");
  if (how == "tanh") {
    // sqrt(2/pi) (x + 0.044715 x^3)
    return one(n,
               "mul(mul(#0.5, $0), add(#1, tanh(mul(#0.7978845608028654, "
               "add($0, mul(#0.044715, mul($0, mul($0, $0))))))))");
  }
  if (how != "none") n.invalid("the approximation ", quote(how), " is unknown");
  one(n, "mul(mul(#0.5, $0), add(#1, erf(mul($0, #0.7071067811865476))))");
}

void is_inf(NodeImport& n) {
  const bool positive = n.flag("detect_positive", true), negative = n.flag("detect_negative", true);
  if (positive && negative) return one(n, "is_inf($0)");
  if (positive) return one(n, "eq($0, #inf)");
  if (negative) return one(n, "eq($0, #-inf)");
  one(n, "and(is_inf($0), is_nan($0))");  // neither: nothing is found
}

void prelu(NodeImport& n) {
  Value* const x = n.in(0);
  Value* slope = n.in(1);
  const auto& dims = slope->type().dims;
  // Before numpy broadcasting, a vector of slopes was one a channel.
  if (n.opset() < 7 && dims.size() == 1 && x->type().rank() > 1 && !dims[0].is(1)) {
    slope = n.align(slope, {1}, x->type().rank());
  }
  n.out(n.map("select(lt($0, #0), mul($0, $1), $0)", {x, slope}));
}

void clip(NodeImport& n) {
  Value* const x = n.in(0);
  Values operands = {x};
  std::string body = "$0";
  const auto bound = [&](const char* op, const char* attribute, size_t input) {
    if (n.opset() < 11) {
      if (n.has(attribute)) body = cat(op, "(", body, ", ", number(n.real(attribute, 0)), ")");
      return;
    }
    Value* const value = n.opt(input);
    if (!value) return;
    const std::optional<double> known = n.known_number(value);
    if (known && is_float(x->type().dtype)) {
      body = cat(op, "(", body, ", ", number(*known), ")");
      return;
    }
    body = cat(op, "(", body, ", $", operands.size(), ")");
    operands.push_back(n.reshape(value, {}));
  };
  bound("max", "min", 1);
  bound("min", "max", 2);
  if (body == "$0") return n.out(x);
  n.out(n.map(body, operands));
}

constexpr ImportRow kRows[] = {
    {"Abs", 1, kNewest, 1, 1, 1, simple},
    {"Acos", 7, kNewest, 1, 1, 1, simple},
    {"Acosh", 9, kNewest, 1, 1, 1, simple},
    {"Asin", 7, kNewest, 1, 1, 1, simple},
    {"Asinh", 9, kNewest, 1, 1, 1, simple},
    {"Atan", 7, kNewest, 1, 1, 1, simple},
    {"Atanh", 9, kNewest, 1, 1, 1, simple},
    {"BitwiseNot", 18, kNewest, 1, 1, 1, simple},
    {"Ceil", 1, kNewest, 1, 1, 1, simple},
    {"Celu", 12, kNewest, 1, 1, 1, celu},
    {"Clip", 1, kNewest, 1, 3, 1, clip},
    {"Cos", 7, kNewest, 1, 1, 1, simple},
    {"Cosh", 9, kNewest, 1, 1, 1, simple},
    {"Elu", 1, kNewest, 1, 1, 1, elu},
    {"Erf", 9, kNewest, 1, 1, 1, simple},
    {"Exp", 1, kNewest, 1, 1, 1, simple},
    {"Floor", 1, kNewest, 1, 1, 1, simple},
    {"Gelu", 20, kNewest, 1, 1, 1, gelu},
    {"HardSigmoid", 1, kNewest, 1, 1, 1, hard_sigmoid},
    {"HardSwish", 14, kNewest, 1, 1, 1, simple},
    {"IsInf", 10, kNewest, 1, 1, 1, is_inf},
    {"IsNaN", 9, kNewest, 1, 1, 1, simple},
    {"LeakyRelu", 1, kNewest, 1, 1, 1, leaky_relu},
    {"Log", 1, kNewest, 1, 1, 1, simple},
    {"Mish", 18, kNewest, 1, 1, 1, simple},
    {"Neg", 1, kNewest, 1, 1, 1, simple},
    {"Not", 1, kNewest, 1, 1, 1, simple},
    {"PRelu", 1, kNewest, 2, 2, 1, prelu},
    {"Reciprocal", 1, kNewest, 1, 1, 1, simple},
    {"Relu", 1, kNewest, 1, 1, 1, simple},
    {"Round", 11, kNewest, 1, 1, 1, simple},
    {"Selu", 1, kNewest, 1, 1, 1, selu},
    {"Shrink", 9, kNewest, 1, 1, 1, shrink},
    {"Sigmoid", 1, kNewest, 1, 1, 1, simple},
    {"Sign", 9, kNewest, 1, 1, 1, simple},
    {"Sin", 7, kNewest, 1, 1, 1, simple},
    {"Sinh", 9, kNewest, 1, 1, 1, simple},
    {"Softplus", 1, kNewest, 1, 1, 1, simple},
    {"Softsign", 1, kNewest, 1, 1, 1, simple},
    {"Sqrt", 1, kNewest, 1, 1, 1, simple},
    {"Swish", 24, kNewest, 1, 1, 1, swish},
    {"Tan", 7, kNewest, 1, 1, 1, simple},
    {"Tanh", 1, kNewest, 1, 1, 1, simple},
    {"ThresholdedRelu", 10, kNewest, 1, 1, 1, thresholded_relu},
};

}  // namespace

std::span<const ImportRow> activation_rows() {
  return kRows;
}

}  // namespace carnot::onnx
