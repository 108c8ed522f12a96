// The ring of steps between the warpgroup that brings operands and those that multiply, and the
// first one's side of it. P as in warpgroup.cuh.
#pragma once
#include "codegen/cuda/lib/contraction.cuh"
#include "codegen/cuda/lib/pipeline.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::warpgroup {

using contraction::Place;

template <class P>
struct Shape {
  static constexpr int kOfTile = P::kWarpsM / kGroupWarps;
  static constexpr int kI = P::kTileM / (kGroupRows * kOfTile);
  static constexpr int kTurns = P::kWarpsN, kConsumers = kOfTile * kTurns;
  static constexpr int kThreads = kGroupThreads * (kConsumers + 1);
  static constexpr int kBytesA = P::kTileM * kPieceBytes, kBytesB = P::kTileN * kPieceBytes;
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
  // Registers of a thread that brings: one that starts boxes needs few, addresses of what cp.async
  // copies more. The others have what that leaves of 504, three times what a block of 384 starts
  // with.
  static constexpr int kFew = P::kBoxes ? 24 : kConsumers == 1 ? 64 : P::kTileM == 256 ? 88 : 72;
  static constexpr int kMany = kConsumers == 1 ? 256 - kFew : (504 - kFew) / 16 * 8;
  static_assert(P::kRowBytes == kPieceBytes && P::kTileN % kSlab == 0 && kSlab % 8 == 0);
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
  /// Where a warpgroup waits for its turn.
  __device__ __forceinline__ u32 turn(int group) const {
    return base + S::kBarriers + (2 * P::kStages + group) * 8;
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

/// Starts the copies of one step of packed weights; `beside` them so many bytes make it whole.
template <class P>
__device__ __forceinline__ void bring_weights(const Ring<P>& ring, int slot, const u8* tile,
                                              int step, bool shared, int beside) {
  using S = Shape<P>;
  const u8* from = tile + static_cast<i64>(step) * S::kBytesB;
  const u32 to = ring.stage(slot) + S::kBytesA, full = ring.full(slot);
  ptx::barrier_expect(full, S::kBytesB + beside);
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
                                                int thread, int threads) {
  constexpr int kLine = 64, kLines = (P::kTileN + kLine - 1) / kLine;
  const int rows = P::rows(p), columns = P::columns(p);
#pragma unroll 1
  for (int i = thread; i < P::kTileM * kLines; i += threads) {
    const int row = at.m * P::kTileM + i / kLines, column = at.n * P::kTileN + i % kLines * kLine;
    if (row < rows && column < columns) P::prefetch(p, at.batch, row, column);
  }
}

/// Whether the blocks of a cluster have the same columns.
template <class P>
__device__ __forceinline__ bool is_shared(const typename P::Params& p, int index, const Place& at,
                                          int total) {
  if constexpr (P::kShare == 1) return false;
  const Place other = place_of<P>(p, index ^ 1, total);
  return other.batch == at.batch && other.n == at.n;
}

/// A's part of a step from memory that the copy engine cannot address.
template <class P>
__device__ __forceinline__ void bring_elements(const typename P::Params& p, const Place& at,
                                               int step, u32 to, int thread) {
  using Side = typename P::SideA;
  const auto* base = reinterpret_cast<const u8*>(Side::base(p));
  const int rows = P::rows(p);
#pragma unroll 1
  for (int i = thread; i < P::kTileM * 8; i += kGroupThreads) {
    const int row = at.m * P::kTileM + i / 8, c = (step * 8 + i % 8) * (16 / P::kElementBytes);
    const i64 offset = Side::row(p, at.batch, min(row, rows - 1)).offset + c;
    contraction::copy_elements<P::kElementBytes>(to + swizzled<kPieceBytes>(i / 8, i % 8),
                                                 base + offset * P::kElementBytes,
                                                 row < rows ? P::run(p) - c : 0);
  }
  ptx::fence_async();
}

/// The copies of all steps, where A comes in boxes: one thread starts them. The weights of the
/// first `ready` steps are on their way.
template <class P>
__device__ __forceinline__ void produce_boxes(const typename P::Params& p, const Ring<P>& ring,
                                              const Work<P>& work, int thread, int ready) {
  using S = Shape<P>;
  const bool boxed = P::boxed(p);
  const int threads = boxed ? 32 : kGroupThreads;
  if (thread >= threads) return;
  RingTurn<P::kStages> turn;
#pragma unroll 1
  for (int index = work.begin; index < work.end(); index += work.stride) {
    const Place at = place_of<P>(p, index, work.total);
    const bool shared = is_shared<P>(p, index, at, work.total);
    const u8* weights = weights_of<P>(p, at, work);
    if constexpr (P::kPrefetch) prefetch_beside<P>(p, at, thread, threads);
#pragma unroll 1
    for (int step = work.first; step < work.last; ++step, turn.next()) {
      const u32 to = ring.stage(turn.slot), full = ring.full(turn.slot);
      ptx::barrier_wait(ring.empty(turn.slot), turn.phase ^ 1);
      if (thread == 0 && ready <= 0) {
        bring_weights<P>(ring, turn.slot, weights, step, shared, boxed ? S::kBytesA : 0);
      }
      --ready;
      if (!boxed) {
        bring_elements<P>(p, at, step, to, thread);
        ptx::barrier_arrive(full);
      } else if (thread == 0) {
        ptx::copy_box(to, p.map, step * (kPieceBytes / P::kElementBytes), at.m * P::kTileM,
                      at.batch, full);
      }
    }
  }
}

template <class P>
__device__ __forceinline__ void produce(const typename P::Params& p, const Ring<P>& ring,
                                        int thread) {
  using S = Shape<P>;
  const Work<P> work(p);
  const int tiles_n = (P::columns(p) + P::kTileN - 1) / P::kTileN;
  // Weights do not depend on the kernel before this one.
  int ready = 0;
  if constexpr (P::kPackedB) {
    if (work.begin < work.end()) {
      const Place at = place_of<P>(p, work.begin, work.total);
      ready = min(P::kStages, work.last - work.first);
      if (thread == 0) {
        const bool shared = is_shared<P>(p, work.begin, at, work.total);
        const int beside = P::boxed(p) ? S::kBytesA : 0;
        for (int s = 0; s < ready; ++s) {
          bring_weights<P>(ring, s, weights_of<P>(p, at, work), work.first + s, shared, beside);
        }
      }
    }
  }
  ptx::wait_for_previous();
  if constexpr (P::kBoxes) {
    produce_boxes<P>(p, ring, work, thread, ready);
    return;
  }

  RingTurn<P::kStages> turn;
#pragma unroll 1
  for (int index = work.begin; index < work.end(); index += work.stride) {
    const Place at = place_of<P>(p, index, work.total);
    const bool shared = is_shared<P>(p, index, at, work.total);
    contraction::Loader<P, typename P::SideA, P::kTileM, kGroupThreads> a(p, at.batch,
                                                                          at.m * P::kTileM, thread);
    auto b = contraction::LoaderB<P::kPackedB, P, kGroupThreads>::make(p, at.batch, at.n, tiles_n,
                                                                       work.steps, thread);
    if constexpr (P::kPrefetch) prefetch_beside<P>(p, at, thread, kGroupThreads);
#pragma unroll 1
    for (int step = work.first; step < work.last; ++step) {
      ptx::barrier_wait(ring.empty(turn.slot), turn.phase ^ 1);
      if constexpr (P::kPackedB) {
        if (ready > 0) {
          --ready;
        } else if (thread == 0) {
          bring_weights<P>(ring, turn.slot, weights_of<P>(p, at, work), step, shared, 0);
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
