#include "codegen/cpu/scalar_emit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "codegen/cpu/math.h"

namespace carnot::cpu {

using Value = llvm::Value;

namespace {

bool is_unsigned(DType dtype) {
  return class_of(dtype) != DTypeClass::kSigned;
}

/// The same value wherever it is used: a constant scalar or splat.
const llvm::ConstantFP* float_constant(const Value* value) {
  const auto* constant = llvm::dyn_cast<llvm::Constant>(value);
  if (constant == nullptr) return nullptr;
  if (value->getType()->isVectorTy()) constant = constant->getSplatValue();
  return llvm::dyn_cast_or_null<llvm::ConstantFP>(constant);
}

/// r - q * d where that is exact, also without fused instructions: then the product's error is
/// found from halves of the factors.
Value* subtract_product(Arith& a, Value* r, Value* q, Value* d) {
  if (a.fuses()) return a.fma(a.neg(q), d, r);
  const auto split = [&](Value* x) {
    Value* big = a.mul(x, a.c(134217729));  // 2^27 + 1
    return a.sub(big, a.sub(big, x));
  };
  Value* product = a.mul(q, d);
  Value* q_high = split(q);
  Value* d_high = split(d);
  Value* q_low = a.sub(q, q_high);
  Value* d_low = a.sub(d, d_high);
  Value* error = a.sub(a.mul(q_high, d_high), product);
  error = a.add(error, a.add(a.mul(q_high, d_low), a.mul(q_low, d_high)));
  error = a.add(error, a.mul(q_low, d_low));
  return a.sub(a.sub(r, product), error);
}

/// a % b with the sign of a, exactly: whole multiples of b 2^s are taken away, each time enough to
/// shorten the quotient by as many bits as a double has.
Value* float_remainder(Arith& a, Value* x, Value* y) {
  auto& ir = a.ir();
  Emitter& e = a.emitter();
  Value* d = a.abs(y);
  const double big = 0x1p1000;
  auto raise = [&](Value* divisor, Value* r) {
    Value* raised = a.mul(divisor, a.c(big));
    return a.select(a.ge(r, raised), raised, divisor);
  };
  // Quotients of f32 numbers stay below 2^278, of doubles below 2^2098.
  constexpr int64_t kSteps = 42;
  Value* rest = e.loop(e.i64(0), e.i64(kSteps), e.i64(1), {a.abs(x)},
                       [&](Value*, llvm::ArrayRef<Value*> carried) {
                         Value* r = carried[0];
                         Value* far = raise(raise(d, r), r);
                         Value* q = a.div(r, far);
                         // 2^s with q / 2^s < 2^51: the exponent's excess over 51.
                         Value* exponent = ir.CreateLShr(a.bits(q), a.i(52));
                         Value* excess = ir.CreateBinaryIntrinsic(
                             llvm::Intrinsic::smax, ir.CreateSub(exponent, a.i(1023 + 50)), a.i(0));
                         auto power = [&](Value* n) {
                           return a.from_bits(ir.CreateShl(ir.CreateAdd(n, a.i(1023)), a.i(52)));
                         };
                         Value* down = power(ir.CreateNeg(excess));
                         Value* step = a.mul(far, power(excess));
                         Value* next = subtract_product(a, r, a.trunc(a.mul(q, down)), step);
                         next = a.select(a.lt(next, a.c(0)), a.add(next, step), next);
                         return Emitter::Values{a.select(a.ge(r, d), next, r)};
                       })[0];
  const double inf = std::numeric_limits<double>::infinity();
  Value* defined = ir.CreateAnd(a.lt(a.abs(x), a.c(inf)), a.gt(d, a.c(0)));
  Value* result = a.copysign(rest, x);
  return a.select(defined, result, a.c(std::numeric_limits<double>::quiet_NaN()));
}

Value* emit_float_rem(Emitter& e, Value* x, Value* y, bool python) {
  auto& ir = e.ir();
  llvm::Type* type = x->getType();
  Arith a(e, ir.getDoubleTy(), lanes_of(x));
  x = ir.CreateFPCast(x, a.type()), y = ir.CreateFPCast(y, a.type());
  Value* m = float_remainder(a, x, y);
  if (python) {
    Value* differs = ir.CreateXor(a.lt(m, a.c(0)), a.lt(y, a.c(0)));
    Value* moved = a.select(differs, a.add(m, y), m);
    m = a.select(a.eq(m, a.c(0)), a.copysign(a.c(0), y), moved);
  }
  return ir.CreateFPCast(m, type);
}

/// Powers by small constants are products and roots.
Value* power_by_constant(Arith& a, Value* x, double exponent) {
  if (exponent == 1) return x;
  if (exponent == 2) return a.mul(x, x);
  if (exponent == 3) return a.mul(a.mul(x, x), x);
  if (exponent == 4) return a.mul(a.mul(x, x), a.mul(x, x));
  if (exponent == -1) return a.div(a.c(1), x);
  if (exponent == -2) return a.div(a.c(1), a.mul(x, x));
  const double inf = std::numeric_limits<double>::infinity();
  if (exponent != 0.5 && exponent != -0.5) return nullptr;
  // sqrt gives -0 of -0 and NaN of -inf, where pow gives 0 and infinity.
  Value* root = a.sqrt(a.add(x, a.c(0)));
  root = a.select(a.eq(x, a.c(-inf)), a.c(inf), root);
  return exponent > 0 ? root : a.div(a.c(1), root);
}

/// x / c by multiplications: the rounded quotient, corrected by its remainder. For 1 <= |c| <
/// 2^100, where nothing overflows; where the remainder is zero or NaN the quotient is right
/// already.
Value* divide_by_constant(Arith& a, Value* x, double divisor) {
  const double magnitude = std::fabs(divisor);
  if (!a.fuses() || !(magnitude >= 1 && magnitude < 0x1p100)) return nullptr;
  Value* c = a.c(divisor);
  const double rounded = a.is_double() ? divisor : static_cast<double>(static_cast<float>(divisor));
  Value* inverse = a.c(1 / rounded);
  Value* quotient = a.mul(x, inverse);
  Value* remainder = a.fma(a.neg(quotient), c, x);
  Value* better = a.fma(remainder, inverse, quotient);
  return a.select(a.ir().CreateFCmpONE(remainder, a.c(0)), better, quotient);
}

double double_of(const llvm::ConstantFP* constant) {
  llvm::APFloat value = constant->getValueAPF();
  bool inexact = false;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &inexact);
  return value.convertToDouble();
}

Value* emit_extreme(Emitter& e, bool largest, Value* x, Value* y) {
  auto& ir = e.ir();
  auto pick = [&](Value* first, Value* second) {  // `second` where either is NaN
    Value* better = largest ? ir.CreateFCmpOGT(first, second) : ir.CreateFCmpOLT(first, second);
    return ir.CreateSelect(better, first, second);
  };
  const auto* left = float_constant(x);
  const auto* right = float_constant(y);
  if (right != nullptr && !right->isNaN()) return pick(y, x);
  if (left != nullptr && !left->isNaN()) return pick(x, y);
  return ir.CreateSelect(ir.CreateFCmpUNO(x, x), x, pick(x, y));
}

Value* float_unary(Emitter& e, ScalarOp op, Value* x) {
  auto& ir = e.ir();
  Arith a(e, x->getType()->getScalarType(), lanes_of(x));
  switch (op) {
    case ScalarOp::kNeg:
      return a.neg(x);
    case ScalarOp::kAbs:
      return a.abs(x);
    case ScalarOp::kSign: {
      Value* sign = a.select(a.gt(x, a.c(0)), a.c(1), a.select(a.lt(x, a.c(0)), a.c(-1), a.c(0)));
      return a.select(a.is_nan(x), x, sign);
    }
    case ScalarOp::kSqrt:
      return a.sqrt(x);
    case ScalarOp::kRecip:
      return a.div(a.c(1), x);
    case ScalarOp::kFloor:
      return a.floor(x);
    case ScalarOp::kCeil:
      return a.ceil(x);
    case ScalarOp::kRound:
      return a.round_even(x);
    case ScalarOp::kIsNan:
      return a.is_nan(x);
    case ScalarOp::kIsInf:
      return ir.CreateFCmpOEQ(a.abs(x), a.c(std::numeric_limits<double>::infinity()));
    default:
      return emit_math(e, op, x);
  }
}

Value* float_binary(Emitter& e, ScalarOp op, Value* x, Value* y) {
  auto& ir = e.ir();
  switch (op) {
    case ScalarOp::kAdd:
      return ir.CreateFAdd(x, y);
    case ScalarOp::kSub:
      return ir.CreateFSub(x, y);
    case ScalarOp::kMul:
      return ir.CreateFMul(x, y);
    case ScalarOp::kDiv:
      if (const auto* constant = float_constant(y); constant != nullptr && lanes_of(x) > 1) {
        Arith a(e, x->getType()->getScalarType(), lanes_of(x));
        if (Value* quotient = divide_by_constant(a, x, double_of(constant))) return quotient;
      }
      return ir.CreateFDiv(x, y);
    case ScalarOp::kMod:
      return emit_float_rem(e, x, y, true);
    case ScalarOp::kRem:
      return emit_float_rem(e, x, y, false);
    case ScalarOp::kPow: {
      if (const auto* constant = float_constant(y)) {
        Arith a(e, x->getType()->getScalarType(), lanes_of(x));
        if (Value* power = power_by_constant(a, x, double_of(constant))) return power;
      }
      return emit_pow(e, x, y);
    }
    case ScalarOp::kMin:
      return emit_extreme(e, false, x, y);
    case ScalarOp::kMax:
      return emit_extreme(e, true, x, y);
    case ScalarOp::kEq:
      return ir.CreateFCmpOEQ(x, y);
    case ScalarOp::kNe:
      return ir.CreateFCmpUNE(x, y);
    case ScalarOp::kLt:
      return ir.CreateFCmpOLT(x, y);
    case ScalarOp::kLe:
      return ir.CreateFCmpOLE(x, y);
    case ScalarOp::kGt:
      return ir.CreateFCmpOGT(x, y);
    default:
      CARNOT_CHECK(op == ScalarOp::kGe);
      return ir.CreateFCmpOGE(x, y);
  }
}

/// Division with every divisor allowed: by 0 it is 0, the lowest number by -1 is itself.
struct Divided {
  Value* quotient;
  Value* remainder;
};
Divided divide(Emitter& e, Value* x, Value* y, bool is_unsigned) {
  auto& ir = e.ir();
  llvm::Type* type = x->getType();
  Value* zero = llvm::Constant::getNullValue(type);
  Value* one = llvm::ConstantInt::get(type, 1);
  Value* by_zero = ir.CreateICmpEQ(y, zero);
  Value* unsafe = by_zero;
  Value* by_minus_one = nullptr;
  if (!is_unsigned) {
    by_minus_one = ir.CreateICmpEQ(y, llvm::Constant::getAllOnesValue(type));
    unsafe = ir.CreateOr(by_zero, by_minus_one);
  }
  Value* divisor = ir.CreateSelect(unsafe, one, y);
  Value* quotient = is_unsigned ? ir.CreateUDiv(x, divisor) : ir.CreateSDiv(x, divisor);
  Value* remainder = ir.CreateSub(x, ir.CreateMul(quotient, divisor));
  remainder = ir.CreateSelect(unsafe, zero, remainder);
  if (by_minus_one != nullptr) quotient = ir.CreateSelect(by_minus_one, ir.CreateNeg(x), quotient);
  return {ir.CreateSelect(by_zero, zero, quotient), remainder};
}

Value* integer_power(Emitter& e, Value* x, Value* y, bool is_unsigned) {
  auto& ir = e.ir();
  llvm::Type* type = x->getType();
  Value* one = llvm::ConstantInt::get(type, 1);
  Value* zero = llvm::Constant::getNullValue(type);
  const int64_t bits = type->getScalarSizeInBits();
  auto step = [&](Value*, llvm::ArrayRef<Value*> in) {
    Value* set = ir.CreateICmpNE(ir.CreateAnd(in[2], one), zero);
    Value* out = ir.CreateSelect(set, ir.CreateMul(in[0], in[1]), in[0]);
    return Emitter::Values{out, ir.CreateMul(in[1], in[1]), ir.CreateLShr(in[2], one)};
  };
  Value* power = e.loop(e.i64(0), e.i64(bits), e.i64(1), {one, x, y}, step)[0];
  if (is_unsigned) return power;
  // A negative exponent leaves only 1/1 and 1/-1.
  Value* minus_one = llvm::Constant::getAllOnesValue(type);
  Value* odd = ir.CreateICmpNE(ir.CreateAnd(y, one), zero);
  Value* inverse =
      ir.CreateSelect(ir.CreateICmpEQ(x, minus_one), ir.CreateSelect(odd, minus_one, one), zero);
  inverse = ir.CreateSelect(ir.CreateICmpEQ(x, one), one, inverse);
  return ir.CreateSelect(ir.CreateICmpSLT(y, zero), inverse, power);
}

Value* emit_shift(Emitter& e, ScalarOp op, Value* x, Value* y, int width, bool is_unsigned) {
  auto& ir = e.ir();
  llvm::Type* type = x->getType();
  Value* zero = llvm::Constant::getNullValue(type);
  Value* inside = ir.CreateICmpULT(y, llvm::ConstantInt::get(type, static_cast<uint64_t>(width)));
  Value* count = ir.CreateSelect(inside, y, zero);
  Value* shifted = op == ScalarOp::kShl ? ir.CreateShl(x, count)
                   : is_unsigned        ? ir.CreateLShr(x, count)
                                        : ir.CreateAShr(x, count);
  return ir.CreateSelect(inside, shifted, zero);
}

Value* integer_compare(Emitter& e, ScalarOp op, Value* x, Value* y, bool is_unsigned) {
  using Predicate = llvm::CmpInst::Predicate;
  const bool u = is_unsigned;
  switch (op) {
    case ScalarOp::kEq:
      return e.ir().CreateICmp(Predicate::ICMP_EQ, x, y);
    case ScalarOp::kNe:
      return e.ir().CreateICmp(Predicate::ICMP_NE, x, y);
    case ScalarOp::kLt:
      return e.ir().CreateICmp(u ? Predicate::ICMP_ULT : Predicate::ICMP_SLT, x, y);
    case ScalarOp::kLe:
      return e.ir().CreateICmp(u ? Predicate::ICMP_ULE : Predicate::ICMP_SLE, x, y);
    case ScalarOp::kGt:
      return e.ir().CreateICmp(u ? Predicate::ICMP_UGT : Predicate::ICMP_SGT, x, y);
    case ScalarOp::kGe:
      return e.ir().CreateICmp(u ? Predicate::ICMP_UGE : Predicate::ICMP_SGE, x, y);
    default:
      return nullptr;
  }
}

Value* integer_arithmetic(Emitter& e, ScalarOp op, DType dtype, Value* x, Value* y) {
  auto& ir = e.ir();
  const bool u = is_unsigned(dtype);
  llvm::Type* type = x->getType();
  Value* zero = llvm::Constant::getNullValue(type);
  switch (op) {
    case ScalarOp::kNeg:
      return ir.CreateNeg(x);
    case ScalarOp::kAbs:
      return u ? x : ir.CreateSelect(ir.CreateICmpSLT(x, zero), ir.CreateNeg(x), x);
    case ScalarOp::kSign: {
      Value* positive =
          ir.CreateZExt(u ? ir.CreateICmpNE(x, zero) : ir.CreateICmpSGT(x, zero), type);
      return u ? positive : ir.CreateOr(positive, ir.CreateSExt(ir.CreateICmpSLT(x, zero), type));
    }
    case ScalarOp::kNot:
    case ScalarOp::kBitNot:
      return ir.CreateNot(x);
    case ScalarOp::kAdd:
      return ir.CreateAdd(x, y);
    case ScalarOp::kSub:
      return ir.CreateSub(x, y);
    case ScalarOp::kMul:
      return ir.CreateMul(x, y);
    case ScalarOp::kDiv:
      return divide(e, x, y, u).quotient;
    case ScalarOp::kRem:
      return divide(e, x, y, u).remainder;
    case ScalarOp::kMod: {
      Value* m = divide(e, x, y, u).remainder;
      if (u) return m;
      Value* differs =
          ir.CreateAnd(ir.CreateICmpNE(m, zero), ir.CreateICmpSLT(ir.CreateXor(m, y), zero));
      return ir.CreateSelect(differs, ir.CreateAdd(m, y), m);
    }
    case ScalarOp::kPow:
      return integer_power(e, x, y, u);
    case ScalarOp::kMin:
      return ir.CreateBinaryIntrinsic(u ? llvm::Intrinsic::umin : llvm::Intrinsic::smin, x, y);
    case ScalarOp::kMax:
      return ir.CreateBinaryIntrinsic(u ? llvm::Intrinsic::umax : llvm::Intrinsic::smax, x, y);
    case ScalarOp::kAnd:
    case ScalarOp::kBitAnd:
      return ir.CreateAnd(x, y);
    case ScalarOp::kOr:
    case ScalarOp::kBitOr:
      return ir.CreateOr(x, y);
    case ScalarOp::kXor:
    case ScalarOp::kBitXor:
      return ir.CreateXor(x, y);
    default:
      CARNOT_CHECK(op == ScalarOp::kShl || op == ScalarOp::kShr);
      return emit_shift(e, op, x, y, bits_of(dtype), u);
  }
}

}  // namespace

Value* emit_instruction(Emitter& e, const ScalarInst& inst, const std::vector<DType>& types,
                        const std::vector<Value*>& given) {
  if (inst.op == ScalarOp::kConst) {
    return register_constant(e, inst.type, inst.real, inst.integer);
  }
  int lanes = 1;
  for (const Value* value : given) lanes = std::max(lanes, lanes_of(value));
  std::vector<Value*> operands;
  for (Value* value : given) operands.push_back(spread(e, value, lanes));
  if (inst.op == ScalarOp::kCast) return emit_cast(e, types[0], inst.type, operands[0]);
  if (inst.op == ScalarOp::kSelect) {
    return e.ir().CreateSelect(operands[0], operands[1], operands[2]);
  }
  const bool binary = operands.size() == 2;
  if (is_float(types[0])) {
    return binary ? float_binary(e, inst.op, operands[0], operands[1])
                  : float_unary(e, inst.op, operands[0]);
  }
  Value* y = binary ? operands[1] : nullptr;
  if (Value* compared =
          binary ? integer_compare(e, inst.op, operands[0], y, is_unsigned(types[0])) : nullptr) {
    return compared;
  }
  Value* result = integer_arithmetic(e, inst.op, types[0], operands[0], y);
  // i4 and u4 live in bytes: arithmetic may have left their range.
  return bits_of(types[0]) < 8 ? emit_cast(e, DType::kI8, types[0], result) : result;
}

void emit_known(Emitter& emitter, const ScalarProgram& program, const std::vector<DType>& types,
                std::vector<Value*>& values) {
  const auto inputs = static_cast<size_t>(program.inputs);
  for (size_t i = 0; i < program.insts.size(); ++i) {
    if (values[inputs + i] != nullptr) continue;
    const ScalarInst& inst = program.insts[i];
    std::vector<DType> operand_types;
    std::vector<Value*> operands;
    bool known = true;
    for (int k = 0; k < operands_of(inst.op); ++k) {
      const auto id = static_cast<size_t>(inst.args[static_cast<size_t>(k)]);
      known = known && values[id] != nullptr;
      operand_types.push_back(types[id]);
      operands.push_back(values[id]);
    }
    if (known) values[inputs + i] = emit_instruction(emitter, inst, operand_types, operands);
  }
}

Result<std::vector<Value*>> emit_program(Emitter& emitter, const ScalarProgram& program,
                                         const std::vector<DType>& input_types,
                                         const std::vector<Value*>& inputs) {
  CARNOT_RETURN_IF_ERROR(why_not(program, input_types));
  CARNOT_ASSIGN(const std::vector<DType> types, infer(program, input_types));
  int lanes = 1;
  for (const Value* value : inputs) lanes = std::max(lanes, lanes_of(value));
  std::vector<Value*> values = inputs;
  values.resize(types.size());
  emit_known(emitter, program, types, values);
  std::vector<Value*> results;
  for (const int32_t id : program.results) {
    results.push_back(spread(emitter, values[static_cast<size_t>(id)], lanes));
  }
  return results;
}

Status why_not(const ScalarProgram& program, const std::vector<DType>& input_types) {
  CARNOT_ASSIGN(const std::vector<DType> types, infer(program, input_types));
  for (const DType type : types) {
    if (type == DType::kString) {
      return error(Code::kUnsupported, "a scalar program on strings stays on the host");
    }
  }
  return {};
}

}  // namespace carnot::cpu
