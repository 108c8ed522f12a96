// What plugins of sources made for versions 5 to 9 (CARNOT_TENSORRT_SOURCE) implement: the
// functions with sizes of 32 bits. They are virtual in bases behind the tables that libraries call
// by number; the entries of those convert and call them.

#pragma once

#include <vector>

#include "NvInferRuntimeBase.h"

#if CARNOT_TENSORRT_SOURCE < 10
namespace nvinfer1 {

enum class TensorFormat : int32_t;
struct PluginTensorDesc64;
struct DynamicPluginTensorDesc64;

/// A tensor of a plugin.
struct PluginTensorDesc {
  Dims dims;
  DataType type;
  TensorFormat format;
  /// Of INT8 tensors.
  float scale;
};

/// A tensor of a plugin, with the range of its dimensions. A size of -1 in `desc` is dynamic.
struct DynamicPluginTensorDesc {
  PluginTensorDesc desc;
  Dims min;
  Dims max;
  Dims opt;
};

namespace impl {

/// An array for the time of a call.
template <typename To, typename From>
std::vector<To> narrow(From const* from, int32_t count) {
  return std::vector<To>(from, from + (from && count > 0 ? count : 0));
}

/// Holds the first entry of IPluginV2, so that no other base begins its table.
class PluginV2First {
 public:
  virtual int32_t getTensorRTVersion() const { return kInterfaceVersion; }

 protected:
  ~PluginV2First() = default;
};

/// See IPluginV2.
class PluginV2Narrow {
 public:
  virtual Dims getOutputDimensions(int32_t /*index*/, Dims const* /*inputs*/,
                                   int32_t /*nbInputDims*/) {
    Dims none{};
    none.nbDims = -1;
    return none;
  }
  virtual void configureWithFormat(Dims const* /*inputDims*/, int32_t /*nbInputs*/,
                                   Dims const* /*outputDims*/, int32_t /*nbOutputs*/,
                                   DataType /*type*/, TensorFormat /*format*/,
                                   int32_t /*maxBatchSize*/) {}

 protected:
  ~PluginV2Narrow() = default;
};

/// See IPluginV2Ext.
class PluginV2ExtNarrow {
 public:
  virtual void configurePlugin(Dims const* inputDims, int32_t nbInputs, Dims const* outputDims,
                               int32_t nbOutputs, DataType const* inputTypes,
                               DataType const* outputTypes, bool const* inputIsBroadcast,
                               bool const* outputIsBroadcast, TensorFormat floatFormat,
                               int32_t maxBatchSize) = 0;

 protected:
  ~PluginV2ExtNarrow() = default;
};

/// See IPluginV2IOExt.
class PluginV2IOExtNarrow {
 public:
  virtual void configurePlugin(PluginTensorDesc const* in, int32_t nbInput,
                               PluginTensorDesc const* out, int32_t nbOutput) = 0;
  virtual bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* inOut,
                                         int32_t nbInputs, int32_t nbOutputs) const = 0;

 protected:
  ~PluginV2IOExtNarrow() = default;
};

/// See IPluginV2DynamicExt.
class PluginV2DynamicExtNarrow {
 public:
  virtual bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* inOut,
                                         int32_t nbInputs, int32_t nbOutputs) = 0;
  virtual void configurePlugin(DynamicPluginTensorDesc const* in, int32_t nbInputs,
                               DynamicPluginTensorDesc const* out, int32_t nbOutputs) = 0;
  virtual size_t getWorkspaceSize(PluginTensorDesc const* inputs, int32_t nbInputs,
                                  PluginTensorDesc const* outputs, int32_t nbOutputs) const = 0;
  virtual int32_t enqueue(PluginTensorDesc const* inputDesc, PluginTensorDesc const* outputDesc,
                          void const* const* inputs, void* const* outputs, void* workspace,
                          cudaStream_t stream) = 0;

 protected:
  ~PluginV2DynamicExtNarrow() = default;

  /// Of the last configurePlugin(), which comes before enqueue(): that is not told.
  int32_t narrowInputs{0};
};

/// See IOutputAllocator.
class OutputAllocatorNarrow {
 public:
  virtual void notifyShape(char const* tensorName, Dims const& dims) = 0;

 protected:
  ~OutputAllocatorNarrow() = default;
};

}  // namespace impl
}  // namespace nvinfer1
#endif
