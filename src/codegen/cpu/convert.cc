#include "codegen/cpu/convert.h"

#include "tensor/codec.h"

namespace carnot::cpu {

using Value = llvm::Value;

namespace {

bool is_narrow_float(DType dtype) {
  return is_float(dtype) && bits_of(dtype) < 32;
}
bool is_unsigned(DType dtype) {
  return class_of(dtype) != DTypeClass::kSigned;
}

/// f16 has conversion instructions, or the back end would call for it.
bool converts_f16(const Target& target) {
  return target.arch == Arch::kArm64 || target.has(Isa::kF16c);
}

Value* decode_f16(Arith& a, Value* half) {
  auto& ir = a.ir();
  Value* wide = ir.CreateZExt(half, a.int_type());
  Value* magnitude = ir.CreateShl(ir.CreateAnd(wide, a.i(0x7fff)), a.i(13));
  // The exponent moves to the f32 bias by a multiplication, which also makes denormals right.
  Value* number = a.mul(a.from_bits(magnitude), a.c(0x1p112));
  Value* special = ir.CreateICmpUGE(magnitude, a.i(0x0f800000));
  Value* top = ir.CreateOr(magnitude, a.i(0x7f800000));
  Value* bits = ir.CreateSelect(special, top, a.bits(number));
  return a.from_bits(ir.CreateOr(bits, ir.CreateShl(ir.CreateAnd(wide, a.i(0x8000)), a.i(16))));
}

/// Sign (in the low `bits` bits, at the top) and magnitude of an f32 to a small float of
/// `mantissa` bits: rounded to nearest even; what exceeds `largest` becomes `beyond`.
struct SmallFormat {
  int mantissa, bias, bits;
  int64_t largest, beyond, nan;
};
Value* encode_small(Arith& a, const SmallFormat& f, Value* x) {
  auto& ir = a.ir();
  Value* magnitude = a.abs(x);
  Value* exponent = ir.CreateSub(ir.CreateLShr(a.bits(magnitude), a.i(23)), a.i(127));
  Value* power = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, exponent, a.i(1 - f.bias));
  power = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, power, a.i(127));
  Value* unit = ir.CreateShl(ir.CreateSub(a.i(127 + f.mantissa), power), a.i(23));
  Value* infinite = ir.CreateICmpSGE(exponent, a.i(128));
  Value* steps = a.mul(a.select(infinite, a.c(0), magnitude), a.from_bits(unit));
  Value* rounded = a.round_small_to_int(steps);
  Value* base = ir.CreateShl(ir.CreateAdd(power, a.i(f.bias - 1)), a.i(f.mantissa));
  Value* out = ir.CreateAdd(base, rounded);
  Value* excess = ir.CreateOr(ir.CreateICmpSGT(out, a.i(f.largest)), infinite);
  out = ir.CreateSelect(excess, a.i(f.beyond), out);
  out = a.select(a.is_nan(x), a.i(f.nan), out);
  Value* sign = ir.CreateLShr(a.bits(x), a.i(31));
  return ir.CreateOr(out, ir.CreateShl(sign, a.i(f.bits - 1)));
}

Value* encode_bf16(Arith& a, Value* x) {
  auto& ir = a.ir();
  Value* bits = a.bits(x);
  Value* odd = ir.CreateAnd(ir.CreateLShr(bits, a.i(16)), a.i(1));
  Value* rounded = ir.CreateLShr(ir.CreateAdd(ir.CreateAdd(bits, a.i(0x7fff)), odd), a.i(16));
  Value* sign = ir.CreateShl(ir.CreateLShr(bits, a.i(31)), a.i(15));
  return a.select(a.is_nan(x), ir.CreateOr(sign, a.i(0x7fc0)), rounded);
}

/// 2^k rounded up; NaN is 0xff.
Value* encode_f8e8m0(Arith& a, Value* x) {
  auto& ir = a.ir();
  Value* bits = a.bits(a.abs(x));
  // 2^-127 is a denormal of f32: half of its mantissa range.
  Value* denormal = ir.CreateICmpULT(bits, a.i(0x800000));
  Value* limit = ir.CreateSelect(denormal, a.i(0x400000), a.i(0));
  Value* up = ir.CreateICmpUGT(ir.CreateAnd(bits, a.i(0x7fffff)), limit);
  Value* out = ir.CreateAdd(ir.CreateLShr(bits, a.i(23)), ir.CreateZExt(up, a.int_type()));
  out = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, out, a.i(0xfe));
  return a.select(a.is_nan(x), a.i(0xff), out);
}

/// Where NaN is the sign bit alone there is no negative zero.
Value* encode_f8(Arith& a, DType dtype, Value* x) {
  auto& ir = a.ir();
  switch (dtype) {
    case DType::kF8E4M3:
      return encode_small(a, {3, 7, 8, 0x7e, 0x7e, 0x7f}, x);
    case DType::kF8E5M2:
      return encode_small(a, {2, 15, 8, 0x7b, 0x7b, 0x7e}, x);
    case DType::kF4E2M1:
      return encode_small(a, {1, 1, 4, 7, 7, 0}, x);
    case DType::kF8E8M0:
      return encode_f8e8m0(a, x);
    default:
      break;
  }
  const bool wide_mantissa = dtype == DType::kF8E4M3UZ;
  const SmallFormat format = {wide_mantissa ? 3 : 2, wide_mantissa ? 8 : 16, 8, 0x7f, 0x7f, 0};
  Value* out = encode_small(a, format, x);
  out = ir.CreateSelect(ir.CreateICmpEQ(ir.CreateAnd(out, a.i(0x7f)), a.i(0)), a.i(0), out);
  return a.select(a.is_nan(x), a.i(0x80), out);
}

Value* decode_table(Arith& a, DType dtype, Value* bits) {
  auto& ir = a.ir();
  std::vector<float> numbers;
  for (uint64_t i = 0; i < 256; ++i) {
    const uint64_t low = i & ((uint64_t{1} << bits_of(dtype)) - 1);
    numbers.push_back(static_cast<float>(decode_float(dtype, low)));
  }
  Emitter& e = a.emitter();
  auto* table = e.constant_data(llvm::ConstantDataArray::get(e.context(), numbers), 64);
  Value* at = ir.CreateZExt(bits, with_lanes(ir.getInt64Ty(), a.lanes()));
  Value* pointers = ir.CreateGEP(ir.getFloatTy(), table, at);
  if (a.lanes() == 1) return e.load(ir.getFloatTy(), pointers);
  return ir.CreateMaskedGather(a.type(), pointers, llvm::Align(4));
}

}  // namespace

llvm::Type* register_type(Emitter& emitter, DType dtype) {
  auto& ir = emitter.ir();
  if (dtype == DType::kF64) return ir.getDoubleTy();
  if (is_float(dtype)) return ir.getFloatTy();
  if (dtype == DType::kBool) return ir.getInt1Ty();
  return ir.getIntNTy(static_cast<unsigned>(std::max(8, bits_of(dtype))));
}

llvm::Type* storage_type(Emitter& emitter, DType dtype) {
  if (dtype == DType::kF64 || dtype == DType::kF32) return emitter.memory_type(dtype);
  return emitter.ir().getIntNTy(static_cast<unsigned>(std::max(8, bits_of(dtype))));
}

Value* from_memory(Emitter& emitter, DType dtype, Value* value) {
  auto& ir = emitter.ir();
  const int lanes = lanes_of(value);
  if (dtype == DType::kBool) {
    return ir.CreateICmpNE(value, llvm::Constant::getNullValue(value->getType()));
  }
  if (!is_narrow_float(dtype)) return value;
  Arith a(emitter, ir.getFloatTy(), lanes);
  value = ir.CreateBitCast(value, with_lanes(storage_type(emitter, dtype), lanes));
  if (dtype == DType::kBF16) {
    return a.from_bits(ir.CreateShl(ir.CreateZExt(value, a.int_type()), a.i(16)));
  }
  if (dtype != DType::kF16) return decode_table(a, dtype, value);
  if (!converts_f16(emitter.target())) return decode_f16(a, value);
  return ir.CreateFPExt(ir.CreateBitCast(value, with_lanes(ir.getHalfTy(), lanes)), a.type());
}

Value* to_memory(Emitter& emitter, DType dtype, Value* value) {
  auto& ir = emitter.ir();
  const int lanes = lanes_of(value);
  llvm::Type* type = with_lanes(storage_type(emitter, dtype), lanes);
  if (dtype == DType::kBool) return ir.CreateZExt(value, type);
  if (!is_narrow_float(dtype)) return value;
  Arith a(emitter, ir.getFloatTy(), lanes);
  if (dtype == DType::kBF16) return ir.CreateTrunc(encode_bf16(a, value), type);
  if (dtype != DType::kF16) return ir.CreateTrunc(encode_f8(a, dtype, value), type);
  if (converts_f16(emitter.target())) {
    return ir.CreateBitCast(ir.CreateFPTrunc(value, with_lanes(ir.getHalfTy(), lanes)), type);
  }
  return ir.CreateTrunc(encode_small(a, {10, 15, 16, 0x7bff, 0x7c00, 0x7e00}, value), type);
}

Value* register_constant(Emitter& emitter, DType dtype, double real, int64_t integer) {
  llvm::Type* type = register_type(emitter, dtype);
  if (is_float(dtype)) return llvm::ConstantFP::get(type, real);
  return llvm::ConstantInt::get(type, static_cast<uint64_t>(integer), /*IsSigned=*/true);
}

std::vector<Value*> transposed(Emitter& emitter, std::vector<Value*> rows) {
  // Riffling rows i and i + n/2 together log2(n) times transposes an n x n block.
  const size_t n = rows.size();
  std::vector<int> low, high;
  for (int i = 0; i < static_cast<int>(n); ++i) {
    const int pick = i / 2 + (i % 2) * static_cast<int>(n);
    low.push_back(pick), high.push_back(pick + static_cast<int>(n) / 2);
  }
  for (size_t step = 1; step < n; step *= 2) {
    std::vector<Value*> next;
    for (size_t i = 0; i < n / 2; ++i) {
      next.push_back(emitter.ir().CreateShuffleVector(rows[i], rows[i + n / 2], low));
      next.push_back(emitter.ir().CreateShuffleVector(rows[i], rows[i + n / 2], high));
    }
    rows = std::move(next);
  }
  return rows;
}

Value* spread(Emitter& emitter, Value* value, int lanes) {
  if (lanes == 1 || value->getType()->isVectorTy()) return value;
  return emitter.ir().CreateVectorSplat(static_cast<unsigned>(lanes), value);
}

Value* emit_cast(Emitter& emitter, DType from, DType to, Value* value) {
  auto& ir = emitter.ir();
  const int lanes = lanes_of(value);
  llvm::Type* type = with_lanes(register_type(emitter, to), lanes);
  if (to == DType::kBool) {
    llvm::Constant* zero = llvm::Constant::getNullValue(value->getType());
    if (from == DType::kBool) return value;
    return is_float(from) ? ir.CreateFCmpUNE(value, zero) : ir.CreateICmpNE(value, zero);
  }
  auto rounded = [&](Value* v) {
    return is_narrow_float(to) ? from_memory(emitter, to, to_memory(emitter, to, v)) : v;
  };
  if (is_float(from) && is_float(to)) {
    if (from == to) return value;
    return rounded(from == DType::kF64 ? ir.CreateFPTrunc(value, type)
                                       : ir.CreateFPCast(value, type));
  }
  if (is_float(to)) {
    return rounded(is_unsigned(from) ? ir.CreateUIToFP(value, type) : ir.CreateSIToFP(value, type));
  }
  const int shift = 8 - std::min(8, bits_of(to));  // of i4 and u4, kept in a byte
  if (is_float(from)) {
    llvm::Type* exact = with_lanes(ir.getIntNTy(static_cast<unsigned>(bits_of(to))), lanes);
    const auto id = is_unsigned(to) ? llvm::Intrinsic::fptoui_sat : llvm::Intrinsic::fptosi_sat;
    Value* whole = ir.CreateIntrinsic(id, {exact, value->getType()}, {value});
    return ir.CreateIntCast(whole, type, !is_unsigned(to));
  }
  value = ir.CreateIntCast(value, type, !is_unsigned(from));
  if (shift == 0) return value;
  Value* count = llvm::ConstantInt::get(type, static_cast<uint64_t>(shift));
  Value* high = ir.CreateShl(value, count);
  return is_unsigned(to) ? ir.CreateLShr(high, count) : ir.CreateAShr(high, count);
}

}  // namespace carnot::cpu
