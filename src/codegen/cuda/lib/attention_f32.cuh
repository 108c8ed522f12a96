// out = softmax(q k^T * scale + bias) v in f32: attention.cuh's scheme, with operands as sums of
// two numbers of 11 bits each, whose three products that matter the tensor cores make (sm_80 and
// later). They round what they accumulate towards zero: sums of at most 32 products are theirs, the
// rest is added in f32.
//
// Keys come in blocks of 32. Rows lie in shared memory 4 floats apart from a multiple of 16, so
// that neither fragments of eight rows nor single floats of every second row meet in a bank. A
// weight is multiplied where the scores left it: of 8 keys the even ones count as the first four,
// the odd ones as the others.
//
// P as in attention.cuh, with f32 for u16; kTiles is 1; store(p, b, h, i, e, first, second).
#pragma once
#include "codegen/cuda/lib/rows.cuh"
#include "codegen/cuda/lib/softmax.cuh"

namespace carnot::attention {

constexpr int kKeysF32 = 32;

CARNOT_DEVICE constexpr int pitch_f32(int width) {
  return (width + 15) / 16 * 16 + 4;
}

template <class P>
struct MemoryF32 {
  static constexpr int kQueries = 16 * P::kWarps;
  static constexpr int kQ = kQueries * pitch_f32(P::kWidth) * 4;
  static constexpr int kK = kKeysF32 * pitch_f32(P::kWidth) * 4;
  static constexpr int kV = kKeysF32 * pitch_f32(P::kValueWidth) * 4;
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

/// What the upper 19 bits leave of a number; nothing of an infinity.
__device__ __forceinline__ u32 rest_of(u32 bits) {
  const float x = __uint_as_float(bits), upper = __uint_as_float(bits & 0xffffe000u);
  return fabsf(x) < infinity_f32() ? __float_as_uint(x - upper) : 0;
}

__device__ __forceinline__ void multiply_f32(float (&c)[4], const u32 (&a)[4],
                                             const u32 (&rest_a)[4], u32 b0, u32 b1) {
  ptx::multiply_tf32(c, rest_a, b0, b1);
  ptx::multiply_tf32(c, a, rest_of(b0), rest_of(b1));
  ptx::multiply_tf32(c, a, b0, b1);
}

/// A warp's 16 queries: lane i has rows i / 4 and i / 4 + 8.
template <class P>
class RowsF32 {
  static constexpr int kD = (P::kWidth + 7) / 8, kE = (P::kValueWidth + 7) / 8;
  static constexpr int kPitch = pitch_f32(P::kWidth), kValuePitch = pitch_f32(P::kValueWidth);
  static constexpr int kGroups = kKeysF32 / 8;
  using Params = typename P::Params;
  using Scores = float[kKeysF32 / 2];

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
  __device__ __forceinline__ void multiply_keys(Scores& s, u32 q, u32 k) const {
    const u32 from_q = q + ((warp_ * 16 + lane_ % 16) * kPitch + lane_ / 16 * 4) * 4;
    const u32 from_k = k + ((lane_ / 16 * 8 + lane_ % 8) * kPitch + lane_ / 8 % 2 * 4) * 4;
#pragma unroll
    for (int begin = 0; begin < kD; begin += 4) {
      Scores sums = {};
#pragma unroll
      for (int d = begin; d < begin + 4 && d < kD; ++d) {
        u32 a[4], rest_a[4];
        ptx::load_matrices(a, from_q + d * 32);
#pragma unroll
        for (int i = 0; i < 4; ++i) rest_a[i] = rest_of(a[i]);
#pragma unroll
        for (int j = 0; j < kGroups; j += 2) {
          u32 b[4];
          ptx::load_matrices(b, from_k + (j * 8 * kPitch + d * 8) * 4);
          multiply_f32(eight_columns(sums, j), a, rest_a, b[0], b[1]);
          multiply_f32(eight_columns(sums, j + 1), a, rest_a, b[2], b[3]);
        }
      }
#pragma unroll
      for (int i = 0; i < kKeysF32 / 2; ++i) s[i] += sums[i];
    }
  }

  __device__ __forceinline__ void multiply_values(const Scores& s, u32 v) {
    u32 weights[kGroups][4], rest[kGroups][4];
#pragma unroll
    for (int j = 0; j < kGroups; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        weights[j][i] = __float_as_uint(s[4 * j + i % 2 * 2 + i / 2]);
        rest[j][i] = rest_of(weights[j][i]);
      }
    }
    const u32 from = v + (lane_ % 4 * 2 * kValuePitch + lane_ / 4) * 4;
#pragma unroll
    for (int e = 0; e < kE; ++e) {
      float sums[4] = {};
#pragma unroll
      for (int j = 0; j < kGroups; ++j) {
        const u32 at = from + (j * 8 * kValuePitch + e * 8) * 4;
        multiply_f32(sums, weights[j], rest[j], load(at), load(at + kValuePitch * 4));
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
  const u32 q = ptx::shared_address(memory), k = q + M::kQ, v = k + 2 * M::kK;
  const int blocks = (P::queries(p) + M::kQueries - 1) / M::kQueries;
  const int first = blockIdx.x % blocks * M::kQueries;
  const int h = blockIdx.x / blocks % P::heads(p), b = blockIdx.x / blocks / P::heads(p);
  const float* const keys = P::k(p, b, h / P::shared(p));
  const float* const values = P::v(p, b, h / P::shared(p));
  // Keys that no row sees are not looked at.
  int end = P::keys(p);
  if (P::kCausal) end = max(0, min(end, first + M::kQueries + P::keys(p) - P::queries(p)));
  const auto start = [&](int key, int slot) {
    load_rows_f32<P::kCopy, kKeysF32, P::kWidth, kThreads>(k + slot * M::kK, keys, P::k_step(p),
                                                           key, P::keys(p));
    load_rows_f32<P::kCopy, kKeysF32, P::kValueWidth, kThreads>(v + slot * M::kV, values,
                                                                P::v_step(p), key, P::keys(p));
  };
  load_rows_f32<P::kCopy, M::kQueries, P::kWidth, kThreads>(q, P::q(p, b, h), P::q_step(p), first,
                                                            P::queries(p));
  if (end > 0) start(0, 0);
  ptx::commit();
  RowsF32<P> rows(p, b, h, first);
#pragma unroll 1
  for (int key = 0, slot = 0; key < end; key += kKeysF32, slot ^= 1) {
    if (key + kKeysF32 < end) start(key + kKeysF32, slot ^ 1);
    ptx::commit();
    ptx::wait_groups<1>();
    __syncthreads();
    rows.pass(q, k + slot * M::kK, v + slot * M::kV, key);
    __syncthreads();
  }
  rows.store();
}

}  // namespace carnot::attention
