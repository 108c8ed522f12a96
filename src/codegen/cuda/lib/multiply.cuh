// What the warps of a block do with a step in shared memory: products of 16-bit numbers, or of f32
// in parts of 11 bits or rounded to as many, on the tensor cores (mma.sync, f32 sums), or
// multiply-adds of f32, exact to its rounding. P as in contraction.cuh; kRounded: which of those.
#pragma once
#include "codegen/cuda/lib/load.cuh"
#include "codegen/cuda/lib/parts.cuh"

namespace carnot::contraction {

enum Math { kF16, kBF16, kF32 };

template <class P>
struct Shape {
  static constexpr int kWarps = P::kWarpsM * P::kWarpsN * P::kWarpsK;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kWarpM = P::kTileM / P::kWarpsM, kWarpN = P::kTileN / P::kWarpsN;
  static constexpr int kChunks = P::kRowBytes / 16;
  static constexpr int kBytesA = P::kTileM * P::kRowBytes, kBytesB = P::kTileN * P::kRowBytes;
  static constexpr int kPitch = P::kTileN + 8;  // floats between rows of sums
};

/// The tensor cores' part of a step.
template <class P>
class Tensor {
  using S = Shape<P>;
  static constexpr int kI = S::kWarpM / 16, kJ = S::kWarpN / 16;
  static_assert(S::kWarpM % 16 == 0 && S::kWarpN % 16 == 0);
  static constexpr bool kInParts = P::kMath == kF32 && !P::kRounded;
  using Sums = float[kI][2 * kJ][4];

 public:
  __device__ __forceinline__ Tensor(int warp_m, int warp_n, int lane)
      : warp_m_(warp_m * S::kWarpM), warp_n_(warp_n * S::kWarpN), lane_(lane) {}

  /// `live`: chunks of the step that hold anything.
  __device__ __forceinline__ void step(u32 a, u32 b, int warp_k, int live) {
    const int row_a = warp_m_ + lane_ % 16;
    const int row_b = warp_n_ + lane_ / 16 * 8 + lane_ % 8;
#pragma unroll
    for (int c = 0; c < S::kChunks; c += 2 * P::kWarpsK) {
      const int chunk = c + 2 * (P::kWarpsK > 1 ? warp_k : 0);
      if (chunk < live) {
        u32 fa[kI][4], fb[kJ][4];
#pragma unroll
        for (int i = 0; i < kI; ++i) {
          ptx::load_matrices(fa[i], a + swizzled<P::kRowBytes>(row_a + i * 16, chunk + lane_ / 16));
        }
#pragma unroll
        for (int j = 0; j < kJ; ++j) {
          ptx::load_matrices(fb[j],
                             b + swizzled<P::kRowBytes>(row_b + j * 16, chunk + lane_ / 8 % 2));
        }
        if constexpr (kInParts) {
          // The cores round what they accumulate towards zero: of f32 no more than a chunk.
          float of_chunk[kI][2 * kJ][4] = {};
          multiply_in_parts(of_chunk, fa, fb);
          add(of_chunk);
        } else if constexpr (P::kRounded) {
          multiply_rounded(sums_, fa, fb);
        } else {
#pragma unroll
          for (int i = 0; i < kI; ++i) {
#pragma unroll
            for (int j = 0; j < kJ; ++j) {
              ptx::multiply<P::kMath == kBF16>(sums_[i][2 * j], fa[i], fb[j][0], fb[j][1]);
              ptx::multiply<P::kMath == kBF16>(sums_[i][2 * j + 1], fa[i], fb[j][2], fb[j][3]);
            }
          }
        }
      }
    }
  }

  template <bool kAdd>
  __device__ __forceinline__ void put(float* tile) const {
#pragma unroll
    for (int i = 0; i < kI; ++i) {
#pragma unroll
      for (int j = 0; j < 2 * kJ; ++j) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          float* at = tile + (warp_m_ + i * 16 + h * 8 + lane_ / 4) * S::kPitch + warp_n_ + j * 8 +
                      lane_ % 4 * 2;
          float2 v = {sums_[i][j][2 * h], sums_[i][j][2 * h + 1]};
          if constexpr (kAdd) {
            const float2 before = *reinterpret_cast<const float2*>(at);
            v = {before.x + v.x, before.y + v.y};
          }
          *reinterpret_cast<float2*>(at) = v;
        }
      }
    }
  }

 private:
  /// f32 as a sum of two numbers of 11 bits each: the three products that matter, small ones first.
  __device__ __forceinline__ static void multiply_in_parts(Sums& sums, const u32 (&fa)[kI][4],
                                                           const u32 (&fb)[kJ][4]) {
    u32 ua[kI][4], ub[kJ][4], ra[kI][4], rb[kJ][4];
#pragma unroll
    for (int i = 0; i < kI; ++i) {
#pragma unroll
      for (int e = 0; e < 4; ++e) split(fa[i][e], ua[i][e], ra[i][e]);
    }
#pragma unroll
    for (int j = 0; j < kJ; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) split(fb[j][e], ub[j][e], rb[j][e]);
    }
    multiply_all(sums, ra, ub);
    multiply_all(sums, ua, rb);
    multiply_all(sums, ua, ub);
  }
  /// What is packed was rounded then.
  __device__ __forceinline__ static void multiply_rounded(Sums& sums, const u32 (&fa)[kI][4],
                                                          const u32 (&fb)[kJ][4]) {
    u32 ra[kI][4], rb[kJ][4];
#pragma unroll
    for (int i = 0; i < kI; ++i) {
#pragma unroll
      for (int e = 0; e < 4; ++e) ra[i][e] = ptx::to_tf32(fa[i][e]);
    }
#pragma unroll
    for (int j = 0; j < kJ; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) rb[j][e] = P::kPackedB ? fb[j][e] : ptx::to_tf32(fb[j][e]);
    }
    multiply_all(sums, ra, rb);
  }
  __device__ __forceinline__ static void multiply_all(Sums& sums, const u32 (&a)[kI][4],
                                                      const u32 (&b)[kJ][4]) {
#pragma unroll
    for (int i = 0; i < kI; ++i) {
#pragma unroll
      for (int j = 0; j < kJ; ++j) {
        ptx::multiply_tf32(sums[i][2 * j], a[i], b[j][0], b[j][1]);
        ptx::multiply_tf32(sums[i][2 * j + 1], a[i], b[j][2], b[j][3]);
      }
    }
  }
  __device__ __forceinline__ void add(const Sums& more) {
#pragma unroll
    for (int i = 0; i < kI; ++i) {
#pragma unroll
      for (int j = 0; j < 2 * kJ; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) sums_[i][j][e] += more[i][j][e];
      }
    }
  }

  Sums sums_ = {};
  int warp_m_, warp_n_, lane_;
};

/// A step by multiply-adds: lanes are 4 x 8 over the warp's tile.
template <class P>
class Scalar {
  using S = Shape<P>;
  static constexpr int kI = S::kWarpM / 4, kJ = S::kWarpN / 8;
  static_assert(S::kWarpM % 4 == 0 && S::kWarpN % 8 == 0);

 public:
  __device__ __forceinline__ Scalar(int warp_m, int warp_n, int lane)
      : row_(warp_m * S::kWarpM + lane / 8), column_(warp_n * S::kWarpN + lane % 8) {}

  __device__ __forceinline__ void step(u32 a, u32 b, int warp_k, int live) {
#pragma unroll
    for (int c = 0; c < S::kChunks; c += P::kWarpsK) {
      const int chunk = c + (P::kWarpsK > 1 ? warp_k : 0);
      if (chunk < live) {
        float4 fb[kJ];
#pragma unroll
        for (int j = 0; j < kJ; ++j) {
          fb[j] = ptx::load_shared(b + swizzled<P::kRowBytes>(column_ + j * 8, chunk));
        }
#pragma unroll
        for (int i = 0; i < kI; ++i) {
          const float4 fa = ptx::load_shared(a + swizzled<P::kRowBytes>(row_ + i * 4, chunk));
#pragma unroll
          for (int j = 0; j < kJ; ++j) {
            float& sum = sums_[i][j];
            sum = fmaf(fa.x, fb[j].x, sum);
            sum = fmaf(fa.y, fb[j].y, sum);
            sum = fmaf(fa.z, fb[j].z, sum);
            sum = fmaf(fa.w, fb[j].w, sum);
          }
        }
      }
    }
  }

  template <bool kAdd>
  __device__ __forceinline__ void put(float* tile) const {
#pragma unroll
    for (int i = 0; i < kI; ++i) {
#pragma unroll
      for (int j = 0; j < kJ; ++j) {
        float& at = tile[(row_ + i * 4) * S::kPitch + column_ + j * 8];
        at = kAdd ? at + sums_[i][j] : sums_[i][j];
      }
    }
  }

 private:
  float sums_[kI][kJ] = {};
  int row_, column_;
};

/// How P multiplies: with f32 multiply-adds, or a warp's tensor core.
enum Method { kMultiplyAdd, kWarp };
template <int kMethod, class P>
struct Compute {
  using Type = Scalar<P>;
};
template <class P>
struct Compute<kWarp, P> {
  using Type = Tensor<P>;
};

}  // namespace carnot::contraction
