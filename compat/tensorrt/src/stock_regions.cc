// Region proposals and final detections of Faster R-CNN and Mask R-CNN, as TensorRT's plugins have
// them. Boxes are y1, x1, y2, x2 unless it says otherwise.
#include <cmath>

#include "stock_boxes.h"
#include "stock_pools.h"

namespace trt {

namespace {

using carnot::Dim;
using carnot::Dims;
namespace op = carnot::op;

// Detections with a lower score are none, in those plugins that say so.
constexpr double kLeastScore = 0.01;
// Of a region too small to be one: it comes last, but comes.
constexpr double kTooSmall = -1e29;

/// [b, n, w] of an input with any number of axes of size 1 behind.
Handle rows_of(Emit& e, Handle x, const Dim& width) {
  const Dims& sizes = e.dims(x);
  if (sizes.size() < 2) refuse("an input has no axis for its boxes");
  return e.cast(e.reshape(x, {sizes[0], sizes[1], width}), DType::kF32);
}

struct ImageSize {
  double height, width;
};
/// Of the field image_size, which is channels, height, width.
ImageSize image_of(const StockFields& fields, ImageSize otherwise) {
  const std::vector<double> size = fields.numbers("image_size");
  const ImageSize image = size.size() == 3 ? ImageSize{size[1], size[2]} : otherwise;
  // Anchors are made for each fourth pixel: this many make a constant of 400 MB.
  constexpr double kPixelsMax = 1 << 27;
  if (!(image.height >= 2 && image.width >= 2 && image.height * image.width <= kPixelsMax)) {
    refuse("image_size is ", image.height, " x ", image.width);
  }
  return image;
}

/// How deltas move a box.
struct Motion {
  std::vector<double> scales;  ///< that deltas are multiplied with
  bool inclusive = false;      ///< the second corner's pixel belongs to the box
  double limit = 0;            ///< of the logarithm of a growth; 0 for none
  ImageSize bounds = {1, 1};   ///< the largest coordinates
};

/// Boxes [b or 1, n, 4] moved by deltas [b, n, 4] of y, x, log height, log width.
Handle moved(Emit& e, Handle boxes, Handle deltas, const Motion& how) {
  deltas = e.map("mul($0, $1)", {deltas, vector_of(e, how.scales)});
  const auto pair = [&](Handle x, int64_t start) { return e.slice(x, 2, Dim(start), Dim(2)); };
  const Handle one = f32(e, how.inclusive ? 1 : 0);
  const Handle size = e.map("add(sub($0, $1), $2)", {pair(boxes, 2), pair(boxes, 0), one});
  Handle growth = pair(deltas, 2);
  if (how.limit > 0) growth = e.map("min($0, $1)", {growth, f32(e, how.limit)});
  const Handle extent = e.map("mul(exp($0), $1)", {growth, size});
  const Handle first = e.map("sub(add(add($0, mul($1, 0.5:f32)), mul($2, $1)), mul($3, 0.5:f32))",
                             {pair(boxes, 0), size, pair(deltas, 0), extent});
  const Handle second = e.map("sub(add($0, $1), $2)", {first, extent, one});
  const Handle bounds =
      vector_of(e, {how.bounds.height, how.bounds.width, how.bounds.height, how.bounds.width});
  return e.map("max(min($0, $1), 0:f32)", {e.concat({first, second}, 2), bounds});
}

/// The best of boxes [b, n, 4] by scores [b, n] after suppression; in pixels where `inclusive`.
struct Proposals {
  Handle boxes, scores, valid;
};
Proposals propose(Emit& e, const Ranked& from, const Suppression& how, bool inclusive) {
  const Dims sizes = e.dims(from.scores);
  const Handle compared = inclusive ? enclosing(e, from.boxes) : from.boxes;
  const Handle survivors =
      suppress(e, compared, e.reshape(from.scores, {sizes[0], Dim(1), sizes[1]}), how);
  const Best best = best_of(e, e.reshape(survivors, sizes), how.kept);
  return {zero_invalid(e, pick(e, from.boxes, best.index), best.valid), best.scores, best.valid};
}

Suppression limits_of(const StockFields& fields, double overlap) {
  const Suppression how{fields.number("iou_threshold", overlap), fields.integer("keep_topk", 100),
                        0};
  if (how.kept < 1) refuse("keep_topk is ", how.kept);
  return how;
}

Handle anchors_of(Emit& e, const std::vector<float>& all) {
  return e.constant(carnot::Tensor::from_f32({1, static_cast<int64_t>(all.size()) / 4, 4}, all));
}

void check_count(Emit& e, Handle rows, Handle anchors) {
  const Dim& given = e.dims(rows)[1];
  const Dim& made = e.dims(anchors)[1];
  if (given.is_constant() && !(given == made)) {
    refuse("there are ", carnot::to_string(given), " boxes, and ", made.value(),
           " anchors for image_size");
  }
}

// Strides of the feature maps P2 to P6.
constexpr int64_t kStrides[] = {4, 8, 16, 32, 64};

/// Scores [b, anchors, 2, 1] of background and object, deltas [b, anchors, 4, 1].
Values proposal_layer(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 2) refuse("takes scores and deltas");
  const ImageSize image = image_of(fields, {1024, 1024});
  std::vector<float> all;
  for (const int64_t stride : kStrides) {
    const double edge = 8 * static_cast<double>(stride), step = static_cast<double>(stride);
    for (double y = 0; y < image.height; y += step) {
      for (double x = 0; x < image.width; x += step) {
        for (const double ratio : {0.5, 1.0, 2.0}) {
          const double h = edge / std::sqrt(ratio), w = edge * std::sqrt(ratio);
          const double box[] = {y - h / 2, x - w / 2, y + h / 2 - 1, x + w / 2 - 1};
          for (size_t i = 0; i < 4; ++i) {
            const double last = (i % 2 == 0 ? image.height : image.width) - 1;
            all.push_back(static_cast<float>(box[i] / last));
          }
        }
      }
    }
  }
  const Handle anchors = anchors_of(e, all), deltas = rows_of(e, in[1], 4);
  check_count(e, deltas, anchors);
  const Handle boxes = moved(e, anchors, deltas, {{0.1, 0.1, 0.2, 0.2}});
  const Handle object = coordinate(e, rows_of(e, in[0], 2), 1);
  const Handle scores = e.reshape(object, {e.dims(object)[0], e.dims(object)[1]});
  const int64_t first = fields.integer("prenms_topk", 1024);
  if (first < 1) refuse("prenms_topk is ", first);
  Ranked best = best_boxes(e, boxes, scores, first);
  best.scores =
      where_wanted(e, e.map("gt($0, $1)", {best.scores, f32(e, kLeastScore)}), best.scores);
  return {e.cast(propose(e, best, limits_of(fields, 0.7), false).boxes, e.dtype(in[0]))};
}

/// Of five feature maps deltas [b, anchors, 4, 1] and scores [b, anchors, 1, 1].
Values multilevel_proposals(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 2 * std::size(kStrides)) refuse("takes deltas and scores of five feature maps");
  const ImageSize image = image_of(fields, {832, 1344});
  const Suppression how = limits_of(fields, 0.7);
  const int64_t first = fields.integer("prenms_topk", 1000);
  if (first < 1) refuse("prenms_topk is ", first);
  Motion motion{{1, 1, 1, 1}, true, std::log(1000.0 / 16), {image.height - 1, image.width - 1}};
  Values boxes, scores;
  for (size_t level = 0; level < std::size(kStrides); ++level) {
    const auto stride = static_cast<double>(kStrides[level]);
    std::vector<float> all;
    for (double y = stride / 2; y < image.height; y += stride) {
      for (double x = stride / 2; x < image.width; x += stride) {
        for (const auto& [wide, high] : {std::pair(1.0, 1.0), {1.4, 0.7}, {0.7, 1.4}}) {
          const double h = 8 * stride * high / 2, w = 8 * stride * wide / 2;
          for (const double v : {y - h, x - w, y + h, x + w}) all.push_back(static_cast<float>(v));
        }
      }
    }
    const Handle anchors = anchors_of(e, all), deltas = rows_of(e, in[2 * level], 4);
    check_count(e, deltas, anchors);
    const Handle score = rows_of(e, in[2 * level + 1], 1);
    Ranked best = best_boxes(e, moved(e, anchors, deltas, motion),
                             e.reshape(score, {e.dims(score)[0], e.dims(score)[1]}), first);
    best.scores = at_least(e, best.scores, fields.number("fg_threshold", 0));
    const Proposals kept = propose(e, best, how, false);
    boxes.push_back(kept.boxes);
    scores.push_back(zero_invalid(e, kept.scores, kept.valid));
  }
  const Ranked out = best_boxes(e, e.concat(boxes, 1), e.concat(scores, 1), how.kept);
  return {e.cast(out.boxes, e.dtype(in[0]))};
}

/// Rows of box, class and score of regions [b, n, 4], whose best class has deltas of its own.
Values final_detections(Emit& e, const Values& in, const StockFields& fields, const Motion& motion,
                        bool may_be_background) {
  if (in.size() != 3) refuse("takes deltas, scores and regions");
  const int64_t classes = fields.integer("num_classes", 1);
  if (classes < 1) refuse("num_classes is ", classes);
  const Handle regions = rows_of(e, in[2], 4);
  const Dims sizes = e.dims(regions);
  const Dims per_class = {sizes[0], sizes[1], Dim(classes), Dim(4)};
  const Handle deltas = e.cast(e.reshape(in[0], per_class), DType::kF32);
  Handle given = rows_of(e, in[1], Dim(classes));
  if (!may_be_background && classes > 1) given = without_class(e, given, 0);
  const Handle label = e.make(op::ArgReduce{2, false, false, false}, {given});  // [b, n]
  Handle scores = e.reduce(op::Reduce::kMaximum, given, {2}, false);
  const Handle at = e.reshape(label, {sizes[0], sizes[1], Dim(1)});
  const Handle boxes = moved(e, regions, e.make(op::GatherNd{2}, {deltas, at}), motion);
  const Handle wanted =
      e.map("and(and(ge($0, $1), gt($0, $2)), ne($3, 0:i64))",
            {scores, f32(e, fields.number("score_threshold", 0)), f32(e, kLeastScore), label});
  scores = where_wanted(e, wanted, scores);
  // A class for itself: scores [b, classes, n], each box in one of them.
  const Handle ids = e.make(op::Iota{{Dim(1), Dim(classes), Dim(1)}, 1, DType::kI64}, {});
  const Handle by_class =
      e.map("select(eq($0, $1), $2, $3)",
            {e.reshape(label, {sizes[0], Dim(1), sizes[1]}), ids,
             e.reshape(scores, {sizes[0], Dim(1), sizes[1]}), f32(e, kDropped)});
  const Suppression how = limits_of(fields, 0.3);
  const Handle survivors =
      e.reduce(op::Reduce::kMaximum, suppress(e, boxes, by_class, how), {1}, false);
  const Best best = best_of(e, survivors, how.kept);
  const Dims column = {sizes[0], Dim(how.kept), Dim(1)};
  const Handle name = e.map("select($0, cast($1):f32, -1:f32)",
                            {best.valid, e.make(op::GatherElements{1}, {label, best.index})});
  return {e.cast(
      e.concat({zero_invalid(e, pick(e, boxes, best.index), best.valid), e.reshape(name, column),
                e.reshape(zero_invalid(e, best.scores, best.valid), column)},
               2),
      e.dtype(in[0]))};
}

Values detection_layer(Emit& e, const Values& in, const StockFields& fields) {
  return final_detections(e, in, fields, {{0.1, 0.1, 0.2, 0.2}}, true);
}

Values generate_detection(Emit& e, const Values& in, const StockFields& fields) {
  const ImageSize image = image_of(fields, {832, 1344});
  const Motion motion{
      {0.1, 0.1, 0.2, 0.2}, true, std::log(1000.0 / 16), {image.height - 1, image.width - 1}};
  return final_detections(e, in, fields, motion, false);
}

Values special_slice(Emit& e, const Values& in, const StockFields&) {
  if (in.size() != 1) refuse("takes detections");
  return {e.slice(in[0], e.rank(in[0]) - 1, Dim(0), Dim(4))};
}

/// Faster R-CNN: what deltas [b, 4 a, h, w] of x, y, log width, log height make of anchors around
/// each cell, with scores [b, a, h, w]. Boxes are x1, y1, x2, y2 in pixels.
struct Grid {
  std::vector<double> widths, heights;  ///< of the anchors
  double stride, offset;                ///< a cell's center is stride * cell + offset
};
Handle boxes_of_grid(Emit& e, Handle deltas, const Grid& grid, Handle last) {
  const Dims sizes = e.dims(deltas);
  const auto count = static_cast<int64_t>(grid.widths.size());
  const Dim batch = sizes[0], h = sizes[2], w = sizes[3];
  if (!(sizes[1] == Dim(4 * count))) refuse("there are not four deltas for ", count, " anchors");
  const Handle each = e.reshape(deltas, {batch, Dim(count), Dim(4), h, w});
  const auto delta = [&](int64_t i) {
    return e.reshape(e.slice(each, 2, Dim(i), Dim(1)), {batch, Dim(count), h, w});
  };
  Values corners(4);
  for (size_t axis = 0; axis < 2; ++axis) {
    Dims line = {1, 1, 1, 1};
    line[3 - axis] = axis == 0 ? w : h;
    const Handle cell = e.make(op::Iota{line, 3 - static_cast<int64_t>(axis), DType::kF32}, {});
    const Handle extent = e.reshape(vector_of(e, axis == 0 ? grid.widths : grid.heights),
                                    {Dim(count), Dim(1), Dim(1)});
    const Handle center = e.map("add(add(mul($0, $1), $2), mul($3, $4))",
                                {cell, f32(e, grid.stride), f32(e, grid.offset),
                                 delta(static_cast<int64_t>(axis)), extent});
    const Handle half =
        e.map("mul(mul(exp($0), $1), 0.5:f32)", {delta(static_cast<int64_t>(axis) + 2), extent});
    corners[axis] = e.map("sub($0, $1)", {center, half});
    corners[axis + 2] = e.map("add($0, $1)", {center, half});
  }
  for (Handle& corner : corners) {
    corner = e.reshape(corner, {batch, Dim(count) * h * w, Dim(1)});
  }
  return e.map("max(min($0, $1), 0:f32)", {e.concat(corners, 2), last});
}

/// Scores [b, n] of the boxes that are at least `least` wide and high, the others' being the least.
Handle scores_by_size(Emit& e, Handle boxes, Handle scores, Handle least, const char* too_small) {
  const Dims sizes = e.dims(scores);
  const Handle extent =
      e.map("sub($0, $1)", {e.slice(boxes, 2, Dim(2), Dim(2)), e.slice(boxes, 2, Dim(0), Dim(2))});
  const Handle smaller = e.reduce(op::Reduce::kMinimum, extent, {2}, false);
  return e.map(too_small, {e.reshape(smaller, sizes), least, scores, f32(e, kTooSmall)});
}

/// Regions y1, x1, y2, x2 in parts of the image, [b, n, 4, 1].
Values proposal(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 2 || e.rank(in[0]) != 4 || e.rank(in[1]) != 4) {
    refuse("takes scores [b, a, h, w] and deltas [b, 4 a, h, w]");
  }
  const double width = fields.number("input_width", 0), height = fields.number("input_height", 0);
  const double stride = fields.number("rpn_stride", 16);
  Grid grid{{}, {}, stride, stride / 2};
  for (const double size : fields.numbers("anchor_sizes")) {
    for (const double ratio : fields.numbers("anchor_ratios")) {
      if (!(ratio > 0)) refuse("an anchor's ratio is ", ratio);
      grid.widths.push_back(size * ratio), grid.heights.push_back(size / ratio);
    }
  }
  const Suppression how{fields.number("nms_iou_threshold", 0.7),
                        fields.integer("post_nms_top_n", 300), 0};
  const int64_t first = fields.integer("pre_nms_top_n", 6000);
  if (how.kept < 1 || first < 1 || !(width > 1) || !(height > 1)) {
    refuse("the image is ", height, " x ", width, ", pre_nms_top_n ", first, ", post_nms_top_n ",
           how.kept);
  }
  const Handle last = vector_of(e, {width - 1, height - 1, width - 1, height - 1});
  const Handle boxes = boxes_of_grid(e, e.cast(in[1], DType::kF32), grid, last);
  const Handle scores = e.reshape(e.cast(in[0], DType::kF32), {e.dims(in[0])[0], e.dims(boxes)[1]});
  const Handle kept = scores_by_size(e, boxes, scores, f32(e, fields.number("roi_min_size", 1)),
                                     "select(le($0, $1), $3, $2)");
  const Proposals best = propose(e, best_boxes(e, boxes, kept, first), how, true);
  const Handle out = exchanged(e, e.map("div($0, $1)", {best.boxes, last}));
  return {e.cast(e.reshape(out, {e.dims(out)[0], Dim(how.kept), Dim(4), Dim(1)}), e.dtype(in[0]))};
}

/// Regions [b, 1, n, 4] x1, y1, x2, y2 in pixels, and the largest of each bin of the features
/// there.
Values region_proposals(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 4 || e.rank(in[0]) != 4 || e.rank(in[1]) != 4 || e.rank(in[2]) != 4) {
    refuse("takes scores [b, 2 a, h, w], deltas [b, 4 a, h, w], features and the image's sizes");
  }
  const double stride = fields.number("featureStride", 16);
  Grid grid{{}, {}, stride, (stride - 1) / 2};
  for (const double ratio : fields.numbers("anchorsRatios")) {
    for (const double scale : fields.numbers("anchorsScales")) {
      if (!(ratio > 0)) refuse("an anchor's ratio is ", ratio);
      const double width = std::round(std::sqrt(stride * stride / ratio));
      grid.widths.push_back(width * scale),
          grid.heights.push_back(std::round(width * ratio) * scale);
    }
  }
  const Suppression how{fields.number("iouThreshold", 0.7), fields.integer("nmsMaxOut", 300), 0};
  const int64_t first = fields.integer("preNmsTop", 6000);
  if (how.kept < 1 || first < 1) refuse("nmsMaxOut is ", how.kept, ", preNmsTop ", first);
  const Dim batch = e.dims(in[0])[0];
  const auto count = static_cast<int64_t>(grid.widths.size());
  const Handle image = e.cast(e.reshape(in[3], {batch, Dim(1), Dim(3)}), DType::kF32);
  const Handle size =
      e.map("sub($0, 1:f32)", {e.concat({coordinate(e, image, 1), coordinate(e, image, 0)}, 2)});
  const Handle boxes =
      boxes_of_grid(e, e.cast(in[1], DType::kF32), grid, e.concat({size, size}, 2));
  const Handle object = e.slice(in[0], 1, Dim(count), Dim(count));
  const Handle scores = e.reshape(e.cast(object, DType::kF32), {batch, e.dims(boxes)[1]});
  const Handle least =
      e.map("sub(mul($0, $1), 1:f32)", {e.reshape(coordinate(e, image, 2), {batch, Dim(1)}),
                                        f32(e, fields.number("minBoxSize", 16))});
  const Handle kept = scores_by_size(e, boxes, scores, least, "select(lt($0, $1), $3, $2)");
  const Proposals best = propose(e, best_boxes(e, boxes, kept, first), how, true);
  const Handle pooled =
      pool_regions(e, in[2], best.boxes, fields.number("spatialScale", 1 / stride),
                   {fields.integer("poolingH", 7), fields.integer("poolingW", 7)});
  return {e.cast(e.reshape(best.boxes, {batch, Dim(1), Dim(how.kept), Dim(4)}), e.dtype(in[0])),
          pooled};
}

constexpr const char* kPropose = "prenms_topk:i keep_topk:i iou_threshold:f image_size:i";
constexpr const char* kMultilevel =
    "prenms_topk:i keep_topk:i fg_threshold:f iou_threshold:f image_size:i";
constexpr const char* kDetection = "num_classes:i keep_topk:i score_threshold:f iou_threshold:f";
constexpr const char* kGenerate =
    "num_classes:i keep_topk:i score_threshold:f iou_threshold:f image_size:i";
constexpr const char* kProposal =
    "input_height:i input_width:i rpn_stride:i roi_min_size:f nms_iou_threshold:f pre_nms_top_n:i "
    "post_nms_top_n:i anchor_sizes:f anchor_ratios:f";
constexpr const char* kFasterRcnn =
    "poolingH:i poolingW:i featureStride:i preNmsTop:i nmsMaxOut:i anchorsRatioCount:i "
    "anchorsScaleCount:i iouThreshold:f minBoxSize:f spatialScale:f anchorsRatios:f "
    "anchorsScales:f";

constexpr StockRow kRows[] = {
    {"ProposalLayer_TRT", "1", StockKind::kBatched, 1, kPropose, proposal_layer},
    {"MultilevelProposeROI_TRT", "1", StockKind::kBatched, 1, kMultilevel, multilevel_proposals},
    {"DetectionLayer_TRT", "1", StockKind::kBatched, 1, kDetection, detection_layer},
    {"GenerateDetection_TRT", "1", StockKind::kBatched, 1, kGenerate, generate_detection},
    {"SpecialSlice_TRT", "1", StockKind::kBatched, 1, "", special_slice},
    {"Proposal", "1", StockKind::kBatched, 1, kProposal, proposal},
    {"ProposalDynamic", "1", StockKind::kDynamic, 1, kProposal, proposal},
    {"RPROI_TRT", "1", StockKind::kBatched, 2, kFasterRcnn, region_proposals},
};

}  // namespace

std::span<const StockRow> stock_regions() {
  return kRows;
}

}  // namespace trt
