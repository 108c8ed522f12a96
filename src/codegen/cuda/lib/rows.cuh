// Rows of 16-bit elements on their way into shared memory, where each is a multiple of 128 bytes,
// swizzled.
#pragma once
#include "codegen/cuda/lib/ptx.cuh"
#include "codegen/cuda/lib/swizzle.cuh"

namespace carnot::attention {

CARNOT_DEVICE constexpr int padded(int width) {
  return (width + 15) / 16 * 16;
}
CARNOT_DEVICE constexpr int row_bytes(int width) {
  return (padded(width) * 2 + 127) / 128 * 128;
}

/// Rows [first, first + kRows) of a matrix of `count` rows of kWidth elements.
template <int kCopy, int kRows, int kWidth, int kThreads>
CARNOT_DEVICE void load_rows(u32 to, const u16* from, i64 step, int first, int count) {
  constexpr int kChunks = padded(kWidth) / 8;
  const bool aligned = kCopy == 16 && (reinterpret_cast<u64>(from) & 15) == 0;
  for (int i = threadIdx.x; i < kRows * kChunks; i += kThreads) {
    const int row = i / kChunks, chunk = i % kChunks;
    const bool inside = first + row < count;
    const u16* at = from + (first + row) * step + chunk * 8;
    const u32 place = to + swizzled<row_bytes(kWidth)>(row, chunk);
    if (aligned) {
      ptx::copy_async<16>(place, at, inside && chunk * 8 < kWidth);
    } else {
#pragma unroll 1
      for (int e = 0; e < 8; ++e) {
        const u16 bits = inside && chunk * 8 + e < kWidth ? at[e] : u16{0};
        ptx::store_shared(place + e * 2, bits);
      }
    }
  }
}

/// What an instruction under way wrote is read after this.
template <int kCount>
__device__ __forceinline__ void settle(float (&values)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(values[i])::"memory");
}

/// Whether a row with this sum of weights is anything but zeros. The softmax over no keys at all is
/// nothing; over keys that are all masked it is NaN, or nothing where it is guarded.
template <class P>
CARNOT_DEVICE bool counts(const typename P::Params& p, float sum) {
  return P::keys(p) > 0 && (!P::kGuarded || sum > 0);
}

}  // namespace carnot::attention
