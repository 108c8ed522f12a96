#pragma once
// Element types in registers and in memory. In registers f64 is double, every narrower float is
// float, integers have their width (i4 and u4: a byte), bool is i1. In memory floats narrower than
// f32 are integers of their width, bool is a byte.
#include "codegen/cpu/arith.h"

namespace carnot::cpu {

/// The register type of one element.
llvm::Type* register_type(Emitter& emitter, DType dtype);
/// The memory type of one element: integers for f16, bf16 and narrower.
llvm::Type* storage_type(Emitter& emitter, DType dtype);

/// `value` has storage_type (or Emitter::memory_type), scalar or vector.
llvm::Value* from_memory(Emitter& emitter, DType dtype, llvm::Value* value);
/// To storage_type: rounds to nearest even, 8-bit floats saturate.
llvm::Value* to_memory(Emitter& emitter, DType dtype, llvm::Value* value);
/// ONNX Cast between register values: float to integer truncates and saturates, integers wrap.
llvm::Value* emit_cast(Emitter& emitter, DType from, DType to, llvm::Value* value);
/// A constant in a register: `real` for floats, `integer` for the others.
llvm::Value* register_constant(Emitter& emitter, DType dtype, double real, int64_t integer);

/// A square block of vectors, transposed: as many vectors as they have lanes.
std::vector<llvm::Value*> transposed(Emitter& emitter, std::vector<llvm::Value*> rows);

/// A scalar repeated; vectors as they are.
llvm::Value* spread(Emitter& emitter, llvm::Value* value, int lanes);

}  // namespace carnot::cpu
