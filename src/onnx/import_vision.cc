// Operators that sample images and feature maps.
#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

void grid_sample(NodeImport& n) {
  op::GridSample op;
  const std::string mode = n.text("mode", n.opset() < 20 ? "bilinear" : "linear");
  if (mode == "linear" || mode == "bilinear") {
    op.mode = op::GridSample::kLinear;
  } else if (mode == "nearest") {
    op.mode = op::GridSample::kNearest;
  } else if (mode == "cubic" || mode == "bicubic") {
    op.mode = op::GridSample::kCubic;
  } else {
    n.invalid("the mode ", quote(mode), " is unknown");
  }
  const std::string padding = n.text("padding_mode", "zeros");
  if (padding == "zeros") {
    op.padding = op::GridSample::kZeros;
  } else if (padding == "border") {
    op.padding = op::GridSample::kBorder;
  } else if (padding == "reflection") {
    op.padding = op::GridSample::kReflection;
  } else {
    n.invalid("the padding mode ", quote(padding), " is unknown");
  }
  op.align_corners = n.flag("align_corners", false);
  n.out(n.make(op, {n.in(0), n.in(1)}));
}

void roi_align(NodeImport& n) {
  op::RoiAlign op;
  const std::string mode = n.text("mode", "avg");
  if (mode != "avg" && mode != "max") n.invalid("the mode ", quote(mode), " is unknown");
  op.maximum = mode == "max";
  // Opset 10 had no half-pixel shift.
  const std::string how =
      n.text("coordinate_transformation_mode", n.opset() < 16 ? "output_half_pixel" : "half_pixel");
  op.half_pixel = how == "half_pixel";
  op.height = n.integer("output_height", 1);
  op.width = n.integer("output_width", 1);
  op.sampling_ratio = n.integer("sampling_ratio", 0);
  op.spatial_scale = n.real("spatial_scale", 1);
  n.out(n.make(op, {n.in(0), n.in(1), n.in(2)}));
}

/// Positions of the sampling grid along one axis, from -1 to 1.
Value* grid_line(NodeImport& n, const Dim& size, bool align_corners) {
  if (!size.is_constant()) n.unsupported("the size must be constant");
  const auto count = static_cast<double>(size.value());
  Value* const index = n.iota({size}, 0, n.type(0).dtype);
  if (align_corners) {
    const double step = count > 1 ? 2 / (count - 1) : 0;
    return n.map(cat("sub(mul($0, #", print_float(step), "), #", count > 1 ? 1 : 0, ")"), {index});
  }
  return n.map(cat("sub(div(add(mul($0, #2), #1), #", print_float(count), "), #1)"), {index});
}

/// theta [n, d, d + 1] times homogeneous grid points gives [n, sizes..., d].
void affine_grid(NodeImport& n) {
  Value* const theta = n.in(0);
  const std::optional<Dims> sizes = n.elements(n.in(1));
  if (!sizes || (sizes->size() != 4 && sizes->size() != 5)) {
    n.unsupported("the size must be constant, with 4 or 5 entries");
  }
  const bool align_corners = n.flag("align_corners", false);
  const Dims spatial(sizes->begin() + 2, sizes->end());
  const auto rank = static_cast<int64_t>(spatial.size());
  Dims points = spatial;
  points.emplace_back(1);
  Values parts;
  for (int64_t axis = rank - 1; axis >= 0; --axis) {  // x first
    Value* const line = grid_line(n, spatial[static_cast<size_t>(axis)], align_corners);
    parts.push_back(n.expand(n.align(line, {axis}, rank + 1), points));
  }
  parts.push_back(n.filled(
      [&] {
        Tensor one = Tensor::zeros(theta->type().dtype, {});
        one.set(0, 1);
        return one;
      }(),
      points));
  Value* const grid = n.reshape(n.concat(parts, rank), {product(spatial), rank + 1});
  op::MatMul op;
  op.transpose_b = true;
  Dims out = {theta->type().dims[0]};
  out.insert(out.end(), spatial.begin(), spatial.end());
  out.emplace_back(rank);
  n.out(n.reshape(n.make(op, {grid, theta}), out));
}

/// Crops or pads (with zeros) around the centre.
void center_crop_pad(NodeImport& n) {
  Value* x = n.in(0);
  const int64_t rank = x->type().rank();
  const std::optional<Dims> wanted = n.elements(n.in(1));
  if (!wanted) n.unsupported("the shape must be constant or computed from shapes");
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < rank; ++i) axes.push_back(i);
  if (n.has("axes")) axes = n.axes(n.integers("axes"), rank);
  if (axes.size() != wanted->size()) n.invalid("has ", wanted->size(), " sizes");
  Dims lo(static_cast<size_t>(rank), Dim(0)), hi = lo;
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i]);
    const Dim size = x->type().dims[axis], want = (*wanted)[i];
    if (surely_le(want, size)) {
      x = n.slice(x, axes[i], floor_div(size - want, 2), want);
    } else if (surely_le(size, want)) {
      lo[axis] = floor_div(want - size, 2);
      hi[axis] = want - size - lo[axis];
    } else {
      n.unsupported("whether to crop or to pad axis ", axes[i],
                    " is only known in a run: pin the input's shape");
    }
  }
  n.out(n.pad(x, lo, hi));
}

constexpr ImportRow kRows[] = {
    {"AffineGrid", 20, kNewest, 2, 2, 1, affine_grid},
    {"CenterCropPad", 18, kNewest, 2, 2, 1, center_crop_pad},
    {"GridSample", 16, kNewest, 2, 2, 1, grid_sample},
    {"RoiAlign", 10, kNewest, 3, 3, 1, roi_align},
};

}  // namespace

std::span<const ImportRow> vision_rows() {
  return kRows;
}

}  // namespace carnot::onnx
