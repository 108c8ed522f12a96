// Operators over images: convolutions, pooling, resizing. Where an image has one spatial axis only,
// a second one is put behind it.
#include <cmath>

#include "layers_math.h"
#include "layers_window.h"
#include "onnx_rows.h"

namespace trt {

namespace {

struct Image {
  Dims kernel{}, stride{}, dilation{}, pre{}, post{};
  PaddingMode mode = PaddingMode::kEXPLICIT_ROUND_DOWN;
};

/// The attributes of a window along one axis, with a second axis of one element.
Image line(OnnxView& v, int64_t kernel) {
  Image out;
  const auto one = [&](const char* name, size_t i, int64_t otherwise) {
    const auto given = v.ints(name);
    return given ? given->at(i) : otherwise;
  };
  if (v.text("auto_pad", "NOTSET") != "NOTSET") throw NotShown();
  out.kernel = dims_of({kernel, 1});
  out.stride = dims_of({one("strides", 0, 1), 1});
  out.dilation = dims_of({one("dilations", 0, 1), 1});
  out.pre = dims_of({one("pads", 0, 0), 0});
  out.post = dims_of({one("pads", 1, 0), 0});
  if (v.opset() >= 10 && v.integer("ceil_mode", 0) != 0) {
    out.mode = PaddingMode::kEXPLICIT_ROUND_UP;
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

/// Of images with two or three spatial axes Carnot's own operations are the layers.
template <class L, bool kTransposed>
void convolution(OnnxView& v) {
  const carnot::Tensor* const kernel = v.weights(1);
  const carnot::Tensor* const bias = v.weights(2);
  if (!kernel || (v.has(2) && !bias) || kernel->rank() != 3) throw NotShown();
  if (v.attribute("output_padding") || v.attribute("output_shape")) throw NotShown();
  NetTensor* x = v.in(0);
  if (v.rank(x) != 3) throw NotShown();
  const Image image = line(v, kernel->shape()[2]);
  const int64_t groups = v.integer("group", 1);
  x = unsqueeze(v, x, {3});
  L* const layer = v.add<L>({x}, [&](L& l) {
    fill_window(l, image);
    l.dilation = image.dilation;
    l.groups = groups;
    l.maps = kTransposed ? kernel->shape()[1] * groups : kernel->shape()[0];
    l.kernel = weights_of(*kernel);
    if (bias) l.bias = weights_of(*bias);
  });
  v.call(layer);
  v.name_weights(layer->kernel, 1);
  if (bias) v.name_weights(layer->bias, 2);
  v.out(squeeze(v, OnnxView::result(layer), {3}));
}

template <PoolingType kType>
void pooling(OnnxView& v) {
  if (v.outputs() > 1) throw NotShown();
  const auto kernel = v.ints("kernel_shape");
  NetTensor* x = v.in(0);
  if (!kernel || kernel->size() != 1 || v.rank(x) != 3) throw NotShown();
  const Image image = line(v, kernel->at(0));
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

void take_scales(OnnxView& v, Resize& l, NetTensor* x, size_t i) {
  const carnot::Tensor* const scales = v.weights(i);
  if (!scales) {
    l.inputs.push_back(scaled_sizes(v, x, i));
    return;
  }
  if (scales->elements() != v.rank(x)) throw NotShown();
  for (int64_t k = 0; k < scales->elements(); ++k) {
    l.scales.push_back(static_cast<float>(scales->get(k)));
  }
}

void resize(OnnxView& v) {
  if (v.ints("axes")) throw NotShown();
  NetTensor* const x = v.in(0);
  Resize* const layer = v.add<Resize>({x});
  v.call(layer);
  set_coordinates(v, *layer);
  const std::string mode = v.text("mode", "nearest");
  layer->mode = mode == "cubic"    ? InterpolationMode::kCUBIC
                : mode == "linear" ? InterpolationMode::kLINEAR
                                   : InterpolationMode::kNEAREST;
  const bool sized = v.opset() >= 11 && v.inputs() == 4 && v.has(3);
  if (sized && v.weights(3)) {
    layer->dims = dims_of(v.known_ints(3));
    if (layer->dims.nbDims != v.rank(x)) throw NotShown();
  } else if (sized) {
    layer->inputs.push_back(v.in(3));
  } else {
    take_scales(v, *layer, x, v.opset() >= 11 ? 2 : 1);
  }
  v.out(OnnxView::result(layer));
}

void upsample(OnnxView& v) {
  if (v.opset() < 9) throw NotShown();
  NetTensor* const x = v.in(0);
  Resize* const layer = v.add<Resize>({x});
  v.call(layer);  // it gets its name twice: the second is that with a number
  take_scales(v, *layer, x, 1);
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
