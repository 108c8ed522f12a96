#include "codegen/cpu/arith.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

namespace carnot::cpu {

using Value = llvm::Value;

Arith::Arith(Emitter& emitter, llvm::Type* element, int lanes)
    : e_(emitter), bits_(element->isDoubleTy() ? 64 : 32), lanes_(lanes) {
  type_ = with_lanes(element, lanes);
  int_type_ = with_lanes(emitter.ir().getIntNTy(static_cast<unsigned>(bits_)), lanes);
}

Value* Arith::poly(Value* x, std::initializer_list<double> coefficients) {
  Value* sum = nullptr;
  for (const double coefficient : coefficients) {
    sum = sum == nullptr ? c(coefficient) : fma(sum, x, c(coefficient));
  }
  return sum;
}

Value* Arith::round_small(Value* x) {
  // Adding 1.5 * 2^mantissa leaves no bits for a fraction: the addition rounds.
  Value* magic = c(bits_ == 64 ? 6755399441055744.0 : 12582912.0);
  return sub(add(x, magic), magic);
}

Value* Arith::round_small_to_int(Value* x) {
  Value* magic = c(bits_ == 64 ? 6755399441055744.0 : 12582912.0);
  return ir().CreateSub(bits(add(x, magic)), bits(magic));
}

Value* Arith::scale(Value* x, Value* k) {
  const bool wide = lanes_ * bits_ == 512 && e_.target().has(Isa::kAvx512);
  if (wide) {
    constexpr uint32_t kCurrentRounding = 4;
    const auto id = bits_ == 64 ? llvm::Intrinsic::x86_avx512_mask_scalef_pd_512
                                : llvm::Intrinsic::x86_avx512_mask_scalef_ps_512;
    llvm::Type* mask = ir().getIntNTy(static_cast<unsigned>(lanes_));
    return ir().CreateIntrinsic(
        id, {},
        {x, k, llvm::UndefValue::get(type_), llvm::ConstantInt::getAllOnesValue(mask),
         ir().getInt32(kCurrentRounding)});
  }
  // In two steps, as 2^k alone may not be representable. More than these limits changes nothing.
  const double limit = bits_ == 64 ? 2100 : 300;
  Value* whole = round_small_to_int(at_least(at_most(k, c(limit)), c(-limit)));
  Value* half = ir().CreateAShr(whole, i(1));
  Value* rest = ir().CreateSub(whole, half);
  auto power = [&](Value* exponent) {
    Value* biased = ir().CreateAdd(exponent, i(exponent_bias()));
    return from_bits(ir().CreateShl(biased, i(mantissa_bits())));
  };
  return mul(mul(x, power(half)), power(rest));
}

bool Arith::rounds_in_hardware() const {
  return e_.target().arch == Arch::kArm64 || e_.target().has(Isa::kAvx2);
}

Value* Arith::by_instruction(unsigned intrinsic, Value* x) {
  return ir().CreateUnaryIntrinsic(static_cast<llvm::Intrinsic::ID>(intrinsic), x);
}

Value* Arith::trunc(Value* x) {
  if (rounds_in_hardware()) return by_instruction(llvm::Intrinsic::trunc, x);
  // Beyond 2^mantissa everything is an integer (or NaN, for which the comparison fails).
  Value* small = lt(abs(x), c(bits_ == 64 ? 4503599627370496.0 : 8388608.0));
  Value* safe = select(small, x, c(0));
  Value* whole = ir().CreateSIToFP(ir().CreateFPToSI(safe, int_type_), type_);
  return select(small, copysign(whole, x), x);
}

Value* Arith::floor(Value* x) {
  if (rounds_in_hardware()) return by_instruction(llvm::Intrinsic::floor, x);
  Value* whole = trunc(x);
  return select(gt(whole, x), sub(whole, c(1)), whole);
}

Value* Arith::ceil(Value* x) {
  if (rounds_in_hardware()) return by_instruction(llvm::Intrinsic::ceil, x);
  Value* whole = trunc(x);
  return copysign(select(lt(whole, x), add(whole, c(1)), whole), x);
}

Value* Arith::round_even(Value* x) {
  if (rounds_in_hardware()) return by_instruction(llvm::Intrinsic::roundeven, x);
  Value* magnitude = abs(x);
  Value* magic = c(bits_ == 64 ? 4503599627370496.0 : 8388608.0);
  Value* rounded = copysign(sub(add(magnitude, magic), magic), x);
  return select(lt(magnitude, magic), rounded, x);
}

}  // namespace carnot::cpu
