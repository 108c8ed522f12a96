// Other names of the CUDA runtime's calls, and calls that say why they fail.
#include <cstring>

#include "device_properties.h"
#include "runtime_types.h"

namespace carnot::host_cuda {

extern "C" {

// Called with a program's arguments, whatever they are.
#define CARNOT_CUDA_REFUSED(name)                                                          \
  int name() {                                                                             \
    return refuse(#name, "not available where CUDA's memory is the host's (carnot exec)"); \
  }
#if defined(__x86_64__)
#define CARNOT_CUDA_ALIAS(name, as) \
  __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ": jmp " #as "@PLT");
#else
#define CARNOT_CUDA_ALIAS(name, as) \
  __asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ": b " #as);
#endif
#include "runtime_others.def"
#undef CARNOT_CUDA_REFUSED
#undef CARNOT_CUDA_ALIAS

struct ChannelDescription {
  int x, y, z, w, kind;
};
ChannelDescription cudaCreateChannelDesc(int x, int y, int z, int w, int kind) {
  return {x, y, z, w, kind};
}

#if CARNOT_CUDART_MAJOR < 13
// With the structure of version 11, where that of version 12 begins.
int cudaGetDeviceProperties_v2(DeviceProperties* p, int index);
int cudaGetDeviceProperties(void* p, int index) {
  if (p == nullptr) return done(kInvalidValue);
  DeviceProperties all;
  if (const int error = cudaGetDeviceProperties_v2(&all, index)) return error;
  constexpr size_t kBytes = offsetof(DeviceProperties, reservedSharedMemPerBlock) + sizeof(size_t);
  std::memcpy(p, &all, kBytes);
  return kSuccess;
}
#endif

}  // extern "C"

}  // namespace carnot::host_cuda
