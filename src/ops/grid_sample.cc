// grid_sample: x read at the positions that a grid names, by interpolation along each axis.
#include <cmath>

#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {
namespace {

/// Far enough outside any tensor, and small enough to be an index.
constexpr double kFarOutside = -1e6;
constexpr double kCubicA = -0.75;

/// Mirrors a position at both borders until it lies between them.
double reflect(double x, double low, double high) {
  const double range = high - low;
  if (!(range > 0) || !std::isfinite(x)) return low;
  if (x >= low && x <= high) return x;
  const double beyond = x < low ? low - x : x - high;
  const double rest = std::fmod(beyond, range);
  const bool odd = std::fmod(std::floor(beyond / range), 2) != 0;
  return (x < low) != odd ? low + rest : high - rest;
}

/// Up to four neighbours along one axis and their weights; an index of -1 reads as zero.
struct Taps {
  int count = 0;
  int64_t index[4] = {};
  double weight[4] = {};
};

struct Axis {
  int64_t size = 0;
  bool align_corners = false;
  op::GridSample::Mode mode = op::GridSample::kLinear;
  op::GridSample::Padding padding = op::GridSample::kZeros;

  double low() const { return align_corners ? 0 : -0.5; }
  double high() const { return static_cast<double>(size) - (align_corners ? 1 : 0.5); }

  /// The index of a whole position, or -1.
  int64_t pixel(double position) const {
    const auto last = static_cast<double>(size - 1);
    if (padding == op::GridSample::kZeros) {
      return position >= 0 && position <= last ? static_cast<int64_t>(position) : -1;
    }
    if (padding == op::GridSample::kReflection) position = reflect(position, low(), high());
    return clamped_index(position, 0, size - 1);
  }

  /// The position of a grid value between -1 and 1, brought inside as the padding says.
  double position(double grid) const {
    const auto length = static_cast<double>(size);
    double x = align_corners ? (grid + 1) / 2 * (length - 1) : ((grid + 1) * length - 1) / 2;
    if (mode == op::GridSample::kNearest) x = std::nearbyint(x);
    if (x >= low() && x <= high()) return x;
    switch (padding) {
      case op::GridSample::kZeros:
        return std::abs(x) < 1e15 ? x : kFarOutside;
      case op::GridSample::kBorder:
        return x > 0 ? length - 1 : 0;
      case op::GridSample::kReflection:
        break;
    }
    return reflect(x, low(), high());
  }

  Taps taps(double grid) const {
    const double x = position(grid);
    if (mode == op::GridSample::kNearest) return {1, {pixel(x)}, {1}};
    const double base = std::floor(x), t = x - base;
    if (mode == op::GridSample::kLinear) {
      return {2, {pixel(base), pixel(base + 1)}, {1 - t, t}};
    }
    const auto inner = [](double d) { return ((kCubicA + 2) * d - (kCubicA + 3)) * d * d + 1; };
    const auto outer = [](double d) {
      return ((kCubicA * d - 5 * kCubicA) * d + 8 * kCubicA) * d - 4 * kCubicA;
    };
    return {4,
            {pixel(base - 1), pixel(base), pixel(base + 1), pixel(base + 2)},
            {outer(t + 1), inner(t), inner(1 - t), outer(2 - t)}};
  }
};

/// The sum over all combinations of neighbours of the spatial axes from `axis` on.
double interpolate(const double* plane, const Taps* taps, const Shape& strides, size_t axis) {
  double sum = 0;
  for (int i = 0; i < taps[axis].count; ++i) {
    if (taps[axis].index[i] < 0) continue;
    const double* at = plane + taps[axis].index[i] * strides[axis];
    const bool last = axis + 1 == strides.size();
    sum += taps[axis].weight[i] * (last ? *at : interpolate(at, taps, strides, axis + 1));
  }
  return sum;
}

}  // namespace

Result<std::vector<Info>> infer(const op::GridSample& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &grid = in[1].type;
  CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "x", x));
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "the grid", grid));
  if (x.rank() != 4 && x.rank() != 5) {
    return invalid(op, "x needs 2 or 3 spatial axes, got ", to_string(x));
  }
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "the grid", grid, x.rank()));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "axis 0 of the grid", grid.dims[0], x.dims[0]));
  CARNOT_RETURN_IF_ERROR(
      expect_same(op.kName, "the grid's last axis", grid.dims.back(), Dim(x.rank() - 2)));
  Dims dims = {x.dims[0], x.dims[1]};
  dims.insert(dims.end(), grid.dims.begin() + 1, grid.dims.end() - 1);
  return one_result(op.kName, x.dtype, std::move(dims));
}

Result<std::vector<Tensor>> reference(const op::GridSample& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_ASSIGN(const std::vector<TensorType> types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims), &x = in[0].shape();
  const std::vector<double> image = doubles_of(in[0]), grid = doubles_of(in[1]);
  std::vector<double> out(static_cast<size_t>(volume(shape)));
  const Shape spatial(x.begin() + 2, x.end());
  const size_t axes = spatial.size();
  const int64_t plane = volume(spatial), channels = x[1];
  if (plane == 0 && !out.empty() && op.padding != op::GridSample::kZeros) {
    return bad_value(op, "x has no elements to read: ", to_string(in[0].type()));
  }
  const Shape strides = row_major_strides(spatial);
  const int64_t points = out.empty() || plane == 0 ? 0 : volume(shape) / channels / x[0];
  Taps taps[3];
  for (int64_t i = 0; i < x[0] * points; ++i) {
    // The grid names the last axis first.
    for (size_t axis = 0; axis < axes; ++axis) {
      const Axis along = {spatial[axis], op.align_corners, op.mode, op.padding};
      taps[axis] = along.taps(grid[static_cast<size_t>(i) * axes + (axes - 1 - axis)]);
    }
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t image_plane = i / points * channels + c;
      out[static_cast<size_t>(image_plane * points + i % points)] =
          interpolate(image.data() + image_plane * plane, taps, strides, 0);
    }
  }
  CARNOT_ASSIGN(Tensor result, tensor_of(in[0].dtype(), shape, out));
  return std::vector<Tensor>{result};
}

}  // namespace carnot
