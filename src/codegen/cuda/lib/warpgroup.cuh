// Contractions by warpgroups, sm_90a: tiles by wgmma in persistent blocks of two roles.
//
// The last warpgroup of a block brings operands: weights, packed as shared memory wants them, come
// as one piece a step by the copy engine, for all kShare blocks of a cluster at once where these
// have the same columns. So does A, by a tensor map, where its rows lie at equal distances
// (kBoxes); else it comes (and B, where it is not packed) by cp.async, from wherever convolutions
// read it. The other warpgroups multiply kTileM / their number rows each, and store
// through the generated epilogue; the next tile is on its way meanwhile. A ring of kStages steps
// with two barriers each, `full` and `empty`, lies between them.
//
// With kWarpsN = 2 each of the two that multiply has a tile of its own, and they take turns: the
// tensor cores work at one's steps while the other stores.
//
// With kSplit > 1 the blocks of a cluster share the steps of one tile, as in contraction.cuh.
//
// P as in contraction.cuh; multiply(sums, a, b, accumulate) is the instruction for kTileN columns;
// kShare; kResident: blocks of a multiprocessor; kBoxes, boxed(p): the copy engine can address A;
// prefetch(p, batch, row, column).
#pragma once
#include "codegen/cuda/lib/store.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::warpgroup {

/// The products of one tile's steps. `part`: of the tile's rows; `other`: who is next waits there.
template <class P>
__device__ __forceinline__ void multiply(Sums<P>& sums, const Ring<P>& ring,
                                         RingTurn<P::kStages>& turn, int steps, int part, int lane,
                                         u32 other) {
  using S = Shape<P>;
  constexpr int kBlockBytes = kGroupRows * kPieceBytes;
  int before = 0;
  const auto release = [&](int slot) {
    if constexpr (P::kShare == 1) {
      if (lane == 0) ptx::barrier_arrive(ring.empty(slot));
    } else {
      if (lane < P::kShare) {
        ptx::barrier_arrive_remote(ptx::map_to_rank(ring.empty(slot), lane));
      }
    }
  };
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    ptx::barrier_wait(ring.full(turn.slot), turn.phase);
    if constexpr (!P::kBoxes) ptx::fence_async();
    const u32 stage = ring.stage(turn.slot);
    const u64 a = ptx::matrix_descriptor(stage + part * S::kI * kBlockBytes);
    const u64 b = ptx::matrix_descriptor(stage + S::kBytesA);
    ptx::warpgroup_fence();
#pragma unroll
    for (int k = 0; k < 4; ++k) {
#pragma unroll
      for (int i = 0; i < S::kI; ++i) {
        const u64 inside = ptx::descriptor_bytes(k * 32);
        P::multiply(sums[i], a + ptx::descriptor_bytes(i * kBlockBytes) + inside, b + inside,
                    step > 0 || k > 0);
      }
    }
    ptx::warpgroup_commit();
    if (step > 0) {
      ptx::warpgroup_wait<1>();
      release(before);
    }
    before = turn.slot;
    turn.next();
  }
  if constexpr (S::kTurns > 1) {
    if (lane == 0) ptx::barrier_arrive(other);
  }
  ptx::warpgroup_wait<0>();
  if (steps > 0) release(before);
}

template <class P>
__device__ __forceinline__ void consume(const typename P::Params& p, const Ring<P>& ring,
                                        u8* memory, int group, int thread) {
  using S = Shape<P>;
  const Work<P> work(p);
  const int warp = thread / 32, lane = thread % 32, in_group = warp % kGroupWarps;
  float* slab = reinterpret_cast<float*>(memory + S::kRing) + warp * 16 * S::kPitch;
  const int mine = group / S::kOfTile, part = group % S::kOfTile;
  const int row = part * S::kI * kGroupRows + in_group * 16, steps = work.last - work.first;
  const bool wide = P::wide(p);
  RingTurn<P::kStages> turn;
  Sums<P> sums;
  int before = mine ^ 1;  // the phase of the other's turn: the first has none to wait for
  if constexpr (S::kTurns > 1) turn.skip(mine * steps);
  ptx::wait_for_previous();
#pragma unroll 1
  for (int index = work.begin + mine * work.stride; index < work.end();
       index += S::kTurns * work.stride) {
    const Place at = place_of<P>(p, index, work.total);
    Finish<P, true> finish(p, at, row, lane);
    if (wide) finish.load(0);
    if constexpr (S::kTurns > 1) ptx::barrier_wait(ring.turn(mine), before);
    multiply<P>(sums, ring, turn, steps, part, lane, ring.turn(mine ^ 1));
    if constexpr (S::kTurns > 1) turn.skip(steps), before ^= 1;
    if (wide) {
      finish.run(sums, slab);
    } else {
      Finish<P, false> narrow(p, at, row, lane);
      narrow.load(0);
      narrow.run(sums, slab);
    }
  }
}

/// The sums of a block of a cluster, for all of it.
template <class P>
__device__ __forceinline__ void consume_split(const typename P::Params& p, const Ring<P>& ring,
                                              Sums<P>& sums, int group, int thread) {
  const Work<P> work(p);
  RingTurn<P::kStages> turn;
  multiply<P>(sums, ring, turn, work.last - work.first, group, thread % 32, 0);
}

template <class P>
__device__ __forceinline__ void put_split(const Sums<P>& sums, float* tile, int group, int thread) {
  using S = Shape<P>;
  const int warp = thread / 32 % kGroupWarps, lane = thread % 32;
#pragma unroll
  for (int i = 0; i < S::kI; ++i) {
#pragma unroll
    for (int j = 0; j < P::kTileN / 8; ++j) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int row = (group * S::kI + i) * kGroupRows + warp * 16 + h * 8 + lane / 4;
        float* to = tile + row * (P::kTileN + 8) + j * 8 + lane % 4 * 2;
        *reinterpret_cast<float2*>(to) = {sums[i][j * 4 + 2 * h], sums[i][j * 4 + 2 * h + 1]};
      }
    }
  }
}

template <class P>
__device__ __forceinline__ void run(const typename P::Params& p) {
  using S = Shape<P>;
  extern __shared__ __align__(1024) u8 memory[];
  const Ring<P> ring{ptx::shared_address(memory)};
  const int thread = threadIdx.x;
  const int group = of_warp(thread / kGroupThreads);
  ptx::let_next_start();
  if (thread == 0) {
    const int arrivals = P::boxed(p) ? 1 : kGroupThreads + (P::kPackedB ? 1 : 0);
    if constexpr (P::kBoxes) ptx::prefetch_map(p.map);
    for (int s = 0; s < P::kStages; ++s) {
      ptx::barrier_init(ring.full(s), arrivals);
      ptx::barrier_init(ring.empty(s), kGroupWarps * S::kOfTile * P::kShare);
    }
    for (int g = 0; g < S::kTurns && S::kTurns > 1; ++g)
      ptx::barrier_init(ring.turn(g), kGroupWarps);
    ptx::fence_barriers();
  }
  constexpr bool kCluster = P::kShare > 1 || P::kSplit > 1;
  if constexpr (P::kShare > 1) {
    ptx::cluster_arrive();
    ptx::cluster_wait();
  } else {
    __syncthreads();
  }
  if constexpr (P::kSplit == 1) {
    if (group == S::kConsumers) {
      if constexpr (S::kTrade) ptx::fewer_registers<S::kFew>();
      produce<P>(p, ring, thread % kGroupThreads);
    } else {
      if constexpr (S::kTrade) ptx::more_registers<S::kMany>();
      consume<P>(p, ring, memory, group, thread);
    }
  } else {
    float* tile = reinterpret_cast<float*>(memory);
    if (group == S::kConsumers) {
      produce<P>(p, ring, thread % kGroupThreads);
      __syncthreads();
    } else {
      Sums<P> sums = {};  // of a block without steps too
      consume_split<P>(p, ring, sums, group, thread);
      __syncthreads();  // nobody reads operands any more
      put_split<P>(sums, tile, group, thread);
    }
    ptx::wait_for_previous();
    ptx::cluster_arrive();
    ptx::cluster_wait();
    const int index = blockIdx.x / P::kSplit;
    contraction::finish<P, S::kThreads>(p, contraction::place_of<P>(p, index), tile, thread,
                                        blockIdx.x % P::kSplit);
  }
  if constexpr (kCluster) {  // nobody leaves while others read or write its memory
    ptx::cluster_arrive();
    ptx::cluster_wait();
  }
}

}  // namespace carnot::warpgroup
#endif
