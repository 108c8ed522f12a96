#pragma once
// Quick plugins as plugins of version 3, which everything else here knows.
#include <utility>
#include <vector>

#include "impl/NvInferPythonPlugin.h"

namespace trt {

using namespace nvinfer1;

/// Owns a quick plugin.
class QuickPlugin final : public IPluginV3,
                          public IPluginV3OneCore,
                          public IPluginV3OneBuildV2,
                          public IPluginV3OneRuntime {
 public:
  /// The plugin itself where it is none of these.
  static IPluginV3* wrap(IPluginV3* plugin);
  ~QuickPlugin() override { delete plugin_; }

  IPluginV3& plugin() { return *plugin_; }
  /// With a kernel that the plan keeps, or null.
  IPluginV3QuickAOTBuild* compiled() const { return compiled_; }
  /// Ranks of the operands, before their types are asked for.
  void set_ranks(std::vector<int32_t> ranks) { ranks_ = std::move(ranks); }

  InterfaceInfo getInterfaceInfo() const noexcept override { return {"PLUGIN", 1, 0}; }
  IPluginCapability* getCapabilityInterface(PluginCapabilityType type) noexcept override;
  IPluginV3* clone() noexcept override { return wrap(plugin_->clone()); }
  AsciiChar const* getPluginName() const noexcept override { return core_->getPluginName(); }
  AsciiChar const* getPluginVersion() const noexcept override { return core_->getPluginVersion(); }
  AsciiChar const* getPluginNamespace() const noexcept override {
    return core_->getPluginNamespace();
  }
  int32_t configurePlugin(DynamicPluginTensorDesc const* in, int32_t inputs,
                          DynamicPluginTensorDesc const* out, int32_t outputs) noexcept override {
    return build_->configurePlugin(in, inputs, out, outputs);
  }
  int32_t getOutputDataTypes(DataType* out, int32_t outputs, DataType const* in,
                             int32_t inputs) const noexcept override;
  int32_t getOutputShapes(DimsExprs const* in, int32_t inputs, DimsExprs const* values,
                          int32_t count, DimsExprs* out, int32_t outputs,
                          IExprBuilder& builder) noexcept override {
    return build_->getOutputShapes(in, inputs, values, count, out, outputs, builder);
  }
  bool supportsFormatCombination(int32_t position, DynamicPluginTensorDesc const* all,
                                 int32_t inputs, int32_t outputs) noexcept override;
  int32_t getNbOutputs() const noexcept override { return build_->getNbOutputs(); }
  int32_t getNbTactics() noexcept override { return build_->getNbTactics(); }
  int32_t getValidTactics(int32_t* tactics, int32_t count) noexcept override {
    return build_->getValidTactics(tactics, count);
  }
  int32_t getAliasedInput(int32_t output) noexcept override {
    return build_->getAliasedInput(output);
  }
  int32_t setTactic(int32_t tactic) noexcept override {
    return run_ ? run_->setTactic(tactic) : compiled_->setTactic(tactic);
  }
  int32_t onShapeChange(PluginTensorDesc const* in, int32_t inputs, PluginTensorDesc const* out,
                        int32_t outputs) noexcept override;
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const* out, void const* const* from,
                  void* const* to, void* scratch, cudaStream_t stream) noexcept override;
  IPluginV3* attachToContext(IPluginResourceContext*) noexcept override { return clone(); }
  PluginFieldCollection const* getFieldsToSerialize() noexcept override {
    return run_ ? run_->getFieldsToSerialize() : nullptr;
  }

 private:
  QuickPlugin(IPluginV3* plugin, IPluginV3QuickCore* core) : plugin_(plugin), core_(core) {}
  void ask_combinations(DynamicPluginTensorDesc const* all, int32_t inputs, int32_t outputs);

  IPluginV3* plugin_;
  IPluginV3QuickCore* core_;
  IPluginV3QuickBuild* build_ = nullptr;
  IPluginV3QuickAOTBuild* compiled_ = nullptr;
  IPluginV3QuickRuntime* run_ = nullptr;
  std::vector<int32_t> ranks_;
  std::vector<PluginTensorDesc> combinations_;  ///< one after another
  std::vector<Dims> strides_;                   ///< of operands, then of results
  int32_t inputs_ = 0;
};

}  // namespace trt
