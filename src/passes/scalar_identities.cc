#include "passes/scalar_identities.h"

#include <cmath>
#include <limits>
#include <optional>

namespace carnot {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Digits of the significand and range of exponents, for the formats that models compute in.
struct FloatFormat {
  int digits, exponent_min, exponent_max;
};
std::optional<FloatFormat> format_of(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return FloatFormat{53, -1021, 1024};
    case DType::kF32:
      return FloatFormat{24, -125, 128};
    case DType::kF16:
      return FloatFormat{11, -13, 16};
    case DType::kBF16:
      return FloatFormat{8, -125, 128};
    default:
      return {};
  }
}

class Rebuild {
 public:
  Rebuild(const ScalarProgram& program, const std::vector<DType>& types,
          const std::vector<DType>& all_types)
      : from_(program), all_types_(all_types) {
    out_.inputs = program.inputs;
    types_ = types;
  }

  ScalarProgram run() {
    std::vector<int32_t> ids(all_types_.size());
    for (int32_t i = 0; i < from_.inputs; ++i) ids[static_cast<size_t>(i)] = i;
    for (size_t i = 0; i < from_.insts.size(); ++i) {
      ScalarInst inst = from_.insts[i];
      for (int k = 0; k < operands_of(inst.op); ++k) {
        inst.args[static_cast<size_t>(k)] =
            ids[static_cast<size_t>(inst.args[static_cast<size_t>(k)])];
      }
      const size_t id = static_cast<size_t>(from_.inputs) + i;
      ids[id] = emit(inst);
      types_.resize(static_cast<size_t>(out_.inputs) + out_.insts.size(), DType::kF32);
      if (ids[id] >= out_.inputs) types_[static_cast<size_t>(ids[id])] = all_types_[id];
    }
    for (const int32_t result : from_.results) {
      out_.results.push_back(ids[static_cast<size_t>(result)]);
    }
    return std::move(out_);
  }

 private:
  const ScalarInst* inst(int32_t id) const {
    return id < out_.inputs ? nullptr : &out_.insts[static_cast<size_t>(id - out_.inputs)];
  }
  const ScalarInst* inst(int32_t id, ScalarOp op) const {
    const ScalarInst* found = inst(id);
    return found && found->op == op ? found : nullptr;
  }
  std::optional<double> number(int32_t id) const {
    const ScalarInst* found = inst(id, ScalarOp::kConst);
    if (!found) return {};
    if (is_float(found->type)) return found->real;
    return std::abs(static_cast<double>(found->integer)) < 0x1p53
               ? std::optional(static_cast<double>(found->integer))
               : std::nullopt;
  }
  bool is(int32_t id, double value) const {
    const auto found = number(id);
    return found && *found == value;
  }
  DType type(int32_t id) const { return types_[static_cast<size_t>(id)]; }

  int32_t copy(const ScalarInst& in) {
    if (in.op == ScalarOp::kCast) return out_.cast(in.args[0], in.type);
    if (in.op == ScalarOp::kConst) {
      return is_float(in.type) ? out_.constant(in.type, in.real)
                               : out_.constant_int(in.type, in.integer);
    }
    return out_.add(in.op, in.args[0], in.args[1], in.args[2]);
  }

  int32_t emit(const ScalarInst& in) {
    const auto [a, b, c] = in.args;
    switch (in.op) {
      case ScalarOp::kAdd:
        if (is(b, 0)) return a;
        if (is(a, 0)) return b;
        break;
      case ScalarOp::kSub:
        if (is(b, 0)) return a;
        break;
      case ScalarOp::kMul:
        if (is(b, 1)) return a;
        if (is(a, 1)) return b;
        break;
      case ScalarOp::kDiv:
        return divide(in);
      case ScalarOp::kPow:
        return power(in);
      case ScalarOp::kNeg:
        if (const ScalarInst* inner = inst(a, ScalarOp::kNeg)) return inner->args[0];
        break;
      case ScalarOp::kNot:
        if (const ScalarInst* inner = inst(a, ScalarOp::kNot)) return inner->args[0];
        break;
      case ScalarOp::kCast:
        return cast(in);
      case ScalarOp::kMax:
        if (a == b || is(b, -kInfinity)) return a;
        if (is(a, -kInfinity)) return b;
        break;
      case ScalarOp::kMin:
        if (a == b || is(b, kInfinity)) return a;
        if (is(a, kInfinity)) return b;
        break;
      case ScalarOp::kSelect:
        if (b == c) return b;
        if (const auto condition = number(a)) return *condition != 0 ? b : c;
        break;
      default:
        break;
    }
    return copy(in);
  }

  // x / 2^k is x * 2^-k to the bit, where 2^-k is a normal number of the type; 1 / x is recip(x).
  int32_t divide(const ScalarInst& in) {
    const auto [a, b, unused] = in.args;
    if (is(b, 1)) return a;
    const auto divisor = number(b);
    const auto format = format_of(type(a));
    if (!divisor || !format || *divisor == 0) return copy(in);
    int exponent = 0;
    if (std::abs(std::frexp(*divisor, &exponent)) != 0.5) return copy(in);
    const int inverse = 2 - exponent;  // of 1 / divisor, as frexp counts
    if (inverse < format->exponent_min || inverse > format->exponent_max) return copy(in);
    return emit({ScalarOp::kMul, {a, out_.constant(type(a), 1 / *divisor), -1}, type(a)});
  }

  int32_t power(const ScalarInst& in) {
    const auto [a, b, unused] = in.args;
    if (is(b, 1)) return a;
    if (is(b, 2)) return out_.add(ScalarOp::kMul, a, a);
    return copy(in);
  }

  int32_t cast(const ScalarInst& in) {
    const int32_t a = in.args[0];
    if (type(a) == in.type) return a;
    const ScalarInst* inner = inst(a, ScalarOp::kCast);
    if (!inner) return copy(in);
    const DType source = type(inner->args[0]);
    if (!cast_is_exact(source, inner->type)) return copy(in);
    // Out of range, a float saturates and an integer wraps.
    const bool float_between = is_float(inner->type) && !is_float(source);
    if (float_between && is_integer(in.type) && !cast_is_exact(source, in.type)) return copy(in);
    return source == in.type ? inner->args[0] : out_.cast(inner->args[0], in.type);
  }

  const ScalarProgram& from_;
  const std::vector<DType>& all_types_;
  ScalarProgram out_;
  std::vector<DType> types_;  // of out_'s values
};

}  // namespace

bool cast_is_exact(DType from, DType to) {
  if (from == to) return true;
  const auto a = format_of(from), b = format_of(to);
  if (a && b) {
    return a->digits <= b->digits && a->exponent_min >= b->exponent_min &&
           a->exponent_max <= b->exponent_max;
  }
  if (to == DType::kBool || class_of(from) == DTypeClass::kString ||
      class_of(to) == DTypeClass::kString) {
    return false;
  }
  // Digits of the largest magnitude; a bool is an integer of one digit.
  const bool integral = is_integer(from) || from == DType::kBool;
  if (!integral) return false;
  const bool from_signed = class_of(from) == DTypeClass::kSigned;
  const int digits = from == DType::kBool ? 1 : bits_of(from) - (from_signed ? 1 : 0);
  if (b) return digits < b->digits && digits < b->exponent_max;
  if (!is_integer(to)) return false;
  const bool to_signed = class_of(to) == DTypeClass::kSigned;
  return (to_signed || !from_signed) && digits <= bits_of(to) - (to_signed ? 1 : 0);
}

ScalarProgram apply_identities(const ScalarProgram& program, const std::vector<DType>& types) {
  const Result<std::vector<DType>> all = infer(program, types);
  if (!all.ok()) return program;
  return Rebuild(program, types, *all).run();
}

}  // namespace carnot
