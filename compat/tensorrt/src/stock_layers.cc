// Normalisation, activation, rearrangement and scattering, as TensorRT's plugins have them.
#include <cmath>
#include <limits>

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

Handle like(Emit& e, Handle x, double value) {
  return e.scalar(e.dtype(x), value);
}

/// [c] for a tensor [n, c, ...] of some rank.
Handle per_channel(Emit& e, Handle x, int64_t rank) {
  Dims sizes(static_cast<size_t>(rank), Dim(1));
  sizes[1] = product(e.dims(x));
  return e.reshape(x, sizes);
}

Handle leaky(Emit& e, Handle x, double slope) {
  return e.map("select(lt($0, $1), mul($0, $2), $0)", {x, like(e, x, 0), like(e, x, slope)});
}

Values instance_norm(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 1 && in.size() != 3) refuse("takes x, scale and bias");
  const int64_t rank = e.rank(in[0]);
  if (rank < 3) refuse("x has no spatial axes");
  op::Normalize n;
  n.epsilon = fields.number("epsilon", 1e-5);
  for (int64_t i = 2; i < rank; ++i) n.axes.push_back(i);
  Values operands = {in[0]};
  for (const char* field : {"scales", "bias"}) {
    const std::vector<double> values = fields.numbers(field);
    Handle h;
    if (in.size() == 3) {
      h = in[operands.size()];
    } else if (!values.empty()) {
      const std::vector<float> narrow(values.begin(), values.end());
      h = e.constant(carnot::Tensor::from_f32({static_cast<int64_t>(narrow.size())}, narrow));
    } else {
      refuse("neither an input nor the field '", field, "' has what each channel is given");
    }
    operands.push_back(per_channel(e, e.cast(h, e.dtype(in[0])), rank));
  }
  Handle y = e.make(n, operands);
  if (fields.flag("relu", false)) y = leaky(e, y, fields.number("alpha", 0));
  return {y};
}

Values group_norm(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 3);
  const Dims& sizes = e.dims(in[0]);
  const int64_t groups = fields.integer("num_groups", 32);
  if (sizes.size() < 3 || groups < 1)
    refuse("x has no spatial axes, or there are ", groups, " groups");
  Dims grouped = {sizes[0], Dim(groups), floor_div(sizes[1], Dim(groups))};
  grouped.insert(grouped.end(), sizes.begin() + 2, sizes.end());
  op::Normalize n;
  n.epsilon = fields.number("eps", 1e-5);
  for (size_t i = 2; i < grouped.size(); ++i) n.axes.push_back(static_cast<int64_t>(i));
  const Handle y = e.reshape(e.make(n, {e.reshape(in[0], grouped)}), sizes);
  const auto rank = static_cast<int64_t>(sizes.size());
  const auto channel = [&](Handle h) { return per_channel(e, e.cast(h, e.dtype(y)), rank); };
  return {e.map("add(mul($0, $1), $2)", {y, channel(in[1]), channel(in[2])})};
}

/// x / |x| over the channels, or over all of a sample.
Values normalize(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 1);
  const Handle x = in[0];
  if (e.rank(x) != 4) refuse("x is not [batch, channels, height, width]");
  const bool everywhere = fields.flag("acrossSpatial", false);
  const Handle squares = e.binary(ScalarOp::kMul, x, x);
  const Handle sum =
      e.reduce(op::Reduce::kSum, squares, everywhere ? Ints{1, 2, 3} : Ints{1}, true);
  const std::vector<double> weights = fields.numbers("weights");
  const std::vector<float> narrow(weights.begin(), weights.end());
  const Handle scale =
      e.constant(carnot::Tensor::from_f32({static_cast<int64_t>(narrow.size())}, narrow));
  return {
      e.map("div(mul($0, $1), sqrt(add($2, $3)))", {x, per_channel(e, e.cast(scale, e.dtype(x)), 4),
                                                    sum, like(e, x, fields.number("eps", 1e-6))})};
}

Values leaky_relu(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 1);
  return {leaky(e, in[0], fields.number("negSlope", 0))};
}

Values clip(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 1);
  return {e.map("min(max($0, $1), $2)", {in[0], like(e, in[0], fields.number("clipMin", 0)),
                                         like(e, in[0], fields.number("clipMax", 0))})};
}

Values gelu(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 1);
  Handle x = in[0];
  const std::vector<double> bias = fields.numbers("bias");
  if (!bias.empty()) {
    const std::vector<float> narrow(bias.begin(), bias.end());
    const Handle b =
        e.constant(carnot::Tensor::from_f32({static_cast<int64_t>(bias.size())}, narrow));
    Dims sizes(e.dims(x).size(), Dim(1));  // [sequence, batch, hidden, 1, 1]
    sizes[std::min<size_t>(2, sizes.size() - 1)] = Dim(static_cast<int64_t>(bias.size()));
    x = e.binary(ScalarOp::kAdd, x, e.reshape(e.cast(b, e.dtype(x)), sizes));
  }
  return {e.map(
      "mul(mul($0, $1), add($2, tanh(mul($3, add($0, mul($4, mul($0, mul($0, $0))))))))",
      {x, like(e, x, 0.5), like(e, x, 1), like(e, x, 0.7978845608028654), like(e, x, 0.044715)})};
}

/// The elements of each s x s block become channels, in Darknet's order.
Values reorganize(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 1);
  const Dims sizes = e.dims(in[0]);
  const int64_t s = fields.integer("stride", 2);
  if (sizes.size() != 4 || s < 1)
    refuse("x is not [batch, channels, height, width], or stride is ", s);
  const Dim area(s * s), c = floor_div(sizes[1], area);
  const Handle blocks = e.reshape(in[0], {sizes[0], c, sizes[2], Dim(s), sizes[3], Dim(s)});
  const Handle moved = e.transpose(blocks, {0, 3, 5, 1, 2, 4});
  return {e.reshape(moved, {sizes[0], sizes[1] * area, floor_div(sizes[2], Dim(s)),
                            floor_div(sizes[3], Dim(s))})};
}

/// Softmax along axis 2 of x [n, boxes, classes, h, w], by itself in each group of classes, which
/// follow one another.
Handle softmax_of_groups(Emit& e, Handle x, const StockFields& fields) {
  const Dims sizes = e.dims(x);
  Ints group_of_class;
  int64_t count = 0;
  for (const double size : fields.numbers("smTree")) {
    if (!(size >= 1)) refuse("a group of the tree of classes has ", size, " of them");
    if (size > 1e6 || group_of_class.size() > 1e6) refuse("the tree of classes is too large");
    group_of_class.insert(group_of_class.end(), static_cast<size_t>(size), count++);
  }
  if (!sizes[2].is(static_cast<int64_t>(group_of_class.size()))) {
    refuse("the groups of the tree have ", group_of_class.size(), " classes, not ",
           carnot::to_string(sizes[2]));
  }
  Dims line(5, Dim(1)), of_groups = sizes;
  line[2] = sizes[2];
  of_groups[2] = Dim(count);
  const Handle group = e.expand(e.reshape(e.ints(group_of_class), line), sizes);
  const auto fold = [&](op::ScatterKind kind, Handle values, double start) {
    const Handle all =
        e.make(op::ScatterElements{2, kind},
               {e.expand(e.reshape(e.scalar(e.dtype(x), start), Dims(5, Dim(1))), of_groups), group,
                values});
    return e.make(op::GatherElements{2}, {all, group});
  };
  const double least = e.dtype(x) == DType::kF16 ? -65504 : std::numeric_limits<float>::lowest();
  const Handle largest = fold(op::ScatterKind::kMax, x, least);
  const Handle power = e.map("exp(sub($0, $1))", {x, largest});
  return e.binary(ScalarOp::kDiv, power, fold(op::ScatterKind::kAdd, power, 0));
}

/// Of each box the position, the objectness and the classes become probabilities (YOLO version 2).
Values region(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 1);
  const Dims sizes = e.dims(in[0]);
  const int64_t boxes = fields.integer("num", 5), coords = fields.integer("coords", 4),
                classes = fields.integer("classes", 80);
  if (sizes.size() != 4 || boxes < 1 || coords < 2 || classes < 1)
    refuse("x or a field is out of range");
  const Handle x =
      e.reshape(in[0], {sizes[0], Dim(boxes), Dim(coords + classes + 1), sizes[2], sizes[3]});
  const auto part = [&](int64_t start, int64_t size) {
    return e.slice(x, 2, Dim(start), Dim(size));
  };
  const Handle y =
      e.concat({e.unary(ScalarOp::kSigmoid, part(0, 2)), part(2, coords - 2),
                e.unary(ScalarOp::kSigmoid, part(coords, 1)),
                fields.has("smTree") ? softmax_of_groups(e, part(coords + 1, classes), fields)
                                     : e.make(op::Softmax{2, false}, {part(coords + 1, classes)})},
               2);
  return {e.reshape(y, sizes)};
}

Values flatten_concat(Emit& e, const Values& in, const StockFields& fields) {
  if (in.empty()) refuse("takes inputs");
  if (fields.integer("axis", 1) != 1) unsupported("another axis than 1");
  Values flat;
  for (const Handle x : in) {
    const Dims sizes = e.dims(x);
    flat.push_back(
        e.reshape(x, {sizes[0], product(Dims(sizes.begin() + 1, sizes.end())), Dim(1), Dim(1)}));
  }
  return {e.concat(flat, 1)};
}

Values resize_nearest(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 1);
  const double scale = fields.number("scale", 1);
  if (e.rank(in[0]) != 4 || !(scale > 0))
    refuse("x is not [batch, channels, height, width], or scale is ", scale);
  op::Resize r;
  r.coordinates = op::Resize::kAsymmetric;
  r.nearest = op::Resize::kFloor;
  r.sizes = e.dims(in[0]);
  r.scales = {1, 1, scale, scale};
  for (size_t i = 2; i < 4; ++i) {
    const double whole = std::floor(scale);
    if (r.sizes[i].is_constant()) {
      r.sizes[i] =
          Dim(static_cast<int64_t>(std::floor(static_cast<double>(r.sizes[i].value()) * scale)));
    } else if (whole == scale) {
      r.sizes[i] = r.sizes[i] * Dim(static_cast<int64_t>(whole));
    } else {
      unsupported("a scale of ", scale, " for a size that differs from run to run");
    }
  }
  return {e.make(r, {in[0]})};
}

Values scatter_nd(Emit& e, const Values& in, const StockFields&) {
  take_inputs(in, 3);
  return {e.make(op::ScatterNd{}, {in[0], e.cast(in[1], DType::kI64), in[2]})};
}

Values scatter_elements(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 3);
  const std::string how = fields.text("reduction", "none");
  op::ScatterElements s;
  s.axis = fields.integer("axis", 0);
  s.kind = how == "add"   ? op::ScatterKind::kAdd
           : how == "mul" ? op::ScatterKind::kMul
           : how == "max" ? op::ScatterKind::kMax
           : how == "min" ? op::ScatterKind::kMin
                          : op::ScatterKind::kAssign;
  if (s.kind == op::ScatterKind::kAssign && how != "none" && !how.empty()) {
    unsupported("the reduction '", how, "'");
  }
  return {e.make(s, {in[0], e.cast(in[1], DType::kI64), in[2]})};
}

Values top_k(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 1);
  op::TopK t;
  t.axis = fields.integer("axis", -1);
  t.count = Dim(fields.integer("k", 1));
  t.largest = fields.flag("is_largest", true);
  const Values out = e.add(t, {in[0]});
  return {out[0], e.cast(out[1], DType::kI32)};
}

/// x with two channels more: where a row and a column lie between -1 and 1.
Values with_coordinates(Emit& e, const Values& in, const StockFields&) {
  take_inputs(in, 1);
  const Dims sizes = e.dims(in[0]);
  if (sizes.size() != 4) refuse("x is not [batch, channels, height, width]");
  Values parts = {in[0]};
  for (int64_t axis = 2; axis < 4; ++axis) {
    Dims line(4, Dim(1));
    const Dim& count = line[static_cast<size_t>(axis)] = sizes[static_cast<size_t>(axis)];
    const Handle index = e.make(op::Iota{line, axis, DType::kF32}, {});
    const Handle last = e.make(op::DimsTensor{{max(count - Dim(1), Dim(1))}, true}, {});
    const Handle at = e.map("sub(div(mul(2:f32, $0), cast($1):f32), 1:f32)", {index, last});
    parts.push_back(e.expand(e.cast(at, e.dtype(in[0])), {sizes[0], Dim(1), sizes[2], sizes[3]}));
  }
  return {e.concat(parts, 1)};
}

/// The second input for each sample of the first.
Values tile_batch(Emit& e, const Values& in, const StockFields&) {
  take_inputs(in, 2);
  Dims sizes = e.dims(in[1]);
  if (sizes.empty() || e.rank(in[0]) < 1 || !sizes[0].is(1))
    refuse("the second input is not one sample");
  sizes[0] = e.dims(in[0])[0];
  return {e.expand(in[1], sizes)};
}

Values split(Emit& e, const Values& in, const StockFields& fields) {
  take_inputs(in, 1);
  const int64_t axis = fields.integer("axis", 0);
  if (axis < 0 || axis >= e.rank(in[0])) refuse("there is no axis ", axis);
  Values out;
  int64_t start = 0;
  for (const double length : fields.numbers("output_lengths")) {
    const auto size = static_cast<int64_t>(length);
    out.push_back(e.slice(in[0], axis, Dim(start), Dim(size)));
    start += size;
  }
  if (!(e.dims(in[0])[static_cast<size_t>(axis)] == Dim(start))) {
    refuse("output_lengths add up to ", start, ", axis ", axis, " of x is another");
  }
  return out;
}

constexpr const char* kInstance = "epsilon:f scales:f bias:f relu:i alpha:f";
constexpr const char* kScatter = "axis:i reduction:c";

constexpr StockRow kRows[] = {
    {"InstanceNormalization_TRT", "1", StockKind::kDynamic, 1, kInstance, instance_norm},
    {"InstanceNormalization_TRT", "2", StockKind::kDynamic, 1, kInstance, instance_norm},
    {"InstanceNormalization_TRT", "3", StockKind::kV3, 1, kInstance, instance_norm},
    {"GroupNormalizationPlugin", "1", StockKind::kDynamic, 1, "eps:f num_groups:i", group_norm},
    {"Normalize_TRT", "1", StockKind::kBatched, 1,
     "weights:f acrossSpatial:i channelShared:i nbWeights:i eps:f", normalize},
    {"LReLU_TRT", "1", StockKind::kBatched, 1, "negSlope:f", leaky_relu},
    {"Clip_TRT", "1", StockKind::kBatched, 1, "clipMin:f clipMax:f", clip},
    {"CustomGeluPluginDynamic", "1", StockKind::kDynamic, 1, "type_id:i bias:f", gelu},
    {"Reorg_TRT", "1", StockKind::kBatched, 1, "stride:i", reorganize},
    {"Reorg_TRT", "2", StockKind::kDynamic, 1, "stride:i", reorganize},
    {"Region_TRT", "1", StockKind::kBatched, 1, "num:i coords:i classes:i smTree:t", region},
    {"FlattenConcat_TRT", "1", StockKind::kBatched, 1, "axis:i ignoreBatch:i", flatten_concat},
    {"CoordConvAC", "1", StockKind::kBatched, 1, "", with_coordinates},
    {"BatchTilePlugin_TRT", "1", StockKind::kBatched, 1, "", tile_batch},
    {"Split", "1", StockKind::kBatched, StockRow::kByLengths, "axis:i output_lengths:i", split},
    {"ResizeNearest_TRT", "1", StockKind::kBatched, 1, "scale:f", resize_nearest},
    {"ScatterND", "1", StockKind::kDynamic, 1, "", scatter_nd},
    {"ScatterElements", "1", StockKind::kDynamic, 1, kScatter, scatter_elements},
    {"ScatterElements", "2", StockKind::kV3, 1, kScatter, scatter_elements},
    {"TopkLastDim", "1", StockKind::kV3, 2, "type_id:i k:i is_largest:i axis:i", top_k, "=i"},
};

}  // namespace

std::span<const StockRow> stock_layers() {
  return kRows;
}

}  // namespace trt
