// cuRAND by name: clients link it and, where they only run engines, call nothing of it.
#include "core.h"

namespace carnot::host_cuda {

extern "C" int curandGetVersion(int* version) {
  constexpr int kNotInitialized = 101, kVersion = 10000;
  if (version == nullptr) return kNotInitialized;
  *version = kVersion;
  return 0;
}

}  // namespace carnot::host_cuda
