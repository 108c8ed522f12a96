#pragma once
// Layers that quantize and dequantize, with scales for a tensor, an axis or blocks.
#include "layer.h"

namespace trt {

class Quantize : public LayerOf<IQuantizeLayer, apiv::VQuantizeLayer> {
 public:
  explicit Quantize(Network& net) : LayerOf(net, LayerType::kQUANTIZE) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 3; }
  TRT_PARAMETER(int32_t, Axis, axis, -1)
  TRT_PARAMETER(DataType, ToType, to, DataType::kINT8)
  bool setBlockShape(Dims const& shape) noexcept override {
    if (!is_valid(shape)) return false;
    block = shape;
    touch();
    return true;
  }
  Dims getBlockShape() const noexcept override { return block; }
  Dims block{};  ///< the scale's shape says the same
};

class Dequantize : public LayerOf<IDequantizeLayer, apiv::VDequantizeLayer> {
 public:
  explicit Dequantize(Network& net) : LayerOf(net, LayerType::kDEQUANTIZE) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 3; }
  TRT_PARAMETER(int32_t, Axis, axis, -1)
  TRT_PARAMETER(DataType, ToType, to, DataType::kFLOAT)
  bool setBlockShape(Dims const& shape) noexcept override {
    if (!is_valid(shape)) return false;
    block = shape;
    touch();
    return true;
  }
  Dims getBlockShape() const noexcept override { return block; }
  Dims block{};  ///< the scale's shape says the same
};

class DynamicQuantize : public LayerOf<IDynamicQuantizeLayer, apiv::VDynamicQuantizeLayer> {
 public:
  explicit DynamicQuantize(Network& net) : LayerOf(net, LayerType::kDYNAMIC_QUANTIZE) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 2; }
  TRT_PARAMETER(int32_t, Axis, axis, -1)
  TRT_PARAMETER(int32_t, BlockSize, block_size, 16)
  TRT_PARAMETER(DataType, ScaleType, scale_type, DataType::kFP8)
  TRT_PARAMETER(DataType, ToType, to, DataType::kFP4)
  TRT_DIMS(BlockShape, block)
};

}  // namespace trt
