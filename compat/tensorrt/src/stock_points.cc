// Points in space (PointPillars): into columns, back into an image, and boxes out of it, as
// TensorRT's plugins have them.
#include <cmath>

#include "stock_boxes.h"

namespace trt {

namespace {

using carnot::Dim;
using carnot::Dims;
using carnot::ScalarOp;
namespace op = carnot::op;

/// i64 indices of `axis`, of these sizes.
Handle index_along(Emit& e, const Dims& sizes, int64_t axis) {
  return e.make(op::Iota{sizes, axis, DType::kI64}, {});
}

/// rows [b, m, w] at slots [b, m] of [b, count, w], 0 where none comes; slots from `count` on are
/// dropped. Of several at one slot one stays, or with kAdd their sum.
Handle placed(Emit& e, Handle rows, Handle slots, const Dim& count,
              op::ScatterKind kind = op::ScatterKind::kAssign) {
  const Dims sizes = e.dims(rows);
  const Handle image = index_along(e, {sizes[0], sizes[1], Dim(1)}, 0);
  const Handle slot = e.map("min($0, $1)", {slots, i64(e, count)});
  const Handle at = e.concat({image, e.reshape(slot, {sizes[0], sizes[1], Dim(1)})}, 2);
  const Handle empty = e.expand(e.scalar(e.dtype(rows), 0), {sizes[0], count + Dim(1), sizes[2]});
  return e.slice(e.make(op::ScatterNd{kind}, {empty, at, rows}), 1, Dim(0), count);
}

/// How many true ones [b, n] come before each, and in all [b, 1]; i64.
struct Ranks {
  Handle before, total;
};
Ranks ranks_of(Emit& e, Handle wanted) {
  const Handle ones = e.cast(wanted, DType::kI64);
  return {e.make(op::Cumulative{1, false, true, false}, {ones}),
          e.reduce(op::Reduce::kSum, ones, {1}, true)};
}

/// The part of space that is divided, and into what.
struct Space {
  std::vector<double> low, high, step;
  Dim columns, rows;
};
Space space_of(const StockFields& fields, bool divided) {
  const std::vector<double> range = fields.numbers("point_cloud_range");
  if (range.size() != 6) refuse("point_cloud_range has ", range.size(), " numbers, not 6");
  Space s{{range.begin(), range.begin() + 3}, {range.begin() + 3, range.end()}, {}, 0, 0};
  if (!divided) return s;
  s.step = fields.numbers("voxel_size");
  if (s.step.size() != 3) refuse("voxel_size has ", s.step.size(), " numbers, not 3");
  const auto cells = [&](size_t axis) {
    const double count = std::round((s.high[axis] - s.low[axis]) / s.step[axis]);
    constexpr double kCellsMax = 1 << 20;
    if (!(count >= 1 && count <= kCellsMax)) refuse("there are ", count, " voxels along an axis");
    return Dim(static_cast<int64_t>(count));
  };
  s.columns = cells(0), s.rows = cells(1);
  return s;
}

/// Points [b, m, c] in the order of their cells [b, m], and in that order: the cell, whether a new
/// cell begins, and how many points of its cell came before.
struct Sorted {
  Handle points, cell, column, before;
  Ranks pillars;
};
constexpr int64_t kNoColumn = int64_t{1} << 40;  // behind all that there can be
Sorted by_cell(Emit& e, Handle points, Handle cell, Handle nowhere) {
  const Dims sizes = e.dims(cell);
  op::TopK sort;  // ties go to the lower index: points keep their order
  sort.axis = 1, sort.count = sizes[1], sort.largest = false;
  const Values order = e.add(sort, {cell});
  Sorted s;
  s.cell = order[0];
  s.points = pick(e, points, order[1]);
  const Handle none = e.expand(i64(e, -1), {sizes[0], Dim(1)});
  const Handle previous = e.slice(e.concat({none, s.cell}, 1), 1, Dim(0), sizes[1]);
  const Handle begins = e.map("and(ne($0, $1), lt($0, $2))", {s.cell, previous, nowhere});
  s.pillars = ranks_of(e, begins);
  // The column of a point: those begun before it, itself included, less one.
  const Handle none_of_them = i64(e, kNoColumn);
  s.column = e.map("select(lt($2, $3), sub(add($0, cast($1):i64), 1:i64), $4)",
                   {s.pillars.before, begins, s.cell, nowhere, none_of_them});
  const Handle index = index_along(e, {Dim(1), sizes[1]}, 1);
  const Handle starts = e.map("select($0, $1, 0:i64)", {begins, index});
  const Handle first = placed(e, e.reshape(starts, {sizes[0], sizes[1], Dim(1)}),
                              e.map("select($0, $1, $2)", {begins, s.column, none_of_them}),
                              sizes[1], op::ScatterKind::kAdd);
  const Handle at = e.map("min(max($0, 0:i64), $1)", {s.column, i64(e, sizes[1] - Dim(1))});
  s.before = e.map("sub($0, $1)", {index, e.reshape(pick(e, first, at), sizes)});
  return s;
}

/// Points [b, m, c] of which the first [b] count -> columns [b, v, p, f], their coordinates [b, v,
/// 4] of 0, 0, y, x, and how many there are [b]. Points and columns that find no room are dropped.
Values voxel_generator(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 2 || e.rank(in[0]) != 3) refuse("takes points [b, m, c] and their number [b]");
  const Space space = space_of(fields, true);
  const int64_t room = fields.integer("max_num_points_per_voxel", 32);
  const int64_t voxels = fields.integer("max_voxels", 10000);
  const int64_t features = fields.integer("voxel_feature_num", 10);
  const Handle points = e.cast(in[0], DType::kF32);
  const Dims sizes = e.dims(points);
  if (!sizes[2].is_constant() || sizes[2].value() < 3) refuse("a point has no x, y and z");
  const int64_t given = sizes[2].value(), offsets = features - given - 3;
  if (room < 1 || voxels < 1 || offsets < 0 || offsets > 3) {
    refuse(features, " features are made of points of ", given, " numbers: ", given + 5, " or ",
           given + 6, " can be");
  }
  const Dims flat = {sizes[0], sizes[1]};
  const auto cell_along = [&](size_t axis) {
    const Handle x = e.reshape(coordinate(e, points, static_cast<int64_t>(axis)), flat);
    return e.cast(e.map("floor(div(sub($0, $1), $2))",
                        {x, f32(e, space.low[axis]), f32(e, space.step[axis])}),
                  DType::kI64);
  };
  const Handle place = e.slice(points, 2, Dim(0), Dim(3));
  const Handle within = e.map("cast(and(ge($0, $1), lt($0, $2))):i32",
                              {place, vector_of(e, space.low), vector_of(e, space.high)});
  const Handle inside = e.reduce(op::Reduce::kMinimum, within, {2}, false);
  const Handle nowhere = i64(e, space.columns * space.rows);
  const Handle count = e.reshape(e.cast(in[1], DType::kI64), {sizes[0], Dim(1)});
  // Rounding may put a point behind the last cell.
  const Handle cell = e.map(
      "select(and(ne($0, 0:i32), lt($1, $2)), add(mul(min($3, $6), $4), min($5, sub($4, 1:i64))), "
      "$7)",
      {inside, index_along(e, {Dim(1), sizes[1]}, 1), count, cell_along(1), i64(e, space.columns),
       cell_along(0), i64(e, space.rows - Dim(1)), nowhere});
  const Sorted s = by_cell(e, points, cell, nowhere);
  const Handle kept =
      e.map("and(lt($0, $1), lt($2, $3))", {s.column, i64(e, voxels), s.before, i64(e, room)});
  const Handle slot = e.map("select($0, add(mul($1, $2), $3), $4)",
                            {kept, s.column, i64(e, room), s.before, i64(e, voxels * room)});
  const Dims full = {sizes[0], Dim(voxels), Dim(room), Dim(given)};
  const Handle filled = e.reshape(placed(e, s.points, slot, Dim(voxels * room)), full);
  const Handle one = e.expand(f32(e, 1), {sizes[0], sizes[1], Dim(1)});
  const Handle there = e.reshape(placed(e, one, slot, Dim(voxels * room)),
                                 {sizes[0], Dim(voxels), Dim(room), Dim(1)});
  // The cell of each column, as its coordinates.
  const Handle cells =
      placed(e, e.reshape(s.cell, {sizes[0], sizes[1], Dim(1)}), s.column, Dim(voxels));
  const Handle width = i64(e, space.columns), zero = e.map("mul($0, 0:i64)", {cells});
  const Handle y = e.map("div($0, $1)", {cells, width}), x = e.map("rem($0, $1)", {cells, width});
  const Handle coordinates = e.concat({zero, zero, y, x}, 2);
  const Handle xyz = e.slice(filled, 3, Dim(0), Dim(3));
  const Handle number = e.reduce(op::Reduce::kSum, there, {2}, true);
  const Handle mean =
      e.map("div($0, max($1, 1:f32))", {e.reduce(op::Reduce::kSum, xyz, {2}, true), number});
  const Handle cell_of = e.cast(
      e.reshape(e.concat({x, y, zero}, 2), {sizes[0], Dim(voxels), Dim(1), Dim(3)}), DType::kF32);
  const Handle middle = e.map("add(mul(add($0, 0.5:f32), $1), $2)",
                              {cell_of, vector_of(e, space.step), vector_of(e, space.low)});
  Values parts = {filled, e.map("mul(sub($0, $1), $2)", {xyz, mean, there})};
  if (offsets > 0) {
    const Handle apart = e.map("mul(sub($0, $1), $2)", {xyz, middle, there});
    parts.push_back(e.slice(apart, 3, Dim(0), Dim(offsets)));
  }
  const Handle found = e.map("min($0, $1)", {s.pillars.total, i64(e, voxels)});
  return {e.cast(e.concat(parts, 3), e.dtype(in[0])), e.cast(coordinates, DType::kI32),
          e.reshape(e.cast(found, DType::kI32), {sizes[0]})};
}

/// Columns [b, p, c] at coordinates [b, p, 4], of which the first [b] count -> [b, c, h, w].
Values pillar_scatter(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 3 || e.rank(in[0]) != 3 || e.rank(in[1]) != 3) {
    refuse("takes columns [b, p, c], coordinates [b, p, 4] and their number [b]");
  }
  const std::vector<double> shape = fields.numbers("dense_shape");
  if (shape.size() != 2 || !(shape[0] >= 1 && shape[1] >= 1)) refuse("dense_shape is not h, w");
  const Dim h(static_cast<int64_t>(shape[0])), w(static_cast<int64_t>(shape[1]));
  const Dims sizes = e.dims(in[0]), flat = {sizes[0], sizes[1]};
  const Handle places = e.cast(in[1], DType::kI64);
  const auto at = [&](int64_t i) { return e.reshape(coordinate(e, places, i), flat); };
  const Handle count = e.reshape(e.cast(in[2], DType::kI64), {sizes[0], Dim(1)});
  const Handle slot =
      e.map("select(lt($0, $1), add(mul($2, $3), $4), $5)",
            {index_along(e, {Dim(1), sizes[1]}, 1), count, at(2), i64(e, w), at(3), i64(e, h * w)});
  const Handle image = e.reshape(placed(e, in[0], slot, h * w), {sizes[0], h, w, sizes[2]});
  return {e.transpose(image, {0, 3, 1, 2})};
}

/// The angles that lie nearest to `angle` of those that the likelier of two directions allows.
Handle rotation_of(Emit& e, Handle angle, Handle direction, const StockFields& fields) {
  const auto bins = static_cast<double>(std::max<int64_t>(1, fields.integer("num_dir_bins", 2)));
  const double period = 2 * std::acos(-1.0) / bins;
  const Handle offset = f32(e, fields.number("dir_offset", 0));
  const Handle turn = e.map("sub($0, $1)", {angle, offset});
  return e.map(
      "add(add(sub($0, mul(floor(add(div($0, $1), $2)), $1)), $3), select(gt($4, $5), 0:f32, $1))",
      {turn, f32(e, period), f32(e, fields.number("dir_limit_offset", 0)), offset,
       coordinate(e, direction, 0), coordinate(e, direction, 1)});
}

/// Boxes x, y, z, dx, dy, dz, rotation, class, score [b, h w a, 9] whose score is high enough, and
/// how many there are [b].
Values decode_boxes_3d(Emit& e, const Values& in, const StockFields& fields) {
  const std::vector<double> anchors = fields.numbers("anchors");
  const std::vector<double> bottoms = fields.numbers("anchor_bottom_height");
  const auto count = static_cast<int64_t>(anchors.size() / 4);
  if (in.size() != 3 || e.rank(in[0]) != 4 || e.rank(in[1]) != 4 || e.rank(in[2]) != 4) {
    refuse("takes scores, boxes and directions, [b, h, w, ...] each");
  }
  if (count < 2 || anchors.size() % 8 != 0 || bottoms.size() * 2 != static_cast<size_t>(count)) {
    refuse("there are two anchors of four numbers and one anchor_bottom_height for a class, not ",
           anchors.size(), " and ", bottoms.size());
  }
  const Space space = space_of(fields, false);
  const int64_t classes = count / 2;
  const Dims s = e.dims(in[0]);
  const auto each = [&](Handle x, int64_t width) {
    return e.reshape(e.cast(x, DType::kF32), {s[0], s[1], s[2], Dim(count), Dim(width)});
  };
  const Handle scores = e.unary(ScalarOp::kSigmoid, each(in[0], classes));
  const Handle score = e.reduce(op::Reduce::kMaximum, scores, {4}, true);
  const Handle label = e.make(op::ArgReduce{4, false, true, false}, {scores});
  const Handle box = each(in[1], 7), direction = each(in[2], 2);
  const auto of = [&](Handle x, int64_t i) { return coordinate(e, x, i); };
  const auto per_anchor = [&](const std::vector<double>& values) {
    return e.reshape(vector_of(e, values), {Dim(count), Dim(1)});
  };
  const auto column = [&](size_t i) {
    std::vector<double> values;
    for (size_t k = i; k < anchors.size(); k += 4) values.push_back(anchors[k]);
    return per_anchor(values);
  };
  std::vector<double> middle, diagonal;
  for (size_t k = 0; k < anchors.size(); k += 4) {
    middle.push_back(anchors[k + 2] / 2 + bottoms[k / 8]);
    diagonal.push_back(std::hypot(anchors[k], anchors[k + 1]));
  }
  Values parts;
  for (size_t axis = 0; axis < 2; ++axis) {
    Dims line = {1, 1, 1, 1, 1};
    line[2 - axis] = s[2 - axis];
    const Handle cell = e.make(op::Iota{line, 2 - static_cast<int64_t>(axis), DType::kF32}, {});
    const Handle last = e.cast(i64(e, s[2 - axis] - Dim(1)), DType::kF32);
    parts.push_back(
        e.map("add(mul($0, $1), add($2, div(mul($3, $4), $5)))",
              {of(box, static_cast<int64_t>(axis)), per_anchor(diagonal), f32(e, space.low[axis]),
               cell, f32(e, space.high[axis] - space.low[axis]), last}));
  }
  parts.push_back(e.map("add(mul($0, $1), $2)", {of(box, 2), column(2), per_anchor(middle)}));
  for (size_t i = 0; i < 3; ++i) {
    parts.push_back(e.map("mul(exp($0), $1)", {of(box, static_cast<int64_t>(i) + 3), column(i)}));
  }
  parts.push_back(rotation_of(e, e.map("add($0, $1)", {of(box, 6), column(3)}), direction, fields));
  parts.push_back(e.cast(label, DType::kF32));
  parts.push_back(score);
  const Dim boxes = s[1] * s[2] * Dim(count);
  for (Handle& part : parts) {
    part = e.reshape(e.expand(part, {s[0], s[1], s[2], Dim(count), Dim(1)}), {s[0], boxes, Dim(1)});
  }
  const Handle wanted = e.map(
      "ge($0, $1)", {e.reshape(score, {s[0], boxes}), f32(e, fields.number("score_thresh", 0.1))});
  const Ranks ranks = ranks_of(e, wanted);
  const Handle slot = e.map("select($0, $1, $2)", {wanted, ranks.before, i64(e, boxes)});
  return {e.cast(placed(e, e.concat(parts, 2), slot, boxes), e.dtype(in[0])),
          e.reshape(e.cast(ranks.total, DType::kI32), {s[0]})};
}

constexpr const char* kVoxels =
    "max_num_points_per_voxel:i max_voxels:i point_cloud_range:f voxel_feature_num:i voxel_size:f";
constexpr const char* kDecode =
    "point_cloud_range:f anchors:f anchor_bottom_height:f dir_offset:f dir_limit_offset:f "
    "num_dir_bins:i score_thresh:f";

constexpr StockRow kRows[] = {
    {"VoxelGeneratorPlugin", "1", StockKind::kDynamic, 3, kVoxels, voxel_generator, "=i"},
    {"PillarScatterPlugin", "1", StockKind::kDynamic, 1, "dense_shape:i", pillar_scatter},
    {"DecodeBbox3DPlugin", "1", StockKind::kDynamic, 2, kDecode, decode_boxes_3d, "=i"},
};

}  // namespace

std::span<const StockRow> stock_points() {
  return kRows;
}

}  // namespace trt
