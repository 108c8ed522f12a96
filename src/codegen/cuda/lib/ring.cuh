// The ring of steps between the warpgroup that brings operands and those that multiply, and the
// first one's side of it. P as in warpgroup.cuh.
#pragma once
#include "codegen/cuda/lib/contraction.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::warpgroup {

using contraction::Place;

template <class P>
struct Shape {
  static constexpr int kConsumers = P::kWarpsM / 4, kI = P::kTileM / (64 * kConsumers);
  static constexpr int kThreads = 128 * (kConsumers + 1);
  static constexpr int kBytesA = P::kTileM * 128, kBytesB = P::kTileN * 128;
  static constexpr int kStage = kBytesA + kBytesB;
  // Sums leave a warp in slabs of 16 rows. Of four rows each has banks of its own: by a pitch of 8
  // or 24 words modulo 32, or, where that would be more words, by an exchange of columns.
  static constexpr int kSlab = P::kSlab, kSlabs = P::kTileN / kSlab;
  static constexpr bool kExchange = kSlab % 32 == 0;
  static constexpr int kPitch = kExchange || kSlab % 16 == 8 ? kSlab : kSlab + 8;
  static constexpr int kStaging = P::kSplit > 1 ? 0 : kConsumers * 4 * 16 * kPitch * 4;
  static constexpr int kTile = P::kSplit > 1 ? P::kTileM*(P::kTileN + 8) * 4 : 0;
  static constexpr int kRing = P::kStages * kStage > kTile ? P::kStages* kStage
                                                           : (kTile + 15) / 16 * 16;
  static constexpr int kBarriers = kRing + kStaging;
  static constexpr bool kTrade = P::kSplit == 1 && (kConsumers == 2 || P::kResident == 2);
  static constexpr int kFew = kConsumers == 1 ? 64 : P::kTileM == 256 ? 88 : 72;
  static constexpr int kMany = kConsumers == 1 ? 192 : P::kTileM == 256 ? 208 : 216;
  static_assert(P::kRowBytes == 128 && P::kTileN % kSlab == 0 && kSlab % 8 == 0);
};

/// A place in the ring.
template <int kStages>
struct Turn {
  int slot = 0, phase = 0;
  __device__ __forceinline__ void next() {
    if (++slot == kStages) slot = 0, phase ^= 1;
  }
};

template <class P>
struct Ring {
  using S = Shape<P>;
  u32 base;
  __device__ __forceinline__ u32 stage(int slot) const { return base + slot * S::kStage; }
  __device__ __forceinline__ u32 full(int slot) const { return base + S::kBarriers + slot * 8; }
  __device__ __forceinline__ u32 empty(int slot) const {
    return base + S::kBarriers + (P::kStages + slot) * 8;
  }
};

/// The tile with number `index`; one past the last has no rows.
template <class P>
__device__ __forceinline__ Place place_of(const typename P::Params& p, int index, int total) {
  if (index < total) return contraction::place_of<P>(p, index);
  Place last = contraction::place_of<P>(p, total - 1);
  last.m = (P::rows(p) + P::kTileM - 1) / P::kTileM;
  return last;
}

/// Which steps and tiles a block has.
template <class P>
struct Work {
  int total, steps, first, last;  ///< tiles; steps of a tile, of which this block has [first, last)
  int begin, stride;              ///< tiles of this block
  __device__ __forceinline__ explicit Work(const typename P::Params& p) {
    const int tiles_m = (P::rows(p) + P::kTileM - 1) / P::kTileM;
    const int tiles_n = (P::columns(p) + P::kTileN - 1) / P::kTileN;
    total = P::batches(p) * tiles_m * tiles_n;
    steps = (P::chunks(p) * P::taps(p) + 7) / 8;
    const int rank = blockIdx.x % P::kSplit;
    first = steps * rank / P::kSplit, last = steps * (rank + 1) / P::kSplit;
    begin = blockIdx.x / P::kSplit, stride = gridDim.x / P::kSplit;
  }
  /// The blocks of a cluster go through as many tiles.
  __device__ __forceinline__ int end() const {
    return (total + P::kShare - 1) / P::kShare * P::kShare;
  }
};

template <class P>
__device__ __forceinline__ const u8* weights_of(const typename P::Params& p, const Place& at,
                                                const Work<P>& work) {
  const int tiles_n = (P::columns(p) + P::kTileN - 1) / P::kTileN;
  const i64 piece = (static_cast<i64>(at.batch) * tiles_n + at.n) * work.steps;
  return P::packed(p) + piece * Shape<P>::kBytesB;
}

/// Starts the copies of one step of packed weights.
template <class P>
__device__ __forceinline__ void bring_weights(const Ring<P>& ring, int slot, const u8* tile,
                                              int step, bool shared) {
  using S = Shape<P>;
  const u8* from = tile + static_cast<i64>(step) * S::kBytesB;
  const u32 to = ring.stage(slot) + S::kBytesA, full = ring.full(slot);
  ptx::barrier_expect(full, S::kBytesB);
  if constexpr (P::kShare > 1) {
    if (shared) {
      constexpr int kPart = S::kBytesB / P::kShare;
      const int part = blockIdx.x % P::kShare * kPart;
      ptx::copy_bulk_to_all(to + part, from + part, kPart, full, (1 << P::kShare) - 1);
      return;
    }
  }
  ptx::copy_bulk(to, from, S::kBytesB, full);
}

template <class P>
__device__ __forceinline__ void prefetch_beside(const typename P::Params& p, const Place& at,
                                                int thread) {
  constexpr int kLine = 64, kLines = (P::kTileN + kLine - 1) / kLine;
  const int rows = P::rows(p), columns = P::columns(p);
#pragma unroll 1
  for (int i = thread; i < P::kTileM * kLines; i += 128) {
    const int row = at.m * P::kTileM + i / kLines, column = at.n * P::kTileN + i % kLines * kLine;
    if (row < rows && column < columns) P::prefetch(p, at.batch, row, column);
  }
}

template <class P>
__device__ __forceinline__ void produce(const typename P::Params& p, const Ring<P>& ring,
                                        int thread) {
  using S = Shape<P>;
  const Work<P> work(p);
  const int tiles_n = (P::columns(p) + P::kTileN - 1) / P::kTileN;
  const auto is_shared = [&](int index, const Place& at) {
    if constexpr (P::kShare == 1) return false;
    const Place other = place_of<P>(p, index ^ 1, work.total);
    return other.batch == at.batch && other.n == at.n;
  };
  // Weights do not depend on the kernel before this one.
  int ready = 0;
  if constexpr (P::kPackedB) {
    if (work.begin < work.end()) {
      const Place at = place_of<P>(p, work.begin, work.total);
      ready = min(P::kStages, work.last - work.first);
      if (thread == 0) {
        const bool shared = is_shared(work.begin, at);
        for (int s = 0; s < ready; ++s) {
          bring_weights<P>(ring, s, weights_of<P>(p, at, work), work.first + s, shared);
        }
      }
    }
  }
  ptx::wait_for_previous();

  Turn<P::kStages> turn;
#pragma unroll 1
  for (int index = work.begin; index < work.end(); index += work.stride) {
    const Place at = place_of<P>(p, index, work.total);
    const bool shared = is_shared(index, at);
    contraction::Loader<P, typename P::SideA, P::kTileM, 128> a(p, at.batch, at.m * P::kTileM,
                                                                thread);
    auto b = contraction::LoaderB<P::kPackedB, P, 128>::make(p, at.batch, at.n, tiles_n, work.steps,
                                                             thread);
    if constexpr (P::kPrefetch) prefetch_beside<P>(p, at, thread);
#pragma unroll 1
    for (int step = work.first; step < work.last; ++step) {
      ptx::barrier_wait(ring.empty(turn.slot), turn.phase ^ 1);
      if constexpr (P::kPackedB) {
        if (ready > 0) {
          --ready;
        } else if (thread == 0) {
          bring_weights<P>(ring, turn.slot, weights_of<P>(p, at, work), step, shared);
        }
      } else {
        b.start(step, ring.stage(turn.slot) + S::kBytesA);
      }
      a.start(step, ring.stage(turn.slot));
      ptx::copies_arrive(ring.full(turn.slot));
      turn.next();
    }
  }
}

}  // namespace carnot::warpgroup
#endif
