// How a warp's sums leave it: through a slab of shared memory, so that lanes have neighbouring
// columns, and the generated epilogue. P as in warpgroup.cuh.
#pragma once
#include "codegen/cuda/lib/ring.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot::warpgroup {

/// The sums of a warpgroup: kI blocks of 64 rows.
template <class P>
using Sums = float[Shape<P>::kI][P::kTileN / 2];

/// Where a slab has a column of a row.
template <class P>
__device__ __forceinline__ int in_slab(int row, int column) {
  using S = Shape<P>;
  return row * S::kPitch + (S::kExchange ? column ^ (row % 4 * 8) : column);
}

/// How a warp's slabs are divided: batches of kBatch vectors a lane.
template <class P, bool kWide>
struct Batches {
  using S = Shape<P>;
  static constexpr int kAcross = S::kSlab / P::kVector, kVectors = 16 * kAcross;
  static constexpr int kEach = (kVectors + 31) / 32;
  /// Sums leave few registers to a block of two.
  static constexpr int kMost = !kWide ? 1 : S::kMany < 200 && S::kI * P::kTileN > 192 ? 2 : 4;
  static constexpr int kBatch = kEach < kMost ? kEach : kMost;
  static constexpr int kOfSlab = (kEach + kBatch - 1) / kBatch;
  static constexpr int kAll = S::kI * S::kSlabs * kOfSlab;
  static constexpr bool kWhole = kOfSlab * kBatch * 32 == kVectors;
  /// A lane's vectors of a batch have the same columns, or each its own.
  static constexpr int kAbove = 32 % kAcross == 0 ? 1 : kBatch;
};

/// One warp's way from sums to memory: a slab of 16 rows at a time, batches of vectors of it. What
/// the epilogue reads is on its way one batch ahead.
template <class P, bool kWide>
class Finish {
  using S = Shape<P>;
  using B = Batches<P, kWide>;

 public:
  /// `row` and `column`: the tile's first of this warp.
  __device__ __forceinline__ Finish(const typename P::Params& p, const Place& at, int row, int lane)
      : p_(p),
        batch_(at.batch),
        row_(at.m * P::kTileM + row),
        column_(at.n * P::kTileN),
        rows_(P::rows(p)),
        columns_(P::columns(p)),
        lane_(lane) {}

  __device__ __forceinline__ void load(int q) {
#pragma unroll
    for (int j = 0; j < B::kBatch; ++j) {
      const Vector v = vector(q, j);
      if (!v.inside) continue;
      if (j < B::kAbove) P::template load_above<kWide>(p_, v.column, above_[j]);
      P::template load<kWide>(p_, batch_, v.row, v.column, beside_[j]);
    }
  }

  __device__ __forceinline__ void run(const Sums<P>& sums, float* slab) {
#pragma unroll 1
    for (int q = 0; q < B::kAll; ++q) {
      if (q % B::kOfSlab == 0) put(sums, slab, q / B::kOfSlab);
      typename P::Out out[B::kBatch];
#pragma unroll
      for (int j = 0; j < B::kBatch; ++j) {
        float values[P::kVector];
        const float* from = slab + vector(q, j).from;
#pragma unroll
        for (int v = 0; v < P::kVector; ++v) values[v] = from[v];
        P::compute(p_, values, beside_[j], above_[j < B::kAbove ? j : 0], out[j]);
      }
      if (q + 1 < B::kAll) load(q + 1);
#pragma unroll
      for (int j = 0; j < B::kBatch; ++j) {
        const Vector v = vector(q, j);
        if (v.inside) P::template store<kWide>(p_, batch_, v.row, v.column, out[j]);
      }
    }
  }

 private:
  struct Vector {
    int row, column, from;  ///< where it is in the output, and in the slab
    bool inside;
  };
  __device__ __forceinline__ Vector vector(int q, int j) const {
    const int unit = q / B::kOfSlab, batch = q - unit * B::kOfSlab;
    const int i = unit / S::kSlabs, s = unit - i * S::kSlabs;
    const int all = (batch * B::kBatch + j) * 32 + lane_;
    const int v = B::kWhole ? all : min(all, B::kVectors - 1);
    const int r = v / B::kAcross, c = v % B::kAcross * P::kVector;
    const int row = row_ + i * kGroupRows + r, column = column_ + s * S::kSlab + c;
    return {row, column, in_slab<P>(r, c), v == all && row < rows_ && column < columns_};
  }
  __device__ __forceinline__ void put(const Sums<P>& sums, float* slab, int at) const {
    __syncwarp();
#pragma unroll
    for (int unit = 0; unit < S::kI * S::kSlabs; ++unit) {
      if (unit != at) continue;
      const int i = unit / S::kSlabs, s = unit % S::kSlabs;
#pragma unroll
      for (int j = 0; j < S::kSlab / 8; ++j) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          const int from = (s * (S::kSlab / 8) + j) * 4 + 2 * h;
          float* to = slab + in_slab<P>(h * 8 + lane_ / 4, j * 8 + lane_ % 4 * 2);
          *reinterpret_cast<float2*>(to) = {sums[i][from], sums[i][from + 1]};
        }
      }
    }
    __syncwarp();
  }

  const typename P::Params& p_;
  int batch_, row_, column_, rows_, columns_, lane_;
  typename P::Beside beside_[B::kBatch];
  typename P::Above above_[B::kAbove];
};

}  // namespace carnot::warpgroup
#endif
