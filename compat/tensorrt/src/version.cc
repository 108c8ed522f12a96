// The version of TensorRT that the libraries answer with.

#include "NvInferRuntime.h"

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
