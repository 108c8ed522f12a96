#pragma once
// Transposes: kernels of one storing stage that read along one axis what they write along another.
// Either square blocks of vectors are transposed in registers on the way in, or (a few channels,
// written one after another) whole vectors of each channel are interleaved on the way out. The
// stage's program runs in between. Bound: moving the bytes once; a block costs a shuffle an element
// pair and step.
#include "codegen/cpu/module.h"
#include "kernel/kernel.h"

namespace carnot::cpu {

/// Why a kernel is no transpose; ok where it is one. `likely` gives values to size symbols.
Status why_not_transpose(const Kernel& kernel, const Target& target, const Symbols& likely);

/// Predicted time on one thread.
double transpose_us(const Kernel& kernel, const Symbols& likely);

Result<GeneratedFunction> emit_transpose(Module& module, const std::string& symbol,
                                         const Kernel& kernel, const Symbols& likely);

}  // namespace carnot::cpu
