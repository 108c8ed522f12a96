// The same attention by warpgroups, sm_90a: all keys and values of a head lie in shared memory at
// once, brought in once for kRounds tiles of 64 queries of each of kGroups warpgroups. wgmma reads
// queries, keys and values there; weights stay in registers. Scores are worked on in pieces of
// kPiece keys, the last of kLast, so that of 64 queries by a piece a thread has 128 registers.
//
// Queries beyond the last are zeros, and their warps weigh nothing; keys beyond the last, of a
// number that is known, have a score of -infinity.
//
// P as in attention.cuh, without kCausal, kWarps and kTiles; kKeyCount; and the instructions
// multiply_piece(s, q, k, accumulate), multiply_last(...) and multiply_values(out, weights, v).
#pragma once
#include "codegen/cuda/lib/pipeline.cuh"
#include "codegen/cuda/lib/rows.cuh"
#include "codegen/cuda/lib/softmax.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::attention {

template <class P>
struct HeadMemory {
  static constexpr int kQueries = kGroupRows * P::kGroups * P::kRounds;
  static constexpr int kKeys = (P::kKeyCount + 15) / 16 * 16;
  static constexpr int kQ = kQueries * kPieceBytes, kK = kKeys * kPieceBytes;
  static_assert(P::kWidth <= 64 && P::kValueWidth <= 64);
};

/// From one descriptor to that of `count` rows later.
CARNOT_DEVICE u64 rows(int count) {
  return ptx::descriptor_bytes(count * kPieceBytes);
}

/// A warpgroup's 64 queries: lane i of a warp has its rows i / 4 and i / 4 + 8.
template <class P>
class HeadTile {
  static constexpr int kD = padded(P::kWidth) / 16, kE = padded(P::kValueWidth) / 16;
  using Params = typename P::Params;

 public:
  /// `warp_row`: the first of a warp's rows.
  __device__ __forceinline__ HeadTile(const Params& p, int b, int h, int warp_row)
      : p_(p), b_(b), h_(h), lane_(threadIdx.x % 32), first_(warp_row + lane_ / 4) {
    used_ = warp_row < P::queries(p);
  }

  /// Scores of kCount keys from `key` on.
  template <bool kIsLast, int kCount>
  __device__ __forceinline__ void multiply_keys(float (&s)[kCount], u64 q, u64 k) const {
    ptx::warpgroup_fence();
#pragma unroll
    for (int d = 0; d < kD; ++d) {
      const u64 at = ptx::descriptor_bytes(d * 32);  // 16 elements
      if constexpr (kIsLast) {
        P::multiply_last(s, q + at, k + at, d > 0);
      } else {
        P::multiply_piece(s, q + at, k + at, d > 0);
      }
    }
    ptx::warpgroup_commit();
    ptx::warpgroup_wait<0>();
    settle(s);
  }

  template <bool kIsFirst, bool kIsLast, int kCount>
  __device__ __forceinline__ void add_values(float (&s)[kCount], u64 v, int key) {
    u32 weights[kCount / 8][4] = {};
    if (used_) {
      constexpr bool kPlain = !P::kHasBias && P::kScale > 0;
      if constexpr (!kPlain) finish_scores<kIsLast>(s, key);
      if constexpr (kIsLast) hide_beyond(s, key);
      softmax_.template weigh<kIsFirst>(s, kPlain ? P::kScale * kLog2E : 1.0f);
      if constexpr (!kIsFirst) {
#pragma unroll
        for (int i = 0; i < 8 * kE; ++i) out_[i] *= softmax_.fading(i / 2 % 2);
      }
#pragma unroll
      for (int j = 0; j < kCount / 8; ++j) pack_weights<P::kBrain>(weights[j], s, j);
    }
    __syncwarp();
    ptx::warpgroup_fence();
#pragma unroll
    for (int j = 0; j < kCount / 8; ++j) {
      P::multiply_values(out_, weights[j], v + rows(j * 16));
    }
    ptx::warpgroup_commit();
    ptx::warpgroup_wait<0>();
    settle(out_);
  }

  __device__ __forceinline__ void store() {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float sum = softmax_.sum(r), scale = 1.0f / sum;
      const bool any = counts<P>(p_, sum);
      const int row = first_ + r * 8;
      if (row >= P::queries(p_)) continue;
#pragma unroll
      for (int e = 0; e < 2 * kE; ++e) {
        const int column = e * 8 + lane_ % 4 * 2;
        if (column < P::kValueWidth) {
          const u32 pair =
              ptx::pack<P::kBrain>(out_[e * 4 + 2 * r] * scale, out_[e * 4 + 2 * r + 1] * scale);
          P::store(p_, b_, h_, row, column, any ? pair : 0);
        }
      }
    }
  }

 private:
  template <bool kIsLast, int kCount>
  __device__ __forceinline__ void finish_scores(float (&s)[kCount], int key) const {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int at = key + i / 4 * 8 + lane_ % 4 * 2 + i % 2;
      const int row = P::kBiasHasRows ? first_ + i / 2 % 2 * 8 : 0;
      float score = s[i] * (P::kScale * kLog2E);
      if (P::kHasBias && (!kIsLast || at < P::kKeyCount) &&
          (!P::kBiasHasRows || row < P::queries(p_))) {
        score += P::bias(p_, b_, h_, row, at) * kLog2E;
      }
      s[i] = score;
    }
  }

  template <int kCount>
  __device__ __forceinline__ void hide_beyond(float (&s)[kCount], int key) const {
    constexpr int kInside = P::kKeyCount % 16 == 0 ? kCount : kCount - 8;
#pragma unroll
    for (int i = kInside; i < kCount; ++i) {
      if (key + i / 4 * 8 + lane_ % 4 * 2 + i % 2 >= P::kKeyCount) s[i] = -infinity_f32();
    }
  }

  const Params& p_;
  int b_, h_, lane_, first_;
  bool used_;
  float out_[kE * 8] = {};
  RowSoftmax softmax_;
};

template <class P>
CARNOT_DEVICE void run_heads(const typename P::Params& p) {
  using M = HeadMemory<P>;
  constexpr int kThreads = kGroupThreads * P::kGroups;
  constexpr int kPieces = (M::kKeys + P::kPiece - 1) / P::kPiece;
  static_assert(M::kKeys == (kPieces - 1) * P::kPiece + P::kLast);
  extern __shared__ __align__(1024) u8 memory[];
  const u32 q = ptx::shared_address(memory), k = q + M::kQ, v = k + M::kK;
  const int blocks = (P::queries(p) + M::kQueries - 1) / M::kQueries;
  const int first = blockIdx.x % blocks * M::kQueries;
  const int h = blockIdx.x / blocks % P::heads(p), b = blockIdx.x / blocks / P::heads(p);
  load_rows<P::kCopy, M::kQueries, P::kWidth, kThreads>(q, P::q(p, b, h), P::q_step(p), first,
                                                        P::queries(p));
  load_rows<P::kCopy, M::kKeys, P::kWidth, kThreads>(k, P::k(p, b, h / P::shared(p)), P::k_step(p),
                                                     0, P::kKeyCount);
  ptx::commit();
  load_rows<P::kCopy, M::kKeys, P::kValueWidth, kThreads>(v, P::v(p, b, h / P::shared(p)),
                                                          P::v_step(p), 0, P::kKeyCount);
  ptx::commit();
  const int warp = of_warp(threadIdx.x / 32);
  ptx::wait_groups<1>();
  ptx::fence_async();
  __syncthreads();
  const u64 keys = ptx::matrix_descriptor(k), values = ptx::matrix_descriptor(v);
#pragma unroll 1
  for (int round = 0; round < P::kRounds; ++round) {
    const int row = (round * P::kGroups + warp / kGroupWarps) * kGroupRows;
    // Every warpgroup has the first round: there it waits for the values with the others.
    if (round > 0 && first + row >= P::queries(p)) break;
    const u64 queries = ptx::matrix_descriptor(q + row * kPieceBytes);
    const auto wait_for_values = [&] {
      if (round > 0) return;
      ptx::wait_groups<0>();
      ptx::fence_async();
      __syncthreads();
    };
    HeadTile<P> tile(p, b, h, first + row + warp % kGroupWarps * 16);
    if constexpr (kPieces > 1) {
      float s[P::kPiece / 2];
      tile.template multiply_keys<false>(s, queries, keys);
      wait_for_values();
      tile.template add_values<true, false>(s, values, 0);
    }
#pragma unroll 1
    for (int key = P::kPiece; key < M::kKeys - P::kLast; key += P::kPiece) {
      float s[P::kPiece / 2];
      tile.template multiply_keys<false>(s, queries, keys + rows(key));
      tile.template add_values<false, false>(s, values + rows(key), key);
    }
    constexpr int kKey = M::kKeys - P::kLast;
    float s[P::kLast / 2];
    tile.template multiply_keys<true>(s, queries, keys + rows(kKey));
    if constexpr (kPieces == 1) wait_for_values();
    tile.template add_values<kPieces == 1, true>(s, values + rows(kKey), kKey);
    tile.store();
  }
}

}  // namespace carnot::attention
#endif
