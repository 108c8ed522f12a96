// Functions of epilogues whose results are kept in 16 bits: right to 2^-18, a fraction of what the
// result's rounding takes, in few instructions. A Problem that inherits them calls these instead of
// those of scalar.cuh, which have the same names.
#pragma once
#include "codegen/cuda/numbers.cuh"

namespace carnot::contraction {

struct Narrow {
  __device__ __forceinline__ static float exp2_of(float x) {
    float out;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(out) : "f"(x));
    return out;
  }
  __device__ __forceinline__ static float inverse(float x) {
    float out;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(out) : "f"(x));
    return out;
  }
  __device__ __forceinline__ static float exp(float x) { return exp2_of(x * 1.44269504f); }
  __device__ __forceinline__ static float sigmoid(float x) {
    return inverse(1.0f + exp2_of(x * -1.44269504f));
  }
  /// x P(x^2) / Q(x^2), fitted to the relative error over [0, 3.5]; beyond, a sign.
  __device__ __forceinline__ static float erf_f32(float x) {
    const float t = x * x;
    float p = fmaf(-2.25419060e-6f, t, 9.02249410e-4f);
    p = fmaf(p, t, 4.50361222e-2f);
    p = fmaf(p, t, 0.159055904f);
    p = fmaf(p, t, 1.12838209f);
    float q = fmaf(1.00973775e-2f, t, 9.78089795e-2f);
    q = fmaf(q, t, 0.474352747f);
    q = fmaf(q, t, 1.0f);
    const float inner = x * p * inverse(q);
    return fabsf(x) > 3.5f ? copysignf(1.0f, x) : inner;
  }
};

}  // namespace carnot::contraction
