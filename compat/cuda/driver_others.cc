// Other names of libcuda's calls, and calls that say why they fail.
#include "driver.h"

namespace carnot::host_cuda {

extern "C" {

// Called with a program's arguments, whatever they are.
#define CARNOT_CUDA_KERNEL(name)                                                      \
  int name() {                                                                        \
    return refuse(#name, "a GPU's code cannot run where CUDA's memory is the host's", \
                  kNoKernelImageForDevice);                                           \
  }
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
#include "driver_others.def"
#undef CARNOT_CUDA_KERNEL
#undef CARNOT_CUDA_REFUSED
#undef CARNOT_CUDA_ALIAS

}  // extern "C"

}  // namespace carnot::host_cuda
