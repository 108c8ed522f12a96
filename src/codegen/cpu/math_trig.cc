// sin, cos and tan. The argument is reduced in double, whatever its type: by three parts of pi/2
// below 2^20, and by the needed words of 2/pi (Payne and Hanek), lane by lane, above.
#include <limits>

#include "codegen/cpu/math.h"

namespace carnot::cpu {

using Value = llvm::Value;

namespace {

constexpr double kLargest = 1048576;  // k * kPart1 and k * kPart2 are exact up to here
constexpr double kPart1 = 0x1.921fb544p+0, kPart2 = 0x1.0b4611a6p-34,
                 kPart3 = 0x1.3198a2e037073p-69;

/// The bits of 2/pi after the binary point: enough for the largest double, and two words more.
constexpr uint64_t kTwoOverPi[] = {0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
                                   0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c,
                                   0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
                                   0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
                                   0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
                                   0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08,
                                   0x56033046fc7b6bab, 0xf0cfbc209af4361d, 0xa9e391615ee61b08};

/// x = quarter pi/2 + r; quarter modulo 4, as an integer.
struct Angle {
  Value* quarter;
  Value* r;
};

/// One large double. x = m 2^e with a 53-bit integer m: bits of 2/pi that give multiples of 4 are
/// skipped, 192 of the following ones are multiplied by m.
Angle reduce_large(Emitter& e, llvm::GlobalVariable* table, Value* x) {
  auto& ir = e.ir();
  llvm::Type* word = ir.getInt64Ty();
  Value* bits = ir.CreateBitCast(x, word);
  Value* biased = ir.CreateAnd(ir.CreateLShr(bits, 52), e.i64(0x7ff));
  Value* m =
      ir.CreateOr(ir.CreateAnd(bits, e.i64((int64_t{1} << 52) - 1)), e.i64(int64_t{1} << 52));
  // e - 2 bits are skipped; below 2^55 that is negative, and the product is read higher up instead.
  Value* skip = ir.CreateSub(biased, e.i64(1075 + 2));
  Value* negative = ir.CreateICmpSLT(skip, e.i64(0));
  Value* down = ir.CreateSelect(negative, ir.CreateNeg(skip), e.i64(0));
  skip = ir.CreateSelect(negative, e.i64(0), skip);
  // Not finite: anything within the table; the result is made NaN by the caller.
  skip = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, skip, e.i64(969));
  Value* first = ir.CreateLShr(skip, 6);
  Value* shift = ir.CreateAnd(skip, e.i64(63));
  auto bits_from = [&](int i) {
    Value* high = e.load(word, e.at(word, table, ir.CreateAdd(first, e.i64(i))));
    Value* low = e.load(word, e.at(word, table, ir.CreateAdd(first, e.i64(i + 1))));
    return ir.CreateIntrinsic(llvm::Intrinsic::fshl, {word}, {high, low, shift});
  };
  llvm::Type* twice = ir.getInt128Ty();
  auto wide = [&](Value* v) { return ir.CreateZExt(v, twice); };
  auto upper = [&](Value* v) { return ir.CreateLShr(v, 64); };
  Value* low = ir.CreateMul(wide(bits_from(2)), wide(m));
  Value* middle = ir.CreateAdd(ir.CreateMul(wide(bits_from(1)), wide(m)), upper(low));
  Value* high = ir.CreateAdd(ir.CreateMul(wide(bits_from(0)), wide(m)), upper(middle));
  // 128 bits of high:middle, in quarters: two bits of quarter, then the fraction.
  Value* product = ir.CreateOr(ir.CreateShl(high, wide(ir.CreateSub(e.i64(64), down))),
                               wide(ir.CreateLShr(ir.CreateTrunc(middle, word), down)));
  Value* quarter = ir.CreateTrunc(ir.CreateLShr(product, 126), word);
  Value* fraction = ir.CreateTrunc(ir.CreateLShr(ir.CreateShl(product, 2), 64), word);
  Value* below = ir.CreateTrunc(ir.CreateShl(product, 2), word);
  // Rounds to the nearest quarter: a fraction of a half or more is negative.
  Value* round_up = ir.CreateLShr(fraction, 63);
  quarter = ir.CreateAnd(ir.CreateAdd(quarter, round_up), e.i64(3));
  Value* flip = ir.CreateNeg(round_up);  // all ones where negative
  fraction = ir.CreateXor(fraction, flip), below = ir.CreateXor(below, flip);
  Value* zeros = ir.CreateIntrinsic(llvm::Intrinsic::ctlz, {word}, {fraction, ir.getFalse()});
  zeros = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, zeros, e.i64(63));
  Value* leading = ir.CreateIntrinsic(llvm::Intrinsic::fshl, {word}, {fraction, below, zeros});
  // leading / 2^64 / 2^zeros; the sign bit is dropped first, so that the conversion is signed.
  Value* size = ir.CreateSIToFP(ir.CreateLShr(leading, 1), ir.getDoubleTy());
  Value* unit =
      ir.CreateBitCast(ir.CreateShl(ir.CreateSub(e.i64(1023 - 63), zeros), 52), ir.getDoubleTy());
  Value* r = ir.CreateFMul(ir.CreateFMul(size, unit),
                           llvm::ConstantFP::get(ir.getDoubleTy(), 1.5707963267948966));
  r = ir.CreateSelect(ir.CreateICmpNE(round_up, e.i64(0)), ir.CreateFNeg(r), r);
  Value* is_negative = ir.CreateICmpSLT(bits, e.i64(0));
  r = ir.CreateSelect(is_negative, ir.CreateFNeg(r), r);
  quarter = ir.CreateSelect(is_negative, ir.CreateNeg(quarter), quarter);
  return {quarter, r};
}

Angle reduce_each(Arith& a, Value* x) {
  Emitter& e = a.emitter();
  auto& ir = a.ir();
  llvm::Type* word = ir.getInt64Ty();
  llvm::Type* real = ir.getDoubleTy();
  const std::vector<uint64_t> words(std::begin(kTwoOverPi), std::end(kTwoOverPi));
  auto* table = e.constant_data(llvm::ConstantDataArray::get(e.context(), words), 64);
  if (a.lanes() == 1) return reduce_large(e, table, x);
  Value* in = e.stack(real, a.lanes());
  Value* quarters = e.stack(word, a.lanes());
  e.store(x, in);
  e.loop(e.i64(0), e.i64(a.lanes()), e.i64(1), [&](Value* i) {
    const Angle one = reduce_large(e, table, e.load(real, e.at(real, in, i)));
    e.store(one.r, e.at(real, in, i));
    e.store(one.quarter, e.at(word, quarters, i));
  });
  return {e.load(a.int_type(), quarters), e.load(a.type(), in)};
}

Angle reduce(Arith& a, Value* x) {
  auto& ir = a.ir();
  Value* magnitude = a.abs(x);
  // NaN and infinity are left to the fast way, which makes NaN of both.
  Value* large = ir.CreateAnd(a.ge(magnitude, a.c(kLargest)),
                              a.lt(magnitude, a.c(std::numeric_limits<double>::infinity())));
  Value* any = a.lanes() == 1 ? large : ir.CreateOrReduce(large);
  Value* k = a.round_small(a.mul(x, a.c(0.63661977236758134)));
  Value* minus = a.neg(k);
  Value* r = a.fma(minus, a.c(kPart1), x);
  r = a.fma(minus, a.c(kPart2), r);
  r = a.fma(minus, a.c(kPart3), r);
  Value* quarter = a.round_small_to_int(k);
  const Emitter::Values out = a.emitter().if_values(
      any,
      [&] {
        const Angle far = reduce_each(a, x);
        return Emitter::Values{ir.CreateSelect(large, far.quarter, quarter),
                               ir.CreateSelect(large, far.r, r)};
      },
      [&] {
        return Emitter::Values{quarter, r};
      });
  return {out[0], out[1]};
}

Value* sine(Arith& a, Value* r, Value* z) {
  Value* p =
      a.is_double()
          ? a.poly(z, {1.58967852076418776e-10, -2.50507579488653617e-8, 2.75573136909614566e-6,
                       -1.98412698298054377e-4, 8.33333333332241138e-3, -1.6666666666666632e-1})
          : a.poly(z, {2.71830256253879713e-6, -1.98393339405783183e-4, 8.33332938330514841e-3,
                       -1.6666666641607482e-1});
  return a.fma(a.mul(r, z), p, r);
}

Value* cosine(Arith& a, Value* z) {
  Value* p =
      a.is_double()
          ? a.poly(z, {-1.13596440577896843e-11, 2.08757232051661822e-9, -2.7557314351865099e-7,
                       2.48015872894806962e-5, -1.38888888888741218e-3, 4.16666666666665995e-2})
          : a.poly(z, {2.44383575809640716e-5, -1.38873667198104242e-3, 4.16666468505161237e-2});
  // 1 - z/2 first, with its rounding error, then the rest.
  Value* half = a.mul(z, a.c(0.5));
  Value* head = a.sub(a.c(1), half);
  Value* lost = a.sub(a.sub(a.c(1), head), half);
  return a.add(head, a.fma(a.mul(z, z), p, lost));
}

}  // namespace

Value* emit_trigonometric(Arith& a, ScalarOp op, Value* x) {
  auto& ir = a.ir();
  Arith wide(a.emitter(), ir.getDoubleTy(), a.lanes());
  Angle angle = reduce(wide, a.is_double() ? x : ir.CreateFPExt(x, wide.type()));
  Value* quarter = angle.quarter;
  Value* r = angle.r;
  if (!a.is_double()) {
    r = ir.CreateFPTrunc(r, a.type());
    quarter = ir.CreateTrunc(quarter, a.int_type());
  }
  Value* z = a.mul(r, r);
  Value* s = sine(a, r, z);
  Value* c = cosine(a, z);
  auto bit = [&](Value* v, int64_t which) {
    return ir.CreateICmpNE(ir.CreateAnd(v, a.i(which)), a.i(0));
  };
  Value* swap = bit(quarter, 1);
  Value* result;
  if (op == ScalarOp::kTan) {
    result = a.select(swap, a.neg(a.div(c, s)), a.div(s, c));
  } else if (op == ScalarOp::kSin) {
    Value* plain = a.select(swap, c, s);
    result = a.select(bit(quarter, 2), a.neg(plain), plain);
  } else {
    Value* plain = a.select(swap, s, c);
    result = a.select(bit(ir.CreateAdd(quarter, a.i(1)), 2), a.neg(plain), plain);
  }
  if (op == ScalarOp::kCos) return result;
  return a.select(a.eq(x, a.c(0)), x, result);  // the sign of zero
}

}  // namespace carnot::cpu
