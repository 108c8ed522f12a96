// IBuilder: makes networks, configurations and engines.

#pragma once

#include "nvinfer/builder_config.h"
#include "nvinfer/network.h"

namespace nvinfer1 {

/// Options of a network, as bits of createNetworkV2().
enum class NetworkDefinitionCreationFlag : int32_t {
  kEXPLICIT_BATCH = 0,  ///< Always so, but for sources of versions before 10.
  kSTRONGLY_TYPED =
      1,  ///< Element types are as the network says; kFP16 and its like have no effect.
  kPREFER_JIT_PYTHON_PLUGINS = 2,
  kPREFER_AOT_PYTHON_PLUGINS = 3,
  // Names of other versions.
  kEXPLICIT_PRECISION = 8,  ///< Accepted, without effect: Q/DQ layers say it.
};

namespace impl {
/// Before version 10 the batch was implicit unless the flags said otherwise.
constexpr bool hasImplicitBatch(NetworkDefinitionCreationFlags flags) noexcept {
  return CARNOT_TENSORRT_SOURCE < 10 && (flags & 1U) == 0U;
}
}  // namespace impl

/// Makes networks, configurations and engines. Must outlive them; one thread at a time.
class IBuilder : public INoCopy {
 public:
  virtual ~IBuilder() noexcept = default;
  bool platformHasFastFp16() const noexcept { return mImpl->platformHasFastFp16(); }
  bool platformHasFastInt8() const noexcept { return mImpl->platformHasFastInt8(); }
  int32_t getMaxDLABatchSize() const noexcept { return mImpl->getMaxDLABatchSize(); }
  int32_t getNbDLACores() const noexcept { return mImpl->getNbDLACores(); }
  void setGpuAllocator(IGpuAllocator* allocator) noexcept { mImpl->setGpuAllocator(allocator); }

  /// The caller deletes it.
  IBuilderConfig* createBuilderConfig() noexcept { return mImpl->createBuilderConfig(); }

  /// The caller deletes it, before the builder.
  INetworkDefinition* createNetworkV2(NetworkDefinitionCreationFlags flags) noexcept {
    return impl::hasImplicitBatch(flags) ? carnotTrtCreateNetwork(this)
                                         : mImpl->createNetworkV2(flags);
  }

  /// The builder owns it.
  IOptimizationProfile* createOptimizationProfile() noexcept {
    return mImpl->createOptimizationProfile();
  }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept { mImpl->setErrorRecorder(recorder); }
  IErrorRecorder* getErrorRecorder() const noexcept { return mImpl->getErrorRecorder(); }

  /// As it was made.
  void reset() noexcept { mImpl->reset(); }
  bool platformHasTf32() const noexcept { return mImpl->platformHasTf32(); }

  /// The engine file; the caller deletes it. Null on failure; the reason is logged.
  IHostMemory* buildSerializedNetwork(INetworkDefinition& network,
                                      IBuilderConfig& config) noexcept {
    return mImpl->buildSerializedNetwork(network, config);
  }

  /// As buildSerializedNetwork(), written to a stream.
  bool buildSerializedNetworkToStream(INetworkDefinition& network, IBuilderConfig& config,
                                      IStreamWriter& writer) noexcept {
    return mImpl->buildSerializedNetworkToStream(network, config, writer);
  }

  /// kernelText becomes null: kernels are shown by IEngineInspector.
  IHostMemory* buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config,
                                      IHostMemory*& kernelText) noexcept {
    return mImpl->buildSerializedNetworkWithKernelText(network, config, kernelText);
  }

  /// An engine without a file between; the caller deletes it.
  ICudaEngine* buildEngineWithConfig(INetworkDefinition& network, IBuilderConfig& config) noexcept {
    return mImpl->buildEngineWithConfig(network, config);
  }

  /// Whether a build would begin.
  bool isNetworkSupported(INetworkDefinition const& network,
                          IBuilderConfig const& config) const noexcept {
    return mImpl->isNetworkSupported(network, config);
  }
  ILogger* getLogger() const noexcept { return mImpl->getLogger(); }
  bool setMaxThreads(int32_t maxThreads) noexcept { return mImpl->setMaxThreads(maxThreads); }
  int32_t getMaxThreads() const noexcept { return mImpl->getMaxThreads(); }
  IPluginRegistry& getPluginRegistry() noexcept { return mImpl->getPluginRegistry(); }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }

  /// The greatest batch of networks with an implicit one.
  void setMaxBatchSize(int32_t batchSize) noexcept { carnotTrtSetMaxBatchSize(this, batchSize); }
  int32_t getMaxBatchSize() const noexcept { return carnotTrtGetMaxBatchSize(this); }

  /// A network with an implicit batch (versions 5 to 7): tensors have no dimension for it, and
  /// IExecutionContext::execute() is told how many samples there are.
  INetworkDefinition* createNetwork() noexcept { return carnotTrtCreateNetwork(this); }

  /// Builds with what the calls below have set (versions 5 to 7).
  ICudaEngine* buildCudaEngine(INetworkDefinition& network) noexcept {
    return buildEngineWithConfig(network, legacyConfig());
  }

  void setMaxWorkspaceSize(std::size_t workspaceSize) noexcept {
    legacyConfig().setMaxWorkspaceSize(workspaceSize);
  }
  std::size_t getMaxWorkspaceSize() const noexcept { return legacyConfig().getMaxWorkspaceSize(); }
  void setHalf2Mode(bool mode) noexcept { setFp16Mode(mode); }
  bool getHalf2Mode() const noexcept { return getFp16Mode(); }
  void setFp16Mode(bool mode) noexcept { setLegacyFlag(BuilderFlag::kFP16, mode); }
  bool getFp16Mode() const noexcept { return legacyConfig().getFlag(BuilderFlag::kFP16); }
  void setInt8Mode(bool mode) noexcept { setLegacyFlag(BuilderFlag::kINT8, mode); }
  bool getInt8Mode() const noexcept { return legacyConfig().getFlag(BuilderFlag::kINT8); }
  void setInt8Calibrator(IInt8Calibrator* calibrator) noexcept {
    legacyConfig().setInt8Calibrator(calibrator);
  }
  void setDebugSync(bool sync) noexcept { setLegacyFlag(BuilderFlag::kDEBUG, sync); }
  bool getDebugSync() const noexcept { return legacyConfig().getFlag(BuilderFlag::kDEBUG); }
  void setStrictTypeConstraints(bool mode) noexcept {
    setLegacyFlag(BuilderFlag::kSTRICT_TYPES, mode);
  }
  bool getStrictTypeConstraints() const noexcept {
    return legacyConfig().getFlag(BuilderFlag::kSTRICT_TYPES);
  }
  void setRefittable(bool canRefit) noexcept { setLegacyFlag(BuilderFlag::kREFIT, canRefit); }
  bool getRefittable() const noexcept { return legacyConfig().getFlag(BuilderFlag::kREFIT); }
  void allowGPUFallback(bool mode) noexcept { setLegacyFlag(BuilderFlag::kGPU_FALLBACK, mode); }
  void setMinFindIterations(int32_t minFind) noexcept {
    legacyConfig().setMinTimingIterations(minFind);
  }
  int32_t getMinFindIterations() const noexcept { return legacyConfig().getMinTimingIterations(); }
  void setAverageFindIterations(int32_t avgFind) noexcept {
    legacyConfig().setAvgTimingIterations(avgFind);
  }
  int32_t getAverageFindIterations() const noexcept {
    return legacyConfig().getAvgTimingIterations();
  }
  void setEngineCapability(EngineCapability capability) noexcept {
    legacyConfig().setEngineCapability(capability);
  }
  EngineCapability getEngineCapability() const noexcept {
    return legacyConfig().getEngineCapability();
  }
  void setDeviceType(ILayer* layer, DeviceType deviceType) noexcept {
    legacyConfig().setDeviceType(layer, deviceType);
  }
  DeviceType getDeviceType(ILayer const* layer) const noexcept {
    return legacyConfig().getDeviceType(layer);
  }
  bool isDeviceTypeSet(ILayer const* layer) const noexcept {
    return legacyConfig().isDeviceTypeSet(layer);
  }
  void resetDeviceType(ILayer* layer) noexcept { legacyConfig().resetDeviceType(layer); }
  bool canRunOnDLA(ILayer const* layer) const noexcept { return legacyConfig().canRunOnDLA(layer); }
  void setDefaultDeviceType(DeviceType deviceType) noexcept {
    legacyConfig().setDefaultDeviceType(deviceType);
  }
  DeviceType getDefaultDeviceType() const noexcept { return legacyConfig().getDefaultDeviceType(); }
  void setDLACore(int32_t dlaCore) noexcept { legacyConfig().setDLACore(dlaCore); }
  int32_t getDLACore() const noexcept { return legacyConfig().getDLACore(); }
  void reset(INetworkDefinition& /*network*/) noexcept { reset(); }

 private:
  /// The configuration that calls of versions 5 to 7 change; the builder owns it.
  IBuilderConfig& legacyConfig() const noexcept { return *carnotTrtGetBuilderConfig(this); }
  void setLegacyFlag(BuilderFlag flag, bool value) noexcept {
    value ? legacyConfig().setFlag(flag) : legacyConfig().clearFlag(flag);
  }

 protected:
  apiv::VBuilder* mImpl;
};

#if CARNOT_TENSORRT_SOURCE < 8
inline IPluginLayer* INetworkDefinition::addPlugin(ITensor* const*, int32_t, IPlugin&) noexcept {
  getBuilder().getLogger()->log(
      ILogger::Severity::kERROR,
      "INetworkDefinition::addPlugin: plugins without a name cannot be loaded again; derive from "
      "IPluginV2Ext and call addPluginV2()");
  return nullptr;
}
inline IPluginLayer* INetworkDefinition::addPluginExt(ITensor* const* inputs, int32_t nbInputs,
                                                      IPluginExt& plugin) noexcept {
  return addPlugin(inputs, nbInputs, plugin);
}
#endif

}  // namespace nvinfer1
