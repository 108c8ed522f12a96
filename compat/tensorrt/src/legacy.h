// State that calls of versions 5 to 9 need beside the objects of version 10.

#pragma once

#include "NvInfer.h"

namespace trt {

/// A bit of createNetworkV2(): the network's tensors have no dimension for the batch. No public
/// flag: programs reach it by IBuilder::createNetwork() only.
inline constexpr uint32_t kImplicitBatch = 1U << 30;

/// What programs have set on a builder before buildCudaEngine(); 1 where they have not.
int32_t legacy_max_batch(const nvinfer1::IBuilder* builder);

/// Each destructor of a builder, an engine or a context calls it.
void forget_legacy(const void* object) noexcept;

}  // namespace trt
