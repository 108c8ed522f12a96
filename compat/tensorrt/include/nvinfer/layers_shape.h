// Layers that move data: concatenation, gather, shuffle, slice, resize and their kin.

#pragma once

#include "nvinfer/tensor.h"

namespace nvinfer1 {

/// Its inputs one after another along an axis.
class IConcatenationLayer : public ILayer {
 public:
  /// At first the third from the back, or 0.
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }
  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

 protected:
  virtual ~IConcatenationLayer() noexcept = default;
  apiv::VConcatenationLayer* mImpl;
};

/// What indices mean.
enum class GatherMode : int32_t {
  kDEFAULT = 0,  ///< Slices along one axis (ONNX Gather).
  kELEMENT = 1,  ///< Elements (ONNX GatherElements).
  kND = 2,       ///< Slices by tuples of indices (ONNX GatherND).
};

/// Parts of input 0 at the indices of input 1.
class IGatherLayer : public ILayer {
 public:
  void setGatherAxis(int32_t axis) noexcept { mImpl->setGatherAxis(axis); }
  int32_t getGatherAxis() const noexcept { return mImpl->getGatherAxis(); }

  /// Leading axes that data and indices share.
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

/// What indices mean.
enum class ScatterMode : int32_t {
  kELEMENT = 0,  ///< Elements along one axis (ONNX ScatterElements).
  kND = 1,       ///< Slices by tuples of indices (ONNX ScatterND).
};

/// Input 0, with input 2 written at the indices of input 1.
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

/// Zeros around the last two axes; negative sizes cut off.
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

/// Output axis i is input axis order[i].
struct Permutation {
  int32_t order[Dims::MAX_DIMS];
};

/// Transposes, reshapes, transposes again.
class IShuffleLayer : public ILayer {
 public:
  void setFirstTranspose(Permutation permutation) noexcept {
    mImpl->setFirstTranspose(permutation);
  }
  Permutation getFirstTranspose() const noexcept { return mImpl->getFirstTranspose(); }

  /// 0 takes the input's size at that axis, one -1 what is left.
  void setReshapeDimensions(Dims const& dimensions) noexcept {
    mImpl->setReshapeDimensions(dimensions);
  }
  Dims getReshapeDimensions() const noexcept { return mImpl->getReshapeDimensions(); }
  /// Input 1: the dimensions, as setReshapeDimensions().
  using ILayer::setInput;
  void setSecondTranspose(Permutation permutation) noexcept {
    mImpl->setSecondTranspose(permutation);
  }
  Permutation getSecondTranspose() const noexcept { return mImpl->getSecondTranspose(); }

  /// Whether 0 takes the input's size (true at first) or is a size.
  void setZeroIsPlaceholder(bool zeroIsPlaceholder) noexcept {
    return mImpl->setZeroIsPlaceholder(zeroIsPlaceholder);
  }
  bool getZeroIsPlaceholder() const noexcept { return mImpl->getZeroIsPlaceholder(); }

 protected:
  apiv::VShuffleLayer* mImpl;
  virtual ~IShuffleLayer() noexcept = default;
};

/// What lies outside the input.
enum class SampleMode : int32_t {
  kSTRICT_BOUNDS = 0,  ///< Nothing: an error.
  kWRAP = 1,           ///< The input again.
  kCLAMP = 2,          ///< The nearest element.
  kFILL = 3,           ///< Zero, or input 4 of ISliceLayer.
  kREFLECT = 4,        ///< The input mirrored at its last element.
  // Names of other versions.
  kDEFAULT = kSTRICT_BOUNDS,
};

/// Elements from start on, `size` of them, `stride` apart.
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
  /// Input 1: start, 2: size, 3: stride, 4: what kFILL fills with, 5: axes.
  using ILayer::setInput;

  /// The axes that start, size and stride speak of; all at first.
  void setAxes(Dims const& axes) noexcept { mImpl->setAxes(axes); }
  Dims getAxes() const noexcept { return mImpl->getAxes(); }

 protected:
  apiv::VSliceLayer* mImpl;
  virtual ~ISliceLayer() noexcept = default;
};

/// The shape of its input, a vector of INT64.
class IShapeLayer : public ILayer {
 protected:
  apiv::VShapeLayer* mImpl;
  virtual ~IShapeLayer() noexcept = default;
};

/// Leaves out axes of size 1, which input 1 tells.
class ISqueezeLayer : public ILayer {
 public:
  using ILayer::setInput;

 protected:
  apiv::VSqueezeLayer* mImpl;
  virtual ~ISqueezeLayer() noexcept = default;
};

/// Adds axes of size 1, which input 1 tells.
class IUnsqueezeLayer : public ILayer {
 public:
  using ILayer::setInput;

 protected:
  apiv::VUnsqueezeLayer* mImpl;
  virtual ~IUnsqueezeLayer() noexcept = default;
};

/// Where elements are not zero: [rank, count]; the data tells the count.
class INonZeroLayer : public ILayer {
 public:
  bool setIndicesType(DataType type) noexcept { return mImpl->setIndicesType(type); }
  DataType getIndicesType() const noexcept { return mImpl->getIndicesType(); }

 protected:
  virtual ~INonZeroLayer() noexcept = default;
  apiv::VNonZeroLayer* mImpl;
};

/// Input 1 is [off, on], input 2 the depth. The new axis is where setAxis() says.
class IOneHotLayer : public ILayer {
 public:
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }
  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

 protected:
  apiv::VOneHotLayer* mImpl;
  virtual ~IOneHotLayer() noexcept = default;
};

/// The first input[1][b] elements of each sequence backwards.
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

/// How values between elements are found.
enum class InterpolationMode : int32_t {
  kNEAREST = 0,
  kLINEAR = 1,
  kCUBIC = 2,
};

/// input [N, C, H, W] at the places of grid [N, H', W', 2], of [-1, 1] each.
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
