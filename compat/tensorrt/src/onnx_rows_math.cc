// Operators that compute element by element, and products.
#include <cmath>
#include <limits>

#include "layers_language.h"
#include "onnx_rows.h"

namespace trt {

namespace {

using Binary = ElementWiseOperation;
constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr float kMost = std::numeric_limits<float>::max();

NetTensor* combined(OnnxView& v, NetTensor* a, NetTensor* b, Binary operation) {
  raise(v, a, b);
  return v.named<ElementWise>({a, b}, [&](ElementWise& l) { l.operation = operation; });
}

/// All inputs, from left to right.
template <Binary kOperation>
void elementwise(OnnxView& v) {
  int32_t rank = 0;
  for (size_t i = 0; i < v.inputs(); ++i) rank = std::max(rank, v.rank(i));
  std::vector<NetTensor*> operands;
  for (size_t i = 0; i < v.inputs(); ++i) operands.push_back(raised(v, v.in(i), rank));
  if (operands.size() == 1) return v.out(v.identity(operands[0]));
  NetTensor* all = operands.at(0);
  for (size_t i = 1; i < operands.size(); ++i) all = combined(v, all, operands[i], kOperation);
  v.out(all);
}

NetTensor* or_equal(OnnxView& v, NetTensor* a, NetTensor* b, bool greater) {
  NetTensor* const strict = combined(v, a, b, greater ? Binary::kGREATER : Binary::kLESS);
  return combined(v, strict, combined(v, a, b, Binary::kEQUAL), Binary::kOR);
}

template <bool kGreater>
void compare_or_equal(OnnxView& v) {
  NetTensor* const b = v.in(1);
  v.out(or_equal(v, v.in(0), b, kGreater));
}

NetTensor* named_unary(OnnxView& v, NetTensor* x, UnaryOperation operation) {
  return v.named<Unary>({x}, [&](Unary& l) { l.operation = operation; });
}

template <UnaryOperation kOperation>
void unary(OnnxView& v) {
  v.out(named_unary(v, v.in(0), kOperation));
}

void negative(OnnxView& v) {
  NetTensor* x = v.in(0);
  if (v.type(x) != DataType::kINT32) return v.out(named_unary(v, x, UnaryOperation::kNEG));
  NetTensor* zero = v.scalar(DataType::kINT32, 0);
  raise(v, zero, x);
  v.out(combined(v, zero, x, Binary::kSUB));
}

NetTensor* named_binary(OnnxView& v, NetTensor* a, NetTensor* b, Binary operation) {
  return v.named<ElementWise>({a, b}, [&](ElementWise& l) { l.operation = operation; });
}

void is_infinite(OnnxView& v) {
  const bool below = v.integer("detect_negative", 1) != 0;
  const bool above = v.integer("detect_positive", 1) != 0;
  if (below && above) return unary<UnaryOperation::kISINF>(v);
  NetTensor* const x = v.in(0);
  NetTensor* const zero = v.cast(v.scalar(DataType::kFLOAT, 0, v.rank(x)), v.type(x));
  if (!below && !above) {
    NetTensor* const more = named_binary(v, x, zero, Binary::kGREATER);
    return v.out(named_binary(v, more, named_binary(v, x, zero, Binary::kLESS), Binary::kAND));
  }
  NetTensor* const side = named_binary(v, x, zero, below ? Binary::kLESS : Binary::kGREATER);
  v.out(named_binary(v, side, named_unary(v, x, UnaryOperation::kISINF), Binary::kAND));
}

void power(OnnxView& v) {
  const DataType base = v.type(size_t{0});
  if (base == v.type(size_t{1})) return elementwise<Binary::kPOW>(v);
  NetTensor* const x = v.cast(v.in(0), DataType::kFLOAT);
  NetTensor* const y = v.cast(v.in(1), DataType::kFLOAT);
  NetTensor* const out = combined(v, x, y, Binary::kPOW);
  v.out(base == DataType::kFLOAT ? out : v.cast(out, base));
}

NetTensor* activated(OnnxView& v, NetTensor* x, ActivationType type, float alpha = 0,
                     float beta = 0) {
  return v.named<Activation>({x},
                             [&](Activation& l) { l.type = type, l.alpha = alpha, l.beta = beta; });
}

template <ActivationType kType>
void activation(OnnxView& v) {
  v.out(activated(v, v.in(0), kType));
}

void leaky_relu(OnnxView& v) {
  v.out(activated(v, v.in(0), ActivationType::kLEAKY_RELU, v.real("alpha", 0.01F)));
}
void elu(OnnxView& v) {
  v.out(activated(v, v.in(0), ActivationType::kELU, v.real("alpha", 1)));
}
void thresholded_relu(OnnxView& v) {
  v.out(activated(v, v.in(0), ActivationType::kTHRESHOLDED_RELU, v.real("alpha", 1)));
}
void selu(OnnxView& v) {
  v.out(activated(v, v.in(0), ActivationType::kSELU, v.real("alpha", 1.6732F),
                  v.real("gamma", 1.0507F)));
}
void hard_sigmoid(OnnxView& v) {
  v.out(activated(v, v.in(0), ActivationType::kHARD_SIGMOID, v.real("alpha", 0.2F),
                  v.real("beta", 0.5F)));
}

void hard_swish(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* const gate = activated(v, x, ActivationType::kHARD_SIGMOID, 1.0F / 6, 0.5F);
  v.out(combined(v, x, gate, Binary::kPROD));
}

void mish(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* const soft = activated(v, x, ActivationType::kSOFTPLUS, 1, 1);
  v.out(combined(v, x, activated(v, soft, ActivationType::kTANH), Binary::kPROD));
}

void gelu(OnnxView& v) {
  const bool tanh = v.text("approximate", "none") == "tanh";
  v.out(activated(v, v.in(0), tanh ? ActivationType::kGELU_TANH : ActivationType::kGELU_ERF));
}

void softplus(OnnxView& v) {
  v.out(activated(v, v.in(0), ActivationType::kSOFTPLUS, 1, 1));
}

void prelu(OnnxView& v) {
  NetTensor* x = v.in(0);
  NetTensor* slopes = v.in(1);
  raise(v, x, slopes);
  v.out(v.named<ParametricReLU>({x, slopes}, [](ParametricReLU&) {}));
}

/// The least or the greatest number of a type.
carnot::Tensor limit_of(DataType type, bool least, int32_t rank) {
  const carnot::Shape shape(static_cast<size_t>(rank), 1);
  if (type == DataType::kINT64) {
    return carnot::Tensor::from_i64(shape, {least ? INT64_MIN : INT64_MAX});
  }
  carnot::Tensor out = carnot::Tensor::zeros(*dtype_of(type), shape);
  if (type == DataType::kINT32) {
    out.set_int(0, least ? INT32_MIN : INT32_MAX);
  } else if (type == DataType::kHALF || type == DataType::kFLOAT) {
    const double most = type == DataType::kHALF ? 65504 : static_cast<double>(kMost);
    out.set(0, least ? -most : most);
  } else {
    throw NotShown();
  }
  return out;
}

/// The larger of the lower and the smaller of the upper bound.
void clip_by_tensors(OnnxView& v) {
  NetTensor* x = v.in(0);
  const DataType type = v.type(x);
  const auto bound = [&](size_t i) {
    if (!v.has(i)) return v.constant(limit_of(type, i == 1, v.rank(x)));
    NetTensor* out = v.in(i);
    raise(v, x, out);
    return out;
  };
  NetTensor* const low = bound(1);
  NetTensor* const high = bound(2);
  v.out(named_binary(v, named_binary(v, x, low, Binary::kMAX), high, Binary::kMIN));
}

void clip(OnnxView& v) {
  const DataType type = v.type(size_t{0});
  bool tensors = type == DataType::kINT32 || type == DataType::kINT64;
  for (size_t i = 1; i < v.inputs(); ++i) tensors |= v.has(i) && !v.weights(i);
  if (tensors) return clip_by_tensors(v);
  const auto bound = [&](size_t i, const char* name, float otherwise) {
    if (v.opset() < 11) return v.real(name, otherwise);
    if (!v.has(i)) return otherwise;
    if (v.weights(i)->elements() != 1) throw NotShown();
    return static_cast<float>(v.weights(i)->get(0));
  };
  const float low = bound(1, "min", kLowest), high = bound(2, "max", kMost);
  v.out(activated(v, v.in(0), ActivationType::kCLIP, low, high));
}

void cast(OnnxView& v) {
  DataType to{};
  switch (v.integer("to", 0)) {
    case 1:
    case 11:
      to = DataType::kFLOAT;
      break;
    case 2:
      to = DataType::kUINT8;
      break;
    case 3:
      to = DataType::kINT8;
      break;
    case 6:
      to = DataType::kINT32;
      break;
    case 7:
      to = DataType::kINT64;
      break;
    case 9:
      to = DataType::kBOOL;
      break;
    case 10:
      to = DataType::kHALF;
      break;
    case 16:
      to = DataType::kBF16;
      break;
    case 17:
      to = DataType::kFP8;
      break;
    default:
      throw NotShown();
  }
  v.out(v.named<Cast>({v.in(0)}, [&](Cast& l) { l.to = to; }));
}

void cast_like(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const DataType to = v.type(v.in(1));
  v.out(v.named<Cast>({x}, [&](Cast& l) { l.to = to; }));
}

void where(OnnxView& v) {
  NetTensor* condition = v.in(0);
  NetTensor* x = v.in(1);
  NetTensor* y = v.in(2);
  const int32_t rank = std::max({v.rank(condition), v.rank(x), v.rank(y)});
  x = raised(v, x, rank);
  y = raised(v, y, rank);
  condition = raised(v, condition, rank);
  v.out(v.named<Select>({condition, x, y}, [](Select&) {}));
}

/// x - y * (x / y), with the quotient rounded to 0.
void modulo_of_reals(OnnxView& v, NetTensor* x, NetTensor* y) {
  NetTensor* const quotient = combined(v, x, y, Binary::kDIV);
  const auto rest = [&](UnaryOperation rounding) {
    NetTensor* const whole = v.binary(y, v.unary(quotient, rounding), Binary::kPROD);
    return v.binary(x, whole, Binary::kSUB);
  };
  NetTensor* const down = rest(UnaryOperation::kFLOOR);
  NetTensor* const up = rest(UnaryOperation::kCEIL);
  NetTensor* const zero = v.cast(v.scalar(DataType::kFLOAT, 0), v.type(quotient));
  NetTensor* const zeros = spread(v, zero, Sizes::shape(v, quotient).tensor(v));
  NetTensor* const same = or_equal(v, quotient, zeros, true);
  v.out(v.named<Select>({same, down, up}, [](Select&) {}));
}

/// x - y * (x / y), rounded as the kind of remainder asks.
void modulo(OnnxView& v) {
  const bool truncates = v.integer("fmod", 0) != 0;
  NetTensor* x = v.in(0);
  NetTensor* y = v.in(1);
  raise(v, x, y);
  if (v.type(x) != DataType::kINT32 && v.type(x) != DataType::kINT64) {
    return truncates ? modulo_of_reals(v, x, y) : throw NotShown();
  }
  NetTensor* const quotient = v.binary(x, y, truncates ? Binary::kDIV : Binary::kFLOOR_DIV);
  NetTensor* const whole = v.binary(y, quotient, Binary::kPROD);
  v.out(v.named<ElementWise>({x, whole}, [](ElementWise& l) { l.operation = Binary::kSUB; }));
}

NetTensor* multiplied(OnnxView& v, NetTensor* a, bool turn_a, NetTensor* b, bool turn_b) {
  const auto how = [&](NetTensor* x, bool turn) {
    return v.rank(x) == 1 ? MatrixOperation::kVECTOR
           : turn         ? MatrixOperation::kTRANSPOSE
                          : MatrixOperation::kNONE;
  };
  return v.named<MatrixMultiply>({a, b}, [&](MatrixMultiply& l) {
    l.operations[0] = how(a, turn_a), l.operations[1] = how(b, turn_b);
  });
}

void matmul(OnnxView& v) {
  NetTensor* a = v.in(0);
  NetTensor* b = v.in(1);
  const int32_t rank_a = v.rank(a), rank_b = v.rank(b);
  const bool column = rank_a > rank_b && rank_b == 1, row = rank_a < rank_b && rank_a == 1;
  if (column) b = unsqueeze(v, b, {1});
  raise(v, a, b);
  NetTensor* out = multiplied(v, a, false, b, false);
  if (row) out = squeeze(v, out, {0});
  if (column) out = squeeze(v, out, {v.rank(out) - 1});
  v.out(out);
}

void gemm(OnnxView& v) {
  NetTensor* const a = v.in(0);
  NetTensor* const b = v.in(1);
  NetTensor* out = multiplied(v, a, v.integer("transA", 0) != 0, b, v.integer("transB", 0) != 0);
  const auto scaled = [&](NetTensor* x, float factor) {
    NetTensor* const number = v.scalar(DataType::kFLOAT, static_cast<double>(factor), v.rank(x));
    return named_binary(v, number, x, Binary::kPROD);
  };
  const float alpha = v.real("alpha", 1), beta = v.real("beta", 1);
  if (alpha != 1) out = scaled(out, alpha);
  if (v.has(2)) {
    NetTensor* bias = v.in(2);
    if (beta != 1) bias = scaled(bias, beta);
    raise(v, out, bias);
    out = named_binary(v, out, bias, Binary::kSUM);
  }
  v.out(out);
}

void einsum(OnnxView& v) {
  const std::string equation = v.text("equation", "");
  std::vector<NetTensor*> operands;
  for (size_t i = 0; i < v.inputs(); ++i) operands.push_back(v.in(i));
  v.out(v.named<Einsum>(std::move(operands), [&](Einsum& l) { l.equation = equation; }));
}

constexpr OnnxRow kRows[] = {
    {"Abs", unary<UnaryOperation::kABS>},
    {"Acos", unary<UnaryOperation::kACOS>},
    {"Acosh", unary<UnaryOperation::kACOSH>},
    {"Add", elementwise<Binary::kSUM>},
    {"And", elementwise<Binary::kAND>},
    {"Asin", unary<UnaryOperation::kASIN>},
    {"Asinh", unary<UnaryOperation::kASINH>},
    {"Atan", unary<UnaryOperation::kATAN>},
    {"Atanh", unary<UnaryOperation::kATANH>},
    {"Cast", cast},
    {"CastLike", cast_like},
    {"Ceil", unary<UnaryOperation::kCEIL>},
    {"Clip", clip},
    {"Cos", unary<UnaryOperation::kCOS>},
    {"Cosh", unary<UnaryOperation::kCOSH>},
    {"Div", elementwise<Binary::kDIV>},
    {"Einsum", einsum},
    {"Elu", elu},
    {"Equal", elementwise<Binary::kEQUAL>},
    {"Erf", unary<UnaryOperation::kERF>},
    {"Exp", unary<UnaryOperation::kEXP>},
    {"Floor", unary<UnaryOperation::kFLOOR>},
    {"Gelu", gelu},
    {"Gemm", gemm},
    {"Greater", elementwise<Binary::kGREATER>},
    {"GreaterOrEqual", compare_or_equal<true>},
    {"HardSigmoid", hard_sigmoid},
    {"HardSwish", hard_swish},
    {"IsInf", is_infinite},
    {"IsNaN", unary<UnaryOperation::kISNAN>},
    {"LeakyRelu", leaky_relu},
    {"Less", elementwise<Binary::kLESS>},
    {"LessOrEqual", compare_or_equal<false>},
    {"Log", unary<UnaryOperation::kLOG>},
    {"MatMul", matmul},
    {"Max", elementwise<Binary::kMAX>},
    {"Min", elementwise<Binary::kMIN>},
    {"Mish", mish},
    {"Mod", modulo},
    {"Mul", elementwise<Binary::kPROD>},
    {"Neg", negative},
    {"Not", unary<UnaryOperation::kNOT>},
    {"Or", elementwise<Binary::kOR>},
    {"PRelu", prelu},
    {"Pow", power},
    {"Reciprocal", unary<UnaryOperation::kRECIP>},
    {"Relu", activation<ActivationType::kRELU>},
    {"Round", unary<UnaryOperation::kROUND>},
    {"Selu", selu},
    {"Sigmoid", activation<ActivationType::kSIGMOID>},
    {"Sign", unary<UnaryOperation::kSIGN>},
    {"Sin", unary<UnaryOperation::kSIN>},
    {"Sinh", unary<UnaryOperation::kSINH>},
    {"Softplus", softplus},
    {"Softsign", activation<ActivationType::kSOFTSIGN>},
    {"Sqrt", unary<UnaryOperation::kSQRT>},
    {"Sub", elementwise<Binary::kSUB>},
    {"Sum", elementwise<Binary::kSUM>},
    {"Tan", unary<UnaryOperation::kTAN>},
    {"Tanh", activation<ActivationType::kTANH>},
    {"ThresholdedRelu", thresholded_relu},
    {"Where", where},
    {"Xor", elementwise<Binary::kXOR>},
};

}  // namespace

std::span<const OnnxRow> rows_of_math() {
  return kRows;
}

}  // namespace trt
