// Attention by warpgroups for any number of keys, sm_90a: the keys and values of a head come
// through a ring in shared memory. The last warpgroup of a block brings them, by cp.async from
// wherever they lie, and the queries of the next item ahead of time; each of the others has 64 rows
// of queries.
//
// A step is kStep keys. While wgmma multiplies the next step's keys with the queries and the last
// step's weights with the values, a warpgroup makes weights of the scores that it has: the tensor
// cores and the exponentials, of equal cost at 64 elements of width, hide each other.
//
// Rows of an item are queries of one head, or with kPack those of all query heads that share a head
// of keys, which then are read once. Items are dealt to persistent blocks, those of a head
// together, so that its keys and values stay in the second cache. With kCausal, where early queries
// see few keys, a block has the last tile of a head with the first, the last but one with the
// second ...: pairs of equal cost; where there are too few for that, the costly tiles of all heads
// come first, in turns that run to and fro. With kSplit the blocks of a cluster share the keys of
// one item and add what they have through each other's shared memory.
//
// P as in attention.cuh, without kWarps and kTiles; kGroups, kStep, kStages, kQueryStages, kFew and
// kMany (registers of a thread that brings, and of one that multiplies; 0: as they are),
// kTakeTurns, kWideStore; kScale; q_head (elements between heads of q); bias_pair(p, b, h, i, j,
// both): of keys j and j + 1; store_wide(p, b, h, i, e, eight); and the instructions
// multiply_keys(s, q, k, accumulate) and multiply_values(out, weights, v).
#pragma once
#include "codegen/cuda/lib/ring_tile.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::attention {

/// Which rows of which head, and what keys they see.
template <class P>
struct Item {
  int b, h, first, end, whole, step, last;
  __device__ __forceinline__ Item(const typename P::Params& p, int tile, int head) {
    first = tile * RingShape<P>::kRows;
    h = head % heads_of<P>(p), b = head / heads_of<P>(p);
    end = whole = P::keys(p);
    if (P::kCausal) {
      const int group = P::kPack ? P::shared(p) : 1, shift = P::keys(p) - P::queries(p);
      end = max(0, min(end, (first + RingShape<P>::kRows - 1) / group + 1 + shift));
      whole = min(whole, first / group + shift + 1);
    }
    step = 0, last = (end + P::kStep - 1) / P::kStep;
    if constexpr (P::kSplit > 1) {
      const int each = (last + P::kSplit - 1) / P::kSplit, rank = blockIdx.x % P::kSplit;
      step = min(last, rank * each), last = min(last, step + each);
    }
  }
};

/// The items of this block, one after the other.
template <class P, class Each>
__device__ __forceinline__ void each_item(const typename P::Params& p, const Each& each) {
  const int tiles = (rows_of<P>(p) + RingShape<P>::kRows - 1) / RingShape<P>::kRows;
  const int all = heads_of<P>(p) * P::batches(p), total = tiles * all;
  const int blocks = gridDim.x / P::kSplit, block = blockIdx.x / P::kSplit;
  const int half = (tiles + 1) / 2, pairs = half * all;
  const int rounds = (pairs + blocks - 1) / blocks;
  const bool in_pairs = P::kCausal && i64(pairs) * 10 >= i64(rounds) * blocks * 9;
#pragma unroll 1
  for (int turn = 0;; ++turn) {
    int tile = 0, head = 0;
    if (in_pairs) {
      const int index = turn / 2 * blocks + block, at = index % half;
      if (index >= pairs) break;
      tile = turn % 2 == 0 ? tiles - 1 - at : at, head = index / half;
      if (turn % 2 == 1 && tile == tiles - 1 - at) continue;
    } else {
      if (turn * blocks >= total) break;
      const int index = turn * blocks + (P::kCausal && turn % 2 == 1 ? blocks - 1 - block : block);
      if (index >= total) break;
      tile = P::kCausal ? tiles - 1 - index / all : index % tiles;
      head = P::kCausal ? index % all : index / tiles;
    }
    each(Item<P>(p, tile, head));
  }
}

template <class P>
__device__ __forceinline__ void bring(const typename P::Params& p, const RingPlaces<P>& ring,
                                      int thread) {
  using S = RingShape<P>;
  RingTurn<P::kQueryStages> queries;
  RingTurn<P::kStages> keys, values;
  const auto announce = [](u32 full, bool copies) {
    if (copies) return ptx::copies_arrive(full);
    ptx::fence_async();
    ptx::barrier_arrive(full);
  };
  each_item<P>(p, [&](const Item<P>& item) {
    if (item.step >= item.last) return;
    const u16* const k = P::k(p, item.b, P::kPack ? item.h : item.h / P::shared(p));
    const u16* const v = P::v(p, item.b, P::kPack ? item.h : item.h / P::shared(p));
    const auto bring_values = [&](int step) {
      ptx::barrier_wait(ring.values_empty(values.slot), values.phase ^ 1);
      const u16* const from = v + i64(step) * P::kStep * P::v_step(p);
      const auto row = [&](int r) { return from + r * P::v_step(p); };
      announce(ring.values_full(values.slot),
               load_panels<P::kCopy, P::kStep, P::kValueWidth>(
                   ring.v(values.slot), row, from, P::keys(p) - step * P::kStep, thread));
      values.next();
    };
#pragma unroll 1
    for (int step = item.step; step < item.last; ++step) {
      if (step == item.step) {
        ptx::barrier_wait(ring.queries_empty(queries.slot), queries.phase ^ 1);
        const u16* const from = P::q(p, item.b, P::kPack ? item.h * P::shared(p) : item.h);
        const auto row = [&](int r) {
          const int at = item.first + r;
          if constexpr (!P::kPack) return from + at * P::q_step(p);
          return from + at / P::shared(p) * P::q_step(p) + at % P::shared(p) * P::q_head(p);
        };
        announce(ring.queries_full(queries.slot),
                 load_panels<P::kCopy, S::kRows, P::kWidth>(ring.q(queries.slot), row, from,
                                                            rows_of<P>(p) - item.first, thread));
        queries.next();
      }
      ptx::barrier_wait(ring.keys_empty(keys.slot), keys.phase ^ 1);
      const u16* const from = k + i64(step) * P::kStep * P::k_step(p);
      const auto row = [&](int r) { return from + r * P::k_step(p); };
      announce(ring.keys_full(keys.slot),
               load_panels<P::kCopy, P::kStep, P::kWidth>(ring.k(keys.slot), row, from,
                                                          P::keys(p) - step * P::kStep, thread));
      keys.next();
      if (step > item.step) bring_values(step - 1);
    }
    bring_values(item.last - 1);
  });
}

/// One item's rows of a warpgroup, from its first step to its last.
template <class P>
__device__ __forceinline__ void multiply_item(RingTile<P>& tile, const Item<P>& item,
                                              const RingPlaces<P>& ring, u64 q, u32 queries_empty,
                                              RingTurn<P::kStages>& keys,
                                              RingTurn<P::kStages>& values, int group) {
  const auto edge = [&](int step) { return (step + 1) * P::kStep > item.whole; };
  const auto release = [&](u32 empty) {
    if (threadIdx.x % 32 == 0) ptx::barrier_arrive(empty);
  };
  const auto take_turn = [&] {
    if constexpr (P::kTakeTurns) named_barrier_sync<2 * kGroupThreads>(kTurnBarrier + group);
  };
  const auto give_turn = [&] {
    if constexpr (P::kTakeTurns) named_barrier_arrive<2 * kGroupThreads>(kTurnBarrier + 1 - group);
  };
  typename RingTile<P>::Weights weights;
  {
    float s[P::kStep / 2];
    take_turn();
    ptx::barrier_wait(ring.keys_full(keys.slot), keys.phase);
    ptx::fence_async();
    tile.start_keys(s, q, ring.k(keys.slot));
    give_turn();
    tile.load_bias(item.step * P::kStep, edge(item.step));
    ptx::warpgroup_wait<0>();
    settle(s);
    release(ring.keys_empty(keys.slot));
    keys.next();
    if (item.step + 1 == item.last) release(queries_empty);
    tile.template weigh<true>(s, item.step * P::kStep, edge(item.step));
    tile.pack(s, weights);
  }
#pragma unroll 1
  for (int step = item.step + 1; step < item.last; ++step) {
    float s[P::kStep / 2];
    take_turn();
    ptx::barrier_wait(ring.keys_full(keys.slot), keys.phase);
    ptx::barrier_wait(ring.values_full(values.slot), values.phase);
    ptx::fence_async();
    tile.start_keys(s, q, ring.k(keys.slot));
    tile.start_values(weights, ring.v(values.slot));
    give_turn();
    tile.load_bias(step * P::kStep, edge(step));
    ptx::warpgroup_wait<1>();
    settle(s);
    release(ring.keys_empty(keys.slot));
    keys.next();
    if (step + 1 == item.last) release(queries_empty);
    tile.template weigh<false>(s, step * P::kStep, edge(step));
    ptx::warpgroup_wait<0>();
    tile.settle_values();
    release(ring.values_empty(values.slot));
    values.next();
    tile.fade();
    tile.pack(s, weights);
  }
  ptx::barrier_wait(ring.values_full(values.slot), values.phase);
  ptx::fence_async();
  tile.start_values(weights, ring.v(values.slot));
  ptx::warpgroup_wait<0>();
  tile.settle_values();
  release(ring.values_empty(values.slot));
  values.next();
}

template <class P>
__device__ __forceinline__ void attend(const typename P::Params& p, const RingPlaces<P>& ring,
                                       int group, u8* memory) {
  RingTurn<P::kQueryStages> queries;
  RingTurn<P::kStages> keys, values;
  if (P::kTakeTurns && group == 1) named_barrier_arrive<2 * kGroupThreads>(kTurnBarrier);
  each_item<P>(p, [&](const Item<P>& item) {
    const int warp = of_warp(threadIdx.x / 32);
    RingTile<P> tile(p, item.b, item.h, item.first + warp * 16);
    if (item.step < item.last) {
      ptx::barrier_wait(ring.queries_full(queries.slot), queries.phase);
      const u64 q = ptx::matrix_descriptor(ring.q(queries.slot) + group * kGroupRows * kPieceBytes);
      multiply_item<P>(tile, item, ring, q, ring.queries_empty(queries.slot), keys, values, group);
      queries.next();
    }
    if constexpr (P::kSplit == 1) {
      tile.store();
    } else {
      named_barrier_sync<kGroupThreads * P::kGroups>(kMultiplyBarrier);
      tile.put(reinterpret_cast<float*>(memory), warp * 16);
    }
  });
}

template <class P>
CARNOT_DEVICE void run_ring(const typename P::Params& p) {
  extern __shared__ __align__(1024) u8 memory[];
  const RingPlaces<P> ring{ptx::shared_address(memory)};
  const int group = of_warp(threadIdx.x / kGroupThreads);
  if (threadIdx.x == 0) {
    constexpr int kWarps = kGroupWarps * P::kGroups;
    for (int s = 0; s < P::kQueryStages; ++s) {
      ptx::barrier_init(ring.queries_full(s), kGroupThreads),
          ptx::barrier_init(ring.queries_empty(s), kWarps);
    }
    for (int s = 0; s < P::kStages; ++s) {
      ptx::barrier_init(ring.keys_full(s), kGroupThreads),
          ptx::barrier_init(ring.keys_empty(s), kWarps);
      ptx::barrier_init(ring.values_full(s), kGroupThreads),
          ptx::barrier_init(ring.values_empty(s), kWarps);
    }
    ptx::fence_barriers();
  }
  __syncthreads();
  if (group == P::kGroups) {
    if constexpr (P::kFew > 0) ptx::fewer_registers<P::kFew>();
    bring<P>(p, ring, threadIdx.x % kGroupThreads);
  } else {
    if constexpr (P::kMany > 0) ptx::more_registers<P::kMany>();
    attend<P>(p, ring, group, memory);
  }
  if constexpr (P::kSplit > 1) {
    ptx::cluster_arrive();
    ptx::cluster_wait();
    each_item<P>(p,
                 [&](const Item<P>& item) { add_parts<P>(p, item.b, item.h, item.first, memory); });
    ptx::cluster_arrive();  // nobody leaves while others read its memory
    ptx::cluster_wait();
  }
}

}  // namespace carnot::attention
#endif
