#include "layers_math.h"

#include <algorithm>
#include <cmath>

namespace trt {

using carnot::Dim;
using carnot::ScalarOp;
namespace op = carnot::op;

namespace {

/// A constant in a ScalarProgram's text.
std::string number(double value, DType dtype) {
  if (!carnot::is_float(dtype)) {
    return cat(static_cast<int64_t>(value), ':', carnot::to_string(dtype));
  }
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  std::string out = text;
  if (out.find_first_of(".einf") == std::string::npos) out += ".0";
  return cat(out, ':', carnot::to_string(dtype));
}

/// Replaces each "#name" by its number.
std::string fill(std::string text, const std::map<char, double>& numbers, DType dtype) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#') {
      out += number(numbers.at(text[++i]), dtype);
    } else {
      out += text[i];
    }
  }
  return out;
}

void need_equal_types(const Emit& e, Handle a, Handle b) {
  if (e.dtype(a) != e.dtype(b)) {
    refuse("the inputs have the types ", carnot::to_string(e.dtype(a)), " and ",
           carnot::to_string(e.dtype(b)), "; add a cast layer so that they are equal");
  }
}

void need_equal_ranks(const Emit& e, Handle a, Handle b) {
  if (e.rank(a) != e.rank(b)) {
    refuse("the inputs ", carnot::to_string(e.net.type(a)), " and ",
           carnot::to_string(e.net.type(b)),
           " have different ranks; reshape one with a shuffle layer so that sizes of 1 broadcast");
  }
}

int64_t one_axis(const Emit& e, Handle x, uint32_t mask) {
  const Ints axes = axes_of(mask);
  if (axes.size() != 1) refuse("needs exactly one axis, has ", axes.size());
  if (axes[0] >= e.rank(x)) refuse("axis ", axes[0], " of a tensor of rank ", e.rank(x));
  return axes[0];
}

// '#0' '#1' ... are numbers, 'a' and 'b' the parameters alpha and beta.
const char* formula(ActivationType type) {
  switch (type) {
    case ActivationType::kRELU:
      return "max($0, #0)";
    case ActivationType::kSIGMOID:
      return "sigmoid($0)";
    case ActivationType::kTANH:
      return "tanh($0)";
    case ActivationType::kLEAKY_RELU:
      return "select(ge($0, #0), $0, mul($0, #a))";
    case ActivationType::kELU:
      return "select(ge($0, #0), $0, mul(sub(exp($0), #1), #a))";
    case ActivationType::kSELU:
      return "mul(#b, select(gt($0, #0), $0, sub(mul(#a, exp($0)), #a)))";
    case ActivationType::kSOFTSIGN:
      return "div($0, add(abs($0), #1))";
    case ActivationType::kSOFTPLUS:
      return "t0 = mul($0, #b); mul(#a, add(max(t0, #0), log(add(#1, exp(neg(abs(t0)))))))";
    case ActivationType::kCLIP:
      return "max(#a, min(#b, $0))";
    case ActivationType::kHARD_SIGMOID:
      return "max(#0, min(#1, add(mul($0, #a), #b)))";
    case ActivationType::kSCALED_TANH:
      return "mul(#a, tanh(mul(#b, $0)))";
    case ActivationType::kTHRESHOLDED_RELU:
      return "select(gt($0, #a), $0, #0)";
    case ActivationType::kGELU_ERF:
      return "mul(mul($0, #h), add(#1, erf(mul($0, #r))))";
    case ActivationType::kGELU_TANH:
      return "t0 = mul($0, mul($0, $0)); "
             "mul(mul($0, #h), add(#1, tanh(mul(#p, add($0, mul(t0, #c))))))";
  }
  return nullptr;
}

ScalarOp scalar_of(UnaryOperation operation) {
  static constexpr ScalarOp kOps[] = {
      ScalarOp::kExp,   ScalarOp::kLog,   ScalarOp::kSqrt,  ScalarOp::kRecip, ScalarOp::kAbs,
      ScalarOp::kNeg,   ScalarOp::kSin,   ScalarOp::kCos,   ScalarOp::kTan,   ScalarOp::kSinh,
      ScalarOp::kCosh,  ScalarOp::kAsin,  ScalarOp::kAcos,  ScalarOp::kAtan,  ScalarOp::kAsinh,
      ScalarOp::kAcosh, ScalarOp::kAtanh, ScalarOp::kCeil,  ScalarOp::kFloor, ScalarOp::kErf,
      ScalarOp::kNot,   ScalarOp::kSign,  ScalarOp::kRound, ScalarOp::kIsInf, ScalarOp::kIsNan};
  const auto i = static_cast<size_t>(operation);
  if (i >= std::size(kOps)) refuse("unknown unary operation ", i);
  return kOps[i];
}

}  // namespace

Values Activation::emit(Emit& e, const Values& in) {
  const char* const text = formula(type);
  if (!text) refuse("unknown activation type ", static_cast<int>(type));
  const DType dtype = e.dtype(in[0]);
  if (type != ActivationType::kRELU && type != ActivationType::kCLIP && !carnot::is_float(dtype)) {
    refuse("needs a float input, has ", carnot::to_string(dtype));
  }
  const std::map<char, double> numbers = {{'0', 0},
                                          {'1', 1},
                                          {'a', alpha},
                                          {'b', beta},
                                          {'h', 0.5},
                                          {'r', M_SQRT1_2},
                                          {'p', std::sqrt(M_2_PI)},
                                          {'c', 0.044715}};
  return {e.map(fill(text, numbers, dtype), in)};
}

Values ElementWise::emit(Emit& e, const Values& in) {
  need_equal_ranks(e, in[0], in[1]);
  need_equal_types(e, in[0], in[1]);
  const DType dtype = e.dtype(in[0]);
  const bool logical = operation == ElementWiseOperation::kAND ||
                       operation == ElementWiseOperation::kOR ||
                       operation == ElementWiseOperation::kXOR;
  if (logical != (dtype == DType::kBool) && operation != ElementWiseOperation::kEQUAL) {
    refuse("does not take ", carnot::to_string(dtype), " inputs for this operation");
  }
  const bool real = carnot::is_float(dtype);
  switch (operation) {
    case ElementWiseOperation::kSUM:
      return {e.binary(ScalarOp::kAdd, in[0], in[1])};
    case ElementWiseOperation::kPROD:
      return {e.binary(ScalarOp::kMul, in[0], in[1])};
    case ElementWiseOperation::kMAX:
      return {e.binary(ScalarOp::kMax, in[0], in[1])};
    case ElementWiseOperation::kMIN:
      return {e.binary(ScalarOp::kMin, in[0], in[1])};
    case ElementWiseOperation::kSUB:
      return {e.binary(ScalarOp::kSub, in[0], in[1])};
    case ElementWiseOperation::kDIV:
      return {e.binary(ScalarOp::kDiv, in[0], in[1])};
    case ElementWiseOperation::kPOW:
      return {e.binary(ScalarOp::kPow, in[0], in[1])};
    case ElementWiseOperation::kFLOOR_DIV:
      return {e.map(real ? "floor(div($0, $1))" : "div(sub($0, mod($0, $1)), $1)", in)};
    case ElementWiseOperation::kAND:
      return {e.binary(ScalarOp::kAnd, in[0], in[1])};
    case ElementWiseOperation::kOR:
      return {e.binary(ScalarOp::kOr, in[0], in[1])};
    case ElementWiseOperation::kXOR:
      return {e.binary(ScalarOp::kXor, in[0], in[1])};
    case ElementWiseOperation::kEQUAL:
      return {e.binary(ScalarOp::kEq, in[0], in[1])};
    case ElementWiseOperation::kGREATER:
      return {e.binary(ScalarOp::kGt, in[0], in[1])};
    case ElementWiseOperation::kLESS:
      return {e.binary(ScalarOp::kLt, in[0], in[1])};
  }
  refuse("unknown elementwise operation ", static_cast<int>(operation));
}

Values Unary::emit(Emit& e, const Values& in) {
  const DType dtype = e.dtype(in[0]);
  const bool logical = operation == UnaryOperation::kNOT;
  if (logical != (dtype == DType::kBool)) {
    refuse("does not take a ", carnot::to_string(dtype), " input for this operation");
  }
  const bool exact = operation == UnaryOperation::kABS || operation == UnaryOperation::kSIGN ||
                     operation == UnaryOperation::kNEG;
  if (!logical && !exact && !carnot::is_float(dtype)) {
    refuse("needs a float input for this operation, has ", carnot::to_string(dtype));
  }
  return {e.unary(scalar_of(operation), in[0])};
}

Values ParametricReLU::emit(Emit& e, const Values& in) {
  need_equal_types(e, in[0], in[1]);
  const DType dtype = e.dtype(in[0]);
  return {e.map(fill("select(ge($0, #0), $0, mul($0, $1))", {{'0', 0}}, dtype),
                {in[0], e.with_rank(in[1], e.rank(in[0]))})};
}

Values Select::emit(Emit& e, const Values& in) {
  need_equal_types(e, in[1], in[2]);
  need_equal_ranks(e, in[0], in[1]);
  need_equal_ranks(e, in[1], in[2]);
  return {e.map("select($0, $1, $2)", in)};
}

Handle Scale::parameter(Emit& e, Handle x, const Weights& weights) const {
  const auto axis = static_cast<size_t>(channel_axis);
  carnot::Shape shape;
  if (mode != ScaleMode::kUNIFORM) {
    if (channel_axis < 0 || axis >= e.dims(x).size()) {
      refuse("channel axis ", channel_axis, " of a tensor of rank ", e.rank(x));
    }
    for (size_t i = axis; i < e.dims(x).size(); ++i) {
      const Dim& d = e.dims(x)[i];
      const bool whole = mode == ScaleMode::kELEMENTWISE || i == axis;
      if (whole && !d.is_constant()) refuse("the size of axis ", i, " must be known");
      shape.push_back(whole ? d.value() : 1);
    }
  }
  return e.cast(e.weights(weights, shape), e.dtype(x));
}

Values Scale::emit(Emit& e, const Values& in) {
  Handle x = in[0];
  if (scale.count > 0) x = e.binary(ScalarOp::kMul, x, parameter(e, x, scale));
  if (shift.count > 0) x = e.binary(ScalarOp::kAdd, x, parameter(e, x, shift));
  if (power.count > 0) x = e.binary(ScalarOp::kPow, x, parameter(e, x, power));
  return {x};
}

Values Lrn::emit(Emit& e, const Values& in) {
  const Handle x = in[0];
  if (e.rank(x) < 3)
    refuse("needs a tensor of rank 3 or more, has ", carnot::to_string(e.net.type(x)));
  if (window < 1 || window > 15 || window % 2 == 0)
    refuse("the window ", window, " is not odd, 1 to 15");
  const auto axis = static_cast<size_t>(e.rank(x) - 3);
  carnot::Dims pad(e.dims(x).size(), Dim(0));
  pad[axis] = Dim(window / 2);
  const Handle padded = e.pad(e.map("mul($0, $0)", {x}), pad, pad);
  Handle sum;
  for (int64_t i = 0; i < window; ++i) {
    const Handle part = e.slice(padded, static_cast<int64_t>(axis), Dim(i), e.dims(x)[axis]);
    sum = sum.valid() ? e.binary(ScalarOp::kAdd, sum, part) : part;
  }
  const std::map<char, double> numbers = {
      {'k', k}, {'a', alpha / static_cast<double>(window)}, {'b', beta}};
  return {e.map(fill("div($0, pow(add(#k, mul($1, #a)), #b))", numbers, e.dtype(x)), {x, sum})};
}

Values SoftMax::emit(Emit& e, const Values& in) {
  return {e.make(op::Softmax{one_axis(e, in[0], axes), false}, {in[0]})};
}

Values RaggedSoftMax::emit(Emit& e, const Values& in) {
  // Columns at or after a row's bound count as nothing.
  const Handle x = in[0];
  if (e.rank(x) < 2) refuse("needs a tensor of rank 2 or more");
  const Handle column = e.make(op::Iota{e.dims(x), e.rank(x) - 1, DType::kI64}, {});
  const Handle bound = e.with_rank(e.cast(in[1], DType::kI64), e.rank(x));
  const DType t = e.dtype(x);
  const Handle masked =
      e.map(fill("select(lt($1, $2), $0, #n)", {{'n', -65504}}, t), {x, column, bound});
  const Handle soft = e.make(op::Softmax{-1, false}, {masked});
  return {e.map(fill("select(lt($1, $2), $0, #0)", {{'0', 0}}, t), {soft, column, bound})};
}

Values Reduce::emit(Emit& e, const Values& in) {
  const Ints list = axes_of(axes);
  for (const int64_t axis : list) {
    if (axis >= e.rank(in[0])) refuse("axis ", axis, " of a tensor of rank ", e.rank(in[0]));
  }
  static constexpr op::Reduce::Kind kKinds[] = {op::Reduce::kSum, op::Reduce::kProduct,
                                                op::Reduce::kMaximum, op::Reduce::kMinimum,
                                                op::Reduce::kMean};
  const auto i = static_cast<size_t>(operation);
  if (i >= std::size(kKinds)) refuse("reduce operation ", i, " is for collectives only");
  return {e.reduce(kKinds[i], in[0], list, keep_dims)};
}

Values TopK::emit(Emit& e, const Values& in) {
  op::TopK t;
  t.axis = one_axis(e, in[0], axes);
  t.largest = operation == TopKOperation::kMAX;
  t.count = Dim(k);
  Values operands = {in[0]};
  if (in.size() > 1 && in[1].valid()) {
    const auto& known = e.elements(in[1]);
    if (known && known->size() == 1) {
      t.count = (*known)[0];
    } else {
      t.count = e.fresh("topk");
      operands.push_back(e.cast(in[1], DType::kI64));
    }
  } else if (k < 1) {
    refuse("k is ", k);
  }
  Values out = e.add(t, operands);
  out[1] = e.cast(out[1], *dtype_of(indices));
  return out;
}

void MatrixMultiply::setOperation(int32_t index, MatrixOperation operation) noexcept {
  if (index != 0 && index != 1) return;
  operations[index] = operation;
  touch();
}

Values MatrixMultiply::emit(Emit& e, const Values& in) {
  need_equal_types(e, in[0], in[1]);
  Handle operand[2] = {in[0], in[1]};
  for (int i = 0; i < 2; ++i) {
    const bool vector = operations[i] == MatrixOperation::kVECTOR;
    if (e.rank(operand[i]) < (vector ? 1 : 2)) {
      refuse("input ", i, " is ", carnot::to_string(e.net.type(operand[i])), "; it needs rank ",
             vector ? 1 : 2, " or more");
    }
    if (!vector) continue;
    carnot::Dims sizes = e.dims(operand[i]);
    sizes.insert(i == 0 ? sizes.end() - 1 : sizes.end(), Dim(1));
    operand[i] = e.reshape(operand[i], sizes);
  }
  need_equal_ranks(e, operand[0], operand[1]);
  op::MatMul m;
  m.transpose_a = operations[0] == MatrixOperation::kTRANSPOSE;
  m.transpose_b = operations[1] == MatrixOperation::kTRANSPOSE;
  Handle y = e.make(m, {operand[0], operand[1]});
  carnot::Dims sizes = e.dims(y);
  if (operations[1] == MatrixOperation::kVECTOR) sizes.erase(sizes.end() - 1);
  if (operations[0] == MatrixOperation::kVECTOR) {
    sizes.erase(sizes.end() - (operations[1] == MatrixOperation::kVECTOR ? 1 : 2));
  }
  return {e.reshape(y, sizes)};
}

/// "..." written out, with letters that the equation does not have; of an operand, the axes that
/// its other letters leave.
static std::string without_ellipses(const Emit& e, const std::string& equation, size_t arrow,
                                    const Values& in) {
  std::string spare, out, term;
  for (char c = 'a'; c <= 'z'; ++c) {
    if (equation.find(c) == std::string::npos) spare += c;
  }
  size_t operand = 0, longest = 0;
  const auto put = [&](size_t axes) {
    const size_t at = term.find("...");
    if (at != std::string::npos) {
      if (axes > spare.size()) refuse("'", equation, "': '...' stands for too many axes");
      term.replace(at, 3, spare.substr(spare.size() - axes));
    }
    out += term;
    term.clear();
  };
  for (size_t i = 0; i <= arrow; ++i) {
    if (i < arrow && equation[i] != ',') {
      term += equation[i];
      continue;
    }
    const size_t letters = term.size() - (term.find("...") == std::string::npos ? 0 : 3);
    const size_t rank = operand < in.size() ? static_cast<size_t>(e.rank(in[operand])) : 0;
    if (term.size() != letters && rank < letters) {
      refuse("'", equation, "': operand ", operand, " has ", rank, " axes");
    }
    const size_t axes = term.size() != letters ? rank - letters : 0;
    longest = std::max(longest, axes);
    put(axes);
    if (i < arrow) out += ',';
    ++operand;
  }
  out += "->";
  term = equation.substr(arrow + 2);
  put(longest);
  return out;
}

Values Einsum::emit(Emit& e, const Values& in) {
  std::string text;
  for (const char c : equation) {
    if (c != ' ') text += c;
  }
  // Without "->": the letters that stand there once, in order.
  if (text.find("->") == std::string::npos) {
    std::string once = text.find("...") == std::string::npos ? "" : "...";
    for (char c = 'a'; c <= 'z'; ++c) {
      if (std::count(text.begin(), text.end(), c) == 1) once += c;
    }
    text += "->" + once;
  }
  const size_t arrow = text.find("->");
  return {e.make(op::Einsum{without_ellipses(e, text, arrow, in)}, in)};
}

Values Normalization::emit(Emit& e, const Values& in) {
  const Handle x = in[0];
  op::Normalize n;
  n.axes = axes_of(axes);
  n.epsilon = static_cast<double>(epsilon);
  if (n.axes.empty() || n.axes.back() >= e.rank(x)) {
    refuse("the axes 0x", std::hex, axes, " are not those of a tensor of rank ", e.rank(x));
  }
  if (groups != 1) return emit_groups(e, in);
  return {e.make(n, {x, e.with_rank(in[1], e.rank(x)), e.with_rank(in[2], e.rank(x))})};
}

Values Normalization::emit_groups(Emit& e, const Values& in) {
  const Handle x = in[0];
  const carnot::Dims sizes = e.dims(x);
  if (sizes.size() < 3 || groups < 1 || !sizes[1].is_constant() || sizes[1].value() % groups != 0) {
    refuse("cannot split the channels of ", carnot::to_string(e.net.type(x)), " into ", groups,
           " groups");
  }
  carnot::Dims split = {sizes[0], Dim(groups), Dim(sizes[1].value() / groups)};
  split.insert(split.end(), sizes.begin() + 2, sizes.end());
  op::Normalize n;
  n.epsilon = static_cast<double>(epsilon);
  for (int64_t axis = 2; axis < static_cast<int64_t>(split.size()); ++axis) n.axes.push_back(axis);
  Values out = {e.make(n, {e.reshape(x, split)})};
  // Scale and bias are one for each group, or one for each channel.
  const auto per_group = [&](Handle h) { return e.rank(h) > 1 && e.dims(h)[1].is(groups); };
  const auto widen = [&](Handle h) {
    carnot::Dims d = e.dims(h);
    d.insert(d.begin() + 2, Dim(1));
    return e.reshape(h, d);
  };
  if (per_group(in[1]) && per_group(in[2])) {
    return {e.reshape(e.map("add(mul($0, $1), $2)", {out[0], widen(in[1]), widen(in[2])}), sizes)};
  }
  return {e.map("add(mul($0, $1), $2)", {e.reshape(out[0], sizes), e.with_rank(in[1], e.rank(x)),
                                         e.with_rank(in[2], e.rank(x))})};
}

Values Cumulative::emit(Emit& e, const Values& in) {
  const auto axis = e.known_ints(in[1]);
  if (!axis || axis->size() != 1) refuse("the axis must be a constant");
  op::Cumulative c;
  c.axis = (*axis)[0] < 0 ? (*axis)[0] + e.rank(in[0]) : (*axis)[0];
  c.exclusive = exclusive, c.reverse = reverse;
  return {e.make(c, {in[0]})};
}

}  // namespace trt
