// Attention by warpgroups for any number of keys, sm_90a: the keys and values of a head come
// through a ring in shared memory. The last warpgroup of a block brings them, as boxes of tensor
// maps where these can say where they lie (kBoxes), else by cp.async from wherever they do, and the
// queries of the next item ahead of time; each of the others has 64 rows of queries.
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
// kTakeTurns, kWideStore; kScale; kBoxes: boxed(p) (their memory can be addressed), keys_map,
// values_map of Params, k_box_x(h), k_box_z(p, b, h), the same of v: where a head's matrix is;
// q_head (elements between heads of q); bias_pair(p, b, h, i, j, both): of keys j and j + 1;
// store_wide(p, b, h, i, e, eight); and the instructions multiply_keys(s, q, k, accumulate) and
// multiply_values(out, weights, v).
#pragma once
#include "codegen/cuda/lib/ring_items.cuh"
#include "codegen/cuda/lib/ring_tile.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::attention {

/// Whether keys and values come by the copy engine.
template <class P>
CARNOT_DEVICE bool is_boxed(const typename P::Params& p) {
  if constexpr (P::kBoxes) return P::boxed(p);
  return false;
}

/// kRows rows from `row` of matrix `z` on, panels of 64 elements of them from `x` on.
template <int kRows, int kWidth>
CARNOT_DEVICE void bring_boxes(u32 to, const ptx::TensorMap* map, int x, int row, int z, u32 full) {
  constexpr int kPanelBytes = kRows * kPieceBytes;
  ptx::barrier_expect(full, kWidth / 64 * kPanelBytes);
#pragma unroll
  for (int panel = 0; panel < kWidth / 64; ++panel) {
    ptx::copy_box(to + panel * kPanelBytes, map, x + panel * 64, row, z, full);
  }
}

template <class P>
__device__ __forceinline__ void bring(const typename P::Params& p, const RingPlaces<P>& ring,
                                      int thread) {
  using S = RingShape<P>;
  const bool boxed = is_boxed<P>(p);
  RingTurn<P::kQueryStages> queries;
  RingTurn<P::kStages> keys, values;
  const auto announce = [](u32 full, bool copies) {
    if (copies) return ptx::copies_arrive(full);
    ptx::fence_async();
    ptx::barrier_arrive(full);
  };
  each_item<P>(p, [&](const Item<P>& item) {
    if (item.step >= item.last) return;
    const int head = P::kPack ? item.h : item.h / P::shared(p);
    const u16* const k = P::k(p, item.b, head);
    const u16* const v = P::v(p, item.b, head);
    const auto bring_values = [&](int step) {
      if (boxed && thread > 0) return;
      ptx::barrier_wait(ring.values_empty(values.slot), values.phase ^ 1);
      if constexpr (P::kBoxes) {
        if (boxed) {
          bring_boxes<P::kStep, P::kValueWidth>(ring.v(values.slot), p.values_map, P::v_box_x(head),
                                                step * P::kStep, P::v_box_z(p, item.b, head),
                                                ring.values_full(values.slot));
          return values.next();
        }
      }
      const u16* const from = v + i64(step) * P::kStep * P::v_step(p);
      const auto row = [&](int r) { return from + r * P::v_step(p); };
      announce(ring.values_full(values.slot),
               load_panels<P::kCopy, P::kStep, P::kValueWidth>(
                   ring.v(values.slot), row, from, P::keys(p) - step * P::kStep, thread));
      values.next();
    };
    const auto bring_keys = [&](int step) {
      if (boxed && thread > 0) return;
      ptx::barrier_wait(ring.keys_empty(keys.slot), keys.phase ^ 1);
      if constexpr (P::kBoxes) {
        if (boxed) {
          bring_boxes<P::kStep, P::kWidth>(ring.k(keys.slot), p.keys_map, P::k_box_x(head),
                                           step * P::kStep, P::k_box_z(p, item.b, head),
                                           ring.keys_full(keys.slot));
          return keys.next();
        }
      }
      const u16* const from = k + i64(step) * P::kStep * P::k_step(p);
      const auto row = [&](int r) { return from + r * P::k_step(p); };
      announce(ring.keys_full(keys.slot),
               load_panels<P::kCopy, P::kStep, P::kWidth>(ring.k(keys.slot), row, from,
                                                          P::keys(p) - step * P::kStep, thread));
      keys.next();
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
      bring_keys(step);
      if (step > item.step) bring_values(step - 1);
    }
    bring_values(item.last - 1);
  });
  __syncwarp();
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
    const int arrivals = is_boxed<P>(p) ? 1 : kGroupThreads;
    if constexpr (P::kBoxes) {
      // Of no keys, or where they cannot be addressed, the maps are empty.
      if (arrivals == 1 && P::keys(p) > 0) {
        ptx::prefetch_map(p.keys_map), ptx::prefetch_map(p.values_map);
      }
    }
    for (int s = 0; s < P::kQueryStages; ++s) {
      ptx::barrier_init(ring.queries_full(s), kGroupThreads),
          ptx::barrier_init(ring.queries_empty(s), kWarps);
    }
    for (int s = 0; s < P::kStages; ++s) {
      ptx::barrier_init(ring.keys_full(s), arrivals), ptx::barrier_init(ring.keys_empty(s), kWarps);
      ptx::barrier_init(ring.values_full(s), arrivals),
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
