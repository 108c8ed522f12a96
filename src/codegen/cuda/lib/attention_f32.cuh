// out = softmax(q k^T * scale + bias) v in f32: attention.cuh's scheme, with operands in two parts
// of 11 bits each (parts.cuh), whose three products that matter the tensor cores make (sm_80 and
// later), or with kRounded in one. The cores round what they accumulate towards zero: sums of at
// most 32 products are theirs, the rest is added in f32.
//
// Keys come in blocks of kKeys. All threads take what was loaded to parts once for all
// warps, and the next block is on its way while those are worked on; queries, which a warp has to
// itself, it takes to parts where it needs them. Rows lie in shared memory 4 floats apart from a
// multiple of 16, so that neither fragments of eight rows nor single floats of every second row
// meet in a bank. A weight is multiplied where the scores left it: of 8 keys the even ones count as
// the first four, the odd ones as the others.
//
// P as in attention.cuh, without kTiles and with f32 for u16; kKeys; kRounded; store(p, b, h, i, e,
// first, second).
#pragma once
#include "codegen/cuda/lib/parts.cuh"
#include "codegen/cuda/lib/rows.cuh"
#include "codegen/cuda/lib/softmax.cuh"

namespace carnot::attention {

CARNOT_DEVICE constexpr int pitch_f32(int width) {
  return (width + 15) / 16 * 16 + 4;
}

template <class P>
struct MemoryF32 {
  static constexpr int kQueries = 16 * P::kWarps;
  static constexpr int kParts = P::kRounded ? 1 : 2;
  static constexpr int kQ = kQueries * pitch_f32(P::kWidth) * 4;
  static constexpr int kK = P::kKeys * pitch_f32(P::kWidth) * 4;
  static constexpr int kV = P::kKeys * pitch_f32(P::kValueWidth) * 4;
};

/// Rows [first, first + kRows) of a matrix of `count` rows; zeros beyond it and its width.
template <int kCopy, int kRows, int kWidth, int kThreads>
CARNOT_DEVICE void load_rows_f32(u32 to, const float* from, i64 step, int first, int count) {
  constexpr int kChunks = (kWidth + 7) / 8 * 2;
  const bool aligned = kCopy == 16 && (reinterpret_cast<u64>(from) & 15) == 0;
  for (int i = threadIdx.x; i < kRows * kChunks; i += kThreads) {
    const int row = i / kChunks, column = i % kChunks * 4;
    const bool inside = first + row < count;
    const float* const at = from + (first + row) * step + column;
    const u32 place = to + (row * pitch_f32(kWidth) + column) * 4;
    if (aligned) {
      ptx::copy_async<16>(place, at, inside && column < kWidth);
    } else {
#pragma unroll
      for (int e = 0; e < 4; ++e)
        ptx::copy_async<4>(place + e * 4, at + e, inside && column + e < kWidth);
    }
  }
}

/// kBytes of numbers to as many of their upper parts, and behind those what they leave.
template <int kBytes, int kThreads, bool kRounded>
CARNOT_DEVICE void to_parts(u32 from, u32 to) {
  for (int i = threadIdx.x * 16; i < kBytes; i += kThreads * 16) {
    const float4 v = ptx::load_shared(from + i);
    const float all[4] = {v.x, v.y, v.z, v.w};
    u32 upper[4], rest[4];
#pragma unroll
    for (int e = 0; e < 4; ++e) split(__float_as_uint(all[e]), upper[e], rest[e]);
    ptx::store_shared(to + i, {upper[0], upper[1], upper[2], upper[3]});
    if constexpr (!kRounded) {
      ptx::store_shared(to + kBytes + i, {rest[0], rest[1], rest[2], rest[3]});
    }
  }
}

/// Two parts of each of some numbers; the second stays unused where numbers are rounded.
template <int kCount>
struct Parts {
  u32 upper[kCount], rest[kCount];
};

/// A warp's 16 queries: lane i has rows i / 4 and i / 4 + 8.
template <class P>
class RowsF32 {
  static constexpr int kD = (P::kWidth + 7) / 8, kE = (P::kValueWidth + 7) / 8;
  static constexpr int kPitch = pitch_f32(P::kWidth), kValuePitch = pitch_f32(P::kValueWidth);
  static constexpr int kGroups = P::kKeys / 8;
  using M = MemoryF32<P>;
  using Params = typename P::Params;
  using Scores = float[4 * kGroups];

 public:
  __device__ __forceinline__ RowsF32(const Params& p, int b, int h, int first)
      : p_(p), b_(b), h_(h), lane_(threadIdx.x % 32), warp_(threadIdx.x / 32) {
    first_ = first + warp_ * 16 + lane_ / 4;
  }

  __device__ __forceinline__ void pass(u32 q, u32 k, u32 v, int key) {
    Scores s = {};
    multiply_keys(s, q, k);
    finish_scores(s, key);
    softmax_.template weigh<false>(s, kLog2E);
    multiply_values(s, v);
  }

  __device__ __forceinline__ void store() {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float sum = softmax_.sum(r);
      const bool any = counts<P>(p_, sum);
      const int row = first_ + r * 8;
      if (row >= P::queries(p_)) continue;
#pragma unroll
      for (int e = 0; e < kE; ++e) {
        const int column = e * 8 + lane_ % 4 * 2;
        if (column >= P::kValueWidth) continue;
        const float first = out_[e][2 * r] / sum, second = out_[e][2 * r + 1] / sum;
        P::store(p_, b_, h_, row, column, any ? first : 0.0f, any ? second : 0.0f);
      }
    }
  }

 private:
  /// Small products first.
  __device__ __forceinline__ static void multiply(float (&c)[4], const Parts<4>& a,
                                                  const Parts<2>& b) {
    if constexpr (!P::kRounded) {
      ptx::multiply_tf32(c, a.rest, b.upper[0], b.upper[1]);
      ptx::multiply_tf32(c, a.upper, b.rest[0], b.rest[1]);
    }
    ptx::multiply_tf32(c, a.upper, b.upper[0], b.upper[1]);
  }

  __device__ __forceinline__ void multiply_keys(Scores& s, u32 q, u32 k) const {
    const u32 from_q = q + ((warp_ * 16 + lane_ % 16) * kPitch + lane_ / 16 * 4) * 4;
    const u32 from_k = k + ((lane_ / 16 * 8 + lane_ % 8) * kPitch + lane_ / 8 % 2 * 4) * 4;
#pragma unroll
    for (int begin = 0; begin < kD; begin += 4) {
      Scores sums = {};
#pragma unroll
      for (int d = begin; d < begin + 4 && d < kD; ++d) {
        u32 own[4];
        ptx::load_matrices(own, from_q + d * 32);
        Parts<4> a;
#pragma unroll
        for (int i = 0; i < 4; ++i) split(own[i], a.upper[i], a.rest[i]);
#pragma unroll
        for (int j = 0; j < kGroups; j += 2) {
          const u32 at = from_k + (j * 8 * kPitch + d * 8) * 4;
          u32 upper[4], rest[4] = {};
          ptx::load_matrices(upper, at);
          if constexpr (!P::kRounded) ptx::load_matrices(rest, at + M::kK);
          multiply(eight_columns(sums, j), a, {{upper[0], upper[1]}, {rest[0], rest[1]}});
          multiply(eight_columns(sums, j + 1), a, {{upper[2], upper[3]}, {rest[2], rest[3]}});
        }
      }
#pragma unroll
      for (int i = 0; i < 4 * kGroups; ++i) s[i] += sums[i];
    }
  }

  __device__ __forceinline__ void multiply_values(const Scores& s, u32 v) {
    Parts<4> weights[kGroups];
#pragma unroll
    for (int j = 0; j < kGroups; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        split(__float_as_uint(s[4 * j + i % 2 * 2 + i / 2]), weights[j].upper[i],
              weights[j].rest[i]);
      }
    }
    const u32 from = v + (lane_ % 4 * 2 * kValuePitch + lane_ / 4) * 4;
#pragma unroll
    for (int e = 0; e < kE; ++e) {
      float sums[4] = {};
#pragma unroll
      for (int j = 0; j < kGroups; ++j) {
        const u32 at = from + (j * 8 * kValuePitch + e * 8) * 4;
        Parts<2> b{{load(at), load(at + kValuePitch * 4)}, {}};
        if constexpr (!P::kRounded) {
          b.rest[0] = load(at + M::kV), b.rest[1] = load(at + M::kV + kValuePitch * 4);
        }
        multiply(sums, weights[j], b);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) out_[e][i] = out_[e][i] * softmax_.fading(i / 2) + sums[i];
    }
  }
  __device__ __forceinline__ static u32 load(u32 from) {
    u32 out;
    asm volatile("ld.shared.b32 %0, [%1];" : "=r"(out) : "r"(from) : "memory");
    return out;
  }

  /// What the scale makes of them, and the bias.
  __device__ __forceinline__ void finish_scores(Scores& s, int key) const {
    const int keys = P::keys(p_), shift = keys - P::queries(p_);
#pragma unroll
    for (int j = 0; j < kGroups; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int at = key + j * 8 + lane_ % 4 * 2 + i % 2, row = first_ + i / 2 * 8;
        float score = s[4 * j + i] * P::scale();
        const bool inside = at < keys && row < P::queries(p_);
        if (P::kHasBias && inside) score += P::bias(p_, b_, h_, row, at);
        if (at >= keys || (P::kCausal && at > row + shift)) score = -infinity_f32();
        s[4 * j + i] = score;
      }
    }
  }

  const Params& p_;
  float out_[kE][4] = {};
  RowSoftmax softmax_;
  int b_, h_, first_, lane_, warp_;
};

template <class P>
CARNOT_DEVICE void run_f32(const typename P::Params& p) {
  using M = MemoryF32<P>;
  constexpr int kThreads = 32 * P::kWarps;
  extern __shared__ __align__(1024) u8 memory[];
  const u32 q = ptx::shared_address(memory), loaded_k = q + M::kQ, loaded_v = loaded_k + M::kK;
  const u32 k = loaded_v + M::kV, v = k + M::kParts * M::kK;
  const int blocks = (P::queries(p) + M::kQueries - 1) / M::kQueries;
  // Of a causal mask the last queries see most keys: their blocks start first.
  const int block = blockIdx.x % blocks;
  const int first = (P::kCausal ? blocks - 1 - block : block) * M::kQueries;
  const int h = blockIdx.x / blocks % P::heads(p), b = blockIdx.x / blocks / P::heads(p);
  const float* const keys = P::k(p, b, h / P::shared(p));
  const float* const values = P::v(p, b, h / P::shared(p));
  // Keys that no row sees are not looked at.
  int end = P::keys(p);
  if (P::kCausal) end = max(0, min(end, first + M::kQueries + P::keys(p) - P::queries(p)));
  const auto start = [&](int key) {
    load_rows_f32<P::kCopy, P::kKeys, P::kWidth, kThreads>(loaded_k, keys, P::k_step(p), key,
                                                           P::keys(p));
    load_rows_f32<P::kCopy, P::kKeys, P::kValueWidth, kThreads>(loaded_v, values, P::v_step(p), key,
                                                                P::keys(p));
    ptx::commit();
  };
  load_rows_f32<P::kCopy, M::kQueries, P::kWidth, kThreads>(q, P::q(p, b, h), P::q_step(p), first,
                                                            P::queries(p));
  if (end > 0) start(0);
  RowsF32<P> rows(p, b, h, first);
#pragma unroll 1
  for (int key = 0; key < end; key += P::kKeys) {
    ptx::wait_groups<0>();
    __syncthreads();  // all has come, and nobody reads parts any more
    to_parts<M::kK, kThreads, P::kRounded>(loaded_k, k);
    to_parts<M::kV, kThreads, P::kRounded>(loaded_v, v);
    __syncthreads();
    if (key + P::kKeys < end) start(key + P::kKeys);
    rows.pass(q, k, v, key);
  }
  rows.store();
}

}  // namespace carnot::attention
