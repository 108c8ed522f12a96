#pragma once
// Layers that slide a window: convolution, deconvolution, pooling.
#include "layer.h"

namespace trt {

/// What the three have in common.
struct Window {
  Ints kernel, strides, dilations, pads_lo, pads_hi;
  bool round_up = false;
};
Window window_of(const Emit& e, Handle x, const Dims& kernel, const Dims& stride,
                 const Dims& dilation, const Dims& pre, const Dims& post, PaddingMode mode);

#define TRT_WINDOW(KernelName)                                                             \
  TRT_DIMS(PrePadding, pre)                                                                \
  TRT_DIMS(PostPadding, post)                                                              \
  TRT_PARAMETER(PaddingMode, PaddingMode, padding_mode, PaddingMode::kEXPLICIT_ROUND_DOWN) \
  TRT_DIMS(KernelName, kernel_size)                                                        \
  TRT_DIMS(StrideNd, stride)                                                               \
  void setPaddingNd(Dims const& padding) noexcept override {                               \
    pre = post = padding;                                                                  \
    touch();                                                                               \
  }                                                                                        \
  Dims getPaddingNd() const noexcept override {                                            \
    return pre;                                                                            \
  }

/// IFullyConnectedLayer adds names alone, so that addFullyConnected() gives what it says.
class Convolution : public LayerOf<IFullyConnectedLayer, apiv::VConvolutionLayer> {
 public:
  explicit Convolution(Network& net) : LayerOf(net, LayerType::kCONVOLUTION) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 3; }
  TRT_PARAMETER(int64_t, NbOutputMaps, maps, 0)
  TRT_PARAMETER(int64_t, NbGroups, groups, 1)
  TRT_PARAMETER(Weights, KernelWeights, kernel, {})
  TRT_PARAMETER(Weights, BiasWeights, bias, {})
  TRT_WINDOW(KernelSizeNd)
  TRT_DIMS(DilationNd, dilation)
};

class Deconvolution : public LayerOf<IDeconvolutionLayer, apiv::VDeconvolutionLayer> {
 public:
  explicit Deconvolution(Network& net) : LayerOf(net, LayerType::kDECONVOLUTION) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 3; }
  TRT_PARAMETER(int64_t, NbOutputMaps, maps, 0)
  TRT_PARAMETER(int64_t, NbGroups, groups, 1)
  TRT_PARAMETER(Weights, KernelWeights, kernel, {})
  TRT_PARAMETER(Weights, BiasWeights, bias, {})
  TRT_WINDOW(KernelSizeNd)
  TRT_DIMS(DilationNd, dilation)
};

class Pooling : public LayerOf<IPoolingLayer, apiv::VPoolingLayer> {
 public:
  explicit Pooling(Network& net) : LayerOf(net, LayerType::kPOOLING) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(PoolingType, PoolingType, type, PoolingType::kMAX)
  TRT_PARAMETER(float, BlendFactor, blend, 0)
  TRT_PARAMETER(bool, AverageCountExcludesPadding, excludes_padding, true)
  TRT_WINDOW(WindowSizeNd)
};

}  // namespace trt
