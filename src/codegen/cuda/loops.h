#pragma once
// Loops: any kernel (but attention) as one CUDA kernel. A block's threads are spread over points of
// the kernel's axes and, where stages have inner axes, over these: several threads then share a
// point and fold together. The order of every fold is fixed, so the same candidate always gives the
// same bits.
#include <vector>

#include "codegen/cuda/kernel_source.h"
#include "device/device.h"
#include "kernel/kernel.h"

namespace carnot::cuda {

struct LoopChoice {
  enum Method : uint8_t {
    kPoints,   ///< a thread per point; the vector runs along the last axis
    kRows,     ///< neighbouring threads share a point; the vector runs along the inner axis
    kColumns,  ///< threads that are `points` apart share a point; the vector as kPoints
    kTiles,    ///< a block turns a tile in shared memory: tiles.h
    kStrips,   ///< as kPoints, `strip` points along the axis before the last: strips.h
    kPlanes,   ///< a thread has `vector` pixels with all their channels, `strip` of them: planes.h
  };
  Method method = kPoints;
  int sharing = 1;   ///< threads that share a point (or a vector of points): a power of two
  int points = 256;  ///< points (or vectors of them) per block; the block has sharing * points
  int vector = 1;    ///< elements that a thread takes at once
  int strip = 1;     ///< vectors of points that a thread takes
  double predicted_us = 0;
};

/// "rows 32x8 v4": method, sharing x points, vector; "s7": the strip.
std::string to_string(const LoopChoice& choice);

/// Ways to run the kernel, best guess first. Never empty for a verified kernel without attention.
Result<std::vector<LoopChoice>> loop_choices(const Kernel& kernel, const DeviceDescription& device,
                                             const Symbols& likely);

Result<KernelSource> loop_source(const std::string& function, const Kernel& kernel,
                                 const Symbols& likely, const LoopChoice& choice);

}  // namespace carnot::cuda
