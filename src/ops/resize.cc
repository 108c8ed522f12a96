// resize: ONNX Resize, axis by axis: every mode but nearest is a weighted sum along each axis.
#include <algorithm>
#include <cmath>

#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {
namespace {

using op::Resize;

/// Weights of one axis: what keeps a scale near zero from asking for all memory.
constexpr double kWeightsMax = 1 << 27;

/// How one axis maps its `out` positions to `in` ones.
struct Axis {
  int64_t in = 0, out = 0;
  double scale = 1;
  double roi_start = 0, roi_end = 1;

  bool changes(const Resize& op) const {
    return in != out || scale != 1 ||
           (op.coordinates == Resize::kCropAndResize && (roi_start != 0 || roi_end != 1));
  }

  double position(Resize::Coordinates coordinates, int64_t i) const {
    const auto x = static_cast<double>(i), size = static_cast<double>(in);
    // The exact scaled length, of which `out` is the whole part.
    const double length = scale * size;
    switch (coordinates) {
      case Resize::kAlignCorners:
        return length == 1 ? 0 : x * (size - 1) / (length - 1);
      case Resize::kAsymmetric:
        return x / scale;
      case Resize::kCropAndResize: {
        const double extent = (roi_end - roi_start) * (size - 1);
        const double within = length == 1 ? extent / 2 : x * extent / (length - 1);
        return within + roi_start * (size - 1);
      }
      case Resize::kPytorchHalfPixel:
        if (length == 1) return -0.5;
        break;
      case Resize::kHalfPixelSymmetric:
        return size / 2 * (1 - static_cast<double>(out) / length) + (x + 0.5) / scale - 0.5;
      case Resize::kHalfPixel:
        break;
    }
    return (x + 0.5) / scale - 0.5;
  }

  /// Crop-and-resize positions beyond the input read the extrapolation value.
  bool outside(const Resize& op, double x) const {
    return op.coordinates == Resize::kCropAndResize &&
           !(x >= 0 && x <= static_cast<double>(in - 1));
  }
};

/// For each result position of one axis: `width` neighbours with weights, or none (outside).
struct Weights {
  int64_t width = 1;
  std::vector<int64_t> index;  ///< [out * width]
  std::vector<double> weight;
  std::vector<bool> outside;  ///< [out]
};

int64_t nearest_index(const Resize& op, double x, int64_t size) {
  switch (op.nearest) {
    case Resize::kRoundPreferFloor:
      x = std::ceil(x - 0.5);
      break;
    case Resize::kRoundPreferCeil:
      x = std::floor(x + 0.5);
      break;
    case Resize::kFloor:
      x = std::floor(x);
      break;
    case Resize::kCeil:
      x = std::ceil(x);
      break;
  }
  return clamped_index(x, 0, size - 1);
}

/// The interpolation kernel at a distance of `d` input elements (of the wider grid when shrinking).
double kernel_at(const Resize& op, double d) {
  d = std::abs(d);
  if (op.mode == Resize::kLinear) return std::max(0.0, 1 - d);
  const double a = op.cubic_a;
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

/// Fills the weights of result position i, whose neighbours surround `x`.
void set_weights(const Resize& op, const Axis& axis, double x, double stretch, int64_t i,
                 Weights& out) {
  // A position on an element counts as the right end of the interval before it, as ONNX has it.
  const double base = std::ceil(x) - 1;
  const int64_t before = out.width / 2 - 1;
  double sum = 0, kept = 0;
  for (int64_t k = 0; k < out.width; ++k) {
    const double at = base + static_cast<double>(k - before);
    const auto slot = static_cast<size_t>(i * out.width + k);
    const double weight = kernel_at(op, (at - x) * stretch);
    const bool exclude = op.exclude_outside && !(at >= 0 && at < static_cast<double>(axis.in));
    sum += weight;
    if (!exclude) kept += weight;
    out.index[slot] = clamped_index(at, 0, axis.in - 1);
    out.weight[slot] = exclude ? 0 : weight;
  }
  // Without antialiasing or exclusion the weights already sum to 1.
  const double total = op.exclude_outside ? kept : op.antialias ? sum : 1;
  if (total == 0 || total == 1) return;
  for (int64_t k = 0; k < out.width; ++k)
    out.weight[static_cast<size_t>(i * out.width + k)] /= total;
}

Result<Weights> weights_of(const Resize& op, const Axis& axis) {
  Weights out;
  const double reach = op.mode == Resize::kCubic ? 2 : 1;
  // Antialiasing widens the kernel to cover what one result element stands for.
  const double stretch = op.antialias ? std::min(axis.scale, 1.0) : 1.0;
  const double width = op.mode == Resize::kNearest ? 1 : 2 * std::ceil(reach / stretch);
  if (width * static_cast<double>(std::max<int64_t>(axis.out, 1)) > kWeightsMax) {
    return bad_value(op, "scale ", axis.scale, " needs ", width, " weights for each of ", axis.out,
                     " elements, which is too many");
  }
  out.width = static_cast<int64_t>(width);
  out.index.resize(static_cast<size_t>(axis.out * out.width));
  out.weight.assign(out.index.size(), 1);
  out.outside.resize(static_cast<size_t>(axis.out));
  for (int64_t i = 0; i < axis.out; ++i) {
    const double x = axis.position(op.coordinates, i);
    out.outside[static_cast<size_t>(i)] = axis.outside(op, x);
    if (op.mode == Resize::kNearest) {
      out.index[static_cast<size_t>(i)] = nearest_index(op, x, axis.in);
    } else {
      set_weights(op, axis, x, stretch, i, out);
    }
  }
  return out;
}

/// [outer, in, inner] -> [outer, out, inner].
std::vector<double> apply(const Resize& op, const Weights& weights, const AxisView& view,
                          int64_t out_size, const std::vector<double>& x) {
  std::vector<double> out(static_cast<size_t>(view.outer * out_size * view.inner), 0);
  for (int64_t o = 0; o < view.outer; ++o) {
    const double* from = x.data() + o * view.size * view.inner;
    for (int64_t i = 0; i < out_size; ++i) {
      double* to = out.data() + (o * out_size + i) * view.inner;
      if (weights.outside[static_cast<size_t>(i)]) {
        std::fill_n(to, view.inner, op.extrapolation);
        continue;
      }
      const auto slot = static_cast<size_t>(i * weights.width);
      for (size_t k = slot; k < slot + static_cast<size_t>(weights.width); ++k) {
        const double weight = weights.weight[k];
        if (weight == 0) continue;
        const double* row = from + weights.index[k] * view.inner;
        for (int64_t j = 0; j < view.inner; ++j) to[j] += weight * row[j];
      }
    }
  }
  return out;
}

Status check_scale(const Resize& op, double scale) {
  if (std::isfinite(scale) && scale > 0) return {};
  return invalid(op, "scale ", scale, " is not a positive number");
}

bool has_target(Tensors in) {
  return in.size() > 1 && in[1].elements() > 0;
}

/// Sizes and scales of a run: from the attributes, or where those hold symbols, from the target.
Result<std::vector<Axis>> axes_of(const Resize& op, Tensors in) {
  const Tensor& x = in[0];
  std::vector<Axis> axes(static_cast<size_t>(x.rank()));
  const bool given = has_target(in);
  if (given && in[1].elements() != x.rank()) {
    return bad_value(op, "the target has ", in[1].elements(), " elements, x has ", x.rank(),
                     " axes");
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    Axis& axis = axes[i];
    const auto at = static_cast<int64_t>(i);
    axis.in = x.shape()[i];
    const bool scaled = given && op.scales.empty() && is_float(in[1].dtype());
    if (scaled) axis.scale = in[1].get(at);
    if (!op.scales.empty()) axis.scale = op.scales[i];
    CARNOT_RETURN_IF_ERROR(check_scale(op, axis.scale));
    if (op.sizes[i].is_constant()) {
      axis.out = op.sizes[i].value();
    } else if (scaled || !op.scales.empty()) {
      axis.out = clamped_index(static_cast<double>(axis.in) * axis.scale, 0, INT64_MAX);
    } else if (given) {
      axis.out = in[1].get_int(at);
    } else {
      return bad_value(op, "size ", to_string(op.sizes[i]), " of axis ", i, " needs a target");
    }
    if (axis.out < 0) return bad_value(op, "size ", axis.out, " of axis ", i, " is negative");
    if (axis.in == 0 && axis.out > 0) {
      return bad_value(op, "axis ", i, " has no elements to make ", axis.out, " of");
    }
    if (!scaled && op.scales.empty() && axis.in > 0) {
      axis.scale = static_cast<double>(axis.out) / static_cast<double>(axis.in);
    }
  }
  if (in.size() > 2 && in[2].elements() > 0) {
    for (size_t i = 0; i < axes.size(); ++i) {
      axes[i].roi_start = in[2].get(static_cast<int64_t>(i));
      axes[i].roi_end = in[2].get(static_cast<int64_t>(i + axes.size()));
    }
  }
  return axes;
}

/// Nearest moves elements as they are, whatever their type; only those outside become a number.
Result<Tensor> resize_nearest(const Resize& op, const std::vector<Axis>& axes, const Tensor& x,
                              const Shape& shape) {
  if (axes.empty()) return x;
  const Shape strides = row_major_strides(x.shape()), steps = row_major_strides(shape);
  std::vector<Weights> weights;
  for (size_t i = 0; i < axes.size(); ++i) {
    CARNOT_ASSIGN(Weights along, weights_of(op, axes[i]));
    for (int64_t& index : along.index) index *= strides[i];
    weights.push_back(std::move(along));
  }
  // pick() asks in order, so what the leading axes add is found once a row.
  size_t column = 0;
  int64_t base = 0;
  CARNOT_ASSIGN(Tensor out, pick(x, shape, [&](int64_t i) {
                  if (column == weights.back().index.size()) column = 0;
                  if (column == 0) {
                    base = 0;
                    for (size_t axis = 0; axis + 1 < axes.size(); ++axis) {
                      base += weights[axis].index[static_cast<size_t>(i / steps[axis])];
                      i %= steps[axis];
                    }
                  }
                  return base + weights.back().index[column++];
                }));
  if (op.coordinates != Resize::kCropAndResize) return out;
  for (int64_t i = 0; i < out.elements(); ++i) {
    int64_t rest = i;
    bool outside = false;
    for (size_t axis = 0; axis < axes.size(); ++axis) {
      outside = outside || weights[axis].outside[static_cast<size_t>(rest / steps[axis])];
      rest %= steps[axis];
    }
    if (outside) out.set(i, op.extrapolation);
  }
  return out;
}

}  // namespace

Result<std::vector<Info>> infer(const op::Resize& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  if (op.mode != Resize::kNearest || op.coordinates == Resize::kCropAndResize) {
    CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "x", x));
  }
  if (static_cast<int64_t>(op.sizes.size()) != x.rank()) {
    return invalid(op, op.sizes.size(), " sizes for ", to_string(x));
  }
  if (!op.scales.empty() && op.scales.size() != op.sizes.size()) {
    return invalid(op, op.scales.size(), " scales for ", to_string(x));
  }
  for (const double scale : op.scales) CARNOT_RETURN_IF_ERROR(check_scale(op, scale));
  for (size_t i = 0; i < op.sizes.size(); ++i) {
    if (x.dims[i].is(0) && op.sizes[i].is_constant() && op.sizes[i].value() > 0) {
      return invalid(op, "axis ", i, " has no elements to make ", op.sizes[i].value(), " of");
    }
  }
  if (!std::isfinite(op.cubic_a)) return invalid(op, "cubic_a is not finite");
  if (in.size() > 1) {
    CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "the target", in[1].type));
    CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "the target", in[1].type, 1));
  }
  if (in.size() > 2) {
    CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "the roi", in[2].type));
    CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "the roi", in[2].type, 1));
    const Dim& count = in[2].type.dims[0];
    if (!count.is(0)) {
      CARNOT_RETURN_IF_ERROR(
          expect_same(op.kName, "the number of roi values", count, Dim(x.rank()) * Dim(2)));
    }
  }
  if (op.coordinates == Resize::kCropAndResize && (in.size() < 3 || in[2].type.dims[0].is(0))) {
    return invalid(op, "crop_and_resize needs a roi");
  }
  return one_result(op.kName, x.dtype, op.sizes);
}

Result<std::vector<Tensor>> reference(const op::Resize& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  const Tensor& x = in[0];
  CARNOT_ASSIGN(const std::vector<Axis> axes, axes_of(op, in));
  Shape shape;
  for (const Axis& axis : axes) shape.push_back(axis.out);
  if (op.mode == Resize::kNearest) {
    CARNOT_RETURN_IF_ERROR(Tensor::allocate(DType::kBool, shape).status());
    CARNOT_ASSIGN(Tensor out, resize_nearest(op, axes, x, shape));
    return std::vector<Tensor>{out};
  }
  std::vector<double> values = doubles_of(x);
  Shape current = x.shape();
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!axes[i].changes(op)) continue;
    CARNOT_ASSIGN(const Weights weights, weights_of(op, axes[i]));
    const AxisView view = view_axis(current, static_cast<int64_t>(i));
    current[i] = axes[i].out;
    // Fails where an intermediate result is too large, before the plain vector would.
    CARNOT_RETURN_IF_ERROR(Tensor::allocate(DType::kF64, current).status());
    values = apply(op, weights, view, axes[i].out, values);
  }
  CARNOT_ASSIGN(Tensor out, tensor_of(x.dtype(), shape, values));
  return std::vector<Tensor>{out};
}

}  // namespace carnot
