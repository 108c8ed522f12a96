#pragma once
// Sampling: the meaning of a kernel at some points of its outputs only, so that a candidate for a
// large kernel can be checked in milliseconds.
#include <span>

#include "kernel/kernel.h"

namespace carnot {

struct Sample {
  int buffer = 0;      ///< an output of the kernel
  int64_t offset = 0;  ///< row-major element index within the buffer's shape
  double value = 0;    ///< computed in f64 and not rounded
  /// How far the value moves when every fold behind it is off by its rounding errors, per unit of
  /// relative error: a sum is as uncertain as the sum of its terms' magnitudes.
  double slack = 0;
};

/// Values of about `count` points of each storing stage, spread over the axes with corners and
/// borders among them, the same for one seed. `inputs` are the input buffers' tensors, dense.
/// Inputs of `period` elements, if it is not 0, are the beginning of what goes on repeating them.
/// Not for attention kernels.
Result<std::vector<Sample>> sample(const Kernel& kernel, Tensors inputs, const Symbols& symbols,
                                   int count, uint64_t seed, int64_t period = 0);

}  // namespace carnot
