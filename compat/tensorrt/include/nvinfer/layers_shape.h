// Layers that move data: concatenation, gather, shuffle, slice, resize and their kin.

#pragma once

#include "nvinfer/tensor.h"

namespace nvinfer1 {

class IConcatenationLayer : public ILayer {
 public:
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }

  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

 protected:
  virtual ~IConcatenationLayer() noexcept = default;
  apiv::VConcatenationLayer* mImpl;
};

enum class GatherMode : int32_t {
  kDEFAULT = 0,
  kELEMENT = 1,
  kND = 2,
};

class IGatherLayer : public ILayer {
 public:
  void setGatherAxis(int32_t axis) noexcept { mImpl->setGatherAxis(axis); }

  int32_t getGatherAxis() const noexcept { return mImpl->getGatherAxis(); }

  void setNbElementWiseDims(int32_t elementWiseDims) noexcept {
    mImpl->setNbElementWiseDims(elementWiseDims);
  }

  int32_t getNbElementWiseDims() const noexcept { return mImpl->getNbElementWiseDims(); }

  void setMode(GatherMode mode) noexcept { mImpl->setMode(mode); }

  GatherMode getMode() const noexcept { return mImpl->getMode(); }

 protected:
  apiv::VGatherLayer* mImpl;
  virtual ~IGatherLayer() noexcept = default;
};

enum class ScatterMode : int32_t {
  kELEMENT = 0,
  kND = 1,
};

class IScatterLayer : public ILayer {
 public:
  void setMode(ScatterMode mode) noexcept { mImpl->setMode(mode); }

  ScatterMode getMode() const noexcept { return mImpl->getMode(); }

  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }

  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

 protected:
  apiv::VScatterLayer* mImpl;
  virtual ~IScatterLayer() noexcept = default;
};

class IPaddingLayer : public ILayer {
 public:
  void setPrePaddingNd(Dims const& padding) noexcept { mImpl->setPrePaddingNd(padding); }

  Dims getPrePaddingNd() const noexcept { return mImpl->getPrePaddingNd(); }

  void setPostPaddingNd(Dims const& padding) noexcept { mImpl->setPostPaddingNd(padding); }

  Dims getPostPaddingNd() const noexcept { return mImpl->getPostPaddingNd(); }

  // Calls of other versions: members that no table holds.
  void setPrePadding(DimsHW padding) noexcept { setPrePaddingNd(padding); }
  DimsHW getPrePadding() const noexcept { return carnotTrtToHW(getPrePaddingNd()); }
  void setPostPadding(DimsHW padding) noexcept { setPostPaddingNd(padding); }
  DimsHW getPostPadding() const noexcept { return carnotTrtToHW(getPostPaddingNd()); }

 protected:
  apiv::VPaddingLayer* mImpl;
  virtual ~IPaddingLayer() noexcept = default;
};

struct Permutation {
  int32_t order[Dims::MAX_DIMS];
};

class IShuffleLayer : public ILayer {
 public:
  void setFirstTranspose(Permutation permutation) noexcept {
    mImpl->setFirstTranspose(permutation);
  }

  Permutation getFirstTranspose() const noexcept { return mImpl->getFirstTranspose(); }

  void setReshapeDimensions(Dims const& dimensions) noexcept {
    mImpl->setReshapeDimensions(dimensions);
  }

  Dims getReshapeDimensions() const noexcept { return mImpl->getReshapeDimensions(); }
  using ILayer::setInput;

  void setSecondTranspose(Permutation permutation) noexcept {
    mImpl->setSecondTranspose(permutation);
  }

  Permutation getSecondTranspose() const noexcept { return mImpl->getSecondTranspose(); }

  void setZeroIsPlaceholder(bool zeroIsPlaceholder) noexcept {
    return mImpl->setZeroIsPlaceholder(zeroIsPlaceholder);
  }

  bool getZeroIsPlaceholder() const noexcept { return mImpl->getZeroIsPlaceholder(); }

 protected:
  apiv::VShuffleLayer* mImpl;
  virtual ~IShuffleLayer() noexcept = default;
};

enum class SampleMode : int32_t {
  kSTRICT_BOUNDS = 0,
  kWRAP = 1,
  kCLAMP = 2,
  kFILL = 3,
  kREFLECT = 4,
  // Names of other versions.
  kDEFAULT = kSTRICT_BOUNDS,
};

class ISliceLayer : public ILayer {
 public:
  void setStart(Dims const& start) noexcept { mImpl->setStart(start); }

  Dims getStart() const noexcept { return mImpl->getStart(); }

  void setSize(Dims const& size) noexcept { return mImpl->setSize(size); }

  Dims getSize() const noexcept { return mImpl->getSize(); }

  void setStride(Dims const& stride) noexcept { mImpl->setStride(stride); }

  Dims getStride() const noexcept { return mImpl->getStride(); }

  void setMode(SampleMode mode) noexcept { mImpl->setMode(mode); }

  SampleMode getMode() const noexcept { return mImpl->getMode(); }
  using ILayer::setInput;

  void setAxes(Dims const& axes) noexcept { mImpl->setAxes(axes); }

  Dims getAxes() const noexcept { return mImpl->getAxes(); }

 protected:
  apiv::VSliceLayer* mImpl;
  virtual ~ISliceLayer() noexcept = default;
};

class IShapeLayer : public ILayer {
 protected:
  apiv::VShapeLayer* mImpl;
  virtual ~IShapeLayer() noexcept = default;
};

class ISqueezeLayer : public ILayer {
 public:
  using ILayer::setInput;

 protected:
  apiv::VSqueezeLayer* mImpl;
  virtual ~ISqueezeLayer() noexcept = default;
};

class IUnsqueezeLayer : public ILayer {
 public:
  using ILayer::setInput;

 protected:
  apiv::VUnsqueezeLayer* mImpl;
  virtual ~IUnsqueezeLayer() noexcept = default;
};

class INonZeroLayer : public ILayer {
 public:
  bool setIndicesType(DataType type) noexcept { return mImpl->setIndicesType(type); }

  DataType getIndicesType() const noexcept { return mImpl->getIndicesType(); }

 protected:
  virtual ~INonZeroLayer() noexcept = default;
  apiv::VNonZeroLayer* mImpl;
};

class IOneHotLayer : public ILayer {
 public:
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }

  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

 protected:
  apiv::VOneHotLayer* mImpl;
  virtual ~IOneHotLayer() noexcept = default;
};

class IReverseSequenceLayer : public ILayer {
 public:
  void setBatchAxis(int32_t batchAxis) noexcept { mImpl->setBatchAxis(batchAxis); }

  int32_t getBatchAxis() const noexcept { return mImpl->getBatchAxis(); }

  void setSequenceAxis(int32_t sequenceAxis) noexcept { mImpl->setSequenceAxis(sequenceAxis); }

  int32_t getSequenceAxis() const noexcept { return mImpl->getSequenceAxis(); }

 protected:
  apiv::VReverseSequenceLayer* mImpl;
  virtual ~IReverseSequenceLayer() noexcept = default;
};

enum class InterpolationMode : int32_t {
  kNEAREST = 0,
  kLINEAR = 1,
  kCUBIC = 2,
};

class IGridSampleLayer : public ILayer {
 public:
  void setInterpolationMode(InterpolationMode mode) noexcept { mImpl->setInterpolationMode(mode); }

  InterpolationMode getInterpolationMode() const noexcept { return mImpl->getInterpolationMode(); }

  void setAlignCorners(bool alignCorners) noexcept { mImpl->setAlignCorners(alignCorners); }

  bool getAlignCorners() const noexcept { return mImpl->getAlignCorners(); }

  bool setSampleMode(SampleMode mode) noexcept { return mImpl->setSampleMode(mode); }

  SampleMode getSampleMode() const noexcept { return mImpl->getSampleMode(); }

 protected:
  apiv::VGridSampleLayer* mImpl;
  virtual ~IGridSampleLayer() noexcept = default;
};

}  // namespace nvinfer1
