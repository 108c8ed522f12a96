// cuDNN by name: handles, which TensorRT's clients make beside an engine and compute nothing with.
#include "core.h"

namespace carnot::host_cuda {

extern "C" {

int cudnnCreate(void** handle) {
  constexpr int kBadParameter = 2000;
  static auto& made = *new char;
  if (handle == nullptr) return kBadParameter;
  *handle = &made;
  return 0;
}
int cudnnDestroy(const void*) {
  return 0;
}
int cudnnSetStream(const void*, const void*) {
  return 0;
}
size_t cudnnGetVersion() {
  return 90000;
}
const char* cudnnGetErrorString(int status) {
  return status == 0 ? "CUDNN_STATUS_SUCCESS" : "CUDNN_STATUS_NOT_SUPPORTED";
}

}  // extern "C"

}  // namespace carnot::host_cuda
