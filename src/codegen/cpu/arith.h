#pragma once
// Arith: float arithmetic on one type, scalar or vector, as expressions. What math.cc and
// convert.cc are written in.
#include <initializer_list>

#include "codegen/cpu/emit.h"

namespace carnot::cpu {

/// Lanes of a value: 1 for a scalar.
inline int lanes_of(const llvm::Value* value) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
  return vector == nullptr ? 1 : static_cast<int>(vector->getNumElements());
}
/// `element` itself, or a vector of it.
inline llvm::Type* with_lanes(llvm::Type* element, int lanes) {
  return lanes == 1 ? element : llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes));
}

class Arith {
 public:
  using Value = llvm::Value;

  /// Over `element` (float or double).
  Arith(Emitter& emitter, llvm::Type* element, int lanes);

  Emitter& emitter() { return e_; }
  llvm::IRBuilder<>& ir() { return e_.ir(); }
  bool is_double() const { return bits_ == 64; }
  int lanes() const { return lanes_; }
  llvm::Type* type() const { return type_; }
  llvm::Type* int_type() const { return int_type_; }
  int mantissa_bits() const { return bits_ == 64 ? 52 : 23; }
  int64_t exponent_bias() const { return bits_ == 64 ? 1023 : 127; }

  Value* c(double value) const { return llvm::ConstantFP::get(type_, value); }
  Value* i(int64_t value) const {
    return llvm::ConstantInt::get(int_type_, static_cast<uint64_t>(value), /*IsSigned=*/true);
  }

  Value* add(Value* a, Value* b) { return ir().CreateFAdd(a, b); }
  Value* sub(Value* a, Value* b) { return ir().CreateFSub(a, b); }
  Value* mul(Value* a, Value* b) { return ir().CreateFMul(a, b); }
  Value* div(Value* a, Value* b) { return ir().CreateFDiv(a, b); }
  Value* neg(Value* a) { return ir().CreateFNeg(a); }
  /// a * b + c, rounded once where the target can.
  Value* fma(Value* a, Value* b, Value* c) { return e_.fma(a, b, c); }
  bool fuses() const { return e_.target().arch == Arch::kArm64 || e_.target().has(Isa::kFma); }
  Value* abs(Value* a) { return ir().CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a); }
  Value* sqrt(Value* a) { return ir().CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, a); }
  Value* copysign(Value* magnitude, Value* sign) {
    return ir().CreateBinaryIntrinsic(llvm::Intrinsic::copysign, magnitude, sign);
  }
  Value* select(Value* condition, Value* a, Value* b) { return ir().CreateSelect(condition, a, b); }
  Value* lt(Value* a, Value* b) { return ir().CreateFCmpOLT(a, b); }
  Value* gt(Value* a, Value* b) { return ir().CreateFCmpOGT(a, b); }
  Value* ge(Value* a, Value* b) { return ir().CreateFCmpOGE(a, b); }
  Value* eq(Value* a, Value* b) { return ir().CreateFCmpOEQ(a, b); }
  Value* is_nan(Value* a) { return ir().CreateFCmpUNO(a, a); }
  /// The smaller or larger; NaN in `a` passes, NaN in `limit` must not be.
  Value* at_most(Value* a, Value* limit) { return select(lt(limit, a), limit, a); }
  Value* at_least(Value* a, Value* limit) { return select(gt(limit, a), limit, a); }

  /// The polynomial, coefficient of the highest power first.
  Value* poly(Value* x, std::initializer_list<double> coefficients);

  Value* bits(Value* x) { return ir().CreateBitCast(x, int_type_); }
  Value* from_bits(Value* x) { return ir().CreateBitCast(x, type_); }
  /// x rounded to the nearest integer, ties to even; only for |x| < 2^(mantissa - 1).
  Value* round_small(Value* x);
  /// The same as an integer.
  Value* round_small_to_int(Value* x);
  /// x * 2^k for an integer-valued float k; rounds once, overflows and underflows as it should.
  Value* scale(Value* x, Value* k);

  // Of any magnitude; never a call.
  Value* floor(Value* x);
  Value* ceil(Value* x);
  Value* trunc(Value* x);
  Value* round_even(Value* x);

 private:
  Value* by_instruction(unsigned intrinsic, Value* x);
  bool rounds_in_hardware() const;

  Emitter& e_;
  int bits_, lanes_;
  llvm::Type* type_;
  llvm::Type* int_type_;
};

}  // namespace carnot::cpu
