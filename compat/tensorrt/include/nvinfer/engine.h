// ICudaEngine: a compiled network.

#pragma once

#include "nvinfer/runtime.h"

namespace nvinfer1 {

/// Libraries that kernels may come from. Accepted: Carnot makes its own.
enum class TacticSource : int32_t {
  kCUBLAS = 0,
  kCUBLAS_LT = 1,
  kCUDNN = 2,
  kEDGE_MASK_CONVOLUTIONS = 3,
  kJIT_CONVOLUTIONS = 4,
};

/// How much IEngineInspector tells.
enum class ProfilingVerbosity : int32_t {
  kLAYER_NAMES_ONLY = 0,
  kNONE = 1,
  kDETAILED = 2,
  // Names of other versions.
  kDEFAULT = kLAYER_NAMES_ONLY,
  kVERBOSE = kDETAILED,
};

/// What an engine file holds.
enum class SerializationFlag : int32_t {
  kEXCLUDE_WEIGHTS = 0,
  kEXCLUDE_LEAN_RUNTIME = 1,
  kINCLUDE_REFIT = 2,
};

/// Options of ICudaEngine::serializeWithConfig().
class ISerializationConfig : public INoCopy {
 public:
  virtual ~ISerializationConfig() noexcept = default;

  /// A bit for each SerializationFlag.
  bool setFlags(SerializationFlags serializationFlags) noexcept {
    return mImpl->setFlags(serializationFlags);
  }
  SerializationFlags getFlags() const noexcept { return mImpl->getFlags(); }
  bool clearFlag(SerializationFlag serializationFlag) noexcept {
    return mImpl->clearFlag(serializationFlag);
  }
  bool setFlag(SerializationFlag serializationFlag) noexcept {
    return mImpl->setFlag(serializationFlag);
  }
  bool getFlag(SerializationFlag serializationFlag) const noexcept {
    return mImpl->getFlag(serializationFlag);
  }

 protected:
  apiv::VSerializationConfig* mImpl;
};

/// When a context allocates its scratch memory.
enum class ExecutionContextAllocationStrategy : int32_t {
  kSTATIC = 0,             ///< Once, enough for all profiles.
  kON_PROFILE_CHANGE = 1,  ///< For the profile that is chosen.
  kUSER_MANAGED = 2,       ///< The program calls setDeviceMemoryV2().
};

/// Options of ICudaEngine::createExecutionContext().
class IRuntimeConfig : public INoCopy {
 public:
  virtual ~IRuntimeConfig() noexcept = default;
  void setExecutionContextAllocationStrategy(ExecutionContextAllocationStrategy strategy) noexcept {
    return mImpl->setExecutionContextAllocationStrategy(strategy);
  }
  ExecutionContextAllocationStrategy getExecutionContextAllocationStrategy() const noexcept {
    return mImpl->getExecutionContextAllocationStrategy();
  }

 protected:
  apiv::VRuntimeConfig* mImpl;
};

/// What getEngineStat() tells, in bytes.
enum class EngineStat : int32_t {
  kTOTAL_WEIGHTS_SIZE = 0,
  kSTRIPPED_WEIGHTS_SIZE = 1,
};

/// A compiled network. May be shared by threads; must outlive its contexts.
class ICudaEngine : public INoCopy {
 public:
  virtual ~ICudaEngine() noexcept = default;

  /// As the network has it, -1 for dynamic sizes. nbDims is -1 for unknown names.
  Dims getTensorShape(char const* tensorName) const noexcept {
    return mImpl->getTensorShape(tensorName);
  }

  /// kFLOAT for unknown names, with an error.
  DataType getTensorDataType(char const* tensorName) const noexcept {
    return mImpl->getTensorDataType(tensorName);
  }

  /// Steps of the compiled network, for IEngineInspector.
  int32_t getNbLayers() const noexcept { return mImpl->getNbLayers(); }

  /// The engine file; the caller deletes it. Null on failure.
  IHostMemory* serialize() const noexcept { return mImpl->serialize(); }

  /// The caller deletes it. Null on failure, such as too little memory.
  IExecutionContext* createExecutionContext(
      ExecutionContextAllocationStrategy strategy =
          ExecutionContextAllocationStrategy::kSTATIC) noexcept {
    return mImpl->createExecutionContext(strategy);
  }

  /// kHOST for inputs that shapes depend on.
  TensorLocation getTensorLocation(char const* tensorName) const noexcept {
    return mImpl->getTensorLocation(tensorName);
  }

  /// Whether shapes depend on the values of this input, or it is an output of such.
  bool isShapeInferenceIO(char const* tensorName) const noexcept {
    return mImpl->isShapeInferenceIO(tensorName);
  }

  /// kNONE for unknown names.
  TensorIOMode getTensorIOMode(char const* tensorName) const noexcept {
    return mImpl->getTensorIOMode(tensorName);
  }

  /// The input whose memory an output shares; null for none.
  TRT_NODISCARD char const* getAliasedInputTensor(char const* tensorName) const noexcept {
    return mImpl->getAliasedInputTensor(tensorName);
  }

  /// The program calls setDeviceMemory() before it runs.
  IExecutionContext* createExecutionContextWithoutDeviceMemory() noexcept {
    return mImpl->createExecutionContextWithoutDeviceMemory();
  }

  /// With options; the caller deletes it.
  IExecutionContext* createExecutionContext(IRuntimeConfig* runtimeConfig) noexcept {
    return mImpl->createExecutionContextWithRuntimeConfig(runtimeConfig);
  }

  /// The caller deletes it.
  IRuntimeConfig* createRuntimeConfig() noexcept { return mImpl->createRuntimeConfig(); }

  /// Scratch bytes of a context that is to serve every profile.
  size_t getDeviceMemorySize() const noexcept { return mImpl->getDeviceMemorySize(); }

  /// Scratch bytes of a context that is to serve one profile.
  size_t getDeviceMemorySizeForProfile(int32_t profileIndex) const noexcept {
    return mImpl->getDeviceMemorySizeForProfile(profileIndex);
  }

  /// Scratch bytes of a context that is to serve every profile.
  int64_t getDeviceMemorySizeV2() const noexcept { return mImpl->getDeviceMemorySizeV2(); }

  /// Scratch bytes of a context that is to serve one profile.
  int64_t getDeviceMemorySizeForProfileV2(int32_t profileIndex) const noexcept {
    return mImpl->getDeviceMemorySizeForProfileV2(profileIndex);
  }
  bool isRefittable() const noexcept { return mImpl->isRefittable(); }

  /// -1 for unknown names.
  int32_t getTensorBytesPerComponent(char const* tensorName) const noexcept {
    return mImpl->getTensorBytesPerComponent(tensorName);
  }
  int32_t getTensorBytesPerComponent(char const* tensorName, int32_t profileIndex) const noexcept {
    return mImpl->getTensorBytesPerComponentV2(tensorName, profileIndex);
  }

  /// -1: no format here packs elements.
  int32_t getTensorComponentsPerElement(char const* tensorName) const noexcept {
    return mImpl->getTensorComponentsPerElement(tensorName);
  }
  int32_t getTensorComponentsPerElement(char const* tensorName,
                                        int32_t profileIndex) const noexcept {
    return mImpl->getTensorComponentsPerElementV2(tensorName, profileIndex);
  }
  TensorFormat getTensorFormat(char const* tensorName) const noexcept {
    return mImpl->getTensorFormat(tensorName);
  }
  TensorFormat getTensorFormat(char const* tensorName, int32_t profileIndex) const noexcept {
    return mImpl->getTensorFormatV2(tensorName, profileIndex);
  }

  /// The format in words.
  char const* getTensorFormatDesc(char const* tensorName) const noexcept {
    return mImpl->getTensorFormatDesc(tensorName);
  }
  char const* getTensorFormatDesc(char const* tensorName, int32_t profileIndex) const noexcept {
    return mImpl->getTensorFormatDescV2(tensorName, profileIndex);
  }

  /// -1: no format here packs elements.
  int32_t getTensorVectorizedDim(char const* tensorName) const noexcept {
    return mImpl->getTensorVectorizedDim(tensorName);
  }
  int32_t getTensorVectorizedDim(char const* tensorName, int32_t profileIndex) const noexcept {
    return mImpl->getTensorVectorizedDimV2(tensorName, profileIndex);
  }

  /// The network's name.
  char const* getName() const noexcept { return mImpl->getName(); }
  int32_t getNbOptimizationProfiles() const noexcept { return mImpl->getNbOptimizationProfiles(); }

  /// nbDims is -1 for anything but an input and a profile that exist.
  Dims getProfileShape(char const* tensorName, int32_t profileIndex,
                       OptProfileSelector select) const noexcept {
    return mImpl->getProfileShape(tensorName, profileIndex, select);
  }

  /// Null where the profile has no values for it.
  int32_t const* getProfileTensorValues(char const* tensorName, int32_t profileIndex,
                                        OptProfileSelector select) const noexcept {
    return mImpl->getProfileTensorValues(tensorName, profileIndex, select);
  }
  EngineCapability getEngineCapability() const noexcept { return mImpl->getEngineCapability(); }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept {
    return mImpl->setErrorRecorder(recorder);
  }
  IErrorRecorder* getErrorRecorder() const noexcept { return mImpl->getErrorRecorder(); }

  /// True only for networks of IBuilder::createNetwork().
  bool hasImplicitBatchDimension() const noexcept { return mImpl->hasImplicitBatchDimension(); }
  TacticSources getTacticSources() const noexcept { return mImpl->getTacticSources(); }
  ProfilingVerbosity getProfilingVerbosity() const noexcept {
    return mImpl->getProfilingVerbosity();
  }

  /// The caller deletes it.
  IEngineInspector* createEngineInspector() const noexcept {
    return mImpl->createEngineInspector();
  }
  int32_t getNbIOTensors() const noexcept { return mImpl->getNbIOTensors(); }

  /// Inputs first. Null out of range.
  char const* getIOTensorName(int32_t index) const noexcept {
    return mImpl->getIOTensorName(index);
  }
  HardwareCompatibilityLevel getHardwareCompatibilityLevel() const noexcept {
    return mImpl->getHardwareCompatibilityLevel();
  }
  int32_t getNbAuxStreams() const noexcept { return mImpl->getNbAuxStreams(); }
  ISerializationConfig* createSerializationConfig() noexcept {
    return mImpl->createSerializationConfig();
  }

  /// As serialize(), with options.
  IHostMemory* serializeWithConfig(ISerializationConfig& config) const noexcept {
    return mImpl->serializeWithConfig(config);
  }

  /// As setWeightStreamingBudgetV2().
  bool setWeightStreamingBudget(int64_t gpuMemoryBudget) noexcept {
    return mImpl->setWeightStreamingBudget(gpuMemoryBudget);
  }
  int64_t getWeightStreamingBudget() const noexcept { return mImpl->getWeightStreamingBudget(); }
  int64_t getMinimumWeightStreamingBudget() const noexcept {
    return mImpl->getMinimumWeightStreamingBudget();
  }

  /// Bytes; 0 here: weights are never streamed.
  int64_t getStreamableWeightsSize() const noexcept { return mImpl->getStreamableWeightsSize(); }

  /// False: weights are never streamed.
  bool setWeightStreamingBudgetV2(int64_t gpuMemoryBudget) noexcept {
    return mImpl->setWeightStreamingBudgetV2(gpuMemoryBudget);
  }
  int64_t getWeightStreamingBudgetV2() const noexcept {
    return mImpl->getWeightStreamingBudgetV2();
  }
  int64_t getWeightStreamingAutomaticBudget() const noexcept {
    return mImpl->getWeightStreamingAutomaticBudget();
  }
  int64_t getWeightStreamingScratchMemorySize() const noexcept {
    return mImpl->getWeightStreamingScratchMemorySize();
  }

  /// Whether INetworkDefinition::markDebug() was called on it.
  bool isDebugTensor(char const* name) const noexcept { return mImpl->isDebugTensor(name); }
  int64_t const* getProfileTensorValuesV2(char const* tensorName, int32_t profileIndex,
                                          OptProfileSelector select) const noexcept {
    return mImpl->getProfileTensorValuesV2(tensorName, profileIndex, select);
  }

  /// Bytes; -1 where they are not known.
  int64_t getEngineStat(EngineStat stat) const noexcept { return mImpl->getEngineStat(stat); }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }

  /// The number of bindings of versions 5 to 9: the I/O tensors, once for each profile.
  int32_t getNbBindings() const noexcept { return carnotTrtGetNbBindings(this); }

  /// The binding of that name, -1 where there is none. Behind the name of a tensor, " [profile k]"
  /// names its binding in profile k > 0.
  int32_t getBindingIndex(char const* name) const noexcept {
    return carnotTrtGetBindingIndex(this, name);
  }

  /// Null where bindingIndex is out of range. The string lives as long as the engine.
  char const* getBindingName(int32_t bindingIndex) const noexcept {
    return carnotTrtGetBindingName(this, bindingIndex);
  }

  bool bindingIsInput(int32_t bindingIndex) const noexcept {
    return getTensorIOMode(carnotTrtGetBindingTensor(this, bindingIndex)) == TensorIOMode::kINPUT;
  }

  /// As getTensorShape(). With an implicit batch, the batch is no dimension.
  Dims getBindingDimensions(int32_t bindingIndex) const noexcept {
    return getTensorShape(carnotTrtGetBindingTensor(this, bindingIndex));
  }

  DataType getBindingDataType(int32_t bindingIndex) const noexcept {
    return getTensorDataType(carnotTrtGetBindingTensor(this, bindingIndex));
  }

  /// The builder's greatest batch, where the network had an implicit one; else 1.
  int32_t getMaxBatchSize() const noexcept { return carnotTrtGetEngineMaxBatchSize(this); }

  TensorLocation getLocation(int32_t bindingIndex) const noexcept {
    return getTensorLocation(carnotTrtGetBindingTensor(this, bindingIndex));
  }

  int32_t getBindingBytesPerComponent(int32_t bindingIndex) const noexcept {
    return getTensorBytesPerComponent(carnotTrtGetBindingTensor(this, bindingIndex));
  }

  int32_t getBindingComponentsPerElement(int32_t bindingIndex) const noexcept {
    return getTensorComponentsPerElement(carnotTrtGetBindingTensor(this, bindingIndex));
  }

  TensorFormat getBindingFormat(int32_t bindingIndex) const noexcept {
    return getTensorFormat(carnotTrtGetBindingTensor(this, bindingIndex));
  }

  char const* getBindingFormatDesc(int32_t bindingIndex) const noexcept {
    return getTensorFormatDesc(carnotTrtGetBindingTensor(this, bindingIndex));
  }

  int32_t getBindingVectorizedDim(int32_t bindingIndex) const noexcept {
    return getTensorVectorizedDim(carnotTrtGetBindingTensor(this, bindingIndex));
  }

  Dims getProfileDimensions(int32_t bindingIndex, int32_t profileIndex,
                            OptProfileSelector select) const noexcept {
    return getProfileShape(carnotTrtGetBindingTensor(this, bindingIndex), profileIndex, select);
  }

  int32_t const* getProfileShapeValues(int32_t profileIndex, int32_t inputIndex,
                                       OptProfileSelector select) const noexcept {
    return getProfileTensorValues(carnotTrtGetBindingTensor(this, inputIndex), profileIndex,
                                  select);
  }

  bool isShapeBinding(int32_t bindingIndex) const noexcept {
    return isShapeInferenceIO(carnotTrtGetBindingTensor(this, bindingIndex));
  }

  bool isExecutionBinding(int32_t bindingIndex) const noexcept {
    return !isShapeBinding(bindingIndex) || getLocation(bindingIndex) == TensorLocation::kDEVICE;
  }

  /// Scratch bytes of one context (versions 5 to 7).
  std::size_t getWorkspaceSize() const noexcept {
    return static_cast<std::size_t>(getDeviceMemorySizeV2());
  }

 protected:
  apiv::VCudaEngine* mImpl;
};

}  // namespace nvinfer1
