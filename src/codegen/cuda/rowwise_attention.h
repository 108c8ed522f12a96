#pragma once
// Attention of any shapes and layouts, a block for each query and 128 of its results: slow and
// always right, for what the tiled kernels refuse.
#include "codegen/cuda/kernel_source.h"
#include "kernel/kernel.h"

namespace carnot::cuda {

/// For a kernel with `attention` set.
KernelSource rowwise_attention(const std::string& function, const Kernel& kernel);

}  // namespace carnot::cuda
