// Where chunks of 16 bytes of rows lie in shared memory.
#pragma once
#include "codegen/cuda/numbers.cuh"

namespace carnot {

/// Chunks of a row change places by its number, so that 8 rows of one chunk fall into 8 groups of
/// banks; wgmma and the copy engine have rows of 128 bytes so as well.
template <int kRowBytes>
CARNOT_DEVICE u32 swizzled(int row, int chunk) {
  static_assert(kRowBytes == 64 || kRowBytes % 128 == 0);
  if constexpr (kRowBytes == 64) return row * 64 + ((chunk ^ ((row >> 1) & 3)) << 4);
  return row * kRowBytes + ((chunk ^ (row & 7)) << 4);
}

}  // namespace carnot
