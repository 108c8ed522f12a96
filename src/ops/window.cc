#include "ops/window.h"

#include <limits>

#include "ops/move.h"

namespace carnot {
namespace {

Status fill_in(const char* op, const char* what, const Ints& given, int64_t spatial, int64_t least,
               int64_t otherwise, Ints& out) {
  if (given.empty()) {
    out.assign(static_cast<size_t>(spatial), otherwise);
    return {};
  }
  if (static_cast<int64_t>(given.size()) != spatial) {
    return error(Code::kInvalidModel, op, ": ", what, " has ", given.size(), " entries for ",
                 spatial, " spatial axes");
  }
  for (const int64_t value : given) {
    if (value < least) {
      return error(Code::kInvalidModel, op, ": ", what, " of ", value, ", must be at least ",
                   least);
    }
  }
  out = given;
  return {};
}

}  // namespace

Result<Window> resolve_window(const char* op, int64_t spatial, const Ints& strides,
                              const Ints& dilations, const Ints& lo, const Ints& hi,
                              bool may_crop) {
  Window out;
  const int64_t least_pad = may_crop ? std::numeric_limits<int64_t>::min() : 0;
  CARNOT_RETURN_IF_ERROR(fill_in(op, "strides", strides, spatial, 1, 1, out.strides));
  CARNOT_RETURN_IF_ERROR(fill_in(op, "dilations", dilations, spatial, 1, 1, out.dilations));
  CARNOT_RETURN_IF_ERROR(fill_in(op, "pads_lo", lo, spatial, least_pad, 0, out.lo));
  CARNOT_RETURN_IF_ERROR(fill_in(op, "pads_hi", hi, spatial, least_pad, 0, out.hi));
  return out;
}

Result<int64_t> spatial_rank(const char* op, const TensorType& x) {
  if (x.rank() < 3 || x.rank() > 2 + kMaxSpatialAxes) {
    return error(Code::kInvalidModel, op, ": needs an operand of 1 to ", kMaxSpatialAxes,
                 " spatial axes besides batch and channels, got ", to_string(x));
  }
  return x.rank() - 2;
}

Result<Dim> count_windows(const char* op, const Dim& in, const Dim& taps, const Window& window,
                          size_t axis) {
  if (taps.is_constant() && taps.value() < 1) {
    return error(Code::kInvalidModel, op, ": the window has ", taps.value(),
                 " elements along spatial axis ", axis);
  }
  const Dim padded = in + Dim(window.lo[axis]) + Dim(window.hi[axis]);
  const Dim span = reach(taps, window.dilations[axis]);
  if (padded.is_constant() && span.is_constant() && padded.value() < span.value()) {
    return error(Code::kInvalidModel, op, ": the window reaches over ", span.value(),
                 " elements of spatial axis ", axis, ", which has ", padded.value(),
                 " with padding");
  }
  return floor_div(padded - span, window.strides[axis]) + Dim(1);
}

std::vector<WindowFit> window_fits(const Op& op, Infos in) {
  std::vector<WindowFit> out;
  const auto collect = [&](const auto& window_op, bool channels_last, const Dims& taps) {
    const TensorType& x = in[0].type;
    const Result<Window> window =
        resolve_window(window_op.kName, x.rank() - 2, window_op.strides, window_op.dilations,
                       window_op.pads_lo, window_op.pads_hi);
    if (!window.ok()) return;
    for (size_t i = 0; i < taps.size(); ++i) {
      const Dim& size = x.dims[first_spatial_axis(channels_last) + i];
      const Dim pads = Dim(window->lo[i]) + Dim(window->hi[i]);
      const Dim span = reach(taps[i], window->dilations[i]);
      const Dim missing = span - pads;
      if (missing.is_constant() && (size.is_constant() || missing.value() <= 1)) continue;
      out.push_back({i, size + pads, min(size, 1) * span});
    }
  };
  if (const auto* conv = std::get_if<op::Conv>(&op)) {
    const Dims& w = in[1].type.dims;
    collect(*conv, conv->channels_last, Dims(w.begin() + 2, w.end()));
  } else if (const auto* pool = std::get_if<op::Pool>(&op)) {
    collect(*pool, pool->channels_last, Dims(pool->kernel.begin(), pool->kernel.end()));
  } else if (const auto* indices = std::get_if<op::MaxPoolIndices>(&op)) {
    collect(*indices, false, Dims(indices->kernel.begin(), indices->kernel.end()));
  }
  return out;
}

std::pair<int64_t, int64_t> WindowAxis::inside(int64_t o) const {
  const int64_t start = source(o, 0);
  const int64_t first = start >= 0 ? 0 : (-start - 1) / dilation + 1;
  const int64_t last = start >= in ? 0 : (in - 1 - start) / dilation + 1;
  return {std::min(first, taps), std::min(last, taps)};
}

SpatialStrides spatial_strides(const Shape& shape, bool channels_last) {
  const std::vector<int64_t> strides = row_major_strides(shape);
  const size_t spatial = shape.size() - 2;
  SpatialStrides out;
  out.n = strides[0];
  out.c = channels_last ? strides.back() : strides[1];
  for (size_t i = 0; i < spatial; ++i) {
    out.axis[kMaxSpatialAxes - spatial + i] = strides[first_spatial_axis(channels_last) + i];
  }
  return out;
}

}  // namespace carnot
