#pragma once
// Scalar programs as LLVM IR, on scalars or vectors alike.
#include <vector>

#include "codegen/cpu/convert.h"

namespace carnot::cpu {

/// Values in registers as convert.h has them. Inputs may mix scalars and vectors of one width: what
/// follows from scalars alone stays scalar. Nothing is called: functions such as exp are written
/// out.
Result<std::vector<llvm::Value*>> emit_program(Emitter& emitter, const ScalarProgram& program,
                                               const std::vector<DType>& input_types,
                                               const std::vector<llvm::Value*>& inputs);

/// Why emit_program would refuse, or ok.
Status why_not(const ScalarProgram& program, const std::vector<DType>& input_types);

/// Emits each instruction that has no value yet and whose operands have one; `values` are the
/// inputs, then the instructions, null where unknown. `types` is infer()'s answer. So that what
/// does not change in a loop is computed before it.
void emit_known(Emitter& emitter, const ScalarProgram& program, const std::vector<DType>& types,
                std::vector<llvm::Value*>& values);

/// One instruction; `types` are its operands'.
llvm::Value* emit_instruction(Emitter& emitter, const ScalarInst& inst,
                              const std::vector<DType>& types,
                              const std::vector<llvm::Value*>& operands);

}  // namespace carnot::cpu
