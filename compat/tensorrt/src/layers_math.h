#pragma once
// Layers that compute element by element, over axes, or products.
#include "layer.h"

namespace trt {

class Activation : public LayerOf<IActivationLayer, apiv::VActivationLayer> {
 public:
  explicit Activation(Network& net) : LayerOf(net, LayerType::kACTIVATION) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(ActivationType, ActivationType, type, ActivationType::kRELU)
  TRT_PARAMETER(float, Alpha, alpha, 0)
  TRT_PARAMETER(float, Beta, beta, 0)
};

class ElementWise : public LayerOf<IElementWiseLayer, apiv::VElementWiseLayer> {
 public:
  explicit ElementWise(Network& net) : LayerOf(net, LayerType::kELEMENTWISE) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(ElementWiseOperation, Operation, operation, ElementWiseOperation::kSUM)
};

class Unary : public LayerOf<IUnaryLayer, apiv::VUnaryLayer> {
 public:
  explicit Unary(Network& net) : LayerOf(net, LayerType::kUNARY) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(UnaryOperation, Operation, operation, UnaryOperation::kEXP)
};

class ParametricReLU : public LayerOf<IParametricReLULayer, apiv::VParametricReLULayer> {
 public:
  explicit ParametricReLU(Network& net) : LayerOf(net, LayerType::kPARAMETRIC_RELU) {}
  Values emit(Emit& e, const Values& in) override;
};

class Select : public LayerOf<ISelectLayer, apiv::VSelectLayer> {
 public:
  explicit Select(Network& net) : LayerOf(net, LayerType::kSELECT) {}
  Values emit(Emit& e, const Values& in) override;
};

class Scale : public LayerOf<IScaleLayer, apiv::VScaleLayer> {
 public:
  explicit Scale(Network& net) : LayerOf(net, LayerType::kSCALE) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(ScaleMode, Mode, mode, ScaleMode::kUNIFORM)
  TRT_PARAMETER(Weights, Shift, shift, {})
  TRT_PARAMETER(Weights, Scale, scale, {})
  TRT_PARAMETER(Weights, Power, power, {})
  TRT_PARAMETER(int32_t, ChannelAxis, channel_axis, 1)

 private:
  Handle parameter(Emit& e, Handle x, const Weights& weights) const;
};

class Lrn : public LayerOf<ILRNLayer, apiv::VLRNLayer> {
 public:
  explicit Lrn(Network& net) : LayerOf(net, LayerType::kLRN) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(int64_t, WindowSize, window, 1)
  TRT_PARAMETER(float, Alpha, alpha, 0)
  TRT_PARAMETER(float, Beta, beta, 0)
  TRT_PARAMETER(float, K, k, 1)
};

class SoftMax : public LayerOf<ISoftMaxLayer, apiv::VSoftMaxLayer> {
 public:
  explicit SoftMax(Network& net) : LayerOf(net, LayerType::kSOFTMAX) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(uint32_t, Axes, axes, 1)
};

class RaggedSoftMax final : public LayerOf<IRaggedSoftMaxLayer, apiv::VRaggedSoftMaxLayer> {
 public:
  explicit RaggedSoftMax(Network& net) : LayerOf(net, LayerType::kRAGGED_SOFTMAX) {}
  Values emit(Emit& e, const Values& in) override;
};

class Reduce : public LayerOf<IReduceLayer, apiv::VReduceLayer> {
 public:
  explicit Reduce(Network& net) : LayerOf(net, LayerType::kREDUCE) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_PARAMETER(ReduceOperation, Operation, operation, ReduceOperation::kSUM)
  TRT_PARAMETER(uint32_t, ReduceAxes, axes, 0)
  TRT_PARAMETER(bool, KeepDimensions, keep_dims, false)
};

inline bool is_index_type(DataType type) {
  return type == DataType::kINT32 || type == DataType::kINT64;
}

class TopK : public LayerOf<ITopKLayer, apiv::VTopKLayer> {
 public:
  explicit TopK(Network& net) : LayerOf(net, LayerType::kTOPK) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 2; }
  TRT_PARAMETER(TopKOperation, Operation, operation, TopKOperation::kMAX)
  TRT_PARAMETER(int32_t, K, k, 1)
  TRT_PARAMETER(uint32_t, ReduceAxes, axes, 1)
  TRT_CHECKED(DataType, IndicesType, indices, DataType::kINT32, is_index_type(given))
};

class MatrixMultiply : public LayerOf<IMatrixMultiplyLayer, apiv::VMatrixMultiplyLayer> {
 public:
  explicit MatrixMultiply(Network& net) : LayerOf(net, LayerType::kMATRIX_MULTIPLY) {}
  Values emit(Emit& e, const Values& in) override;
  void setOperation(int32_t index, MatrixOperation op) noexcept override;
  MatrixOperation getOperation(int32_t index) const noexcept override {
    return index == 0 || index == 1 ? operations[index] : MatrixOperation::kNONE;
  }
  MatrixOperation operations[2] = {MatrixOperation::kNONE, MatrixOperation::kNONE};
};

class Einsum : public LayerOf<IEinsumLayer, apiv::VEinsumLayer> {
 public:
  explicit Einsum(Network& net) : LayerOf(net, LayerType::kEINSUM) {}
  Values emit(Emit& e, const Values& in) override;
  bool setEquation(char const* text) noexcept override {
    if (!text) return false;
    equation = text;
    touch();
    return true;
  }
  char const* getEquation() const noexcept override { return equation.c_str(); }
  std::string equation;
};

class Normalization : public LayerOf<INormalizationLayer, apiv::VNormalizationLayer> {
 public:
  explicit Normalization(Network& net) : LayerOf(net, LayerType::kNORMALIZATION) {}
  Values emit(Emit& e, const Values& in) override;
  bool isV2() const noexcept override { return v2; }
  TRT_PARAMETER(float, Epsilon, epsilon, 1e-5F)
  TRT_PARAMETER(uint32_t, Axes, axes, 0)
  TRT_PARAMETER(int64_t, NbGroups, groups, 1)
  TRT_PARAMETER(DataType, ComputePrecision, compute, DataType::kFLOAT)
  bool v2 = false;

 private:
  Values emit_groups(Emit& e, const Values& in);
};

class Cumulative : public LayerOf<ICumulativeLayer, apiv::VCumulativeLayer> {
 public:
  explicit Cumulative(Network& net) : LayerOf(net, LayerType::kCUMULATIVE) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_CHECKED(CumulativeOperation, Operation, operation, CumulativeOperation::kSUM,
              given == CumulativeOperation::kSUM)
  TRT_PARAMETER(bool, Exclusive, exclusive, false)
  TRT_PARAMETER(bool, Reverse, reverse, false)
};

}  // namespace trt
