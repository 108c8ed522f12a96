// Resizing of images, non-maximum suppression, and the layers of plugins.

#pragma once

#include "nvinfer/layers_shape.h"

namespace nvinfer1 {

enum class ResizeCoordinateTransformation : int32_t {
  kALIGN_CORNERS = 0,
  kASYMMETRIC = 1,
  kHALF_PIXEL = 2,
};

enum class ResizeSelector : int32_t {
  kFORMULA = 0,
  kUPPER = 1,
};

enum class ResizeRoundMode : int32_t {
  kHALF_UP = 0,
  kHALF_DOWN = 1,
  kFLOOR = 2,
  kCEIL = 3,
};

class IResizeLayer : public ILayer {
 public:
  void setOutputDimensions(Dims const& dimensions) noexcept {
    return mImpl->setOutputDimensions(dimensions);
  }

  Dims getOutputDimensions() const noexcept { return mImpl->getOutputDimensions(); }

  void setScales(float const* scales, int32_t nbScales) noexcept {
    mImpl->setScales(scales, nbScales);
  }

  int32_t getScales(int32_t size, float* scales) const noexcept {
    return mImpl->getScales(size, scales);
  }

  void setResizeMode(InterpolationMode interpolationMode) noexcept {
    mImpl->setResizeMode(interpolationMode);
  }

  InterpolationMode getResizeMode() const noexcept { return mImpl->getResizeMode(); }
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

  void setCubicCoeff(float A) noexcept { mImpl->setCubicCoeff(A); }

  float getCubicCoeff() const noexcept { return mImpl->getCubicCoeff(); }

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

enum class BoundingBoxFormat : int32_t {
  kCORNER_PAIRS = 0,
  kCENTER_SIZES = 1,
};

class INMSLayer : public ILayer {
 public:
  void setBoundingBoxFormat(BoundingBoxFormat fmt) noexcept { mImpl->setBoundingBoxFormat(fmt); }

  BoundingBoxFormat getBoundingBoxFormat() const noexcept { return mImpl->getBoundingBoxFormat(); }

  void setTopKBoxLimit(int32_t limit) noexcept { mImpl->setTopKBoxLimit(limit); }

  int32_t getTopKBoxLimit() const noexcept { return mImpl->getTopKBoxLimit(); }
  using ILayer::setInput;

  bool setIndicesType(DataType type) noexcept { return mImpl->setIndicesType(type); }

  DataType getIndicesType() const noexcept { return mImpl->getIndicesType(); }

 protected:
  apiv::VNMSLayer* mImpl;
  virtual ~INMSLayer() noexcept = default;
};

class IPluginV2Layer : public ILayer {
 public:
  IPluginV2& getPlugin() noexcept { return mImpl->getPlugin(); }

 protected:
  apiv::VPluginV2Layer* mImpl;
  virtual ~IPluginV2Layer() noexcept = default;
};

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
