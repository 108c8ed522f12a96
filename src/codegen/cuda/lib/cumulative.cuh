// cumulative: running sums or products along an axis. A block goes through a line in pieces of four
// elements a thread; where lines lie side by side and are many, each thread goes through a line of
// its own; where they are few and long, each is cut into tiles.
#pragma once
#include "codegen/cuda/lib/element.cuh"
#include "codegen/cuda/lib/scan.cuh"

namespace carnot::cumulative {

template <class E, bool kProduct>
struct Fold {
  using Value = typename E::Value;
  CARNOT_DEVICE Value none() { return static_cast<Value>(kProduct ? 1 : 0); }
  CARNOT_DEVICE Value merge(Value a, Value b) {
    if constexpr (IsReal<Value>::kIs) {
      return kProduct ? a * b : a + b;
    } else {
      return kProduct ? int_mul(a, b) : int_add(a, b);
    }
  }
};

/// Element i of a line, in the order of the fold.
struct Line {
  i64 start, step, size;
  bool reverse;
  __device__ i64 operator()(i64 i) const { return start + (reverse ? size - 1 - i : i) * step; }
};

/// Elements [first, end) of a line by one block, after `before`; what comes after all of them.
template <class E, bool kProduct, bool kExclusive, int kThreads>
__device__ typename E::Value run(const typename E::Stored* x, typename E::Stored* y,
                                 const Line& line, i64 first, i64 end, typename E::Value before) {
  using F = Fold<E, kProduct>;
  using Value = typename E::Value;
  constexpr int kEach = 4;
  __shared__ Value slots[kThreads];
  for (; first < end; first += kThreads * kEach) {
    const i64 own = first + threadIdx.x * kEach;
    Value values[kEach], sum = F::none();
#pragma unroll
    for (int e = 0; e < kEach; ++e) {
      values[e] = own + e < end ? E::get(x[line(own + e)]) : F::none();
      sum = F::merge(sum, values[e]);
    }
    Value total;
    scan_block<kThreads>(sum, slots, total, [](Value a, Value b) { return F::merge(a, b); });
    // What the threads before this one have: their sum as it stands there.
    Value run = before;
    if (threadIdx.x > 0) run = F::merge(before, slots[threadIdx.x - 1]);
#pragma unroll
    for (int e = 0; e < kEach; ++e) {
      const Value with = F::merge(run, values[e]);
      if (y && own + e < end) y[line(own + e)] = E::put(kExclusive ? run : with);
      run = with;
    }
    before = F::merge(before, total);
    __syncthreads();
  }
  return before;
}

template <class E, bool kProduct, bool kExclusive, bool kReverse, int kThreads>
__device__ void by_block(const typename E::Stored* x, typename E::Stored* y, i64 size, i64 inner) {
  const i64 number = blockIdx.x;
  const Line line{number / inner * size * inner + number % inner, inner, size, kReverse};
  run<E, kProduct, kExclusive, kThreads>(x, y, line, 0, size, Fold<E, kProduct>::none());
}

// Few long lines: their tiles first tell what they add, then what lies before each is known.

constexpr int kTile = 4096;

template <class E, bool kProduct, bool kReverse, int kThreads>
__device__ void tile_totals(const typename E::Stored* x, typename E::Value* totals, i64 size,
                            i64 inner, i64 tiles) {
  const i64 number = blockIdx.x / tiles, first = blockIdx.x % tiles * kTile;
  const Line line{number / inner * size * inner + number % inner, inner, size, kReverse};
  const i64 end = first + kTile < size ? first + kTile : size;
  const auto total =
      run<E, kProduct, false, kThreads>(x, nullptr, line, first, end, Fold<E, kProduct>::none());
  if (threadIdx.x == 0) totals[blockIdx.x] = total;
}

/// `before` is what by_block() made of the totals.
template <class E, bool kProduct, bool kExclusive, bool kReverse, int kThreads>
__device__ void by_tile(const typename E::Stored* x, const typename E::Value* before,
                        typename E::Stored* y, i64 size, i64 inner, i64 tiles) {
  const i64 number = blockIdx.x / tiles, first = blockIdx.x % tiles * kTile;
  const Line line{number / inner * size * inner + number % inner, inner, size, kReverse};
  const i64 end = first + kTile < size ? first + kTile : size;
  run<E, kProduct, kExclusive, kThreads>(x, y, line, first, end, before[blockIdx.x]);
}

template <class E, bool kProduct, bool kExclusive, bool kReverse>
__device__ void by_thread(const typename E::Stored* x, typename E::Stored* y, i64 size, i64 inner,
                          i64 lines) {
  using F = Fold<E, kProduct>;
  const i64 number = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (number >= lines) return;
  const Line line{number / inner * size * inner + number % inner, inner, size, kReverse};
  typename E::Value run = F::none();
#pragma unroll 4
  for (i64 i = 0; i < size; ++i) {
    const auto with = F::merge(run, E::get(x[line(i)]));
    y[line(i)] = E::put(kExclusive ? run : with);
    run = with;
  }
}

}  // namespace carnot::cumulative
