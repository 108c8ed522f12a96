// pool and max_pool_indices: sliding windows that fold what they see.
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/operands.h"
#include "ops/window.h"

namespace carnot {
namespace {

// One more window in ceil_mode where elements are left over, unless it would start beyond the
// input and its low padding.
Result<Dim> pooled_size(const char* op, const Dim& in, int64_t taps, const Window& window,
                        size_t axis, bool ceil_mode) {
  CARNOT_ASSIGN(const Dim whole, count_windows(op, in, taps, window, axis));
  if (!ceil_mode) return whole;
  const Dim stride = window.strides[axis];
  const Dim start_limit = in + Dim(window.lo[axis]) - Dim(1);
  const Dim rounded_up =
      start_limit + Dim(window.hi[axis]) - reach(taps, window.dilations[axis]) + stride;
  return floor_div(min(start_limit, rounded_up), stride) + Dim(1);
}

template <class T>
Result<Dims> pooled_dims(const T& op, const TensorType& x, bool channels_last) {
  CARNOT_ASSIGN(const int64_t spatial, spatial_rank(op.kName, x));
  CARNOT_ASSIGN(const Window window, resolve_window(op.kName, spatial, op.strides, op.dilations,
                                                    op.pads_lo, op.pads_hi));
  if (static_cast<int64_t>(op.kernel.size()) != spatial) {
    return invalid(op, "kernel has ", op.kernel.size(), " entries for ", spatial, " spatial axes");
  }
  Dims dims = x.dims;
  for (size_t i = 0; i < op.kernel.size(); ++i) {
    Dim& size = dims[first_spatial_axis(channels_last) + i];
    CARNOT_ASSIGN(size, pooled_size(op.kName, size, op.kernel[i], window, i, op.ceil_mode));
  }
  return dims;
}

template <class T>
Result<WindowAxes> window_axes(const T& op, const Shape& x, const Shape& out, bool channels_last) {
  const size_t spatial = x.size() - 2, first = first_spatial_axis(channels_last);
  CARNOT_ASSIGN(const Window window,
                resolve_window(op.kName, static_cast<int64_t>(spatial), op.strides, op.dilations,
                               op.pads_lo, op.pads_hi));
  WindowAxes axes;
  for (size_t i = 0; i < spatial; ++i) {
    axes[kMaxSpatialAxes - spatial + i] = {x[first + i],      out[first + i],      op.kernel[i],
                                           window.strides[i], window.dilations[i], window.lo[i],
                                           window.hi[i]};
  }
  return axes;
}

// How many taps of window `o` are inside the axis and its padding.
int64_t padded_taps(const WindowAxis& axis, int64_t o) {
  const int64_t room = axis.in + axis.hi - axis.source(o, 0);
  return std::min(axis.taps, room <= 0 ? 0 : (room - 1) / axis.dilation + 1);
}

// Calls visit(plane, window) for each window of each (batch, channel) plane.
template <class F>
void for_each_window(const WindowAxes& axes, int64_t planes, F&& visit) {
  for (int64_t plane = 0; plane < planes; ++plane) {
    std::array<int64_t, kMaxSpatialAxes> o{};
    for (o[0] = 0; o[0] < axes[0].out; ++o[0]) {
      for (o[1] = 0; o[1] < axes[1].out; ++o[1]) {
        for (o[2] = 0; o[2] < axes[2].out; ++o[2]) visit(plane, o);
      }
    }
  }
}

// Calls visit(d, h, w) for each element inside the axes that window `o` sees.
template <class F>
void for_each_tap(const WindowAxes& axes, const std::array<int64_t, kMaxSpatialAxes>& o,
                  F&& visit) {
  const auto [d_first, d_last] = axes[0].inside(o[0]);
  const auto [h_first, h_last] = axes[1].inside(o[1]);
  const auto [w_first, w_last] = axes[2].inside(o[2]);
  for (int64_t d = d_first; d < d_last; ++d) {
    for (int64_t h = h_first; h < h_last; ++h) {
      for (int64_t w = w_first; w < w_last; ++w) {
        visit(axes[0].source(o[0], d), axes[1].source(o[1], h), axes[2].source(o[2], w));
      }
    }
  }
}

int64_t offset_of(const SpatialStrides& strides, int64_t plane, int64_t channels,
                  const std::array<int64_t, kMaxSpatialAxes>& at) {
  return plane / channels * strides.n + plane % channels * strides.c + at[0] * strides.axis[0] +
         at[1] * strides.axis[1] + at[2] * strides.axis[2];
}

struct Fold {
  op::Pool::Kind kind;
  double p = 2, value = 0;
  int64_t count = 0;

  void start() {
    value = kind == op::Pool::kMaximum ? -std::numeric_limits<double>::infinity() : 0;
    count = 0;
  }
  void add(double x) {
    ++count;
    if (kind == op::Pool::kMaximum) {
      if (x > value || std::isnan(x)) value = std::isnan(value) ? value : x;
    } else {
      value += kind == op::Pool::kAverage ? x : std::pow(std::fabs(x), p);
    }
  }
  double finish(int64_t divisor) const {
    if (kind == op::Pool::kMaximum) return value;
    if (kind == op::Pool::kLp) return std::pow(value, 1 / p);
    return value / static_cast<double>(divisor);
  }
};

std::vector<double> pool_floats(const op::Pool& op, const std::vector<double>& x,
                                const WindowAxes& axes, const SpatialStrides& from,
                                const SpatialStrides& to, int64_t channels, const Shape& shape) {
  std::vector<double> out(static_cast<size_t>(volume(shape)));
  Fold fold{op.kind, static_cast<double>(op.p)};
  for_each_window(axes, shape[0] * channels, [&](int64_t plane, const auto& o) {
    fold.start();
    for_each_tap(axes, o, [&](int64_t d, int64_t h, int64_t w) {
      fold.add(x[static_cast<size_t>(offset_of(from, plane, channels, {d, h, w}))]);
    });
    int64_t divisor = fold.count;
    if (op.count_padding) {
      divisor =
          padded_taps(axes[0], o[0]) * padded_taps(axes[1], o[1]) * padded_taps(axes[2], o[2]);
    }
    out[static_cast<size_t>(offset_of(to, plane, channels, o))] = fold.finish(divisor);
  });
  return out;
}

std::vector<int64_t> pool_ints(DType dtype, const std::vector<int64_t>& x, const WindowAxes& axes,
                               const SpatialStrides& from, const SpatialStrides& to,
                               int64_t channels, const Shape& shape) {
  std::vector<int64_t> out(static_cast<size_t>(volume(shape)));
  for_each_window(axes, shape[0] * channels, [&](int64_t plane, const auto& o) {
    int64_t best = lowest_int(dtype);
    for_each_tap(axes, o, [&](int64_t d, int64_t h, int64_t w) {
      const int64_t next = x[static_cast<size_t>(offset_of(from, plane, channels, {d, h, w}))];
      if (int_less(dtype, best, next)) best = next;
    });
    out[static_cast<size_t>(offset_of(to, plane, channels, o))] = best;
  });
  return out;
}

}  // namespace

Result<std::vector<Info>> infer(const op::Pool& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  if (op.kind == op::Pool::kMaximum) {
    CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "a max pool", x));
  } else {
    CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "an average or Lp pool", x));
  }
  if (op.p < 1) return invalid(op, "p is ", op.p, ", must be at least 1");
  CARNOT_ASSIGN(Dims dims, pooled_dims(op, x, op.channels_last));
  return one_result(op.kName, x.dtype, std::move(dims));
}

Result<std::vector<Tensor>> reference(const op::Pool& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims), &x = in[0].shape();
  const DType dtype = types[0].dtype;
  if (volume(shape) == 0) {
    CARNOT_ASSIGN(Tensor empty, Tensor::allocate(dtype, shape));
    return std::vector<Tensor>{std::move(empty)};
  }
  CARNOT_ASSIGN(const WindowAxes axes, window_axes(op, x, shape, op.channels_last));
  const SpatialStrides from = spatial_strides(x, op.channels_last);
  const SpatialStrides to = spatial_strides(shape, op.channels_last);
  const int64_t channels = x[channel_axis(types[0], op.channels_last)];
  Result<Tensor> out =
      is_float(dtype)
          ? tensor_of(dtype, shape,
                      pool_floats(op, doubles_of(in[0]), axes, from, to, channels, shape))
          : tensor_of(dtype, shape,
                      pool_ints(dtype, ints_of(in[0]), axes, from, to, channels, shape));
  if (!out.ok()) return std::move(out).status();
  return std::vector<Tensor>{std::move(*out)};
}

Result<std::vector<Info>> infer(const op::MaxPoolIndices& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "the operand", in[0].type));
  CARNOT_ASSIGN(Dims dims, pooled_dims(op, in[0].type, false));
  return one_result(op.kName, DType::kI64, std::move(dims));
}

// A window that sees padding only has no maximum: its index is that of its plane's first element.
Result<std::vector<Tensor>> reference(const op::MaxPoolIndices& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims), &x = in[0].shape();
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(DType::kI64, shape));
  if (out.elements() == 0) return std::vector<Tensor>{std::move(out)};
  CARNOT_ASSIGN(const WindowAxes axes, window_axes(op, x, shape, false));
  const SpatialStrides from = spatial_strides(x, false), to = spatial_strides(shape, false);
  const bool floats = is_float(in[0].dtype());
  const std::vector<double> reals = floats ? doubles_of(in[0]) : std::vector<double>();
  const std::vector<int64_t> ints = floats ? std::vector<int64_t>() : ints_of(in[0]);
  const auto beats = [&](size_t a, size_t b) {
    if (!floats) return int_less(in[0].dtype(), ints[b], ints[a]);
    return reals[a] > reals[b] || (std::isnan(reals[a]) && !std::isnan(reals[b]));
  };
  for_each_window(axes, shape[0] * shape[1], [&](int64_t plane, const auto& o) {
    const int64_t start = offset_of(from, plane, shape[1], {0, 0, 0});
    int64_t best = -1, index = start;
    for_each_tap(axes, o, [&](int64_t d, int64_t h, int64_t w) {
      const int64_t at = offset_of(from, plane, shape[1], {d, h, w});
      if (best >= 0 && !beats(static_cast<size_t>(at), static_cast<size_t>(best))) return;
      best = at;
      index = op.column_major ? start + d + axes[0].in * (h + axes[1].in * w) : at;
    });
    out.as<int64_t>()[offset_of(to, plane, shape[1], o)] = index;
  });
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
