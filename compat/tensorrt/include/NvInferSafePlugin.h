// Plugins of the safety runtime, so that sources that have one compile. No registry holds them
// here: getSafePluginRegistry() gives null.

#pragma once

#include "NvInferForwardDecl.h"
#include "NvInferSafeMemAllocator.h"
#include "NvInferSafeRecorder.h"

namespace nvinfer1 {
class DimsExprs;
class IExprBuilder;
}  // namespace nvinfer1

namespace nvinfer2 {
namespace safe {

struct TensorDescriptor;

/// What a plugin may use of the graph that it is part of.
class ISafePluginResourceContext {
 public:
  virtual ISafeMemAllocator* getSafeMemAllocator() const noexcept = 0;
  virtual ISafeRecorder* getSafeRecorder() const noexcept = 0;
  virtual RuntimeErrorInformation* getRuntimeErrorInformation() const noexcept = 0;
  virtual ~ISafePluginResourceContext() noexcept = default;

 protected:
  ISafePluginResourceContext() = default;
  ISafePluginResourceContext(ISafePluginResourceContext const&) = default;
  ISafePluginResourceContext(ISafePluginResourceContext&&) = default;
  ISafePluginResourceContext& operator=(ISafePluginResourceContext const&) & = default;
  ISafePluginResourceContext& operator=(ISafePluginResourceContext&&) & = default;
};

class ISafePluginRegistry {
 public:
  virtual ErrorCode registerCreator(IPluginCreatorInterface& creator,
                                    AsciiChar const* const pluginNamespace,
                                    ISafeRecorder& recorder) noexcept = 0;
  virtual ErrorCode getAllCreators(IPluginCreatorInterface* const*& creators,
                                   int32_t& numCreators) const noexcept = 0;
  virtual ErrorCode getCreator(IPluginCreatorInterface*& creator, AsciiChar const* const pluginName,
                               AsciiChar const* const pluginVersion,
                               AsciiChar const* const pluginNamespace = "") noexcept = 0;
  virtual ErrorCode setSafeRecorder(ISafeRecorder& recorder) noexcept = 0;
  virtual ErrorCode getSafeRecorder(ISafeRecorder*& recorder) const noexcept = 0;
  virtual ErrorCode deregisterCreator(IPluginCreatorInterface const& creator) noexcept = 0;
  ISafePluginRegistry() = default;
  ISafePluginRegistry(ISafePluginRegistry const&) = delete;
  ISafePluginRegistry(ISafePluginRegistry&&) = delete;
  ISafePluginRegistry& operator=(ISafePluginRegistry const&) & = delete;
  ISafePluginRegistry& operator=(ISafePluginRegistry&&) & = delete;

 protected:
  virtual ~ISafePluginRegistry() noexcept = default;
};

/// Which plugin it is.
class IPluginV3OneSafeCore : public IPluginCapability {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN_V3ONE_SAFE_CORE", 1, 0};
  }
  IPluginV3OneSafeCore(IPluginV3OneSafeCore const&) = default;
  IPluginV3OneSafeCore(IPluginV3OneSafeCore&&) = default;
  IPluginV3OneSafeCore& operator=(IPluginV3OneSafeCore const&) & = default;
  IPluginV3OneSafeCore& operator=(IPluginV3OneSafeCore&&) & = default;
  ~IPluginV3OneSafeCore() noexcept override = default;
  virtual AsciiChar const* getPluginName() const noexcept = 0;
  virtual AsciiChar const* getPluginVersion() const noexcept = 0;
  virtual AsciiChar const* getPluginNamespace() const noexcept = 0;

 protected:
  IPluginV3OneSafeCore() = default;
};

/// Its types, shapes and formats.
class IPluginV3OneSafeBuild : public IPluginCapability {
 public:
  static constexpr int32_t kDEFAULT_FORMAT_COMBINATION_LIMIT = 100;

  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN_V3ONE_SAFE_BUILD", 1, 0};
  }
  IPluginV3OneSafeBuild() = default;
  IPluginV3OneSafeBuild(IPluginV3OneSafeBuild&&) = delete;
  IPluginV3OneSafeBuild& operator=(IPluginV3OneSafeBuild&&) & = delete;
  ~IPluginV3OneSafeBuild() noexcept override = default;
  virtual int32_t configurePlugin(TensorDescriptor const* in, int32_t nbInputs,
                                  TensorDescriptor const* out, int32_t nbOutputs) noexcept = 0;
  virtual int32_t getOutputDataTypes(DataType* outputTypes, int32_t nbOutputs,
                                     DataType const* inputTypes,
                                     int32_t nbInputs) const noexcept = 0;
  virtual int32_t getOutputShapes(Dims const* inputs, int32_t nbInputs, Dims* outputs,
                                  int32_t nbOutputs) const noexcept = 0;
  virtual bool supportsFormatCombination(int32_t pos, TensorDescriptor const* inOut,
                                         int32_t nbInputs, int32_t nbOutputs) noexcept = 0;
  virtual int32_t getNbOutputs() const noexcept = 0;
  virtual size_t getWorkspaceSize(TensorDescriptor const* /*inputs*/, int32_t /*nbInputs*/,
                                  TensorDescriptor const* /*outputs*/,
                                  int32_t /*nbOutputs*/) const noexcept {
    return 0U;
  }
  virtual int32_t getValidTactics(int32_t* /*tactics*/, int32_t /*nbTactics*/) noexcept {
    return 0;
  }
  virtual int32_t getNbTactics() noexcept { return 0; }
  virtual char const* getTimingCacheID() noexcept { return nullptr; }
  virtual int32_t getFormatCombinationLimit() noexcept { return kDEFAULT_FORMAT_COMBINATION_LIMIT; }
  virtual char const* getMetadataString() noexcept { return nullptr; }

 protected:
  IPluginV3OneSafeBuild(IPluginV3OneSafeBuild const&) = default;
  IPluginV3OneSafeBuild& operator=(IPluginV3OneSafeBuild const&) & = default;
};

/// The same with shapes as expressions, for graphs of several profiles.
class IPluginV3OneSafeBuildMSS : public IPluginV3OneSafeBuild {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN_V3ONE_SAFE_BUILDMSS", 1, 0};
  }
  int32_t getOutputShapes(Dims const* /*inputs*/, int32_t /*nbInputs*/, Dims* /*outputs*/,
                          int32_t /*nbOutputs*/) const noexcept override {
    return 0;
  }
  IPluginV3OneSafeBuildMSS(IPluginV3OneSafeBuildMSS const&) = default;
  IPluginV3OneSafeBuildMSS(IPluginV3OneSafeBuildMSS&&) = delete;
  IPluginV3OneSafeBuildMSS& operator=(IPluginV3OneSafeBuildMSS const&) & = default;
  IPluginV3OneSafeBuildMSS& operator=(IPluginV3OneSafeBuildMSS&&) & = delete;
  ~IPluginV3OneSafeBuildMSS() noexcept override = default;
  virtual int32_t getSymbolicOutputShapes(nvinfer1::DimsExprs const* inputs, int32_t nbInputs,
                                          nvinfer1::DimsExprs* outputs, int32_t nbOutputs,
                                          nvinfer1::IExprBuilder& exprBuilder) const noexcept = 0;

 protected:
  IPluginV3OneSafeBuildMSS() = default;
};

/// What runs.
class IPluginV3OneSafeRuntime : public IPluginCapability {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN_V3ONE_SAFE_RUNTIME", 1, 0};
  }
  IPluginV3OneSafeRuntime(IPluginV3OneSafeRuntime const&) = default;
  IPluginV3OneSafeRuntime(IPluginV3OneSafeRuntime&&) = default;
  IPluginV3OneSafeRuntime& operator=(IPluginV3OneSafeRuntime const&) & = default;
  IPluginV3OneSafeRuntime& operator=(IPluginV3OneSafeRuntime&&) & = default;
  ~IPluginV3OneSafeRuntime() noexcept override = default;
  virtual int32_t setTactic(int32_t /*tactic*/) noexcept { return 0; }
  virtual int32_t enqueue(TensorDescriptor const* inputDesc, TensorDescriptor const* outputDesc,
                          void const* const* inputs, void* const* outputs, void* workspace,
                          cudaStream_t stream) noexcept = 0;
  virtual int32_t initResource(ISafePluginResourceContext const* context) noexcept = 0;
  virtual IPluginV3* clone() noexcept = 0;
  virtual PluginFieldCollection const* getFieldsToSerialize() noexcept = 0;

 protected:
  IPluginV3OneSafeRuntime() = default;
};

class ISafePluginCreatorV3One : public IPluginCreatorInterface {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"PLUGIN SAFE CREATOR_V3ONE", 1, 0};
  }
  virtual IPluginV3* createPlugin(AsciiChar const* name, PluginFieldCollection const* fc,
                                  TensorRTPhase phase) noexcept = 0;
  virtual PluginFieldCollection const* getFieldNames() noexcept = 0;
  virtual AsciiChar const* getPluginName() const noexcept = 0;
  virtual AsciiChar const* getPluginVersion() const noexcept = 0;
  virtual AsciiChar const* getPluginNamespace() const noexcept = 0;
  virtual ISafeRecorder* getSafeRecorder() const noexcept = 0;
  virtual void setSafeRecorder(ISafeRecorder& recorder) noexcept = 0;
  ISafePluginCreatorV3One() = default;
  ~ISafePluginCreatorV3One() noexcept override = default;

 protected:
  ISafePluginCreatorV3One(ISafePluginCreatorV3One const&) = default;
  ISafePluginCreatorV3One(ISafePluginCreatorV3One&&) = default;
  ISafePluginCreatorV3One& operator=(ISafePluginCreatorV3One const&) & = default;
  ISafePluginCreatorV3One& operator=(ISafePluginCreatorV3One&&) & = default;
};

/// Null, and an error.
extern "C" inline ISafePluginRegistry* getSafePluginRegistry(ISafeRecorder& recorder) noexcept {
  recorder.reportError(ErrorCode::kUNSUPPORTED_STATE,
                       "getSafePluginRegistry: there is no safety runtime; register a creator of "
                       "IPluginV3OneRuntime with ::getPluginRegistry()");
  return nullptr;
}

}  // namespace safe
}  // namespace nvinfer2
