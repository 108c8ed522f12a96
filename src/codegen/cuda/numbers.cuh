#pragma once
// Types of generated kernels, and numbers in memory and in registers. Like all that generated
// sources include, compiled by NVRTC, and in tests by a host compiler.

namespace carnot {

using i8 = signed char;
using u8 = unsigned char;
using i16 = short;
using u16 = unsigned short;
using i32 = int;
using u32 = unsigned int;
using i64 = long long;
using u64 = unsigned long long;

#define CARNOT_DEVICE static __device__ __forceinline__

CARNOT_DEVICE float infinity_f32() {
  return __int_as_float(0x7f800000);
}
CARNOT_DEVICE float nan_f32() {
  return __int_as_float(0x7fc00000);
}
CARNOT_DEVICE double infinity_f64() {
  return __longlong_as_double(0x7ff0000000000000ll);
}
CARNOT_DEVICE double nan_f64() {
  return __longlong_as_double(0x7ff8000000000000ll);
}

/// A small float: bits of the mantissa, the exponent's bias, the whole; the code of the largest
/// number, what exceeds it becomes, NaN.
struct SmallFloat {
  int mantissa, bias, bits;
  int largest, beyond, nan;
};

/// Rounds to nearest even.
CARNOT_DEVICE u32 encode_small(SmallFloat f, float x) {
  const u32 all = static_cast<u32>(__float_as_int(x));
  const u32 sign = all >> 31 << (f.bits - 1);
  const float magnitude = fabs(x);
  if (x != x) return sign | static_cast<u32>(f.nan);
  if (magnitude == infinity_f32()) return sign | static_cast<u32>(f.beyond);
  int power = static_cast<int>((all & 0x7fffffff) >> 23) - 127;
  if (power < 1 - f.bias) power = 1 - f.bias;
  // In units of the last place; a power of two divides exactly, in two halves that do not overflow.
  const int scale = f.mantissa - power;
  const float half = __int_as_float((127 + scale / 2) << 23);
  const float rest = __int_as_float((127 + scale - scale / 2) << 23);
  const int steps = static_cast<int>(rint(magnitude * half * rest));
  const int code = ((power + f.bias - 1) << f.mantissa) + steps;
  return sign | static_cast<u32>(code > f.largest ? f.beyond : code);
}

CARNOT_DEVICE float decode_small(int mantissa, int bias, u32 exponent_and_mantissa) {
  const u32 exponent = exponent_and_mantissa >> mantissa;
  const u32 fraction = exponent_and_mantissa & ((1u << mantissa) - 1);
  const u32 whole = exponent == 0 ? fraction : fraction | 1u << mantissa;
  const int power = static_cast<int>(exponent == 0 ? 1 : exponent) - bias - mantissa;
  return static_cast<float>(whole) * __int_as_float((127 + power) << 23);
}

#ifdef __CUDACC_RTC__
CARNOT_DEVICE float from_f16(u16 bits) {
  float out;
  asm("cvt.f32.f16 %0, %1;" : "=f"(out) : "h"(bits));
  return out;
}
CARNOT_DEVICE u16 to_f16(float x) {
  u16 out;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(out) : "f"(x));
  return out;
}
#else
CARNOT_DEVICE float from_f16(u16 bits) {
  const u32 magnitude = bits & 0x7fff;
  const float x = magnitude == 0x7c00  ? infinity_f32()
                  : magnitude > 0x7c00 ? nan_f32()
                                       : decode_small(10, 15, magnitude);
  return bits & 0x8000 ? -x : x;
}
CARNOT_DEVICE u16 to_f16(float x) {
  return static_cast<u16>(encode_small({10, 15, 16, 0x7bff, 0x7c00, 0x7e00}, x));
}
#endif

CARNOT_DEVICE float from_bf16(u16 bits) {
  return __int_as_float(static_cast<int>(bits) << 16);
}
CARNOT_DEVICE u16 to_bf16(float x) {
#if defined(__CUDACC_RTC__) && __CUDA_ARCH__ >= 800
  u16 out;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(out) : "f"(x));
  return out;
#else
  const u32 bits = static_cast<u32>(__float_as_int(x));
  if (x != x) return static_cast<u16>(bits >> 31 << 15 | 0x7fc0);
  return static_cast<u16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
#endif
}

CARNOT_DEVICE float signed_small(int mantissa, int bias, int bits, u32 code) {
  const float x = decode_small(mantissa, bias, code & ((1u << (bits - 1)) - 1));
  return code >> (bits - 1) & 1 ? -x : x;
}
CARNOT_DEVICE float from_f8e4m3(u8 code) {
  return (code & 0x7f) == 0x7f ? nan_f32() : signed_small(3, 7, 8, code);
}
CARNOT_DEVICE u8 to_f8e4m3(float x) {
  return static_cast<u8>(encode_small({3, 7, 8, 0x7e, 0x7e, 0x7f}, x));
}
CARNOT_DEVICE float from_f8e5m2(u8 code) {
  if ((code & 0x7f) > 0x7c) return nan_f32();
  if ((code & 0x7f) == 0x7c) return code & 0x80 ? -infinity_f32() : infinity_f32();
  return signed_small(2, 15, 8, code);
}
CARNOT_DEVICE u8 to_f8e5m2(float x) {
  return static_cast<u8>(encode_small({2, 15, 8, 0x7b, 0x7b, 0x7e}, x));
}
// Where NaN is the sign bit alone there is no negative zero.
CARNOT_DEVICE u8 to_unsigned_zero(int mantissa, int bias, float x) {
  if (x != x) return 0x80;
  const u32 code = encode_small({mantissa, bias, 8, 0x7f, 0x7f, 0}, x);
  return static_cast<u8>((code & 0x7f) == 0 ? 0 : code);
}
CARNOT_DEVICE float from_f8e4m3uz(u8 code) {
  return code == 0x80 ? nan_f32() : signed_small(3, 8, 8, code);
}
CARNOT_DEVICE u8 to_f8e4m3uz(float x) {
  return to_unsigned_zero(3, 8, x);
}
CARNOT_DEVICE float from_f8e5m2uz(u8 code) {
  return code == 0x80 ? nan_f32() : signed_small(2, 16, 8, code);
}
CARNOT_DEVICE u8 to_f8e5m2uz(float x) {
  return to_unsigned_zero(2, 16, x);
}
CARNOT_DEVICE float from_f8e8m0(u8 code) {
  if (code == 0xff) return nan_f32();
  return __int_as_float(code == 0 ? 0x400000 : static_cast<int>(code) << 23);
}
/// 2^k rounded up; NaN is 0xff.
CARNOT_DEVICE u8 to_f8e8m0(float x) {
  if (x != x) return 0xff;
  const u32 bits = static_cast<u32>(__float_as_int(x)) & 0x7fffffff;
  // 2^-127 is a denormal of f32: half of its mantissa range.
  const bool up = (bits & 0x7fffff) > (bits < 0x800000 ? 0x400000u : 0u);
  const u32 code = (bits >> 23) + (up ? 1 : 0);
  return static_cast<u8>(code > 0xfe ? 0xfe : code);
}
CARNOT_DEVICE float from_f4e2m1(u8 code) {
  return signed_small(1, 1, 4, code);
}
CARNOT_DEVICE u8 to_f4e2m1(float x) {
  return static_cast<u8>(encode_small({1, 1, 4, 7, 7, 0}, x));
}

CARNOT_DEVICE i8 wrap_i4(int x) {
  return static_cast<i8>(static_cast<i8>(x << 4) >> 4);
}
CARNOT_DEVICE u8 wrap_u4(int x) {
  return static_cast<u8>(x & 15);
}

/// The least number of an integer type, and the largest.
template <class T>
struct Limits {
  static constexpr bool is_signed = static_cast<T>(-1) < static_cast<T>(0);
  static constexpr u64 ones = ~u64{0} >> (64 - 8 * sizeof(T));
  static constexpr T largest = static_cast<T>(is_signed ? ones >> 1 : ones);
  static constexpr T least = static_cast<T>(is_signed ? ~(ones >> 1) : 0);
};

/// Truncates; NaN is 0.
template <class T, class Real>
CARNOT_DEVICE T saturate(Real x) {
  if (x != x) return 0;
  if (x <= static_cast<Real>(Limits<T>::least)) return Limits<T>::least;
  if (x >= static_cast<Real>(Limits<T>::largest)) return Limits<T>::largest;
  return static_cast<T>(x);
}
template <class Real>
CARNOT_DEVICE i8 saturate_i4(Real x) {
  const i8 whole = saturate<i8>(x);
  return whole < -8 ? -8 : whole > 7 ? 7 : whole;
}
template <class Real>
CARNOT_DEVICE u8 saturate_u4(Real x) {
  const u8 whole = saturate<u8>(x);
  return whole > 15 ? 15 : whole;
}

}  // namespace carnot
