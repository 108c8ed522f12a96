#pragma once
// BuilderConfig: how to build. What has no meaning on this device is kept and given back.
#include <set>

#include "device_choice.h"
#include "profile.h"
#include "timing_cache.h"

namespace trt {

class BuilderConfig final : public IBuilderConfig, public apiv::VBuilderConfig {
 public:
  BuilderConfig(const Reporter& reporter, const carnot::DeviceInfo& device);
  ~BuilderConfig() noexcept override;

  void setAvgTimingIterations(int32_t value) noexcept override {
    const char* const call = "IBuilderConfig::setAvgTimingIterations";
    if (is_at_least(call, value, 1)) settings.avg_timing = value;
  }
  int32_t getAvgTimingIterations() const noexcept override { return settings.avg_timing; }
  void setEngineCapability(EngineCapability value) noexcept override {
    if (is_known("EngineCapability", value)) settings.capability = value;
  }
  EngineCapability getEngineCapability() const noexcept override { return settings.capability; }
  void setInt8Calibrator(IInt8Calibrator* value) noexcept override { settings.calibrator = value; }
  IInt8Calibrator* getInt8Calibrator() const noexcept override { return settings.calibrator; }
  void setDLACore(int32_t core) noexcept override;
  int32_t getDLACore() const noexcept override { return -1; }
  void setDefaultDeviceType(DeviceType value) noexcept override {
    if (is_known("DeviceType", value)) settings.default_device = value;
  }
  DeviceType getDefaultDeviceType() const noexcept override { return settings.default_device; }
  void setProfilingVerbosity(ProfilingVerbosity value) noexcept override {
    if (is_known("ProfilingVerbosity", value)) settings.verbosity = value;
  }
  ProfilingVerbosity getProfilingVerbosity() const noexcept override { return settings.verbosity; }
  void setAlgorithmSelector(IAlgorithmSelector* value) noexcept override {
    settings.selector = value;
  }
  IAlgorithmSelector* getAlgorithmSelector() const noexcept override { return settings.selector; }
  void setHardwareCompatibilityLevel(HardwareCompatibilityLevel value) noexcept override {
    if (is_known("HardwareCompatibilityLevel", value)) settings.hardware = value;
  }
  HardwareCompatibilityLevel getHardwareCompatibilityLevel() const noexcept override {
    return settings.hardware;
  }
  void setMaxAuxStreams(int32_t value) noexcept override {
    if (is_at_least("IBuilderConfig::setMaxAuxStreams", value, -1)) settings.aux_streams = value;
  }
  int32_t getMaxAuxStreams() const noexcept override { return settings.aux_streams; }
  void setProgressMonitor(IProgressMonitor* value) noexcept override { settings.monitor = value; }
  IProgressMonitor* getProgressMonitor() const noexcept override { return settings.monitor; }
  void setRuntimePlatform(RuntimePlatform value) noexcept override {
    if (is_known("RuntimePlatform", value)) settings.platform = value;
  }
  RuntimePlatform getRuntimePlatform() const noexcept override { return settings.platform; }
  void setMaxNbTactics(int32_t value) noexcept override {
    if (is_at_least("IBuilderConfig::setMaxNbTactics", value, -1)) settings.max_tactics = value;
  }
  int32_t getMaxNbTactics() const noexcept override { return settings.max_tactics; }
  void setFlags(BuilderFlags flags) noexcept override { settings.flags = flags; }
  BuilderFlags getFlags() const noexcept override { return settings.flags; }
  void clearFlag(BuilderFlag flag) noexcept override {
    if (is_known("BuilderFlag", flag)) settings.flags &= ~bit(flag);
  }
  void setFlag(BuilderFlag flag) noexcept override {
    if (is_known("BuilderFlag", flag)) settings.flags |= bit(flag);
  }
  bool getFlag(BuilderFlag flag) const noexcept override {
    return (settings.flags & bit(flag)) != 0;
  }
  void setQuantizationFlags(QuantizationFlags flags) noexcept override {
    settings.quantization = flags;
  }
  QuantizationFlags getQuantizationFlags() const noexcept override { return settings.quantization; }
  void clearQuantizationFlag(QuantizationFlag flag) noexcept override {
    if (is_known("QuantizationFlag", flag)) settings.quantization &= ~bit(flag);
  }
  void setQuantizationFlag(QuantizationFlag flag) noexcept override {
    if (is_known("QuantizationFlag", flag)) settings.quantization |= bit(flag);
  }
  bool getQuantizationFlag(QuantizationFlag flag) const noexcept override {
    return (settings.quantization & bit(flag)) != 0;
  }
  void setDeviceType(ILayer const* layer, DeviceType type) noexcept override;
  DeviceType getDeviceType(ILayer const* layer) const noexcept override;
  bool isDeviceTypeSet(ILayer const* layer) const noexcept override;
  void resetDeviceType(ILayer const* layer) noexcept override;
  bool canRunOnDLA(ILayer const*) const noexcept override { return false; }
  void reset() noexcept override;
  void setProfileStream(const cudaStream_t stream) noexcept override { settings.stream = stream; }
  cudaStream_t getProfileStream() const noexcept override { return settings.stream; }
  int32_t addOptimizationProfile(IOptimizationProfile const* profile) noexcept override;
  int32_t getNbOptimizationProfiles() const noexcept override {
    return static_cast<int32_t>(profiles.size());
  }
  bool setCalibrationProfile(IOptimizationProfile const* profile) noexcept override;
  IOptimizationProfile const* getCalibrationProfile() noexcept override {
    return settings.calibration_profile;
  }
  bool setTacticSources(TacticSources sources) noexcept override;
  TacticSources getTacticSources() const noexcept override { return settings.tactic_sources; }
  ITimingCache* createTimingCache(void const* blob, std::size_t size) const noexcept override;
  bool setTimingCache(ITimingCache const& cache, bool ignore_mismatch) noexcept override;
  /// Null unless the user has set one: bindings delete what they are given.
  ITimingCache const* getTimingCache() const noexcept override {
    return own_cache ? nullptr : timing_cache;
  }
  void setMemoryPoolLimit(MemoryPoolType pool, std::size_t size) noexcept override;
  std::size_t getMemoryPoolLimit(MemoryPoolType pool) const noexcept override;
  void setPreviewFeature(PreviewFeature feature, bool enable) noexcept override;
  bool getPreviewFeature(PreviewFeature feature) const noexcept override {
    return (settings.previews & bit(feature)) != 0;
  }
  void setBuilderOptimizationLevel(int32_t level) noexcept override;
  int32_t getBuilderOptimizationLevel() const noexcept override { return settings.level; }
  void setPluginsToSerialize(char const* const* paths, int32_t count) noexcept override;
  char const* getPluginToSerialize(int32_t index) const noexcept override;
  int32_t getNbPluginsToSerialize() const noexcept override {
    return static_cast<int32_t>(settings.plugins.size());
  }
  bool setTilingOptimizationLevel(TilingOptimizationLevel level) noexcept override;
  TilingOptimizationLevel getTilingOptimizationLevel() const noexcept override {
    return settings.tiling;
  }
  bool setL2LimitForTiling(int64_t size) noexcept override;
  int64_t getL2LimitForTiling() const noexcept override { return settings.l2_limit; }
  bool setRemoteAutoTuningConfig(char const* config) noexcept override;
  char const* getRemoteAutoTuningConfig() const noexcept override {
    return "";  // none can be set; NVIDIA's bindings make a string of it
  }

  /// The pool kWORKSPACE where it was limited, else -1.
  int64_t workspace_bytes_max() const;
  /// The pool kTACTIC_SHARED_MEMORY where it was limited, else 0.
  int64_t shared_bytes_max() const;

  /// Whether the enumeration has this value; else an error.
  template <class E>
  bool is_known(const char* type, E value) const {
    // Those of earlier versions stand behind the present ones.
    constexpr int32_t kCount = std::is_same_v<E, BuilderFlag>      ? 30
                               : std::is_same_v<E, PreviewFeature> ? 6
                                                                   : EnumMax<E>();
    const auto given = static_cast<int32_t>(value);
    if (given >= 0 && given < kCount) return true;
    reporter_.misuse("IBuilderConfig", cat("there is no ", type, " ", given, "; those of 0 to ",
                                           kCount - 1, " are known. It stays as it was"));
    return false;
  }
  bool is_at_least(const char* call, int32_t value, int32_t least) const {
    if (value >= least) return true;
    reporter_.misuse(call, cat(value, " is less than ", least, ". It stays as it was"));
    return false;
  }

  template <class E>
  static uint32_t bit(E value) {
    const auto i = static_cast<uint32_t>(value);
    return i < 32 ? 1u << i : 0;
  }

  struct Settings {
    int32_t avg_timing = 1;
    EngineCapability capability = EngineCapability::kSTANDARD;
    IInt8Calibrator* calibrator = nullptr;
    DeviceType default_device = DeviceType::kGPU;
    ProfilingVerbosity verbosity = ProfilingVerbosity::kLAYER_NAMES_ONLY;
    IAlgorithmSelector* selector = nullptr;
    HardwareCompatibilityLevel hardware = HardwareCompatibilityLevel::kNONE;
    int32_t aux_streams = -1;
    IProgressMonitor* monitor = nullptr;
    RuntimePlatform platform = RuntimePlatform::kSAME_AS_BUILD;
    int32_t max_tactics = -1;
    BuilderFlags flags = 1u << static_cast<int>(BuilderFlag::kTF32);
    QuantizationFlags quantization = 0;
    cudaStream_t stream = nullptr;
    IOptimizationProfile const* calibration_profile = nullptr;
    TacticSources tactic_sources = 1u << static_cast<int>(TacticSource::kEDGE_MASK_CONVOLUTIONS) |
                                   1u << static_cast<int>(TacticSource::kJIT_CONVOLUTIONS);
    uint32_t previews = 1u << static_cast<int>(PreviewFeature::kPROFILE_SHARING_0806);
    int32_t level = 3;
    TilingOptimizationLevel tiling = TilingOptimizationLevel::kNONE;
    int64_t l2_limit = 0;
    std::vector<std::string> plugins;
    std::map<int, std::size_t> pools;
    std::map<ILayer const*, DeviceType> devices;
  };
  Settings settings;
  std::vector<std::unique_ptr<OptimizationProfile>> profiles;
  TimingCache* timing_cache = nullptr;  ///< the user's, or `own_cache`
  std::unique_ptr<TimingCache> own_cache;

 private:
  Reporter reporter_;
  std::size_t device_bytes_;  ///< the device's memory
};

}  // namespace trt
