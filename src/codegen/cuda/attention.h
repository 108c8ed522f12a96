#pragma once
// Attention on the tensor cores of NVIDIA GPUs: instances of lib/attention.cuh, and on sm_90a of
// lib/heads.cuh, for f16 and bf16.
#include <string>

#include "codegen/cuda/kernel_source.h"
#include "kernel/kernel.h"

namespace carnot::cuda {

/// What a block works on: warps, each with tiles of 16 queries. With rounds, by warpgroups and that
/// many times in turn, all keys and values of a head in shared memory.
struct AttentionTile {
  int warps = 1, tiles = 1, rounds = 0;
  int queries() const { return 16 * warps * tiles * (rounds > 0 ? rounds : 1); }
};

/// Why an attention kernel cannot be an instance; ok where it can.
Status why_not_attention(const Kernel& kernel, int architecture, int shared_bytes,
                         const AttentionTile& tile);

Result<KernelSource> emit_attention(const Kernel& kernel, const AttentionTile& tile,
                                    const std::string& function);

}  // namespace carnot::cuda
