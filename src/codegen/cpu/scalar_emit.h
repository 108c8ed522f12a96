#pragma once
// Scalar programs as LLVM IR, on scalars or vectors alike.
#include <vector>

#include "codegen/cpu/emit.h"

namespace carnot::cpu {

/// Values in registers: f32 and f64 as themselves, f16 and bf16 widened to f32 (rounded again where
/// the program's type asks for it), integers at their width, bool as i1. All inputs have the same
/// number of lanes. Nothing is called: functions such as exp are written out.
Result<std::vector<llvm::Value*>> emit_program(Emitter& emitter, const ScalarProgram& program,
                                               const std::vector<DType>& input_types,
                                               const std::vector<llvm::Value*>& inputs);

/// Why emit_program would refuse, or ok.
Status why_not(const ScalarProgram& program, const std::vector<DType>& input_types);

}  // namespace carnot::cpu
