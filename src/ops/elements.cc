#include "ops/elements.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "ops/numbers.h"
#include "ops/rules.h"
#include "tensor/dim_range.h"

namespace carnot {
namespace {

using Known = std::optional<Dim>;

// For all symbols, which are sizes of at least 1.
bool at_least(const Dim& a, const Dim& b) {
  Ranges sizes;
  sizes.others_min = 1;
  return provably_at_least(a, b, sizes);
}

std::optional<bool> known_less(const Dim& a, const Dim& b) {
  if (a.overflowed() || b.overflowed()) return std::nullopt;
  if (at_least(a, b)) return false;
  return at_least(b, a + Dim(1)) ? std::optional(true) : std::nullopt;
}

std::optional<bool> known_equal(const Dim& a, const Dim& b) {
  if (a.overflowed() || b.overflowed()) return std::nullopt;
  if (a == b) return true;
  return at_least(a, b + Dim(1)) || at_least(b, a + Dim(1)) ? std::optional(false) : std::nullopt;
}

// Integers up to here are exact in a float type.
double exact_limit(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return 0x1p53;
    case DType::kF32:
      return 0x1p24;
    case DType::kF16:
      return 0x1p11;
    case DType::kBF16:
      return 0x1p8;
    default:
      return 0;
  }
}

// The value, if the type holds it exactly. Sizes are taken to fit 32 bits and, in f32 and f64, to
// be exact: a symbolic value has no other bound.
Known fit(DType dtype, Known value) {
  if (!value || value->overflowed()) return std::nullopt;
  if (!value->is_constant()) {
    const bool wide = dtype == DType::kF64 || dtype == DType::kF32 || dtype == DType::kI64 ||
                      dtype == DType::kI32 || dtype == DType::kU64 || dtype == DType::kU32;
    return wide || dtype == DType::kBool ? value : std::nullopt;
  }
  const int64_t number = value->value();
  if (is_float(dtype)) {
    const double limit = exact_limit(dtype);
    return std::abs(static_cast<double>(number)) <= limit ? value : std::nullopt;
  }
  if (dtype == DType::kString) return std::nullopt;
  // An u64 beyond int64 is not a size.
  const int64_t highest =
      dtype == DType::kU64 ? std::numeric_limits<int64_t>::max() : highest_int(dtype);
  return number >= lowest_int(dtype) && number <= highest ? value : std::nullopt;
}

Known truth(std::optional<bool> value) {
  return value ? Known(Dim(*value ? 1 : 0)) : std::nullopt;
}
Known negate(Known value) {
  return value && value->is_constant() ? Known(1 - *value) : std::nullopt;
}

// Where both are not negative, truncation and rounding down agree.
bool divides_plainly(const Dim& a, const Dim& b) {
  return at_least(a, Dim(0)) && at_least(b, Dim(1));
}

Known divide(DType dtype, const Dim& a, const Dim& b) {
  if (b.is(0)) return is_float(dtype) ? std::nullopt : Known(Dim(0));
  if (a.is_constant() && b.is_constant()) {
    if (b.is(-1)) return Dim(0) - a;
    if (is_float(dtype) && a.value() % b.value() != 0) return std::nullopt;
    return Dim(a.value() / b.value());
  }
  const Dim quotient = floor_div(a, b);
  if (is_float(dtype)) return quotient * b == a ? Known(quotient) : std::nullopt;
  return divides_plainly(a, b) || quotient * b == a ? Known(quotient) : std::nullopt;
}

Known modulo(ScalarOp op, DType dtype, const Dim& a, const Dim& b) {
  if (b.is(0)) return std::nullopt;
  if (a.is_constant() && b.is_constant() && !is_float(dtype)) {
    if (b.is(-1)) return Dim(0);
    const int64_t rest = a.value() % b.value();
    const bool other_sign = rest != 0 && (rest < 0) != (b.value() < 0);
    return Dim(op == ScalarOp::kMod && other_sign ? rest + b.value() : rest);
  }
  if (op == ScalarOp::kMod && !is_float(dtype) && at_least(b, Dim(1))) return mod(a, b);
  return divides_plainly(a, b) ? Known(mod(a, b)) : std::nullopt;
}

Known power(const Dim& a, const Dim& b) {
  if (!b.is_constant() || b.value() < 0 || b.value() > 64) return std::nullopt;
  Dim out(1);
  for (int64_t i = 0; i < b.value(); ++i) out = out * a;
  return out;
}

// -0.0 is not among the known elements, so that sign and negation of zero are not told apart.
Known unary(ScalarOp op, DType dtype, const Dim& a) {
  switch (op) {
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound:
      return a;
    case ScalarOp::kNeg:
      return is_float(dtype) && a.is(0) ? std::nullopt : Known(Dim(0) - a);
    case ScalarOp::kAbs:
      if (at_least(a, Dim(0))) return a;
      return at_least(Dim(0), a) ? Known(Dim(0) - a) : std::nullopt;
    case ScalarOp::kSign:
      if (at_least(a, Dim(1))) return Dim(1);
      if (at_least(Dim(-1), a)) return Dim(-1);
      return a.is(0) ? Known(a) : std::nullopt;
    case ScalarOp::kNot:
      return negate(a);
    case ScalarOp::kIsNan:
    case ScalarOp::kIsInf:
      return Dim(0);
    default:
      return std::nullopt;
  }
}

Known less(Known a, Known b) {
  return truth(known_less(*a, *b));
}

// min and max of a size and a number that its positive symbols decide need no min() in the shape.
Known extreme(ScalarOp op, const Dim& a, const Dim& b) {
  const std::optional<bool> first = known_less(a, b), second = known_less(b, a);
  const bool least = op == ScalarOp::kMin;
  if (first) return *first == least ? a : b;
  if (second) return *second == least ? b : a;
  return least ? min(a, b) : max(a, b);
}

Known binary(ScalarOp op, DType dtype, const Dim& a, const Dim& b) {
  switch (op) {
    case ScalarOp::kAdd:
      return a + b;
    case ScalarOp::kSub:
      return a - b;
    case ScalarOp::kMul:
      return a * b;
    case ScalarOp::kDiv:
      return divide(dtype, a, b);
    case ScalarOp::kMod:
    case ScalarOp::kRem:
      return modulo(op, dtype, a, b);
    case ScalarOp::kPow:
      return power(a, b);
    case ScalarOp::kMin:
    case ScalarOp::kMax:
      return extreme(op, a, b);
    case ScalarOp::kEq:
      return truth(known_equal(a, b));
    case ScalarOp::kNe:
      return negate(truth(known_equal(a, b)));
    case ScalarOp::kLt:
      return less(a, b);
    case ScalarOp::kGt:
      return less(b, a);
    case ScalarOp::kLe:
      return negate(less(b, a));
    case ScalarOp::kGe:
      return negate(less(a, b));
    default:
      return std::nullopt;
  }
}

Known logical(ScalarOp op, const Known& a, const Known& b) {
  const auto is = [](const Known& x, int64_t v) { return x && x->is(v); };
  switch (op) {
    case ScalarOp::kAnd:
      if (is(a, 0) || is(b, 0)) return Dim(0);
      return is(a, 1) && is(b, 1) ? Known(Dim(1)) : std::nullopt;
    case ScalarOp::kOr:
      if (is(a, 1) || is(b, 1)) return Dim(1);
      return is(a, 0) && is(b, 0) ? Known(Dim(0)) : std::nullopt;
    case ScalarOp::kXor:
      if (!a || !b || !a->is_constant() || !b->is_constant()) return std::nullopt;
      return Dim(a->value() != b->value());
    default:
      return std::nullopt;
  }
}

Known cast(DType to, const Known& a) {
  if (!a) return std::nullopt;
  if (to == DType::kBool) return negate(truth(known_equal(*a, Dim(0))));
  return fit(to, a);
}

Known constant(const ScalarInst& inst) {
  if (!is_float(inst.type)) return Dim(inst.integer);
  const bool integral = std::abs(inst.real) < 0x1p53 && std::trunc(inst.real) == inst.real;
  const bool negative_zero = inst.real == 0 && std::signbit(inst.real);
  return integral && !negative_zero ? Known(Dim(static_cast<int64_t>(inst.real))) : std::nullopt;
}

}  // namespace

bool can_know_elements(const TensorType& type) {
  if (type.dtype == DType::kString) return false;
  const Dim count = product(type.dims);
  return type.is_static() && count.is_constant() && count.value() >= 0 &&
         count.value() <= Info::kMaxElements;
}

std::optional<Tensor> constant_elements(const Info& info) {
  if (!info.elements || !can_know_elements(info.type)) return std::nullopt;
  std::vector<int64_t> values;
  for (const Dim& element : *info.elements) {
    if (!element.is_constant()) return std::nullopt;
    values.push_back(element.value());
  }
  return Tensor::from_i64(shape_of(info.type.dims), values);
}

std::optional<detail::Positions> detail::positions_of(Infos infos) {
  Positions out;
  for (const Info& info : infos) {
    if (!info.elements || !can_know_elements(info.type)) return std::nullopt;
    std::vector<int64_t> values(info.elements->size());
    std::iota(values.begin(), values.end(), static_cast<int64_t>(out.elements.size()));
    out.elements.insert(out.elements.end(), info.elements->begin(), info.elements->end());
    out.tensors.push_back(Tensor::from_i64(shape_of(info.type.dims), values));
  }
  return out;
}

std::optional<Dims> detail::Positions::read(const Result<std::vector<Tensor>>& moved) const {
  if (!moved.ok() || !can_know_elements(moved->front().type())) return std::nullopt;
  Dims out;
  for (const int64_t position : ints_of(moved->front())) {
    out.push_back(elements[static_cast<size_t>(position)]);
  }
  return out;
}

std::optional<Dims> known_elements(const Tensor& tensor) {
  if (!can_know_elements(tensor.type())) return std::nullopt;
  Dims out;
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    ScalarInst inst;
    inst.type = tensor.dtype();
    if (is_float(inst.type)) {
      inst.real = tensor.get(i);
    } else {
      inst.integer = tensor.get_int(i);
    }
    const Known value = constant(inst);
    if (!fit(inst.type, value)) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

std::vector<Known> evaluate_known(const ScalarProgram& program, const std::vector<DType>& types,
                                  const std::vector<Known>& operands) {
  std::vector<Known> values = operands;
  for (size_t i = 0; i < program.insts.size(); ++i) {
    const ScalarInst& inst = program.insts[i];
    const auto arg = [&](int n) -> const Known& {
      return values[static_cast<size_t>(inst.args[static_cast<size_t>(n)])];
    };
    const int count = operands_of(inst.op);
    const DType operand_type = count > 0 ? types[static_cast<size_t>(inst.args[0])] : inst.type;
    Known value;
    if (inst.op == ScalarOp::kConst) {
      value = constant(inst);
    } else if (inst.op == ScalarOp::kCast) {
      value = cast(inst.type, arg(0));
    } else if (inst.op == ScalarOp::kSelect) {
      const bool same = arg(1) && arg(2) && *arg(1) == *arg(2);
      if (arg(0) && arg(0)->is_constant()) {
        value = arg(0)->is(0) ? arg(2) : arg(1);
      } else if (same) {
        value = arg(1);
      }
    } else if (inst.op == ScalarOp::kAnd || inst.op == ScalarOp::kOr || inst.op == ScalarOp::kXor) {
      value = logical(inst.op, arg(0), arg(1));
    } else if (count == 1 && arg(0)) {
      value = unary(inst.op, operand_type, *arg(0));
    } else if (count == 2 && arg(0) && arg(1)) {
      value = binary(inst.op, operand_type, *arg(0), *arg(1));
    }
    values.push_back(fit(types[values.size()], value));
  }
  std::vector<Known> out;
  for (const int32_t id : program.results) out.push_back(values[static_cast<size_t>(id)]);
  return out;
}

}  // namespace carnot
