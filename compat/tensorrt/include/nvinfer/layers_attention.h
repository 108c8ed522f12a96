// Layers of transformers: attention, rotary embedding, cache updates, experts, collectives.

#pragma once

#include "nvinfer/layers_math.h"

namespace nvinfer1 {

/// Which keys a query sees, as version 11 names it.
enum class CausalMaskKind : int32_t {
  kNONE = 0,         ///< All.
  kUPPER_LEFT = 1,   ///< Those whose position is at most its own.
  kLOWER_RIGHT = 2,  ///< As kUPPER_LEFT, with the last query at the last key. Not supported.
};

/// How a batch of sequences lies in memory, as version 11 names it.
enum class AttentionIOForm : int32_t {
  kPADDED_BHND = 0,  ///< [batch, heads, length, width]
  kPACKED_NHD = 1,   ///< [all lengths, heads, width]. Not supported.
};

namespace impl {
template <>
struct EnumMaxImpl<CausalMaskKind> {
  static constexpr int32_t kVALUE = 3;
};
template <>
struct EnumMaxImpl<AttentionIOForm> {
  static constexpr int32_t kVALUE = 2;
};
}  // namespace impl

}  // namespace nvinfer1

namespace nvinfer1 {

/// What scores become before they weight the values.
enum class AttentionNormalizationOp : int32_t {
  kNONE = 0,
  kSOFTMAX = 1,
};

/// A layer where values enter or leave an attention.
class IAttentionBoundaryLayer : public ILayer {
 public:
  IAttention* getAttention() const noexcept { return mBoundary->getAttention(); }

 protected:
  virtual ~IAttentionBoundaryLayer() noexcept = default;
  apiv::VAttentionBoundaryLayer* mBoundary;
};

/// Where query, key, value, mask and scales enter.
class IAttentionInputLayer : public IAttentionBoundaryLayer {
 public:
  using ILayer::setInput;

 protected:
  virtual ~IAttentionInputLayer() noexcept = default;
  apiv::VAttentionInputLayer* mImpl;
};

/// Where the result leaves.
class IAttentionOutputLayer : public IAttentionBoundaryLayer {
 public:
 protected:
  virtual ~IAttentionOutputLayer() noexcept = default;
  apiv::VAttentionOutputLayer* mImpl;
};

/// query [B, H, S, D], key and value [B, H', S', D] -> [B, H, S, D]. No scale is applied to the
/// query.
class IAttention : public INoCopy {
 public:
  bool setNormalizationOperation(AttentionNormalizationOp op) noexcept {
    return mImpl->setNormalizationOperation(op);
  }
  AttentionNormalizationOp getNormalizationOperation() const noexcept {
    return mImpl->getNormalizationOperation();
  }

  /// Added to the scores, or a boolean of those that count; [B, H, S, S'], broadcast.
  bool setMask(ITensor& mask) noexcept { return mImpl->setMask(mask); }
  ITensor* getMask() noexcept { return mImpl->getMask(); }

  /// Whether a query sees keys up to its own position only. Excludes a mask.
  bool setCausal(bool isCausal) noexcept { return mImpl->setCausal(isCausal); }
  bool getCausal() const noexcept { return mImpl->getCausal(); }

  /// Whether it may become several kernels where there is no fused one.
  bool setDecomposable(bool decomposable) noexcept { return mImpl->setDecomposable(decomposable); }
  bool getDecomposable() const noexcept { return mImpl->getDecomposable(); }

  /// 0: query, 1: key, 2: value, 3: mask, 4: scale of the quantized scores.
  bool setInput(int32_t index, ITensor& input) noexcept { return mImpl->setInput(index, input); }
  int32_t getNbInputs() const noexcept { return mImpl->getNbInputs(); }
  ITensor* getInput(int32_t index) const noexcept { return mImpl->getInput(index); }
  int32_t getNbOutputs() const noexcept { return mImpl->getNbOutputs(); }
  ITensor* getOutput(int32_t index) const noexcept { return mImpl->getOutput(index); }
  bool setName(char const* name) noexcept { return mImpl->setName(name); }
  char const* getName() const noexcept { return mImpl->getName(); }
  bool setNormalizationQuantizeScale(ITensor& tensor) noexcept {
    return mImpl->setNormalizationQuantizeScale(tensor);
  }
  ITensor* getNormalizationQuantizeScale() const noexcept {
    return mImpl->getNormalizationQuantizeScale();
  }
  bool setNormalizationQuantizeToType(DataType type) noexcept {
    return mImpl->setNormalizationQuantizeToType(type);
  }
  DataType getNormalizationQuantizeToType() const noexcept {
    return mImpl->getNormalizationQuantizeToType();
  }
  bool setMetadata(char const* metadata) noexcept { return mImpl->setMetadata(metadata); }
  char const* getMetadata() const noexcept { return mImpl->getMetadata(); }
  bool setNbRanks(int32_t nbRanks) noexcept { return mImpl->setNbRanks(nbRanks); }
  int32_t getNbRanks() const noexcept { return mImpl->getNbRanks(); }

  // Calls of other versions: members that no table holds.
  /// The mask as version 11 names it. False for kLOWER_RIGHT, which is not supported.
  bool setCausalKind(CausalMaskKind kind) noexcept {
    return kind != CausalMaskKind::kLOWER_RIGHT && setCausal(kind == CausalMaskKind::kUPPER_LEFT);
  }
  CausalMaskKind getCausalKind() const noexcept {
    return getCausal() ? CausalMaskKind::kUPPER_LEFT : CausalMaskKind::kNONE;
  }

  /// False for anything but kPADDED_BHND: sequences are padded to one length.
  bool setQueryForm(AttentionIOForm form) noexcept { return form == AttentionIOForm::kPADDED_BHND; }
  AttentionIOForm getQueryForm() const noexcept { return AttentionIOForm::kPADDED_BHND; }
  bool setKeyValueForm(AttentionIOForm form) noexcept {
    return form == AttentionIOForm::kPADDED_BHND;
  }
  AttentionIOForm getKeyValueForm() const noexcept { return AttentionIOForm::kPADDED_BHND; }

  /// False for anything but null: sequences have no lengths of their own.
  bool setQueryLengths(ITensor* lengths) noexcept { return lengths == nullptr; }
  ITensor* getQueryLengths() const noexcept { return nullptr; }
  bool setKeyValueLengths(ITensor* lengths) noexcept { return lengths == nullptr; }
  ITensor* getKeyValueLengths() const noexcept { return nullptr; }

 protected:
  apiv::VAttention* mImpl;
  virtual ~IAttention() noexcept = default;
};

/// Rotates pairs of elements of [B, H, S, D] by angles of two tables; input 3 holds positions.
class IRotaryEmbeddingLayer : public ILayer {
 public:
  /// Whether pairs are neighbours, or lie half the width apart.
  void setInterleaved(bool interleaved) noexcept { mImpl->setInterleaved(interleaved); }
  TRT_NODISCARD bool getInterleaved() const noexcept { return mImpl->getInterleaved(); }

  /// How many elements are rotated; 0 for all.
  TRT_NODISCARD bool setRotaryEmbeddingDim(int32_t rotaryEmbeddingDim) noexcept {
    return mImpl->setRotaryEmbeddingDim(rotaryEmbeddingDim);
  }
  TRT_NODISCARD int32_t getRotaryEmbeddingDim() const noexcept {
    return mImpl->getRotaryEmbeddingDim();
  }
  using ILayer::setInput;

 protected:
  apiv::VRotaryEmbeddingLayer* mImpl;
  virtual ~IRotaryEmbeddingLayer() noexcept = default;
};

/// Where a cache is written.
enum class KVCacheMode : int32_t {
  kLINEAR = 0,
};

/// Writes new keys or values into a cache, whose memory the output shares.
class IKVCacheUpdateLayer : public ILayer {
 public:
  using ILayer::setInput;
  bool setCacheMode(KVCacheMode cacheMode) noexcept { return mImpl->setCacheMode(cacheMode); }
  KVCacheMode getCacheMode() const noexcept { return mImpl->getCacheMode(); }

  // Calls of other versions: members that no table holds.
  /// False for anything but kPADDED_BHND: updates are padded to one length.
  bool setUpdateForm(AttentionIOForm form) noexcept {
    return form == AttentionIOForm::kPADDED_BHND;
  }
  AttentionIOForm getUpdateForm() const noexcept { return AttentionIOForm::kPADDED_BHND; }

  /// False for anything but null.
  bool setUpdateLengths(ITensor* lengths) noexcept { return lengths == nullptr; }
  ITensor* getUpdateLengths() const noexcept { return nullptr; }

 protected:
  apiv::VKVCacheUpdateLayer* mImpl;
  virtual ~IKVCacheUpdateLayer() noexcept = default;
};

/// The activation of an expert.
enum class MoEActType : int32_t {
  kNONE = 0,
  kSILU = 1,
};

/// A mixture of experts.
class IMoELayer : public ILayer {
 public:
  void setGatedWeights(ITensor& fcGateWeights, ITensor& fcUpWeights, ITensor& fcDownWeights,
                       MoEActType activationType) noexcept {
    mImpl->setGatedWeights(fcGateWeights, fcUpWeights, fcDownWeights, activationType);
  }
  void setGatedBiases(ITensor& fcGateBiases, ITensor& fcUpBiases, ITensor& fcDownBiases) noexcept {
    mImpl->setGatedBiases(fcGateBiases, fcUpBiases, fcDownBiases);
  }
  void setActivationType(MoEActType activationType) noexcept {
    mImpl->setActivationType(activationType);
  }
  MoEActType getActivationType() const noexcept { return mImpl->getActivationType(); }
  void setQuantizationStatic(ITensor& fcDownActivationScale, DataType dataType) noexcept {
    mImpl->setQuantizationStatic(fcDownActivationScale, dataType);
  }
  void setQuantizationDynamicDblQ(ITensor& fcDownActivationDblQScale, DataType dataType,
                                  Dims const& blockShape, DataType dynQOutputScaleType) noexcept {
    mImpl->setQuantizationDynamicDblQ(fcDownActivationDblQScale, dataType, blockShape,
                                      dynQOutputScaleType);
  }
  void setQuantizationToType(DataType type) noexcept { mImpl->setQuantizationToType(type); }
  DataType getQuantizationToType() const noexcept { return mImpl->getQuantizationToType(); }
  void setQuantizationBlockShape(Dims const& blockShape) noexcept {
    mImpl->setQuantizationBlockShape(blockShape);
  }
  Dims getQuantizationBlockShape() const noexcept { return mImpl->getQuantizationBlockShape(); }
  void setDynQOutputScaleType(DataType type) noexcept { mImpl->setDynQOutputScaleType(type); }
  DataType getDynQOutputScaleType() const noexcept { return mImpl->getDynQOutputScaleType(); }
  void setSwigluParams(float limit, float alpha, float beta) noexcept {
    mImpl->setSwigluParams(limit, alpha, beta);
  }
  void setSwigluParamLimit(float limit) noexcept { mImpl->setSwigluParamLimit(limit); }
  float getSwigluParamLimit() const noexcept { return mImpl->getSwigluParamLimit(); }
  void setSwigluParamAlpha(float alpha) noexcept { mImpl->setSwigluParamAlpha(alpha); }
  float getSwigluParamAlpha() const noexcept { return mImpl->getSwigluParamAlpha(); }
  void setSwigluParamBeta(float beta) noexcept { mImpl->setSwigluParamBeta(beta); }
  float getSwigluParamBeta() const noexcept { return mImpl->getSwigluParamBeta(); }
  void setInput(int32_t index, ITensor& tensor) noexcept { mImpl->setInput(index, tensor); }
  using ILayer::setInput;

 protected:
  virtual ~IMoELayer() noexcept = default;
  apiv::VMoELayer* mImpl;
};

/// An operation among devices.
class IDistCollectiveLayer : public ILayer {
 protected:
  virtual ~IDistCollectiveLayer() noexcept = default;
  apiv::VDistCollectiveLayer* mImpl;
};

}  // namespace nvinfer1
