// out[batch, rows, columns] = epilogue(sum over k of A[batch, rows, k] * B[batch, columns, k]).
//
// A block computes a tile of kTileM x kTileN over kSplit-th of the steps along k; a step is
// kRowBytes of every row of both operands. Steps pass through kStages of shared memory, kStages - 1
// of them on their way. Warps are kWarpsM x kWarpsN over the tile, times kWarpsK that share each
// step. 16-bit operands go through the tensor cores (mma.sync, f32 sums), f32 through
// plain multiply-adds: exact to f32's rounding.
//
// Sums are laid out in shared memory and leave it through the generated epilogue, P::kVector
// neighbouring columns at a time. With kSplit > 1 the blocks of one tile are a cluster: each adds
// up the others' sums for its share of the rows, in the order of ranks, so that results repeat.
//
// P: Params; kTileM, kTileN, kRowBytes, kStages, kWarpsM, kWarpsN, kWarpsK, kSplit, kGroup;
// kMath; kElementBytes; kPackedB; kVector; SideA, SideB (load.cuh); rows, columns, batches, taps,
// run, chunks; packed(p). The epilogue: Beside, load(p, batch, row, column, beside), the same of
// what depends on columns alone: Above, load_above(p, column, above); Out, compute(p, sums, beside,
// above, out), store(p, batch, row, column, out); wide(p): vectors are aligned, loads and stores of
// kWide.
#pragma once
#include "codegen/cuda/lib/multiply.cuh"

namespace carnot::contraction {

template <bool kPacked, class P, int kThreads>
struct LoaderB {
  using Type = PackedLoader<P, kThreads>;
  __device__ __forceinline__ static Type make(const typename P::Params& p, int batch, int tile,
                                              int tiles, int steps, int thread) {
    const i64 piece = (static_cast<i64>(batch) * tiles + tile) * steps;
    return {P::packed(p) + piece * Type::kBytes, thread};
  }
};
template <class P, int kThreads>
struct LoaderB<false, P, kThreads> {
  using Type = Loader<P, typename P::SideB, P::kTileN, kThreads>;
  __device__ __forceinline__ static Type make(const typename P::Params& p, int batch, int tile, int,
                                              int, int thread) {
    return {p, batch, tile * P::kTileN, thread};
  }
};

/// Which tile a block has: groups of kGroup rows of tiles, so that the blocks that run together
/// share operands in the cache.
struct Place {
  int batch, m, n;
};
template <class P>
__device__ __forceinline__ Place place_of(const typename P::Params& p, int block) {
  const int tiles_m = (P::rows(p) + P::kTileM - 1) / P::kTileM;
  const int tiles_n = (P::columns(p) + P::kTileN - 1) / P::kTileN;
  const int batch = block / (tiles_m * tiles_n), at = block - batch * (tiles_m * tiles_n);
  if constexpr (P::kGroup == 1) return {batch, at / tiles_n, at % tiles_n};
  const int group = at / (P::kGroup * tiles_n), in = at - group * (P::kGroup * tiles_n);
  const int height = min(P::kGroup, tiles_m - group * P::kGroup);
  return {batch, group * P::kGroup + in % height, in / height};
}

/// The sums of kVector columns from `c` on in row `r` of a tile; those of all ranks, where a
/// cluster shares it.
template <class P>
__device__ __forceinline__ void total(const float* tile, int r, int c, float (&sums)[P::kVector]) {
  const float* from = tile + r * Shape<P>::kPitch + c;
  if constexpr (P::kSplit == 1) {
#pragma unroll
    for (int v = 0; v < P::kVector; ++v) sums[v] = from[v];
  } else {
#if __CUDA_ARCH__ >= 900
    // Whole 16 bytes of each rank, all on their way at once; a short vector takes its part.
    const u32 local = ptx::shared_address(from - (c & 3));
    constexpr int kQuads = (P::kVector + 3) / 4;
    float4 parts[P::kSplit][kQuads], all[kQuads] = {};
#pragma unroll
    for (int other = 0; other < P::kSplit; ++other) {
      const u32 remote = ptx::map_to_rank(local, other);
#pragma unroll
      for (int q = 0; q < kQuads; ++q) parts[other][q] = ptx::load_cluster(remote + q * 16);
    }
#pragma unroll
    for (int other = 0; other < P::kSplit; ++other) {
#pragma unroll
      for (int q = 0; q < kQuads; ++q) {
        const float4 v = parts[other][q];
        all[q].x += v.x, all[q].y += v.y, all[q].z += v.z, all[q].w += v.w;
      }
    }
#pragma unroll
    for (int v = 0; v < P::kVector; ++v) {
      const int lane = P::kVector >= 4 ? v % 4 : (c & 3) + v;
      const float4& four = all[v / 4];
      sums[v] = lane == 0 ? four.x : lane == 1 ? four.y : lane == 2 ? four.z : four.w;
    }
#endif
  }
}

/// A tile (a rank's rows of it) from shared memory through the epilogue. What the epilogue reads is
/// on its way for kBatch vectors of a thread at once.
template <class P, int kThreads, bool kWide>
__device__ __forceinline__ void finish_as(const typename P::Params& p, const Place& at,
                                          const float* tile, int thread, int rank) {
  constexpr int kAcross = P::kTileN / P::kVector, kRows = P::kTileM / P::kSplit;
  constexpr int kTotal = kRows * kAcross, kEach = (kTotal + kThreads - 1) / kThreads;
  constexpr int kBatch = !kWide ? 1 : kEach < 4 ? kEach : 4;
  const int rows = P::rows(p), columns = P::columns(p);
#pragma unroll 1
  for (int first = thread; first < kTotal; first += kBatch * kThreads) {
    typename P::Beside beside[kBatch];
    typename P::Above above[kBatch];
    typename P::Out out[kBatch];
    bool inside[kBatch];
#pragma unroll
    for (int j = 0; j < kBatch; ++j) {
      const int i = first + j * kThreads;
      const int row = at.m * P::kTileM + rank * kRows + i / kAcross;
      const int column = at.n * P::kTileN + i % kAcross * P::kVector;
      inside[j] = i < kTotal && row < rows && column < columns;
      if (inside[j]) {
        P::template load_above<kWide>(p, column, above[j]);
        P::template load<kWide>(p, at.batch, row, column, beside[j]);
      }
    }
#pragma unroll
    for (int j = 0; j < kBatch; ++j) {
      const int i = min(first + j * kThreads, kTotal - 1);
      float sums[P::kVector];
      total<P>(tile, rank * kRows + i / kAcross, i % kAcross * P::kVector, sums);
      P::compute(p, sums, beside[j], above[j], out[j]);
    }
#pragma unroll
    for (int j = 0; j < kBatch; ++j) {
      const int i = first + j * kThreads;
      const int row = at.m * P::kTileM + rank * kRows + i / kAcross;
      const int column = at.n * P::kTileN + i % kAcross * P::kVector;
      if (inside[j]) P::template store<kWide>(p, at.batch, row, column, out[j]);
    }
  }
}
template <class P, int kThreads>
__device__ __forceinline__ void finish(const typename P::Params& p, const Place& at,
                                       const float* tile, int thread, int rank) {
  if (P::wide(p)) {
    finish_as<P, kThreads, true>(p, at, tile, thread, rank);
  } else {
    finish_as<P, kThreads, false>(p, at, tile, thread, rank);
  }
}

template <class P>
__device__ __forceinline__ void run(const typename P::Params& p) {
  using S = Shape<P>;
  using MakeB = LoaderB<P::kPackedB, P, S::kThreads>;
  extern __shared__ __align__(1024) u8 memory[];
  const u32 base = ptx::shared_address(memory);
  const int thread = threadIdx.x, warp = thread / 32;
  const int block = blockIdx.x / P::kSplit, rank = blockIdx.x % P::kSplit;
  const Place at = place_of<P>(p, block);
  const int chunks = P::chunks(p) * P::taps(p);
  const int steps = (chunks + S::kChunks - 1) / S::kChunks;
  const int first = steps * rank / P::kSplit, last = steps * (rank + 1) / P::kSplit;

  Loader<P, typename P::SideA, P::kTileM, S::kThreads> a(p, at.batch, at.m * P::kTileM, thread);
  const int tiles_n = (P::columns(p) + P::kTileN - 1) / P::kTileN;
  auto b = MakeB::make(p, at.batch, at.n, tiles_n, steps, thread);
  constexpr bool kStagedA = decltype(a)::kStaged, kStagedB = decltype(b)::kStaged;
  const auto start = [&](int step, int slot) {
    const u32 to = base + slot * (S::kBytesA + S::kBytesB);
    if constexpr (!kStagedA) a.start(step, to);
    if constexpr (!kStagedB) b.start(step, to + S::kBytesA);
  };
  const auto put = [&](int slot) {
    const u32 to = base + slot * (S::kBytesA + S::kBytesB);
    if constexpr (kStagedA) a.put(to);
    if constexpr (kStagedB) b.put(to + S::kBytesA);
  };

  constexpr int kAhead = P::kStages - 1;
  ptx::let_next_start();
  ptx::wait_for_previous();
#pragma unroll
  for (int s = 0; s < kAhead; ++s) {
    if (first + s < last) {
      start(first + s, s);
      if constexpr (kStagedA) a.fetch(first + s);
      if constexpr (kStagedB) b.fetch(first + s);
      put(s);
    }
    ptx::commit();
  }

  const int warp_k = warp / (P::kWarpsM * P::kWarpsN), in_k = warp % (P::kWarpsM * P::kWarpsN);
  typename Compute<P::kMethod, P>::Type compute(in_k % P::kWarpsM, in_k / P::kWarpsM, thread % 32);
  int slot = 0;
  for (int step = first; step < last; ++step) {
    ptx::wait_groups<kAhead - 1>();
    const u32 stage = base + slot * (S::kBytesA + S::kBytesB);
    __syncthreads();
    const int next = step + kAhead;
    const int free = slot + kAhead < P::kStages ? slot + kAhead : slot + kAhead - P::kStages;
    if (next < last) {
      start(next, free);
      if constexpr (kStagedA) a.fetch(next);
      if constexpr (kStagedB) b.fetch(next);
    }
    ptx::commit();
    compute.step(stage, stage + S::kBytesA, warp_k, chunks - step * S::kChunks);
    if (next < last) put(free);
    slot = slot == P::kStages - 1 ? 0 : slot + 1;
  }
  ptx::wait_groups<0>();
  __syncthreads();

  float* tile = reinterpret_cast<float*>(memory);
#pragma unroll
  for (int k = 0; k < P::kWarpsK; ++k) {
    if (k == 0 && warp_k == 0) compute.template put<false>(tile);
    if (k > 0 && warp_k == k) compute.template put<true>(tile);
    if (P::kSplit == 1 || k + 1 < P::kWarpsK) __syncthreads();
  }
#if __CUDA_ARCH__ >= 900
  if constexpr (P::kSplit > 1) {
    ptx::cluster_arrive();
    ptx::cluster_wait();
  }
#endif
  finish<P, S::kThreads>(p, at, tile, thread, rank);
#if __CUDA_ARCH__ >= 900
  if constexpr (P::kSplit > 1) {  // nobody leaves while others read its sums
    ptx::cluster_arrive();
    ptx::cluster_wait();
  }
#endif
}

}  // namespace carnot::contraction
