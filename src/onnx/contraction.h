#pragma once
// Windows and contractions that several families of importers share.
#include <vector>

#include "onnx/node_import.h"

namespace carnot::onnx {

/// numpy's matmul: vectors count as a row or a column that is dropped from the result.
Value* numpy_matmul(NodeImport& n, Value* a, Value* b);

/// What Conv and the pools say about their windows, with every list filled in.
struct Window {
  std::vector<int64_t> kernel, strides, dilations;
  /// Where a symbolic size decides them (auto_pad with strides) they are not numbers.
  Dims pads_lo, pads_hi;
  bool ceil_mode = false;
};

/// Reads kernel_shape, strides, dilations, pads and auto_pad. `x` is [n, c, spatial...]; `kernel`
/// is that of the weights, or empty for a pool.
Window read_window(NodeImport& n, const Dims& x, std::vector<int64_t> kernel);

/// The pads as numbers, where they are; else `x` is padded with `fill` and the pads are 0.
struct Padded {
  Value* x;
  std::vector<int64_t> lo, hi;
};
Padded apply_pads(NodeImport& n, Value* x, const Window& window, Value* fill);

/// A Conv node's convolution of operands that need not be its own.
Value* convolve(NodeImport& n, Value* x, Value* w, Value* bias);

}  // namespace carnot::onnx
