#pragma once
// What plugins of detectors have in common: decoding boxes, suppressing those that overlap a better
// one, the best of what is left. Boxes are corners, two coordinates and two more.
#include "stock.h"

namespace trt {

constexpr double kDropped = -1e30;  // below every score

struct Suppression {
  double overlap = 0.5;   ///< above it, the lower score goes
  int64_t kept = 0;       ///< of a batch
  int64_t per_class = 0;  ///< of a class; 0 where `kept` is the only limit
};

Handle f32(Emit& e, double value);
Handle i64(Emit& e, const carnot::Dim& value);
Handle vector_of(Emit& e, const std::vector<double>& values);

/// `scores` where `wanted`, else what is below every score.
Handle where_wanted(Emit& e, Handle wanted, Handle scores);
/// Drops scores below `limit`.
Handle at_least(Emit& e, Handle scores, double limit);
/// Drops the scores [b, n, c] of one class; none where it is negative.
Handle without_class(Emit& e, Handle scores, int64_t background);
/// Drops, of each class, what is not among its `count` best scores [b, n, c]; 0 or less keeps all.
Handle best_of_class(Emit& e, Handle scores, int64_t count);

/// boxes [g, n, 4], scores [g, k, n]: the scores of what survives, what does not being dropped.
Handle suppress(Emit& e, Handle boxes, Handle scores, const Suppression& how);

struct Best {
  Handle scores, index, valid;  ///< [b, kept]; index i64; valid bool
};
/// The best of survivors [b, m], by falling score; where there are fewer, index 0, not valid.
Best best_of(Emit& e, Handle survivors, int64_t kept);

/// data [b, m, w] at index [b, kept].
Handle pick(Emit& e, Handle data, Handle index);
Handle zero_invalid(Emit& e, Handle x, Handle valid);
/// How many are valid [b, 1], i32.
Handle count_of(Emit& e, Handle valid);

/// Last axes of centers and sizes (or already of corners) as corners.
Handle corners_of(Emit& e, Handle boxes, bool center_sizes);
/// The coordinate of the last axis, which stays.
Handle coordinate(Emit& e, Handle boxes, int64_t i);
/// Boxes whose second corner is a pixel that belongs to them, as corners that enclose it.
Handle enclosing(Emit& e, Handle boxes);
/// Boxes with their x and y exchanged.
Handle exchanged(Emit& e, Handle boxes);

/// What detectors do once boxes are corners and unwanted scores are dropped: boxes [b, n, 4] or
/// [b, n, c, 4], scores [b, n, c].
struct Detections {
  Handle count, boxes, scores, classes, valid;
  Handle index;  ///< of the box [b, kept], i64
};
Detections detect(Emit& e, Handle boxes, Handle scores, const Suppression& how,
                  Handle boxes_to_compare);

/// The `count` best of boxes [b, n, 4] by scores [b, n], in that order; all where there are fewer.
struct Ranked {
  Handle boxes, scores;
};
Ranked best_boxes(Emit& e, Handle boxes, Handle scores, int64_t count);

}  // namespace trt
