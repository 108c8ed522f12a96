// Non-maximum suppression and regions of interest, as TensorRT's plugins have them.
#include "stock.h"

namespace trt {

namespace {

using carnot::Dim;
using carnot::Dims;
using carnot::ScalarOp;
namespace op = carnot::op;

constexpr double kDropped = -1e30;  // below every score

struct Suppression {
  double overlap = 0.5;  ///< above it, the lower score goes
  int64_t kept = 0;      ///< of a batch
};

Handle f32(Emit& e, double value) {
  return e.scalar(DType::kF32, value);
}

Handle i64(Emit& e, const Dim& value) {
  return e.make(op::DimsTensor{{value}, true}, {});
}

/// `scores` where `wanted`, else what is below every score.
Handle where_wanted(Emit& e, Handle wanted, Handle scores) {
  return e.map("select($0, $1, $2)", {wanted, scores, f32(e, kDropped)});
}

/// boxes [g, n, 4], scores [g, k, n]: the scores of what survives, what does not being dropped.
Handle suppress(Emit& e, Handle boxes, Handle scores, const Suppression& how) {
  op::NonMaxSuppression nms;
  nms.count = e.fresh("kept");
  const Handle most = e.ints({how.kept});
  const Handle found = e.make(nms, {boxes, scores, most, f32(e, how.overlap), f32(e, kDropped)});
  const Handle kept = e.make(op::GatherNd{}, {scores, found});
  const Handle none = e.expand(f32(e, kDropped), e.dims(scores));
  return e.make(op::ScatterNd{}, {none, found, kept});
}

struct Best {
  Handle scores, index, valid;  ///< [b, kept]; index i64; valid bool
};

/// The best of survivors [b, m], by falling score.
Best best_of(Emit& e, Handle survivors, int64_t kept) {
  const Dim batch = e.dims(survivors)[0];
  const Handle filler = e.expand(f32(e, kDropped), {batch, Dim(kept)});
  const Handle all = e.concat({survivors, filler}, 1);  // there may be fewer than are wanted
  op::TopK top;
  top.axis = 1;
  top.count = Dim(kept);
  const Values sorted = e.add(top, {all});
  const Handle valid = e.map("gt($0, $1)", {sorted[0], f32(e, kDropped / 2)});
  const Handle index = e.map("select($0, $1, $2)", {valid, sorted[1], i64(e, 0)});
  return {sorted[0], index, valid};
}

/// data [b, m, 4] at index [b, kept].
Handle pick(Emit& e, Handle data, Handle index) {
  Dims sizes = e.dims(index);
  sizes.emplace_back(1);
  return e.make(op::GatherNd{1}, {data, e.reshape(index, sizes)});
}

Handle zero_invalid(Emit& e, Handle x, Handle valid) {
  Dims sizes = e.dims(valid);
  if (e.rank(x) > e.rank(valid)) sizes.emplace_back(1);
  return e.map("select($0, $1, $2)", {e.reshape(valid, sizes), x, e.scalar(e.dtype(x), 0)});
}

Handle count_of(Emit& e, Handle valid) {
  return e.reduce(op::Reduce::kSum, e.cast(valid, DType::kI32), {1}, true);
}

/// [b, n, 4] or [b, n, c, 4] of centers and sizes, or of corners.
Handle corners_of(Emit& e, Handle boxes, bool center_sizes) {
  if (!center_sizes) return boxes;
  const int64_t last = e.rank(boxes) - 1;
  const Handle center = e.slice(boxes, last, 0, 2), size = e.slice(boxes, last, 2, 2);
  const Handle half = f32(e, 0.5);
  return e.concat({e.map("sub($0, mul($1, $2))", {center, size, half}),
                   e.map("add($0, mul($1, $2))", {center, size, half})},
                  last);
}

Handle decode(Emit& e, Handle boxes, Handle anchors, bool center_sizes) {
  if (e.rank(boxes) > e.rank(anchors)) {
    Dims sizes = e.dims(anchors);
    sizes.insert(sizes.end() - 1, Dim(1));
    anchors = e.reshape(anchors, sizes);
  }
  if (!center_sizes) return e.binary(ScalarOp::kAdd, boxes, anchors);
  const int64_t last = e.rank(boxes) - 1;
  const auto half = [&](Handle x, int64_t start) { return e.slice(x, last, start, 2); };
  const Handle center =
      e.map("add(mul($0, $1), $2)", {half(boxes, 0), half(anchors, 2), half(anchors, 0)});
  const Handle size = e.map("mul(exp($0), $1)", {half(boxes, 2), half(anchors, 2)});
  return e.concat({center, size}, last);
}

/// What all of these plugins do once boxes are corners and unwanted scores are dropped: boxes
/// [b, n, 4] or [b, n, c, 4], scores [b, n, c].
struct Detections {
  Handle count, boxes, scores, classes, valid;
};
Detections detect(Emit& e, Handle boxes, Handle scores, const Suppression& how,
                  Handle boxes_to_compare) {
  const Dim batch = e.dims(scores)[0], count = e.dims(scores)[1], classes = e.dims(scores)[2];
  const bool shared = e.rank(boxes) == 3;
  const Handle by_class = e.transpose(scores, {0, 2, 1});  // [b, c, n]
  Handle survivors, from = boxes;
  if (shared) {
    survivors = suppress(e, boxes_to_compare, by_class, how);
  } else {
    const auto flat = [&](Handle x) {
      return e.reshape(e.transpose(x, {0, 2, 1, 3}), {batch * classes, count, Dim(4)});
    };
    survivors = suppress(e, flat(boxes_to_compare),
                         e.reshape(by_class, {batch * classes, Dim(1), count}), how);
    from = e.reshape(e.transpose(boxes, {0, 2, 1, 3}), {batch, classes * count, Dim(4)});
  }
  const Best best = best_of(e, e.reshape(survivors, {batch, classes * count}), how.kept);
  const Handle n = i64(e, count);
  const Handle box = shared ? e.map("rem($0, $1)", {best.index, n}) : best.index;
  return {count_of(e, best.valid), zero_invalid(e, pick(e, from, box), best.valid),
          zero_invalid(e, best.scores, best.valid),
          e.cast(e.map("div($0, $1)", {best.index, n}), DType::kI32), best.valid};
}

/// Drops the scores of one class.
Handle without_class(Emit& e, Handle scores, int64_t background) {
  if (background < 0) return scores;
  const Handle classes = e.make(op::Iota{{e.dims(scores)[2]}, 0, DType::kI64}, {});
  return where_wanted(e, e.map("ne($0, $1)", {classes, i64(e, background)}), scores);
}

Values efficient_nms(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() < 2 || in.size() > 3) refuse("takes boxes, scores and perhaps anchors");
  const DType dtype = e.dtype(in[0]);
  Handle boxes = e.cast(in[0], DType::kF32), scores = e.cast(in[1], DType::kF32);
  if (e.rank(scores) != 3 || e.rank(boxes) < 3 || e.rank(boxes) > 4) {
    refuse("boxes are [batch, n, 4] or [batch, n, classes, 4], scores [batch, n, classes]");
  }
  if (e.rank(boxes) == 4 && e.dims(boxes)[2].is(1)) {
    boxes = e.reshape(boxes, {e.dims(boxes)[0], e.dims(boxes)[1], Dim(4)});
  }
  const bool centers = fields.integer("box_coding", 0) == 1;
  if (in.size() == 3) boxes = decode(e, boxes, e.cast(in[2], DType::kF32), centers);
  boxes = corners_of(e, boxes, centers);
  if (fields.flag("score_activation", false)) scores = e.unary(ScalarOp::kSigmoid, scores);
  const Handle limit = f32(e, fields.number("score_threshold", 0.25));
  scores = where_wanted(e, e.map("ge($0, $1)", {scores, limit}), scores);
  scores = without_class(e, scores, fields.integer("background_class", -1));
  const Suppression how{fields.number("iou_threshold", 0.5),
                        fields.integer("max_output_boxes", 100)};
  if (how.kept < 1) refuse("max_output_boxes is ", how.kept);
  Detections d;
  if (fields.flag("class_agnostic", false)) {
    // A box competes with its best class; the class comes back by the box.
    if (e.rank(boxes) == 4) unsupported("class_agnostic with boxes of each class");
    const Handle top = e.reduce(op::Reduce::kMaximum, scores, {2}, true);
    const Handle which = e.make(op::ArgReduce{2, false, false, false}, {scores});  // [b, n]
    const Handle survivors = suppress(e, boxes, e.transpose(top, {0, 2, 1}), how);
    const Best best =
        best_of(e, e.reshape(survivors, {e.dims(scores)[0], e.dims(scores)[1]}), how.kept);
    const Handle classes = e.make(op::GatherElements{1}, {which, best.index});
    d = {count_of(e, best.valid), zero_invalid(e, pick(e, boxes, best.index), best.valid),
         zero_invalid(e, best.scores, best.valid), e.cast(classes, DType::kI32), best.valid};
  } else {
    d = detect(e, boxes, scores, how, boxes);
  }
  return {d.count, e.cast(d.boxes, dtype), e.cast(d.scores, dtype),
          zero_invalid(e, d.classes, d.valid)};
}

/// Drops, of each class, what is not among its `count` best scores [b, n, c].
Handle best_of_class(Emit& e, Handle scores, int64_t count) {
  const Dim& n = e.dims(scores)[1];
  if (count <= 0 || (n.is_constant() && n.value() <= count)) return scores;
  op::TopK top;
  top.axis = 1;
  top.count = min(n, Dim(count));
  const Handle sorted = e.add(top, {scores})[0];
  const Handle last = e.reduce(op::Reduce::kMinimum, sorted, {1}, true);
  return where_wanted(e, e.map("ge($0, $1)", {scores, last}), scores);
}

Values batched_nms(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 2) refuse("takes boxes and scores");
  const DType dtype = e.dtype(in[0]);
  Handle boxes = e.cast(in[0], DType::kF32), scores = e.cast(in[1], DType::kF32);
  if (e.rank(scores) == 4) {  // [b, n, c, 1]
    scores = e.reshape(scores, {e.dims(scores)[0], e.dims(scores)[1], e.dims(scores)[2]});
  }
  if (e.rank(boxes) != 4 || e.rank(scores) != 3) {
    refuse("boxes are [batch, n, 1 or classes, 4], scores [batch, n, classes]");
  }
  if (fields.flag("shareLocation", true)) {
    boxes = e.reshape(boxes, {e.dims(boxes)[0], e.dims(boxes)[1], Dim(4)});
  }
  const Handle limit = f32(e, fields.number("scoreThreshold", 0));
  scores = where_wanted(e, e.map("gt($0, $1)", {scores, limit}), scores);
  scores = without_class(e, scores, fields.integer("backgroundLabelId", -1));
  scores = best_of_class(e, scores, fields.integer("topK", -1));
  const Suppression how{fields.number("iouThreshold", 0.5), fields.integer("keepTopK", 100)};
  if (how.kept < 1) refuse("keepTopK is ", how.kept);
  Handle compared = boxes;
  if (!fields.flag("isNormalized", true)) {  // pixels: the last one counts
    const int64_t last = e.rank(boxes) - 1;
    compared = e.concat(
        {e.slice(boxes, last, 0, 2), e.map("add($0, $1)", {e.slice(boxes, last, 2, 2), f32(e, 1)})},
        last);
  }
  Detections d = detect(e, boxes, scores, how, compared);
  if (fields.flag("clipBoxes", true)) {
    d.boxes = e.map("min(max($0, $1), $2)", {d.boxes, f32(e, 0), f32(e, 1)});
  }
  const Handle classes =
      e.map("select($0, $1, $2)", {d.valid, e.cast(d.classes, DType::kF32), f32(e, -1)});
  return {d.count, e.cast(d.boxes, dtype), e.cast(d.scores, dtype), e.cast(classes, dtype)};
}

Values roi_align(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 3) refuse("takes features, regions and the regions' batch indices");
  op::RoiAlign r;
  r.maximum = fields.integer("mode", 1) == 0;
  r.half_pixel = fields.flag("coordinate_transformation_mode", true);
  r.height = fields.integer("output_height", 1);
  r.width = fields.integer("output_width", 1);
  r.sampling_ratio = fields.integer("sampling_ratio", 0);
  r.spatial_scale = fields.number("spatial_scale", 1);
  return {e.make(r, {in[0], e.cast(in[1], e.dtype(in[0])), e.cast(in[2], DType::kI64)})};
}

constexpr const char* kEfficient =
    "score_threshold:f iou_threshold:f max_output_boxes:i background_class:i score_activation:i "
    "class_agnostic:i box_coding:i";
constexpr const char* kBatched =
    "shareLocation:i backgroundLabelId:i numClasses:i topK:i keepTopK:i scoreThreshold:f "
    "iouThreshold:f isNormalized:i clipBoxes:i scoreBits:i caffeSemantics:i";
constexpr const char* kRoiAlign =
    "coordinate_transformation_mode:i mode:i output_height:i output_width:i sampling_ratio:i "
    "spatial_scale:f";

constexpr StockRow kRows[] = {
    {"EfficientNMS_TRT", "1", false, 4, kEfficient, efficient_nms},
    {"BatchedNMS_TRT", "1", false, 4, kBatched, batched_nms},
    {"BatchedNMSDynamic_TRT", "1", false, 4, kBatched, batched_nms},
    {"ROIAlign_TRT", "1", false, 1, kRoiAlign, roi_align},
    {"ROIAlign_TRT", "2", true, 1, kRoiAlign, roi_align},
};

}  // namespace

std::span<const StockRow> stock_detection() {
  return kRows;
}

}  // namespace trt
