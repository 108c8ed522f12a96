// f32 on tensor cores that look at 10 bits of a mantissa, and cut the others off: as the sum of two
// parts, of whose products three matter.
#pragma once
#include "codegen/cuda/lib/ptx.cuh"

namespace carnot {

/// A number's upper part and what that leaves, both rounded to nearest: what is always cut towards
/// zero adds up over a network's layers. An infinity, and what would round to one, leaves nothing.
__device__ __forceinline__ void split(u32 bits, u32& upper, u32& rest) {
  constexpr u32 kHalf = 0x1000, kKept = 0xffffe000;
  const bool rounds = (bits & 0x7fffffffu) < 0x7f7ff000u;
  upper = rounds ? bits + kHalf : bits;
  const float left = __uint_as_float(bits) - __uint_as_float(upper & kKept);
  rest = rounds ? __float_as_uint(left) + kHalf : 0;
}

}  // namespace carnot
