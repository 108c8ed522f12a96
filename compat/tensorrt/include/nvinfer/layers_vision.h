// Resizing of images, non-maximum suppression, and the layers of plugins.

#pragma once

#include "nvinfer/layers_shape.h"

namespace nvinfer1 {

/// Where an output element lies in the input.
enum class ResizeCoordinateTransformation : int32_t {
  kALIGN_CORNERS = 0,  ///< The outermost elements coincide.
  kASYMMETRIC = 1,     ///< position / scale
  kHALF_PIXEL = 2,     ///< (position + 1/2) / scale - 1/2
};

/// The place of an only element: by the formula, or 0.
enum class ResizeSelector : int32_t {
  kFORMULA = 0,
  kUPPER = 1,
};

/// How kNEAREST rounds a place.
enum class ResizeRoundMode : int32_t {
  kHALF_UP = 0,
  kHALF_DOWN = 1,
  kFLOOR = 2,
  kCEIL = 3,
};

/// Its input at another size.
class IResizeLayer : public ILayer {
 public:
  void setOutputDimensions(Dims const& dimensions) noexcept {
    return mImpl->setOutputDimensions(dimensions);
  }
  Dims getOutputDimensions() const noexcept { return mImpl->getOutputDimensions(); }

  /// A factor for each axis; instead of setOutputDimensions().
  void setScales(float const* scales, int32_t nbScales) noexcept {
    mImpl->setScales(scales, nbScales);
  }

  /// Their number; up to `size` are written where `scales` is not null. -1 where they are not
  /// set.
  int32_t getScales(int32_t size, float* scales) const noexcept {
    return mImpl->getScales(size, scales);
  }
  void setResizeMode(InterpolationMode interpolationMode) noexcept {
    mImpl->setResizeMode(interpolationMode);
  }
  InterpolationMode getResizeMode() const noexcept { return mImpl->getResizeMode(); }
  /// Input 1: the dimensions.
  using ILayer::setInput;
  void setCoordinateTransformation(ResizeCoordinateTransformation coordTransform) noexcept {
    mImpl->setCoordinateTransformation(coordTransform);
  }
  ResizeCoordinateTransformation getCoordinateTransformation() const noexcept {
    return mImpl->getCoordinateTransformation();
  }
  void setSelectorForSinglePixel(ResizeSelector selector) noexcept {
    mImpl->setSelectorForSinglePixel(selector);
  }
  ResizeSelector getSelectorForSinglePixel() const noexcept {
    return mImpl->getSelectorForSinglePixel();
  }
  void setNearestRounding(ResizeRoundMode value) noexcept { mImpl->setNearestRounding(value); }
  ResizeRoundMode getNearestRounding() const noexcept { return mImpl->getNearestRounding(); }

  /// a of the cubic kernel; -0.75 at first.
  void setCubicCoeff(float A) noexcept { mImpl->setCubicCoeff(A); }
  float getCubicCoeff() const noexcept { return mImpl->getCubicCoeff(); }

  /// Whether weights outside the input count as 0.
  void setExcludeOutside(bool excludeFlag) noexcept { mImpl->setExcludeOutside(excludeFlag); }
  bool getExcludeOutside() const noexcept { return mImpl->getExcludeOutside(); }

  // Calls of other versions: members that no table holds.
  /// Chooses kALIGN_CORNERS, or kASYMMETRIC where false.
  void setAlignCorners(bool alignCorners) noexcept {
    setCoordinateTransformation(alignCorners ? ResizeCoordinateTransformation::kALIGN_CORNERS
                                             : ResizeCoordinateTransformation::kASYMMETRIC);
  }
  bool getAlignCorners() const noexcept {
    return getCoordinateTransformation() == ResizeCoordinateTransformation::kALIGN_CORNERS;
  }

 protected:
  virtual ~IResizeLayer() noexcept = default;
  apiv::VResizeLayer* mImpl;
};

/// (x1, y1, x2, y2), or (x center, y center, width, height).
enum class BoundingBoxFormat : int32_t {
  kCORNER_PAIRS = 0,
  kCENTER_SIZES = 1,
};

/// Non-maximum suppression: output 0 [count, 3] of (batch, class, box), output 1 the count.
class INMSLayer : public ILayer {
 public:
  void setBoundingBoxFormat(BoundingBoxFormat fmt) noexcept { mImpl->setBoundingBoxFormat(fmt); }
  BoundingBoxFormat getBoundingBoxFormat() const noexcept { return mImpl->getBoundingBoxFormat(); }

  /// The greatest number of boxes of a class that are looked at.
  void setTopKBoxLimit(int32_t limit) noexcept { mImpl->setTopKBoxLimit(limit); }
  int32_t getTopKBoxLimit() const noexcept { return mImpl->getTopKBoxLimit(); }
  /// Input 2: boxes to keep of a class, 3: threshold of overlap, 4: threshold of score.
  using ILayer::setInput;

  /// kINT32 or kINT64. False for others.
  bool setIndicesType(DataType type) noexcept { return mImpl->setIndicesType(type); }
  DataType getIndicesType() const noexcept { return mImpl->getIndicesType(); }

 protected:
  apiv::VNMSLayer* mImpl;
  virtual ~INMSLayer() noexcept = default;
};

/// A plugin of version 2 in a network. The network owns a clone.
class IPluginV2Layer : public ILayer {
 public:
  IPluginV2& getPlugin() noexcept { return mImpl->getPlugin(); }

 protected:
  apiv::VPluginV2Layer* mImpl;
  virtual ~IPluginV2Layer() noexcept = default;
};

#if CARNOT_TENSORRT_SOURCE < 8
/// No network makes one: see nvinfer/plugins_v1.h.
class IPluginLayer : public ILayer {
 public:
  IPlugin& getPlugin() noexcept { return *mPlugin; }

 protected:
  IPlugin* mPlugin{};
  virtual ~IPluginLayer() noexcept = default;
};
#endif

/// A plugin of version 3 in a network. The network owns a clone.
class IPluginV3Layer : public ILayer {
 public:
  IPluginV3& getPlugin() noexcept { return mImpl->getPlugin(); }

 protected:
  apiv::VPluginV3Layer* mImpl;
  virtual ~IPluginV3Layer() noexcept = default;
};

}  // namespace nvinfer1

namespace nvinfer1 {
// Names of versions 6 to 9.
using SliceMode = SampleMode;
using ResizeMode = InterpolationMode;
}  // namespace nvinfer1
