// roi_align: bilinear samples of boxes of a feature map, averaged (or their maximum) per bin.
#include <algorithm>
#include <cmath>

#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {
namespace {

/// A box may be larger than the map, but more samples along one bin than this is no real box; the
/// limit keeps one bad coordinate from taking all memory.
constexpr double kSamplesMax = 1 << 10;

/// Four neighbours and their weights; all weights are 0 outside the map.
struct Sample {
  int64_t at[4] = {0, 0, 0, 0};
  double weight[4] = {0, 0, 0, 0};
};

Sample sample_at(double y, double x, int64_t height, int64_t width) {
  const auto h = static_cast<double>(height), w = static_cast<double>(width);
  if (!(y >= -1 && y <= h && x >= -1 && x <= w)) return {};
  const double cy = std::clamp(y, 0.0, h - 1), cx = std::clamp(x, 0.0, w - 1);
  const int64_t y0 = clamped_index(cy, 0, height - 1), x0 = clamped_index(cx, 0, width - 1);
  const int64_t y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
  const double ly = cy - static_cast<double>(y0), lx = cx - static_cast<double>(x0);
  return {{y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1},
          {(1 - ly) * (1 - lx), (1 - ly) * lx, ly * (1 - lx), ly * lx}};
}

/// One axis of a box cut into `bins`, with `samples` evenly spaced points in each.
struct Cut {
  double start = 0, bin = 0;
  int64_t samples = 0;
  double point(int64_t i, int64_t s) const {
    return start + bin * (static_cast<double>(i) +
                          (static_cast<double>(s) + 0.5) / static_cast<double>(samples));
  }
};

Result<Cut> cut_axis(const op::RoiAlign& op, double low, double high, int64_t bins) {
  const double offset = op.half_pixel ? 0.5 : 0;
  const double start = low * op.spatial_scale - offset;
  double length = high * op.spatial_scale - offset - start;
  if (!std::isfinite(start) || !std::isfinite(length)) {
    return bad_value(op, "a box from ", low, " to ", high, " is not finite");
  }
  // Boxes of older models are at least one pixel.
  if (!op.half_pixel) length = std::max(length, 1.0);
  const double bin = length / static_cast<double>(bins);
  if (op.sampling_ratio > 0) return Cut{start, bin, op.sampling_ratio};
  if (bin > kSamplesMax) {
    return bad_value(op, "a box from ", low, " to ", high, " needs more than ", kSamplesMax,
                     " samples in a bin");
  }
  return Cut{start, bin, bin > 0 ? static_cast<int64_t>(std::ceil(bin)) : 0};
}

/// One bin from one plane. The maximum is over weighted neighbours, as ONNX's own definition is.
double fold(const op::RoiAlign& op, const std::vector<Sample>& samples, const double* plane) {
  if (samples.empty()) return 0;
  double sum = 0, largest = -INFINITY;
  for (const Sample& s : samples) {
    for (int i = 0; i < 4; ++i) {
      const double value = s.weight[i] * plane[s.at[i]];
      sum += value;
      largest = std::max(largest, value);
    }
  }
  return op.maximum ? largest : sum / static_cast<double>(samples.size());
}

}  // namespace

Result<std::vector<Info>> infer(const op::RoiAlign& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &rois = in[1].type, &batches = in[2].type;
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "x", x));
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "x", x, 4));
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "rois", rois));
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "rois", rois, 2));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "axis 1 of rois", rois.dims[1], Dim(4)));
  CARNOT_RETURN_IF_ERROR(expect_integer(op.kName, "batch indices", batches));
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "batch indices", batches, 1));
  CARNOT_RETURN_IF_ERROR(
      expect_same(op.kName, "the number of batch indices", batches.dims[0], rois.dims[0]));
  if (op.height < 1 || op.width < 1) {
    return invalid(op, "needs a result of at least 1 x 1, got ", op.height, " x ", op.width);
  }
  if (op.sampling_ratio < 0 || static_cast<double>(op.sampling_ratio) > kSamplesMax) {
    return invalid(op, "sampling_ratio ", op.sampling_ratio, " is not within 0 and ", kSamplesMax);
  }
  if (!std::isfinite(op.spatial_scale)) return invalid(op, "spatial_scale is not finite");
  return one_result(op.kName, x.dtype, {rois.dims[0], x.dims[1], Dim(op.height), Dim(op.width)});
}

Result<std::vector<Tensor>> reference(const op::RoiAlign& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_ASSIGN(const std::vector<TensorType> types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims), &x = in[0].shape();
  const int64_t channels = x[1], height = x[2], width = x[3], plane = height * width;
  const std::vector<double> map = doubles_of(in[0]), rois = doubles_of(in[1]);
  std::vector<double> out(static_cast<size_t>(volume(shape)));
  std::vector<Sample> samples;
  for (int64_t r = 0; r < shape[0]; ++r) {
    const double* roi = rois.data() + r * 4;
    const int64_t batch = in[2].get_int(r);
    if (batch < 0 || batch >= x[0]) {
      return bad_value(op, "batch index ", batch, " of box ", r, " is not within the ", x[0],
                       " images");
    }
    CARNOT_ASSIGN(const Cut rows, cut_axis(op, roi[1], roi[3], op.height));
    CARNOT_ASSIGN(const Cut columns, cut_axis(op, roi[0], roi[2], op.width));
    if (plane == 0) continue;
    for (int64_t bin = 0; bin < op.height * op.width; ++bin) {
      samples.clear();
      for (int64_t sy = 0; sy < rows.samples; ++sy) {
        const double y = rows.point(bin / op.width, sy);
        for (int64_t sx = 0; sx < columns.samples; ++sx) {
          samples.push_back(sample_at(y, columns.point(bin % op.width, sx), height, width));
        }
      }
      for (int64_t c = 0; c < channels; ++c) {
        const double value = fold(op, samples, map.data() + (batch * channels + c) * plane);
        out[static_cast<size_t>((r * channels + c) * op.height * op.width + bin)] = value;
      }
    }
  }
  CARNOT_ASSIGN(Tensor result, tensor_of(in[0].dtype(), shape, out));
  return std::vector<Tensor>{result};
}

}  // namespace carnot
