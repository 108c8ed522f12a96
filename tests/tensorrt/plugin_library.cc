// A library of plugins as programs load them: exports its creators.
#include "NvInferRuntime.h"

namespace {

using nvinfer1::AsciiChar;
using nvinfer1::IPluginV3;
using nvinfer1::PluginFieldCollection;

nvinfer1::ILoggerFinder* finder = nullptr;

class Creator final : public nvinfer1::IPluginCreatorV3One {
 public:
  IPluginV3* createPlugin(AsciiChar const*, PluginFieldCollection const*,
                          nvinfer1::TensorRTPhase) noexcept override {
    if (finder) finder->findLogger()->log(nvinfer1::ILogger::Severity::kERROR, "none is made");
    return nullptr;
  }
  PluginFieldCollection const* getFieldNames() noexcept override { return &fields_; }
  AsciiChar const* getPluginName() const noexcept override { return "OfALibrary"; }
  AsciiChar const* getPluginVersion() const noexcept override { return "1"; }
  AsciiChar const* getPluginNamespace() const noexcept override { return ""; }

 private:
  PluginFieldCollection fields_{};
};

}  // namespace

extern "C" __attribute__((visibility("default"))) void setLoggerFinder(
    nvinfer1::ILoggerFinder* given) {
  finder = given;
}

extern "C" __attribute__((visibility("default"))) nvinfer1::IPluginCreatorInterface* const*
getCreators(int32_t& count) {
  static Creator creator;
  static nvinfer1::IPluginCreatorInterface* const list[] = {&creator};
  count = 1;
  return list;
}
