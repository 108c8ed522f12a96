// The builder: networks made by hand or by a parser become engines.

#pragma once

#include "NvInferLegacyDims.h"
#include "NvInferRuntime.h"
#include "nvinfer/builder.h"

extern "C" TENSORRTAPI void* createInferBuilder_INTERNAL(void* logger, int32_t version) noexcept;

namespace nvinfer1 {
namespace {

/// Null when it could not be made; the reason goes to `logger`, which must outlive the builder.
inline IBuilder* createInferBuilder(ILogger& logger) noexcept {
  return static_cast<IBuilder*>(createInferBuilder_INTERNAL(&logger, impl::kInterfaceVersion));
}

}  // namespace

namespace safe {
class IPluginRegistry;
}  // namespace safe

/// The registry that a builder for `capability` uses; null where there is none.
extern "C" TENSORRTAPI nvinfer1::IPluginRegistry* getBuilderPluginRegistry(
    nvinfer1::EngineCapability capability) noexcept;

/// Always null: there is no safety runtime.
extern "C" TENSORRTAPI nvinfer1::safe::IPluginRegistry* getBuilderSafePluginRegistry(
    nvinfer1::EngineCapability capability) noexcept;

/// Where the builder's resources lie. Accepted; everything is in the libraries.
extern "C" TENSORRTAPI bool setInternalLibraryPath(AsciiChar const* path) noexcept;

}  // namespace nvinfer1
