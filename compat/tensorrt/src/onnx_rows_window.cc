// Operators over images: convolutions, pooling, resizing. Where an image has one spatial axis only,
// a second one is put behind it.
#include <cmath>

#include "imported_kinds.h"
#include "layers_math.h"
#include "layers_window.h"
#include "onnx_rows.h"

namespace trt {

namespace {

struct Image {
  Dims kernel{}, stride{}, dilation{}, pre{}, post{};
  PaddingMode mode = PaddingMode::kEXPLICIT_ROUND_DOWN;
};

/// The attributes of a window; where it has one axis, with a second one of one element.
Image image_of(OnnxView& v, Ints kernel) {
  const size_t axes = kernel.size();
  const auto each = [&](const char* name, size_t first, int64_t otherwise) {
    const auto given = v.ints(name);
    Ints out;
    for (size_t i = 0; i < axes; ++i) out.push_back(given ? given->at(first + i) : otherwise);
    if (axes == 1) out.push_back(otherwise);
    return dims_of(out);
  };
  Image out;
  out.stride = each("strides", 0, 1), out.dilation = each("dilations", 0, 1);
  out.pre = each("pads", 0, 0), out.post = each("pads", axes, 0);
  if (axes == 1) kernel.push_back(1);
  out.kernel = dims_of(kernel);
  if (v.opset() >= 10 && v.integer("ceil_mode", 0) != 0) {
    out.mode = PaddingMode::kEXPLICIT_ROUND_UP;
  }
  if (const auto same = same_padding(v.text("auto_pad", "NOTSET"))) {
    out.mode = *same;
    out.pre = out.post = dims_of(Ints(kernel.size(), 0));
  }
  return out;
}

template <class L>
void fill_window(L& l, const Image& image) {
  l.kernel_size = image.kernel, l.stride = image.stride;
  l.pre = image.pre, l.post = image.post, l.padding_mode = image.mode;
}

Weights weights_of(const carnot::Tensor& tensor) {
  const auto type = data_type_of(tensor.dtype());
  if (!type || tensor.is_splat()) throw NotShown();
  return {*type, tensor.data(), tensor.elements()};
}

/// Of images with two or three spatial axes Carnot's own operations are the layers, but where
/// layers compute the weights.
template <class L, bool kTransposed>
void convolution(OnnxView& v) {
  const carnot::Tensor* const kernel = v.weights(1);
  const carnot::Tensor* const bias = v.weights(2);
  const bool computed = !kernel || (v.has(2) && !bias);
  const Dims all = v.dims(1);
  if ((kTransposed && computed) || (!computed && all.nbDims != 3)) throw NotShown();
  if (v.attribute("output_padding") || v.attribute("output_shape")) throw NotShown();
  NetTensor* x = v.in(0);
  const bool line = all.nbDims == 3;
  const bool known = std::all_of(all.d, all.d + all.nbDims, [](auto d) { return d >= 0; });
  if (v.rank(x) != all.nbDims || !known) throw NotShown();
  const Image image = image_of(v, Ints(all.d + 2, all.d + all.nbDims));
  const int64_t groups = v.integer("group", 1);
  if (line) x = unsqueeze(v, x, {3});
  std::vector<NetTensor*> inputs = {x};
  if (computed) inputs.push_back(kernel ? nullptr : v.in(1));
  if (line && !kernel) inputs[1] = unsqueeze(v, inputs[1], {3});
  if (v.has(2) && !bias) inputs.push_back(v.in(2));
  L* const layer = v.add<L>(std::move(inputs), [&](L& l) {
    fill_window(l, image);
    l.dilation = image.dilation;
    l.groups = groups;
    l.maps = kTransposed ? all.d[1] * groups : all.d[0];
    if (kernel) l.kernel = weights_of(*kernel);
    l.bias = bias ? weights_of(*bias) : Weights{l.kernel.type, nullptr, 0};
  });
  v.call(layer);
  if (kernel) v.name_weights(layer->kernel, 1);
  if (bias) v.name_weights(layer->bias, 2);
  NetTensor* const out = OnnxView::result(layer);
  v.out(line ? squeeze(v, out, {3}) : out);
}

template <PoolingType kType>
void pooling(OnnxView& v) {
  if (v.outputs() > 1) throw NotShown();
  const auto kernel = v.ints("kernel_shape");
  NetTensor* x = v.in(0);
  if (!kernel || kernel->size() != 1 || v.rank(x) != 3) throw NotShown();
  const Image image = image_of(v, *kernel);
  if (image.dilation.d[0] != 1) throw NotShown();
  x = unsqueeze(v, x, {3});
  NetTensor* const pooled = v.named<Pooling>({x}, [&](Pooling& l) {
    fill_window(l, image);
    l.type = kType;
    l.excludes_padding = v.integer("count_include_pad", 0) == 0;
  });
  v.out(squeeze(v, pooled, {3}));
}

/// The formula step by step, where not all of its numbers are weights.
void normalization_by_tensors(OnnxView& v) {
  using Binary = ElementWiseOperation;
  NetTensor* const x = v.in(0);
  const int32_t rank = v.rank(x);
  NetTensor* n[4];  // scale, bias, mean, variance
  for (size_t i = 0; i < 4; ++i) n[i] = v.in(i + 1);
  if (v.type(n[3]) != DataType::kFLOAT) throw NotShown();
  Ints others = {0};
  for (int32_t i = 2; i < rank; ++i) others.push_back(i);
  for (size_t i = 0; i < 4 && rank > 1; ++i) n[i] = unsqueeze(v, n[i], others);
  NetTensor* const epsilon =
      v.scalar(DataType::kFLOAT, static_cast<double>(v.real("epsilon", 1e-5F)), rank);
  NetTensor* const deviation =
      v.unary(v.binary(n[3], epsilon, Binary::kSUM), UnaryOperation::kSQRT);
  NetTensor* const centered = v.binary(x, n[2], Binary::kSUB);
  NetTensor* const scaled =
      v.binary(n[0], v.binary(centered, deviation, Binary::kDIV), Binary::kPROD);
  v.out(v.named<ElementWise>({scaled, n[1]}, [](ElementWise& l) { l.operation = Binary::kSUM; }));
}

/// A scale and a shift for each channel. Those of images with two or three spatial axes are
/// Carnot's own; those with fewer axes get more, of one element.
void batch_normalization(OnnxView& v) {
  if (v.outputs() > 1) throw NotShown();
  const carnot::Tensor* given[4];
  for (size_t i = 0; i < 4; ++i) {
    given[i] = v.weights(i + 1);
    if (!given[i]) return normalization_by_tensors(v);
    if (given[i]->dtype() != DType::kF32) throw NotShown();
  }
  NetTensor* const x = v.in(0);
  const int32_t rank = v.rank(x);
  if (v.type(x) != DataType::kFLOAT || rank >= 4) throw NotShown();
  const int64_t channels = given[0]->elements();
  std::vector<float> scale, shift;
  for (int64_t i = 0; i < channels; ++i) {
    const auto at = [&](size_t k) { return static_cast<float>(given[k]->get(i)); };
    scale.push_back(at(0) / std::sqrt(at(3) + v.real("epsilon", 1e-5F)));
    shift.push_back(at(1) - at(2) * scale.back());
  }
  Ints more;
  for (int32_t i = rank; i < 4; ++i) more.push_back(i);
  for (int i = 0; i < 2; ++i) v.count_refittable();  // the scale's name and the shift's
  NetTensor* const image = unsqueeze(v, x, more);
  NetTensor* const scaled = v.named<Scale>({image}, [&](Scale& l) {
    l.mode = ScaleMode::kCHANNEL;
    l.scale = v.keep_weights(scale), l.shift = v.keep_weights(shift);
  });
  v.out(reshape(v, scaled, Sizes::shape(v, x)));
}

void set_coordinates(OnnxView& v, Resize& l) {
  using Transformation = ResizeCoordinateTransformation;
  l.rounding = ResizeRoundMode::kHALF_DOWN;
  if (v.opset() < 11) {
    l.coordinates = Transformation::kASYMMETRIC;
    if (v.text("mode", "nearest") == "nearest") l.rounding = ResizeRoundMode::kFLOOR;
    return;
  }
  const std::string from = v.text("coordinate_transformation_mode", "half_pixel");
  const bool nearest = from == "tf_half_pixel_for_nn";
  if (from == "align_corners") {
    l.coordinates = Transformation::kALIGN_CORNERS;
  } else if (from == "asymmetric") {
    l.coordinates = Transformation::kASYMMETRIC;
  } else if (from == "half_pixel" || from == "pytorch_half_pixel" || nearest) {
    l.coordinates = Transformation::kHALF_PIXEL;
  } else {
    throw NotShown();
  }
  if (from == "pytorch_half_pixel") l.selector = ResizeSelector::kUPPER;
  if (nearest) {
    l.rounding = ResizeRoundMode::kCEIL;
    return;
  }
  const std::string rounding = v.text("nearest_mode", "round_prefer_floor");
  if (rounding == "floor") l.rounding = ResizeRoundMode::kFLOOR;
  if (rounding == "ceil") l.rounding = ResizeRoundMode::kCEIL;
  if (rounding == "round_prefer_ceil") l.rounding = ResizeRoundMode::kHALF_UP;
  l.exclude_outside = v.integer("exclude_outside", 0) != 0;
  l.cubic = v.real("cubic_coeff_a", -0.75F);
}

/// floor(scales * sizes), which layers compute.
NetTensor* scaled_sizes(OnnxView& v, NetTensor* x, size_t scales) {
  const auto called = [&](Layer* layer, const char* name) {
    v.call(layer, name);
    return OnnxView::result(layer);
  };
  NetTensor* const sizes =
      called(v.add<Cast>({Sizes::shape(v, x).tensor(v)}, [](Cast& l) { l.to = DataType::kFLOAT; }),
             "ONNXTRT_resizeShapeTensor_floatCast");
  NetTensor* const factors = v.in(scales);
  NetTensor* const product =
      called(v.add<ElementWise>({factors, sizes},
                                [](ElementWise& l) { l.operation = ElementWiseOperation::kPROD; }),
             "ONNXTRT_resizeShapeTensor_prod");
  NetTensor* const whole =
      called(v.add<Unary>({product}, [](Unary& l) { l.operation = UnaryOperation::kFLOOR; }),
             "ONNXTRT_resizeShapeTensor_floor");
  return called(v.add<Cast>({whole}, [](Cast& l) { l.to = DataType::kINT32; }),
                "ONNXTRT_resizeShapeTensor_intCast");
}

void take_scales(OnnxView& v, Resize& l, NetTensor* x, size_t i, const std::optional<Ints>& axes) {
  const carnot::Tensor* const scales = v.weights(i);
  if (!scales) {
    if (axes) throw NotShown();
    l.inputs.push_back(scaled_sizes(v, x, i));
    return;
  }
  const int64_t rank = v.rank(x);
  const Ints along = axes.value_or(Sizes::count_up(rank).values());
  if (scales->elements() != static_cast<int64_t>(along.size())) throw NotShown();
  l.scales.assign(static_cast<size_t>(rank), 1);
  for (size_t k = 0; k < along.size(); ++k) {
    l.scales[static_cast<size_t>(along[k])] =
        static_cast<float>(scales->get(static_cast<int64_t>(k)));
  }
}

/// Those that change size, where they are not simply all.
std::optional<Ints> resized_axes(OnnxView& v, int32_t rank) {
  std::optional<Ints> axes = v.ints("axes");
  if (!axes || axes->empty()) return std::nullopt;
  for (int64_t& axis : *axes) {
    axis = v.axis(axis, rank);
    if (axis == rank) throw NotShown();
  }
  if (*axes == Sizes::count_up(rank).values()) return std::nullopt;
  return axes;
}

void resize(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const std::optional<Ints> axes = resized_axes(v, v.rank(x));
  Resize* const layer = v.add<Resize>({x});
  v.call(layer);
  set_coordinates(v, *layer);
  const std::string mode = v.text("mode", "nearest");
  layer->mode = mode == "cubic"    ? InterpolationMode::kCUBIC
                : mode == "linear" ? InterpolationMode::kLINEAR
                                   : InterpolationMode::kNEAREST;
  const bool sized = v.opset() >= 11 && v.inputs() == 4 && v.has(3);
  if (sized && v.weights(3)) {
    layer->dims = axes ? v.dims(x) : dims_of(v.known_ints(3));
    for (size_t i = 0; axes && i < axes->size(); ++i) {
      layer->dims.d[(*axes)[i]] = v.known_ints(3).at(i);
    }
    if (layer->dims.nbDims != v.rank(x)) throw NotShown();
  } else if (sized) {
    NetTensor* sizes = v.in(3);
    if (axes) {
      const Sizes places = places_of(*axes, v.rank(x));
      sizes = interlace(v, Sizes::shape(v, x), Sizes::of(v, sizes), places).tensor(v);
    }
    layer->inputs.push_back(sizes);
  } else {
    take_scales(v, *layer, x, v.opset() >= 11 ? 2 : 1, axes);
  }
  v.out(OnnxView::result(layer));
}

void upsample(OnnxView& v) {
  if (v.opset() < 9) throw NotShown();
  NetTensor* const x = v.in(0);
  Resize* const layer = v.add<Resize>({x});
  v.call(layer);  // it gets its name twice: the second is that with a number
  take_scales(v, *layer, x, 1, std::nullopt);
  v.call(layer);
  const std::string mode = v.text("mode", "nearest");
  const bool linear = mode == "linear" || mode == "bilinear";
  layer->mode = linear ? InterpolationMode::kLINEAR : InterpolationMode::kNEAREST;
  v.out(OnnxView::result(layer));
}

void grid_sample(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const std::string mode = v.text("mode", "bilinear"), border = v.text("padding_mode", "zeros");
  v.out(v.named<GridSample>({x, v.in(1)}, [&](GridSample& l) {
    l.mode = mode == "nearest"                      ? InterpolationMode::kNEAREST
             : mode == "bicubic" || mode == "cubic" ? InterpolationMode::kCUBIC
                                                    : InterpolationMode::kLINEAR;
    l.sample = border == "border"       ? SampleMode::kCLAMP
               : border == "reflection" ? SampleMode::kREFLECT
                                        : SampleMode::kFILL;
    l.align = v.integer("align_corners", 0) == 1;
  }));
}

constexpr OnnxRow kRows[] = {
    {"AveragePool", pooling<PoolingType::kAVERAGE>},
    {"BatchNormalization", batch_normalization},
    {"Conv", convolution<Convolution, false>},
    {"ConvTranspose", convolution<Deconvolution, true>},
    {"GridSample", grid_sample},
    {"MaxPool", pooling<PoolingType::kMAX>},
    {"Resize", resize},
    {"Upsample", upsample},
};

}  // namespace

std::span<const OnnxRow> rows_of_windows() {
  return kRows;
}

}  // namespace trt
