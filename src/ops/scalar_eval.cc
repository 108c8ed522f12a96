#include "ops/scalar_eval.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/status.h"
#include "tensor/codec.h"

namespace carnot {
namespace {

Scalar real(double value) {
  Scalar out;
  out.real = value;
  return out;
}
Scalar integer(int64_t value) {
  Scalar out;
  out.integer = value;
  return out;
}

double sign_of(double a) {
  return std::isnan(a) ? a : static_cast<double>((a > 0) - (a < 0));
}

// The sign of the divisor, as Python.
double float_mod(double a, double b) {
  const double m = std::fmod(a, b);
  if (m == 0) return std::copysign(0.0, b);
  return (m < 0) != (b < 0) ? m + b : m;
}

double lesser(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return b < a ? b : a;
}
double greater(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return a < b ? b : a;
}

Scalar float_unary(ScalarOp op, double a) {
  switch (op) {
    case ScalarOp::kNeg:
      return real(-a);
    case ScalarOp::kAbs:
      return real(std::fabs(a));
    case ScalarOp::kSign:
      return real(sign_of(a));
    case ScalarOp::kExp:
      return real(std::exp(a));
    case ScalarOp::kLog:
      return real(std::log(a));
    case ScalarOp::kSqrt:
      return real(std::sqrt(a));
    case ScalarOp::kRecip:
      return real(1 / a);
    case ScalarOp::kSin:
      return real(std::sin(a));
    case ScalarOp::kCos:
      return real(std::cos(a));
    case ScalarOp::kTan:
      return real(std::tan(a));
    case ScalarOp::kAsin:
      return real(std::asin(a));
    case ScalarOp::kAcos:
      return real(std::acos(a));
    case ScalarOp::kAtan:
      return real(std::atan(a));
    case ScalarOp::kSinh:
      return real(std::sinh(a));
    case ScalarOp::kCosh:
      return real(std::cosh(a));
    case ScalarOp::kTanh:
      return real(std::tanh(a));
    case ScalarOp::kAsinh:
      return real(std::asinh(a));
    case ScalarOp::kAcosh:
      return real(std::acosh(a));
    case ScalarOp::kAtanh:
      return real(std::atanh(a));
    case ScalarOp::kErf:
      return real(std::erf(a));
    case ScalarOp::kSigmoid:
      return real(1 / (1 + std::exp(-a)));
    case ScalarOp::kFloor:
      return real(std::floor(a));
    case ScalarOp::kCeil:
      return real(std::ceil(a));
    case ScalarOp::kRound:
      return real(std::nearbyint(a));
    case ScalarOp::kIsNan:
      return integer(std::isnan(a));
    case ScalarOp::kIsInf:
      return integer(std::isinf(a));
    default:
      break;
  }
  CARNOT_CHECK(false);
  return {};
}

Scalar float_binary(ScalarOp op, double a, double b) {
  switch (op) {
    case ScalarOp::kAdd:
      return real(a + b);
    case ScalarOp::kSub:
      return real(a - b);
    case ScalarOp::kMul:
      return real(a * b);
    case ScalarOp::kDiv:
      return real(a / b);
    case ScalarOp::kMod:
      return real(float_mod(a, b));
    case ScalarOp::kRem:
      return real(std::fmod(a, b));
    case ScalarOp::kPow:
      return real(std::pow(a, b));
    case ScalarOp::kMin:
      return real(lesser(a, b));
    case ScalarOp::kMax:
      return real(greater(a, b));
    case ScalarOp::kEq:
      return integer(a == b);
    case ScalarOp::kNe:
      return integer(a != b);
    case ScalarOp::kLt:
      return integer(a < b);
    case ScalarOp::kLe:
      return integer(a <= b);
    case ScalarOp::kGt:
      return integer(a > b);
    case ScalarOp::kGe:
      return integer(a >= b);
    default:
      return float_unary(op, a);
  }
}

uint64_t bits(int64_t value) {
  return static_cast<uint64_t>(value);
}

// Exact modulo 2^64. A negative exponent leaves only 1/1 and 1/-1.
int64_t integer_pow(int64_t base, int64_t exponent, bool is_unsigned) {
  if (exponent < 0 && !is_unsigned) {
    if (base == 1) return 1;
    return base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  }
  uint64_t out = 1, square = bits(base);
  for (uint64_t e = bits(exponent); e; e >>= 1) {
    if (e & 1) out *= square;
    square *= square;
  }
  return static_cast<int64_t>(out);
}

int64_t quotient(int64_t a, int64_t b, bool is_unsigned) {
  if (b == 0) return 0;
  if (is_unsigned) return static_cast<int64_t>(bits(a) / bits(b));
  return b == -1 ? static_cast<int64_t>(uint64_t{0} - bits(a)) : a / b;
}
int64_t remainder(int64_t a, int64_t b, bool is_unsigned) {
  if (b == 0 || b == -1)
    return b == 0 || !is_unsigned ? 0 : static_cast<int64_t>(bits(a) % bits(b));
  return is_unsigned ? static_cast<int64_t>(bits(a) % bits(b)) : a % b;
}

int64_t shift(ScalarOp op, int64_t a, int64_t count, int width, bool is_unsigned) {
  if (bits(count) >= static_cast<uint64_t>(width)) return 0;  // negative counts too
  if (op == ScalarOp::kShl) return static_cast<int64_t>(bits(a) << count);
  return is_unsigned ? static_cast<int64_t>(bits(a) >> count) : a >> count;
}

int64_t integer_arithmetic(ScalarOp op, DType type, int64_t a, int64_t b) {
  const bool is_unsigned = class_of(type) != DTypeClass::kSigned;
  const bool less = is_unsigned ? bits(a) < bits(b) : a < b;
  switch (op) {
    case ScalarOp::kNeg:
      return static_cast<int64_t>(uint64_t{0} - bits(a));
    case ScalarOp::kAbs:
      return is_unsigned || a >= 0 ? a : static_cast<int64_t>(uint64_t{0} - bits(a));
    case ScalarOp::kSign:
      return is_unsigned ? a != 0 : (a > 0) - (a < 0);
    case ScalarOp::kBitNot:
      return ~a;
    case ScalarOp::kAdd:
      return static_cast<int64_t>(bits(a) + bits(b));
    case ScalarOp::kSub:
      return static_cast<int64_t>(bits(a) - bits(b));
    case ScalarOp::kMul:
      return static_cast<int64_t>(bits(a) * bits(b));
    case ScalarOp::kDiv:
      return quotient(a, b, is_unsigned);
    case ScalarOp::kRem:
      return remainder(a, b, is_unsigned);
    case ScalarOp::kMod: {
      const int64_t m = remainder(a, b, is_unsigned);
      return !is_unsigned && m != 0 && (m < 0) != (b < 0) ? m + b : m;
    }
    case ScalarOp::kPow:
      return integer_pow(a, b, is_unsigned);
    case ScalarOp::kMin:
      return less ? a : b;
    case ScalarOp::kMax:
      return less ? b : a;
    case ScalarOp::kBitAnd:
      return a & b;
    case ScalarOp::kBitOr:
      return a | b;
    case ScalarOp::kBitXor:
      return a ^ b;
    case ScalarOp::kShl:
    case ScalarOp::kShr:
      return shift(op, a, b, bits_of(type), is_unsigned);
    default:
      break;
  }
  CARNOT_CHECK(false);
  return 0;
}

Scalar integer_op(ScalarOp op, DType type, int64_t a, int64_t b) {
  const bool is_unsigned = class_of(type) != DTypeClass::kSigned;
  const auto less = [&](int64_t x, int64_t y) { return is_unsigned ? bits(x) < bits(y) : x < y; };
  switch (op) {
    case ScalarOp::kNot:
      return integer(!a);
    case ScalarOp::kAnd:
      return integer(a & b);
    case ScalarOp::kOr:
      return integer(a | b);
    case ScalarOp::kXor:
      return integer(a ^ b);
    case ScalarOp::kEq:
      return integer(a == b);
    case ScalarOp::kNe:
      return integer(a != b);
    case ScalarOp::kLt:
      return integer(less(a, b));
    case ScalarOp::kLe:
      return integer(!less(b, a));
    case ScalarOp::kGt:
      return integer(less(b, a));
    case ScalarOp::kGe:
      return integer(!less(a, b));
    default:
      return integer(wrap_integer(type, integer_arithmetic(op, type, a, b)));
  }
}

Scalar cast_scalar(DType from, DType to, Scalar a) {
  if (is_float(from)) {
    if (!is_float(to)) return integer(to_integer(to, a.real));
    return real(to == DType::kF64 ? a.real : decode_float(to, encode_float(to, a.real)));
  }
  if (!is_float(to)) return integer(wrap_integer(to, a.integer));
  if (to == DType::kF64) return real(to_double(from, a.integer, /*to_odd=*/false));
  return real(decode_float(to, encode_float(to, to_double(from, a.integer))));
}

}  // namespace

Scalar apply(const ScalarInst& inst, DType type, Scalar a, Scalar b, Scalar c) {
  switch (inst.op) {
    case ScalarOp::kConst:
      return is_float(inst.type) ? real(inst.real) : integer(inst.integer);
    case ScalarOp::kCast:
      return cast_scalar(type, inst.type, a);
    case ScalarOp::kSelect:
      return a.integer ? b : c;
    default:
      return is_float(type) ? float_binary(inst.op, a.real, b.real)
                            : integer_op(inst.op, type, a.integer, b.integer);
  }
}

Scalar load_scalar(const Tensor& tensor, int64_t i) {
  return is_float(tensor.dtype()) ? real(tensor.get(i)) : integer(tensor.get_int(i));
}

void store_scalar(Tensor& tensor, int64_t i, Scalar value) {
  if (is_float(tensor.dtype())) return tensor.set(i, value.real);
  tensor.set_int(i, value.integer);
}

Result<ScalarEvaluator> ScalarEvaluator::create(ScalarProgram program,
                                                const std::vector<DType>& inputs) {
  ScalarEvaluator out;
  CARNOT_ASSIGN(out.types_, infer(program, inputs));
  for (const int32_t id : program.results) {
    out.results_.push_back(out.types_[static_cast<size_t>(id)]);
  }
  out.program_ = std::move(program);
  out.values_.resize(out.types_.size() * static_cast<size_t>(kBlock));
  return out;
}

void ScalarEvaluator::run(std::span<const Scalar> inputs, std::span<Scalar> out) {
  for (size_t i = 0; i < inputs.size(); ++i) *input(static_cast<int>(i)) = inputs[i];
  run_block(1);
  for (size_t i = 0; i < out.size(); ++i) out[i] = *result(static_cast<int>(i));
}

void ScalarEvaluator::run_block(int64_t count) {
  for (size_t i = 0; i < program_.insts.size(); ++i) {
    const ScalarInst& inst = program_.insts[i];
    const int operands = operands_of(inst.op);
    const auto value = [&](int k) {
      // A missing operand reads the result's own place: any number does.
      const int64_t id = k < operands ? inst.args[static_cast<size_t>(k)]
                                      : program_.inputs + static_cast<int64_t>(i);
      return values_.data() + id * kBlock;
    };
    const Scalar *a = value(0), *b = value(1), *c = value(2);
    Scalar* to = values_.data() + (program_.inputs + static_cast<int64_t>(i)) * kBlock;
    const size_t typed = inst.op == ScalarOp::kSelect ? 1 : 0;
    const DType type = operands ? types_[static_cast<size_t>(inst.args[typed])] : inst.type;
    for (int64_t k = 0; k < count; ++k) to[k] = apply(inst, type, a[k], b[k], c[k]);
  }
}

}  // namespace carnot
