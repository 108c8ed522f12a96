// non_max_suppression: per batch and class, boxes by falling score that overlap no better one.
#include <algorithm>
#include <array>

#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {
namespace {

struct Box {
  double y0 = 0, x0 = 0, y1 = 0, x1 = 0;
  double area() const { return (y1 - y0) * (x1 - x0); }
};

/// From [y1, x1, y2, x2] in any order of corners, or [x center, y center, width, height].
Box box_from(const double* v, bool center_point) {
  if (center_point) {
    return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
  }
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

/// Intersection over union; 0 for boxes without area (and where a coordinate is NaN).
double overlap(const Box& a, const Box& b) {
  const Box both = {std::max(a.y0, b.y0), std::max(a.x0, b.x0), std::min(a.y1, b.y1),
                    std::min(a.x1, b.x1)};
  if (!(both.y1 > both.y0 && both.x1 > both.x0)) return 0;
  const double all = a.area() + b.area() - both.area();
  return all > 0 ? both.area() / all : 0;
}

struct Limits {
  int64_t boxes = 0;
  double overlap = 0, score = 0;
};

/// Box indices of one class, best first. A NaN score is above no threshold.
std::vector<int64_t> select(const std::vector<Box>& boxes, const double* scores,
                            const Limits& limits) {
  std::vector<int64_t> candidates, kept;
  for (int64_t i = 0; i < static_cast<int64_t>(boxes.size()); ++i) {
    if (scores[i] > limits.score) candidates.push_back(i);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  for (const int64_t i : candidates) {
    if (static_cast<int64_t>(kept.size()) >= limits.boxes) break;
    const bool clear = std::none_of(kept.begin(), kept.end(), [&](int64_t better) {
      return overlap(boxes[static_cast<size_t>(i)], boxes[static_cast<size_t>(better)]) >
             limits.overlap;
    });
    if (clear) kept.push_back(i);
  }
  return kept;
}

}  // namespace

Result<std::vector<Info>> infer(const op::NonMaxSuppression& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &boxes = in[0].type, &scores = in[1].type;
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "boxes", boxes));
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "boxes", boxes, 3));
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "scores", scores));
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "scores", scores, 3));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "axis 2 of boxes", boxes.dims[2], Dim(4)));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "axis 0 of scores", scores.dims[0], boxes.dims[0]));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "axis 2 of scores", scores.dims[2], boxes.dims[1]));
  CARNOT_RETURN_IF_ERROR(expect_integer(op.kName, "the box limit", in[2].type));
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "the overlap threshold", in[3].type));
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "the score threshold", in[4].type));
  for (size_t i = 2; i < 5; ++i) {
    CARNOT_RETURN_IF_ERROR(expect_single(op.kName, "a limit", in[i].type));
  }
  return one_result(op.kName, DType::kI64, {op.count, Dim(3)});
}

Result<std::vector<Tensor>> reference(const op::NonMaxSuppression& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  const std::vector<double> corners = doubles_of(in[0]), scores = doubles_of(in[1]);
  const Limits limits = {in[2].get_int(0), in[3].get(0), in[4].get(0)};
  const Shape& shape = in[1].shape();
  const int64_t batches = shape[0], classes = shape[1], count = shape[2];
  std::vector<int64_t> found;
  std::vector<Box> boxes(static_cast<size_t>(count));
  for (int64_t b = 0; b < batches; ++b) {
    for (int64_t i = 0; i < count; ++i) {
      boxes[static_cast<size_t>(i)] =
          box_from(corners.data() + (b * count + i) * 4, op.center_point_box);
    }
    for (int64_t c = 0; c < classes; ++c) {
      for (const int64_t i : select(boxes, scores.data() + (b * classes + c) * count, limits)) {
        found.insert(found.end(), {b, c, i});
      }
    }
  }
  const auto selected = static_cast<int64_t>(found.size() / 3);
  if (!may_equal(op.count, Dim(selected))) {
    return bad_value(op, "selected ", selected, " boxes, the graph says ", to_string(op.count));
  }
  return std::vector<Tensor>{Tensor::from_i64({selected, 3}, found)};
}

}  // namespace carnot
