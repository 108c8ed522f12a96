// libnvonnxparser's functions. The parser itself is libnvinfer's: it works on that library's
// classes.
#include "NvOnnxParser.h"

extern "C" {

void* carnotTrtCreateParser(void* network, void* logger) noexcept;

TENSORRTAPI void* createNvOnnxParser_INTERNAL(void* network, void* logger, int) noexcept {
  return carnotTrtCreateParser(network, logger);
}

TENSORRTAPI void* createNvOnnxParserRefitter_INTERNAL(void*, void* logger, int32_t) noexcept {
  if (logger) {
    static_cast<nvinfer1::ILogger*>(logger)->log(nvinfer1::ILogger::Severity::kERROR,
                                                 "createParserRefitter: Error Code 9: Invalid "
                                                 "State (engines are not refittable: build again "
                                                 "from the new model)");
  }
  return nullptr;
}

TENSORRTAPI int getNvOnnxParserVersion() noexcept {
  return NV_ONNX_PARSER_VERSION;
}

}  // extern "C"
