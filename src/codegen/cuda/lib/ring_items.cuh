// Of attention through a ring (keys_ring.cuh): what a persistent block works on, and in which
// order.
#pragma once
#include "codegen/cuda/lib/ring_rows.cuh"

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

}  // namespace carnot::attention
#endif
