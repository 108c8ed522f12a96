// Non-maximum suppression and regions of interest, as TensorRT's plugins have them.
#include "stock_boxes.h"

namespace trt {

namespace {

using carnot::Dim;
using carnot::Dims;
using carnot::ScalarOp;
namespace op = carnot::op;

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

/// Boxes and scores of the plugins whose boxes are [batch, n, (1 or classes,) 4].
struct Candidates {
  Handle boxes, scores;  ///< f32; boxes [b, n, 4] where all classes share them
};
Candidates candidates_of(Emit& e, const Values& in) {
  Candidates c{e.cast(in[0], DType::kF32), e.cast(in[1], DType::kF32)};
  if (e.rank(c.scores) == 4 && e.dims(c.scores)[3].is(1)) {
    c.scores = e.reshape(c.scores, {e.dims(c.scores).begin(), e.dims(c.scores).begin() + 3});
  }
  if (e.rank(c.scores) != 3 || e.rank(c.boxes) < 3 || e.rank(c.boxes) > 4) {
    refuse("boxes are [batch, n, 4] or [batch, n, classes, 4], scores [batch, n, classes]");
  }
  if (e.rank(c.boxes) == 4 && e.dims(c.boxes)[2].is(1)) {
    c.boxes = e.reshape(c.boxes, {e.dims(c.boxes)[0], e.dims(c.boxes)[1], Dim(4)});
  }
  return c;
}

Values efficient_nms(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() < 2 || in.size() > 3) refuse("takes boxes, scores and perhaps anchors");
  const DType dtype = e.dtype(in[0]);
  auto [boxes, scores] = candidates_of(e, in);
  const bool centers = fields.integer("box_coding", 0) == 1;
  if (in.size() == 3) boxes = decode(e, boxes, e.cast(in[2], DType::kF32), centers);
  boxes = corners_of(e, boxes, centers);
  if (fields.flag("score_activation", false)) scores = e.unary(ScalarOp::kSigmoid, scores);
  scores = at_least(e, scores, fields.number("score_threshold", 0.25));
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
    d = {count_of(e, best.valid),
         zero_invalid(e, pick(e, boxes, best.index), best.valid),
         zero_invalid(e, best.scores, best.valid),
         e.cast(classes, DType::kI32),
         best.valid,
         best.index};
  } else {
    d = detect(e, boxes, scores, how, boxes);
  }
  return {d.count, e.cast(d.boxes, dtype), e.cast(d.scores, dtype),
          zero_invalid(e, d.classes, d.valid)};
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
    compared = enclosing(e, boxes);
  }
  Detections d = detect(e, boxes, scores, how, compared);
  if (fields.flag("clipBoxes", true)) {
    d.boxes = e.map("min(max($0, $1), $2)", {d.boxes, f32(e, 0), f32(e, 1)});
  }
  const Handle classes =
      e.map("select($0, $1, $2)", {d.valid, e.cast(d.classes, DType::kF32), f32(e, -1)});
  return {d.count, e.cast(d.boxes, dtype), e.cast(d.scores, dtype), e.cast(classes, dtype)};
}

/// TensorFlow's combined non-maximum suppression; one with an implicit batch counts in [batch].
Values combined_nms(Emit& e, const Values& in, const StockFields& fields, bool implicit) {
  if (in.size() != 2) refuse("takes boxes and scores");
  Candidates c = candidates_of(e, in);
  c.scores = at_least(e, c.scores, fields.number("score_threshold", 0.5));
  Suppression how{fields.number("iou_threshold", 0.5), fields.integer("max_total_size", 100),
                  std::max<int64_t>(fields.integer("max_output_size_per_class", -1), 0)};
  if (fields.flag("pad_per_class", false) && how.per_class > 0) {
    const Dim& classes = e.dims(c.scores)[2];
    if (!classes.is_constant()) unsupported("pad_per_class for a number of classes that varies");
    how.kept = std::min(how.kept, how.per_class * classes.value());
  }
  if (how.kept < 1) refuse("max_total_size is ", how.kept);
  Detections d = detect(e, c.boxes, c.scores, how, c.boxes);
  if (fields.flag("clip_boxes", false)) {
    d.boxes = e.map("min(max($0, 0:f32), 1:f32)", {d.boxes});
  }
  if (implicit) d.count = e.reshape(d.count, {e.dims(d.count)[0]});
  return {d.count, e.cast(d.boxes, e.dtype(in[0])), e.cast(d.scores, e.dtype(in[0])),
          zero_invalid(e, d.classes, d.valid)};
}
Values explicit_tf_nms(Emit& e, const Values& in, const StockFields& fields) {
  return combined_nms(e, in, fields, false);
}
Values implicit_tf_nms(Emit& e, const Values& in, const StockFields& fields) {
  return combined_nms(e, in, fields, true);
}

/// ONNX's operator with room for a fixed number of boxes of an image: rows of image, class and box;
/// the last one again in what is left, -1 where there is none.
Values onnx_nms(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 2) refuse("takes boxes and scores");
  Candidates c = candidates_of(e, in);
  c.boxes = corners_of(e, c.boxes, fields.integer("center_point_box", 0) == 1);
  c.scores = at_least(e, c.scores, fields.number("score_threshold", 0.5));
  const int64_t kept = fields.integer("max_output_boxes_per_class", -1);
  if (kept < 1) refuse("max_output_boxes_per_class is ", kept);
  const Detections d =
      detect(e, c.boxes, c.scores, {fields.number("iou_threshold", 0.5), kept, kept}, c.boxes);
  const Dim batch = e.dims(d.valid)[0], room = batch * Dim(kept);
  const auto column = [&](Handle x) { return e.reshape(e.cast(x, DType::kI64), {room, Dim(1)}); };
  const Handle image = e.make(op::Iota{{batch, Dim(kept)}, 0, DType::kI64}, {});
  const Handle rows = e.concat({column(image), column(d.classes), column(d.index)}, 1);
  // Those that are valid to the front, in their order.
  const Handle valid = e.cast(e.reshape(d.valid, {room}), DType::kI64);
  const Handle order = e.make(op::Iota{{room}, 0, DType::kI64}, {});
  op::TopK first;
  first.axis = 0;
  first.count = room;
  first.largest = false;
  const Handle sorted =
      e.add(first, {e.map("add($0, mul(sub(1:i64, $1), $2))", {order, valid, i64(e, room)})})[1];
  const Handle total = e.reduce(op::Reduce::kSum, valid, {0}, true);
  const Handle slot = e.map("max(min($0, sub($1, 1:i64)), 0:i64)", {order, total});
  const Handle found = e.gather(rows, e.gather(sorted, slot, 0), 0);
  return {e.cast(e.map("select(gt($1, 0:i64), $0, -1:i64)", {found, total}), DType::kI32)};
}

/// Boxes [b, n, k, 4] from what SSD's head says of priors [b, 2, n, 1, 4] and their variances.
Handle decode_priors(Emit& e, Handle head, Handle priors, int64_t coding, bool use_variance) {
  enum { kCorner, kCenterSize, kCornerSize, kTensorFlowCenter };
  const Dims& sizes = e.dims(priors);
  const auto half_of = [&](int64_t i) {
    return e.reshape(e.slice(priors, 1, Dim(i), Dim(1)), {sizes[0], sizes[2], sizes[3], sizes[4]});
  };
  const Handle prior = half_of(0);
  if (coding == kTensorFlowCenter) {
    head = exchanged(e, head);
    use_variance = true;
  }
  if (use_variance) head = e.binary(ScalarOp::kMul, head, half_of(1));
  const auto pair = [&](Handle x, int64_t start) { return e.slice(x, 3, Dim(start), Dim(2)); };
  const Handle size = e.binary(ScalarOp::kSub, pair(prior, 2), pair(prior, 0));
  switch (coding) {
    case kCorner:
      return e.binary(ScalarOp::kAdd, prior, head);
    case kCornerSize:
      return e.map("add($0, mul($1, $2))", {prior, head, e.concat({size, size}, 3)});
    case kCenterSize:
    case kTensorFlowCenter:
      break;
    default:
      refuse("there is no codeType ", coding);
  }
  const Handle center = e.map("add(mul($0, $1), mul(add($2, $3), 0.5:f32))",
                              {pair(head, 0), size, pair(prior, 0), pair(prior, 2)});
  const Handle extent = e.map("mul(exp($0), $1)", {pair(head, 2), size});
  return corners_of(e, e.concat({center, extent}, 3), true);
}

/// SSD's detections: rows of image, class, score and box, and how many there are, whose i32 is
/// handed over as a number of the type f32.
Values ssd_nms(Emit& e, const Values& in, const StockFields& fields, bool same_priors) {
  const std::vector<double> order = fields.numbers("inputOrder");
  const auto input = [&](size_t i) {
    const size_t at = order.size() == 3 ? static_cast<size_t>(order[i]) : i;
    if (in.size() != 3 || at > 2) refuse("takes locations, scores and priors");
    return e.cast(in[at], DType::kF32);
  };
  const int64_t classes = fields.integer("numClasses", 1);
  const int64_t kept = fields.integer("keepTopK", 100);
  if (classes < 1 || kept < 1) refuse("numClasses is ", classes, ", keepTopK ", kept);
  const bool shared = fields.flag("shareLocation", true);
  const Dim heads = shared ? Dim(1) : Dim(classes);
  Handle priors = input(2), scores = input(1);
  const Dim batch = e.dims(scores)[0];
  if (e.rank(priors) < 3) refuse("priors are [batch, 2, n * 4, 1]");
  const Dim count = floor_div(e.dims(priors)[2], Dim(4));
  if (same_priors) priors = e.slice(priors, 0, Dim(0), Dim(1));
  priors = e.reshape(priors, {e.dims(priors)[0], Dim(2), count, Dim(1), Dim(4)});
  Handle boxes =
      decode_priors(e, e.reshape(input(0), {batch, count, heads, Dim(4)}), priors,
                    fields.integer("codeType", 1), !fields.flag("varianceEncodedInTarget", false));
  if (shared) boxes = e.reshape(boxes, {batch, count, Dim(4)});
  scores = e.reshape(scores, {batch, count, Dim(classes)});
  if (fields.flag("confSigmoid", false)) scores = e.unary(ScalarOp::kSigmoid, scores);
  const Handle limit = f32(e, fields.number("confidenceThreshold", 0));
  scores = where_wanted(e, e.map("gt($0, $1)", {scores, limit}), scores);
  scores = without_class(e, scores, fields.integer("backgroundLabelId", 0));
  scores = best_of_class(e, scores, fields.integer("topK", -1));
  const Handle compared = fields.flag("isNormalized", true) ? boxes : enclosing(e, boxes);
  const Detections d =
      detect(e, boxes, scores, {fields.number("nmsThreshold", 0.5), kept, 0}, compared);
  const Dims rows = {batch, Dim(kept), Dim(1)};
  const Handle image = e.make(op::Iota{rows, 0, DType::kF32}, {});
  const Handle label = e.map("select($0, cast($1):f32, -1:f32)", {d.valid, d.classes});
  const Handle found = e.concat({image, e.reshape(label, rows), e.reshape(d.scores, rows),
                                 e.map("min(max($0, 0:f32), 1:f32)", {d.boxes})},
                                2);
  const Handle counts = e.make(op::BitCast{DType::kF32}, {d.count});
  return {e.cast(e.reshape(found, {batch, Dim(1), Dim(kept), Dim(7)}), e.dtype(in[0])),
          e.reshape(counts, {batch, Dim(1), Dim(1), Dim(1)})};
}
Values ssd_nms_fixed(Emit& e, const Values& in, const StockFields& fields) {
  return ssd_nms(e, in, fields, fields.flag("isBatchAgnostic", true));
}
Values ssd_nms_dynamic(Emit& e, const Values& in, const StockFields& fields) {
  return ssd_nms(e, in, fields, false);
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
constexpr const char* kOnnxNms =
    "score_threshold:f iou_threshold:f max_output_boxes_per_class:i center_point_box:i";
constexpr const char* kCombined =
    "max_output_size_per_class:i max_total_size:i iou_threshold:f score_threshold:f "
    "pad_per_class:i clip_boxes:i";
constexpr const char* kSsd =
    "shareLocation:i varianceEncodedInTarget:i backgroundLabelId:i numClasses:i topK:i keepTopK:i "
    "confidenceThreshold:f nmsThreshold:f inputOrder:i confSigmoid:i isNormalized:i codeType:i "
    "scoreBits:i isBatchAgnostic:i";
constexpr const char* kRoiAlign =
    "coordinate_transformation_mode:i mode:i output_height:i output_width:i sampling_ratio:i "
    "spatial_scale:f";

constexpr StockRow kRows[] = {
    {"EfficientNMS_TRT", "1", StockKind::kDynamic, 4, kEfficient, efficient_nms, "i==i"},
    {"EfficientNMS_ONNX_TRT", "1", StockKind::kDynamic, 1, kOnnxNms, onnx_nms, "i"},
    {"EfficientNMS_Explicit_TF_TRT", "1", StockKind::kDynamic, 4, kCombined, explicit_tf_nms,
     "i==i"},
    {"EfficientNMS_Implicit_TF_TRT", "1", StockKind::kBatched, 4, kCombined, implicit_tf_nms,
     "i==i"},
    {"NMS_TRT", "1", StockKind::kBatched, 2, kSsd, ssd_nms_fixed, "=f"},
    {"NMSDynamic_TRT", "1", StockKind::kDynamic, 2, kSsd, ssd_nms_dynamic, "=f"},
    {"BatchedNMS_TRT", "1", StockKind::kBatched, 4, kBatched, batched_nms, "i="},
    {"BatchedNMSDynamic_TRT", "1", StockKind::kDynamic, 4, kBatched, batched_nms, "i="},
    {"ROIAlign_TRT", "1", StockKind::kDynamic, 1, kRoiAlign, roi_align},
    {"ROIAlign_TRT", "2", StockKind::kV3, 1, kRoiAlign, roi_align},
};

}  // namespace

std::span<const StockRow> stock_detection() {
  return kRows;
}

}  // namespace trt
