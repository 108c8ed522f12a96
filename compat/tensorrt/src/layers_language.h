#pragma once
// Layers of language models: attention, rotary embedding, caches, experts.
#include "layer.h"

namespace trt {

class Attention;

/// What an IAttention computes: the inputs are query, key and value, then the mask where it is set.
class AttentionOutput final : public LayerOf<IAttentionOutputLayer, apiv::VAttentionOutputLayer>,
                              public apiv::VAttentionBoundaryLayer {
 public:
  explicit AttentionOutput(Network& net) : LayerOf(net, LayerType::kATTENTION_OUTPUT) {
    mBoundary = this;
  }
  IAttention* getAttention() const noexcept override;
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 4; }
  Attention* attention = nullptr;
  AttentionNormalizationOp normalization = AttentionNormalizationOp::kSOFTMAX;
  bool causal = false;
};

class Attention final : public IAttention, public apiv::VAttention {
 public:
  explicit Attention(AttentionOutput& layer) : layer_(layer), name_(layer.name) { mImpl = this; }
  ~Attention() noexcept override = default;

  bool setInput(int32_t index, ITensor& input) noexcept override;
  int32_t getNbInputs() const noexcept override;
  ITensor* getInput(int32_t index) const noexcept override;
  int32_t getNbOutputs() const noexcept override { return 1; }
  ITensor* getOutput(int32_t index) const noexcept override;
  bool setName(char const* name) noexcept override;
  char const* getName() const noexcept override { return name_.c_str(); }
  bool setNormalizationOperation(AttentionNormalizationOp op) noexcept override;
  AttentionNormalizationOp getNormalizationOperation() const noexcept override {
    return layer_.normalization;
  }
  bool setCausal(bool causal) noexcept override;
  bool getCausal() const noexcept override { return layer_.causal; }
  bool setMask(ITensor& mask) noexcept override { return setInput(3, mask); }
  ITensor* getMask() const noexcept override { return getInput(3); }
  // One kernel or several: the result is the same.
  bool setDecomposable(bool decomposable) noexcept override {
    return decomposable_ = decomposable, true;
  }
  bool getDecomposable() const noexcept override { return decomposable_; }
  bool setNormalizationQuantizeScale(ITensor& scale) noexcept override;
  ITensor* getNormalizationQuantizeScale() const noexcept override { return quantize_scale_; }
  bool setNormalizationQuantizeToType(DataType type) noexcept override {
    if (!is_known(type)) {
      return layer_.refuse_value("setNormalizationQuantizeToType", text_of_value(type)), false;
    }
    return quantize_to_ = type, true;
  }
  DataType getNormalizationQuantizeToType() const noexcept override { return quantize_to_; }
  bool setMetadata(char const* text) noexcept override;
  char const* getMetadata() const noexcept override { return layer_.metadata.c_str(); }
  bool setNbRanks(int32_t count) noexcept override { return layer_.setNbRanks(count); }
  int32_t getNbRanks() const noexcept override { return 1; }

 private:
  AttentionOutput& layer_;
  std::string name_;
  bool decomposable_ = false;
  ITensor* quantize_scale_ = nullptr;
  DataType quantize_to_ = DataType::kFP8;
};

class RotaryEmbedding : public LayerOf<IRotaryEmbeddingLayer, apiv::VRotaryEmbeddingLayer> {
 public:
  explicit RotaryEmbedding(Network& net) : LayerOf(net, LayerType::kROTARY_EMBEDDING) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 4; }
  void setInput(int32_t i, ITensor& tensor) noexcept override { LayerOf::setInput(i, tensor); }
  TRT_PARAMETER(bool, Interleaved, interleaved, false)
  TRT_CHECKED(int32_t, RotaryEmbeddingDim, dim, 0, given >= 0 && given % 2 == 0)
};

class KvCacheUpdate : public LayerOf<IKVCacheUpdateLayer, apiv::VKVCacheUpdateLayer> {
 public:
  explicit KvCacheUpdate(Network& net) : LayerOf(net, LayerType::kKVCACHE_UPDATE) {}
  Values emit(Emit& e, const Values& in) override;
  TRT_CHECKED(KVCacheMode, CacheMode, mode, KVCacheMode::kLINEAR, given == KVCacheMode::kLINEAR)
};

/// Inputs: hidden states, selected experts, their scores, then gate, up and down weights, and their
/// biases.
class Experts final : public LayerOf<IMoELayer, apiv::VMoELayer> {
 public:
  explicit Experts(Network& net) : LayerOf(net, LayerType::kMOE) {}
  Values emit(Emit& e, const Values& in) override;
  int32_t inputs_max() const override { return 9; }
  void setInput(int32_t i, ITensor& tensor) noexcept override { LayerOf::setInput(i, tensor); }
  void setGatedWeights(ITensor& gate, ITensor& up, ITensor& down,
                       MoEActType type) noexcept override;
  void setGatedBiases(ITensor& gate, ITensor& up, ITensor& down) noexcept override;
  void setQuantizationStatic(ITensor& scale, DataType type) noexcept override;
  void setQuantizationDynamicDblQ(ITensor& scale, DataType type, Dims const& block,
                                  DataType scale_type) noexcept override;
  void setSwigluParams(float limit_, float alpha_, float beta_) noexcept override {
    limit = limit_, alpha = alpha_, beta = beta_, touch();
  }
  TRT_PARAMETER(MoEActType, ActivationType, activation, MoEActType::kSILU)
  TRT_PARAMETER(DataType, QuantizationToType, quantize_to, DataType::kFLOAT)
  TRT_DIMS(QuantizationBlockShape, block)
  TRT_PARAMETER(DataType, DynQOutputScaleType, scale_type, DataType::kFLOAT)
  TRT_PARAMETER(float, SwigluParamLimit, limit, std::numeric_limits<float>::infinity())
  TRT_PARAMETER(float, SwigluParamAlpha, alpha, 1)
  TRT_PARAMETER(float, SwigluParamBeta, beta, 0)
};

}  // namespace trt
