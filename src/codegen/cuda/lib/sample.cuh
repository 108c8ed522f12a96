// grid_sample and roi_align: x read between its elements. A thread for each point of the result and
// kChannels of its channels: places and weights are computed once for them, in f64, where whole
// pixels can be told from their neighbours.
#pragma once
#include "codegen/cuda/lib/element.cuh"

namespace carnot::sample {

enum Mode { kLinear, kNearest, kCubic };
enum Padding { kZeros, kBorder, kReflection };

/// Mirrors a position at both borders until it lies between them.
CARNOT_DEVICE double reflect(double x, double low, double high) {
  const double range = high - low;
  if (!(range > 0) || !(fabs(x) < infinity_f64())) return low;
  if (x >= low && x <= high) return x;
  const double beyond = x < low ? low - x : x - high;
  const double rest = fmod(beyond, range);
  const bool odd = fmod(floor(beyond / range), 2.0) != 0;
  return (x < low) != odd ? low + rest : high - rest;
}

/// Neighbours along one axis; an index of -1 reads as zero.
template <int kCount>
struct Taps {
  i64 index[kCount];
  double weight[kCount];
};

template <Mode kMode, Padding kPadding, bool kCorners>
struct Axis {
  static constexpr int kTaps = kMode == kCubic ? 4 : kMode == kLinear ? 2 : 1;
  i64 size;

  __device__ double low() const { return kCorners ? 0 : -0.5; }
  __device__ double high() const { return static_cast<double>(size) - (kCorners ? 1 : 0.5); }

  __device__ i64 pixel(double at) const {
    const double last = static_cast<double>(size - 1);
    if (kPadding == kZeros) return at >= 0 && at <= last ? static_cast<i64>(at) : -1;
    if (kPadding == kReflection) at = reflect(at, low(), high());
    return at > 0 ? static_cast<i64>(at < last ? at : last) : 0;
  }

  __device__ double position(double grid) const {
    const double length = static_cast<double>(size);
    double x = kCorners ? (grid + 1) / 2 * (length - 1) : ((grid + 1) * length - 1) / 2;
    if (kMode == kNearest) x = rint(x);
    if (x >= low() && x <= high()) return x;
    if (kPadding == kZeros) return fabs(x) < 1e15 ? x : -1e6;
    if (kPadding == kBorder) return x > 0 ? length - 1 : 0;
    return reflect(x, low(), high());
  }

  __device__ Taps<kTaps> taps(double grid) const {
    constexpr double kA = -0.75;
    Taps<kTaps> out;
    const double x = position(grid), base = floor(x), t = x - base;
    if constexpr (kMode == kNearest) {
      out.index[0] = pixel(x);
      out.weight[0] = 1;
    } else if constexpr (kMode == kLinear) {
      out.index[0] = pixel(base), out.index[1] = pixel(base + 1);
      out.weight[0] = 1 - t, out.weight[1] = t;
    } else {
      for (int i = 0; i < 4; ++i) {
        const double d = i < 2 ? t + 1 - i : i - 1 - t;
        out.index[i] = pixel(base - 1 + i);
        out.weight[i] = i == 1 || i == 2 ? ((kA + 2) * d - (kA + 3)) * d * d + 1
                                         : ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA;
      }
    }
    return out;
  }
};

/// Values are summed in f32, those of f64 in f64.
template <class E>
struct Sum {
  using Type = float;
};
template <>
struct Sum<Plain<double>> {
  using Type = double;
};

/// x is [batch, channels, sizes...], the grid [batch, points, kAxes] with the last axis first.
template <class E, class G, int kAxes, Mode kMode, Padding kPadding, bool kCorners, int kChannels>
__device__ void grid(const typename E::Stored* x, const typename G::Stored* grid,
                     typename E::Stored* out, i64 batch, i64 channels, i64 points,
                     const i64 (&sizes)[kAxes]) {
  using A = Axis<kMode, kPadding, kCorners>;
  using Real = typename Sum<E>::Type;
  constexpr int kTaps = A::kTaps, kAll = kAxes == 2 ? kTaps * kTaps : kTaps * kTaps * kTaps;
  const i64 thread = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const i64 groups = (channels + kChannels - 1) / kChannels;
  const i64 point = thread % points, group = thread / points % groups, b = thread / points / groups;
  if (b >= batch) return;
  Taps<kTaps> taps[kAxes];
  i64 plane = 1;
#pragma unroll
  for (int a = 0; a < kAxes; ++a) {
    taps[a] = A{sizes[a]}.taps(G::get(grid[(b * points + point) * kAxes + kAxes - 1 - a]));
    plane *= sizes[a];
  }
  const i64 first = group * kChannels;
  const int count = static_cast<int>(channels - first < kChannels ? channels - first : kChannels);
  const typename E::Stored* from = x + (b * channels + first) * plane;
  Real sums[kChannels];
#pragma unroll
  for (int c = 0; c < kChannels; ++c) sums[c] = 0;
#pragma unroll
  for (int k = 0; k < kAll; ++k) {
    i64 at = 0;
    double weight = 1;
    bool inside = true;
    int rest = k;
#pragma unroll
    for (int a = kAxes - 1; a >= 0; --a) {
      const i64 index = taps[a].index[rest % kTaps];
      weight *= taps[a].weight[rest % kTaps];
      inside = inside && index >= 0;
      i64 stride = 1;
#pragma unroll
      for (int later = a + 1; later < kAxes; ++later) stride *= sizes[later];
      at += index * stride;
      rest /= kTaps;
    }
    if (!inside) continue;
    const Real w = static_cast<Real>(weight);
#pragma unroll
    for (int c = 0; c < kChannels; ++c) {
      if (c < count) sums[c] += w * static_cast<Real>(E::get(from[c * plane + at]));
    }
  }
  typename E::Stored* to = out + (b * channels + first) * points + point;
#pragma unroll
  for (int c = 0; c < kChannels; ++c) {
    if (c < count) to[c * points] = E::put(static_cast<typename E::Value>(sums[c]));
  }
}

/// One axis of a box cut into `bins` with `samples` points in each.
struct Cut {
  double start, bin;
  i64 samples;
  __device__ double point(i64 i, i64 s) const {
    return start + bin * (static_cast<double>(i) +
                          (static_cast<double>(s) + 0.5) / static_cast<double>(samples));
  }
};

/// A box that is not finite, or needs more samples, gives NaN.
constexpr double kSamplesMax = 1024;

template <bool kHalfPixel>
CARNOT_DEVICE Cut cut(double low, double high, double scale, i64 bins, i64 samples) {
  const double offset = kHalfPixel ? 0.5 : 0, start = low * scale - offset;
  double length = high * scale - offset - start;
  if (!kHalfPixel && length < 1) length = 1;
  const double bin = length / static_cast<double>(bins);
  if (samples == 0) {
    samples = bin > kSamplesMax ? -1 : bin > 0 ? static_cast<i64>(ceil(bin)) : 0;
  }
  if (!(fabs(start) < infinity_f64()) || !(fabs(length) < infinity_f64())) samples = -1;
  return {start, bin, samples};
}

template <class E, class R, class Index, bool kMaximum, bool kHalfPixel>
__device__ void rois(const typename E::Stored* x, const typename R::Stored* boxes,
                     const Index* batches, typename E::Stored* out, Fault* fault, double scale,
                     i64 samples, i64 bins_y, i64 bins_x, i64 count, i64 images, i64 channels,
                     i64 height, i64 width) {
  using Real = typename Sum<E>::Type;
  const i64 thread = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (thread >= count) return;
  const i64 bx = thread % bins_x, by = thread / bins_x % bins_y;
  const i64 c = thread / bins_x / bins_y % channels, box = thread / bins_x / bins_y / channels;
  const i64 image = static_cast<i64>(batches[box]);
  if (image < 0 || image >= images) {
    *fault = {image, images + 1};
    return;
  }
  const auto side = [&](int i) { return static_cast<double>(R::get(boxes[box * 4 + i])); };
  const Cut rows = cut<kHalfPixel>(side(1), side(3), scale, bins_y, samples);
  const Cut columns = cut<kHalfPixel>(side(0), side(2), scale, bins_x, samples);
  const typename E::Stored* plane = x + (image * channels + c) * height * width;
  Real sum = 0, largest = static_cast<Real>(-infinity_f32());
  const double h = static_cast<double>(height), w = static_cast<double>(width);
  for (i64 sy = 0; sy < rows.samples; ++sy) {
    const double y = rows.point(by, sy);
    const double cy = y < 0 ? 0 : y > h - 1 ? h - 1 : y;
    const i64 y0 = static_cast<i64>(cy), y1 = y0 + 1 < height ? y0 + 1 : height - 1;
    const Real ly = static_cast<Real>(cy - static_cast<double>(y0));
    for (i64 sx = 0; sx < columns.samples; ++sx) {
      const double xx = columns.point(bx, sx);
      const bool inside = y >= -1 && y <= h && xx >= -1 && xx <= w && height > 0 && width > 0;
      if (!inside) {  // its weights are 0
        largest = largest < 0 ? 0 : largest;
        continue;
      }
      const double cx = xx < 0 ? 0 : xx > w - 1 ? w - 1 : xx;
      const i64 x0 = static_cast<i64>(cx), x1 = x0 + 1 < width ? x0 + 1 : width - 1;
      const Real lx = static_cast<Real>(cx - static_cast<double>(x0));
      const Real corners[4] = {
          (1 - ly) * (1 - lx) * static_cast<Real>(E::get(plane[y0 * width + x0])),
          (1 - ly) * lx * static_cast<Real>(E::get(plane[y0 * width + x1])),
          ly * (1 - lx) * static_cast<Real>(E::get(plane[y1 * width + x0])),
          ly * lx * static_cast<Real>(E::get(plane[y1 * width + x1]))};
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        sum += corners[i];
        if (corners[i] > largest) largest = corners[i];
      }
    }
  }
  const i64 all = rows.samples * columns.samples;
  Real result = kMaximum ? largest : sum / static_cast<Real>(all);
  if (all == 0 || height == 0 || width == 0) result = 0;
  if (rows.samples < 0 || columns.samples < 0) result = static_cast<Real>(nan_f32());
  out[thread] = E::put(static_cast<typename E::Value>(result));
}

}  // namespace carnot::sample
