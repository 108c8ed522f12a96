#pragma once
// Running sums over the threads of a block.
#include "codegen/cuda/numbers.cuh"

namespace carnot {

/// Of all threads up to and with this one, and of all; `slots` has a place per thread. All threads
/// take part.
template <int kThreads, class T, class Merge>
CARNOT_DEVICE T scan_block(T value, T* slots, T& total, Merge merge) {
  const int thread = static_cast<int>(threadIdx.x);
  slots[thread] = value;
  __syncthreads();
#pragma unroll
  for (int step = 1; step < kThreads; step *= 2) {
    const T other = thread >= step ? slots[thread - step] : value;
    __syncthreads();
    if (thread >= step) value = merge(other, value);
    slots[thread] = value;
    __syncthreads();
  }
  total = slots[kThreads - 1];
  __syncthreads();
  return value;
}

template <int kThreads, class T>
CARNOT_DEVICE T sum_before(T value, T* slots, T& total) {
  return scan_block<kThreads>(value, slots, total, [](T a, T b) { return static_cast<T>(a + b); }) -
         value;
}

}  // namespace carnot
