// reverse_sequence: a thread for each element.
#pragma once
#include "codegen/cuda/lib/element.cuh"

namespace carnot::reverse {

/// An axis: its size, and elements between neighbours.
struct Axis {
  i64 size, step;
  __device__ i64 index(i64 i) const { return i / step % size; }
};

/// A length that is out of range is told and leaves its sequence as it is.
template <class T, class Length>
CARNOT_DEVICE void sequences(const T* x, const Length* lengths, T* out, Fault* fault, Axis batch,
                             Axis time, i64 count) {
  const i64 i = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= count) return;
  i64 length = static_cast<i64>(lengths[batch.index(i)]);
  if (length < 0 || length > time.size) {
    *fault = {length, time.size + 1};
    length = 0;
  }
  const i64 step = time.index(i);
  out[i] = x[step < length ? i + (length - 1 - 2 * step) * time.step : i];
}

}  // namespace carnot::reverse
