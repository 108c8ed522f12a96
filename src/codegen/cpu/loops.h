#pragma once
// Loops: any kernel (but attention) as a loop nest. One axis runs along vector lanes: a parallel
// axis, so that each lane computes its own point (pointwise, pooling over channels), or each
// stage's own inner axis, so that lanes fold together (rows: softmax, sums along the last axis).
// Every point is computed by itself, in one order, so bits do not depend on how tasks are split.
#include <vector>

#include "codegen/cpu/module.h"
#include "kernel/kernel.h"

namespace carnot::cpu {

struct LoopChoice {
  int axis = -1;   ///< of the prepared nest, outermost 0; -1: along each stage's inner axis
  int lanes = 16;  ///< 1: plain scalars
  int unroll = 1;  ///< groups of lanes at once
  double predicted_us = 0;  ///< on one thread
  bool operator==(const LoopChoice&) const = default;
};

/// Ways to run the kernel, best guess first. Never empty for a verified kernel without attention.
Result<std::vector<LoopChoice>> loop_choices(const Kernel& kernel, const Target& target,
                                             const Symbols& likely);

Result<GeneratedFunction> emit_loops(Module& module, const std::string& symbol,
                                     const Kernel& kernel, const Symbols& likely,
                                     const LoopChoice& choice);

}  // namespace carnot::cpu
