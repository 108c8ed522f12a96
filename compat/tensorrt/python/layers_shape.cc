// Layers that move elements: constants, shuffles, slices, gathers, resizing, boxes.
#include "layers.h"

namespace trt_python {
namespace {

void bind_constants(nb::module_& m) {
  nb::class_<IConstantLayer, ILayer> constant(m, "IConstantLayer", "Numbers of the program.");
  weights_property(constant, "weights", &IConstantLayer::getWeights, &IConstantLayer::setWeights,
                   "The numbers.");
  constant.def_prop_rw("shape", &IConstantLayer::getDimensions, &IConstantLayer::setDimensions,
                       "Their shape.");

  // Something else than a number changes nothing, as in NVIDIA's module.
  const auto set = [](nb::handle value, const char* name, auto set_integer, auto set_real) {
    int64_t integer = 0;
    double real = 0;
    if (nb::isinstance<nb::int_>(value) && nb::try_cast<int64_t>(value, integer)) {
      set_integer(integer);
    } else if (nb::try_cast<double>(value, real)) {
      set_real(real);
    } else {
      const std::string text = std::string("IFillLayer.") + name + " stays: it takes a number";
      if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) != 0) throw nb::python_error();
    }
  };
  const auto number = [](const IFillLayer& self, double real, int64_t integer) -> nb::object {
    return self.isAlphaBetaInt64() ? nb::object(nb::int_(integer)) : nb::object(nb::float_(real));
  };
  nb::class_<IFillLayer, ILayer>(m, "IFillLayer", "A tensor of a rule: steps, or random numbers.")
      .def_prop_rw("shape", &IFillLayer::getDimensions, &IFillLayer::setDimensions,
                   "The shape of the result.")
      .def_prop_rw("operation", &IFillLayer::getOperation, &IFillLayer::setOperation, "The rule.")
      .def_prop_rw(
          "alpha",
          [number](const IFillLayer& self) {
            return number(self, self.getAlpha(), self.getAlphaInt64());
          },
          [set](IFillLayer& self, nb::handle alpha) {
            set(
                alpha, "alpha", [&](int64_t n) { self.setAlphaInt64(n); },
                [&](double x) { self.setAlpha(x); });
          },
          "The first number, the least, or the mean.")
      .def_prop_rw(
          "beta",
          [number](const IFillLayer& self) {
            return number(self, self.getBeta(), self.getBetaInt64());
          },
          [set](IFillLayer& self, nb::handle beta) {
            set(
                beta, "beta", [&](int64_t n) { self.setBetaInt64(n); },
                [&](double x) { self.setBeta(x); });
          },
          "The step, the greatest, or the deviation.")
      .def_prop_rw("to_type", &IFillLayer::getToType, &IFillLayer::setToType,
                   "The type of the result.")
      .def("set_input", &IFillLayer::setInput, "index"_a, "tensor"_a,
           "0: the shape, 1: alpha, 2: beta.")
      .def("is_alpha_beta_int64", &IFillLayer::isAlphaBetaInt64,
           "Whether alpha and beta are integers.");
  nb::class_<IAssertionLayer, ILayer>(m, "IAssertionLayer", "Fails where its input is false.")
      .def_prop_rw("message", &IAssertionLayer::getMessage, &IAssertionLayer::setMessage,
                   "What it says then.");
}

void bind_movers(nb::module_& m) {
  nb::class_<IConcatenationLayer, ILayer>(m, "IConcatenationLayer", "Tensors one behind another.")
      .def_prop_rw("axis", &IConcatenationLayer::getAxis, &IConcatenationLayer::setAxis,
                   "The axis.");
  nb::class_<IPaddingLayer, ILayer>(m, "IPaddingLayer", "Zeros around the last two axes.")
      .def_prop_rw("pre_padding_nd", &IPaddingLayer::getPrePaddingNd,
                   &IPaddingLayer::setPrePaddingNd, "Elements added in front; negative ones cut.")
      .def_prop_rw("post_padding_nd", &IPaddingLayer::getPostPaddingNd,
                   &IPaddingLayer::setPostPaddingNd, "Elements added behind; negative ones cut.")
      .def_prop_rw("pre_padding", &IPaddingLayer::getPrePadding, &IPaddingLayer::setPrePadding,
                   "pre_padding_nd (versions 5 to 9).")
      .def_prop_rw("post_padding", &IPaddingLayer::getPostPadding, &IPaddingLayer::setPostPadding,
                   "post_padding_nd (versions 5 to 9).");
  nb::class_<IShuffleLayer, ILayer>(m, "IShuffleLayer", "Transposes, reshapes, transposes again.")
      .def_prop_rw("first_transpose", &IShuffleLayer::getFirstTranspose,
                   &IShuffleLayer::setFirstTranspose, "The transpose before the reshape.")
      .def_prop_rw("reshape_dims", &IShuffleLayer::getReshapeDimensions,
                   &IShuffleLayer::setReshapeDimensions,
                   "The new shape: -1 is what is left, 0 the input's.")
      .def_prop_rw("second_transpose", &IShuffleLayer::getSecondTranspose,
                   &IShuffleLayer::setSecondTranspose, "The transpose behind the reshape.")
      .def_prop_rw("zero_is_placeholder", &IShuffleLayer::getZeroIsPlaceholder,
                   lenient<&IShuffleLayer::setZeroIsPlaceholder>,
                   "Whether 0 in reshape_dims is the input's size, not zero.")
      .def("set_input", &IShuffleLayer::setInput, "index"_a, "tensor"_a, "1: the new shape.");
  nb::class_<ISliceLayer, ILayer>(m, "ISliceLayer", "A part of a tensor, with steps.")
      .def_prop_rw("start", &ISliceLayer::getStart, &ISliceLayer::setStart, "Where it begins.")
      .def_prop_rw("shape", &ISliceLayer::getSize, &ISliceLayer::setSize, "The result's shape.")
      .def_prop_rw("stride", &ISliceLayer::getStride, &ISliceLayer::setStride, "The steps.")
      .def_prop_rw("mode", &ISliceLayer::getMode, &ISliceLayer::setMode, "What lies outside.")
      .def("set_input", &ISliceLayer::setInput, "index"_a, "tensor"_a,
           "1: start, 2: shape, 3: stride, 4: what fills, 5: axes.")
      .def_prop_rw("axes", &ISliceLayer::getAxes, &ISliceLayer::setAxes,
                   "The axes that the others speak of; all where it is not set.");
  nb::class_<IShapeLayer, ILayer>(m, "IShapeLayer", "The sizes of a tensor.");
  nb::class_<ISqueezeLayer, ILayer>(m, "ISqueezeLayer", "Without axes of size one.")
      .def("set_input", &ISqueezeLayer::setInput, "index"_a, "tensor"_a, "1: the axes.");
  nb::class_<IUnsqueezeLayer, ILayer>(m, "IUnsqueezeLayer", "With more axes of size one.")
      .def("set_input", &IUnsqueezeLayer::setInput, "index"_a, "tensor"_a, "1: the axes.");
}

void bind_indices(nb::module_& m) {
  nb::class_<IGatherLayer, ILayer>(m, "IGatherLayer", "Elements by indices.")
      .def_prop_rw("axis", &IGatherLayer::getGatherAxis, &IGatherLayer::setGatherAxis, "The axis.")
      .def_prop_rw("num_elementwise_dims", &IGatherLayer::getNbElementWiseDims,
                   &IGatherLayer::setNbElementWiseDims, "Leading axes that both tensors share.")
      .def_prop_rw("mode", &IGatherLayer::getMode, &IGatherLayer::setMode,
                   "What the indices mean.");
  nb::class_<IScatterLayer, ILayer>(m, "IScatterLayer", "A tensor with some elements replaced.")
      .def_prop_rw("axis", &IScatterLayer::getAxis, &IScatterLayer::setAxis, "The axis.")
      .def_prop_rw("mode", &IScatterLayer::getMode, &IScatterLayer::setMode,
                   "What the indices mean.");
  nb::class_<IOneHotLayer, ILayer>(m, "IOneHotLayer", "A row for each index, on at that index.")
      .def_prop_rw("axis", &IOneHotLayer::getAxis, &IOneHotLayer::setAxis, "The new axis.");
  nb::class_<INonZeroLayer, ILayer>(m, "INonZeroLayer", "Where elements are not zero.")
      .def_prop_rw("indices_type", &INonZeroLayer::getIndicesType,
                   &checked<&INonZeroLayer::setIndicesType>, "The type of the indices.");
  nb::class_<IReverseSequenceLayer, ILayer>(m, "IReverseSequenceLayer", "Sequences backwards.")
      .def_prop_rw("batch_axis", &IReverseSequenceLayer::getBatchAxis,
                   &IReverseSequenceLayer::setBatchAxis, "The axis of sequences.")
      .def_prop_rw("sequence_axis", &IReverseSequenceLayer::getSequenceAxis,
                   &IReverseSequenceLayer::setSequenceAxis, "The axis along them.");
}

std::vector<float> scales_of(const IResizeLayer& layer) {
  const int32_t count = layer.getScales(0, nullptr);
  std::vector<float> scales(count > 0 ? static_cast<size_t>(count) : 0);
  if (!scales.empty()) layer.getScales(count, scales.data());
  return scales;
}

void bind_images(nb::module_& m) {
  nb::class_<IResizeLayer, ILayer>(m, "IResizeLayer", "A tensor in another size, interpolated.")
      .def_prop_rw("shape", &IResizeLayer::getOutputDimensions, &IResizeLayer::setOutputDimensions,
                   "The size of the result.")
      .def_prop_rw(
          "scales", &scales_of,
          [](IResizeLayer& self, const std::vector<float>& scales) {
            self.setScales(scales.data(), static_cast<int32_t>(scales.size()));
          },
          "The size of the result over that of the input, for each axis.")
      .def_prop_rw("resize_mode", &IResizeLayer::getResizeMode, &IResizeLayer::setResizeMode,
                   "How values between elements are computed.")
      .def_prop_rw("coordinate_transformation", &IResizeLayer::getCoordinateTransformation,
                   &IResizeLayer::setCoordinateTransformation,
                   "How coordinates map to those of the input.")
      .def_prop_rw("selector_for_single_pixel", &IResizeLayer::getSelectorForSinglePixel,
                   &IResizeLayer::setSelectorForSinglePixel, "What a result of size one takes.")
      .def_prop_rw("nearest_rounding", &IResizeLayer::getNearestRounding,
                   &IResizeLayer::setNearestRounding, "How the nearest element is chosen.")
      .def_prop_rw("exclude_outside", &IResizeLayer::getExcludeOutside,
                   lenient<&IResizeLayer::setExcludeOutside>,
                   "Whether elements outside have no weight.")
      .def_prop_rw("cubic_coeff", &IResizeLayer::getCubicCoeff, &IResizeLayer::setCubicCoeff,
                   "The parameter of cubic interpolation.")
      .def_prop_rw("align_corners", &IResizeLayer::getAlignCorners,
                   lenient<&IResizeLayer::setAlignCorners>,
                   "Whether corners map to corners (versions 5 to 9).")
      .def("set_input", &IResizeLayer::setInput, "index"_a, "tensor"_a,
           "1: the size of the result, or 2: scales.");
  nb::class_<IGridSampleLayer, ILayer>(m, "IGridSampleLayer", "An image read at given places.")
      .def_prop_rw("interpolation_mode", &IGridSampleLayer::getInterpolationMode,
                   &IGridSampleLayer::setInterpolationMode, "How values are interpolated.")
      .def_prop_rw("align_corners", &IGridSampleLayer::getAlignCorners,
                   lenient<&IGridSampleLayer::setAlignCorners>,
                   "Whether -1 and 1 are centres of elements.")
      .def_prop_rw("sample_mode", &IGridSampleLayer::getSampleMode,
                   &checked<&IGridSampleLayer::setSampleMode>, "What lies outside.");
  nb::class_<INMSLayer, ILayer>(m, "INMSLayer", "Boxes that overlap no better one.")
      .def_prop_rw("bounding_box_format", &INMSLayer::getBoundingBoxFormat,
                   &INMSLayer::setBoundingBoxFormat, "What the four numbers of a box are.")
      .def_prop_rw("topk_box_limit", &INMSLayer::getTopKBoxLimit, &INMSLayer::setTopKBoxLimit,
                   "Boxes that are regarded at most.")
      .def("set_input", &INMSLayer::setInput, "index"_a, "tensor"_a,
           "3: the overlap that is too much, 4: the least score.")
      .def_prop_rw("indices_type", &INMSLayer::getIndicesType, &checked<&INMSLayer::setIndicesType>,
                   "The type of the indices.");
}

}  // namespace

void bind_shape_layers(nb::module_& m) {
  bind_constants(m);
  bind_movers(m);
  bind_indices(m);
  bind_images(m);
}

}  // namespace trt_python
