#pragma once
// Sliding windows over up to three spatial axes: what conv, conv_transpose and the pools share.
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "ops/rules.h"

namespace carnot {

inline constexpr int64_t kMaxSpatialAxes = 3;

/// The attributes with their defaults filled in: one entry per spatial axis, strides and dilations
/// at least 1.
struct Window {
  Ints strides, dilations, lo, hi;
};
/// `may_crop` allows negative pads.
Result<Window> resolve_window(const char* op, int64_t spatial, const Ints& strides,
                              const Ints& dilations, const Ints& lo, const Ints& hi,
                              bool may_crop = false);

/// Spatial axes of a data operand of rank 3 to 5.
Result<int64_t> spatial_rank(const char* op, const TensorType& x);
/// Where a data operand has its channels and its first spatial axis.
inline size_t channel_axis(const TensorType& x, bool channels_last) {
  return channels_last ? x.dims.size() - 1 : 1;
}
inline size_t first_spatial_axis(bool channels_last) {
  return channels_last ? 1 : 2;
}

/// From the first to one beyond the last element that `taps` of a window touch.
inline Dim reach(const Dim& taps, int64_t dilation) {
  return (taps - Dim(1)) * dilation + Dim(1);
}

/// How many windows fit: floor((in + lo + hi - reach) / stride) + 1. A window larger than the
/// padded axis is an error where both are numbers.
Result<Dim> count_windows(const char* op, const Dim& in, const Dim& taps, const Window& window,
                          size_t axis);

/// What the windows of a conv, pool or max_pool_indices ask of a spatial axis whose size only a run
/// tells: `span` of the `padded` elements; 0 of them where the axis is empty.
struct WindowFit {
  size_t axis = 0;
  Dim padded, span;
};
/// The axes where that may fail; none for other operations.
std::vector<WindowFit> window_fits(const Op& op, Infos in);

/// One spatial axis of a reference(): window `o` reads in[o * stride - lo + tap * dilation].
struct WindowAxis {
  int64_t in = 1, out = 1, taps = 1, stride = 1, dilation = 1, lo = 0, hi = 0;

  int64_t source(int64_t o, int64_t tap) const { return o * stride - lo + tap * dilation; }
  /// The windows [first, last) whose `tap` is inside the axis.
  std::pair<int64_t, int64_t> windows(int64_t tap) const {
    const int64_t shift = lo - tap * dilation;  // o * stride >= shift
    const int64_t first = shift <= 0 ? 0 : (shift - 1) / stride + 1;
    const int64_t end = in - 1 + shift;  // o * stride <= end
    return {std::min(first, out), end < 0 ? 0 : std::min(out, end / stride + 1)};
  }
  /// The taps [first, last) of window `o` that are inside the axis.
  std::pair<int64_t, int64_t> inside(int64_t o) const;
};
/// Always three: absent leading axes have one element and one tap.
using WindowAxes = std::array<WindowAxis, kMaxSpatialAxes>;

/// Strides of an operand as [n, c, spatial x 3] whatever its layout.
struct SpatialStrides {
  int64_t n = 0, c = 0;
  std::array<int64_t, kMaxSpatialAxes> axis{};
};
SpatialStrides spatial_strides(const Shape& shape, bool channels_last);

}  // namespace carnot
