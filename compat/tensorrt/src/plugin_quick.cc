#include "plugin_quick.h"

#include <cstring>

#include "formats.h"

namespace trt {

namespace {

bool is_kind(const IPluginCapability* part, const char* kind) {
  return part && std::strcmp(part->getInterfaceInfo().kind, kind) == 0;
}

}  // namespace

IPluginV3* QuickPlugin::wrap(IPluginV3* plugin) {
  if (!plugin) return nullptr;
  IPluginCapability* const core = plugin->getCapabilityInterface(PluginCapabilityType::kCORE);
  if (!is_kind(core, "PLUGIN_V3QUICK_CORE")) return plugin;
  auto* const out = new QuickPlugin(plugin, static_cast<IPluginV3QuickCore*>(core));
  IPluginCapability* const build = plugin->getCapabilityInterface(PluginCapabilityType::kBUILD);
  if (is_kind(build, "PLUGIN_V3QUICKAOT_BUILD")) {
    out->compiled_ = static_cast<IPluginV3QuickAOTBuild*>(build);
    out->build_ = out->compiled_;
    return out;
  }
  if (is_kind(build, "PLUGIN_V3QUICK_BUILD")) {
    out->build_ = static_cast<IPluginV3QuickBuild*>(build);
  }
  IPluginCapability* const run = plugin->getCapabilityInterface(PluginCapabilityType::kRUNTIME);
  if (is_kind(run, "PLUGIN_V3QUICK_RUNTIME")) out->run_ = static_cast<IPluginV3QuickRuntime*>(run);
  return out;
}

IPluginCapability* QuickPlugin::getCapabilityInterface(PluginCapabilityType type) noexcept {
  switch (type) {
    case PluginCapabilityType::kCORE:
      return static_cast<IPluginV3OneCore*>(this);
    case PluginCapabilityType::kBUILD:
      return build_ ? static_cast<IPluginV3OneBuildV2*>(this) : nullptr;
    case PluginCapabilityType::kRUNTIME:
      return run_ || compiled_ ? static_cast<IPluginV3OneRuntime*>(this) : nullptr;
  }
  return nullptr;
}

int32_t QuickPlugin::getOutputDataTypes(DataType* out, int32_t outputs, DataType const* in,
                                        int32_t inputs) const noexcept {
  if (ranks_.size() < static_cast<size_t>(inputs)) return -1;
  return build_->getOutputDataTypes(out, outputs, in, ranks_.data(), inputs);
}

void QuickPlugin::ask_combinations(DynamicPluginTensorDesc const* all, int32_t inputs,
                                   int32_t outputs) {
  combinations_.clear();
  const int32_t count = build_->getNbSupportedFormatCombinations(all, inputs, outputs);
  if (count <= 0) return;
  combinations_.resize(static_cast<size_t>(count) * static_cast<size_t>(inputs + outputs));
  if (build_->getSupportedFormatCombinations(all, inputs, outputs, combinations_.data(), count)) {
    combinations_.clear();
  }
}

bool QuickPlugin::supportsFormatCombination(int32_t position, DynamicPluginTensorDesc const* all,
                                            int32_t inputs, int32_t outputs) noexcept {
  const auto count = static_cast<size_t>(inputs + outputs);
  if (position == 0 || combinations_.empty()) ask_combinations(all, inputs, outputs);
  for (size_t at = 0; at + count <= combinations_.size(); at += count) {
    bool same = true;
    for (size_t i = 0; same && i <= static_cast<size_t>(position); ++i) {
      const PluginTensorDesc& has = combinations_[at + i];
      same = has.type == all[i].desc.type && has.format == all[i].desc.format;
    }
    if (same) return true;
  }
  return false;
}

int32_t QuickPlugin::onShapeChange(PluginTensorDesc const* in, int32_t inputs,
                                   PluginTensorDesc const* out, int32_t outputs) noexcept {
  inputs_ = inputs;
  strides_.clear();
  for (int32_t i = 0; i < inputs; ++i) strides_.push_back(strides_of(in[i].dims, in[i].format));
  for (int32_t i = 0; i < outputs; ++i) strides_.push_back(strides_of(out[i].dims, out[i].format));
  return 0;
}

int32_t QuickPlugin::enqueue(PluginTensorDesc const* in, PluginTensorDesc const* out,
                             void const* const* from, void* const* to, void*,
                             cudaStream_t stream) noexcept {
  if (!run_) return -1;
  const auto outputs = static_cast<int32_t>(strides_.size()) - inputs_;
  return run_->enqueue(in, out, from, to, strides_.data(), strides_.data() + inputs_, inputs_,
                       outputs, stream);
}

}  // namespace trt
