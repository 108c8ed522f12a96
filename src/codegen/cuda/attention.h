#pragma once
// Attention on the tensor cores of NVIDIA GPUs: instances of lib/attention.cuh, and on sm_90a of
// lib/heads.cuh and lib/keys_ring.cuh, for f16 and bf16; of lib/attention_f32.cuh for f32.
#include <string>

#include "codegen/cuda/kernel_source.h"
#include "kernel/kernel.h"

namespace carnot::cuda {

/// What a block works on: warps, each with tiles of 16 queries. By warpgroups, with rounds: that
/// many times in turn, all keys and values of a head in shared memory; with a step: that many keys
/// at a time, through a ring.
struct AttentionTile {
  int warps = 1, tiles = 1, rounds = 0;
  int step = 0;
  int split = 1;  ///< blocks of a cluster that share the keys of an item; of the ring, as follows
  bool pack = false;   ///< query heads that share a head of keys are rows of one item
  bool turns = false;  ///< two warpgroups multiply by turns
  int blocks = 0;      ///< persistent ones; 0 for one for each item
  int keys = 32;       ///< of a step in f32
  bool tf32 = false;   ///< factors of f32 are rounded
  int queries() const { return 16 * warps * tiles * (rounds > 0 ? rounds : 1); }
};

/// Why an attention kernel cannot be an instance; ok where it can.
Status why_not_attention(const Kernel& kernel, int architecture, int shared_bytes,
                         const AttentionTile& tile);

/// Blocks of a ring that a multiprocessor has at once.
int resident_blocks(const Kernel& kernel, const AttentionTile& tile);

Result<KernelSource> emit_attention(const Kernel& kernel, const AttentionTile& tile,
                                    const std::string& function);

}  // namespace carnot::cuda
