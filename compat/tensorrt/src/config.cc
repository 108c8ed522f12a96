#include "config.h"

namespace trt {

namespace {

std::size_t default_pool(MemoryPoolType pool, std::size_t memory) {
  switch (pool) {
    case MemoryPoolType::kWORKSPACE:
    case MemoryPoolType::kTACTIC_DRAM:
      return memory;
    case MemoryPoolType::kDLA_MANAGED_SRAM:
      return 0;  // there is no DLA
    case MemoryPoolType::kDLA_LOCAL_DRAM:
      return std::size_t{1} << 30;
    case MemoryPoolType::kDLA_GLOBAL_DRAM:
      return std::size_t{512} << 20;
    case MemoryPoolType::kTACTIC_SHARED_MEMORY:
      return std::size_t{1} << 30;
  }
  return 0;
}

}  // namespace

BuilderConfig::BuilderConfig(const Reporter& reporter, const carnot::DeviceInfo& device)
    : reporter_(reporter),
      device_bytes_(static_cast<std::size_t>(std::max<int64_t>(device.memory_bytes, 0))) {
  mImpl = this;
}
BuilderConfig::~BuilderConfig() noexcept = default;

void BuilderConfig::setDLACore(int32_t core) noexcept {
  if (core < 0) return;
  reporter_.misuse("IBuilderConfig::setDLACore", cat("DLA core ", core, ": this device has none"));
}

void BuilderConfig::setDeviceType(ILayer const* layer, DeviceType type) noexcept {
  const char* const call = "IBuilderConfig::setDeviceType";
  if (!layer) return reporter_.misuse(call, "the layer is null");
  if (!is_known("DeviceType", type)) return;
  reporter_.guard(call, [&] { settings.devices[layer] = type; });
}
DeviceType BuilderConfig::getDeviceType(ILayer const* layer) const noexcept {
  const auto found = settings.devices.find(layer);
  return found == settings.devices.end() ? settings.default_device : found->second;
}
bool BuilderConfig::isDeviceTypeSet(ILayer const* layer) const noexcept {
  return settings.devices.count(layer) > 0;
}
void BuilderConfig::resetDeviceType(ILayer const* layer) noexcept {
  settings.devices.erase(layer);
}

void BuilderConfig::reset() noexcept {
  reporter_.guard("IBuilderConfig::reset", [&] {
    settings = Settings();
    profiles.clear();
    timing_cache = nullptr;
    own_cache.reset();
  });
}

int32_t BuilderConfig::addOptimizationProfile(IOptimizationProfile const* profile) noexcept {
  const char* const call = "IBuilderConfig::addOptimizationProfile";
  return reporter_.guard(call, -1, [&] {
    const auto* const given = static_cast<const OptimizationProfile*>(profile);
    const std::string problem = given ? given->problem() : "the profile is null";
    if (!problem.empty()) {
      reporter_.misuse(call, problem);
      return -1;
    }
    auto copy = std::make_unique<OptimizationProfile>(reporter_);
    copy->assign(*given);
    profiles.push_back(std::move(copy));
    return static_cast<int32_t>(profiles.size()) - 1;
  });
}

bool BuilderConfig::setCalibrationProfile(IOptimizationProfile const* profile) noexcept {
  const char* const call = "IBuilderConfig::setCalibrationProfile";
  return reporter_.guard(call, false, [&] {
    const auto* const given = static_cast<const OptimizationProfile*>(profile);
    const std::string problem = given ? given->problem() : "";
    if (!problem.empty()) return reporter_.misuse(call, problem), false;
    settings.calibration_profile = profile;
    return true;
  });
}

bool BuilderConfig::setTacticSources(TacticSources sources) noexcept {
  constexpr TacticSources kKnown = (1u << EnumMax<TacticSource>()) - 1;
  if ((sources & ~kKnown) != 0) {
    reporter_.misuse("IBuilderConfig::setTacticSources",
                     cat("the bits ", sources & ~kKnown,
                         " stand for no TacticSource: bit i is that "
                         "of value i, 0 to ",
                         EnumMax<TacticSource>() - 1));
    return false;
  }
  settings.tactic_sources = sources;
  return true;
}

ITimingCache* BuilderConfig::createTimingCache(void const* blob, std::size_t size) const noexcept {
  const char* const call = "IBuilderConfig::createTimingCache";
  return reporter_.guard(call, static_cast<ITimingCache*>(nullptr), [&]() -> ITimingCache* {
    if (!blob && size > 0) {
      reporter_.misuse(call, "the bytes are null");
      return nullptr;
    }
    const auto* const text = static_cast<const char*>(blob);
    constexpr std::size_t kBytesMax = std::size_t{64} << 20;
    const bool ours = size <= kBytesMax && std::all_of(text, text + size, [](unsigned char c) {
                        return c == '\n' || (c >= ' ' && c < 127);
                      });
    if (!ours) {
      reporter_.warning(cat(call, ": these ", size,
                            " bytes are no timing cache of Carnot's (a text); it starts empty"));
    }
    return new TimingCache(reporter_, ours ? std::string(text, size) : std::string());
  });
}

bool BuilderConfig::setTimingCache(ITimingCache const& cache, bool) noexcept {
  timing_cache = const_cast<TimingCache*>(static_cast<const TimingCache*>(&cache));
  own_cache.reset();
  return true;
}

void BuilderConfig::setMemoryPoolLimit(MemoryPoolType pool, std::size_t size) noexcept {
  const char* const call = "IBuilderConfig::setMemoryPoolLimit";
  const int i = static_cast<int>(pool);
  if (i < 0 || i > static_cast<int>(MemoryPoolType::kTACTIC_SHARED_MEMORY)) {
    return reporter_.misuse(call, cat("there is no memory pool ", i));
  }
  if (pool == MemoryPoolType::kDLA_MANAGED_SRAM && (size < 4096 || (size & (size - 1)) != 0)) {
    return reporter_.misuse(call, cat(size, " bytes are not a power of two of at least 4096"));
  }
  reporter_.guard(call, [&] { settings.pools[i] = size; });
}

std::size_t BuilderConfig::getMemoryPoolLimit(MemoryPoolType pool) const noexcept {
  const auto found = settings.pools.find(static_cast<int>(pool));
  return found == settings.pools.end() ? default_pool(pool, device_bytes_) : found->second;
}

int64_t BuilderConfig::workspace_bytes_max() const {
  const auto found = settings.pools.find(static_cast<int>(MemoryPoolType::kWORKSPACE));
  if (found == settings.pools.end()) return -1;
  constexpr std::size_t kMost = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::min(found->second, kMost));
}

int64_t BuilderConfig::shared_bytes_max() const {
  const auto found = settings.pools.find(static_cast<int>(MemoryPoolType::kTACTIC_SHARED_MEMORY));
  if (found == settings.pools.end()) return 0;
  constexpr std::size_t kMost = std::numeric_limits<int32_t>::max();
  return static_cast<int64_t>(std::clamp<std::size_t>(found->second, 1, kMost));
}

void BuilderConfig::setPreviewFeature(PreviewFeature feature, bool enable) noexcept {
  if (!is_known("PreviewFeature", feature)) return;
  if (enable) {
    settings.previews |= bit(feature);
  } else if (feature != PreviewFeature::kPROFILE_SHARING_0806) {
    settings.previews &= ~bit(feature);
  }
}

void BuilderConfig::setBuilderOptimizationLevel(int32_t level) noexcept {
  if (level < 0 || level > 5) {
    reporter_.warning(cat("IBuilderConfig::setBuilderOptimizationLevel: level ", level,
                          " is not between 0 and 5; the nearest is taken"));
  }
  settings.level = std::clamp(level, 0, 5);
}

void BuilderConfig::setPluginsToSerialize(char const* const* paths, int32_t count) noexcept {
  const char* const call = "IBuilderConfig::setPluginsToSerialize";
  reporter_.guard(call, [&] {
    std::vector<std::string> list;
    for (int32_t i = 0; i < count; ++i) {
      if (!paths || !paths[i]) return reporter_.misuse(call, cat("path ", i, " is null"));
      list.emplace_back(paths[i]);
    }
    settings.plugins = std::move(list);
  });
}

char const* BuilderConfig::getPluginToSerialize(int32_t index) const noexcept {
  if (index < 0 || index >= getNbPluginsToSerialize()) return nullptr;
  return settings.plugins[static_cast<size_t>(index)].c_str();
}

bool BuilderConfig::setTilingOptimizationLevel(TilingOptimizationLevel level) noexcept {
  if (!is_known("TilingOptimizationLevel", level)) return false;
  settings.tiling = level;
  return true;
}

bool BuilderConfig::setL2LimitForTiling(int64_t size) noexcept {
  if (size < 0) {
    reporter_.misuse("IBuilderConfig::setL2LimitForTiling", cat(size, " bytes"));
    return false;
  }
  settings.l2_limit = size;
  return true;
}

bool BuilderConfig::setRemoteAutoTuningConfig(char const*) noexcept {
  reporter_.error(ErrorCode::kUNSUPPORTED_STATE, "IBuilderConfig::setRemoteAutoTuningConfig",
                  "kernels are timed on this machine only: build on the machine that runs them, or "
                  "bring its timing cache");
  return false;
}

}  // namespace trt
