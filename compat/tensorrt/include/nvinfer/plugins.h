// What plugins with dynamic shapes derive from (IPluginV2DynamicExt, IPluginV3).

#pragma once

#include "nvinfer/runtime_types.h"
#if CARNOT_TENSORRT_SOURCE < 8
#include "nvinfer/plugins_v1.h"
#endif

namespace nvinfer1 {

/// Arithmetic of IExprBuilder; kEQUAL and kLESS give 1 or 0.
enum class DimensionOperation : int32_t {
  kSUM = 0,
  kPROD = 1,
  kMAX = 2,
  kMIN = 3,
  kSUB = 4,
  kEQUAL = 5,
  kLESS = 6,
  kFLOOR_DIV = 7,
  kCEIL_DIV = 8,
};

/// A size that a plugin computes with before it is known.
class IDimensionExpr : public INoCopy {
 public:
  bool isConstant() const noexcept { return mImpl->isConstant(); }

  /// The size where isConstant(); else unspecified.
  impl::Size getConstantValue() const noexcept {
    return static_cast<impl::Size>(mImpl->getConstantValue());
  }

 protected:
  apiv::VDimensionExpr* mImpl;
  virtual ~IDimensionExpr() noexcept = default;

 public:
  /// Whether declareSizeTensor() made it.
  bool isSizeTensor() const noexcept { return mImpl->isSizeTensor(); }
};

/// Makes expressions of sizes. They live as long as the builder of expressions.
class IExprBuilder : public INoCopy {
 public:
  IDimensionExpr const* constant(int64_t value) noexcept { return mImpl->constant(value); }

  /// `first` op `second`; null when op is unknown.
  IDimensionExpr const* operation(DimensionOperation op, IDimensionExpr const& first,
                                  IDimensionExpr const& second) noexcept {
    return mImpl->operation(op, first, second);
  }

 protected:
  apiv::VExprBuilder* mImpl;
  virtual ~IExprBuilder() noexcept = default;

 public:
  /// A size that the plugin's scalar output outputIndex tells at run time; `opt` is typical,
  /// `upper` a bound.
  IDimensionExpr const* declareSizeTensor(int32_t outputIndex, IDimensionExpr const& opt,
                                          IDimensionExpr const& upper) {
    return mImpl->declareSizeTensor(outputIndex, opt, upper);
  }
};

/// As Dims, with expressions.
class DimsExprs {
 public:
  int32_t nbDims;
  IDimensionExpr const* d[Dims::MAX_DIMS];
};

#if CARNOT_TENSORRT_SOURCE < 10
/// DynamicPluginTensorDesc as libraries know it.
struct DynamicPluginTensorDesc64 {
  PluginTensorDesc64 desc;
  Dims64 min;
  Dims64 max;
  Dims64 opt;
  operator DynamicPluginTensorDesc() const { return {desc, min, max, opt}; }
};
#else
/// A tensor of a plugin, with the range of its dimensions. A size of -1 in `desc` is dynamic.
struct DynamicPluginTensorDesc {
  PluginTensorDesc desc;
  Dims min;
  Dims max;
  Dims opt;
};
using DynamicPluginTensorDesc64 = DynamicPluginTensorDesc;
#endif

/// A plugin of version 2 for networks with an explicit batch and dynamic shapes.
class IPluginV2DynamicExt : public nvinfer1::IPluginV2Ext
#if CARNOT_TENSORRT_SOURCE < 10
    ,
                            public impl::PluginV2DynamicExtNarrow
#endif
{
 public:
  IPluginV2DynamicExt* clone() const override = 0;

  /// The shape of an output as expressions of the inputs' sizes.
  virtual DimsExprs getOutputDimensions(int32_t outputIndex, DimsExprs const* inputs,
                                        int32_t nbInputs, IExprBuilder& exprBuilder) = 0;
  static constexpr int32_t kFORMAT_COMBINATION_LIMIT = 100;

#if CARNOT_TENSORRT_SOURCE < 10
  virtual bool supportsFormatCombination64(int32_t pos, PluginTensorDesc64 const* inOut,
                                           int32_t nbInputs, int32_t nbOutputs) {
    return supportsFormatCombination(
        pos, impl::narrow<PluginTensorDesc>(inOut, nbInputs + nbOutputs).data(), nbInputs,
        nbOutputs);
  }
  virtual void configureRanges64(DynamicPluginTensorDesc64 const* in, int32_t nbInputs,
                                 DynamicPluginTensorDesc64 const* out, int32_t nbOutputs) {
    narrowInputs = nbInputs;
    configurePlugin(impl::narrow<DynamicPluginTensorDesc>(in, nbInputs).data(), nbInputs,
                    impl::narrow<DynamicPluginTensorDesc>(out, nbOutputs).data(), nbOutputs);
  }
  virtual size_t getWorkspaceSize64(PluginTensorDesc64 const* inputs, int32_t nbInputs,
                                    PluginTensorDesc64 const* outputs, int32_t nbOutputs) const {
    return getWorkspaceSize(impl::narrow<PluginTensorDesc>(inputs, nbInputs).data(), nbInputs,
                            impl::narrow<PluginTensorDesc>(outputs, nbOutputs).data(), nbOutputs);
  }
  virtual int32_t enqueue64(PluginTensorDesc64 const* inputDesc,
                            PluginTensorDesc64 const* outputDesc, void const* const* inputs,
                            void* const* outputs, void* workspace, cudaStream_t stream) {
    return enqueue(impl::narrow<PluginTensorDesc>(inputDesc, narrowInputs).data(),
                   impl::narrow<PluginTensorDesc>(outputDesc, getNbOutputs()).data(), inputs,
                   outputs, workspace, stream);
  }
#else
  /// Whether tensor `pos` (inputs first) may have its type and format, given those of the tensors
  /// before it.
  virtual bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* inOut,
                                         int32_t nbInputs, int32_t nbOutputs) = 0;

  /// Called while the engine is built, and when shapes change.
  virtual void configurePlugin(DynamicPluginTensorDesc const* in, int32_t nbInputs,
                               DynamicPluginTensorDesc const* out, int32_t nbOutputs) = 0;

  /// Scratch bytes of enqueue() for these shapes.
  virtual size_t getWorkspaceSize(PluginTensorDesc const* inputs, int32_t nbInputs,
                                  PluginTensorDesc const* outputs, int32_t nbOutputs) const = 0;

  /// Queues the work on the stream. 0 is success.
  virtual int32_t enqueue(PluginTensorDesc const* inputDesc, PluginTensorDesc const* outputDesc,
                          void const* const* inputs, void* const* outputs, void* workspace,
                          cudaStream_t stream) = 0;
#endif

 protected:
  int32_t getTensorRTVersion() const noexcept override {
    return (static_cast<int32_t>(PluginVersion::kV2_DYNAMICEXT) << 24 |
            (impl::kInterfaceVersion & 0xFFFFFF));
  }
  virtual ~IPluginV2DynamicExt() {}

 private:
  void configurePlugin(Dims const*, int32_t, Dims const*, int32_t, DataType const*, DataType const*,
                       bool const*, bool const*, PluginFormat, int32_t) noexcept final {}
  bool supportsFormat(DataType, PluginFormat) const noexcept final {
    return false;
  }
  Dims getOutputDimensions(int32_t, Dims const*, int32_t) noexcept final {
    Dims none{};
    none.nbDims = -1;
    return none;
  }
  bool isOutputBroadcastAcrossBatch(int32_t, bool const*, int32_t) const noexcept final {
    return false;
  }
  bool canBroadcastInputAcrossBatch(int32_t) const noexcept final {
    return true;
  }
  size_t getWorkspaceSize(int32_t) const noexcept final {
    return 0;
  }
  int32_t enqueue(int32_t, void const* const*, impl::PluginOutputs, void*,
                  cudaStream_t) noexcept final {
    return 1;
  }

#if CARNOT_TENSORRT_SOURCE < 10
 public:
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* inOut, int32_t nbInputs,
                                 int32_t nbOutputs) override = 0;
  void configurePlugin(DynamicPluginTensorDesc const* in, int32_t nbInputs,
                       DynamicPluginTensorDesc const* out, int32_t nbOutputs) override = 0;
  size_t getWorkspaceSize(PluginTensorDesc const* inputs, int32_t nbInputs,
                          PluginTensorDesc const* outputs, int32_t nbOutputs) const override = 0;
  int32_t enqueue(PluginTensorDesc const* inputDesc, PluginTensorDesc const* outputDesc,
                  void const* const* inputs, void* const* outputs, void* workspace,
                  cudaStream_t stream) override = 0;
#endif
};

/// What a plugin gets when it is attached to an execution context.
class IPluginResourceContext {
 public:
  virtual IGpuAllocator* getGpuAllocator() const noexcept = 0;
  virtual IErrorRecorder* getErrorRecorder() const noexcept = 0;
  virtual ~IPluginResourceContext() noexcept = default;

 protected:
  IPluginResourceContext() = default;
  IPluginResourceContext(IPluginResourceContext const&) = default;
  IPluginResourceContext(IPluginResourceContext&&) = default;
  IPluginResourceContext& operator=(IPluginResourceContext const&) & = default;
  IPluginResourceContext& operator=(IPluginResourceContext&&) & = default;
};

namespace v_1_0 {

/// What names a plugin of version 3.
class IPluginV3OneCore : public IPluginCapability {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN_V3ONE_CORE", 1, 0};
  }
  virtual AsciiChar const* getPluginName() const noexcept = 0;
  virtual AsciiChar const* getPluginVersion() const noexcept = 0;
  virtual AsciiChar const* getPluginNamespace() const noexcept = 0;
};
}  // namespace v_1_0

using IPluginV3OneCore = v_1_0::IPluginV3OneCore;

namespace v_1_0 {

/// What a plugin of version 3 answers while an engine is built. Integers returned are 0 for
/// success.
class IPluginV3OneBuild : public IPluginCapability {
 public:
  static constexpr int32_t kDEFAULT_FORMAT_COMBINATION_LIMIT = 100;
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN_V3ONE_BUILD", 1, 0};
  }

  /// Called with the ranges of the shapes, before getWorkspaceSize().
  virtual int32_t configurePlugin(DynamicPluginTensorDesc64 const* in, int32_t nbInputs,
                                  DynamicPluginTensorDesc64 const* out,
                                  int32_t nbOutputs) noexcept = 0;

  /// Writes the type of each output.
  virtual int32_t getOutputDataTypes(DataType* outputTypes, int32_t nbOutputs,
                                     const DataType* inputTypes,
                                     int32_t nbInputs) const noexcept = 0;

  /// Writes the shapes of the outputs as expressions. `shapeInputs` are values of inputs that
  /// shapes depend on.
  virtual int32_t getOutputShapes(DimsExprs const* inputs, int32_t nbInputs,
                                  DimsExprs const* shapeInputs, int32_t nbShapeInputs,
                                  DimsExprs* outputs, int32_t nbOutputs,
                                  IExprBuilder& exprBuilder) noexcept = 0;

  /// Whether tensor `pos` (inputs first) may have its type and format, given those of the tensors
  /// before it.
  virtual bool supportsFormatCombination(int32_t pos, DynamicPluginTensorDesc64 const* inOut,
                                         int32_t nbInputs, int32_t nbOutputs) noexcept = 0;
  virtual int32_t getNbOutputs() const noexcept = 0;

  /// Scratch bytes of enqueue() for any shape in these ranges.
  virtual size_t getWorkspaceSize(DynamicPluginTensorDesc64 const* /*inputs*/, int32_t /*nbInputs*/,
                                  DynamicPluginTensorDesc64 const* /*outputs*/,
                                  int32_t /*nbOutputs*/) const noexcept {
    return 0;
  }

  /// Writes the tactics to be timed, positive numbers that differ.
  virtual int32_t getValidTactics(int32_t* /*tactics*/, int32_t /*nbTactics*/) noexcept {
    return 0;
  }

  /// How many getValidTactics() writes; 0 for one tactic without a number.
  virtual int32_t getNbTactics() noexcept { return 0; }

  /// Names timings in the cache; null keeps them out.
  virtual char const* getTimingCacheID() noexcept { return nullptr; }

  /// How many combinations are timed at most.
  virtual int32_t getFormatCombinationLimit() noexcept { return kDEFAULT_FORMAT_COMBINATION_LIMIT; }

  /// Text for IEngineInspector.
  virtual char const* getMetadataString() noexcept { return nullptr; }
};
}  // namespace v_1_0

namespace v_2_0 {

/// Adds outputs that share the memory of an input.
class IPluginV3OneBuild : public v_1_0::IPluginV3OneBuild {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN_V3ONE_BUILD", 2, 0};
  }

  /// The input whose memory an output shares, -1 for none. Needs
  /// PreviewFeature::kALIASED_PLUGIN_IO_10_03.
  virtual int32_t getAliasedInput(int32_t /*outputIndex*/) noexcept { return -1; }
};
}  // namespace v_2_0

using IPluginV3OneBuild = v_1_0::IPluginV3OneBuild;
using IPluginV3OneBuildV2 = v_2_0::IPluginV3OneBuild;

namespace v_1_0 {

/// What a plugin of version 3 does at run time. Integers returned are 0 for success.
class IPluginV3OneRuntime : public IPluginCapability {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN_V3ONE_RUNTIME", 1, 0};
  }

  /// One of getValidTactics(), 0 where there are none.
  virtual int32_t setTactic(int32_t /*tactic*/) noexcept { return 0; }

  /// Called before enqueue() when shapes are not those of the last call.
  virtual int32_t onShapeChange(PluginTensorDesc64 const* in, int32_t nbInputs,
                                PluginTensorDesc64 const* out, int32_t nbOutputs) noexcept = 0;

  /// Queues the work on the stream.
  virtual int32_t enqueue(PluginTensorDesc64 const* inputDesc, PluginTensorDesc64 const* outputDesc,
                          void const* const* inputs, void* const* outputs, void* workspace,
                          cudaStream_t stream) noexcept = 0;

  /// A clone for one execution context, which it owns.
  virtual IPluginV3* attachToContext(IPluginResourceContext* context) noexcept = 0;

  /// What the engine file keeps, for IPluginCreatorV3One::createPlugin().
  virtual PluginFieldCollection const* getFieldsToSerialize() noexcept = 0;
};
}  // namespace v_1_0

using IPluginV3OneRuntime = v_1_0::IPluginV3OneRuntime;

namespace v_1_0 {

/// Makes plugins of version 3.
class IPluginCreatorV3One : public IPluginCreatorInterface {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN CREATOR_V3ONE", 1, 0};
  }

  /// From fields of a model (kBUILD) or of an engine file (kRUNTIME). The caller deletes it; null
  /// on failure.
  virtual IPluginV3* createPlugin(AsciiChar const* name, PluginFieldCollection const* fc,
                                  TensorRTPhase phase) noexcept = 0;

  /// The fields that createPlugin() knows.
  virtual PluginFieldCollection const* getFieldNames() noexcept = 0;
  virtual AsciiChar const* getPluginName() const noexcept = 0;
  virtual AsciiChar const* getPluginVersion() const noexcept = 0;
  virtual AsciiChar const* getPluginNamespace() const noexcept = 0;
  IPluginCreatorV3One() = default;
  virtual ~IPluginCreatorV3One() = default;

 protected:
  IPluginCreatorV3One(IPluginCreatorV3One const&) = default;
  IPluginCreatorV3One(IPluginCreatorV3One&&) = default;
  IPluginCreatorV3One& operator=(IPluginCreatorV3One const&) & = default;
  IPluginCreatorV3One& operator=(IPluginCreatorV3One&&) & = default;
};
}  // namespace v_1_0

using IPluginCreatorV3One = v_1_0::IPluginCreatorV3One;

}  // namespace nvinfer1
