// Layers that quantize and dequantize.

#pragma once

#include "nvinfer/tensor.h"

namespace nvinfer1 {

/// round(x / scale) in a narrow type. Input 1 is the scale: of the tensor, an axis or blocks.
class IQuantizeLayer : public ILayer {
 public:
  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

  /// The axis that a vector of scales belongs to.
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }

  /// Elements that share a scale, for each axis. False where it cannot be.
  bool setBlockShape(Dims const& blockShape) noexcept { return mImpl->setBlockShape(blockShape); }
  TRT_NODISCARD Dims getBlockShape() const noexcept { return mImpl->getBlockShape(); }
  void setToType(DataType toType) noexcept { mImpl->setToType(toType); }
  DataType getToType() const noexcept { return mImpl->getToType(); }

 protected:
  virtual ~IQuantizeLayer() noexcept = default;
  apiv::VQuantizeLayer* mImpl;
};

/// x scale in a wide type. Input 1 is the scale: of the tensor, an axis or blocks.
class IDequantizeLayer : public ILayer {
 public:
  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

  /// The axis that a vector of scales belongs to.
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }

  /// Elements that share a scale, for each axis. False where it cannot be.
  bool setBlockShape(Dims const& blockShape) noexcept { return mImpl->setBlockShape(blockShape); }
  TRT_NODISCARD Dims getBlockShape() const noexcept { return mImpl->getBlockShape(); }
  void setToType(DataType toType) noexcept { mImpl->setToType(toType); }
  DataType getToType() const noexcept { return mImpl->getToType(); }

 protected:
  virtual ~IDequantizeLayer() noexcept = default;
  apiv::VDequantizeLayer* mImpl;
};

/// Quantizes blocks by the greatest value of each: output 0 the elements, output 1 the scales.
class IDynamicQuantizeLayer : public ILayer {
 public:
  /// Input 1: the scale of the scales.
  using ILayer::setInput;
  void setToType(DataType toType) noexcept { mImpl->setToType(toType); }
  DataType getToType() const noexcept { return mImpl->getToType(); }
  void setScaleType(DataType scaleType) noexcept { mImpl->setScaleType(scaleType); }
  DataType getScaleType() const noexcept { return mImpl->getScaleType(); }
  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }
  int32_t getAxis() const noexcept { return mImpl->getAxis(); }
  void setBlockSize(int32_t size) noexcept { mImpl->setBlockSize(size); }
  int32_t getBlockSize() const noexcept { return mImpl->getBlockSize(); }
  void setBlockShape(Dims const& blockShape) noexcept { mImpl->setBlockShape(blockShape); }
  Dims getBlockShape() const noexcept { return mImpl->getBlockShape(); }

 protected:
  virtual ~IDynamicQuantizeLayer() noexcept = default;
  apiv::VDynamicQuantizeLayer* mImpl;
};

}  // namespace nvinfer1
