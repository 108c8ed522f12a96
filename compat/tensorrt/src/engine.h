#pragma once
// CudaEngine: ICudaEngine.
#include <mutex>

#include "legacy.h"
#include "plan.h"

namespace trt {

class SerializationConfig final : public ISerializationConfig, public apiv::VSerializationConfig {
 public:
  explicit SerializationConfig(const Reporter& reporter) : reporter_(reporter) { mImpl = this; }
  bool setFlags(SerializationFlags flags) noexcept override {
    if ((flags >> EnumMax<SerializationFlag>()) != 0) return refuse(static_cast<int64_t>(flags));
    return flags_ = flags, true;
  }
  SerializationFlags getFlags() const noexcept override { return flags_; }
  bool clearFlag(SerializationFlag flag) noexcept override {
    return is_known(flag) && (flags_ &= ~bit(flag), true);
  }
  bool setFlag(SerializationFlag flag) noexcept override {
    return is_known(flag) && (flags_ |= bit(flag), true);
  }
  bool getFlag(SerializationFlag flag) const noexcept override { return (flags_ & bit(flag)) != 0; }

 private:
  static uint32_t bit(SerializationFlag flag) {
    const auto i = static_cast<uint32_t>(flag);
    return i < 32 ? 1u << i : 0;
  }
  bool is_known(SerializationFlag flag) const {
    const auto i = static_cast<int32_t>(flag);
    return (i >= 0 && i < EnumMax<SerializationFlag>()) || refuse(i);
  }
  bool refuse(int64_t given) const {
    reporter_.misuse("ISerializationConfig",
                     cat(given, " is no SerializationFlag, or mask of them; flags of 0 to ",
                         EnumMax<SerializationFlag>() - 1, " are known"));
    return false;
  }
  Reporter reporter_;
  SerializationFlags flags_ = 0;
};

class RuntimeConfig final : public IRuntimeConfig, public apiv::VRuntimeConfig {
 public:
  explicit RuntimeConfig(const Reporter& reporter) : reporter_(reporter) { mImpl = this; }
  IRuntimeConfig* getPImpl() noexcept override { return this; }
  void setExecutionContextAllocationStrategy(
      ExecutionContextAllocationStrategy strategy) noexcept override {
    const auto i = static_cast<int32_t>(strategy);
    if (i >= 0 && i < EnumMax<ExecutionContextAllocationStrategy>()) {
      strategy_ = strategy;
    } else {
      reporter_.misuse("IRuntimeConfig::setExecutionContextAllocationStrategy",
                       cat("there is no strategy ", i));
    }
  }
  ExecutionContextAllocationStrategy getExecutionContextAllocationStrategy()
      const noexcept override {
    return strategy_;
  }

 private:
  Reporter reporter_;
  ExecutionContextAllocationStrategy strategy_ = ExecutionContextAllocationStrategy::kSTATIC;
};

class CudaEngine final : public ICudaEngine, public apiv::VCudaEngine {
 public:
  CudaEngine(PlanPtr plan, const Reporter& reporter) : plan_(std::move(plan)), reporter_(reporter) {
    mImpl = this;
  }
  ~CudaEngine() noexcept override { forget_legacy(static_cast<ICudaEngine*>(this)); }
  const PlanPtr& plan() const { return plan_; }
  const Reporter& reporter() const { return reporter_; }

  ICudaEngine* getPImpl() noexcept override { return this; }
  int32_t getNbLayers() const noexcept override {
    return static_cast<int32_t>(plan_->first().steps.size());
  }
  IHostMemory* serialize() const noexcept override;
  IExecutionContext* createExecutionContext(ExecutionContextAllocationStrategy s) noexcept override;
  IExecutionContext* createExecutionContextWithoutDeviceMemory() noexcept override;
  size_t getDeviceMemorySize() const noexcept override {
    return static_cast<size_t>(getDeviceMemorySizeV2());
  }
  int64_t getDeviceMemorySizeV2() const noexcept override;
  size_t getDeviceMemorySizeForProfile(int32_t profile) const noexcept override {
    return static_cast<size_t>(getDeviceMemorySizeForProfileV2(profile));
  }
  int64_t getDeviceMemorySizeForProfileV2(int32_t profile) const noexcept override;
  bool isRefittable() const noexcept override { return plan_->refit.has_value(); }
  char const* getName() const noexcept override { return plan_->facts.name.c_str(); }
  int32_t getNbOptimizationProfiles() const noexcept override {
    return static_cast<int32_t>(plan_->facts.profiles.size());
  }
  int32_t const* getProfileTensorValues(char const* name, int32_t profile,
                                        OptProfileSelector select) const noexcept override;
  int64_t const* getProfileTensorValuesV2(char const* name, int32_t profile,
                                          OptProfileSelector select) const noexcept override;
  EngineCapability getEngineCapability() const noexcept override { return plan_->facts.capability; }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override {
    reporter_.set_recorder(recorder);
  }
  IErrorRecorder* getErrorRecorder() const noexcept override { return reporter_.recorder(); }
  bool hasImplicitBatchDimension() const noexcept override { return plan_->facts.batch_max > 0; }
  TacticSources getTacticSources() const noexcept override { return plan_->facts.tactic_sources; }
  ProfilingVerbosity getProfilingVerbosity() const noexcept override {
    return plan_->facts.verbosity;
  }
  IEngineInspector* createEngineInspector() const noexcept override;
  Dims getTensorShape(char const* name) const noexcept override;
  DataType getTensorDataType(char const* name) const noexcept override;
  TensorLocation getTensorLocation(char const* name) const noexcept override;
  bool isShapeInferenceIO(char const* name) const noexcept override;
  TensorIOMode getTensorIOMode(char const* name) const noexcept override;
  int32_t getTensorBytesPerComponent(char const* name) const noexcept override;
  int32_t getTensorComponentsPerElement(char const* name) const noexcept override;
  TensorFormat getTensorFormat(char const* name) const noexcept override;
  char const* getTensorFormatDesc(char const* name) const noexcept override;
  int32_t getTensorVectorizedDim(char const* name) const noexcept override;
  Dims getProfileShape(char const* name, int32_t profile,
                       OptProfileSelector select) const noexcept override;
  int32_t getNbIOTensors() const noexcept override {
    return static_cast<int32_t>(plan_->tensors.size());
  }
  char const* getIOTensorName(int32_t index) const noexcept override;
  HardwareCompatibilityLevel getHardwareCompatibilityLevel() const noexcept override {
    return plan_->facts.hardware;
  }
  int32_t getNbAuxStreams() const noexcept override { return 0; }
  int32_t getTensorBytesPerComponentV2(char const* name, int32_t profile) const noexcept override;
  int32_t getTensorComponentsPerElementV2(char const* name, int32_t) const noexcept override;
  TensorFormat getTensorFormatV2(char const* name, int32_t profile) const noexcept override;
  char const* getTensorFormatDescV2(char const* name, int32_t profile) const noexcept override;
  int32_t getTensorVectorizedDimV2(char const* name, int32_t profile) const noexcept override;
  ISerializationConfig* createSerializationConfig() noexcept override;
  IHostMemory* serializeWithConfig(ISerializationConfig& config) const noexcept override;
  IRefitter* createRefitter(ILogger& logger) noexcept override;
  // Weights stay where they are, whatever the budget: nothing is gained by less than all.
  bool setWeightStreamingBudget(int64_t budget) noexcept override;
  int64_t getWeightStreamingBudget() const noexcept override {
    return getWeightStreamingBudgetV2();
  }
  int64_t getMinimumWeightStreamingBudget() const noexcept override { return 0; }
  int64_t getStreamableWeightsSize() const noexcept override;
  bool setWeightStreamingBudgetV2(int64_t budget) noexcept override;
  int64_t getWeightStreamingBudgetV2() const noexcept override;
  int64_t getWeightStreamingAutomaticBudget() const noexcept override {
    return getStreamableWeightsSize();
  }
  int64_t getWeightStreamingScratchMemorySize() const noexcept override { return 0; }
  bool isDebugTensor(char const* name) const noexcept override;
  IExecutionContext* createExecutionContextWithRuntimeConfig(
      IRuntimeConfig* config) noexcept override;
  IRuntimeConfig* createRuntimeConfig() noexcept override;
  int64_t getEngineStat(EngineStat stat) const noexcept override;
  char const* getAliasedInputTensor(char const*) const noexcept override { return nullptr; }

 private:
  const Plan::Tensor* find(const char* call, char const* name) const;
  bool has_profile(const char* call, int32_t profile) const;

  int64_t memory_of(int32_t profile) const;

  PlanPtr plan_;
  Reporter reporter_;
  mutable std::mutex mutex_;
  std::optional<int64_t> streaming_budget_;
  mutable std::map<int32_t, int64_t> memory_;  ///< of each profile that was asked about
};

/// An engine from a plan's bytes, or null and an error that was reported. Its plugins are made by
/// their creators unless `source` gives them.
ICudaEngine* load_plan(const char* call, const Reporter& reporter, std::vector<std::byte> bytes,
                       const carnot::DeviceInfo& device, IGpuAllocator* allocator,
                       const PluginSource& source = {});

}  // namespace trt
