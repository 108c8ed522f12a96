// The stock plugins.

#pragma once

#include "NvInfer.h"
#include "NvInferLegacyDims.h"
#include "NvInferPluginUtils.h"

/// Registers the stock plugins under `libNamespace` ("" as a rule). `logger` is an ILogger or null.
/// May be called more than once.
extern "C" TENSORRTAPI bool initLibNvInferPlugins(void* logger, char const* libNamespace);

extern "C" {
// Plugins by functions, as before registries. The caller destroys them; null where a parameter
// cannot be used.

TENSORRTAPI nvinfer1::IPluginV2* createNormalizePlugin(nvinfer1::Weights const* scales,
                                                       bool acrossSpatial, bool channelShared,
                                                       float eps);
TENSORRTAPI nvinfer1::IPluginV2* createPriorBoxPlugin(nvinfer1::plugin::PriorBoxParameters param);
/// One of `param` for each layer; they may differ in H and W alone.
TENSORRTAPI nvinfer1::IPluginV2* createAnchorGeneratorPlugin(
    nvinfer1::plugin::GridAnchorParameters* param, int32_t numLayers);
TENSORRTAPI nvinfer1::IPluginV2* createNMSPlugin(nvinfer1::plugin::DetectionOutputParameters param);
TENSORRTAPI nvinfer1::IPluginV2* createLReLUPlugin(float negSlope);
TENSORRTAPI nvinfer1::IPluginV2* createReorgPlugin(int32_t stride);
TENSORRTAPI nvinfer1::IPluginV2* createRegionPlugin(nvinfer1::plugin::RegionParameters params);
TENSORRTAPI nvinfer1::IPluginV2* createClipPlugin(char const* layerName, float clipMin,
                                                  float clipMax);
TENSORRTAPI nvinfer1::IPluginV2* createBatchedNMSPlugin(nvinfer1::plugin::NMSParameters param);
TENSORRTAPI nvinfer1::IPluginV2* createSplitPlugin(int32_t axis, int32_t* output_lengths,
                                                   int32_t noutput);
TENSORRTAPI nvinfer1::IPluginV2* createInstanceNormalizationPlugin(float epsilon,
                                                                   nvinfer1::Weights scale_weights,
                                                                   nvinfer1::Weights bias_weights);
TENSORRTAPI nvinfer1::IPluginV2* carnotTrtMakeRpnRoiPlugin(
    nvinfer1::plugin::RPROIParams const* params, nvinfer1::Weights const* ratios,
    nvinfer1::Weights const* scales);
}

inline nvinfer1::IPluginV2* createRPNROIPlugin(int32_t featureStride, int32_t preNmsTop,
                                               int32_t nmsMaxOut, float iouThreshold,
                                               float minBoxSize, float spatialScale,
                                               nvinfer1::DimsHW pooling,
                                               nvinfer1::Weights anchorRatios,
                                               nvinfer1::Weights anchorScales) {
  nvinfer1::plugin::RPROIParams params{};
  params.poolingH = static_cast<int32_t>(pooling.h());
  params.poolingW = static_cast<int32_t>(pooling.w());
  params.featureStride = featureStride;
  params.preNmsTop = preNmsTop;
  params.nmsMaxOut = nmsMaxOut;
  params.iouThreshold = iouThreshold;
  params.minBoxSize = minBoxSize;
  params.spatialScale = spatialScale;
  return carnotTrtMakeRpnRoiPlugin(&params, &anchorRatios, &anchorScales);
}
