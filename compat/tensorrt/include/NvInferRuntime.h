// The runtime: load an engine, make contexts, run inference; and what plugins are made of.

#pragma once

#include "NvInferImpl.h"
#include "nvinfer/context.h"

extern "C" TENSORRTAPI void* createInferRuntime_INTERNAL(void* logger, int32_t version) noexcept;
extern "C" TENSORRTAPI void* createInferRefitter_INTERNAL(void* engine, void* logger,
                                                          int32_t version) noexcept;

/// The process-wide registry, which plugins join by REGISTER_TENSORRT_PLUGIN.
extern "C" TENSORRTAPI nvinfer1::IPluginRegistry* getPluginRegistry() noexcept;

/// The logger of the first builder, runtime or refitter that was made; null before that.
extern "C" TENSORRTAPI nvinfer1::ILogger* getLogger() noexcept;

extern "C" TENSORRTAPI int32_t getInferLibMajorVersion() noexcept;
extern "C" TENSORRTAPI int32_t getInferLibMinorVersion() noexcept;
extern "C" TENSORRTAPI int32_t getInferLibPatchVersion() noexcept;
extern "C" TENSORRTAPI int32_t getInferLibBuildVersion() noexcept;

namespace nvinfer1 {
// Without a name, so that each program passes the version of the headers that it was compiled with.
namespace {

/// Null when it could not be made; the reason goes to `logger`, which must outlive the runtime.
inline IRuntime* createInferRuntime(ILogger& logger) noexcept {
  return static_cast<IRuntime*>(createInferRuntime_INTERNAL(&logger, impl::kInterfaceVersion));
}

/// Null when `engine` is not refittable; the reason goes to `logger`.
inline IRefitter* createInferRefitter(ICudaEngine& engine, ILogger& logger) noexcept {
  return static_cast<IRefitter*>(
      createInferRefitter_INTERNAL(&engine, &logger, impl::kInterfaceVersion));
}

}  // namespace

/// Registers a creator of type T while the program, or the library that holds it, is loaded.
template <typename T>
class PluginRegistrar {
 public:
  PluginRegistrar() { getPluginRegistry()->registerCreator(instance, ""); }

 private:
  T instance{};
};

}  // namespace nvinfer1

#define REGISTER_TENSORRT_PLUGIN(name) \
  static nvinfer1::PluginRegistrar<name> pluginRegistrar##name {}
