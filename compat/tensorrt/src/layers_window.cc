#include "layers_window.h"

namespace trt {

using carnot::Dim;
namespace op = carnot::op;

namespace {

Ints spread(const Dims& dims, size_t count, int64_t otherwise, const char* what) {
  if (dims.nbDims == 0) return Ints(count, otherwise);
  if (dims.nbDims != static_cast<int32_t>(count)) {
    refuse("the ", what, " has ", dims.nbDims, " sizes for ", count, " spatial axes");
  }
  return ints_of(dims);
}

/// Padding that gives ceil(size / stride) results.
void pad_same(Window& w, size_t i, const Dim& size, bool upper) {
  const int64_t extent = w.dilations[i] * (w.kernel[i] - 1) + 1;
  int64_t total = extent - 1;
  if (w.strides[i] != 1) {
    if (!size.is_constant()) {
      unsupported("SAME padding with a stride needs a known size of spatial axis ", i,
                  "; use explicit padding");
    }
    const int64_t results = (size.value() + w.strides[i] - 1) / w.strides[i];
    total = std::max<int64_t>((results - 1) * w.strides[i] + extent - size.value(), 0);
  }
  w.pads_lo[i] = upper ? total / 2 : total - total / 2;
  w.pads_hi[i] = total - w.pads_lo[i];
}

struct Operands {
  Values values;
  int64_t maps = 0;
};

/// Kernel and bias, from tensors or from weights; `shape` is the kernel's.
Values with_weights(Emit& e, const Values& in, const carnot::Shape& shape, const Weights& kernel,
                    const Weights& bias, int64_t maps) {
  const DType dtype = e.dtype(in[0]);
  Values out = {in[0]};
  const bool given = in.size() > 1 && in[1].valid();
  out.push_back(given ? in[1] : e.cast(e.weights(kernel, shape), dtype));
  if (in.size() > 2 && in[2].valid()) {
    out.push_back(e.reshape(in[2], {carnot::product(e.dims(in[2]))}));
  } else if (bias.count > 0) {
    out.push_back(e.cast(e.weights(bias, {maps}), dtype));
  }
  return out;
}

int64_t channels_of(const Emit& e, Handle x, int64_t groups) {
  const Dim& c = e.dims(x)[1];
  if (!c.is_constant()) refuse("the number of channels must be known");
  if (groups < 1 || c.value() % groups != 0) {
    refuse(c.value(), " channels cannot be split into ", groups, " groups");
  }
  return c.value();
}

}  // namespace

Window window_of(const Emit& e, Handle x, const Dims& kernel, const Dims& stride,
                 const Dims& dilation, const Dims& pre, const Dims& post, PaddingMode mode) {
  const int64_t spatial = e.rank(x) - 2;
  if (spatial < 2 || spatial > 3 || kernel.nbDims != spatial) {
    refuse("a window of ", text_of(kernel), " over ", carnot::to_string(e.net.type(x)),
           "; windows have 2 or 3 axes, the input has two more");
  }
  const auto count = static_cast<size_t>(spatial);
  Window w;
  w.kernel = ints_of(kernel);
  w.strides = spread(stride, count, 1, "stride");
  w.dilations = spread(dilation, count, 1, "dilation");
  w.pads_lo = spread(pre, count, 0, "padding");
  w.pads_hi = spread(post, count, 0, "padding");
  for (size_t i = 0; i < count; ++i) {
    constexpr int64_t kMax = int64_t{1} << 30;  // keeps the sums below within 64 bits
    if (w.kernel[i] < 1 || w.strides[i] < 1 || w.dilations[i] < 1 || w.kernel[i] > kMax ||
        w.strides[i] > kMax || w.dilations[i] > kMax || w.pads_lo[i] < 0 || w.pads_hi[i] < 0) {
      refuse("kernel, stride, dilation or padding of spatial axis ", i, " is out of range");
    }
    const bool upper = mode == PaddingMode::kSAME_UPPER;
    if (upper || mode == PaddingMode::kSAME_LOWER) pad_same(w, i, e.dims(x)[i + 2], upper);
  }
  w.round_up = mode == PaddingMode::kEXPLICIT_ROUND_UP;
  return w;
}

/// Samples without a batch, as in networks with an implicit one, get a batch of 1 for the while,
/// and all axes before the channels are one.
template <class Layer>
std::optional<Values> as_one_batch(Layer& layer, Emit& e, const Values& in, int32_t window) {
  const auto spatial = static_cast<size_t>(std::max(window, 0));
  const carnot::Dims sizes = e.dims(in[0]);
  if (sizes.size() < spatial + 1 || sizes.size() == spatial + 2) return std::nullopt;
  const auto split = sizes.end() - static_cast<std::ptrdiff_t>(spatial + 1);
  const carnot::Dims before(sizes.begin(), split);
  carnot::Dims merged(split, sizes.end());
  merged.insert(merged.begin(), carnot::product(before));
  Values batch = in;
  batch[0] = e.reshape(in[0], merged);
  Values out = layer.emit(e, batch);
  carnot::Dims results = e.dims(out[0]);
  results.erase(results.begin());
  results.insert(results.begin(), before.begin(), before.end());
  out[0] = e.reshape(out[0], results);
  return out;
}

Values Convolution::emit(Emit& e, const Values& in) {
  if (auto out = as_one_batch(*this, e, in, kernel_size.nbDims)) return *out;
  Window w = window_of(e, in[0], kernel_size, stride, dilation, pre, post, padding_mode);
  const int64_t channels = channels_of(e, in[0], groups);
  for (size_t i = 0; w.round_up && i < w.kernel.size(); ++i) {
    const Dim& size = e.dims(in[0])[i + 2];
    if (!size.is_constant()) unsupported("rounding up needs a known size of spatial axis ", i);
    const int64_t span =
        size.value() + w.pads_lo[i] + w.pads_hi[i] - w.dilations[i] * (w.kernel[i] - 1) - 1;
    if (span > 0 && span % w.strides[i] != 0) w.pads_hi[i] += w.strides[i] - span % w.strides[i];
  }
  carnot::Shape shape = {maps, channels / groups};
  shape.insert(shape.end(), w.kernel.begin(), w.kernel.end());
  op::Conv c;
  c.strides = w.strides, c.dilations = w.dilations, c.pads_lo = w.pads_lo, c.pads_hi = w.pads_hi;
  c.groups = groups;
  return {e.make(c, with_weights(e, in, shape, kernel, bias, maps))};
}

Values Deconvolution::emit(Emit& e, const Values& in) {
  if (auto out = as_one_batch(*this, e, in, kernel_size.nbDims)) return *out;
  Window w = window_of(e, in[0], kernel_size, stride, dilation, pre, post,
                       PaddingMode::kEXPLICIT_ROUND_DOWN);
  const bool upper = padding_mode == PaddingMode::kSAME_UPPER;
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    if (!upper && padding_mode != PaddingMode::kSAME_LOWER) continue;
    const int64_t extent = w.dilations[i] * (w.kernel[i] - 1) + 1;
    const int64_t total = std::max<int64_t>(extent - w.strides[i], 0);
    w.pads_lo[i] = upper ? total / 2 : total - total / 2;
    w.pads_hi[i] = total - w.pads_lo[i];
  }
  const int64_t channels = channels_of(e, in[0], groups);
  if (maps < 1 || maps % groups != 0) refuse(maps, " output maps in ", groups, " groups");
  carnot::Shape shape = {channels, maps / groups};
  shape.insert(shape.end(), w.kernel.begin(), w.kernel.end());
  op::ConvTranspose c;
  c.strides = w.strides, c.dilations = w.dilations, c.pads_lo = w.pads_lo, c.pads_hi = w.pads_hi;
  c.groups = groups;
  return {e.make(c, with_weights(e, in, shape, kernel, bias, maps))};
}

Values Pooling::emit(Emit& e, const Values& in) {
  if (auto out = as_one_batch(*this, e, in, kernel_size.nbDims)) return *out;
  const Window w = window_of(e, in[0], kernel_size, stride, {}, pre, post, padding_mode);
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    if (w.pads_lo[i] >= w.kernel[i] || w.pads_hi[i] >= w.kernel[i]) {
      refuse("spatial axis ", i, ": a window of ", w.kernel[i], " could see padding only");
    }
  }
  op::Pool p;
  p.kernel = w.kernel, p.strides = w.strides, p.pads_lo = w.pads_lo, p.pads_hi = w.pads_hi;
  p.ceil_mode = w.round_up;
  p.count_padding = !excludes_padding;
  const auto pooled = [&](op::Pool::Kind how) {
    p.kind = how;
    return e.make(p, {in[0]});
  };
  if (type == PoolingType::kMAX) return {pooled(op::Pool::kMaximum)};
  const Handle average = pooled(op::Pool::kAverage);
  if (type == PoolingType::kAVERAGE) return {average};
  const Handle factor = e.scalar(e.dtype(average), static_cast<double>(blend));
  return {e.map("add(mul($2, $0), sub($1, mul($2, $1)))",
                {average, pooled(op::Pool::kMaximum), factor})};
}

}  // namespace trt
