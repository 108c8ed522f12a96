// Layers that quantize and dequantize.

#pragma once

#include "nvinfer/tensor.h"

namespace nvinfer1 {

class IQuantizeLayer : public ILayer {
 public:
  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }

  bool setBlockShape(Dims const& blockShape) noexcept { return mImpl->setBlockShape(blockShape); }

  TRT_NODISCARD Dims getBlockShape() const noexcept { return mImpl->getBlockShape(); }

  void setToType(DataType toType) noexcept { mImpl->setToType(toType); }

  DataType getToType() const noexcept { return mImpl->getToType(); }

 protected:
  virtual ~IQuantizeLayer() noexcept = default;
  apiv::VQuantizeLayer* mImpl;
};

class IDequantizeLayer : public ILayer {
 public:
  int32_t getAxis() const noexcept { return mImpl->getAxis(); }

  void setAxis(int32_t axis) noexcept { mImpl->setAxis(axis); }

  bool setBlockShape(Dims const& blockShape) noexcept { return mImpl->setBlockShape(blockShape); }

  TRT_NODISCARD Dims getBlockShape() const noexcept { return mImpl->getBlockShape(); }

  void setToType(DataType toType) noexcept { mImpl->setToType(toType); }

  DataType getToType() const noexcept { return mImpl->getToType(); }

 protected:
  virtual ~IDequantizeLayer() noexcept = default;
  apiv::VDequantizeLayer* mImpl;
};

class IDynamicQuantizeLayer : public ILayer {
 public:
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
