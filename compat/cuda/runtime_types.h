#pragma once
// Structures of the CUDA runtime's interface, by their layout, and what its files share.

#include "core.h"

namespace carnot::host_cuda {

struct Extent {
  size_t width, height, depth;
};
struct Position {
  size_t x, y, z;
};
struct PitchedPointer {
  void* ptr;
  size_t pitch, xsize, ysize;
};
struct CopyParameters {  // cudaMemcpy3DParms
  const void* from_array;
  Position from_position;
  PitchedPointer from;
  void* to_array;
  Position to_position;
  PitchedPointer to;
  Extent extent;
  int kind;
};
struct FillParameters {  // cudaMemsetParams
  void* to;
  size_t pitch;
  unsigned value, element;
  size_t width, height;
};
struct HostParameters {  // cudaHostNodeParams
  void (*function)(void*);
  void* argument;
};
struct PointerAttributes {
  int type, device;
  void* device_pointer;
  void* host;
#if CARNOT_CUDART_MAJOR >= 13
  long reserved[8];
#endif
};
struct Dim3 {
  unsigned x, y, z;
};

/// Queues a copy of boxes, without arrays.
int copy_volume(const CopyParameters* parameters, const void* stream);

}  // namespace carnot::host_cuda
