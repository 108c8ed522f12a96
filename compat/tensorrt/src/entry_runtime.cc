// The C functions that the headers' inline functions call: the runtime's part.
#include "refitter.h"
#include "registry.h"
#include "runtime.h"
#include "version.h"

namespace {

void refuse(void* logger, const char* call, int32_t version) {
  trt::Reporter(static_cast<nvinfer1::ILogger*>(logger)).misuse(call, trt::not_served(version));
}

}  // namespace

extern "C" {

TENSORRTAPI void* createInferRuntime_INTERNAL(void* logger, int32_t version) noexcept {
  const char* const call = "createInferRuntime";
  if (!logger || !trt::serves(version)) return refuse(logger, call, version), nullptr;
  auto* const log = static_cast<nvinfer1::ILogger*>(logger);
  const trt::Reporter reporter(log);
  return reporter.guard(call, static_cast<nvinfer1::IRuntime*>(nullptr),
                        [&]() -> nvinfer1::IRuntime* {
                          auto device = trt::choose_device();
                          if (device.ok()) return new trt::Runtime(log, std::move(*device));
                          reporter.error(call, device.status());
                          return nullptr;
                        });
}

TENSORRTAPI void* createInferRefitter_INTERNAL(void* engine, void* logger,
                                               int32_t version) noexcept {
  if (!engine || !logger || !trt::serves(version)) {
    return refuse(logger, "createInferRefitter", version), nullptr;
  }
  auto& ours = static_cast<trt::CudaEngine&>(*static_cast<nvinfer1::ICudaEngine*>(engine));
  return trt::make_refitter(ours, *static_cast<nvinfer1::ILogger*>(logger));
}

TENSORRTAPI nvinfer1::IPluginRegistry* getPluginRegistry() noexcept {
  return &trt::plugin_registry();
}

TENSORRTAPI nvinfer1::ILogger* getLogger() noexcept {
  return nullptr;  // a logger belongs to the objects that were made with it
}

TENSORRTAPI bool setInternalLibraryPath(nvinfer1::AsciiChar const*) noexcept {
  return true;  // there are no further libraries
}

}  // extern "C"
