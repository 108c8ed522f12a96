#pragma once
// What the files of libcuda share: addresses are numbers there, and errors those of CUresult.

#include "core.h"

namespace carnot::host_cuda {

using Address = unsigned long long;  // CUdeviceptr

inline constexpr int kDriverVersion = 13000;

inline void* memory(Address address) {
  return reinterpret_cast<void*>(address);
}

/// The runtime has numbers that the driver has not.
inline int driver_error(int error) {
  return error == kInvalidPitchValue || error == kInvalidMemcpyDirection ? kInvalidValue : error;
}

struct DriverCopy;  // CUDA_MEMCPY3D
/// The copy that a program describes; arrays are refused.
int describe(const DriverCopy& from, Copy* copy);

}  // namespace carnot::host_cuda
