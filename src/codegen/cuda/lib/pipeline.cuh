// What blocks of warpgroups with two roles are made of: one brings operands through a ring of
// stages in shared memory, the others multiply.
#pragma once
#include "codegen/cuda/lib/async.cuh"

#if __CUDA_ARCH__ >= 900
namespace carnot {

/// A warpgroup is four warps, which multiply 64 rows together.
constexpr int kGroupThreads = 128, kGroupWarps = 4, kGroupRows = 64;

/// Rows that wgmma reads are pieces of 128 bytes.
constexpr int kPieceBytes = 128;

/// What all lanes of a warp have: from a shuffle, so that the compiler knows it too, and branches
/// and addresses by it are the warp's.
CARNOT_DEVICE int of_warp(int value) {
  return __shfl_sync(0xffffffffu, value, 0);
}

/// Which stage comes next, and the phase of its barriers.
template <int kStages>
struct RingTurn {
  int slot = 0, phase = 0;
  __device__ __forceinline__ void next() {
    if (++slot == kStages) slot = 0, phase ^= 1;
  }
  /// Past stages that others take.
  __device__ __forceinline__ void skip(int stages) {
    const int at = slot + stages, rounds = at / kStages;
    slot = at - rounds * kStages, phase ^= rounds & 1;
  }
};

}  // namespace carnot
#endif
