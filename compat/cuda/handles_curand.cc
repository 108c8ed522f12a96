// cuRAND by name: clients link it and, where they only run engines, call nothing of it.
#include "core.h"

namespace carnot::host_cuda {

extern "C" {

int curandGetVersion(int* version) {
  constexpr int kNotInitialized = 101, kVersion = 10400;
  if (version == nullptr) return kNotInitialized;
  *version = kVersion;
  return 0;
}

// Numbers of the driver's errors are not those of curandStatus_t.
#define CARNOT_CURAND_REFUSED(name)                                                         \
  int name() {                                                                              \
    constexpr int kInitializationFailed = 203;                                              \
    refuse(#name, "random numbers of cuRAND take a GPU; here CUDA's memory is the host's"); \
    return kInitializationFailed;                                                           \
  }
#include "curand.def"
#undef CARNOT_CURAND_REFUSED

}  // extern "C"

}  // namespace carnot::host_cuda
