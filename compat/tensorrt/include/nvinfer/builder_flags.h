// What the builder's configuration is made of: flags, pools of memory, the timing cache.

#pragma once

#include "NvInferRuntime.h"

namespace nvinfer1 {

/// When calibration runs.
enum class QuantizationFlag : int32_t {
  kCALIBRATE_BEFORE_FUSION = 0,
};

/// Where an engine will run. Only kSAME_AS_BUILD is supported.
enum class RuntimePlatform : int32_t {
  kSAME_AS_BUILD = 0,
  kWINDOWS_AMD64 = 1,
};

/// Options of a build.
enum class BuilderFlag : int32_t {
  kFP16 = 0,   ///< Layers may compute in f16.
  kINT8 = 1,   ///< Layers may compute in INT8 by calibrated ranges.
  kDEBUG = 2,  ///< Waits after each layer.
  kGPU_FALLBACK = 3,
  kREFIT = 4,                 ///< Weights can be replaced later.
  kDISABLE_TIMING_CACHE = 5,  ///< Nothing is read from or written to the cache.
  kTF32 = 6,                  ///< f32 products may round inputs to 10 bits; on at first.
  kSPARSE_WEIGHTS = 7,
  kSAFETY_SCOPE = 8,
  kOBEY_PRECISION_CONSTRAINTS = 9,     ///< setPrecision() is an order.
  kPREFER_PRECISION_CONSTRAINTS = 10,  ///< setPrecision() is a wish.
  kDIRECT_IO = 11,
  kREJECT_EMPTY_ALGORITHMS = 12,
  kVERSION_COMPATIBLE = 13,
  kEXCLUDE_LEAN_RUNTIME = 14,
  kFP8 = 15,
  kERROR_ON_TIMING_CACHE_MISS = 16,
  kBF16 = 17,  ///< Layers may compute in bf16.
  kDISABLE_COMPILATION_CACHE = 18,
  kSTRIP_PLAN = 19,  ///< The engine file has no weights: refit before use.
  kWEIGHTLESS = kSTRIP_PLAN,
  kREFIT_IDENTICAL = 20,
  kWEIGHT_STREAMING = 21,
  kINT4 = 22,
  kREFIT_INDIVIDUAL = 23,
  kSTRICT_NANS = 24,  ///< Nothing is rewritten that NaN would pass differently.
  kMONITOR_MEMORY = 25,
  kFP4 = 26,
  kEDITABLE_TIMING_CACHE = 27,
  kDISTRIBUTIVE_INDEPENDENCE = 28,
  // Names of other versions.
  kSTRICT_TYPES = kPREFER_PRECISION_CONSTRAINTS,
  kENABLE_TACTIC_HEURISTIC = 29,  ///< Accepted, without effect.
};

namespace v_1_0 {

/// What was timed.
struct TimingCacheKey {
  uint8_t data[16];
};
}  // namespace v_1_0

using TimingCacheKey = v_1_0::TimingCacheKey;

namespace v_1_0 {

/// What was fastest, and its time.
struct TimingCacheValue {
  uint64_t tacticHash;
  float timingMSec;
  static constexpr uint64_t kINVALID_TACTIC_HASH = UINT64_MAX;
};
}  // namespace v_1_0

using TimingCacheValue = v_1_0::TimingCacheValue;

/// Timings of earlier builds. Builders write to it.
class ITimingCache : public INoCopy {
 public:
  virtual ~ITimingCache() noexcept = default;

  /// The cache file; the caller deletes it.
  IHostMemory* serialize() const noexcept { return mImpl->serialize(); }

  /// Takes over what another has. False where it is of another device, unless ignoreMismatch.
  bool combine(ITimingCache const& inputCache, bool ignoreMismatch) noexcept {
    return mImpl->combine(inputCache, ignoreMismatch);
  }
  bool reset() noexcept { return mImpl->reset(); }

  /// The number of keys, of which up to `capacity` are written; -1 on errors.
  int64_t queryKeys(TimingCacheKey* keyBuffer, int64_t capacity) const noexcept {
    return mImpl->queryKeys(keyBuffer, capacity);
  }

  /// kINVALID_TACTIC_HASH where it is not there.
  TimingCacheValue query(TimingCacheKey const& key) const noexcept { return mImpl->query(key); }

  /// Replaces a value. False where it is not there.
  bool update(TimingCacheKey const& key, TimingCacheValue const& value) noexcept {
    return mImpl->update(key, value);
  }

 protected:
  apiv::VTimingCache* mImpl;
};

/// Memory that a build or an engine may use.
enum class MemoryPoolType : int32_t {
  kWORKSPACE = 0,  ///< Scratch memory of the engine.
  kDLA_MANAGED_SRAM = 1,
  kDLA_LOCAL_DRAM = 2,
  kDLA_GLOBAL_DRAM = 3,
  kTACTIC_DRAM = 4,
  kTACTIC_SHARED_MEMORY = 5,
};

/// Features under trial.
enum class PreviewFeature : int32_t {
  kPROFILE_SHARING_0806 = 0,
  kALIASED_PLUGIN_IO_10_03 = 1,
  kRUNTIME_ACTIVATION_RESIZE_10_10 = 2,
  kMULTIDEVICE_RUNTIME_10_16 = 3,
  // Names of other versions.
  kFASTER_DYNAMIC_SHAPES_0805 = 4,                     ///< Accepted, without effect.
  kDISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805 = 5,  ///< Accepted, without effect.
};

/// On which devices an engine runs beside its own.
enum class HardwareCompatibilityLevel : int32_t {
  kNONE = 0,
  kAMPERE_PLUS = 1,
  kSAME_COMPUTE_CAPABILITY = 2,
};

/// How hard to look for tiles that stay in cache.
enum class TilingOptimizationLevel : int32_t {
  kNONE = 0,
  kFAST = 1,
  kMODERATE = 2,
  kFULL = 3,
};

namespace v_1_0 {

/// Is told how a build goes on, and may stop it. Implemented by the program.
class IProgressMonitor : public IVersionedInterface {
 public:
  IProgressMonitor() = default;
  virtual ~IProgressMonitor() noexcept = default;
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return InterfaceInfo{"IProgressMonitor", 1, 0};
  }

  /// nbSteps steps follow; parentPhase is null for the outermost.
  virtual void phaseStart(char const* phaseName, char const* parentPhase,
                          int32_t nbSteps) noexcept = 0;

  /// False stops the build.
  virtual bool stepComplete(char const* phaseName, int32_t step) noexcept = 0;
  virtual void phaseFinish(char const* phaseName) noexcept = 0;
};
}  // namespace v_1_0

using IProgressMonitor = v_1_0::IProgressMonitor;

}  // namespace nvinfer1
