// IBuilderConfig: how a network is to be built.

#pragma once

#include "nvinfer/builder_flags.h"
#include "nvinfer/calibration.h"
#include "nvinfer/tensor.h"

namespace nvinfer1 {

/// How a network is to be built.
class IBuilderConfig : public INoCopy {
 public:
  virtual ~IBuilderConfig() noexcept = default;

  /// How often a candidate is timed.
  virtual void setAvgTimingIterations(int32_t avgTiming) noexcept {
    mImpl->setAvgTimingIterations(avgTiming);
  }
  int32_t getAvgTimingIterations() const noexcept { return mImpl->getAvgTimingIterations(); }
  void setEngineCapability(EngineCapability capability) noexcept {
    mImpl->setEngineCapability(capability);
  }
  EngineCapability getEngineCapability() const noexcept { return mImpl->getEngineCapability(); }

  /// Must live until the engine is built.
  void setInt8Calibrator(IInt8Calibrator* calibrator) noexcept {
    mImpl->setInt8Calibrator(calibrator);
  }
  IInt8Calibrator* getInt8Calibrator() const noexcept { return mImpl->getInt8Calibrator(); }

  /// A bit for each BuilderFlag.
  void setFlags(BuilderFlags builderFlags) noexcept { mImpl->setFlags(builderFlags); }
  BuilderFlags getFlags() const noexcept { return mImpl->getFlags(); }
  void clearFlag(BuilderFlag builderFlag) noexcept { mImpl->clearFlag(builderFlag); }
  void setFlag(BuilderFlag builderFlag) noexcept { mImpl->setFlag(builderFlag); }
  bool getFlag(BuilderFlag builderFlag) const noexcept { return mImpl->getFlag(builderFlag); }
  void setDeviceType(ILayer const* layer, DeviceType deviceType) noexcept {
    mImpl->setDeviceType(layer, deviceType);
  }
  DeviceType getDeviceType(ILayer const* layer) const noexcept {
    return mImpl->getDeviceType(layer);
  }
  bool isDeviceTypeSet(ILayer const* layer) const noexcept { return mImpl->isDeviceTypeSet(layer); }
  void resetDeviceType(ILayer const* layer) noexcept { mImpl->resetDeviceType(layer); }
  bool canRunOnDLA(ILayer const* layer) const noexcept { return mImpl->canRunOnDLA(layer); }

  /// Without effect: there is no DLA here.
  void setDLACore(int32_t dlaCore) noexcept { mImpl->setDLACore(dlaCore); }
  int32_t getDLACore() const noexcept { return mImpl->getDLACore(); }
  void setDefaultDeviceType(DeviceType deviceType) noexcept {
    mImpl->setDefaultDeviceType(deviceType);
  }
  DeviceType getDefaultDeviceType() const noexcept { return mImpl->getDefaultDeviceType(); }

  /// As it was made.
  void reset() noexcept { mImpl->reset(); }

  /// The stream that candidates are timed on.
  void setProfileStream(const cudaStream_t stream) noexcept {
    return mImpl->setProfileStream(stream);
  }
  cudaStream_t getProfileStream() const noexcept { return mImpl->getProfileStream(); }

  /// Its index, -1 where it is not valid. The first is 0.
  int32_t addOptimizationProfile(IOptimizationProfile const* profile) noexcept {
    return mImpl->addOptimizationProfile(profile);
  }
  int32_t getNbOptimizationProfiles() const noexcept { return mImpl->getNbOptimizationProfiles(); }
  void setProfilingVerbosity(ProfilingVerbosity verbosity) noexcept {
    mImpl->setProfilingVerbosity(verbosity);
  }
  ProfilingVerbosity getProfilingVerbosity() const noexcept {
    return mImpl->getProfilingVerbosity();
  }
  void setAlgorithmSelector(IAlgorithmSelector* selector) noexcept {
    mImpl->setAlgorithmSelector(selector);
  }
  IAlgorithmSelector* getAlgorithmSelector() const noexcept {
    return mImpl->getAlgorithmSelector();
  }

  /// The shapes that a calibrator's batches have.
  bool setCalibrationProfile(IOptimizationProfile const* profile) noexcept {
    return mImpl->setCalibrationProfile(profile);
  }
  IOptimizationProfile const* getCalibrationProfile() noexcept {
    return mImpl->getCalibrationProfile();
  }
  void setQuantizationFlags(QuantizationFlags flags) noexcept {
    mImpl->setQuantizationFlags(flags);
  }
  QuantizationFlags getQuantizationFlags() const noexcept { return mImpl->getQuantizationFlags(); }
  void clearQuantizationFlag(QuantizationFlag flag) noexcept { mImpl->clearQuantizationFlag(flag); }
  void setQuantizationFlag(QuantizationFlag flag) noexcept { mImpl->setQuantizationFlag(flag); }
  bool getQuantizationFlag(QuantizationFlag flag) const noexcept {
    return mImpl->getQuantizationFlag(flag);
  }

  /// A bit for each TacticSource.
  bool setTacticSources(TacticSources tacticSources) noexcept {
    return mImpl->setTacticSources(tacticSources);
  }
  TacticSources getTacticSources() const noexcept { return mImpl->getTacticSources(); }

  /// From a file's bytes; empty where size is 0. The caller deletes it. Null for another
  /// library's.
  ITimingCache* createTimingCache(void const* blob, std::size_t size) const noexcept {
    return mImpl->createTimingCache(blob, size);
  }

  /// Used by builds from now on; must live until then.
  bool setTimingCache(ITimingCache const& cache, bool ignoreMismatch) noexcept {
    return mImpl->setTimingCache(cache, ignoreMismatch);
  }
  ITimingCache const* getTimingCache() const noexcept { return mImpl->getTimingCache(); }

  /// In bytes.
  void setMemoryPoolLimit(MemoryPoolType pool, std::size_t poolSize) noexcept {
    mImpl->setMemoryPoolLimit(pool, poolSize);
  }
  std::size_t getMemoryPoolLimit(MemoryPoolType pool) const noexcept {
    return mImpl->getMemoryPoolLimit(pool);
  }
  void setPreviewFeature(PreviewFeature feature, bool enable) noexcept {
    mImpl->setPreviewFeature(feature, enable);
  }
  bool getPreviewFeature(PreviewFeature feature) const noexcept {
    return mImpl->getPreviewFeature(feature);
  }

  /// 0 (fastest build) to 5 (fastest engine); 3 at first.
  void setBuilderOptimizationLevel(int32_t level) noexcept {
    mImpl->setBuilderOptimizationLevel(level);
  }
  int32_t getBuilderOptimizationLevel() noexcept { return mImpl->getBuilderOptimizationLevel(); }
  void setHardwareCompatibilityLevel(
      HardwareCompatibilityLevel hardwareCompatibilityLevel) noexcept {
    mImpl->setHardwareCompatibilityLevel(hardwareCompatibilityLevel);
  }
  HardwareCompatibilityLevel getHardwareCompatibilityLevel() const noexcept {
    return mImpl->getHardwareCompatibilityLevel();
  }

  /// Paths of libraries of plugins that the engine needs; copied.
  void setPluginsToSerialize(char const* const* paths, int32_t nbPaths) noexcept {
    mImpl->setPluginsToSerialize(paths, nbPaths);
  }
  char const* getPluginToSerialize(int32_t index) const noexcept {
    return mImpl->getPluginToSerialize(index);
  }
  int32_t getNbPluginsToSerialize() const noexcept { return mImpl->getNbPluginsToSerialize(); }

  /// Streams beside the main one.
  void setMaxAuxStreams(int32_t nbStreams) noexcept { mImpl->setMaxAuxStreams(nbStreams); }
  int32_t getMaxAuxStreams() const noexcept { return mImpl->getMaxAuxStreams(); }

  /// Must live until the engine is built; null for none.
  void setProgressMonitor(IProgressMonitor* monitor) noexcept {
    return mImpl->setProgressMonitor(monitor);
  }
  IProgressMonitor* getProgressMonitor() const noexcept { return mImpl->getProgressMonitor(); }
  void setRuntimePlatform(RuntimePlatform runtimePlatform) noexcept {
    mImpl->setRuntimePlatform(runtimePlatform);
  }
  RuntimePlatform getRuntimePlatform() const noexcept { return mImpl->getRuntimePlatform(); }

  /// Candidates that are timed for a layer; -1 for the library's choice.
  void setMaxNbTactics(int32_t maxNbTactics) noexcept { mImpl->setMaxNbTactics(maxNbTactics); }
  int32_t getMaxNbTactics() const noexcept { return mImpl->getMaxNbTactics(); }
  bool setTilingOptimizationLevel(TilingOptimizationLevel level) noexcept {
    return mImpl->setTilingOptimizationLevel(level);
  }
  TilingOptimizationLevel getTilingOptimizationLevel() const noexcept {
    return mImpl->getTilingOptimizationLevel();
  }
  bool setL2LimitForTiling(int64_t size) noexcept { return mImpl->setL2LimitForTiling(size); }
  int64_t getL2LimitForTiling() const noexcept { return mImpl->getL2LimitForTiling(); }

  /// False: candidates are timed on this machine.
  bool setRemoteAutoTuningConfig(char const* config) noexcept {
    return mImpl->setRemoteAutoTuningConfig(config);
  }
  char const* getRemoteAutoTuningConfig() const noexcept {
    return mImpl->getRemoteAutoTuningConfig();
  }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }

  /// A lower bound of setAvgTimingIterations().
  void setMinTimingIterations(int32_t minTiming) noexcept {
    if (getAvgTimingIterations() < minTiming) setAvgTimingIterations(minTiming);
  }
  int32_t getMinTimingIterations() const noexcept { return getAvgTimingIterations(); }

  /// The limit of MemoryPoolType::kWORKSPACE, in bytes.
  void setMaxWorkspaceSize(std::size_t workspaceSize) noexcept {
    setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, workspaceSize);
  }
  std::size_t getMaxWorkspaceSize() const noexcept {
    return getMemoryPoolLimit(MemoryPoolType::kWORKSPACE);
  }

  /// True for null and "", the only route (version 11).
  bool setBuildRoute(char const* buildRoute) noexcept {
    return buildRoute == nullptr || *buildRoute == '\0';
  }
  char const* getBuildRoute() const noexcept { return ""; }

  /// JSON: there is nothing to choose.
  char const* getAllBuildRoutes() const noexcept {
    return "{\"tuner_version\": \"\", \"tuner_options\": []}";
  }

 protected:
  apiv::VBuilderConfig* mImpl;
};

}  // namespace nvinfer1
