#include "codegen/cpu/math.h"

#include <limits>

namespace carnot::cpu {

using Value = llvm::Value;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLog2E = 1.4426950408889634;
// ln 2 in two parts; the products of the first with an exponent are exact.
constexpr double kLn2High64 = 0x1.62e42feep-1, kLn2Low64 = 0x1.a39ef35793c76p-33;
constexpr double kLn2High32 = 0x1.63p-1, kLn2Low32 = -0x1.bd0106p-13;

/// x = k ln 2 + r, |r| <= ln 2 / 2; x within the range where exp is neither 0 nor infinite, or not
/// far beyond.
struct Reduced {
  Value* k;
  Value* r;
};
Reduced reduce_exp(Arith& a, Value* x) {
  x = a.at_least(a.at_most(x, a.c(a.is_double() ? 720 : 95)), a.c(a.is_double() ? -760 : -110));
  Value* k = a.round_small(a.mul(x, a.c(kLog2E)));
  Value* minus = a.neg(k);
  Value* r = a.fma(minus, a.c(a.is_double() ? kLn2High64 : kLn2High32), x);
  return {k, a.fma(minus, a.c(a.is_double() ? kLn2Low64 : kLn2Low32), r)};
}

/// e^r - 1 for a reduced argument.
Value* expm1_reduced(Arith& a, Value* r) {
  // (e^r - 1 - r) / r^2, minimax on [-0.3467, 0.3467]: 3e-9 (f32), 3e-19 (f64) of e^r - 1.
  Value* p =
      a.is_double()
          ? a.poly(r, {2.09245059845289804e-9, 2.51090620772179896e-8, 2.75572425424935261e-7,
                       2.75572441370920871e-6, 2.48015873608387262e-5, 1.98412698861981618e-4,
                       1.38888888888666674e-3, 8.33333333332160236e-3, 4.16666666666667018e-2,
                       1.66666666666666766e-1, 0.5})
          : a.poly(r, {1.99142626394972668e-4, 1.39410241441852383e-3, 8.33327286773318398e-3,
                       4.16663544812717628e-2, 1.66666668179467108e-1, 5.00000004644832317e-1});
  return a.fma(a.mul(r, r), p, r);
}

/// m * 2^k == x, m in [sqrt(1/2), sqrt(2)), for positive finite x; k as a float.
struct Split {
  Value* k;
  Value* m;
};
Split split_log(Arith& a, Value* x) {
  auto& ir = a.ir();
  const bool f64 = a.is_double();
  // Denormals first become normal.
  Value* tiny = a.lt(x, a.c(f64 ? 0x1p-1022 : 0x1p-126));
  x = a.select(tiny, a.mul(x, a.c(f64 ? 0x1p54 : 0x1p25)), x);
  Value* bits = a.bits(x);
  Value* over = ir.CreateSub(bits, a.i(f64 ? 0x3fe6a09e667f3bcd : 0x3f3504f3));  // sqrt(1/2)
  Value* k = ir.CreateAShr(over, a.i(a.mantissa_bits()));
  Value* m = a.from_bits(ir.CreateSub(bits, ir.CreateShl(k, a.i(a.mantissa_bits()))));
  Value* shifted = ir.CreateSub(k, a.i(f64 ? 54 : 25));
  k = ir.CreateSelect(tiny, shifted, k);
  return {ir.CreateSIToFP(k, a.type()), m};
}

/// s^3-free part: z P(z) with log((1+s)/(1-s)) = 2s + s z P(z), z = s^2, |s| <= 0.1716; 2.5e-18.
Value* log_series(Arith& a, Value* z) {
  Value* p = a.poly(
      z, {0.147960983613337239, 0.153140368059185202, 0.181835648145765607, 0.222221985648546945,
          0.285714287424567731, 0.399999999994144324, 0.666666666666673443});
  return a.mul(z, p);
}

/// The logarithm of positive finite numbers, made right for the others.
Value* log_specials(Arith& a, Value* x, Value* result) {
  Value* outside = a.select(a.eq(x, a.c(0)), a.c(-kInf), a.c(kNan));
  return a.select(a.gt(x, a.c(0)), a.select(a.lt(x, a.c(kInf)), result, x), outside);
}

/// log x as an unevaluated sum of two doubles, for positive finite x.
struct Pair {
  Value* high;
  Value* low;
};
Pair log_pair(Arith& a, Value* x) {
  const auto [k, m] = split_log(a, x);
  Value* f = a.sub(m, a.c(1));
  Value* two = a.add(f, a.c(2));
  Value* two_low = a.sub(f, a.sub(two, a.c(2)));
  Value* s = a.div(f, two);
  // The quotient's rounding error: (f - s (two + two_low)) / two.
  Value* rest = a.fma(a.neg(s), two_low, a.fma(a.neg(s), two, f));
  Value* s_low = a.div(rest, two);
  Value* tail = a.mul(s, log_series(a, a.mul(s, s)));
  Value* k_high = a.mul(k, a.c(kLn2High64));
  Value* s2 = a.add(s, s);
  // k_high is zero or larger than s2, so this sum's error is exact.
  Value* high = a.add(k_high, s2);
  Value* lost = a.sub(s2, a.sub(high, k_high));
  Value* low = a.add(a.fma(k, a.c(kLn2Low64), a.add(s_low, s_low)), a.add(lost, tail));
  Value* sum = a.add(high, low);
  return {sum, a.sub(low, a.sub(sum, high))};
}

Value* emit_tanh(Arith& a, Value* x) {
  // With t = e^(-2|x|) - 1: tanh |x| = -t / (t + 2).
  Value* t = emit_expm1(a, a.mul(a.abs(x), a.c(-2)));
  return a.copysign(a.div(t, a.add(t, a.c(2))), x);
}

Value* emit_sigmoid(Arith& a, Value* x) {
  Value* e = emit_exp(a, a.neg(a.abs(x)));
  Value* high = a.div(a.c(1), a.add(a.c(1), e));
  return a.select(a.lt(x, a.c(0)), a.mul(e, high), high);
}

Value* emit_erf(Arith& a, Value* x) {
  Value* magnitude = a.abs(x);
  Value* z = a.mul(x, x);
  if (!a.is_double()) {
    // erf(x)/x below 1 (1e-9), log(1 - erf) above (2e-9 of erf).
    Value* small =
        a.mul(x, a.poly(z, {7.88911047392727877e-5, -8.02083900788670776e-4, 5.18953519195135911e-3,
                            -2.68544446413675957e-2, 1.12836001844054249e-1,
                            -3.76126271382138463e-1, 1.12837916591438865}));
    Value* t = a.at_most(magnitude, a.c(4));
    Value* p = a.poly(t, {1.98210750731761798e-4, -3.06541294707296813e-3, 2.23149402044547677e-2,
                          -1.041131780898527e-1, -6.36976587141044419e-1, -1.12779697881263824,
                          -1.66503732464682088e-4});
    Value* large = a.copysign(a.sub(a.c(1), emit_exp(a, p)), x);
    return a.select(a.lt(magnitude, a.c(1)), small, large);
  }
  Value* small =
      a.mul(x, a.poly(z, {5.96068033972809881e-11, -1.13749525791926294e-9, 1.46603278193166194e-8,
                          -1.63503960692636409e-7, 1.64610084607710133e-6, -1.49255957709098246e-5,
                          1.20553311328921252e-4, -8.54832698142346235e-4, 5.22397762482838919e-3,
                          -2.68661706450778707e-2, 1.12837916709548845e-1, -3.76126389031837482e-1,
                          1.12837916709551257}));
  // 1 - erf = e^(-x^2) g((x - 4)/(x + 4)) / (1 + 2x) on [1, 6]: 8e-19.
  Value* t = a.at_most(magnitude, a.c(6));
  Value* u = a.div(a.sub(t, a.c(4)), a.add(t, a.c(4)));
  Value* g = a.poly(u, {2.43069126494506345e-6, 8.08760115429684856e-6, -9.84972736289877712e-6,
                        -2.40617441975126093e-5, 1.50573028114067117e-4, -1.99306698600812331e-4,
                        -7.57781104134184841e-4, 5.03197160428815908e-3, -1.61977334904256247e-2,
                        3.71675155369384955e-2, -6.6330365826358259e-2, 9.37328349976666211e-2,
                        -1.01039066036160944e-1, 6.80970542547008708e-2, 1.53796521026193336e-2,
                        -1.39621116840562532e-1, 1.23299511862555251});
  Value* complement = a.mul(emit_exp(a, a.neg(a.mul(t, t))), a.div(g, a.fma(t, a.c(2), a.c(1))));
  return a.select(a.lt(magnitude, a.c(1)), small, a.copysign(a.sub(a.c(1), complement), x));
}

/// base^exponent in double.
Value* pow_double(Arith& a, Value* x, Value* y) {
  auto& ir = a.ir();
  Value* magnitude = a.abs(x);
  const Pair log = log_pair(a, magnitude);
  Value* high = log_specials(a, magnitude, log.high);
  Value* finite = a.lt(a.abs(high), a.c(kInf));
  Value* product = a.mul(y, high);
  Value* error = a.fma(y, a.select(finite, log.low, a.c(0)), a.fma(y, high, a.neg(product)));
  // Infinite logarithms and exponents have no second part.
  error = a.select(a.lt(a.abs(product), a.c(2000)), error, a.c(0));
  Value* result = emit_exp(a, product);
  Value* corrected = a.fma(result, error, result);
  result = a.select(a.lt(result, a.c(kInf)), corrected, result);

  Value* whole = a.eq(a.trunc(y), y);
  Value* half = a.mul(y, a.c(0.5));
  Value* odd = ir.CreateAnd(whole, ir.CreateNot(a.eq(a.trunc(half), half)));
  Value* negative = ir.CreateICmpSLT(a.bits(x), a.i(0));
  result = a.select(ir.CreateAnd(negative, odd), a.neg(result), result);
  Value* undefined = ir.CreateAnd(ir.CreateAnd(a.lt(x, a.c(0)), a.gt(x, a.c(-kInf))),
                                  ir.CreateAnd(ir.CreateNot(whole), a.lt(a.abs(y), a.c(kInf))));
  result = a.select(undefined, a.c(kNan), result);
  result = a.select(ir.CreateOr(a.is_nan(x), a.is_nan(y)), a.c(kNan), result);
  Value* one = ir.CreateOr(a.eq(y, a.c(0)), a.eq(x, a.c(1)));
  one = ir.CreateOr(one, ir.CreateAnd(a.eq(magnitude, a.c(1)), a.eq(a.abs(y), a.c(kInf))));
  return a.select(one, a.c(1), result);
}

}  // namespace

Value* emit_exp(Arith& a, Value* x) {
  const Reduced reduced = reduce_exp(a, x);
  return a.scale(a.add(expm1_reduced(a, reduced.r), a.c(1)), reduced.k);
}

Value* emit_expm1(Arith& a, Value* x) {
  const Reduced reduced = reduce_exp(a, x);
  // 2^k (e^r - 1) + (2^k - 1); with k = 128 or so 2^k is infinite, so half of it is used.
  Value* half = a.scale(a.c(0.5), reduced.k);
  Value* sum = a.fma(expm1_reduced(a, reduced.r), half, a.sub(half, a.c(0.5)));
  // -0 and tiny arguments are their own result; r + r^2 p keeps everything but the sign of zero.
  return a.select(a.eq(x, a.c(0)), x, a.add(sum, sum));
}

Value* emit_log(Arith& a, Value* x) {
  const auto [k, m] = split_log(a, x);
  Value* f = a.sub(m, a.c(1));
  Value* square = a.mul(f, f);
  Value* result;
  if (a.is_double()) {
    Value* half = a.mul(square, a.c(0.5));
    Value* s = a.div(f, a.add(f, a.c(2)));
    Value* series = log_series(a, a.mul(s, s));
    Value* rest = a.fma(s, a.add(half, series), a.mul(k, a.c(kLn2Low64)));
    result = a.fma(k, a.c(kLn2High64), a.sub(f, a.sub(half, rest)));
  } else {
    // (log(1 + f) - f + f^2/2) / f^3: 6e-9.
    Value* p = a.poly(f, {-7.85960300181331873e-2, 1.28817225897441786e-1, -1.31287880683314668e-1,
                          1.41811796211047734e-1, -1.66245492790140732e-1, 2.00022869310406038e-1,
                          -2.50008105720679342e-1, 3.33333167162836763e-1});
    Value* y = a.fma(a.mul(f, square), p, a.mul(k, a.c(kLn2Low32)));
    y = a.fma(square, a.c(-0.5), y);
    result = a.fma(k, a.c(kLn2High32), a.add(f, y));
  }
  return log_specials(a, x, result);
}

Value* emit_log1p(Arith& a, Value* x) {
  Value* u = a.add(x, a.c(1));
  Value* lost = a.div(a.sub(x, a.sub(u, a.c(1))), u);
  Value* log = emit_log(a, u);
  Value* plain = a.ir().CreateAnd(a.gt(u, a.c(0)), a.lt(u, a.c(kInf)));
  Value* result = a.select(plain, a.add(log, lost), log);
  return a.select(a.eq(x, a.c(0)), x, result);
}

Value* emit_math(Emitter& emitter, ScalarOp op, Value* x) {
  llvm::Type* element = x->getType()->getScalarType();
  Arith a(emitter, element, lanes_of(x));
  switch (op) {
    case ScalarOp::kExp:
      return emit_exp(a, x);
    case ScalarOp::kLog:
      return emit_log(a, x);
    case ScalarOp::kTanh:
      return emit_tanh(a, x);
    case ScalarOp::kSigmoid:
      return emit_sigmoid(a, x);
    case ScalarOp::kErf:
      return emit_erf(a, x);
    case ScalarOp::kSin:
    case ScalarOp::kCos:
    case ScalarOp::kTan:
      return emit_trigonometric(a, op, x);
    default:
      break;
  }
  // The rarer functions are computed in double, which makes their f32 results nearly exact.
  if (a.is_double()) return emit_inverse(a, op, x);
  Arith wide(emitter, emitter.ir().getDoubleTy(), a.lanes());
  Value* y = emit_inverse(wide, op, emitter.ir().CreateFPExt(x, wide.type()));
  return emitter.ir().CreateFPTrunc(y, a.type());
}

Value* emit_pow(Emitter& emitter, Value* base, Value* exponent) {
  llvm::Type* element = base->getType()->getScalarType();
  auto& ir = emitter.ir();
  Arith wide(emitter, ir.getDoubleTy(), lanes_of(base));
  if (element->isDoubleTy()) return pow_double(wide, base, exponent);
  Value* y =
      pow_double(wide, ir.CreateFPExt(base, wide.type()), ir.CreateFPExt(exponent, wide.type()));
  return ir.CreateFPTrunc(y, base->getType());
}

}  // namespace carnot::cpu
