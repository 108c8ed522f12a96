// Contractions with few weights and many rows: a block keeps all weights in shared memory and goes
// through tiles of rows. The next step of A, of the next tile too, is on its way while the tensor
// cores are at one.
//
// P as in contraction.cuh, with kStages the steps of a tile, one tile of columns, one batch.
#pragma once
#include "codegen/cuda/lib/contraction.cuh"

namespace carnot::contraction {

template <class P>
__device__ __forceinline__ void run_kept(const typename P::Params& p) {
  using S = Shape<P>;
  using A = Loader<P, typename P::SideA, P::kTileM, S::kThreads>;
  static_assert(P::kPackedB && P::kSplit == 1);
  extern __shared__ __align__(1024) u8 memory[];
  constexpr int kWeights = P::kStages * S::kBytesB;
  const u32 base = ptx::shared_address(memory);
  float* const sums = reinterpret_cast<float*>(memory + kWeights + 2 * S::kBytesA);
  const int thread = threadIdx.x, warp = thread / 32;
  const int tiles = (P::rows(p) + P::kTileM - 1) / P::kTileM, stride = gridDim.x;
  const int chunks = P::chunks(p) * P::taps(p);

  const PackedLoader<P, S::kThreads> b(P::packed(p), thread);
#pragma unroll
  for (int s = 0; s < P::kStages; ++s) b.start(s, base + s * S::kBytesB);
  ptx::commit();
  ptx::let_next_start();
  ptx::wait_for_previous();
  A a(p, 0, blockIdx.x * P::kTileM, thread);
  const auto bring = [&](int step, int slot) {
    if constexpr (A::kStaged) {
      a.fetch(step);
    } else {
      a.start(step, base + kWeights + slot * S::kBytesA);
      ptx::commit();
    }
  };
  bring(0, 0);

  const int warp_k = warp / (P::kWarpsM * P::kWarpsN), in_k = warp % (P::kWarpsM * P::kWarpsN);
  int slot = 0;
#pragma unroll 1
  for (int tile = blockIdx.x; tile < tiles; tile += stride) {
    typename Compute<P::kMethod, P>::Type compute(in_k % P::kWarpsM, in_k / P::kWarpsM,
                                                  thread % 32);
#pragma unroll 1
    for (int step = 0; step < P::kStages; ++step) {
      const u32 here = base + kWeights + slot * S::kBytesA;
      if constexpr (A::kStaged) a.put(here);
      ptx::wait_groups<0>();
      __syncthreads();
      slot ^= 1;
      if (step + 1 < P::kStages) {
        bring(step + 1, slot);
      } else if (tile + stride < tiles) {
        a.move_to(0, (tile + stride) * P::kTileM);
        bring(0, slot);
      }
      compute.step(here, base + step * S::kBytesB, warp_k, chunks - step * S::kChunks);
    }
#pragma unroll
    for (int k = 0; k < P::kWarpsK; ++k) {
      if (k == 0 && warp_k == 0) compute.template put<false>(sums);
      if (k > 0 && warp_k == k) compute.template put<true>(sums);
      __syncthreads();
    }
    finish<P, S::kThreads>(p, {0, tile, 0}, sums, thread, 0);
  }
}

}  // namespace carnot::contraction
