// libnvonnxparser's functions. The parser itself is libnvinfer's: it works on that library's
// classes.
#include "NvOnnxParser.h"

extern "C" {

void* carnotTrtCreateParser(void* network, void* logger) noexcept;
void* carnotTrtCreateParserRefitter(void* refitter, void* logger) noexcept;

TENSORRTAPI void* createNvOnnxParser_INTERNAL(void* network, void* logger, int) noexcept {
  return carnotTrtCreateParser(network, logger);
}

TENSORRTAPI void* createNvOnnxParserRefitter_INTERNAL(void* refitter, void* logger,
                                                      int32_t) noexcept {
  return carnotTrtCreateParserRefitter(refitter, logger);
}

TENSORRTAPI int getNvOnnxParserVersion() noexcept {
  return NV_ONNX_PARSER_VERSION;
}

}  // extern "C"
