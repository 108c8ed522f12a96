// Of attention through a ring (keys_ring.cuh): the 64 rows of a warpgroup, and those that blocks of
// a cluster add.
#pragma once
#include "codegen/cuda/lib/ring_rows.cuh"
#include "codegen/cuda/lib/softmax.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::attention {

__device__ __forceinline__ float2 load_cluster_pair(u32 from) {
  float2 v;
  asm volatile("ld.shared::cluster.v2.f32 {%0, %1}, [%2];" : "=f"(v.x), "=f"(v.y) : "r"(from));
  return v;
}

/// A warpgroup's 64 rows: lane i of a warp has its rows i / 4 and i / 4 + 8.
template <class P>
class RingTile {
  using S = RingShape<P>;
  using Params = typename P::Params;
  static constexpr int kD = padded(P::kWidth) / 16, kE = padded(P::kValueWidth) / 16;
  static constexpr int kCount = P::kStep / 2;
  static constexpr bool kPlain = !P::kHasBias && P::kScale > 0;
  static constexpr int kSharedPairs = (P::kStep + 63) / 64;  // of a lane, of a bias without rows
  static constexpr int kBiasRows = !P::kHasBias ? 0 : P::kBiasHasRows || P::kPack ? 2 : 1;

 public:
  using Weights = u32[kCount / 8][4];

  /// `warp_row`: the first of a warp's rows.
  __device__ __forceinline__ RingTile(const Params& p, int b, int h, int warp_row)
      : p_(p), b_(b), h_(h), lane_(threadIdx.x % 32), first_(warp_row + lane_ / 4) {
    used_ = warp_row < rows_of<P>(p);
  }

  __device__ __forceinline__ void start_keys(float (&s)[kCount], u64 q, u32 keys) const {
    const u64 k = ptx::matrix_descriptor(keys);
    ptx::warpgroup_fence();
#pragma unroll
    for (int d = 0; d < kD; ++d) {
      // 16 elements of a panel's 64.
      const int panel = d / 4, inside = d % 4 * 32;
      P::multiply_keys(s, q + ptx::descriptor_bytes(panel * S::kRows * kPieceBytes + inside),
                       k + ptx::descriptor_bytes(panel * P::kStep * kPieceBytes + inside), d > 0);
    }
    ptx::warpgroup_commit();
  }

  __device__ __forceinline__ void start_values(const Weights& weights, u32 values) {
    // Panels of 64 columns lie kStep rows apart.
    const u64 v = ptx::matrix_descriptor(values, P::kStep * kPieceBytes);
    ptx::warpgroup_fence();
#pragma unroll
    for (int j = 0; j < kCount / 8; ++j) {
      P::multiply_values(out_, weights[j], v + ptx::descriptor_bytes(j * 16 * kPieceBytes));
    }
    ptx::warpgroup_commit();
  }
  __device__ __forceinline__ void settle_values() {
    settle(out_);
  }

  /// What is added to the scores of a step, on its way while they are multiplied. What all rows
  /// share a warp loads once, a pair of keys a lane.
  __device__ __forceinline__ void load_bias(int key, bool edge) {
    if constexpr (kBiasRows == 1) {
#pragma unroll
      for (int i = 0; i < kSharedPairs; ++i) {
        const int at = key + (i * 32 + lane_) * 2;
        bias_[i][0] = i * 64 + lane_ * 2 < P::kStep ? pair_of(0, at, edge) : 0;
      }
    } else if constexpr (kBiasRows == 2) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const int row = min(first_ + r * 8, rows_of<P>(p_) - 1);
#pragma unroll
        for (int j = 0; j < kCount / 4; ++j) {
          bias_[j][r] = pair_of(row, key + j * 8 + lane_ % 4 * 2, edge);
        }
      }
    }
  }

  /// Scores to weights under the new maximum; what was summed before fades.
  template <bool kFirst>
  __device__ __forceinline__ void weigh(float (&s)[kCount], int key, bool edge) {
    if (!used_) return;
    if constexpr (!kPlain) finish_scores(s);
    if (edge) hide(s, key);
    softmax_.template weigh<kFirst>(s, kPlain ? P::kScale * kLog2E : 1.0f);
  }
  __device__ __forceinline__ void fade() {
#pragma unroll
    for (int i = 0; i < 8 * kE; ++i) out_[i] *= softmax_.fading(i / 2 % 2);
  }
  __device__ __forceinline__ void pack(const float (&s)[kCount], Weights& weights) const {
#pragma unroll
    for (int j = 0; j < kCount / 8; ++j) pack_weights<P::kBrain>(weights[j], s, j);
    __syncwarp();
  }

  __device__ __forceinline__ void store() {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float sum = softmax_.sum(r), scale = 1.0f / sum;
      const bool any = counts<P>(p_, sum);
      const int row = first_ + r * 8;
      const bool inside = row < rows_of<P>(p_);
      u32 pairs[2 * kE];
#pragma unroll
      for (int e = 0; e < 2 * kE; ++e) {
        pairs[e] =
            ptx::pack<P::kBrain>(out_[e * 4 + 2 * r] * scale, out_[e * 4 + 2 * r + 1] * scale);
        if (!any) pairs[e] = 0;
      }
      if constexpr (P::kWideStore) {
        store_wide(pairs, row, inside);
      } else if (inside) {
#pragma unroll
        for (int e = 0; e < 2 * kE; ++e) {
          const int column = e * 8 + lane_ % 4 * 2;
          if (column < P::kValueWidth) {
            P::store(p_, b_, head_of(row), query_of(row), column, pairs[e]);
          }
        }
      }
    }
  }

  /// The same for the blocks that have other keys: results, maxima and sums as they are.
  __device__ __forceinline__ void put(float* memory, int warp_row) const {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float sum = softmax_.sum(r);
      const int row = warp_row + lane_ / 4 + r * 8;
      float* const to = memory + row * S::kPitch;
#pragma unroll
      for (int e = 0; e < 2 * kE; ++e) {
        *reinterpret_cast<float2*>(to + e * 8 + lane_ % 4 * 2) = {out_[e * 4 + 2 * r],
                                                                  out_[e * 4 + 2 * r + 1]};
      }
      if (lane_ % 4 == 0) {
        *reinterpret_cast<float2*>(memory + S::kRows * S::kPitch + row * 2) = {softmax_.largest(r),
                                                                               sum};
      }
    }
  }

 private:
  __device__ __forceinline__ int query_of(int row) const {
    return P::kPack ? row / P::shared(p_) : row;
  }
  __device__ __forceinline__ int head_of(int row) const {
    return P::kPack ? h_ * P::shared(p_) + row % P::shared(p_) : h_;
  }
  __device__ __forceinline__ u32 pair_of(int row, int key, bool edge) const {
    if (edge && key >= P::keys(p_)) return 0;
    return P::bias_pair(p_, b_, head_of(row), query_of(row), key, !edge || key + 1 < P::keys(p_));
  }

  __device__ __forceinline__ void finish_scores(float (&s)[kCount]) const {
#pragma unroll
    for (int j = 0; j < kCount / 4; ++j) {
      float2 more = {};
      if constexpr (kBiasRows == 1) {
        const u32 pair = __shfl_sync(0xffffffffu, bias_[j / 8][0], j % 8 * 4 + lane_ % 4);
        more = ptx::unpack<P::kBrain>(pair);
      }
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        if constexpr (kBiasRows == 2) more = ptx::unpack<P::kBrain>(bias_[j][r]);
        float* const pair = s + j * 4 + r * 2;
        pair[0] = pair[0] * (P::kScale * kLog2E) + more.x * kLog2E;
        pair[1] = pair[1] * (P::kScale * kLog2E) + more.y * kLog2E;
      }
    }
  }

  /// Keys beyond the last, and those after a query.
  __device__ __forceinline__ void hide(float (&s)[kCount], int key) const {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      int end = P::keys(p_);
      if (P::kCausal) {
        end = min(end, query_of(first_ + r * 8) + P::keys(p_) - P::queries(p_) + 1);
      }
      end -= key + lane_ % 4 * 2;
#pragma unroll
      for (int i = 2 * r; i < kCount; i += 4) {
        if (i / 4 * 8 >= end) s[i] = -infinity_f32();
        if (i / 4 * 8 + 1 >= end) s[i + 1] = -infinity_f32();
      }
    }
  }

  /// Four lanes have a row; each takes every fourth of its pieces of 8 elements: 4 x 4 transposed.
  __device__ __forceinline__ void store_wide(const u32 (&pairs)[2 * kE], int row,
                                             bool inside) const {
    const int own = lane_ % 4;
    const auto trade = [](u32& upper, u32& lower, bool second, int lanes) {
      const u32 got = __shfl_xor_sync(0xffffffffu, second ? upper : lower, lanes);
      upper = second ? got : upper, lower = second ? lower : got;
    };
#pragma unroll
    for (int first = 0; first < 2 * kE; first += 4) {
      u32 r[4] = {pairs[first], pairs[first + 1], 0, 0};
      if (first + 2 < 2 * kE) r[2] = pairs[first + 2], r[3] = pairs[first + 3];
      trade(r[0], r[1], own & 1, 1), trade(r[2], r[3], own & 1, 1);
      trade(r[0], r[2], own & 2, 2), trade(r[1], r[3], own & 2, 2);
      const int column = (first + own) * 8;
      if (inside && column < P::kValueWidth) {
        P::store_wide(p_, b_, head_of(row), query_of(row), column, uint4{r[0], r[1], r[2], r[3]});
      }
    }
  }

  const Params& p_;
  int b_, h_, lane_, first_;
  bool used_;
  float out_[kE * 8] = {};
  RowSoftmax softmax_;
  u32 bias_[kBiasRows == 2 ? kCount / 4 : kSharedPairs][kBiasRows == 2 ? 2 : 1];
};

/// Adds what the blocks of a cluster have of the same rows, each of some of them.
template <class P>
__device__ __forceinline__ void add_parts(const typename P::Params& p, int b, int h, int first,
                                          u8* memory) {
  using S = RingShape<P>;
  constexpr int kPairs = (P::kValueWidth + 1) / 2;
  const u32 base = ptx::shared_address(memory), rank = ptx::cluster_rank();
  const int rows = min(S::kRows, rows_of<P>(p) - first);
  u32 part[P::kSplit];
#pragma unroll
  for (int i = 0; i < P::kSplit; ++i) part[i] = ptx::map_to_rank(base, i);
#pragma unroll 1
  for (int i = rank * S::kThreads + threadIdx.x; i < rows * kPairs; i += P::kSplit * S::kThreads) {
    const int row = i / kPairs, pair = i % kPairs;
    float2 has[P::kSplit];
    float largest = -infinity_f32();
#pragma unroll
    for (int k = 0; k < P::kSplit; ++k) {
      has[k] = load_cluster_pair(part[k] + (S::kRows * S::kPitch + row * 2) * 4);
      largest = fmaxf(largest, has[k].x);
    }
    const float from = largest == -infinity_f32() ? 0.0f : largest;
    float sum = 0;
    float2 out = {};
#pragma unroll
    for (int k = 0; k < P::kSplit; ++k) {
      const float2 v = load_cluster_pair(part[k] + (row * S::kPitch + pair * 2) * 4);
      const float weight = two_to(has[k].x - from);
      sum += weight * has[k].y, out.x += weight * v.x, out.y += weight * v.y;
    }
    const float scale = 1.0f / sum;
    const u32 result = ptx::pack<P::kBrain>(out.x * scale, out.y * scale);
    const int at = first + row, group = P::kPack ? P::shared(p) : 1;
    P::store(p, b, P::kPack ? h * group + at % group : h, at / group, pair * 2,
             counts<P>(p, sum) ? result : 0);
  }
}

}  // namespace carnot::attention
#endif
