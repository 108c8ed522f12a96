#pragma once
// RnnV2: a stack of recurrent layers of TensorRT 4 to 8, made of our recurrent operations.
#include <tuple>

#include "layer.h"

namespace trt {

class RnnV2 final : public LayerOf<IRNNv2Layer, apiv::VRNNv2Layer> {
 public:
  explicit RnnV2(Network& net) : LayerOf(net, LayerType::kIDENTITY) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 4; }

  int32_t getLayerCount() const noexcept override { return layers; }
  int32_t getHiddenSize() const noexcept override { return hidden; }
  int32_t getMaxSeqLength() const noexcept override { return steps_max; }
  int32_t getDataLength() const noexcept override;
  void setState(int32_t which, ITensor& tensor) noexcept override { setInput(which, tensor); }
  ITensor* getState(int32_t which) const noexcept override { return getInput(which); }
  void setOperation(RNNOperation given) noexcept override;
  RNNOperation getOperation() const noexcept override { return operation; }
  TRT_PARAMETER(RNNInputMode, InputMode, mode, RNNInputMode::kLINEAR)
  TRT_PARAMETER(RNNDirection, Direction, direction, RNNDirection::kUNIDIRECTION)
  void setGate(int32_t layer, RNNGateType gate, bool of_input, bool bias,
               Weights weights) noexcept override;
  Weights getGate(int32_t layer, RNNGateType gate, bool of_input,
                  bool bias) const noexcept override;

  int32_t layers = 0, hidden = 0, steps_max = 0;
  RNNOperation operation = RNNOperation::kRELU;

 private:
  using Gate = std::tuple<int32_t, RNNGateType, bool, bool>;
  int64_t directions() const { return direction == RNNDirection::kBIDIRECTION ? 2 : 1; }
  const std::vector<RNNGateType>& gates() const;
  carnot::op::Recurrent cell(carnot::DType dtype) const;
  Handle matrix(Emit& e, int64_t layer, bool of_input, int64_t width, carnot::DType dtype) const;
  Handle biases(Emit& e, int64_t layer, carnot::DType dtype) const;
  /// Of [n, layers, hidden], the part that belongs to a layer as [directions, n, hidden].
  Handle state(Emit& e, Handle all, int64_t layer, const carnot::Dim& n) const;

  std::map<Gate, Weights> weights_;
};

}  // namespace trt
