// non_zero: blocks count what they have, one block sums the counts up, and once the host knows how
// many there are, the blocks write coordinates. The order is the elements'.
#pragma once
#include "codegen/cuda/lib/element.cuh"
#include "codegen/cuda/lib/scan.cuh"

namespace carnot::non_zero {

constexpr int kThreads = 256, kRounds = 8, kTile = kThreads * kRounds;

template <class E>
CARNOT_DEVICE bool is_some(const typename E::Stored* x, i64 i, i64 count) {
  return i < count && E::get(x[i]) != 0;
}

template <class E>
CARNOT_DEVICE void count(const typename E::Stored* x, u32* counts, i64 count) {
  __shared__ u32 slots[kThreads];
  const i64 first = static_cast<i64>(blockIdx.x) * kTile;
  u32 found = 0, total;
  for (int r = 0; r < kRounds; ++r) {
    found += is_some<E>(x, first + r * kThreads + threadIdx.x, count) ? 1 : 0;
  }
  sum_before<kThreads>(found, slots, total);
  if (threadIdx.x == 0) counts[blockIdx.x] = total;
}

/// Makes counts the sums before them; `size` gets the whole sum and 0, a shape.
CARNOT_DEVICE void sum(u32* counts, i64* size, i64 blocks) {
  __shared__ i64 slots[kThreads];
  i64 before = 0;
  for (i64 first = 0; first < blocks; first += kThreads) {
    const i64 i = first + threadIdx.x;
    const i64 mine = i < blocks ? counts[i] : 0;
    i64 total;
    const i64 at = before + sum_before<kThreads>(mine, slots, total);
    if (i < blocks) counts[i] = static_cast<u32>(at);
    before += total;
  }
  if (threadIdx.x == 0) {
    size[0] = before;
    size[1] = 0;
  }
}

template <class E, int kRank>
CARNOT_DEVICE void write(const typename E::Stored* x, const u32* before, i64* out, i64 count,
                         i64 found, const i64 (&sizes)[kRank > 0 ? kRank : 1]) {
  __shared__ u32 slots[kThreads];
  const i64 first = static_cast<i64>(blockIdx.x) * kTile;
  i64 at = before[blockIdx.x];
  for (int r = 0; r < kRounds; ++r) {
    i64 i = first + r * kThreads + threadIdx.x;
    const bool is = is_some<E>(x, i, count);
    u32 total;
    const i64 to = at + sum_before<kThreads>(is ? 1u : 0u, slots, total);
    at += total;
    if (!is) continue;
#pragma unroll
    for (int a = kRank - 1; a >= 0; --a) {
      out[a * found + to] = i % sizes[a];
      i /= sizes[a];
    }
  }
}

}  // namespace carnot::non_zero
