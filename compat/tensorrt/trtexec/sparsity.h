#pragma once
// --sparsity=force: weights of which two in four are zero.
#include <vector>

#include "NvInfer.h"

namespace trtexec {

/// Replaces the FP32 weights of convolutions, and of constants that matrices are multiplied with,
/// by the same with the two smaller ones in each four along the sum's axis set to zero. The memory
/// of the new ones is `kept`, which outlives the build.
void force_sparsity(nvinfer1::INetworkDefinition& network, std::vector<std::vector<float>>& kept);

}  // namespace trtexec
