#pragma once
// A kernel between its predecessor and its successor: the blocks of one start while the last ones
// of the other still work (programmatic dependent launch, sm_90 and later).
#include "codegen/cuda/numbers.cuh"

namespace carnot {

/// First thing in a kernel: the next one may start, and waits here as well, until all that came
/// before this one has ended and its results are to be seen.
CARNOT_DEVICE void take_turn() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// The pointer to global memory, of which nothing is known before this: loads through it stay
/// behind take_turn(), though the compiler holds what a kernel only reads to be always the same.
template <class T>
CARNOT_DEVICE T* fresh(T* pointer) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  u64 address = __cvta_generic_to_global(pointer);
  asm volatile("" : "+l"(address)::"memory");
  pointer = static_cast<T*>(__cvta_global_to_generic(address));
#endif
  return pointer;
}

}  // namespace carnot
