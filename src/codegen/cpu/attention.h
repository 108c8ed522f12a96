#pragma once
// Attention: softmax(q k^T scale + bias) v for one (batch, head, block of query rows) per task.
//
// Lanes are queries: the block's queries are transposed into scratch once ([d][queries]), so that a
// tile of the scores is keys x vectors of queries, made from broadcast elements of k, which is read
// in place. The scores of a block of keys stay in L1; their softmax is running ("online"), lane by
// lane, with nothing to add up across lanes. The weighted sum of values is a tile of queries x
// vectors of v's columns: broadcast weights times rows of v, again in place.
// Bound: fused multiply-adds, 2 s t (d + e) flops a head.
#include "codegen/cpu/module.h"
#include "kernel/kernel.h"

namespace carnot::cpu {

struct AttentionTactic {
  int query_vectors = 3;  ///< vectors of queries in a block
  int keys = 8;           ///< keys in a tile of scores
  int queries = 6;        ///< queries in a tile of results
  int value_vectors = 4;  ///< vectors of v's columns in a tile of results
  int64_t key_block = 128;
  bool operator==(const AttentionTactic&) const = default;
};

/// Why the generator cannot take this; ok where it can.
Status why_not_attention(const Kernel& kernel);
AttentionTactic attention_tactic(const Kernel& kernel, const Target& target);
Result<GeneratedFunction> emit_attention(Module& module, const std::string& symbol,
                                         const Kernel& kernel, const AttentionTactic& tactic);

}  // namespace carnot::cpu
