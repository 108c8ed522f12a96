// The softmax of rows whose scores come step by step, as sums lie in a warp after its products: of
// 16 rows, lane i has i / 4 and i / 4 + 8, and of every 8 columns two. Scores 4 j + 2 r and
// 4 j + 2 r + 1 are of row r of these two. Each kernel of attention weighs by it.
#pragma once
#include "codegen/cuda/lib/ptx.cuh"

namespace carnot::attention {

/// Weights are powers of two: scores come times log2(e).
constexpr float kLog2E = 1.4426950408889634f;

/// 2 to the power of x, good to f32's last digits but one; of -infinity it is 0.
__device__ __forceinline__ float two_to(float x) {
  float out;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(out) : "f"(x));
  return out;
}

/// Of the four lanes that share a row.
__device__ __forceinline__ float largest_of_row(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
__device__ __forceinline__ float sum_of_row(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

/// What a lane knows of its two rows. Weights are relative to the largest score so far; when that
/// grows, what was summed under the old one fades.
class RowSoftmax {
 public:
  /// Scores, times a positive factor, to weights. kFirst: of the first step.
  template <bool kFirst, int kCount>
  __device__ __forceinline__ void weigh(float (&scores)[kCount], float factor) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float largest = fmaxf(scores[2 * r], scores[2 * r + 1]);
#pragma unroll
      for (int i = 2 * r + 4; i < kCount; i += 4) {
        largest = fmaxf(largest, fmaxf(scores[i], scores[i + 1]));
      }
      largest = largest_of_row(largest) * factor;
      if constexpr (!kFirst) largest = fmaxf(largest, largest_[r]);
      // Where all is masked so far: weights of 0, not NaN.
      const float base = largest == -infinity_f32() ? 0.0f : largest;
      float sum[2] = {};  // two chains of additions
      if constexpr (!kFirst) {
        fading_[r] = two_to(largest_[r] - base);
        sum[0] = sum_[r] * fading_[r];
      }
      largest_[r] = largest;
#pragma unroll
      for (int i = 2 * r; i < kCount; i += 4) {
        scores[i] = two_to(fmaf(scores[i], factor, -base));
        scores[i + 1] = two_to(fmaf(scores[i + 1], factor, -base));
        sum[0] += scores[i], sum[1] += scores[i + 1];
      }
      sum_[r] = sum[0] + sum[1];
    }
  }
  /// What sums of weights times values, of the steps before the last, are to be multiplied by.
  __device__ __forceinline__ float fading(int r) const {
    return fading_[r];
  }
  __device__ __forceinline__ float largest(int r) const {
    return largest_[r];
  }
  /// All weights of a row together.
  __device__ __forceinline__ float sum(int r) const {
    return sum_of_row(sum_[r]);
  }

 private:
  float largest_[2] = {-infinity_f32(), -infinity_f32()}, sum_[2] = {}, fading_[2] = {1, 1};
};

/// Of the sums of a warp's 16 rows those of columns 8 j to 8 j + 7.
template <int kCount>
__device__ __forceinline__ float (&eight_columns(float (&sums)[kCount], int j))[4] {
  return reinterpret_cast<float(&)[4]>(sums[4 * j]);
}

/// A warp's weights of 16 columns, as the next product reads them. Of `weights`, from 8 j on.
template <bool kBrain, int kCount>
__device__ __forceinline__ void pack_weights(u32 (&to)[4], const float (&weights)[kCount], int j) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    to[i] = ptx::pack<kBrain>(weights[8 * j + 2 * i], weights[8 * j + 2 * i + 1]);
  }
}

}  // namespace carnot::attention
