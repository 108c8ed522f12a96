// conv: plain loops over outputs, taps and channels.
#include "ops/contraction.h"
#include "ops/window.h"

namespace carnot {
namespace {

WindowAxes window_axes(const op::Conv& op, const Window& window, const Shape& x, const Shape& w,
                       const Shape& out) {
  WindowAxes axes;
  const size_t spatial = x.size() - 2, first = first_spatial_axis(op.channels_last);
  for (size_t i = 0; i < spatial; ++i) {
    axes[kMaxSpatialAxes - spatial + i] = {x[first + i],      out[first + i],      w[2 + i],
                                           window.strides[i], window.dilations[i], window.lo[i],
                                           window.hi[i]};
  }
  return axes;
}

/// One conv with everything that does not change inside its loops.
template <class T>
struct Convolution {
  WindowAxes axes;
  SpatialStrides xs, ws, ys;
  int64_t batch = 0, channels = 0, outputs = 0, groups = 1;  // channels of one group
  const T *x = nullptr, *w = nullptr, *bias = nullptr;
  T* y = nullptr;

  void run() const {
    std::vector<T> row(static_cast<size_t>(axes[2].out));
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t k = 0; k < outputs; ++k) {
        for (int64_t d = 0; d < axes[0].out; ++d) {
          for (int64_t h = 0; h < axes[1].out; ++h) {
            std::fill(row.begin(), row.end(), bias ? bias[k] : T(0));
            add_row(n, k, d, h, row.data());
            T* to = y + n * ys.n + k * ys.c + d * ys.axis[0] + h * ys.axis[1];
            for (int64_t i = 0; i < axes[2].out; ++i)
              to[i * ys.axis[2]] = row[static_cast<size_t>(i)];
          }
        }
      }
    }
  }

  // All taps of one row of results, tap by tap so that the inner loop runs along the row.
  void add_row(int64_t n, int64_t k, int64_t d, int64_t h, T* row) const {
    const int64_t group = k / (outputs / groups);
    const auto [d_first, d_last] = axes[0].inside(d);
    const auto [h_first, h_last] = axes[1].inside(h);
    for (int64_t c = 0; c < channels; ++c) {
      const T* plane = x + n * xs.n + (group * channels + c) * xs.c;
      const T* taps = w + k * ws.n + c * ws.c;
      for (int64_t td = d_first; td < d_last; ++td) {
        for (int64_t th = h_first; th < h_last; ++th) {
          const T* line =
              plane + axes[0].source(d, td) * xs.axis[0] + axes[1].source(h, th) * xs.axis[1];
          for (int64_t tw = 0; tw < axes[2].taps; ++tw) {
            const T tap = taps[td * ws.axis[0] + th * ws.axis[1] + tw * ws.axis[2]];
            const auto [first, last] = axes[2].windows(tw);
            if (first >= last) continue;
            const int64_t step = axes[2].stride * xs.axis[2];
            const T* from = line + axes[2].source(first, tw) * xs.axis[2];
            for (int64_t i = first; i < last; ++i, from += step) row[i] += tap * *from;
          }
        }
      }
    }
  }
};

Status check_channels(const op::Conv& op, Infos in) {
  const TensorType &x = in[0].type, &w = in[1].type;
  const Dim& channels = x.dims[channel_axis(x, op.channels_last)];
  if (op.groups < 1) return invalid(op, "groups is ", op.groups);
  if (!may_equal(channels, w.dims[1] * Dim(op.groups))) {
    return invalid(op, "the operand ", to_string(x), " has ", to_string(channels),
                   " channels, the weights ", to_string(w), " in ", op.groups, " groups take ",
                   to_string(w.dims[1] * Dim(op.groups)));
  }
  if (w.dims[0].is_constant() && w.dims[0].value() % op.groups != 0) {
    return invalid(op, w.dims[0].value(), " results do not divide into ", op.groups, " groups");
  }
  return {};
}

}  // namespace

Result<std::vector<Info>> infer(const op::Conv& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &w = in[1].type;
  CARNOT_ASSIGN(const DType dtype, contraction_type(op.kName, x, w));
  CARNOT_ASSIGN(const int64_t spatial, spatial_rank(op.kName, x));
  if (w.rank() != x.rank()) {
    return invalid(op, "the weights ", to_string(w), " must have the rank of the operand ",
                   to_string(x));
  }
  CARNOT_RETURN_IF_ERROR(check_channels(op, in));
  if (in.size() > 2) CARNOT_RETURN_IF_ERROR(check_bias(op.kName, in[2].type, dtype, w.dims[0]));
  CARNOT_ASSIGN(const Window window, resolve_window(op.kName, spatial, op.strides, op.dilations,
                                                    op.pads_lo, op.pads_hi));
  Dims dims = x.dims;
  dims[channel_axis(x, op.channels_last)] = w.dims[0];
  for (size_t i = 0; i < static_cast<size_t>(spatial); ++i) {
    Dim& size = dims[first_spatial_axis(op.channels_last) + i];
    CARNOT_ASSIGN(size, count_windows(op.kName, size, w.dims[2 + i], window, i));
  }
  return one_result(op.kName, dtype, std::move(dims));
}

Result<std::vector<Tensor>> reference(const op::Conv& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims), &x = in[0].shape(), &w = in[1].shape();
  CARNOT_ASSIGN(const Window window, resolve_window(op.kName, in[0].rank() - 2, op.strides,
                                                    op.dilations, op.pads_lo, op.pads_hi));
  const auto compute = [&]<class T>(const std::vector<T>& a, const std::vector<T>& b,
                                    const std::vector<T>& bias) {
    std::vector<T> out(static_cast<size_t>(volume(shape)));
    if (out.empty()) return out;
    Convolution<T> conv;
    conv.axes = window_axes(op, window, x, w, shape);
    conv.xs = spatial_strides(x, op.channels_last);
    conv.ws = spatial_strides(w, false);
    conv.ys = spatial_strides(shape, op.channels_last);
    conv.batch = x[0];
    conv.channels = w[1];
    conv.outputs = w[0];
    conv.groups = op.groups;
    conv.x = a.data();
    conv.w = b.data();
    conv.bias = bias.empty() ? nullptr : bias.data();
    conv.y = out.data();
    conv.run();
    return out;
  };
  CARNOT_ASSIGN(Tensor out, contract(types[0].dtype, shape, in, compute));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
