// out = softmax(q k^T * scale + bias) v, 16-bit operands, sums in f32, without the matrix of scores
// ever in memory: a block has kWarps x 16 queries of one head and passes over the keys in blocks of
// 64, each warp keeping its rows' maximum, sum and results, faded when the maximum grows.
//
// Rows lie in shared memory in multiples of 128 bytes, chunks of 16 bytes swizzled by the row; the
// next block of keys and values is on its way while one is worked on. Columns beyond the heads'
// width and rows beyond the last are zeros, keys beyond the last have a score of -infinity.
//
// P has Params; kBrain, kWarps, kWidth, kValueWidth, kCausal, kHasBias, kCopy (16, or 0: element by
// element); queries, keys, heads, shared (query heads of a key head), scale; of q, k and v where a
// head's first row is and the elements between rows (q_step ...); bias(p, b, h, i, j); and
// store(p, b, h, i, e, pair), which takes two results.
#pragma once
#include "codegen/cuda/lib/ptx.cuh"

namespace carnot::attention {

constexpr int kKeys = 64;

CARNOT_DEVICE constexpr int padded(int width) {
  return (width + 15) / 16 * 16;
}
CARNOT_DEVICE constexpr int row_bytes(int width) {
  return (padded(width) * 2 + 127) / 128 * 128;
}

template <int kRowBytes>
CARNOT_DEVICE u32 place(int row, int chunk) {
  return row * kRowBytes + ((chunk ^ (row & 7)) << 4);
}

/// Rows [first, first + kRows) of a matrix of `count` rows of kWidth elements.
template <int kCopy, int kRows, int kWidth, int kThreads>
CARNOT_DEVICE void load_rows(u32 to, const u16* from, i64 step, int first, int count) {
  constexpr int kChunks = padded(kWidth) / 8;
  const bool aligned = kCopy == 16 && (reinterpret_cast<u64>(from) & 15) == 0;
  for (int i = threadIdx.x; i < kRows * kChunks; i += kThreads) {
    const int row = i / kChunks, chunk = i % kChunks;
    const bool inside = first + row < count;
    const u16* at = from + (first + row) * step + chunk * 8;
    const u32 place_of = to + place<row_bytes(kWidth)>(row, chunk);
    if (aligned) {
      ptx::copy_async<16>(place_of, at, inside && chunk * 8 < kWidth);
    } else {
#pragma unroll 1
      for (int e = 0; e < 8; ++e) {
        const u16 bits = inside && chunk * 8 + e < kWidth ? at[e] : u16{0};
        asm volatile("st.shared.b16 [%0], %1;" ::"r"(place_of + e * 2), "h"(bits) : "memory");
      }
    }
  }
}

template <class P>
struct Memory {
  static constexpr int kQueries = 16 * P::kWarps;
  static constexpr int kQ = kQueries * row_bytes(P::kWidth);
  static constexpr int kK = kKeys * row_bytes(P::kWidth);
  static constexpr int kV = kKeys * row_bytes(P::kValueWidth);
};

/// A warp's 16 queries: lane i has rows i / 4 and i / 4 + 8.
template <class P>
class Rows {
  static constexpr int kD = padded(P::kWidth) / 16, kE = padded(P::kValueWidth) / 16;
  static constexpr int kRowBytes = row_bytes(P::kWidth), kValueBytes = row_bytes(P::kValueWidth);
  using Params = typename P::Params;

 public:
  __device__ __forceinline__ Rows(const Params& p, int b, int h, int first)
      : p_(p), b_(b), h_(h), first_(first), lane_(threadIdx.x % 32) {}

  __device__ __forceinline__ void load_queries(u32 q) {
    const int row = threadIdx.x / 32 * 16 + lane_ % 16;
#pragma unroll
    for (int d = 0; d < kD; ++d) {
      ptx::load_matrices(q_[d], q + place<kRowBytes>(row, d * 2 + lane_ / 16));
    }
  }

  /// Keys [key, key + kKeys).
  __device__ __forceinline__ void pass(u32 k, u32 v, int key) {
    float s[kKeys / 8][4] = {};
#pragma unroll
    for (int d = 0; d < kD; ++d) {
#pragma unroll
      for (int j = 0; j < kKeys / 16; ++j) {
        u32 b[4];
        ptx::load_matrices(
            b, k + place<kRowBytes>(j * 16 + lane_ / 16 * 8 + lane_ % 8, d * 2 + lane_ / 8 % 2));
        ptx::multiply<P::kBrain>(s[2 * j], q_[d], b[0], b[1]);
        ptx::multiply<P::kBrain>(s[2 * j + 1], q_[d], b[2], b[3]);
      }
    }
    finish_scores(s, key);
    fade(s);
#pragma unroll
    for (int j = 0; j < kKeys / 16; ++j) {
      const u32 weights[4] = {ptx::pack<P::kBrain>(s[2 * j][0], s[2 * j][1]),
                              ptx::pack<P::kBrain>(s[2 * j][2], s[2 * j][3]),
                              ptx::pack<P::kBrain>(s[2 * j + 1][0], s[2 * j + 1][1]),
                              ptx::pack<P::kBrain>(s[2 * j + 1][2], s[2 * j + 1][3])};
#pragma unroll
      for (int e = 0; e < kE; ++e) {
        u32 b[4];
        ptx::load_matrices_transposed(
            b, v + place<kValueBytes>(j * 16 + lane_ % 16, e * 2 + lane_ / 16));
        ptx::multiply<P::kBrain>(out_[2 * e], weights, b[0], b[1]);
        ptx::multiply<P::kBrain>(out_[2 * e + 1], weights, b[2], b[3]);
      }
    }
  }

  __device__ __forceinline__ void store() {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float sum = sum_[r];
      sum += __shfl_xor_sync(0xffffffffu, sum, 1);
      sum += __shfl_xor_sync(0xffffffffu, sum, 2);
      // The softmax over no keys at all is nothing, over keys that are all masked it is NaN.
      const float scale = P::keys(p_) > 0 ? 1.0f / sum : 0.0f;
      const int row = row_of(r);
      if (row >= P::queries(p_)) continue;
#pragma unroll
      for (int e = 0; e < 2 * kE; ++e) {
        const int column = e * 8 + lane_ % 4 * 2;
        if (column < P::kValueWidth) {
          P::store(p_, b_, h_, row, column,
                   ptx::pack<P::kBrain>(out_[e][2 * r] * scale, out_[e][2 * r + 1] * scale));
        }
      }
    }
  }

 private:
  __device__ __forceinline__ int row_of(int r) const {
    return first_ + threadIdx.x / 32 * 16 + lane_ / 4 + r * 8;
  }

  __device__ __forceinline__ void finish_scores(float (&s)[kKeys / 8][4], int key) const {
    const int keys = P::keys(p_), shift = keys - P::queries(p_);
#pragma unroll
    for (int j = 0; j < kKeys / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int at = key + j * 8 + lane_ % 4 * 2 + i % 2, row = row_of(i / 2);
        float score = s[j][i] * P::scale();
        if (P::kHasBias && at < keys && row < P::queries(p_)) {
          score += P::bias(p_, b_, h_, row, at);
        }
        if (at >= keys || (P::kCausal && at > row + shift)) score = -infinity_f32();
        s[j][i] = score;
      }
    }
  }

  /// Scores to weights under the new maximum; what was summed before fades.
  __device__ __forceinline__ void fade(float (&s)[kKeys / 8][4]) {
    constexpr float kLog2E = 1.4426950408889634f;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float largest = largest_[r];
#pragma unroll
      for (int j = 0; j < kKeys / 8; ++j) {
        largest = fmaxf(largest, fmaxf(s[j][2 * r], s[j][2 * r + 1]));
      }
      largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, 1));
      largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, 2));
      // Where all is masked so far: weights of 0, not NaN.
      const float base = largest == -infinity_f32() ? 0.0f : largest;
      const float fading = exp2f((largest_[r] - base) * kLog2E);
      largest_[r] = largest;
      sum_[r] *= fading;
#pragma unroll
      for (int j = 0; j < kKeys / 8; ++j) {
#pragma unroll
        for (int i = 2 * r; i < 2 * r + 2; ++i) {
          s[j][i] = exp2f((s[j][i] - base) * kLog2E);
          sum_[r] += s[j][i];
        }
      }
#pragma unroll
      for (int e = 0; e < 2 * kE; ++e) out_[e][2 * r] *= fading, out_[e][2 * r + 1] *= fading;
    }
  }

  const Params& p_;
  u32 q_[kD][4];
  float out_[2 * kE][4] = {};
  float largest_[2] = {-infinity_f32(), -infinity_f32()}, sum_[2] = {};
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
  int end = P::keys(p);
  if (P::kCausal) end = max(0, min(end, first + M::kQueries + P::keys(p) - P::queries(p)));
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
  for (int key = 0, slot = 0; key < end; key += kKeys, slot ^= 1) {
    if (key + kKeys < end) start(key + kKeys, slot ^ 1);
    ptx::commit();
    ptx::wait_groups<1>();
    __syncthreads();
    if (key == 0) rows.load_queries(q);
    rows.pass(k + slot * M::kK, v + slot * M::kV, key);
    __syncthreads();
  }
  rows.store();
}

}  // namespace carnot::attention
