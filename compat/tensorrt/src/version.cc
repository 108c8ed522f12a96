// The version of TensorRT that the libraries answer with.

#include "version.h"

#include "NvInferRuntime.h"
#include "report.h"

namespace trt {

bool serves(int32_t version) {
  return version < 10000 ? version % 100 == 99 : version / 10000 == NV_TENSORRT_MAJOR;
}

std::string not_served(int32_t version) {
  const int32_t major = version < 10000 ? version / 1000 : version / 10000;
  return cat("the program was compiled for version ", major, '.',
             version < 10000 ? version / 100 % 10 : version / 100 % 100, "; this library serves ",
             NV_TENSORRT_MAJOR,
             ".x: compile it with our headers (and CARNOT_TENSORRT_SOURCE, where it needs that)");
}

}  // namespace trt

extern "C" {

TENSORRTAPI int32_t getInferLibVersion() noexcept {
  return NV_TENSORRT_VERSION;
}
TENSORRTAPI int32_t getInferLibMajorVersion() noexcept {
  return NV_TENSORRT_MAJOR;
}
TENSORRTAPI int32_t getInferLibMinorVersion() noexcept {
  return NV_TENSORRT_MINOR;
}
TENSORRTAPI int32_t getInferLibPatchVersion() noexcept {
  return NV_TENSORRT_PATCH;
}
TENSORRTAPI int32_t getInferLibBuildVersion() noexcept {
  return NV_TENSORRT_BUILD;
}

}  // extern "C"
