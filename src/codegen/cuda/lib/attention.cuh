// out = softmax(q k^T * scale + bias) v, 16-bit operands, sums in f32, without the matrix of scores
// ever in memory: a block has kWarps x kTiles x 16 queries of one head and passes over the keys in
// blocks of 64, each warp keeping its rows' maximum, sum and results, faded when the maximum grows.
// What a warp loads of keys and values serves all its tiles: two of them need half the traffic of
// shared memory, the bound of one. Work is skipped in groups of 16 keys.
//
// Rows lie in shared memory in multiples of 128 bytes, chunks of 16 bytes swizzled by the row; the
// next block of keys and values is on its way while one is worked on. Columns beyond the heads'
// width and rows beyond the last are zeros, keys beyond the last have a score of -infinity.
//
// P has Params; kBrain, kWarps, kTiles, kWidth, kValueWidth, kCausal, kGuarded, kHasBias,
// kBiasHasRows (it depends on the query), kCopy (16, or 0: element by element); queries, keys,
// heads, shared (query heads of a key head), scale; of q, k and v where a head's first row is and
// the elements between rows (q_step ...); bias(p, b, h, i, j); and store(p, b, h, i, e, pair),
// which takes two results.
#pragma once
#include "codegen/cuda/lib/rows.cuh"
#include "codegen/cuda/lib/softmax.cuh"

namespace carnot::attention {

constexpr int kKeys = 64;

template <class P>
struct Memory {
  static constexpr int kQueries = 16 * P::kTiles * P::kWarps;
  static constexpr int kQ = kQueries * row_bytes(P::kWidth);
  static constexpr int kK = kKeys * row_bytes(P::kWidth);
  static constexpr int kV = kKeys * row_bytes(P::kValueWidth);
};

/// A warp's queries, kTiles times 16: of each, lane i has rows i / 4 and i / 4 + 8. Scores are in
/// powers of two: what the scale makes of them, times log2(e).
template <class P>
class Rows {
  static constexpr int kD = padded(P::kWidth) / 16, kE = padded(P::kValueWidth) / 16;
  static constexpr int kRowBytes = row_bytes(P::kWidth), kValueBytes = row_bytes(P::kValueWidth);
  static constexpr int kTiles = P::kTiles;
  using Params = typename P::Params;
  using Scores = float[kTiles][kKeys / 2];

 public:
  __device__ __forceinline__ Rows(const Params& p, int b, int h, int first)
      : p_(p), b_(b), h_(h), lane_(threadIdx.x % 32) {
    first_ = first + threadIdx.x / 32 * 16 * kTiles + lane_ / 4;
  }

  __device__ __forceinline__ void load_queries(u32 q) {
#pragma unroll
    for (int m = 0; m < kTiles; ++m) {
      const int row = (threadIdx.x / 32 * kTiles + m) * 16 + lane_ % 16;
#pragma unroll
      for (int d = 0; d < kD; ++d) {
        ptx::load_matrices(q_[m][d], q + swizzled<kRowBytes>(row, d * 2 + lane_ / 16));
      }
    }
  }

  /// Keys [key, key + kKeys), all there for all rows.
  __device__ __forceinline__ void pass(u32 k, u32 v, int key) {
    Scores s = {};
    multiply_keys(s, k, kKeys / 16);
    const float scale = P::scale() * kLog2E;
    if (P::kHasBias || !(scale > 0)) {
      finish_scores<false>(s, key);
      weigh(s, 1);
    } else {
      weigh(s, scale);
    }
    multiply_values(s, v, kKeys / 16);
  }
  /// The same, some of them beyond the last, or after a query.
  __device__ __forceinline__ void pass_edge(u32 k, u32 v, int key) {
    const int groups = min(kKeys / 16, (P::keys(p_) - key + 15) / 16);
    Scores s = {};
    multiply_keys(s, k, groups);
    finish_scores<true>(s, key);
    weigh(s, 1);
    multiply_values(s, v, groups);
  }

  __device__ __forceinline__ void store() {
#pragma unroll
    for (int m = 0; m < kTiles; ++m) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float sum = softmax_[m].sum(r), scale = 1.0f / sum;
        const bool any = counts<P>(p_, sum);
        const int row = row_of(m, r);
        if (row >= P::queries(p_)) continue;
#pragma unroll
        for (int e = 0; e < 2 * kE; ++e) {
          const int column = e * 8 + lane_ % 4 * 2;
          if (column < P::kValueWidth) {
            const u32 pair =
                ptx::pack<P::kBrain>(out_[m][e][2 * r] * scale, out_[m][e][2 * r + 1] * scale);
            P::store(p_, b_, h_, row, column, any ? pair : 0);
          }
        }
      }
    }
  }

 private:
  __device__ __forceinline__ int row_of(int m, int r) const {
    return first_ + m * 16 + r * 8;
  }

  /// Groups of 16 keys: those from `groups` on stay zero.
  __device__ __forceinline__ void multiply_keys(Scores& s, u32 k, int groups) const {
#pragma unroll
    for (int j = 0; j < kKeys / 16; ++j) {
      if (j >= groups) break;
#pragma unroll
      for (int d = 0; d < kD; ++d) {
        u32 b[4];
        ptx::load_matrices(
            b, k + swizzled<kRowBytes>(j * 16 + lane_ / 16 * 8 + lane_ % 8, d * 2 + lane_ / 8 % 2));
#pragma unroll
        for (int m = 0; m < kTiles; ++m) {
          ptx::multiply<P::kBrain>(eight_columns(s[m], 2 * j), q_[m][d], b[0], b[1]);
          ptx::multiply<P::kBrain>(eight_columns(s[m], 2 * j + 1), q_[m][d], b[2], b[3]);
        }
      }
    }
  }

  __device__ __forceinline__ void multiply_values(const Scores& s, u32 v, int groups) {
#pragma unroll
    for (int j = 0; j < kKeys / 16; ++j) {
      if (j >= groups) break;
      u32 weights[kTiles][4];
#pragma unroll
      for (int m = 0; m < kTiles; ++m) pack_weights<P::kBrain>(weights[m], s[m], j);
#pragma unroll
      for (int e = 0; e < kE; ++e) {
        u32 b[4];
        ptx::load_matrices_transposed(
            b, v + swizzled<kValueBytes>(j * 16 + lane_ % 16, e * 2 + lane_ / 16));
#pragma unroll
        for (int m = 0; m < kTiles; ++m) {
          ptx::multiply<P::kBrain>(out_[m][2 * e], weights[m], b[0], b[1]);
          ptx::multiply<P::kBrain>(out_[m][2 * e + 1], weights[m], b[2], b[3]);
        }
      }
    }
  }

  template <bool kEdge>
  __device__ __forceinline__ void finish_scores(Scores& s, int key) const {
    const int keys = P::keys(p_), shift = keys - P::queries(p_);
    const float scale = P::scale() * kLog2E;
#pragma unroll
    for (int j = 0; j < kKeys / 8; ++j) {
      const int first = key + j * 8 + lane_ % 4 * 2;
      float above[2] = {};  // a bias that all rows share
      if (P::kHasBias && !P::kBiasHasRows) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          if (!kEdge || first + i < keys) above[i] = P::bias(p_, b_, h_, 0, first + i);
        }
      }
#pragma unroll
      for (int m = 0; m < kTiles; ++m) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int at = first + i % 2, row = row_of(m, i / 2);
          float score = s[m][4 * j + i] * scale;
          if (P::kHasBias && !P::kBiasHasRows) score += above[i % 2] * kLog2E;
          if (P::kHasBias && P::kBiasHasRows && (!kEdge || at < keys) && row < P::queries(p_)) {
            score += P::bias(p_, b_, h_, row, at) * kLog2E;
          }
          if (kEdge && (at >= keys || (P::kCausal && at > row + shift))) score = -infinity_f32();
          s[m][4 * j + i] = score;
        }
      }
    }
  }

  /// Scores, times a positive factor, to weights; what was multiplied by earlier ones fades.
  __device__ __forceinline__ void weigh(Scores& s, float factor) {
#pragma unroll
    for (int m = 0; m < kTiles; ++m) {
      softmax_[m].template weigh<false>(s[m], factor);
#pragma unroll
      for (int e = 0; e < 2 * kE; ++e) {
#pragma unroll
        for (int i = 0; i < 4; ++i) out_[m][e][i] *= softmax_[m].fading(i / 2);
      }
    }
  }

  const Params& p_;
  u32 q_[kTiles][kD][4];
  float out_[kTiles][2 * kE][4] = {};
  RowSoftmax softmax_[kTiles];
  int b_, h_, first_, lane_;
};

template <class P>
CARNOT_DEVICE void run(const typename P::Params& p) {
  using M = Memory<P>;
  constexpr int kThreads = 32 * P::kWarps;
  extern __shared__ __align__(1024) u8 memory[];
  const u32 q = ptx::shared_address(memory), k = q + M::kQ, v = k + 2 * M::kK;
  const int blocks = (P::queries(p) + M::kQueries - 1) / M::kQueries;
  const int first = blockIdx.x % blocks * M::kQueries;
  const int h = blockIdx.x / blocks % P::heads(p), b = blockIdx.x / blocks / P::heads(p);
  const u16* const keys = P::k(p, b, h / P::shared(p));
  const u16* const values = P::v(p, b, h / P::shared(p));
  // Keys that no row sees are not looked at; up to `whole` every row sees all.
  const int shift = P::keys(p) - P::queries(p);
  int end = P::keys(p), whole = end;
  if (P::kCausal) {
    end = max(0, min(end, first + M::kQueries + shift));
    whole = min(whole, first + shift + 1);
  }
  const auto start = [&](int key, int slot) {
    load_rows<P::kCopy, kKeys, P::kWidth, kThreads>(k + slot * M::kK, keys, P::k_step(p), key,
                                                    P::keys(p));
    load_rows<P::kCopy, kKeys, P::kValueWidth, kThreads>(v + slot * M::kV, values, P::v_step(p),
                                                         key, P::keys(p));
  };
  load_rows<P::kCopy, M::kQueries, P::kWidth, kThreads>(q, P::q(p, b, h), P::q_step(p), first,
                                                        P::queries(p));
  if (end > 0) start(0, 0);
  ptx::commit();
  Rows<P> rows(p, b, h, first);
#pragma unroll 1
  for (int key = 0, slot = 0; key < end; key += kKeys, slot ^= 1) {
    if (key + kKeys < end) start(key + kKeys, slot ^ 1);
    ptx::commit();
    ptx::wait_groups<1>();
    __syncthreads();
    if (key == 0) rows.load_queries(q);
    if (key + kKeys <= whole) {
      rows.pass(k + slot * M::kK, v + slot * M::kV, key);
    } else {
      rows.pass_edge(k + slot * M::kK, v + slot * M::kV, key);
    }
    __syncthreads();
  }
  rows.store();
}

}  // namespace carnot::attention
