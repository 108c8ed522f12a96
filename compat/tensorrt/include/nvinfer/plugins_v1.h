// The plugins of versions 1 to 7 without a name, so that programs that have them beside others
// compile. Networks refuse them: what names no creator cannot be loaded again from a plan.

#pragma once

#include "NvInferRuntimePlugin.h"

namespace nvinfer1 {

/// See IPluginV2, which took its place.
class IPlugin {
 public:
  virtual int32_t getNbOutputs() const = 0;
  virtual Dims getOutputDimensions(int32_t index, Dims const* inputs, int32_t nbInputDims) = 0;
  virtual void configure(Dims const* inputDims, int32_t nbInputs, Dims const* outputDims,
                         int32_t nbOutputs, int32_t maxBatchSize) = 0;
  virtual int32_t initialize() = 0;
  virtual void terminate() = 0;
  virtual size_t getWorkspaceSize(int32_t maxBatchSize) const = 0;
  virtual int32_t enqueue(int32_t batchSize, void const* const* inputs, void** outputs,
                          void* workspace, cudaStream_t stream) = 0;
  virtual size_t getSerializationSize() = 0;
  virtual void serialize(void* buffer) = 0;
  virtual ~IPlugin() = default;
};

/// Adds types and formats.
class IPluginExt : public IPlugin {
 public:
  virtual int32_t getTensorRTVersion() const { return NV_TENSORRT_VERSION; }
  virtual bool supportsFormat(DataType type, PluginFormat format) const = 0;
  virtual void configureWithFormat(Dims const* inputDims, int32_t nbInputs, Dims const* outputDims,
                                   int32_t nbOutputs, DataType type, PluginFormat format,
                                   int32_t maxBatchSize) = 0;

 protected:
  void configure(Dims const*, int32_t, Dims const*, int32_t, int32_t) final {}
};

/// Made plugins of a plan by their layers' names.
class IPluginFactory {
 public:
  virtual IPlugin* createPlugin(char const* layerName, void const* serialData,
                                size_t serialLength) = 0;
  virtual ~IPluginFactory() = default;
};

}  // namespace nvinfer1
