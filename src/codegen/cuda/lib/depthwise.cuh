// Depthwise convolutions, channels innermost: a thread has kVector channels of kWindow neighbours
// along the last row axis, and reads each position of the window once for all of them. Bound by
// memory: inputs come from the cache but for the first time.
//
// P as in contraction.cuh, with channels as columns, and of the last inner axis: kTaps along it,
// kStride and kDilation in positions; width: the last row axis; unit: elements between positions;
// guard_unit(g): what a position adds to a guard.
#pragma once
#include "codegen/cuda/access.cuh"
#include "codegen/cuda/lib/load.cuh"

namespace carnot::depthwise {

template <class P, bool kWide>
CARNOT_DEVICE void finish(const typename P::Params& p, int row, int column, int count,
                          const float (&sums)[P::kWindow][P::kVector]) {
  typename P::Above above;
  P::template load_above<kWide>(p, column, above);
#pragma unroll
  for (int o = 0; o < P::kWindow; ++o) {
    if (o < count) {
      typename P::Beside beside;
      typename P::Out out;
      P::template load<kWide>(p, 0, row + o, column, beside);
      P::compute(p, sums[o], beside, above, out);
      P::template store<kWide>(p, 0, row + o, column, out);
    }
  }
}

template <class P>
CARNOT_DEVICE void run(const typename P::Params& p, i64 thread) {
  using T = typename P::Element;
  using Side = typename P::SideA;
  constexpr int kPositions = (P::kWindow - 1) * P::kStride + (P::kTaps - 1) * P::kDilation + 1;
  const int across = P::columns(p) / P::kVector;
  const int column = static_cast<int>(thread % across) * P::kVector;
  const int windows = (P::width(p) + P::kWindow - 1) / P::kWindow;
  const i64 window = thread / across;
  const int begin = static_cast<int>(window % windows) * P::kWindow;
  if (window / windows * P::width(p) >= P::rows(p)) return;
  const int row = static_cast<int>(window / windows) * P::width(p) + begin;

  ptx::let_next_start();
  ptx::wait_for_previous();
  const auto at = Side::row(p, 0, row);
  const T* const base = static_cast<const T*>(Side::base(p)) + at.offset + column;
  const T* weights = reinterpret_cast<const T*>(P::packed(p)) + column;
  const bool aligned = Side::kCopy != 0 && is_aligned(Side::base(p));
  float sums[P::kWindow][P::kVector] = {};
  for (int t = 0; t < P::taps(p); ++t) {
    const auto tap = Side::tap(p, t);
    T w[P::kTaps][P::kVector];
#pragma unroll
    for (int k = 0; k < P::kTaps; ++k) {
      load_piece<Side::kCopy != 0>(weights, w[k]);
      weights += P::columns(p);
    }
#pragma unroll
    for (int j = 0; j < kPositions; ++j) {
      T x[P::kVector];
      bool ok = true;
#pragma unroll
      for (int g = 0; g < Side::kGuards; ++g) {
        const int index = at.guard[g] + tap.guard[g] + j * P::guard_unit(g);
        ok = ok && static_cast<u32>(index) < Side::extent(p, g);
      }
      // Positions that only windows beyond the last row need are not touched.
      if (begin * P::kStride + j > (P::width(p) - 1) * P::kStride + (P::kTaps - 1) * P::kDilation) {
        ok = false;
      }
#pragma unroll
      for (int v = 0; v < P::kVector; ++v) x[v] = static_cast<T>(Side::otherwise());
      const T* from = base + tap.offset + j * P::unit(p);
      if (ok) {
        if (aligned) {
          load_piece<true>(from, x);
        } else {
          load_piece<false>(from, x);
        }
      }
#pragma unroll
      for (int o = 0; o < P::kWindow; ++o) {
#pragma unroll
        for (int k = 0; k < P::kTaps; ++k) {
          if (o * P::kStride + k * P::kDilation == j) {
#pragma unroll
            for (int v = 0; v < P::kVector; ++v) {
              sums[o][v] = fmaf(P::number(x[v]), P::number(w[k][v]), sums[o][v]);
            }
          }
        }
      }
    }
  }
  if (P::wide(p)) {
    finish<P, true>(p, row, column, P::width(p) - begin, sums);
  } else {
    finish<P, false>(p, row, column, P::width(p) - begin, sums);
  }
}

}  // namespace carnot::depthwise
