// Layers that slide a window or normalize: convolution, pooling, LRN, scale, softmax.

#pragma once

#include "nvinfer/tensor.h"

namespace nvinfer1 {

/// How pooling and convolution choose their padding and the size of their output.
enum class PaddingMode : int32_t {
  kEXPLICIT_ROUND_DOWN = 0,  ///< As set; the last window fits entirely.
  kEXPLICIT_ROUND_UP = 1,    ///< As set; the last window may reach beyond.
  kSAME_UPPER =
      2,  ///< Output is input / stride, rounded up; an odd element of padding lies behind.
  kSAME_LOWER = 3,  ///< As kSAME_UPPER, with the odd element in front.
// Names of other versions.
#if CARNOT_TENSORRT_SOURCE < 10
  kCAFFE_ROUND_DOWN = 4,  // programs of then switch over all six; see carnotTrtPaddingMode()
  kCAFFE_ROUND_UP = 5,
#else
  kCAFFE_ROUND_DOWN = kEXPLICIT_ROUND_DOWN,
  kCAFFE_ROUND_UP = kEXPLICIT_ROUND_UP,
#endif
};

/// The mode that libraries know for one that programs name.
inline PaddingMode carnotTrtPaddingMode(PaddingMode mode) noexcept {
#if CARNOT_TENSORRT_SOURCE < 10
  if (mode == PaddingMode::kCAFFE_ROUND_DOWN) return PaddingMode::kEXPLICIT_ROUND_DOWN;
  if (mode == PaddingMode::kCAFFE_ROUND_UP) return PaddingMode::kEXPLICIT_ROUND_UP;
#endif
  return mode;
}

/// input [N, C, D..] -> [N, K, D'..] in two or three axes. Weights are [K, C / groups,
/// window..].
class IConvolutionLayer : public ILayer {
 public:
  void setNbOutputMaps(int64_t nbOutputMaps) noexcept { mImpl->setNbOutputMaps(nbOutputMaps); }
  int64_t getNbOutputMaps() const noexcept { return mImpl->getNbOutputMaps(); }
  void setNbGroups(int64_t nbGroups) noexcept { mImpl->setNbGroups(nbGroups); }
  int64_t getNbGroups() const noexcept { return mImpl->getNbGroups(); }

  /// Empty where input 1 has them.
  void setKernelWeights(Weights weights) noexcept { mImpl->setKernelWeights(weights); }
  Weights getKernelWeights() const noexcept { return mImpl->getKernelWeights(); }

  /// [K], or empty.
  void setBiasWeights(Weights weights) noexcept { mImpl->setBiasWeights(weights); }
  Weights getBiasWeights() const noexcept { return mImpl->getBiasWeights(); }
  void setPrePadding(Dims const& padding) noexcept { mImpl->setPrePadding(padding); }
  Dims getPrePadding() const noexcept { return mImpl->getPrePadding(); }
  void setPostPadding(Dims const& padding) noexcept { mImpl->setPostPadding(padding); }
  Dims getPostPadding() const noexcept { return mImpl->getPostPadding(); }
  void setPaddingMode(PaddingMode paddingMode) noexcept {
    mImpl->setPaddingMode(carnotTrtPaddingMode(paddingMode));
  }
  PaddingMode getPaddingMode() const noexcept { return mImpl->getPaddingMode(); }
  void setKernelSizeNd(Dims const& kernelSize) noexcept { mImpl->setKernelSizeNd(kernelSize); }
  Dims getKernelSizeNd() const noexcept { return mImpl->getKernelSizeNd(); }
  void setStrideNd(Dims const& stride) noexcept { mImpl->setStrideNd(stride); }
  Dims getStrideNd() const noexcept { return mImpl->getStrideNd(); }

  /// The same in front and behind.
  void setPaddingNd(Dims const& padding) noexcept { mImpl->setPaddingNd(padding); }
  Dims getPaddingNd() const noexcept { return mImpl->getPaddingNd(); }
  void setDilationNd(Dims const& dilation) noexcept { mImpl->setDilationNd(dilation); }
  Dims getDilationNd() const noexcept { return mImpl->getDilationNd(); }
  /// Input 1: the weights, input 2: the bias.
  using ILayer::setInput;

  // Calls of other versions: members that no table holds.
  void setKernelSize(DimsHW kernelSize) noexcept { setKernelSizeNd(kernelSize); }
  DimsHW getKernelSize() const noexcept { return carnotTrtToHW(getKernelSizeNd()); }
  void setStride(DimsHW stride) noexcept { setStrideNd(stride); }
  DimsHW getStride() const noexcept { return carnotTrtToHW(getStrideNd()); }
  void setPadding(DimsHW padding) noexcept { setPaddingNd(padding); }
  DimsHW getPadding() const noexcept { return carnotTrtToHW(getPaddingNd()); }
  void setDilation(DimsHW dilation) noexcept { setDilationNd(dilation); }
  DimsHW getDilation() const noexcept { return carnotTrtToHW(getDilationNd()); }

 protected:
  virtual ~IConvolutionLayer() noexcept = default;
  apiv::VConvolutionLayer* mImpl;
};

/// The transposed convolution. Weights are [C, K / groups, window..]; padding is cut off the
/// output.
class IDeconvolutionLayer : public ILayer {
 public:
  void setNbOutputMaps(int64_t nbOutputMaps) noexcept { mImpl->setNbOutputMaps(nbOutputMaps); }
  int64_t getNbOutputMaps() const noexcept { return mImpl->getNbOutputMaps(); }
  void setNbGroups(int64_t nbGroups) noexcept { mImpl->setNbGroups(nbGroups); }
  int64_t getNbGroups() const noexcept { return mImpl->getNbGroups(); }
  void setKernelWeights(Weights weights) noexcept { mImpl->setKernelWeights(weights); }
  Weights getKernelWeights() const noexcept { return mImpl->getKernelWeights(); }
  void setBiasWeights(Weights weights) noexcept { mImpl->setBiasWeights(weights); }
  Weights getBiasWeights() const noexcept { return mImpl->getBiasWeights(); }
  void setPrePadding(Dims const& padding) noexcept { mImpl->setPrePadding(padding); }
  Dims getPrePadding() const noexcept { return mImpl->getPrePadding(); }
  void setPostPadding(Dims const& padding) noexcept { mImpl->setPostPadding(padding); }
  Dims getPostPadding() const noexcept { return mImpl->getPostPadding(); }
  void setPaddingMode(PaddingMode paddingMode) noexcept {
    mImpl->setPaddingMode(carnotTrtPaddingMode(paddingMode));
  }
  PaddingMode getPaddingMode() const noexcept { return mImpl->getPaddingMode(); }
  void setKernelSizeNd(Dims const& kernelSize) noexcept { mImpl->setKernelSizeNd(kernelSize); }
  Dims getKernelSizeNd() const noexcept { return mImpl->getKernelSizeNd(); }
  void setStrideNd(Dims const& stride) noexcept { mImpl->setStrideNd(stride); }
  Dims getStrideNd() const noexcept { return mImpl->getStrideNd(); }
  void setPaddingNd(Dims const& padding) noexcept { mImpl->setPaddingNd(padding); }
  Dims getPaddingNd() const noexcept { return mImpl->getPaddingNd(); }
  /// Input 1: the weights, input 2: the bias.
  using ILayer::setInput;
  void setDilationNd(Dims const& dilation) noexcept { mImpl->setDilationNd(dilation); }
  Dims getDilationNd() const noexcept { return mImpl->getDilationNd(); }

  // Calls of other versions: members that no table holds.
  void setKernelSize(DimsHW kernelSize) noexcept { setKernelSizeNd(kernelSize); }
  DimsHW getKernelSize() const noexcept { return carnotTrtToHW(getKernelSizeNd()); }
  void setStride(DimsHW stride) noexcept { setStrideNd(stride); }
  DimsHW getStride() const noexcept { return carnotTrtToHW(getStrideNd()); }
  void setPadding(DimsHW padding) noexcept { setPaddingNd(padding); }
  DimsHW getPadding() const noexcept { return carnotTrtToHW(getPaddingNd()); }

 protected:
  virtual ~IDeconvolutionLayer() noexcept = default;
  apiv::VDeconvolutionLayer* mImpl;
};

/// Functions of one value; alpha and beta are IActivationLayer's.
enum class ActivationType : int32_t {
  kRELU = 0,               ///< max(0, x)
  kSIGMOID = 1,            ///< 1 / (1 + exp(-x))
  kTANH = 2,               ///< tanh(x)
  kLEAKY_RELU = 3,         ///< x, alpha x where negative
  kELU = 4,                ///< x, alpha (exp(x) - 1) where negative
  kSELU = 5,               ///< beta x, beta (alpha exp(x) - alpha) where negative
  kSOFTSIGN = 6,           ///< x / (1 + |x|)
  kSOFTPLUS = 7,           ///< alpha log(exp(beta x) + 1)
  kCLIP = 8,               ///< max(alpha, min(beta, x))
  kHARD_SIGMOID = 9,       ///< max(0, min(1, alpha x + beta))
  kSCALED_TANH = 10,       ///< alpha tanh(beta x)
  kTHRESHOLDED_RELU = 11,  ///< x above alpha, else 0
  kGELU_ERF = 12,          ///< x / 2 (1 + erf(x / sqrt(2)))
  kGELU_TANH = 13,         ///< kGELU_ERF approximated by tanh
};

/// A function of each element.
class IActivationLayer : public ILayer {
 public:
  void setActivationType(ActivationType type) noexcept { mImpl->setActivationType(type); }
  ActivationType getActivationType() const noexcept { return mImpl->getActivationType(); }
  void setAlpha(float alpha) noexcept { mImpl->setAlpha(alpha); }
  void setBeta(float beta) noexcept { mImpl->setBeta(beta); }
  float getAlpha() const noexcept { return mImpl->getAlpha(); }
  float getBeta() const noexcept { return mImpl->getBeta(); }

 protected:
  virtual ~IActivationLayer() noexcept = default;
  apiv::VActivationLayer* mImpl;
};

/// What is taken of a window.
enum class PoolingType : int32_t {
  kMAX = 0,
  kAVERAGE = 1,
  kMAX_AVERAGE_BLEND = 2,
};

/// input [N, C, D..] -> [N, C, D'..] in two or three axes.
class IPoolingLayer : public ILayer {
 public:
  void setPoolingType(PoolingType type) noexcept { mImpl->setPoolingType(type); }
  PoolingType getPoolingType() const noexcept { return mImpl->getPoolingType(); }

  /// f of f average + (1 - f) maximum, for kMAX_AVERAGE_BLEND.
  void setBlendFactor(float blendFactor) noexcept { mImpl->setBlendFactor(blendFactor); }
  float getBlendFactor() const noexcept { return mImpl->getBlendFactor(); }

  /// Whether averages count elements of the input only; true at first.
  void setAverageCountExcludesPadding(bool exclusive) noexcept {
    mImpl->setAverageCountExcludesPadding(exclusive);
  }
  bool getAverageCountExcludesPadding() const noexcept {
    return mImpl->getAverageCountExcludesPadding();
  }
  void setPrePadding(Dims const& padding) noexcept { mImpl->setPrePadding(padding); }
  Dims getPrePadding() const noexcept { return mImpl->getPrePadding(); }
  void setPostPadding(Dims const& padding) noexcept { mImpl->setPostPadding(padding); }
  Dims getPostPadding() const noexcept { return mImpl->getPostPadding(); }
  void setPaddingMode(PaddingMode paddingMode) noexcept {
    mImpl->setPaddingMode(carnotTrtPaddingMode(paddingMode));
  }
  PaddingMode getPaddingMode() const noexcept { return mImpl->getPaddingMode(); }
  void setWindowSizeNd(Dims const& windowSize) noexcept { mImpl->setWindowSizeNd(windowSize); }
  Dims getWindowSizeNd() const noexcept { return mImpl->getWindowSizeNd(); }
  void setStrideNd(Dims const& stride) noexcept { mImpl->setStrideNd(stride); }
  Dims getStrideNd() const noexcept { return mImpl->getStrideNd(); }
  void setPaddingNd(Dims const& padding) noexcept { mImpl->setPaddingNd(padding); }
  Dims getPaddingNd() const noexcept { return mImpl->getPaddingNd(); }

  // Calls of other versions: members that no table holds.
  void setWindowSize(DimsHW windowSize) noexcept { setWindowSizeNd(windowSize); }
  DimsHW getWindowSize() const noexcept { return carnotTrtToHW(getWindowSizeNd()); }
  void setStride(DimsHW stride) noexcept { setStrideNd(stride); }
  DimsHW getStride() const noexcept { return carnotTrtToHW(getStrideNd()); }
  void setPadding(DimsHW padding) noexcept { setPaddingNd(padding); }
  DimsHW getPadding() const noexcept { return carnotTrtToHW(getPaddingNd()); }

 protected:
  virtual ~IPoolingLayer() noexcept = default;
  apiv::VPoolingLayer* mImpl;
};

/// Local response normalization across channels: x / (k + alpha / n sum x^2)^beta.
class ILRNLayer : public ILayer {
 public:
  /// Channels in a sum, odd.
  void setWindowSize(int64_t windowSize) noexcept { mImpl->setWindowSize(windowSize); }
  int64_t getWindowSize() const noexcept { return mImpl->getWindowSize(); }
  void setAlpha(float alpha) noexcept { mImpl->setAlpha(alpha); }
  float getAlpha() const noexcept { return mImpl->getAlpha(); }
  void setBeta(float beta) noexcept { mImpl->setBeta(beta); }
  float getBeta() const noexcept { return mImpl->getBeta(); }
  void setK(float k) noexcept { mImpl->setK(k); }
  float getK() const noexcept { return mImpl->getK(); }

 protected:
  virtual ~ILRNLayer() noexcept = default;
  apiv::VLRNLayer* mImpl;
};

/// What has its own factors.
enum class ScaleMode : int32_t {
  kUNIFORM = 0,
  kCHANNEL = 1,
  kELEMENTWISE = 2,
};

/// (x scale + shift)^power. Empty weights are 1, 0 and 1.
class IScaleLayer : public ILayer {
 public:
  void setMode(ScaleMode mode) noexcept { mImpl->setMode(mode); }
  ScaleMode getMode() const noexcept { return mImpl->getMode(); }
  void setShift(Weights shift) noexcept { mImpl->setShift(shift); }
  Weights getShift() const noexcept { return mImpl->getShift(); }
  void setScale(Weights scale) noexcept { mImpl->setScale(scale); }
  Weights getScale() const noexcept { return mImpl->getScale(); }
  void setPower(Weights power) noexcept { mImpl->setPower(power); }
  Weights getPower() const noexcept { return mImpl->getPower(); }
  int32_t getChannelAxis() const noexcept { return mImpl->getChannelAxis(); }

  /// The axis of kCHANNEL; 1 as a rule.
  void setChannelAxis(int32_t channelAxis) noexcept { mImpl->setChannelAxis(channelAxis); }

 protected:
  virtual ~IScaleLayer() noexcept = default;
  apiv::VScaleLayer* mImpl;
};

/// Softmax along one axis.
class ISoftMaxLayer : public ILayer {
 public:
  /// One bit, 1 << axis.
  void setAxes(uint32_t axes) noexcept { mImpl->setAxes(axes); }
  uint32_t getAxes() const noexcept { return mImpl->getAxes(); }

 protected:
  virtual ~ISoftMaxLayer() noexcept = default;
  apiv::VSoftMaxLayer* mImpl;
};

/// Softmax of the first elements of each row; input 1 tells how many. The rest is 0.
class IRaggedSoftMaxLayer : public ILayer {
 protected:
  apiv::VRaggedSoftMaxLayer* mImpl;
  virtual ~IRaggedSoftMaxLayer() noexcept = default;
};

/// x, slope x where negative. Input 1 is the slope, which is broadcast.
class IParametricReLULayer : public ILayer {
 protected:
  apiv::VParametricReLULayer* mImpl;
  virtual ~IParametricReLULayer() noexcept = default;
};

/// (x - mean) / sqrt(variance + epsilon) scale + bias, over axes or groups of channels.
class INormalizationLayer : public ILayer {
 public:
  void setEpsilon(float eps) noexcept { return mImpl->setEpsilon(eps); }
  float getEpsilon() const noexcept { return mImpl->getEpsilon(); }

  /// A bit for each axis that mean and variance are taken over.
  void setAxes(uint32_t axesMask) noexcept { return mImpl->setAxes(axesMask); }
  uint32_t getAxes() const noexcept { return mImpl->getAxes(); }

  /// More than 1: over groups of channels.
  void setNbGroups(int64_t nbGroups) noexcept { return mImpl->setNbGroups(nbGroups); }
  int64_t getNbGroups() const noexcept { return mImpl->getNbGroups(); }

  /// kFLOAT or kHALF; statistics are always taken in f32 here.
  void setComputePrecision(DataType type) noexcept { return mImpl->setComputePrecision(type); }
  DataType getComputePrecision() const noexcept { return mImpl->getComputePrecision(); }

  /// Whether addNormalizationV2() made it: scale and bias have the shape of the axes.
  TRT_NODISCARD bool isV2() const noexcept { return mImpl->isV2(); }

 protected:
  apiv::VNormalizationLayer* mImpl;
  virtual ~INormalizationLayer() noexcept = default;
};

}  // namespace nvinfer1

namespace nvinfer1 {

/// A convolution whose window is the whole image (versions 5 to 9). getType() tells kCONVOLUTION.
class IFullyConnectedLayer : public IConvolutionLayer {
 public:
  void setNbOutputChannels(int64_t nbOutputs) noexcept { setNbOutputMaps(nbOutputs); }
  int64_t getNbOutputChannels() const noexcept { return getNbOutputMaps(); }

 protected:
  ~IFullyConnectedLayer() noexcept override = default;
};

}  // namespace nvinfer1
