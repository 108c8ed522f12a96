#pragma once
// Attention on the tensor cores of NVIDIA GPUs: instances of lib/attention.cuh for f16 and bf16.
#include <string>

#include "codegen/cuda/kernel_source.h"
#include "kernel/kernel.h"

namespace carnot::cuda {

/// Why an attention kernel cannot be an instance; ok where it can.
Status why_not_attention(const Kernel& kernel, int architecture, int shared_bytes, int warps);

/// `warps`: 16 queries each, per block.
Result<KernelSource> emit_attention(const Kernel& kernel, int warps, const std::string& function);

}  // namespace carnot::cuda
