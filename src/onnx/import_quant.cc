// Quantization: conversions to and from integers, and products of quantized operands, exact in i32.
#include <algorithm>

#include "base/text.h"
#include "onnx/contraction.h"
#include "onnx/import_table.h"
#include "onnx/quantize.h"

namespace carnot::onnx {

namespace {

bool is_single(const Value* value) {
  return product(value->type().dims).is(1);
}

/// One value a block of `block` elements along `axis`, repeated to the shape of x.
Value* spread_blocks(NodeImport& n, Value* scale, Value* x, int64_t axis, int64_t block) {
  const Dims& dims = x->type().dims;
  const auto at = static_cast<size_t>(axis);
  if (scale->type().rank() != x->type().rank()) {
    n.invalid("blocked scales are ", to_string(scale->type()), ", the data ", to_string(x->type()));
  }
  Dims split = scale->type().dims;
  split.insert(split.begin() + axis + 1, Dim(1));
  Dims repeated = split, merged = scale->type().dims;
  repeated[at + 1] = block;
  merged[at] = merged[at] * Dim(block);
  Value* const all = n.reshape(n.expand(n.reshape(scale, split), repeated), merged);
  return n.slice(all, axis, 0, dims[at]);  // the last block may be cut
}

/// A scale or zero point as it broadcasts to x: one for all, one an index of `axis`, or blocked.
Value* spread(NodeImport& n, Value* value, Value* x) {
  const int64_t rank = x->type().rank(), block = n.integer("block_size", 0);
  if (block < 0) n.invalid("the block size is ", block);
  if (block > 0) {
    return spread_blocks(n, value, x, n.axis(n.integer("axis", 1), rank), block);
  }
  if (is_single(value)) return n.reshape(value, {});
  const int64_t axis = n.axis(n.integer("axis", 1), rank);
  return n.align(value, {axis}, rank);
}

void quantize_linear(NodeImport& n) {
  Value* const x = n.in(0);
  Value* const zero = n.opt(2);
  DType to = zero ? zero->type().dtype : DType::kU8;
  if (n.integer("output_dtype", 0) != 0) {
    const DType wanted = n.dtype("output_dtype", to);
    if (zero && wanted != to) {
      n.invalid("output_dtype is ", to_string(wanted), ", the zero point ", to_string(to));
    }
    to = wanted;
  }
  if (is_float(to) && !n.flag("saturate", true)) {
    n.unsupported("quantization to ", to_string(to),
                  " without saturation is not supported: "
                  "set saturate = 1");
  }
  n.out(quantize(n, x, spread(n, n.in(1), x), zero ? spread(n, zero, x) : nullptr, to));
}

void dequantize_linear(NodeImport& n) {
  Value* const x = n.in(0);
  Value* const scale = n.in(1);
  Value* const zero = n.opt(2);
  if (zero && zero->type().dtype != x->type().dtype) {
    n.invalid("the data is ", to_string(x->type().dtype), ", its zero point ",
              to_string(zero->type().dtype));
  }
  const DType to = n.integer("output_dtype", 0) != 0 ? n.dtype("output_dtype", DType::kF32)
                                                     : scale->type().dtype;
  n.out(dequantize(n, x, spread(n, scale, x), zero ? spread(n, zero, x) : nullptr, to));
}

void dynamic_quantize_linear(NodeImport& n) {
  Value* const x = n.in(0);
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < x->type().rank(); ++axis) axes.push_back(axis);
  Value* const high = n.map("max($0, #0)", {n.reduce(op::Reduce::kMaximum, x, axes, false)});
  Value* const low = n.map("min($0, #0)", {n.reduce(op::Reduce::kMinimum, x, axes, false)});
  Value* const scale = n.map("div(sub($0, $1), #255)", {high, low});
  Value* const zero = n.map("cast(round(neg(div($0, $1)))):u8", {low, scale});
  n.out(0, quantize(n, x, scale, zero, DType::kU8));
  n.out(1, scale);
  n.out(2, zero);
}

/// An operand of an integer product in i32, its zero point taken off.
Value* widen(NodeImport& n, Value* x, Value* zero) {
  if (!zero) return n.cast(x, DType::kI32);
  return n.map("sub(cast($0):i32, cast($1):i32)", {x, zero});
}

/// A parameter of weights [m, ...]: one for all or one an output channel.
Value* per_filter(NodeImport& n, Value* value, Value* w) {
  if (!value || is_single(value)) return value ? n.reshape(value, {}) : nullptr;
  return n.align(value, {0}, w->type().rank());
}

/// A parameter of the rows (left) or columns (right) of a matrix.
Value* per_line(NodeImport& n, Value* value, bool rows) {
  if (!value) return nullptr;
  if (is_single(value)) return n.reshape(value, {});
  return rows && value->type().rank() == 1 ? n.unsqueeze(value, 1) : value;
}

void conv_integer(NodeImport& n) {
  Value* const w = n.in(1);
  Value* const zero = n.has_input(2) ? n.reshape(n.in(2), {}) : nullptr;
  n.out(convolve(n, widen(n, n.in(0), zero), widen(n, w, per_filter(n, n.opt(3), w)), nullptr));
}

void matmul_integer(NodeImport& n) {
  n.out(numpy_matmul(n, widen(n, n.in(0), per_line(n, n.opt(2), true)),
                     widen(n, n.in(1), per_line(n, n.opt(3), false))));
}

/// An i32 sum to a quantized result: `scale` is that of the sum's unit over that of the result's.
Value* requantize(NodeImport& n, Value* sum, Value* scale, Value* zero) {
  const char* const to = to_string(zero->type().dtype);
  return n.map(cat("cast(add(round(mul(cast($0):f32, $1)), cast($2):f32)):", to),
               {sum, scale, zero});
}

void qlinear_conv(NodeImport& n) {
  Value *const x = n.in(0), *const w = n.in(3);
  const auto single = [&](size_t i) { return n.reshape(n.in(i), {}); };
  Value* const sum =
      convolve(n, widen(n, x, single(2)), widen(n, w, per_filter(n, n.in(5), w)), n.opt(8));
  Value* w_scale = n.in(4);
  w_scale = is_single(w_scale) ? n.reshape(w_scale, {}) : n.align(w_scale, {1}, x->type().rank());
  Value* const scale = n.map("div(mul($0, $1), $2)", {single(1), w_scale, single(6)});
  n.out(requantize(n, sum, scale, single(7)));
}

void qlinear_matmul(NodeImport& n) {
  Value* const sum = numpy_matmul(n, widen(n, n.in(0), per_line(n, n.in(2), true)),
                                  widen(n, n.in(3), per_line(n, n.in(5), false)));
  const auto f32 = [&](Value* value) { return n.cast(value, DType::kF32); };
  Value* const scale = n.map("div(mul($0, $1), $2)",
                             {f32(per_line(n, n.in(1), true)), f32(per_line(n, n.in(4), false)),
                              f32(per_line(n, n.in(6), true))});
  n.out(requantize(n, sum, scale, per_line(n, n.in(7), true)));
}

constexpr ImportRow kRows[] = {
    {"ConvInteger", 10, kNewest, 2, 4, 1, conv_integer},
    {"DequantizeLinear", 10, kNewest, 2, 3, 1, dequantize_linear},
    {"DynamicQuantizeLinear", 11, kNewest, 1, 1, 3, dynamic_quantize_linear},
    {"MatMulInteger", 10, kNewest, 2, 4, 1, matmul_integer},
    {"QLinearConv", 10, kNewest, 8, 9, 1, qlinear_conv},
    {"QLinearMatMul", 10, kNewest, 8, 8, 1, qlinear_matmul},
    {"QuantizeLinear", 10, kNewest, 2, 3, 1, quantize_linear},
};

}  // namespace

std::span<const ImportRow> quant_rows() {
  return kRows;
}

}  // namespace carnot::onnx
