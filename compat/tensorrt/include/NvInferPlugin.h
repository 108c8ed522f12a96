// The stock plugins.

#pragma once

#include "NvInfer.h"
#include "NvInferPluginUtils.h"

/// Registers the stock plugins under `libNamespace` ("" as a rule). `logger` is an ILogger or null.
/// May be called more than once.
extern "C" TENSORRTAPI bool initLibNvInferPlugins(void* logger, char const* libNamespace);

extern "C" {
// Plugins by functions, as before registries. The caller destroys them; null where a parameter
// cannot be used. The other functions of this kind do not exist here.

TENSORRTAPI nvinfer1::IPluginV2* createNormalizePlugin(nvinfer1::Weights const* scales,
                                                       bool acrossSpatial, bool channelShared,
                                                       float eps);
TENSORRTAPI nvinfer1::IPluginV2* createReorgPlugin(int32_t stride);
TENSORRTAPI nvinfer1::IPluginV2* createRegionPlugin(nvinfer1::plugin::RegionParameters params);
TENSORRTAPI nvinfer1::IPluginV2* createBatchedNMSPlugin(nvinfer1::plugin::NMSParameters param);
TENSORRTAPI nvinfer1::IPluginV2* createInstanceNormalizationPlugin(float epsilon,
                                                                   nvinfer1::Weights scale_weights,
                                                                   nvinfer1::Weights bias_weights);
}
