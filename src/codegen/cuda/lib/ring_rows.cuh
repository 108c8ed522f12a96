// Of attention through a ring (keys_ring.cuh): where its memory is, and rows on their way there in
// panels of 64 elements as wgmma reads them.
#pragma once
#include "codegen/cuda/lib/pipeline.cuh"
#include "codegen/cuda/lib/rows.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::attention {

template <class P>
struct RingShape {
  static constexpr int kRows = kGroupRows * P::kGroups;
  static constexpr int kThreads = kGroupThreads * (P::kGroups + 1);
  static constexpr int kQ = kRows * row_bytes(P::kWidth);
  static constexpr int kK = P::kStep * row_bytes(P::kWidth);
  static constexpr int kV = P::kStep * row_bytes(P::kValueWidth);
  static constexpr int kFirstK = P::kQueryStages * kQ, kFirstV = kFirstK + P::kStages * kK;
  static constexpr int kBarriers = kFirstV + P::kStages * kV;
  // Of the parts that blocks of a cluster add: a row's results, its maximum and its sum.
  static constexpr int kPitch = padded(P::kValueWidth) + 4;
  static_assert(P::kStep % 16 == 0 && P::kStep <= 256);
  static_assert(P::kSplit == 1 || kRows * (kPitch + 2) * 4 <= kBarriers);
};

template <class P>
struct RingPlaces {
  using S = RingShape<P>;
  u32 base;
  __device__ __forceinline__ u32 q(int slot) const { return base + slot * S::kQ; }
  __device__ __forceinline__ u32 k(int slot) const { return base + S::kFirstK + slot * S::kK; }
  __device__ __forceinline__ u32 v(int slot) const { return base + S::kFirstV + slot * S::kV; }
  __device__ __forceinline__ u32 barrier(int i) const { return base + S::kBarriers + i * 8; }
  __device__ __forceinline__ u32 queries_full(int s) const { return barrier(s); }
  __device__ __forceinline__ u32 queries_empty(int s) const { return barrier(P::kQueryStages + s); }
  __device__ __forceinline__ u32 of_ring(int kind, int s) const {
    return barrier(2 * P::kQueryStages + kind * P::kStages + s);
  }
  __device__ __forceinline__ u32 keys_full(int s) const { return of_ring(0, s); }
  __device__ __forceinline__ u32 keys_empty(int s) const { return of_ring(1, s); }
  __device__ __forceinline__ u32 values_full(int s) const { return of_ring(2, s); }
  __device__ __forceinline__ u32 values_empty(int s) const { return of_ring(3, s); }
};

template <class P>
CARNOT_DEVICE int rows_of(const typename P::Params& p) {
  return P::kPack ? P::queries(p) * P::shared(p) : P::queries(p);
}
template <class P>
CARNOT_DEVICE int heads_of(const typename P::Params& p) {
  return P::kPack ? P::heads(p) / P::shared(p) : P::heads(p);
}
/// The first kRows rows of `count` into panels of 64 elements, by a warpgroup: 8 threads have a
/// row's 128 bytes of a panel. Whether by copies that are under way.
template <int kCopy, int kRows, int kWidth, class Row>
CARNOT_DEVICE bool load_panels(u32 to, const Row& row, const u16* base, int count, int thread) {
  constexpr int kPanels = row_bytes(kWidth) / kPieceBytes, kChunks = padded(kWidth) / 8;
  constexpr int kAlign = kCopy > 0 ? kCopy : 2, kRowsAtOnce = kGroupThreads / 8;
  const bool aligned = kCopy > 0 && (reinterpret_cast<u64>(base) & (kAlign - 1)) == 0;
  const int chunk = thread % 8, first = thread / 8;
  const u32 at = to + swizzled<kPieceBytes>(first, chunk);
  if (aligned) {
#pragma unroll 4
    for (int i = 0; i < kRows / kRowsAtOnce; ++i) {
      const bool inside = first + i * kRowsAtOnce < count;
      const u16* const from = row(first + i * kRowsAtOnce) + chunk * 8;
#pragma unroll
      for (int panel = 0; panel < kPanels; ++panel) {
        if (panel * 8 + chunk >= kChunks) continue;
        const u32 place = at + (panel * kRows + i * kRowsAtOnce) * kPieceBytes;
#pragma unroll
        for (int e = 0; e < 8; e += kAlign / 2) {
          const int column = panel * 64 + chunk * 8 + e;
          ptx::copy_async<kCopy == 0 ? 16 : kCopy>(place + e * 2, from + panel * 64 + e,
                                                   inside && column < kWidth);
        }
      }
    }
    return true;
  }
#pragma unroll 1
  for (int i = 0; i < kRows / kRowsAtOnce * kPanels; ++i) {
    const int r = first + i / kPanels * kRowsAtOnce, panel = i % kPanels;
    const u16* const from = row(r) + chunk * 8 + panel * 64;
    if (panel * 8 + chunk >= kChunks) continue;
    const u32 place = at + (panel * kRows + i / kPanels * kRowsAtOnce) * kPieceBytes;
#pragma unroll 1
    for (int e = 0; e < 8; ++e) {
      const u16 bits = r < count && panel * 64 + chunk * 8 + e < kWidth ? from[e] : u16{0};
      ptx::store_shared(place + e * 2, bits);
    }
  }
  return false;
}

/// Barriers of the block, beside 0, which is __syncthreads(): two on which warpgroups that take
/// turns wait, and one of all that multiply.
constexpr int kTurnBarrier = 1, kMultiplyBarrier = 3;

/// Until kThreads have come to it ...
template <int kThreads>
CARNOT_DEVICE void named_barrier_sync(int id) {
  asm volatile("barrier.sync %0, %1;" ::"r"(id), "n"(kThreads) : "memory");
}
/// ... of which those that only arrive do not wait.
template <int kThreads>
CARNOT_DEVICE void named_barrier_arrive(int id) {
  asm volatile("barrier.arrive %0, %1;" ::"r"(id), "n"(kThreads) : "memory");
}

}  // namespace carnot::attention
#endif
