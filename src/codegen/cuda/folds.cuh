#pragma once
// Folds: arg reductions, and reductions over the threads that share a point.
#include "codegen/cuda/numbers.cuh"

namespace carnot {

/// What an arg reduction has found: among equals the first, and NaN wins.
template <class T>
struct Best {
  T value;
  i64 at;
};
template <bool kLargest, class T>
CARNOT_DEVICE Best<T> better_of(Best<T> a, Best<T> b) {
  const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
  const bool before = kLargest ? a.value < b.value : b.value < a.value;
  const bool same = a.value == b.value || (a_nan && b_nan);
  return before || (b_nan && !a_nan) || (same && b.at < a.at) ? b : a;
}

/// The value of the thread whose number differs by `mask`; all threads of the warp take part.
template <class T>
CARNOT_DEVICE T shuffle_xor(T value, int mask) {
  if constexpr (sizeof(T) < 4) {
    return static_cast<T>(__shfl_xor_sync(0xffffffffu, static_cast<int>(value), mask));
  } else {
    return __shfl_xor_sync(0xffffffffu, value, mask);
  }
}
template <class T>
CARNOT_DEVICE Best<T> shuffle_xor(Best<T> best, int mask) {
  return {shuffle_xor(best.value, mask), shuffle_xor(best.at, mask)};
}

/// Combines the values of kThreads neighbouring threads (a power of two); all of them get the
/// result, and in the same bits. `slots`: a place per warp of the block, used once.
template <int kThreads, class T, class Merge>
CARNOT_DEVICE T reduce_row(T value, T* slots, Merge merge) {
  constexpr int kInWarp = kThreads < 32 ? kThreads : 32;
#pragma unroll
  for (int m = kInWarp / 2; m > 0; m /= 2) value = merge(value, shuffle_xor(value, m));
  if constexpr (kThreads > 32) {
    constexpr int kWarps = kThreads / 32;
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    if (lane == 0) slots[warp] = value;
    __syncthreads();
    value = slots[warp / kWarps * kWarps + lane % kWarps];
#pragma unroll
    for (int m = kWarps / 2; m > 0; m /= 2) value = merge(value, shuffle_xor(value, m));
  }
  return value;
}

/// Combines the values of kParts threads that are kColumns apart, in their order. `slots`: a place
/// per thread of the block, used once.
template <int kParts, int kColumns, class T, class Merge>
CARNOT_DEVICE T reduce_column(T value, T* slots, Merge merge) {
  const int thread = static_cast<int>(threadIdx.x);
  slots[thread] = value;
  __syncthreads();
  value = slots[thread % kColumns];
#pragma unroll
  for (int part = 1; part < kParts; ++part) {
    value = merge(value, slots[part * kColumns + thread % kColumns]);
  }
  return value;
}

}  // namespace carnot
