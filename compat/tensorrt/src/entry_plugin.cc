// libnvinfer_plugin's functions. The plugins themselves are libnvinfer's: they are layers.
#include <algorithm>
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
PluginField integers(char const* name, int32_t const* values, int32_t count) {
  return PluginField(name, values, PluginFieldType::kINT32, values && count > 0 ? count : 0);
}
PluginField reals(char const* name, float const* values, int32_t count) {
  return PluginField(name, values, PluginFieldType::kFLOAT32, values && count > 0 ? count : 0);
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
  return make("Region_TRT", "1",
              {integer("num", params.num), integer("coords", params.coords),
               integer("classes", params.classes),
               PluginField("smTree", params.smTree, PluginFieldType::kINT32, 1)});
}

TENSORRTAPI IPluginV2* createLReLUPlugin(float negSlope) {
  return make("LReLU_TRT", "1", {real("negSlope", negSlope)});
}

TENSORRTAPI IPluginV2* createClipPlugin(char const*, float clipMin, float clipMax) {
  return make("Clip_TRT", "1", {real("clipMin", clipMin), real("clipMax", clipMax)});
}

TENSORRTAPI IPluginV2* createSplitPlugin(int32_t axis, int32_t* output_lengths, int32_t noutput) {
  if (!output_lengths || noutput < 1) return nullptr;
  return make("Split", "1",
              {integer("axis", axis), integers("output_lengths", output_lengths, noutput)});
}

TENSORRTAPI IPluginV2* createPriorBoxPlugin(nvinfer1::plugin::PriorBoxParameters param) {
  if (param.numMinSize < 1 || !param.minSize) return nullptr;
  const int32_t flip = param.flip, clip = param.clip;
  return make("PriorBox_TRT", "1",
              {reals("minSize", param.minSize, param.numMinSize),
               reals("maxSize", param.maxSize, param.numMaxSize),
               reals("aspectRatios", param.aspectRatios, param.numAspectRatios),
               integer("flip", flip), integer("clip", clip), reals("variance", param.variance, 4),
               integer("imgH", param.imgH), integer("imgW", param.imgW), real("stepH", param.stepH),
               real("stepW", param.stepW), real("offset", param.offset)});
}

TENSORRTAPI IPluginV2* createAnchorGeneratorPlugin(nvinfer1::plugin::GridAnchorParameters* param,
                                                   int32_t numLayers) {
  if (!param || numLayers < 1) return nullptr;
  std::vector<int32_t> shapes;
  for (int32_t i = 0; i < numLayers; ++i) {
    const auto &one = param[i], &first = param[0];
    const bool same =
        one.minSize == first.minSize && one.maxSize == first.maxSize &&
        one.numAspectRatios == first.numAspectRatios && one.aspectRatios &&
        std::equal(one.variance, one.variance + 4, first.variance) &&
        std::equal(one.aspectRatios, one.aspectRatios + one.numAspectRatios, first.aspectRatios);
    if (!same) return nullptr;
    shapes.push_back(one.H), shapes.push_back(one.W);
  }
  return make("GridAnchorRect_TRT", "1",
              {real("minSize", param->minSize), real("maxSize", param->maxSize),
               reals("aspectRatios", param->aspectRatios, param->numAspectRatios),
               integers("featureMapShapes", shapes.data(), 2 * numLayers),
               reals("variance", param->variance, 4), integer("numLayers", numLayers)});
}

TENSORRTAPI IPluginV2* createNMSPlugin(nvinfer1::plugin::DetectionOutputParameters param) {
  const int32_t shared = param.shareLocation, encoded = param.varianceEncodedInTarget,
                sigmoid = param.confSigmoid, normalized = param.isNormalized,
                agnostic = param.isBatchAgnostic, code = static_cast<int32_t>(param.codeType);
  return make(
      "NMS_TRT", "1",
      {integer("shareLocation", shared), integer("varianceEncodedInTarget", encoded),
       integer("backgroundLabelId", param.backgroundLabelId),
       integer("numClasses", param.numClasses), integer("topK", param.topK),
       integer("keepTopK", param.keepTopK), real("confidenceThreshold", param.confidenceThreshold),
       real("nmsThreshold", param.nmsThreshold), integers("inputOrder", param.inputOrder, 3),
       integer("confSigmoid", sigmoid), integer("isNormalized", normalized),
       integer("codeType", code), integer("isBatchAgnostic", agnostic)});
}

TENSORRTAPI IPluginV2* carnotTrtMakeRpnRoiPlugin(nvinfer1::plugin::RPROIParams const* params,
                                                 Weights const* ratios, Weights const* scales) {
  if (!params || !ratios || !scales || ratios->count < 1 || scales->count < 1) return nullptr;
  return make(
      "RPROI_TRT", "1",
      {integer("poolingH", params->poolingH), integer("poolingW", params->poolingW),
       integer("featureStride", params->featureStride), integer("preNmsTop", params->preNmsTop),
       integer("nmsMaxOut", params->nmsMaxOut), real("iouThreshold", params->iouThreshold),
       real("minBoxSize", params->minBoxSize), real("spatialScale", params->spatialScale),
       reals("anchorsRatios", *ratios), reals("anchorsScales", *scales)});
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
