// Layers that slide a window or normalize: convolution, pooling, LRN, scale, softmax.
#include "layers.h"

namespace trt_python {
namespace {

/// What convolution and its transpose share, the calls of versions 5 to 9 among it.
template <class Layer, class... Extra>
void window_properties(nb::class_<Layer, Extra...>& layer) {
  layer
      .def_prop_rw("num_output_maps", &Layer::getNbOutputMaps, &Layer::setNbOutputMaps,
                   "Channels of the result.")
      .def_prop_rw("num_groups", &Layer::getNbGroups, &Layer::setNbGroups,
                   "Groups of channels that are computed apart.")
      .def_prop_rw("kernel_size_nd", &Layer::getKernelSizeNd, &Layer::setKernelSizeNd,
                   "The size of the window.")
      .def_prop_rw("dilation_nd", &Layer::getDilationNd, &Layer::setDilationNd,
                   "The distance of the window's elements.")
      .def_prop_rw("kernel_size", &Layer::getKernelSize, &Layer::setKernelSize,
                   "kernel_size_nd of two axes (versions 5 to 9).");
  weights_property(layer, "kernel", &Layer::getKernelWeights, &Layer::setKernelWeights,
                   "The weights.");
  weights_property(layer, "bias", &Layer::getBiasWeights, &Layer::setBiasWeights,
                   "A number for each channel, or none.");
}

/// What these and pooling share.
template <class Layer, class... Extra>
void padding_properties(nb::class_<Layer, Extra...>& layer) {
  layer
      .def_prop_rw("pre_padding", &Layer::getPrePadding, &Layer::setPrePadding,
                   "Elements added in front.")
      .def_prop_rw("post_padding", &Layer::getPostPadding, &Layer::setPostPadding,
                   "Elements added behind.")
      .def_prop_rw("padding_mode", &Layer::getPaddingMode, &Layer::setPaddingMode,
                   "How padding and the size of the result are chosen.")
      .def_prop_rw("stride_nd", &Layer::getStrideNd, &Layer::setStrideNd,
                   "How far the window moves.")
      .def_prop_rw("padding_nd", &Layer::getPaddingNd, &Layer::setPaddingNd,
                   "Elements added in front and behind.")
      .def_prop_rw("stride", &Layer::getStride, &Layer::setStride,
                   "stride_nd of two axes (versions 5 to 9).")
      .def_prop_rw("padding", &Layer::getPadding, &Layer::setPadding,
                   "padding_nd of two axes (versions 5 to 9).");
}

void bind_convolutions(nb::module_& m) {
  nb::class_<IConvolutionLayer, ILayer> convolution(
      m, "IConvolutionLayer",
      "Convolution in two or three axes; weights are [K, C / groups, ...].");
  window_properties(convolution);
  padding_properties(convolution);
  convolution.def_prop_rw("dilation", &IConvolutionLayer::getDilation,
                          &IConvolutionLayer::setDilation,
                          "dilation_nd of two axes (versions 5 to 9).");

  nb::class_<IDeconvolutionLayer, ILayer> deconvolution(
      m, "IDeconvolutionLayer", "The transpose of convolution; weights are [C, K / groups, ...].");
  window_properties(deconvolution);
  padding_properties(deconvolution);

  nb::class_<IFullyConnectedLayer, IConvolutionLayer>(
      m, "IFullyConnectedLayer", "A convolution whose window is the whole image (versions 5 to 9).")
      .def_prop_rw("num_output_channels", &IFullyConnectedLayer::getNbOutputChannels,
                   &IFullyConnectedLayer::setNbOutputChannels, "Channels of the result.");
}

void bind_pooling(nb::module_& m) {
  nb::class_<IPoolingLayer, ILayer> pooling(m, "IPoolingLayer", "One number for each window.");
  padding_properties(pooling);
  pooling
      .def_prop_rw("type", &IPoolingLayer::getPoolingType, &IPoolingLayer::setPoolingType,
                   "What is computed of a window.")
      .def_prop_rw("blend_factor", &IPoolingLayer::getBlendFactor, &IPoolingLayer::setBlendFactor,
                   "The share of the mean in MAX_AVERAGE_BLEND.")
      .def_prop_rw("average_count_excludes_padding", &IPoolingLayer::getAverageCountExcludesPadding,
                   lenient<&IPoolingLayer::setAverageCountExcludesPadding>,
                   "Whether a mean counts only elements of the input.")
      .def_prop_rw("window_size_nd", &IPoolingLayer::getWindowSizeNd,
                   &IPoolingLayer::setWindowSizeNd, "The size of the window.")
      .def_prop_rw("window_size", &IPoolingLayer::getWindowSize, &IPoolingLayer::setWindowSize,
                   "window_size_nd of two axes (versions 5 to 9).");
}

void bind_scale(nb::module_& m) {
  nb::class_<IScaleLayer, ILayer> scale(m, "IScaleLayer", "(x * scale + shift) ** power.");
  scale
      .def_prop_rw("mode", &IScaleLayer::getMode, &IScaleLayer::setMode,
                   "How many scales there are.")
      .def_prop_rw("channel_axis", &IScaleLayer::getChannelAxis, &IScaleLayer::setChannelAxis,
                   "The axis of channels.");
  weights_property(scale, "shift", &IScaleLayer::getShift, &IScaleLayer::setShift,
                   "What is added.");
  weights_property(scale, "scale", &IScaleLayer::getScale, &IScaleLayer::setScale,
                   "What is multiplied with.");
  weights_property(scale, "power", &IScaleLayer::getPower, &IScaleLayer::setPower, "The exponent.");
}

}  // namespace

void bind_filter_layers(nb::module_& m) {
  bind_convolutions(m);
  bind_pooling(m);
  bind_scale(m);
  nb::class_<ILRNLayer, ILayer>(m, "ILRNLayer", "Local response normalization across channels.")
      .def_prop_rw("window_size", &ILRNLayer::getWindowSize, &ILRNLayer::setWindowSize,
                   "How many channels are regarded.")
      .def_prop_rw("alpha", &ILRNLayer::getAlpha, &ILRNLayer::setAlpha,
                   "Scales the sum of squares.")
      .def_prop_rw("beta", &ILRNLayer::getBeta, &ILRNLayer::setBeta, "The exponent.")
      .def_prop_rw("k", &ILRNLayer::getK, &ILRNLayer::setK, "What is added to the sum.");
  nb::class_<ISoftMaxLayer, ILayer>(m, "ISoftMaxLayer", "exp(x) / sum(exp(x)) along one axis.")
      .def_prop_rw("axes", &ISoftMaxLayer::getAxes, &ISoftMaxLayer::setAxes, "The axis, as a bit.");
  nb::class_<IRaggedSoftMaxLayer, ILayer>(m, "IRaggedSoftMaxLayer",
                                          "Softmax of sequences of different lengths.");
  nb::class_<INormalizationLayer, ILayer>(m, "INormalizationLayer",
                                          "(x - mean) / deviation * scale + bias.")
      .def_prop_rw("epsilon", &INormalizationLayer::getEpsilon, &INormalizationLayer::setEpsilon,
                   "What is added to the variance.")
      .def_prop_rw("axes", &INormalizationLayer::getAxes, &INormalizationLayer::setAxes,
                   "A bit for each axis that is normalized.")
      .def_prop_rw("num_groups", &INormalizationLayer::getNbGroups,
                   &INormalizationLayer::setNbGroups, "Groups of channels, for group norm.")
      .def_prop_rw("compute_precision", &INormalizationLayer::getComputePrecision,
                   &INormalizationLayer::setComputePrecision, "The type it computes in.")
      .def_prop_ro("is_v2", &INormalizationLayer::isV2, "Whether add_normalization_v2() made it.");
}

}  // namespace trt_python
