// Deformable convolution and determinants, composed of samples, contractions and slices.
#include <numeric>

#include "base/text.h"
#include "onnx/contraction.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

// Largest kernel along an axis: each of its elements is a sample of the whole image.
constexpr int64_t kKernelMax = 256;

struct Deform {
  Window window;
  int64_t groups = 1, offset_groups = 1;
  int64_t taps = 1;  ///< elements of the kernel
  Dims x, w, out;    ///< out: the result's spatial sizes
};

Deform read_deform(NodeImport& n) {
  Deform d;
  d.x = n.type(0).dims, d.w = n.type(1).dims;
  if (d.x.size() != 4 || d.w.size() != 4 || n.rank(2) != 4) {
    n.unsupported("only images with two spatial axes are supported");
  }
  std::vector<int64_t> kernel;
  for (size_t i = 2; i < 4; ++i) {
    if (!d.w[i].is_constant() || d.w[i].value() < 1 || d.w[i].value() > kKernelMax) {
      n.unsupported("the weights are ", to_string(d.w), ": their sizes must be known and small");
    }
    if (!d.x[i].is_constant() || d.x[i].value() < 1) {
      n.unsupported("the image is ", to_string(d.x), ": pin its size");
    }
    kernel.push_back(d.w[i].value());
    d.taps *= kernel.back();
  }
  d.window = read_window(n, d.x, kernel);
  d.groups = n.integer("group", 1), d.offset_groups = n.integer("offset_group", 1);
  if (d.groups < 1 || d.offset_groups < 1) n.invalid("a group count is not positive");
  d.out = {n.type(2).dims[2], n.type(2).dims[3]};
  return d;
}

/// Sampling positions along spatial axis `axis`, between -1 and 1: [n * offset groups, taps, out_h,
/// out_w]; `offset` has that shape too.
Value* positions(NodeImport& n, const Deform& d, size_t axis, Value* offset) {
  const DType dtype = offset->type().dtype;
  Tensor tap = Tensor::zeros(dtype, {1, d.taps, 1, 1});
  for (int64_t i = 0; i < d.taps; ++i) {
    const int64_t columns = d.window.kernel[1];
    const int64_t at = axis == 0 ? i / columns : i % columns;
    tap.set(i, static_cast<double>(at * d.window.dilations[axis] - d.window.pads_lo[axis].value()));
  }
  Dims line = {1, 1, 1, 1};
  line[axis + 2] = d.out[axis];
  Value* const index = n.iota(line, static_cast<int64_t>(axis) + 2, dtype);
  // Pixel p of `size` has its middle at (2 p + 1) / size - 1.
  const std::string at = cat("add(add(mul($0, #", d.window.strides[axis], "), $1), $2)");
  return n.map(cat("sub(div(add(mul(", at, ", #2), #1), #", d.x[axis + 2].value(), "), #1)"),
               {index, n.constant(std::move(tap)), offset});
}

void deform_conv(NodeImport& n) {
  const Deform d = read_deform(n);
  const Dim batch = d.x[0], channels = d.x[1], parts = d.offset_groups, taps = d.taps;
  const Dim rows = batch * parts, points = d.out[0] * d.out[1];
  // Offsets come as [n, group * taps * 2, h, w]: y, then x of each tap.
  // Positions are scaled to the image and back: f64 keeps whole pixels whole.
  Value* const offsets =
      n.reshape(n.cast(n.in(2), DType::kF64), {rows, taps, 2, d.out[0], d.out[1]});
  Values grid;
  for (const size_t axis : {size_t{1}, size_t{0}}) {  // the grid names the last axis first
    Value* const offset = n.reshape(n.slice(offsets, 2, static_cast<int64_t>(axis), 1),
                                    {rows, taps, d.out[0], d.out[1]});
    grid.push_back(n.reshape(positions(n, d, axis, offset), {rows, taps * d.out[0], d.out[1], 1}));
  }
  Value* const image = n.reshape(n.in(0), {rows, floor_div(channels, parts), d.x[2], d.x[3]});
  Value* samples = n.make(op::GridSample{}, {image, n.concat(grid, 3)});
  if (n.has_input(4)) {
    samples = n.mul(samples, n.reshape(n.in(4), {rows, 1, taps * d.out[0], d.out[1]}));
  }
  const Dim groups = d.groups, inner = floor_div(channels, groups) * taps;
  Value* const columns = n.reshape(samples, {batch, groups, inner, points});
  Value* const weights = n.reshape(n.in(1), {1, groups, floor_div(d.w[0], groups), inner});
  Value* out = n.reshape(n.matmul(weights, columns), {batch, d.w[0], d.out[0], d.out[1]});
  if (n.has_input(3)) out = n.add2(out, n.align(n.in(3), {1}, 4));
  n.out(out);
}

/// The determinant of rows `row`.. and the given columns, along the first of those rows.
Value* minor_of(NodeImport& n, Value* x, int64_t row, const std::vector<int64_t>& columns) {
  const int64_t rank = x->type().rank();
  Value* sum = nullptr;
  for (size_t i = 0; i < columns.size(); ++i) {
    Value* const line = n.slice(x, rank - 2, row, 1);
    Value* term = n.slice(line, rank - 1, columns[i], 1);
    if (columns.size() > 1) {
      std::vector<int64_t> rest = columns;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      term = n.mul(term, minor_of(n, x, row + 1, rest));
    }
    sum = !sum ? term : i % 2 == 0 ? n.add2(sum, term) : n.sub(sum, term);
  }
  return sum;
}

void det(NodeImport& n) {
  // The expansion has n! terms.
  constexpr int64_t kSizeMax = 4;
  Value* const x = n.in(0);
  const Dims& dims = x->type().dims;
  if (dims.size() < 2) n.invalid("needs matrices, got ", to_string(dims));
  const Dim& size = dims.back();
  if (!size.is_constant() || !dims[dims.size() - 2].is_constant()) {
    n.unsupported("the matrix needs a known size, it is ", to_string(dims));
  }
  if (!(size == dims[dims.size() - 2]) || size.is(0)) n.invalid("the matrix is ", to_string(dims));
  if (size.value() > kSizeMax) {
    n.unsupported("matrices larger than ", kSizeMax, " x ", kSizeMax, " are not supported");
  }
  std::vector<int64_t> columns(static_cast<size_t>(size.value()));
  std::iota(columns.begin(), columns.end(), 0);
  n.out(n.reshape(minor_of(n, x, 0, columns), Dims(dims.begin(), dims.end() - 2)));
}

constexpr ImportRow kRows[] = {
    {"DeformConv", 19, kNewest, 3, 5, 1, deform_conv},
    {"Det", 11, kNewest, 1, 1, 1, det},
};

}  // namespace

std::span<const ImportRow> patches_rows() {
  return kRows;
}

}  // namespace carnot::onnx
