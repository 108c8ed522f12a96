// Parts of well-known models, as TensorRT's plugins have them: anchors, crops, deformable and
// disentangled attention, residual norms.
#include <cmath>

#include "stock.h"

namespace trt {

namespace {

using carnot::Dim;
using carnot::Dims;
using carnot::ScalarOp;
namespace op = carnot::op;

void take_inputs(const Values& in, size_t count) {
  if (in.size() != count) refuse("takes ", count, " inputs, is given ", in.size());
}

Handle f32(Emit& e, double value) {
  return e.scalar(DType::kF32, value);
}

/// What SSD calls priors: [batch, 2, boxes * 4, 1], boxes and behind them their variances.
Handle priors(Emit& e, const std::vector<float>& boxes, std::vector<double> variance,
              const Dim& batch) {
  std::vector<float> all = boxes;
  if (variance.size() != 4) variance = {0.1, 0.1, 0.2, 0.2};
  for (size_t i = 0; i < boxes.size(); ++i) all.push_back(static_cast<float>(variance[i % 4]));
  const auto count = static_cast<int64_t>(boxes.size());
  const Handle one = e.constant(carnot::Tensor::from_f32({1, 2, count, 1}, all));
  return e.expand(one, {batch, Dim(2), Dim(count), Dim(1)});
}

int64_t fixed(Emit& e, Handle x, size_t axis) {
  const Dim& d = e.dims(x)[axis];
  if (!d.is_constant()) unsupported("a feature map whose size differs from run to run");
  return d.value();
}

struct Size {
  double width, height;
};

/// A box of each size around each cell's center, in parts of the image.
std::vector<float> boxes_around(int64_t rows, int64_t columns, double step_y, double step_x,
                                double offset, const std::vector<Size>& sizes, bool clip) {
  std::vector<float> out;
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      const double cx = (static_cast<double>(x) + offset) * step_x;
      const double cy = (static_cast<double>(y) + offset) * step_y;
      for (const Size& s : sizes) {
        for (double v :
             {cx - s.width / 2, cy - s.height / 2, cx + s.width / 2, cy + s.height / 2}) {
          if (clip) v = std::min(std::max(v, 0.0), 1.0);
          out.push_back(static_cast<float>(v));
        }
      }
    }
  }
  return out;
}

Values prior_box(Emit& e, const Values& in, const StockFields& fields) {
  if (in.empty() || e.rank(in[0]) != 4) refuse("takes a feature map and an image");
  const std::vector<double> least = fields.numbers("minSize"), greatest = fields.numbers("maxSize");
  if (least.empty() || (!greatest.empty() && greatest.size() != least.size())) {
    refuse("minSize has ", least.size(), " numbers, maxSize ", greatest.size());
  }
  std::vector<double> ratios = {1};
  for (const double ratio : fields.numbers("aspectRatios")) {
    const auto same = [&](double known) { return std::fabs(known - ratio) < 1e-6; };
    if (!(ratio > 0)) refuse("an aspect ratio is ", ratio);
    if (std::any_of(ratios.begin(), ratios.end(), same)) continue;
    ratios.push_back(ratio);
    if (fields.flag("flip", true)) ratios.push_back(1 / ratio);
  }
  const int64_t rows = fixed(e, in[0], 2), columns = fixed(e, in[0], 3);
  auto height = static_cast<double>(fields.integer("imgH", 0));
  auto width = static_cast<double>(fields.integer("imgW", 0));
  if (height == 0 || width == 0) {
    if (in.size() < 2 || e.rank(in[1]) != 4) refuse("neither imgH and imgW nor an image");
    height = static_cast<double>(fixed(e, in[1], 2));
    width = static_cast<double>(fixed(e, in[1], 3));
  }
  double step_y = fields.number("stepH", 0), step_x = fields.number("stepW", 0);
  if (step_y == 0 || step_x == 0) {
    step_y = height / static_cast<double>(rows), step_x = width / static_cast<double>(columns);
  }
  std::vector<Size> sizes;
  for (size_t i = 0; i < least.size(); ++i) {
    sizes.push_back({least[i] / width, least[i] / height});
    if (!greatest.empty()) {
      const double edge = std::sqrt(least[i] * greatest[i]);
      sizes.push_back({edge / width, edge / height});
    }
    for (size_t k = 1; k < ratios.size(); ++k) {
      const double root = std::sqrt(ratios[k]);
      sizes.push_back({least[i] * root / width, least[i] / root / height});
    }
  }
  const std::vector<float> boxes =
      boxes_around(rows, columns, step_y / height, step_x / width, fields.number("offset", 0.5),
                   sizes, fields.flag("clip", false));
  return {priors(e, boxes, fields.numbers("variance"), e.dims(in[0])[0])};
}

/// Anchors of the SSD of TensorFlow's detection models, one result for each feature map.
Values grid_anchors(Emit& e, const Values& in, const StockFields& fields) {
  const auto layers = static_cast<size_t>(fields.integer("numLayers", 6));
  const std::vector<double> shapes = fields.numbers("featureMapShapes");
  const bool rectangular = shapes.size() == 2 * layers;
  if (layers < 2 || (shapes.size() != layers && !rectangular)) {
    refuse("featureMapShapes has ", shapes.size(), " numbers for ", layers, " layers");
  }
  const double least = fields.number("minSize", 0.2), greatest = fields.number("maxSize", 0.95);
  const auto scale = [&](size_t i) {
    return least + (greatest - least) * static_cast<double>(i) / static_cast<double>(layers - 1);
  };
  const std::vector<double> given = fields.numbers("aspectRatios");
  if (given.size() < 3) refuse("aspectRatios has ", given.size(), " numbers, 3 or more are wanted");
  Values out;
  for (size_t i = 0; i < layers; ++i) {
    std::vector<Size> sizes;
    const auto add = [&](double size, double ratio) {
      sizes.push_back({size * std::sqrt(ratio), size / std::sqrt(ratio)});
    };
    if (i == 0) {
      add(0.1, given[0]), add(scale(0), given[1]), add(scale(0), given[2]);
    } else {
      for (const double ratio : given) add(scale(i), ratio);
      add(std::sqrt(scale(i) * (i + 1 == layers ? 1 : scale(i + 1))), 1);
    }
    const auto rows = static_cast<int64_t>(shapes[rectangular ? 2 * i : i]);
    const auto columns = static_cast<int64_t>(shapes[rectangular ? 2 * i + 1 : i]);
    if (rows < 1 || columns < 1) refuse("a feature map of ", rows, " x ", columns);
    const std::vector<float> boxes =
        boxes_around(rows, columns, 1.0 / static_cast<double>(rows),
                     1.0 / static_cast<double>(columns), 0.5, sizes, false);
    out.push_back(
        priors(e, boxes, fields.numbers("variance"), in.empty() ? Dim(1) : e.dims(in[0])[0]));
  }
  return out;
}

/// Of values [n, positions, heads, width]: a weighted sum of samples, bilinear, of each level.
Values deformable_attention(Emit& e, const Values& in, const StockFields&) {
  take_inputs(in, 5);
  const Dims value = e.dims(in[0]), location = e.dims(in[3]);
  const auto& shapes = e.elements(in[1]);
  if (value.size() != 4 || location.size() != 6) {
    refuse("takes values [n, s, m, d], shapes, starts, places [n, q, m, l, p, 2] and weights");
  }
  if (!shapes) unsupported("shapes of levels that the data give: make them a constant");
  const Dim groups = value[0] * value[2], queries = location[1], points = location[4];
  const DType dtype = e.dtype(in[0]);
  Dim start(0);
  Handle sum;
  for (size_t l = 0; 2 * l + 1 < shapes->size(); ++l) {
    const Dim height = (*shapes)[2 * l], width = (*shapes)[2 * l + 1];
    Handle v = e.slice(in[0], 1, start, height * width);
    v = e.reshape(e.transpose(v, {0, 2, 3, 1}), {groups, value[3], height, width});
    const auto level = static_cast<int64_t>(l);
    Handle at = e.slice(in[3], 3, Dim(level), Dim(1));
    at = e.reshape(e.transpose(at, {0, 2, 1, 4, 5, 3}), {groups, queries, points, Dim(2)});
    at = e.cast(e.map("sub(mul($0, $1), $2)", {e.cast(at, DType::kF32), f32(e, 2), f32(e, 1)}),
                dtype);
    Handle weight = e.slice(in[4], 3, Dim(level), Dim(1));
    weight = e.reshape(e.transpose(weight, {0, 2, 3, 1, 4}), {groups, Dim(1), queries, points});
    const Handle samples = e.make(op::GridSample{}, {v, at});  // [groups, d, q, p]
    const Handle part =
        e.reduce(op::Reduce::kSum, e.binary(ScalarOp::kMul, samples, weight), {3}, false);
    sum = l == 0 ? part : e.binary(ScalarOp::kAdd, sum, part);
    start = start + height * width;
  }
  const Handle apart = e.reshape(sum, {value[0], value[2], value[3], queries});
  return {e.transpose(apart, {0, 3, 1, 2})};
}

/// Convolution of x whose kernel's elements lie at offsets of their own, times `mask`: x [n, c, h,
/// w], offsets [n, 2 g k, oh, ow] of y and x for each element k of each of g groups of channels,
/// mask [n, g k, oh, ow], weights [o, c / groups, kh, kw] and perhaps a bias [o].
Values deformable_conv(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 4 && in.size() != 5) refuse("takes x, offsets, a mask, weights and a bias");
  const Dims x = e.dims(in[0]), offsets = e.dims(in[1]), w = e.dims(in[3]);
  if (x.size() != 4 || offsets.size() != 4 || w.size() != 4 || e.rank(in[2]) != 4 ||
      !w[2].is_constant() || !w[3].is_constant()) {
    refuse("x, offsets, mask and weights have four axes each");
  }
  const int64_t groups = fields.integer("group", 1), parts = fields.integer("deformable_group", 1);
  if (groups < 1 || parts < 1) refuse("group is ", groups, ", deformable_group ", parts);
  const auto pair = [&](const char* name, double otherwise) {
    const std::vector<double> given = fields.numbers(name);
    return given.size() == 2 ? given : std::vector<double>{otherwise, otherwise};
  };
  const std::vector<double> stride = pair("stride", 1), padding = pair("padding", 0),
                            dilation = pair("dilation", 1);
  const int64_t columns = w[3].value(), taps = w[2].value() * columns;
  const Dim out_h = offsets[2], out_w = offsets[3], rows = x[0] * Dim(parts);
  const Handle moves =
      e.reshape(e.cast(in[1], DType::kF32), {rows, Dim(taps), Dim(2), out_h, out_w});
  Values at;
  for (size_t axis : {1, 0}) {  // the grid names the last axis first
    std::vector<float> tap;
    for (int64_t i = 0; i < taps; ++i) {
      const int64_t index = axis == 0 ? i / columns : i % columns;
      tap.push_back(
          static_cast<float>(static_cast<double>(index) * dilation[axis] - padding[axis]));
    }
    Dims line = {1, 1, 1, 1};
    line[axis + 2] = offsets[axis + 2];
    const Handle cell = e.make(op::Iota{line, static_cast<int64_t>(axis) + 2, DType::kF32}, {});
    const Handle offset = e.reshape(e.slice(moves, 2, Dim(static_cast<int64_t>(axis)), Dim(1)),
                                    {rows, Dim(taps), out_h, out_w});
    const Handle size = e.cast(e.make(op::DimsTensor{{x[axis + 2]}, true}, {}), DType::kF32);
    // Pixel p of `size` has its middle at (2 p + 1) / size - 1.
    const Handle place =
        e.map("sub(div(add(mul(add(add(mul($0, $1), $2), $3), 2:f32), 1:f32), $4), 1:f32)",
              {cell, f32(e, stride[axis]), e.constant(carnot::Tensor::from_f32({taps, 1, 1}, tap)),
               offset, size});
    at.push_back(e.reshape(place, {rows, Dim(taps) * out_h, out_w, Dim(1)}));
  }
  const Handle image = e.reshape(in[0], {rows, floor_div(x[1], Dim(parts)), x[2], x[3]});
  const Handle grid = e.cast(e.concat(at, 3), e.dtype(in[0]));
  const Handle samples = e.binary(ScalarOp::kMul, e.make(op::GridSample{}, {image, grid}),
                                  e.reshape(in[2], {rows, Dim(1), Dim(taps) * out_h, out_w}));
  const Dim inner = floor_div(x[1], Dim(groups)) * Dim(taps);
  const Handle each = e.reshape(samples, {x[0], Dim(groups), inner, out_h * out_w});
  const Handle weights =
      e.reshape(in[3], {Dim(1), Dim(groups), floor_div(w[0], Dim(groups)), inner});
  const Handle y = e.reshape(e.matmul(weights, each), {x[0], w[0], out_h, out_w});
  if (in.size() == 4) return {y};
  return {e.binary(ScalarOp::kAdd, y, e.reshape(in[4], {w[0], Dim(1), Dim(1)}))};
}

/// DeBERTa: (scores + content to position + position to content) * factor, positions being
/// differences in logarithmic buckets.
Values disentangled_attention(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 3);
  const Dims sizes = e.dims(in[0]);
  const int64_t span = fields.integer("span", 256), middle = span / 2;
  if (sizes.size() != 3 || middle < 2) refuse("scores are [n, s, s], or span is ", span);
  const Handle rows = e.make(op::Iota{{sizes[1], Dim(1)}, 0, DType::kF32}, {});
  const Handle columns = e.make(op::Iota{{Dim(1), sizes[2]}, 1, DType::kF32}, {});
  const double log_middle = std::log(static_cast<double>(middle));
  const double steps = static_cast<double>(middle - 1) /
                       (std::log(static_cast<double>(2 * span - 1)) - log_middle) * (1 - 1e-7);
  const Handle apart = e.binary(ScalarOp::kSub, rows, columns);
  const Handle far = e.map(
      "add(ceil(mul(sub(log(max(abs($0), $1)), $2), $3)), $4)",
      {apart, f32(e, 1), f32(e, log_middle), f32(e, steps), f32(e, static_cast<double>(middle))});
  const Handle bucket = e.map("select(le(abs($0), $1), $0, select(lt($0, $3), neg($2), $2))",
                              {apart, f32(e, static_cast<double>(middle)), far, f32(e, 0)});
  const Handle index =
      e.map("min(max(add($0, $1), $2), $3)", {bucket, f32(e, static_cast<double>(span)), f32(e, 0),
                                              f32(e, static_cast<double>(2 * span - 1))});
  const auto gather = [&](Handle from, Handle at) {
    return e.make(op::GatherElements{2}, {from, e.expand(e.cast(at, DType::kI64), sizes)});
  };
  const Handle first = gather(in[1], index);
  const Handle second = e.transpose(gather(in[2], e.transpose(index, {1, 0})), {0, 2, 1});
  return {e.map("mul(add(add($0, $1), $2), $3)",
                {in[0], first, second, e.scalar(e.dtype(in[0]), fields.number("factor", 1))})};
}

constexpr const char* kPrior =
    "minSize:f maxSize:f aspectRatios:f flip:i clip:i variance:f imgH:i imgW:i stepH:f stepW:f "
    "offset:f";
constexpr const char* kGrid =
    "minSize:f maxSize:f aspectRatios:f featureMapShapes:i variance:f numLayers:i";
constexpr const char* kDeform = "stride:i padding:i dilation:i group:i deformable_group:i";
constexpr const char* kSpan = "span:i factor:f";

constexpr StockRow kRows[] = {
    {"PriorBox_TRT", "1", StockKind::kBatched, 1, kPrior, prior_box, "f"},
    {"GridAnchor_TRT", "1", StockKind::kBatched, StockRow::kByLayers, kGrid, grid_anchors, "f"},
    {"GridAnchorRect_TRT", "1", StockKind::kBatched, StockRow::kByLayers, kGrid, grid_anchors, "f"},
    {"MultiscaleDeformableAttnPlugin_TRT", "1", StockKind::kDynamic, 1, "", deformable_attention},
    {"MultiscaleDeformableAttnPlugin_TRT", "2", StockKind::kV3, 1, "", deformable_attention},
    {"ModulatedDeformConv2d", "1", StockKind::kDynamic, 1, kDeform, deformable_conv},
    {"ModulatedDeformConv2d", "2", StockKind::kV3, 1, kDeform, deformable_conv},
    {"DisentangledAttention_TRT", "1", StockKind::kDynamic, 1, kSpan, disentangled_attention},
    {"DisentangledAttention_TRT", "2", StockKind::kV3, 1, kSpan, disentangled_attention},
};

}  // namespace

std::span<const StockRow> stock_models() {
  return kRows;
}

}  // namespace trt
