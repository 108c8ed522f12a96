#pragma once
// The inner loop of a contraction: a tile of accumulators over one run of the inner axes. The one
// place where the instruction set matters: other element types have their own.
#include "codegen/cpu/emit.h"

namespace carnot::cpu {

struct RunOperands {
  std::vector<llvm::Value*> a;      ///< per row: pointer to the run's first element
  llvm::Value* a_step = nullptr;    ///< elements between neighbours along the run
  llvm::Value* b = nullptr;         ///< the panel's first vector
  llvm::Value* b_step = nullptr;    ///< elements between neighbours along the run
  llvm::Value* count = nullptr;     ///< length of the run
  std::vector<llvm::Value*> masks;  ///< per vector of B: null where all lanes may be read
};

struct Microkernel {
  int rows = 8, vectors = 3, lanes = 16, unroll = 4;
  int prefetch = 0;  ///< bytes ahead in B
};

/// sums[row * vectors + vector] += sum over the run of a[row] * b[vector].
std::vector<llvm::Value*> emit_run(Emitter& e, const Microkernel& shape, const RunOperands& in,
                                   std::vector<llvm::Value*> sums);

}  // namespace carnot::cpu
