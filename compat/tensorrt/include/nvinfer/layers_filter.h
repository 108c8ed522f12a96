// Layers that slide a window or normalize: convolution, pooling, LRN, scale, softmax.

#pragma once

#include "nvinfer/tensor.h"

namespace nvinfer1 {

enum class PaddingMode : int32_t {
  kEXPLICIT_ROUND_DOWN = 0,
  kEXPLICIT_ROUND_UP = 1,
  kSAME_UPPER = 2,
  kSAME_LOWER = 3,
  // Names of other versions.
  kCAFFE_ROUND_DOWN = kEXPLICIT_ROUND_DOWN,
  kCAFFE_ROUND_UP = kEXPLICIT_ROUND_UP,
};

class IConvolutionLayer : public ILayer {
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

  void setPaddingMode(PaddingMode paddingMode) noexcept { mImpl->setPaddingMode(paddingMode); }

  PaddingMode getPaddingMode() const noexcept { return mImpl->getPaddingMode(); }

  void setKernelSizeNd(Dims const& kernelSize) noexcept { mImpl->setKernelSizeNd(kernelSize); }

  Dims getKernelSizeNd() const noexcept { return mImpl->getKernelSizeNd(); }

  void setStrideNd(Dims const& stride) noexcept { mImpl->setStrideNd(stride); }

  Dims getStrideNd() const noexcept { return mImpl->getStrideNd(); }

  void setPaddingNd(Dims const& padding) noexcept { mImpl->setPaddingNd(padding); }

  Dims getPaddingNd() const noexcept { return mImpl->getPaddingNd(); }

  void setDilationNd(Dims const& dilation) noexcept { mImpl->setDilationNd(dilation); }

  Dims getDilationNd() const noexcept { return mImpl->getDilationNd(); }
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
  void setNbOutputChannels(int64_t nbOutputs) noexcept { setNbOutputMaps(nbOutputs); }
  int64_t getNbOutputChannels() const noexcept { return getNbOutputMaps(); }

 protected:
  virtual ~IConvolutionLayer() noexcept = default;
  apiv::VConvolutionLayer* mImpl;
};

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

  void setPaddingMode(PaddingMode paddingMode) noexcept { mImpl->setPaddingMode(paddingMode); }

  PaddingMode getPaddingMode() const noexcept { return mImpl->getPaddingMode(); }

  void setKernelSizeNd(Dims const& kernelSize) noexcept { mImpl->setKernelSizeNd(kernelSize); }

  Dims getKernelSizeNd() const noexcept { return mImpl->getKernelSizeNd(); }

  void setStrideNd(Dims const& stride) noexcept { mImpl->setStrideNd(stride); }

  Dims getStrideNd() const noexcept { return mImpl->getStrideNd(); }

  void setPaddingNd(Dims const& padding) noexcept { mImpl->setPaddingNd(padding); }

  Dims getPaddingNd() const noexcept { return mImpl->getPaddingNd(); }
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

enum class ActivationType : int32_t {
  kRELU = 0,
  kSIGMOID = 1,
  kTANH = 2,
  kLEAKY_RELU = 3,
  kELU = 4,
  kSELU = 5,
  kSOFTSIGN = 6,
  kSOFTPLUS = 7,
  kCLIP = 8,
  kHARD_SIGMOID = 9,
  kSCALED_TANH = 10,
  kTHRESHOLDED_RELU = 11,
  kGELU_ERF = 12,
  kGELU_TANH = 13,
};

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

enum class PoolingType : int32_t {
  kMAX = 0,
  kAVERAGE = 1,
  kMAX_AVERAGE_BLEND = 2,
};

class IPoolingLayer : public ILayer {
 public:
  void setPoolingType(PoolingType type) noexcept { mImpl->setPoolingType(type); }

  PoolingType getPoolingType() const noexcept { return mImpl->getPoolingType(); }

  void setBlendFactor(float blendFactor) noexcept { mImpl->setBlendFactor(blendFactor); }

  float getBlendFactor() const noexcept { return mImpl->getBlendFactor(); }

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

  void setPaddingMode(PaddingMode paddingMode) noexcept { mImpl->setPaddingMode(paddingMode); }

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

class ILRNLayer : public ILayer {
 public:
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

enum class ScaleMode : int32_t {
  kUNIFORM = 0,
  kCHANNEL = 1,
  kELEMENTWISE = 2,
};

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

  void setChannelAxis(int32_t channelAxis) noexcept { mImpl->setChannelAxis(channelAxis); }

 protected:
  virtual ~IScaleLayer() noexcept = default;
  apiv::VScaleLayer* mImpl;
};

class ISoftMaxLayer : public ILayer {
 public:
  void setAxes(uint32_t axes) noexcept { mImpl->setAxes(axes); }

  uint32_t getAxes() const noexcept { return mImpl->getAxes(); }

 protected:
  virtual ~ISoftMaxLayer() noexcept = default;
  apiv::VSoftMaxLayer* mImpl;
};

class IRaggedSoftMaxLayer : public ILayer {
 protected:
  apiv::VRaggedSoftMaxLayer* mImpl;
  virtual ~IRaggedSoftMaxLayer() noexcept = default;
};

class IParametricReLULayer : public ILayer {
 protected:
  apiv::VParametricReLULayer* mImpl;
  virtual ~IParametricReLULayer() noexcept = default;
};

class INormalizationLayer : public ILayer {
 public:
  void setEpsilon(float eps) noexcept { return mImpl->setEpsilon(eps); }

  float getEpsilon() const noexcept { return mImpl->getEpsilon(); }

  void setAxes(uint32_t axesMask) noexcept { return mImpl->setAxes(axesMask); }

  uint32_t getAxes() const noexcept { return mImpl->getAxes(); }

  void setNbGroups(int64_t nbGroups) noexcept { return mImpl->setNbGroups(nbGroups); }

  int64_t getNbGroups() const noexcept { return mImpl->getNbGroups(); }

  void setComputePrecision(DataType type) noexcept { return mImpl->setComputePrecision(type); }

  DataType getComputePrecision() const noexcept { return mImpl->getComputePrecision(); }

  TRT_NODISCARD bool isV2() const noexcept { return mImpl->isV2(); }

 protected:
  apiv::VNormalizationLayer* mImpl;
  virtual ~INormalizationLayer() noexcept = default;
};

}  // namespace nvinfer1
