// cublasLt by name: handles, as those of cuBLAS.
#include "core.h"

namespace carnot::host_cuda {

namespace {
constexpr int kNotInitialized = 1, kCannot = 15;  // of cublasStatus_t
}

extern "C" {

int cublasLtCreate(void** handle) {
  static auto& made = *new char;
  if (handle == nullptr) return kNotInitialized;
  *handle = &made;
  return 0;
}
int cublasLtDestroy(const void*) {
  return 0;
}

#define CARNOT_CUDA_REFUSED(name)                                                        \
  int name() {                                                                           \
    refuse(#name, "cuBLAS takes a GPU; here CUDA's memory is the host's (carnot exec)"); \
    return kCannot;                                                                      \
  }
#include "cublas_lt.def"
#undef CARNOT_CUDA_REFUSED

}  // extern "C"

}  // namespace carnot::host_cuda
