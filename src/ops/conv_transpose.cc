// conv_transpose: each input element is spread over the window that it reaches.
#include "ops/contraction.h"
#include "ops/window.h"

namespace carnot {
namespace {

// Windows of the result: element i of the operand spreads over result[i * stride - lo + tap *
// dilation], so `in` and `out` of an axis are those of the conv that this one reverses.
WindowAxes window_axes(const op::ConvTranspose& op, const Window& window, const Shape& x,
                       const Shape& w, const Shape& out) {
  WindowAxes axes;
  const size_t spatial = x.size() - 2, first = first_spatial_axis(op.channels_last);
  for (size_t i = 0; i < spatial; ++i) {
    axes[kMaxSpatialAxes - spatial + i] = {out[first + i],    x[first + i],        w[2 + i],
                                           window.strides[i], window.dilations[i], window.lo[i],
                                           window.hi[i]};
  }
  return axes;
}

template <class T>
struct Deconvolution {
  WindowAxes axes;
  SpatialStrides xs, ws, ys;
  int64_t batch = 0, channels = 0, outputs = 0, groups = 1;  // channels in all, outputs of a group
  const T *x = nullptr, *w = nullptr;
  T* y = nullptr;

  void run() const {
    const int64_t per_group = channels / groups;
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t k = 0; k < outputs; ++k) {
          spread(x + n * xs.n + c * xs.c, w + c * ws.n + k * ws.c,
                 y + n * ys.n + (c / per_group * outputs + k) * ys.c);
        }
      }
    }
  }

  void spread(const T* from, const T* taps, T* to) const {
    for (int64_t d = 0; d < axes[0].out; ++d) {
      const auto [d_first, d_last] = axes[0].inside(d);
      for (int64_t h = 0; h < axes[1].out; ++h) {
        const auto [h_first, h_last] = axes[1].inside(h);
        const T* row = from + d * xs.axis[0] + h * xs.axis[1];
        for (int64_t td = d_first; td < d_last; ++td) {
          for (int64_t th = h_first; th < h_last; ++th) {
            spread_row(
                row, taps + td * ws.axis[0] + th * ws.axis[1],
                to + axes[0].source(d, td) * ys.axis[0] + axes[1].source(h, th) * ys.axis[1]);
          }
        }
      }
    }
  }

  void spread_row(const T* row, const T* taps, T* to) const {
    for (int64_t tw = 0; tw < axes[2].taps; ++tw) {
      const T tap = taps[tw * ws.axis[2]];
      const auto [first, last] = axes[2].windows(tw);
      for (int64_t i = first; i < last; ++i) {
        to[axes[2].source(i, tw) * ys.axis[2]] += tap * row[i * xs.axis[2]];
      }
    }
  }
};

Status check_operands(const op::ConvTranspose& op, const TensorType& x, const TensorType& w) {
  const Dim& channels = x.dims[channel_axis(x, op.channels_last)];
  if (op.groups < 1) return invalid(op, "groups is ", op.groups);
  if (!may_equal(channels, w.dims[0])) {
    return invalid(op, "the operand ", to_string(x), " has ", to_string(channels),
                   " channels, the weights ", to_string(w), " take ", to_string(w.dims[0]));
  }
  if (w.dims[0].is_constant() && w.dims[0].value() % op.groups != 0) {
    return invalid(op, w.dims[0].value(), " channels do not divide into ", op.groups, " groups");
  }
  return {};
}

Result<Ints> resolve_output_pads(const op::ConvTranspose& op, int64_t spatial) {
  if (op.output_pads.empty()) return Ints(static_cast<size_t>(spatial), 0);
  if (static_cast<int64_t>(op.output_pads.size()) != spatial) {
    return invalid(op, "output_pads has ", op.output_pads.size(), " entries for ", spatial,
                   " spatial axes");
  }
  for (const int64_t pad : op.output_pads) {
    if (pad < 0) return invalid(op, "output_pads of ", pad, ", must be at least 0");
  }
  return op.output_pads;
}

}  // namespace

Result<std::vector<Info>> infer(const op::ConvTranspose& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &w = in[1].type;
  CARNOT_ASSIGN(const DType dtype, contraction_type(op.kName, x, w));
  CARNOT_ASSIGN(const int64_t spatial, spatial_rank(op.kName, x));
  if (w.rank() != x.rank()) {
    return invalid(op, "the weights ", to_string(w), " must have the rank of the operand ",
                   to_string(x));
  }
  CARNOT_RETURN_IF_ERROR(check_operands(op, x, w));
  const Dim outputs = w.dims[1] * Dim(op.groups);
  if (in.size() > 2) CARNOT_RETURN_IF_ERROR(check_bias(op.kName, in[2].type, dtype, outputs));
  CARNOT_ASSIGN(const Window window, resolve_window(op.kName, spatial, op.strides, op.dilations,
                                                    op.pads_lo, op.pads_hi, /*may_crop=*/true));
  CARNOT_ASSIGN(const Ints output_pads, resolve_output_pads(op, spatial));
  Dims dims = x.dims;
  dims[channel_axis(x, op.channels_last)] = outputs;
  for (size_t i = 0; i < static_cast<size_t>(spatial); ++i) {
    Dim& size = dims[first_spatial_axis(op.channels_last) + i];
    const Dim& taps = w.dims[2 + i];
    if (taps.is_constant() && taps.value() < 1) {
      return invalid(op, "the window has ", taps.value(), " elements along spatial axis ", i);
    }
    size = (size - Dim(1)) * Dim(window.strides[i]) + reach(taps, window.dilations[i]) +
           Dim(output_pads[i]) - Dim(window.lo[i]) - Dim(window.hi[i]);
  }
  return one_result(op.kName, dtype, std::move(dims));
}

Result<std::vector<Tensor>> reference(const op::ConvTranspose& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims), &x = in[0].shape(), &w = in[1].shape();
  CARNOT_ASSIGN(const Window window,
                resolve_window(op.kName, in[0].rank() - 2, op.strides, op.dilations, op.pads_lo,
                               op.pads_hi, /*may_crop=*/true));
  const auto compute = [&]<class T>(const std::vector<T>& a, const std::vector<T>& b,
                                    const std::vector<T>& bias) {
    std::vector<T> out(static_cast<size_t>(volume(shape)), T(0));
    if (out.empty()) return out;
    Deconvolution<T> conv;
    conv.ys = spatial_strides(shape, op.channels_last);
    if (!bias.empty()) {
      const auto channels = static_cast<int64_t>(bias.size());
      for (size_t i = 0; i < out.size(); ++i) {
        out[i] = bias[static_cast<size_t>(static_cast<int64_t>(i) / conv.ys.c % channels)];
      }
    }
    if (a.empty()) return out;
    conv.axes = window_axes(op, window, x, w, shape);
    conv.xs = spatial_strides(x, op.channels_last);
    conv.ws = spatial_strides(w, false);
    conv.batch = x[0];
    conv.channels = w[0];
    conv.outputs = w[1];
    conv.groups = op.groups;
    conv.x = a.data();
    conv.w = b.data();
    conv.y = out.data();
    conv.run();
    return out;
  };
  CARNOT_ASSIGN(Tensor out, contract(types[0].dtype, shape, in, compute));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
