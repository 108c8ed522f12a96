#include "stock_boxes.h"

namespace trt {

using carnot::Dim;
using carnot::Dims;
using carnot::ScalarOp;
namespace op = carnot::op;

Handle f32(Emit& e, double value) {
  return e.scalar(DType::kF32, value);
}

Handle i64(Emit& e, const Dim& value) {
  return e.make(op::DimsTensor{{value}, true}, {});
}

Handle vector_of(Emit& e, const std::vector<double>& values) {
  const std::vector<float> narrow(values.begin(), values.end());
  return e.constant(carnot::Tensor::from_f32({static_cast<int64_t>(narrow.size())}, narrow));
}

Handle where_wanted(Emit& e, Handle wanted, Handle scores) {
  return e.map("select($0, $1, $2)", {wanted, scores, f32(e, kDropped)});
}

Handle at_least(Emit& e, Handle scores, double limit) {
  return where_wanted(e, e.map("ge($0, $1)", {scores, f32(e, limit)}), scores);
}

Handle without_class(Emit& e, Handle scores, int64_t background) {
  if (background < 0) return scores;
  const Handle classes = e.make(op::Iota{{e.dims(scores)[2]}, 0, DType::kI64}, {});
  return where_wanted(e, e.map("ne($0, $1)", {classes, i64(e, background)}), scores);
}

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

Handle suppress(Emit& e, Handle boxes, Handle scores, const Suppression& how) {
  op::NonMaxSuppression nms;
  nms.count = e.fresh("kept");
  const Handle most = e.ints({how.per_class > 0 ? std::min(how.per_class, how.kept) : how.kept});
  const Handle found = e.make(nms, {boxes, scores, most, f32(e, how.overlap), f32(e, kDropped)});
  const Handle kept = e.make(op::GatherNd{}, {scores, found});
  const Handle none = e.expand(f32(e, kDropped), e.dims(scores));
  return e.make(op::ScatterNd{}, {none, found, kept});
}

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

Handle corners_of(Emit& e, Handle boxes, bool center_sizes) {
  if (!center_sizes) return boxes;
  const int64_t last = e.rank(boxes) - 1;
  const Handle center = e.slice(boxes, last, 0, 2), size = e.slice(boxes, last, 2, 2);
  const Handle half = f32(e, 0.5);
  return e.concat({e.map("sub($0, mul($1, $2))", {center, size, half}),
                   e.map("add($0, mul($1, $2))", {center, size, half})},
                  last);
}

Handle coordinate(Emit& e, Handle boxes, int64_t i) {
  return e.slice(boxes, e.rank(boxes) - 1, Dim(i), Dim(1));
}

Handle enclosing(Emit& e, Handle boxes) {
  return e.map("add($0, $1)", {boxes, vector_of(e, {0, 0, 1, 1})});
}

Handle exchanged(Emit& e, Handle boxes) {
  const auto at = [&](int64_t i) { return coordinate(e, boxes, i); };
  return e.concat({at(1), at(0), at(3), at(2)}, e.rank(boxes) - 1);
}

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
  const Handle box = e.map("rem($0, $1)", {best.index, n});
  return {count_of(e, best.valid),
          zero_invalid(e, pick(e, from, shared ? box : best.index), best.valid),
          zero_invalid(e, best.scores, best.valid),
          e.cast(e.map("div($0, $1)", {best.index, n}), DType::kI32),
          best.valid,
          box};
}

Ranked best_boxes(Emit& e, Handle boxes, Handle scores, int64_t count) {
  op::TopK top;
  top.axis = 1;
  top.count = min(e.dims(scores)[1], Dim(count));
  const Values sorted = e.add(top, {scores});
  return {pick(e, boxes, sorted[1]), sorted[0]};
}

}  // namespace trt
