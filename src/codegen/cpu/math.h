#pragma once
// Elementary functions as vector code: polynomials and exact reductions, no tables but 2/pi, no
// calls. f32 results are within 3 ulp (most within 1), f64 within 4 (large powers within 24, less
// exact without fused multiply-add); NaN, infinities, zeros and
// denormals give what C's functions give.
#include "carnot/scalar.h"
#include "codegen/cpu/arith.h"

namespace carnot::cpu {

/// One of the unary float functions kExp .. kSigmoid of scalar_ops.def; x is f32 or f64, scalar or
/// vector.
llvm::Value* emit_math(Emitter& emitter, ScalarOp op, llvm::Value* x);
llvm::Value* emit_pow(Emitter& emitter, llvm::Value* base, llvm::Value* exponent);

// The building blocks.

llvm::Value* emit_exp(Arith& a, llvm::Value* x);
llvm::Value* emit_expm1(Arith& a, llvm::Value* x);
llvm::Value* emit_log(Arith& a, llvm::Value* x);
llvm::Value* emit_log1p(Arith& a, llvm::Value* x);
/// sin, cos or tan.
llvm::Value* emit_trigonometric(Arith& a, ScalarOp op, llvm::Value* x);
/// asin, acos, atan, and the hyperbolic functions but tanh; only where a.is_double().
llvm::Value* emit_inverse(Arith& a, ScalarOp op, llvm::Value* x);

}  // namespace carnot::cpu
