// Pooling.
#include <limits>

#include "base/text.h"
#include "onnx/contraction.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

/// x with pads as numbers; padding that only a run can know is added as elements of `fill`.
Padded padded_operand(NodeImport& n, const Window& window, double fill) {
  Value* const x = n.in(0);
  const bool is_fixed = [&] {
    for (size_t i = 0; i < window.kernel.size(); ++i) {
      if (!window.pads_lo[i].is_constant() || !window.pads_hi[i].is_constant()) return false;
    }
    return true;
  }();
  return apply_pads(n, x, window, is_fixed ? nullptr : n.scalar(x->type().dtype, fill));
}

/// With auto_pad SAME and ceil_mode the pads already make the result's size exact.
bool ceil_mode(NodeImport& n) {
  return n.flag("ceil_mode", false);
}

void max_pool(NodeImport& n) {
  const Window window = read_window(n, n.type(0).dims, {});
  const Padded padded = padded_operand(n, window, -std::numeric_limits<double>::infinity());
  op::Pool pool;
  pool.kernel = window.kernel;
  pool.strides = window.strides;
  pool.dilations = window.dilations;
  pool.pads_lo = padded.lo;
  pool.pads_hi = padded.hi;
  pool.ceil_mode = ceil_mode(n);
  if (n.wants(1)) {
    if (padded.x != n.in(0)) {
      n.unsupported("indices with auto_pad need a known input size: pin the input's shape");
    }
    op::MaxPoolIndices indices;
    indices.kernel = pool.kernel;
    indices.strides = pool.strides;
    indices.dilations = pool.dilations;
    indices.pads_lo = pool.pads_lo;
    indices.pads_hi = pool.pads_hi;
    indices.ceil_mode = pool.ceil_mode;
    indices.column_major = n.flag("storage_order", false);
    n.out(1, n.make(std::move(indices), {padded.x}));
  }
  n.out(n.make(std::move(pool), {padded.x}));
}

void average_pool(NodeImport& n) {
  const Window window = read_window(n, n.type(0).dims, {});
  const Padded padded = padded_operand(n, window, 0);
  const bool count_padding = n.flag("count_include_pad", false);
  if (padded.x != n.in(0) && !count_padding) {
    n.unsupported("auto_pad with strides needs a known input size: pin the input's shape");
  }
  op::Pool pool;
  pool.kind = op::Pool::kAverage;
  pool.kernel = window.kernel;
  pool.strides = window.strides;
  pool.dilations = window.dilations;
  pool.pads_lo = padded.lo;
  pool.pads_hi = padded.hi;
  pool.ceil_mode = ceil_mode(n);
  pool.count_padding = count_padding;
  n.out(n.make(std::move(pool), {padded.x}));
}

void lp_pool(NodeImport& n) {
  const Window window = read_window(n, n.type(0).dims, {});
  const Padded padded = padded_operand(n, window, 0);
  op::Pool pool;
  pool.kind = op::Pool::kLp;
  pool.kernel = window.kernel;
  pool.strides = window.strides;
  pool.dilations = window.dilations;
  pool.pads_lo = padded.lo;
  pool.pads_hi = padded.hi;
  pool.ceil_mode = ceil_mode(n);
  const double p = n.opset() < 2 ? n.real("p", 2) : static_cast<double>(n.integer("p", 2));
  if (!(p >= 1 && p < 0x1p31)) n.invalid("p is ", p);
  pool.p = static_cast<int64_t>(p);
  n.out(n.make(std::move(pool), {padded.x}));
}

void global_pool(NodeImport& n) {
  Value* const x = n.in(0);
  std::vector<int64_t> axes;
  for (int64_t axis = 2; axis < x->type().rank(); ++axis) axes.push_back(axis);
  if (x->type().rank() < 2) n.invalid("needs a tensor of rank 2 or more");
  if (n.type() == "GlobalMaxPool") {
    return n.out(n.reduce(op::Reduce::kMaximum, x, axes, true));
  }
  if (n.type() == "GlobalAveragePool") {
    return n.out(n.reduce(op::Reduce::kMean, x, axes, true));
  }
  const double p = n.opset() < 2 ? n.real("p", 2) : static_cast<double>(n.integer("p", 2));
  if (p < 1) n.invalid("p is ", p);
  Value* const powers = n.map(cat("pow(abs($0), #", print_float(p), ")"), {x});
  Value* const sum = n.reduce(op::Reduce::kSum, powers, axes, true);
  n.out(n.map(cat("pow($0, #", print_float(1 / p), ")"), {sum}));
}

/// The values scattered to the flat positions that MaxPool found in its input; a larger output
/// shape adds zeros at the ends.
void max_unpool(NodeImport& n) {
  Value *const x = n.in(0), *const indices = n.in(1);
  const Dims& dims = x->type().dims;
  const Window window = read_window(n, dims, {});
  Dims sizes = {dims[0], dims[1]};
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    sizes.push_back((dims[i + 2] - Dim(1)) * Dim(window.strides[i]) + Dim(window.kernel[i]) -
                    window.pads_lo[i] - window.pads_hi[i]);
  }
  Value* const nothing = n.filled(Tensor::zeros(x->type().dtype, {}), {product(sizes)});
  Value* const flat = n.make(op::ScatterElements{0, op::ScatterKind::kAssign},
                             {nothing, n.flatten(indices), n.flatten(x)});
  Value* const out = n.reshape(flat, sizes);
  if (!n.has_input(2)) return n.out(out);
  const std::optional<Dims> wanted = n.elements(n.in(2));
  if (!wanted || wanted->size() != dims.size()) {
    n.unsupported("the output shape must be constant, with one size an axis");
  }
  Dims hi;
  for (size_t i = 0; i < sizes.size(); ++i) hi.push_back((*wanted)[i] - sizes[i]);
  n.out(n.pad(out, Dims(sizes.size(), Dim(0)), hi));
}

constexpr ImportRow kRows[] = {
    {"AveragePool", 1, kNewest, 1, 1, 1, average_pool},
    {"GlobalAveragePool", 1, kNewest, 1, 1, 1, global_pool},
    {"GlobalLpPool", 1, kNewest, 1, 1, 1, global_pool},
    {"GlobalMaxPool", 1, kNewest, 1, 1, 1, global_pool},
    {"LpPool", 1, kNewest, 1, 1, 1, lp_pool},
    {"MaxPool", 1, kNewest, 1, 1, 2, max_pool},
    {"MaxUnpool", 9, kNewest, 2, 3, 1, max_unpool},
};

}  // namespace

std::span<const ImportRow> pool_rows() {
  return kRows;
}

}  // namespace carnot::onnx
