// libnvinfer_plugin's functions. The plugins themselves are libnvinfer's: they are layers.
#include <cstring>
#include <string>
#include <vector>

#include "NvInferPlugin.h"

using nvinfer1::DataType;
using nvinfer1::IPluginV2;
using nvinfer1::PluginField;
using nvinfer1::PluginFieldCollection;
using nvinfer1::PluginFieldType;
using nvinfer1::Weights;

extern "C" {

bool carnotTrtRegisterPlugins(char const* space) noexcept;
IPluginV2* carnotTrtMakePlugin(char const* name, char const* version,
                               PluginFieldCollection const* fields) noexcept;

TENSORRTAPI bool initLibNvInferPlugins(void*, char const* space) {
  return carnotTrtRegisterPlugins(space);
}

}  // extern "C"

namespace {

IPluginV2* make(char const* name, char const* version, const std::vector<PluginField>& fields) {
  const PluginFieldCollection collection{static_cast<int32_t>(fields.size()), fields.data()};
  return carnotTrtMakePlugin(name, version, &collection);
}

PluginField integer(char const* name, int32_t const& value) {
  return PluginField(name, &value, PluginFieldType::kINT32, 1);
}
PluginField real(char const* name, float const& value) {
  return PluginField(name, &value, PluginFieldType::kFLOAT32, 1);
}
PluginField reals(char const* name, Weights const& values) {
  const bool good = values.type == DataType::kFLOAT && values.values && values.count > 0;
  return PluginField(name, good ? values.values : nullptr, PluginFieldType::kFLOAT32,
                     good ? static_cast<int32_t>(values.count) : 0);
}

}  // namespace

extern "C" {

TENSORRTAPI IPluginV2* createNormalizePlugin(Weights const* scales, bool acrossSpatial,
                                             bool channelShared, float eps) {
  if (!scales) return nullptr;
  const int32_t across = acrossSpatial, shared = channelShared;
  return make("Normalize_TRT", "1",
              {reals("weights", *scales), integer("acrossSpatial", across),
               integer("channelShared", shared), real("eps", eps)});
}

TENSORRTAPI IPluginV2* createReorgPlugin(int32_t stride) {
  return make("Reorg_TRT", "1", {integer("stride", stride)});
}

TENSORRTAPI IPluginV2* createRegionPlugin(nvinfer1::plugin::RegionParameters params) {
  if (params.smTree) return nullptr;
  return make("Region_TRT", "1",
              {integer("num", params.num), integer("coords", params.coords),
               integer("classes", params.classes)});
}

TENSORRTAPI IPluginV2* createBatchedNMSPlugin(nvinfer1::plugin::NMSParameters params) {
  const int32_t shared = params.shareLocation, normalized = params.isNormalized;
  return make(
      "BatchedNMS_TRT", "1",
      {integer("shareLocation", shared), integer("backgroundLabelId", params.backgroundLabelId),
       integer("numClasses", params.numClasses), integer("topK", params.topK),
       integer("keepTopK", params.keepTopK), real("scoreThreshold", params.scoreThreshold),
       real("iouThreshold", params.iouThreshold), integer("isNormalized", normalized)});
}

TENSORRTAPI IPluginV2* createInstanceNormalizationPlugin(float epsilon, Weights scale_weights,
                                                         Weights bias_weights) {
  return make(
      "InstanceNormalization_TRT", "1",
      {real("epsilon", epsilon), reals("scales", scale_weights), reals("bias", bias_weights)});
}

}  // extern "C"
