#include "stock_pools.h"

#include <cmath>
#include <limits>

#include "stock_boxes.h"

namespace trt {

namespace {

using carnot::Dim;
using carnot::Dims;
using carnot::ScalarOp;
namespace op = carnot::op;

/// TensorFlow's crop_and_resize: boxes [n, r, 4(, 1)] of y1, x1, y2, x2 in parts of the image; 0
/// outside of it.
Values crop_and_resize(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 2) refuse("takes features and boxes");
  const int64_t height = fields.integer("crop_height", 7), width = fields.integer("crop_width", 7);
  const Dims sizes = e.dims(in[0]);
  if (sizes.size() != 4 || e.rank(in[1]) < 3 || height < 1 || width < 1) {
    refuse("takes features [n, c, h, w] and boxes [n, r, 4]");
  }
  const Dim batch = sizes[0], regions = e.dims(in[1])[1];
  const Handle boxes = e.cast(e.reshape(in[1], {batch, regions, Dim(4)}), DType::kF32);
  // -1 and 1 are the centers of the outermost pixels.
  const auto grid = [&](int64_t first, int64_t last, int64_t count) {
    std::vector<float> parts;
    for (int64_t i = 0; i < count; ++i) {
      parts.push_back(count == 1 ? 0.5f : static_cast<float>(i) / static_cast<float>(count - 1));
    }
    const Handle part = e.constant(carnot::Tensor::from_f32({1, 1, count}, parts));
    const Handle a = e.slice(boxes, 2, Dim(first), Dim(1)),
                 b = e.slice(boxes, 2, Dim(last), Dim(1));
    return e.map("sub(mul($4, add($0, mul(sub($1, $0), $2))), $3)",
                 {a, b, part, f32(e, 1), f32(e, 2)});  // [n, r, count]
  };
  const Dims cells = {batch, regions, Dim(height), Dim(width)};
  const Handle y =
      e.expand(e.reshape(grid(0, 2, height), {batch, regions, Dim(height), Dim(1)}), cells);
  const Handle x =
      e.expand(e.reshape(grid(1, 3, width), {batch, regions, Dim(1), Dim(width)}), cells);
  const auto last = [&](Handle h) {
    return e.reshape(h, {batch, regions * Dim(height), Dim(width), Dim(1)});
  };
  op::GridSample sample;
  sample.padding = op::GridSample::kBorder;
  sample.align_corners = true;
  const Handle at = e.cast(e.concat({last(x), last(y)}, 3), e.dtype(in[0]));
  const Handle found =
      e.reshape(e.make(sample, {in[0], at}), {batch, sizes[1], regions, Dim(height), Dim(width)});
  const Handle inside =
      e.reshape(e.map("mul(select(le(abs($0), $2), $2, $3), select(le(abs($1), $2), $2, $3))",
                      {x, y, f32(e, 1), f32(e, 0)}),
                {batch, Dim(1), regions, Dim(height), Dim(width)});
  const Handle kept = e.map("select(gt($1, $2), $0, $3)",
                            {found, inside, f32(e, 0.5), e.scalar(e.dtype(found), 0)});
  return {e.transpose(kept, {0, 2, 1, 3, 4})};
}

/// One axis of regions [k, 1] in cells of a feature map.
struct Extent {
  Handle start, length;
};

/// Regions [b, n, 4] as rows.
struct Regions {
  Handle rows, images;  ///< [b * n, 4] of x1, y1, x2, y2; the image of each, i64 [b * n]
  Dim batch, count;
};
Regions regions_of(Emit& e, Handle given, bool y_first) {
  const Dims sizes = e.dims(given);
  if (sizes.size() != 3 || !sizes[2].is(4)) refuse("regions are [batch, n, 4]");
  const Dim total = sizes[0] * sizes[1];
  Handle rows = e.reshape(e.cast(given, DType::kF32), {total, Dim(4)});
  if (y_first) rows = exchanged(e, rows);
  const Handle images = e.make(op::Iota{{sizes[0], sizes[1]}, 0, DType::kI64}, {});
  return {rows, e.reshape(images, {total}), sizes[0], sizes[1]};
}

/// Averages of samples of bins: `boxes` [k, 4] in cells, whose first cell's middle is at 0.5.
Handle aligned(Emit& e, Handle features, Handle boxes, const Regions& regions, PoolSize size,
               int64_t samples) {
  op::RoiAlign r;
  r.height = size.height, r.width = size.width;
  r.sampling_ratio = samples;
  return e.make(r, {features, e.cast(boxes, e.dtype(features)), regions.images});
}

/// Which of the levels [k] (0 and up) a region's area [k, 1] chooses: each is for four times the
/// area of the one before.
Handle level_of(Emit& e, Handle area, double first, size_t levels) {
  Handle level = f32(e, 0);
  for (size_t i = 0; i + 1 < levels; ++i, first *= 4) {
    level = e.map("add($0, select(gt($1, $2), 1:f32, 0:f32))", {level, area, f32(e, first)});
  }
  return level;
}

/// The one of `all` [k, c, h, w] that `level` [k, 1] chooses, as [b, n, c, h, w].
Handle chosen(Emit& e, const Values& all, Handle level, const Regions& regions) {
  const Handle which = e.reshape(level, {regions.batch * regions.count, Dim(1), Dim(1), Dim(1)});
  Handle out = all[0];
  for (size_t i = 1; i < all.size(); ++i) {
    out = e.map("select(eq($0, $1), $2, $3)", {which, f32(e, static_cast<double>(i)), all[i], out});
  }
  Dims sizes = e.dims(out);
  sizes.erase(sizes.begin());
  sizes.insert(sizes.begin(), {regions.batch, regions.count});
  return e.reshape(out, sizes);
}

/// The size of spatial axis `axis` (0 or 1) as a number in f32.
Handle size_of(Emit& e, Handle features, size_t axis) {
  return e.cast(e.make(op::DimsTensor{{e.dims(features)[2 + axis]}, true}, {}), DType::kF32);
}

/// How PyramidROIAlign_TRT takes a region [start, end] in parts of the image to cells.
struct Transform {
  int64_t kind;  ///< of the field roi_coords_transform
  int64_t pooled, samples;

  Extent operator()(Emit& e, Handle start, Handle end, Handle cells) const {
    const double bins = static_cast<double>(pooled);
    // A region without a size still has one sample in each bin.
    end = e.map("max($0, add(mul($1, 1.000001:f32), 1e-7:f32))", {end, start});
    if (kind < 0) {  // the outermost samples are the region's corners
      const Handle last = e.map("sub($0, 1:f32)", {cells});
      const Handle step =
          e.map("div(mul(sub($0, $1), $2), $3)", {end, start, last, f32(e, bins - 1)});
      return shifted(e, e.map("mul($0, $1)", {start, last}), step, 0);
    }
    const Handle step = e.map("div(mul(sub($0, $1), $2), $3)", {end, start, cells, f32(e, bins)});
    const Handle first = e.map("sub(mul($0, $1), $2)", {start, cells, f32(e, kind == 2 ? 0.5 : 0)});
    return shifted(e, first, step, kind == 0 ? 0 : 0.5);
  }

 private:
  /// Samples of ours lie in the middles of their parts of a bin; here at `offset` of a part.
  Extent shifted(Emit& e, Handle first, Handle step, double offset) const {
    Handle part = step;
    if (offset != 0.5) {
      const Handle count = samples > 0 ? f32(e, static_cast<double>(samples))
                                       : e.map("max(ceil($0), 1:f32)", {step});
      part = e.map("div($0, $1)", {step, count});
    }
    const Handle start =
        e.map("add(add($0, mul($1, $2)), 0.5:f32)", {first, part, f32(e, offset - 0.5)});
    return {start, e.map("mul($0, $1)", {step, f32(e, static_cast<double>(pooled))})};
  }
};

Values pyramid_roi_align(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 5) refuse("takes regions and four feature maps");
  const bool legacy = fields.flag("legacy", false);
  const int64_t pooled = fields.integer("pooled_size", 7);
  const Transform transform{legacy ? -1 : fields.integer("roi_coords_transform", 2), pooled,
                            legacy ? 1 : fields.integer("sampling_ratio", 0)};
  if (pooled < 1 || transform.samples < 0) refuse("pooled_size or sampling_ratio is too small");
  if (transform.kind < -1 || transform.kind > 2) refuse("there is no such roi_coords_transform");
  if (transform.kind < 0 && (pooled < 2 || transform.samples < 1)) {
    unsupported("roi_coords_transform -1 wants a pooled_size above 1 and a sampling_ratio");
  }
  std::vector<double> image = fields.numbers("image_size");
  if (image.size() != 2) image = {1024, 1024};
  const double scale = fields.number("fpn_scale", 224), pixels = image[0] * image[1];
  if (!(image[0] >= 1 && image[1] >= 1)) refuse("image_size is ", image[0], " x ", image[1]);
  const Regions regions = regions_of(e, in[0], legacy || fields.flag("roi_coords_swap", false));
  const bool absolute = !legacy && fields.flag("roi_coords_absolute", true);
  const Handle extent =
      vector_of(e, absolute ? std::vector<double>{image[1], image[0]} : std::vector<double>{1, 1});
  const auto corner = [&](const char* pick_one) {
    const auto pair = [&](int64_t start) { return e.slice(regions.rows, 1, Dim(start), Dim(2)); };
    const Handle at = e.map(pick_one, {pair(0), pair(2)});
    return e.map("min(max(div($0, $1), 0:f32), 1:f32)", {at, extent});
  };
  const Handle first = corner("min($0, $1)"), second = corner("max($0, $1)");
  const bool plus_one = !legacy && fields.flag("roi_coords_plusone", false);
  const Handle more = vector_of(e, {plus_one ? 1 / image[1] : 0, plus_one ? 1 / image[0] : 0});
  const Handle sides = e.map("add(sub($0, $1), $2)", {second, first, more});
  const Handle area = e.map("mul($0, $1)", {coordinate(e, sides, 0), coordinate(e, sides, 1)});
  // The old plugin's threshold is for the image of its sample.
  const double threshold =
      legacy ? 224 * 224 * 2.0 / (1024 * 1024) / 16 : scale * scale / pixels / 4;
  Values levels;
  for (size_t i = 1; i < in.size(); ++i) {
    const auto along = [&](int64_t axis) {
      return transform(e, coordinate(e, first, axis), coordinate(e, second, axis),
                       size_of(e, in[i], axis == 0 ? 1 : 0));
    };
    const Extent x = along(0), y = along(1);
    const Handle boxes = e.concat({x.start, y.start, e.binary(ScalarOp::kAdd, x.start, x.length),
                                   e.binary(ScalarOp::kAdd, y.start, y.length)},
                                  1);
    levels.push_back(aligned(e, in[i], boxes, regions, {pooled, pooled}, transform.samples));
  }
  return {chosen(e, levels, level_of(e, area, threshold, levels.size()), regions)};
}

/// Regions y1, x1, y2, x2 in pixels; one sample in the middle of each bin, 0 for a region that is
/// none.
Values multilevel_crop(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() < 2) refuse("takes regions and feature maps");
  const int64_t pooled = fields.integer("pooled_size", 7);
  if (pooled < 1) refuse("pooled_size is ", pooled);
  std::vector<double> image = fields.numbers("image_size");
  if (image.size() != 3) image = {3, 832, 1344};
  const Regions regions = regions_of(e, in[0], true);
  const auto pair = [&](int64_t start) { return e.slice(regions.rows, 1, Dim(start), Dim(2)); };
  const Handle sides = e.binary(ScalarOp::kSub, pair(2), pair(0));
  const Handle inside = e.map("and(and(ge($0, 0:f32), le($1, $2)), gt(sub($1, $0), 0:f32))",
                              {pair(0), pair(2), vector_of(e, {image[2], image[1]})});
  const Handle area = e.map("mul($0, $1)", {coordinate(e, sides, 0), coordinate(e, sides, 1)});
  Values levels;
  double scale = 4;  // the first feature map is P2
  for (size_t i = 1; i < in.size(); ++i, scale *= 2) {
    const Handle boxes = e.map("add(div($0, $1), 0.5:f32)", {regions.rows, f32(e, scale)});
    levels.push_back(aligned(e, in[i], boxes, regions, {pooled, pooled}, 1));
  }
  const Handle found =
      chosen(e, levels, level_of(e, area, 224 * 224 / 4.0, levels.size()), regions);
  const Handle valid = e.reduce(op::Reduce::kMinimum, e.cast(inside, DType::kI32), {1}, true);
  return {e.map("select(ne($0, 0:i32), $1, $2)",
                {e.reshape(valid, {regions.batch, regions.count, Dim(1), Dim(1), Dim(1)}), found,
                 e.scalar(e.dtype(found), 0)})};
}

/// Which cells [b, n, bins, cells] belong to the bins of regions that start and end at [b, n, 1,
/// 1].
Handle cells_of_bins(Emit& e, Handle start, Handle end, int64_t bins, const Dim& cells) {
  const Handle bin = e.make(op::Iota{{Dim(1), Dim(1), Dim(bins), Dim(1)}, 2, DType::kF32}, {});
  const Handle cell = e.make(op::Iota{{Dim(1), Dim(1), Dim(1), cells}, 3, DType::kF32}, {});
  const Handle size = e.map("div(max(add(sub($0, $1), 1:f32), 1:f32), $2)",
                            {end, start, f32(e, static_cast<double>(bins))});
  const Handle from = e.map("add(floor(mul($0, $1)), $2)", {bin, size, start});
  const Handle to = e.map("add(ceil(mul(add($0, 1:f32), $1)), $2)", {bin, size, start});
  return e.map("and(ge($0, $1), lt($0, $2))", {cell, from, to});
}

constexpr const char* kCrop = "crop_width:i crop_height:i";
constexpr const char* kPyramid =
    "fpn_scale:i pooled_size:i image_size:i roi_coords_absolute:i roi_coords_swap:i "
    "roi_coords_plusone:i roi_coords_transform:i sampling_ratio:i legacy:i";

constexpr StockRow kRows[] = {
    {"CropAndResize", "1", StockKind::kBatched, 1, kCrop, crop_and_resize},
    {"CropAndResizeDynamic", "1", StockKind::kDynamic, 1, kCrop, crop_and_resize},
    {"CropAndResizeDynamic", "2", StockKind::kV3, 1, kCrop, crop_and_resize},
    {"PyramidROIAlign_TRT", "1", StockKind::kBatched, 1, kPyramid, pyramid_roi_align, "1"},
    {"MultilevelCropAndResize_TRT", "1", StockKind::kBatched, 1, "pooled_size:i image_size:i",
     multilevel_crop, "1"},
};

}  // namespace

// The largest along one axis, then along the other: a bin is all of both.
Handle pool_regions(Emit& e, Handle features, Handle regions, double scale, PoolSize size) {
  const Dims f = e.dims(features), r = e.dims(regions);
  if (size.height < 1 || size.width < 1) refuse("bins are ", size.height, " x ", size.width);
  const auto edge = [&](int64_t i) {
    return e.reshape(
        e.map("floor(add(mul($0, $1), 0.5:f32))", {coordinate(e, regions, i), f32(e, scale)}),
        {r[0], r[1], Dim(1), Dim(1)});
  };
  const Handle columns = cells_of_bins(e, edge(0), edge(2), size.width, f[3]);
  const Handle rows = cells_of_bins(e, edge(1), edge(3), size.height, f[2]);
  const Handle nothing = f32(e, std::numeric_limits<float>::lowest());
  const Handle wide =
      e.map("select($0, $1, $2)",
            {e.reshape(columns, {r[0], r[1], Dim(1), Dim(1), Dim(size.width), f[3]}),
             e.reshape(e.cast(features, DType::kF32), {f[0], Dim(1), f[1], f[2], Dim(1), f[3]}),
             nothing});
  const Handle narrow = e.reduce(op::Reduce::kMaximum, wide, {5}, false);  // [b, n, c, h, width]
  const Handle high =
      e.map("select($0, $1, $2)",
            {e.reshape(rows, {r[0], r[1], Dim(1), Dim(size.height), f[2], Dim(1)}),
             e.reshape(narrow, {r[0], r[1], f[1], Dim(1), f[2], Dim(size.width)}), nothing});
  const Handle found = e.reduce(op::Reduce::kMaximum, high, {4}, false);
  return e.cast(e.map("select(eq($0, $1), 0:f32, $0)", {found, nothing}), e.dtype(features));
}

std::span<const StockRow> stock_pools() {
  return kRows;
}

}  // namespace trt
