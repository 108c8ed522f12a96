#pragma once
// KernelSource: one kernel as CUDA C++ and what its launch must know. All generators make these.
#include <string>

#include "carnot/types.h"
#include "device/cuda/code_file.h"

namespace carnot::cuda {

struct KernelSource {
  std::string function;           ///< extern "C" __global__, all arguments of 8 bytes
  std::string text;               ///< may include what embedded.h has
  int threads = 256;              ///< per block
  int shared_bytes = 0;           ///< dynamic shared memory per block
  int pointers = 0;               ///< arguments before the numbers
  bool has_faults = false;        ///< the last of them is where it tells of one
  Dims params;                    ///< the numbers: expressions over size symbols
  Dim tasks = 1;                  ///< blocks
  Dim scratch_bytes = 0;          ///< of the whole grid; if not 0 the last argument is its address
  bool dependent_launch = false;  ///< waits for its predecessor itself, on sm_90 and later
  int cluster = 1;                ///< blocks per cluster
  BoxMaps boxes;                  ///< tensor maps, after all other arguments
};

}  // namespace carnot::cuda
