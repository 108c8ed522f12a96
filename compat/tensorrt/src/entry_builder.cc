// The C functions that the headers' inline functions call: the builder's part.
#include "builder.h"
#include "parser.h"
#include "refitter.h"
#include "registry.h"
#include "version.h"

extern "C" {

TENSORRTAPI void* createInferBuilder_INTERNAL(void* logger, int32_t version) noexcept {
  auto* const log = static_cast<nvinfer1::ILogger*>(logger);
  if (!log || !trt::serves(version)) {
    trt::Reporter(log).misuse("createInferBuilder", trt::not_served(version));
    return nullptr;
  }
  const trt::Reporter reporter(log);
  return reporter.guard("createInferBuilder", static_cast<nvinfer1::IBuilder*>(nullptr),
                        [&]() -> nvinfer1::IBuilder* {
                          auto device = trt::choose_device();
                          if (device.ok()) return new trt::Builder(log, std::move(*device));
                          reporter.error("createInferBuilder", device.status());
                          return nullptr;
                        });
}

TENSORRTAPI nvinfer1::IPluginRegistry* getBuilderPluginRegistry(
    nvinfer1::EngineCapability) noexcept {
  return &trt::plugin_registry();
}

TENSORRTAPI nvinfer1::safe::IPluginRegistry* getBuilderSafePluginRegistry(
    nvinfer1::EngineCapability) noexcept {
  return nullptr;  // there is no safety runtime
}

TENSORRTAPI void* carnotTrtCreateParserRefitter(void* refitter, void* logger) noexcept {
  return trt::make_parser_refitter(refitter, logger);
}

TENSORRTAPI void* carnotTrtCreateParser(void* network, void* logger) noexcept {
  return trt::make_parser(network, logger);
}

}  // extern "C"
