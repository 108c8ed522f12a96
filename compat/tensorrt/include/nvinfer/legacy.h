// What the calls of versions 5 to 9 need that no table holds: functions of libnvinfer. Programs
// call the members of the classes, which are made of these.

#pragma once

#include "nvinfer/forward.h"

namespace nvinfer1 {

/// Nothing makes one: the class of plugins that it made is gone since version 8.
class IPluginFactory;

/// [H, W] of dimensions of two axes; {-1, -1} of others.
inline DimsHW carnotTrtToHW(Dims const& dims) noexcept {
  return dims.nbDims == 2 ? DimsHW{dims.d[0], dims.d[1]} : DimsHW{-1, -1};
}

extern "C" {

/// The configuration of IBuilder::buildCudaEngine(). The builder owns it.
TENSORRTAPI IBuilderConfig* carnotTrtGetBuilderConfig(IBuilder const* builder) noexcept;
TENSORRTAPI void carnotTrtSetMaxBatchSize(IBuilder* builder, int32_t batchSize) noexcept;
TENSORRTAPI int32_t carnotTrtGetMaxBatchSize(IBuilder const* builder) noexcept;
/// A network with an implicit batch.
TENSORRTAPI INetworkDefinition* carnotTrtCreateNetwork(IBuilder* builder) noexcept;

TENSORRTAPI int32_t carnotTrtGetNbBindings(ICudaEngine const* engine) noexcept;
TENSORRTAPI int32_t carnotTrtGetBindingIndex(ICudaEngine const* engine, char const* name) noexcept;
TENSORRTAPI char const* carnotTrtGetBindingName(ICudaEngine const* engine, int32_t index) noexcept;
/// The tensor of a binding, without its profile. "" where `index` is out of range.
TENSORRTAPI char const* carnotTrtGetBindingTensor(ICudaEngine const* engine,
                                                  int32_t index) noexcept;
TENSORRTAPI int32_t carnotTrtGetEngineMaxBatchSize(ICudaEngine const* engine) noexcept;

TENSORRTAPI bool carnotTrtExecute(IExecutionContext* context, int32_t batchSize,
                                  void* const* bindings) noexcept;
TENSORRTAPI bool carnotTrtEnqueue(IExecutionContext* context, int32_t batchSize,
                                  void* const* bindings, cudaStream_t stream,
                                  cudaEvent_t* inputConsumed) noexcept;
TENSORRTAPI bool carnotTrtEnqueueV2(IExecutionContext* context, void* const* bindings,
                                    cudaStream_t stream, cudaEvent_t* inputConsumed) noexcept;
TENSORRTAPI bool carnotTrtSetInputShapeBinding(IExecutionContext* context, int32_t index,
                                               int32_t const* data) noexcept;
TENSORRTAPI bool carnotTrtGetShapeBinding(IExecutionContext const* context, int32_t index,
                                          int32_t* data) noexcept;

}  // extern "C"

}  // namespace nvinfer1
