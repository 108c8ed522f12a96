#pragma once
// Elements of the operations that are written by hand: how they lie in memory, the number that they
// are, and the order among them.
#include "codegen/cuda/access.cuh"
#include "codegen/cuda/launch.cuh"
#include "codegen/cuda/numbers.cuh"
#include "codegen/cuda/scalar.cuh"

namespace carnot {

template <class T>
struct Plain {
  using Stored = T;
  using Value = T;
  CARNOT_DEVICE Value get(Stored x) { return x; }
  CARNOT_DEVICE Stored put(Value x) { return x; }
};
struct HalfElement {
  using Stored = u16;
  using Value = float;
  CARNOT_DEVICE Value get(Stored x) { return from_f16(x); }
  CARNOT_DEVICE Stored put(Value x) { return to_f16(x); }
};
struct BrainElement {
  using Stored = u16;
  using Value = float;
  CARNOT_DEVICE Value get(Stored x) { return from_bf16(x); }
  CARNOT_DEVICE Stored put(Value x) { return to_bf16(x); }
};
struct BoolElement {
  using Stored = u8;
  using Value = u8;
  CARNOT_DEVICE Value get(Stored x) { return x != 0; }
  CARNOT_DEVICE Stored put(Value x) { return x != 0; }
};

template <class T>
struct IsReal {
  static constexpr bool kIs = false;
};
template <>
struct IsReal<float> {
  static constexpr bool kIs = true;
};
template <>
struct IsReal<double> {
  static constexpr bool kIs = true;
};

CARNOT_DEVICE u64 bits_of(double x) {
  u64 out;
  memcpy(&out, &x, sizeof out);
  return out;
}
CARNOT_DEVICE u32 bits_of(float x) {
  return static_cast<u32>(__float_as_int(x));
}

/// Unsigned integers in the order of the values. NaN comes last, -0 is 0.
template <class Bits, class Real>
CARNOT_DEVICE Bits real_order(Real x) {
  constexpr Bits kSign = Bits{1} << (sizeof(Bits) * 8 - 1);
  if (x != x) return ~Bits{0};
  const Bits bits = bits_of(x + static_cast<Real>(0));
  return bits & kSign ? ~bits : bits | kSign;
}
CARNOT_DEVICE u32 order_of(float x) {
  return real_order<u32>(x);
}
CARNOT_DEVICE u64 order_of(double x) {
  return real_order<u64>(x);
}
template <class T>
CARNOT_DEVICE auto order_of(T x) {
  if constexpr (sizeof(T) == 8) {
    return static_cast<u64>(x) ^ (Limits<T>::is_signed ? u64{1} << 63 : 0);
  } else {
    return static_cast<u32>(static_cast<i64>(x) - static_cast<i64>(Limits<T>::least));
  }
}

}  // namespace carnot
