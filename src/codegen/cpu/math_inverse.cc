// Inverse trigonometric and hyperbolic functions, in double.
#include <limits>

#include "codegen/cpu/math.h"

namespace carnot::cpu {

using Value = llvm::Value;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kPi = 3.14159265358979324, kPiLow = 1.2246467991473532e-16;
constexpr double kLn2 = 0.69314718055994531;

/// asin of |x| <= 1/2.
Value* asin_small(Arith& a, Value* x, Value* z) {
  Value* p = a.poly(z, {3.27016931087462600e-2, -2.11159257051455599e-2, 2.17900528782878278e-2,
                        3.67244431791197120e-3, 1.07892481692188726e-2, 1.13973069284736626e-2,
                        1.39810167212706709e-2, 1.73515956625641559e-2, 2.23722158961123352e-2,
                        3.03819426756586549e-2, 4.46428571752773484e-2, 7.49999999997010878e-2,
                        1.66666666666667629e-1});
  return a.fma(a.mul(x, z), p, x);
}

/// asin and acos: near 1 through asin(sqrt((1 - |x|) / 2)).
Value* emit_asin(Arith& a, Value* x, bool cosine) {
  Value* magnitude = a.abs(x);
  Value* near_one = a.gt(magnitude, a.c(0.5));
  Value* z = a.select(near_one, a.fma(magnitude, a.c(-0.5), a.c(0.5)), a.mul(x, x));
  Value* root = a.select(near_one, a.sqrt(z), magnitude);
  Value* y = asin_small(a, root, z);  // of the positive argument
  Value* twice = a.add(y, y);
  if (!cosine) {
    Value* high = a.sub(a.c(kPi / 2), a.sub(twice, a.c(kPiLow / 2)));
    return a.copysign(a.select(near_one, high, y), x);
  }
  Value* negative = a.lt(x, a.c(0));
  Value* high = a.select(negative, a.sub(a.c(kPi), a.sub(twice, a.c(kPiLow))), twice);
  Value* low = a.sub(a.c(kPi / 2), a.sub(a.copysign(y, x), a.c(kPiLow / 2)));
  return a.select(near_one, high, low);
}

Value* emit_atan(Arith& a, Value* x) {
  Value* t = a.abs(x);
  // tan(pi/8) and tan(3 pi/8) separate: t, (t - 1)/(t + 1) + pi/4, -1/t + pi/2.
  Value* above = a.gt(t, a.c(0.41421356237309503));
  Value* far = a.gt(t, a.c(2.4142135623730949));
  Value* numerator = a.select(far, a.c(-1), a.select(above, a.sub(t, a.c(1)), t));
  Value* denominator = a.select(far, t, a.select(above, a.add(t, a.c(1)), a.c(1)));
  Value* r = a.div(numerator, denominator);
  Value* z = a.mul(r, r);
  Value* p = a.poly(z, {-1.79222806406538567e-2, 3.80783190375607381e-2, -5.03984524810120106e-2,
                        5.84800879987684947e-2, -6.66312035745151040e-2, 7.69206163364241094e-2,
                        -9.09089783617755729e-2, 1.11111107861255072e-1, -1.42857142802482074e-1,
                        1.99999999999540786e-1, -3.33333333333331991e-1});
  Value* base = a.select(far, a.c(kPi / 2), a.select(above, a.c(kPi / 4), a.c(0)));
  Value* low = a.select(far, a.c(kPiLow / 2), a.select(above, a.c(kPiLow / 4), a.c(0)));
  Value* y = a.add(base, a.add(a.fma(a.mul(r, z), p, low), r));
  return a.copysign(y, x);
}

/// sinh and cosh. Beyond 40 only e^|x| / 2 counts, made of two halves so that it does not overflow
/// early.
Value* emit_sinh(Arith& a, Value* x, bool cosine) {
  Value* magnitude = a.abs(x);
  Value* half = emit_exp(a, a.mul(magnitude, a.c(0.5)));
  Value* large = a.mul(a.mul(half, a.c(0.5)), half);
  Value* small;
  if (cosine) {
    Value* e = emit_exp(a, magnitude);
    small = a.add(a.mul(e, a.c(0.5)), a.div(a.c(0.5), e));
  } else {
    Value* t = emit_expm1(a, magnitude);
    small = a.mul(a.add(t, a.div(t, a.add(t, a.c(1)))), a.c(0.5));
  }
  Value* result = a.select(a.gt(magnitude, a.c(40)), large, small);
  return cosine ? result : a.copysign(result, x);
}

Value* emit_asinh(Arith& a, Value* x) {
  Value* magnitude = a.abs(x);
  Value* square = a.mul(x, x);
  Value* root = a.sqrt(a.add(square, a.c(1)));
  Value* small = emit_log1p(a, a.add(magnitude, a.div(square, a.add(root, a.c(1)))));
  Value* large = a.add(emit_log(a, magnitude), a.c(kLn2));
  return a.copysign(a.select(a.gt(magnitude, a.c(1e9)), large, small), x);
}

Value* emit_acosh(Arith& a, Value* x) {
  Value* t = a.sub(x, a.c(1));
  Value* small = emit_log1p(a, a.add(t, a.sqrt(a.fma(t, t, a.add(t, t)))));
  Value* large = a.add(emit_log(a, x), a.c(kLn2));
  Value* result = a.select(a.gt(x, a.c(1e9)), large, small);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return a.select(a.lt(x, a.c(1)), a.c(nan), result);
}

Value* emit_atanh(Arith& a, Value* x) {
  Value* magnitude = a.abs(x);
  Value* log = emit_log1p(a, a.div(a.add(magnitude, magnitude), a.sub(a.c(1), magnitude)));
  Value* finite = a.select(a.eq(magnitude, a.c(1)), a.c(kInf), a.mul(log, a.c(0.5)));
  return a.copysign(finite, x);
}

}  // namespace

Value* emit_inverse(Arith& a, ScalarOp op, Value* x) {
  CARNOT_CHECK(a.is_double());
  switch (op) {
    case ScalarOp::kAsin:
      return emit_asin(a, x, false);
    case ScalarOp::kAcos:
      return emit_asin(a, x, true);
    case ScalarOp::kAtan:
      return emit_atan(a, x);
    case ScalarOp::kSinh:
      return emit_sinh(a, x, false);
    case ScalarOp::kCosh:
      return emit_sinh(a, x, true);
    case ScalarOp::kAsinh:
      return emit_asinh(a, x);
    case ScalarOp::kAcosh:
      return emit_acosh(a, x);
    default:
      CARNOT_CHECK(op == ScalarOp::kAtanh);
      return emit_atanh(a, x);
  }
}

}  // namespace carnot::cpu
