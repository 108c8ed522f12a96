#pragma once
// What a recurrent launch is given, what its blocks share, and sums over a warp.
#include "codegen/cuda/lib/element.cuh"

namespace carnot::recurrent {

enum Kind { kLstm, kRnn, kGru };
enum Weights { kRegisters, kGlobal };

template <class E_, class Length_, Kind kKind_, int kHidden_, int kBlocks_, int kBatch_,
          int kWarps_, Weights kWeights_>
struct Problem {
  using E = E_;
  using Length = Length_;
  static constexpr Kind kKind = kKind_;
  static constexpr int kHidden = kHidden_, kBlocks = kBlocks_, kBatch = kBatch_, kWarps = kWarps_;
  static constexpr Weights kWeights = kWeights_;
  static constexpr int kGates = kKind == kLstm ? 4 : kKind == kGru ? 3 : 1;
  static constexpr int kSlice = (kHidden + kBlocks - 1) / kBlocks;
  static constexpr int kRows = kGates * kSlice, kRowsOfWarp = (kRows + kWarps - 1) / kWarps;
  static constexpr int kChunks = (kHidden + 31) / 32, kPadded = kChunks * 32;
  static constexpr int kThreads = kWarps * 32;
};

/// Null where it is absent: lengths, h0, c0, bias, y_c.
template <class P>
struct Operands {
  using T = typename P::E::Stored;
  const T *x, *weights, *bias;
  const typename P::Length* lengths;
  const T *h0, *c0;
  T *y, *y_h, *y_c;
  i64 steps, batch, directions;
  bool reverse;  ///< the first direction
};

CARNOT_DEVICE float tanh_of(float x) {
  return tanhf(x);
}

/// Sums of kCount values over a warp; lane l ends up with that of value l / (32 / kCount).
template <int kCount>
struct Tree {
  CARNOT_DEVICE float sum(float (&v)[kCount]) {
    constexpr int kHalf = kCount / 2, kMask = 16;
    return step<kHalf, kMask>(v);
  }
  template <int kHalf, int kMask>
  CARNOT_DEVICE float step(float (&v)[kCount]) {
    const bool upper = (threadIdx.x & kMask) != 0;
    if constexpr (kHalf >= 1) {
#pragma unroll
      for (int i = 0; i < kHalf; ++i) {
        const float send = upper ? v[i] : v[i + kHalf], keep = upper ? v[i + kHalf] : v[i];
        v[i] = keep + __shfl_xor_sync(0xffffffffu, send, kMask);
      }
    } else {
      v[0] += __shfl_xor_sync(0xffffffffu, v[0], kMask);
    }
    if constexpr (kMask > 1) {
      return step<kHalf / 2, kMask / 2>(v);
    } else {
      return v[0];
    }
  }
};

template <class P>
struct Shared {
  float h[2][P::kBatch][P::kPadded];
  float sums[P::kBatch][P::kRows];
  float c[P::kBatch][P::kSlice];
  float bias[2][P::kRows];  ///< w's and r's
};

}  // namespace carnot::recurrent
