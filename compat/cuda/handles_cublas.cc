// cuBLAS by name: handles, which TensorRT's clients make beside an engine and compute nothing with.
#include "core.h"

namespace carnot::host_cuda {

namespace {
constexpr int kNotInitialized = 1, kCannot = 15;  // of cublasStatus_t
}

extern "C" {

int cublasCreate_v2(void** handle) {
  static auto& made = *new char;
  if (handle == nullptr) return kNotInitialized;
  *handle = &made;
  return 0;
}
int cublasDestroy_v2(const void*) {
  return 0;
}
int cublasSetStream_v2(const void*, const void*) {
  return 0;
}
int cublasSetMathMode(const void*, int) {
  return 0;
}
int cublasGetMathMode(const void*, int* mode) {
  if (mode) *mode = 0;
  return 0;
}
const char* cublasGetStatusName(int status) {
  return status == 0 ? "CUBLAS_STATUS_SUCCESS" : "CUBLAS_STATUS_NOT_SUPPORTED";
}
const char* cublasGetStatusString(int status) {
  return status == 0 ? "success" : "not supported";
}

#define CARNOT_CUDA_REFUSED(name)                                                        \
  int name() {                                                                           \
    refuse(#name, "cuBLAS takes a GPU; here CUDA's memory is the host's (carnot exec)"); \
    return kCannot;                                                                      \
  }
#include "cublas.def"
#undef CARNOT_CUDA_REFUSED

}  // extern "C"

}  // namespace carnot::host_cuda
