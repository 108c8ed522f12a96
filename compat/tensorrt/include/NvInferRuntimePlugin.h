// Plugins of version 2 and their creators.

#pragma once

#include "NvInferPluginBase.h"
#if CARNOT_TENSORRT_SOURCE < 10
#include "nvinfer/plugins_narrow.h"
#endif

namespace nvinfer1 {
enum class TensorFormat : int32_t;
namespace v_1_0 {
class IGpuAllocator;
}  // namespace v_1_0
using IGpuAllocator = v_1_0::IGpuAllocator;
}  // namespace nvinfer1

namespace nvinfer1 {

using PluginFormat = TensorFormat;

static constexpr int32_t kPLUGIN_VERSION_PYTHON_BIT = 0x40;

#if CARNOT_TENSORRT_SOURCE < 10
/// PluginTensorDesc as libraries know it.
struct PluginTensorDesc64 {
  Dims64 dims;
  DataType type;
  TensorFormat format;
  float scale;
  operator PluginTensorDesc() const { return {dims, type, format, scale}; }
};
#else
/// A tensor of a plugin.
struct PluginTensorDesc {
  Dims dims;
  DataType type;
  TensorFormat format;
  /// Of INT8 tensors.
  float scale;
};
using PluginTensorDesc64 = PluginTensorDesc;
#endif

namespace impl {
/// The addresses of a plugin's results; before version 8 they could be changed.
#if CARNOT_TENSORRT_SOURCE < 8
using PluginOutputs = void**;
#else
using PluginOutputs = void* const*;
#endif
}  // namespace impl

/// In the upper byte of getTensorRTVersion().
enum class PluginVersion : uint8_t {
  kV2 = 0,
  kV2_EXT = 1,
  kV2_IOEXT = 2,
  kV2_DYNAMICEXT = 3,
  kV2_DYNAMICEXT_PYTHON = kPLUGIN_VERSION_PYTHON_BIT | 3,
};

/// As PluginVersion, of creators.
enum class PluginCreatorVersion : int32_t {
  kV1 = 0,
  kV1_PYTHON = kPLUGIN_VERSION_PYTHON_BIT,
};

/// A plugin of version 2, in networks with an implicit batch: shapes have no dimension for it.
class IPluginV2
#if CARNOT_TENSORRT_SOURCE < 10
    : public impl::PluginV2First,
      public impl::PluginV2Narrow
#endif
{
 public:
  virtual int32_t getTensorRTVersion() const {
    return impl::kInterfaceVersion;
  }
  virtual AsciiChar const* getPluginType() const = 0;
  virtual AsciiChar const* getPluginVersion() const = 0;
  virtual int32_t getNbOutputs() const = 0;

#if CARNOT_TENSORRT_SOURCE < 10
  virtual Dims64 getOutputDimensions64(int32_t index, Dims64 const* inputs, int32_t nbInputDims) {
    return getOutputDimensions(index, impl::narrow<Dims>(inputs, nbInputDims).data(), nbInputDims);
  }
#else
  /// The shape of an output.
  virtual Dims getOutputDimensions(int32_t index, Dims const* inputs, int32_t nbInputDims) = 0;
#endif
  virtual bool supportsFormat(DataType type, PluginFormat format) const = 0;
#if CARNOT_TENSORRT_SOURCE < 10
  virtual void configureWithFormat64(Dims64 const* inputDims, int32_t nbInputs,
                                     Dims64 const* outputDims, int32_t nbOutputs, DataType type,
                                     PluginFormat format, int32_t maxBatchSize) {
    configureWithFormat(impl::narrow<Dims>(inputDims, nbInputs).data(), nbInputs,
                        impl::narrow<Dims>(outputDims, nbOutputs).data(), nbOutputs, type, format,
                        maxBatchSize);
  }
#else
  virtual void configureWithFormat(Dims const* inputDims, int32_t nbInputs, Dims const* outputDims,
                                   int32_t nbOutputs, DataType type, PluginFormat format,
                                   int32_t maxBatchSize) = 0;
#endif

  /// Called when an engine is made or loaded. 0 is success.
  virtual int32_t initialize() = 0;
  virtual void terminate() = 0;

  /// Scratch bytes of enqueue().
  virtual size_t getWorkspaceSize(int32_t maxBatchSize) const = 0;

  /// Queues the work on the stream. 0 is success.
  virtual int32_t enqueue(int32_t batchSize, void const* const* inputs, impl::PluginOutputs outputs,
                          void* workspace, cudaStream_t stream) = 0;

  /// Bytes that serialize() writes.
  virtual size_t getSerializationSize() const = 0;
  virtual void serialize(void* buffer) const = 0;

  /// Deletes the plugin.
  virtual void destroy() = 0;
  virtual IPluginV2* clone() const = 0;
  virtual void setPluginNamespace(AsciiChar const* pluginNamespace) = 0;
  virtual AsciiChar const* getPluginNamespace() const = 0;
  IPluginV2() = default;
  virtual ~IPluginV2() noexcept = default;

 protected:
  IPluginV2(IPluginV2 const&) = default;
  IPluginV2(IPluginV2&&) = default;
  IPluginV2& operator=(IPluginV2 const&) & = default;
  IPluginV2& operator=(IPluginV2&&) & = default;
};

/// Adds types of outputs and contexts.
class IPluginV2Ext : public IPluginV2
#if CARNOT_TENSORRT_SOURCE < 10
    ,
                     public impl::PluginV2ExtNarrow
#endif
{
 public:
  virtual DataType getOutputDataType(int32_t index, DataType const* inputTypes,
                                     int32_t nbInputs) const = 0;
  virtual bool isOutputBroadcastAcrossBatch(int32_t outputIndex, bool const* inputIsBroadcasted,
                                            int32_t nbInputs) const = 0;
  virtual bool canBroadcastInputAcrossBatch(int32_t inputIndex) const = 0;
#if CARNOT_TENSORRT_SOURCE < 10
  virtual void configureShapes64(Dims64 const* inputDims, int32_t nbInputs,
                                 Dims64 const* outputDims, int32_t nbOutputs,
                                 DataType const* inputTypes, DataType const* outputTypes,
                                 bool const* inputIsBroadcast, bool const* outputIsBroadcast,
                                 PluginFormat floatFormat, int32_t maxBatchSize) {
    configurePlugin(impl::narrow<Dims>(inputDims, nbInputs).data(), nbInputs,
                    impl::narrow<Dims>(outputDims, nbOutputs).data(), nbOutputs, inputTypes,
                    outputTypes, inputIsBroadcast, outputIsBroadcast, floatFormat, maxBatchSize);
  }
#else
  virtual void configurePlugin(Dims const* inputDims, int32_t nbInputs, Dims const* outputDims,
                               int32_t nbOutputs, DataType const* inputTypes,
                               DataType const* outputTypes, bool const* inputIsBroadcast,
                               bool const* outputIsBroadcast, PluginFormat floatFormat,
                               int32_t maxBatchSize) = 0;
#endif
  IPluginV2Ext() = default;
  ~IPluginV2Ext() override = default;
  virtual void attachToContext(cudnnContext*, cublasContext*, IGpuAllocator*) {}
  virtual void detachFromContext() {}
  IPluginV2Ext* clone() const override = 0;

 protected:
  IPluginV2Ext(IPluginV2Ext const&) = default;
  IPluginV2Ext(IPluginV2Ext&&) = default;
  IPluginV2Ext& operator=(IPluginV2Ext const&) & = default;
  IPluginV2Ext& operator=(IPluginV2Ext&&) & = default;
  int32_t getTensorRTVersion() const noexcept override {
    return static_cast<int32_t>((static_cast<uint32_t>(PluginVersion::kV2_EXT) << 24U) |
                                (static_cast<uint32_t>(impl::kInterfaceVersion) & 0xFFFFFFU));
  }
#if CARNOT_TENSORRT_SOURCE < 10
  void configureWithFormat64(Dims64 const*, int32_t, Dims64 const*, int32_t, DataType, PluginFormat,
                             int32_t) noexcept override {}
#else
  void configureWithFormat(Dims const*, int32_t, Dims const*, int32_t, DataType, PluginFormat,
                           int32_t) noexcept override {}
#endif
};

/// Adds types and formats of each tensor.
class IPluginV2IOExt : public IPluginV2Ext
#if CARNOT_TENSORRT_SOURCE < 10
    ,
                       public impl::PluginV2IOExtNarrow
#endif
{
 public:
#if CARNOT_TENSORRT_SOURCE < 10
  virtual void configureTensors64(PluginTensorDesc64 const* in, int32_t nbInput,
                                  PluginTensorDesc64 const* out, int32_t nbOutput) {
    configurePlugin(impl::narrow<PluginTensorDesc>(in, nbInput).data(), nbInput,
                    impl::narrow<PluginTensorDesc>(out, nbOutput).data(), nbOutput);
  }
  virtual bool supportsFormatCombination64(int32_t pos, PluginTensorDesc64 const* inOut,
                                           int32_t nbInputs, int32_t nbOutputs) const {
    return supportsFormatCombination(
        pos, impl::narrow<PluginTensorDesc>(inOut, nbInputs + nbOutputs).data(), nbInputs,
        nbOutputs);
  }
#else
  virtual void configurePlugin(PluginTensorDesc const* in, int32_t nbInput,
                               PluginTensorDesc const* out, int32_t nbOutput) = 0;

  /// Whether tensor `pos` (inputs first) may have its type and format, given those of the tensors
  /// before it.
  virtual bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* inOut,
                                         int32_t nbInputs, int32_t nbOutputs) const = 0;
#endif
  IPluginV2IOExt() = default;
  ~IPluginV2IOExt() override = default;

 protected:
  IPluginV2IOExt(IPluginV2IOExt const&) = default;
  IPluginV2IOExt(IPluginV2IOExt&&) = default;
  IPluginV2IOExt& operator=(IPluginV2IOExt const&) & = default;
  IPluginV2IOExt& operator=(IPluginV2IOExt&&) & = default;
  int32_t getTensorRTVersion() const noexcept override {
    return static_cast<int32_t>((static_cast<uint32_t>(PluginVersion::kV2_IOEXT) << 24U) |
                                (static_cast<uint32_t>(impl::kInterfaceVersion) & 0xFFFFFFU));
  }

 private:
  void configurePlugin(Dims const*, int32_t, Dims const*, int32_t, DataType const*, DataType const*,
                       bool const*, bool const*, PluginFormat, int32_t) noexcept final {}
  bool supportsFormat(DataType, PluginFormat) const noexcept final {
    return false;
  }

#if CARNOT_TENSORRT_SOURCE < 10
 public:
  void configurePlugin(PluginTensorDesc const* in, int32_t nbInput, PluginTensorDesc const* out,
                       int32_t nbOutput) override = 0;
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* inOut, int32_t nbInputs,
                                 int32_t nbOutputs) const override = 0;
#endif
};

namespace v_1_0 {

/// Makes plugins of version 2.
class IPluginCreator : public IPluginCreatorInterface {
 public:
  virtual AsciiChar const* getPluginName() const = 0;
  virtual AsciiChar const* getPluginVersion() const = 0;
  virtual PluginFieldCollection const* getFieldNames() = 0;

  /// From fields of a model. The caller destroys it; null on failure.
  virtual IPluginV2* createPlugin(AsciiChar const* name, PluginFieldCollection const* fc) = 0;

  /// From what serialize() wrote.
  virtual IPluginV2* deserializePlugin(AsciiChar const* name, void const* serialData,
                                       size_t serialLength) = 0;
  virtual void setPluginNamespace(AsciiChar const* pluginNamespace) = 0;
  virtual AsciiChar const* getPluginNamespace() const = 0;
  IPluginCreator() = default;
  ~IPluginCreator() override = default;

 protected:
  IPluginCreator(IPluginCreator const&) = default;
  IPluginCreator(IPluginCreator&&) = default;
  IPluginCreator& operator=(IPluginCreator const&) & = default;
  IPluginCreator& operator=(IPluginCreator&&) & = default;

 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN CREATOR_V1", 1, 0};
  }
};
}  // namespace v_1_0

using IPluginCreator = v_1_0::IPluginCreator;

}  // namespace nvinfer1
