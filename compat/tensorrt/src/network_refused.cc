// Layers that this library does not have yet: each is refused with the reason.
#include "control.h"
#include "network.h"

namespace trt {

namespace {

void refused(const Reporter& reporter, const char* call) {
  reporter.error(ErrorCode::kUNSUPPORTED_STATE, call,
                 "this layer is not supported yet; express it with other layers");
}

}  // namespace

ILoop* Network::addLoop() noexcept {
  refused(reporter_, "INetworkDefinition::addLoop");
  return nullptr;
}

IIfConditional* Network::addIfConditional() noexcept {
  refused(reporter_, "INetworkDefinition::addIfConditional");
  return nullptr;
}

IDequantizeLayer* Network::addDequantize(ITensor&, ITensor&) noexcept {
  refused(reporter_, "INetworkDefinition::addDequantize");
  return nullptr;
}

IQuantizeLayer* Network::addQuantize(ITensor&, ITensor&) noexcept {
  refused(reporter_, "INetworkDefinition::addQuantize");
  return nullptr;
}

IQuantizeLayer* Network::addQuantizeV2(ITensor&, ITensor&, DataType) noexcept {
  refused(reporter_, "INetworkDefinition::addQuantizeV2");
  return nullptr;
}

IDequantizeLayer* Network::addDequantizeV2(ITensor&, ITensor&, DataType) noexcept {
  refused(reporter_, "INetworkDefinition::addDequantizeV2");
  return nullptr;
}

IDynamicQuantizeLayer* Network::addDynamicQuantize(ITensor&, int32_t, int32_t, DataType,
                                                   DataType) noexcept {
  refused(reporter_, "INetworkDefinition::addDynamicQuantize");
  return nullptr;
}

IDynamicQuantizeLayer* Network::addDynamicQuantizeV2(ITensor&, Dims const&, DataType,
                                                     DataType) noexcept {
  refused(reporter_, "INetworkDefinition::addDynamicQuantizeV2");
  return nullptr;
}

IAttention* Network::addAttention(ITensor&, ITensor&, ITensor&, AttentionNormalizationOp,
                                  bool) noexcept {
  refused(reporter_, "INetworkDefinition::addAttention");
  return nullptr;
}

IRotaryEmbeddingLayer* Network::addRotaryEmbedding(ITensor&, ITensor&, ITensor&, bool,
                                                   int32_t) noexcept {
  refused(reporter_, "INetworkDefinition::addRotaryEmbedding");
  return nullptr;
}

IKVCacheUpdateLayer* Network::addKVCacheUpdate(ITensor&, ITensor&, ITensor&, KVCacheMode) noexcept {
  refused(reporter_, "INetworkDefinition::addKVCacheUpdate");
  return nullptr;
}

IMoELayer* Network::addMoE(ITensor&, ITensor&, ITensor&) noexcept {
  refused(reporter_, "INetworkDefinition::addMoE");
  return nullptr;
}

}  // namespace trt
