#include "builder.h"

#include <chrono>

#include "algorithms.h"
#include "build_options.h"
#include "calibrate.h"
#include "host_memory.h"
#include "plan_parts.h"
#include "refitter.h"
#include "registry.h"

namespace trt {

namespace {

constexpr NetworkDefinitionCreationFlags kKnownFlags =
    0xF | kImplicitBatch |
    1U << static_cast<uint32_t>(NetworkDefinitionCreationFlag::kEXPLICIT_PRECISION);

/// Tells the user's monitor how far tuning is, and hears from it when to stop.
class Progress {
 public:
  Progress(IProgressMonitor* monitor, std::atomic<bool>& cancel)
      : monitor_(monitor), cancel_(cancel) {
    if (!monitor_) return;
    monitor_->phaseStart(kBuild, nullptr, 3);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (!monitor_) return;
    if (tuning_) monitor_->phaseFinish(kTune);
    monitor_->phaseFinish(kBuild);
  }
  void step(int i) {
    if (monitor_ && !monitor_->stepComplete(kBuild, i)) cancel_ = true;
  }
  void tuned(int done, int total) {
    if (!monitor_) return;
    if (!tuning_) monitor_->phaseStart(kTune, kBuild, total);
    tuning_ = true;
    if (done > 0 && !monitor_->stepComplete(kTune, done - 1)) cancel_ = true;
  }

 private:
  static constexpr const char *kBuild = "Building the engine", *kTune = "Choosing kernels";
  IProgressMonitor* monitor_;
  std::atomic<bool>& cancel_;
  bool tuning_ = false;
};

}  // namespace

bool Builder::has(int compute, const char* feature) const noexcept {
  if (is_gpu(device_)) return device_.compute >= compute;
  const auto& features = device_.features;
  return std::find(features.begin(), features.end(), feature) != features.end();
}

IBuilderConfig* Builder::createBuilderConfig() noexcept {
  return reporter_.guard("IBuilder::createBuilderConfig", static_cast<IBuilderConfig*>(nullptr),
                         [&] { return new BuilderConfig(reporter_, device_); });
}

INetworkDefinition* Builder::createNetworkV2(NetworkDefinitionCreationFlags flags) noexcept {
  const char* const call = "IBuilder::createNetworkV2";
  INetworkDefinition* const none = nullptr;
  return reporter_.guard(call, none, [&]() -> INetworkDefinition* {
    if ((flags & ~kKnownFlags) != 0) {
      reporter_.misuse(call, cat("flags 0x", std::hex, flags, " are not all known"));
      return nullptr;
    }
    return new Network(*this, reporter_, flags);
  });
}

IOptimizationProfile* Builder::createOptimizationProfile() noexcept {
  IOptimizationProfile* const none = nullptr;
  return reporter_.guard("IBuilder::createOptimizationProfile", none,
                         [&]() -> IOptimizationProfile* {
                           profiles_.push_back(std::make_unique<OptimizationProfile>(reporter_));
                           return profiles_.back().get();
                         });
}

void Builder::reset() noexcept {
  forget_legacy(static_cast<IBuilder*>(this));
  max_threads_ = 1;
}

bool Builder::setMaxThreads(int32_t count) noexcept {
  if (count < 1) {
    reporter_.misuse("IBuilder::setMaxThreads", cat(count, " threads"));
    return false;
  }
  max_threads_ = count;
  return true;
}

IPluginRegistry& Builder::getPluginRegistry() noexcept {
  return plugin_registry();
}

bool Builder::isNetworkSupported(INetworkDefinition const& network,
                                 IBuilderConfig const&) const noexcept {
  const char* const call = "IBuilder::isNetworkSupported";
  return reporter_.guard(call, false, [&] {
    auto& checked = const_cast<Network&>(static_cast<const Network&>(network));
    const carnot::Result<carnot::Network> translated = checked.translate();
    if (!translated.ok()) reporter_.error(call, translated.status());
    return translated.ok();
  });
}

/// The profiles' sizes as the inputs' formats have them in memory.
static void store(Ranges& ranges, const PlanFacts& facts) {
  for (auto& [name, range] : ranges) {
    const auto found = facts.formats.find(name);
    if (found == facts.formats.end()) continue;
    for (carnot::Shape* shape : {&range.min, &range.opt, &range.max}) {
      *shape = stored(*shape, found->second.format);
    }
  }
}

carnot::Status Builder::find_unfused(Network& network, carnot::Network part,
                                     carnot::BuilderOptions options) const {
  options.progress = {};
  options.dumps.clear();
  const carnot::Result<Bytes> bytes = carnot::build(std::move(part), options);
  if (!bytes.ok()) return bytes.status();
  const carnot::Result<carnot::EnginePtr> engine =
      carnot::Engine::load(*bytes, {.device = device_.name});
  if (!engine.ok()) return engine.status();
  std::set<std::string> origins;
  for (const carnot::StepInfo& step : (*engine)->steps()) {
    if (!step.origin.empty()) origins.insert(step.origin.back());
  }
  network.set_unfused(origins);
  return {};
}

/// An engine for each profile that has sizes of its own, tuned for its optimum.
carnot::Result<Builder::Bytes> Builder::build_parts(Network& network, const BuilderConfig& config,
                                                    carnot::BuilderOptions& options,
                                                    RefitPlan* refit) {
  PlanFacts facts = facts_of(network, config);
  std::vector<int32_t> parts;
  carnot::Result<std::vector<Ranges>> all = ranges_of(network, config, parts);
  if (!all.ok()) return std::move(all).status();
  for (size_t p = 0; p < parts.size(); ++p) facts.profiles[p].part = parts[p];
  const bool with_precisions = has_precision_constraints(network, config);
  std::vector<Network::Sizes> fixed;
  for (const Ranges& ranges : *all) fixed.push_back(fixed_sizes(network, ranges));
  // Sizes that one set of profiles leaves no choice of are the engine's; of several they differ.
  const auto fixes = [](const Network::Sizes& f) { return !f.empty(); };
  if (fixed.size() > 1 && std::any_of(fixed.begin(), fixed.end(), fixes)) {
    carnot::Result<carnot::Network> declared = network.translate(with_precisions);
    if (!declared.ok()) return std::move(declared).status();
    for (const bool inputs : {true, false}) {
      for (const carnot::TensorSpec& t : inputs ? declared->inputs() : declared->outputs()) {
        if (!t.type.is_static()) facts.declared[t.name] = ints_of(dims_of(t.type.dims));
      }
    }
  }
  std::vector<Bytes> engines;
  Algorithms algorithms(config, reporter_);
  network.set_unfused({});
  if (network.shows_unfused()) {
    const SizeRanges sizes = size_ranges_of(network, (*all)[0]);
    carnot::Result<carnot::Network> part =
        network.translate_for_engine(sizes, with_precisions, fixed[0]);
    if (!part.ok()) return std::move(part).status();
    facts.formats = network.formats();
    carnot::BuilderOptions first = options;
    first.profiles = (*all)[0];
    store(first.profiles, facts);
    carnot::Status status = find_unfused(network, std::move(*part), std::move(first));
    if (!status.ok()) return std::move(status).with("finding the tensors between kernels");
  }
  for (size_t i = 0; i < fixed.size(); ++i) {
    algorithms.begin(size_ranges_of(network, (*all)[i]), options);
    carnot::Result<carnot::Network> part =
        network.translate_for_engine(size_ranges_of(network, (*all)[i]), with_precisions, fixed[i]);
    if (!part.ok()) return std::move(part).status();
    facts.formats = network.formats();
    options.metadata = write(facts);
    options.profiles = std::move((*all)[i]);
    store(options.profiles, facts);
    if (refit) {
      carnot::Status status = prepare_refit(network, config, *part, options, *refit);
      if (!status.ok()) return status;
    }
    carnot::BuildSummary summary;
    carnot::Result<Bytes> engine = carnot::build(std::move(*part), options, &summary);
    if (!engine.ok()) return engine;
    algorithms.end(summary);
    const int64_t limit = options.scratch_bytes_max;
    reporter_.info(cat("Max Scratch Memory: ", summary.scratch_bytes, " bytes",
                       limit < 0 ? "" : cat(" (of a workspace of ", limit, ")")));
    engines.push_back(std::move(*engine));
  }
  algorithms.report();
  return join_parts(std::move(engines));
}

carnot::Result<Builder::Bytes> Builder::build(Network& network, BuilderConfig& config,
                                              std::string* kernels) {
  if (network.outputs().empty()) {
    return carnot::Status(carnot::Code::kInvalidArgument,
                          "the network has no outputs: mark them with markOutput()");
  }
  carnot::Status possible = check_devices(config);
  if (!possible.ok()) return possible;
  const BuildPlan calibrating = [&](const OptimizationProfile& profile) {
    return plan_for(network, profile);
  };
  carnot::Status calibrated = calibrate(network, config, reporter_, calibrating);
  if (!calibrated.ok()) return calibrated;
  std::atomic<bool> cancel{false};
  Progress progress(config.settings.monitor, cancel);
  carnot::BuilderOptions options;
  possible = set_precisions(network, config, reporter_, options);
  if (!possible.ok()) return possible;
  options.device = device_.name;
  options.scratch_bytes_max = config.workspace_bytes_max();
  options.shared_bytes_max = config.shared_bytes_max();
  options.effort = config.settings.level;
  options.cancel = &cancel;
  options.progress = [&](const carnot::BuildProgress& p) { progress.tuned(p.done, p.total); };
  if (kernels) {
    options.dumps = {"kernel"};
    options.dump = [&](const std::string&, const std::string& text) { *kernels += text; };
  }
  std::string timings;
  const bool cached = !config.getFlag(BuilderFlag::kDISABLE_TIMING_CACHE);
  if (cached) {
    if (!config.timing_cache) {
      config.own_cache = std::make_unique<TimingCache>(reporter_, "");
      config.timing_cache = config.own_cache.get();
    }
    timings = config.timing_cache->text();
    options.timing_cache_text = &timings;
  }
  progress.step(0);
  if (cancel) return carnot::Status(carnot::Code::kCancelled, "the progress monitor asked to stop");
  RefitPlan refit;
  const bool refittable = wants_refit(config);
  if (refittable) options.code_cache_text = &refit.code;
  carnot::Result<Bytes> bytes =
      build_parts(network, config, options, refittable ? &refit : nullptr);
  if (!bytes.ok()) return bytes;
  if (refittable) {
    refit.timings = timings;
    *bytes = join(std::move(*bytes), refit);
  }
  if (cached) config.timing_cache->set_text(std::move(timings));
  progress.step(1);
  progress.step(2);
  if (cancel) return carnot::Status(carnot::Code::kCancelled, "the progress monitor asked to stop");
  return bytes;
}

carnot::Result<PlanPtr> Builder::plan_for(Network& network, const OptimizationProfile& profile) {
  BuilderConfig plain(reporter_, device_);
  plain.settings.level = 0;
  plain.setFlag(BuilderFlag::kDISABLE_TIMING_CACHE);
  plain.addOptimizationProfile(&profile);
  carnot::Result<Bytes> bytes = build(network, plain, nullptr);
  if (!bytes.ok()) return std::move(bytes).status();
  return read_plan(std::move(*bytes), device_, allocator_,
                   [&](const PluginRecord& record) { return network.plugin_of(record); });
}

std::optional<Builder::Bytes> Builder::plan(const char* call, INetworkDefinition& network,
                                            IBuilderConfig& config, std::string* kernels) {
  const auto start = std::chrono::steady_clock::now();
  carnot::Result<Bytes> bytes =
      build(static_cast<Network&>(network), static_cast<BuilderConfig&>(config), kernels);
  if (!bytes.ok()) {
    reporter_.error(call, bytes.status());
    return std::nullopt;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  reporter_.info(cat("Engine generation completed in ", took.count(), " seconds."));
  return std::move(*bytes);
}

IHostMemory* Builder::buildSerializedNetwork(INetworkDefinition& network,
                                             IBuilderConfig& config) noexcept {
  const char* const call = "IBuilder::buildSerializedNetwork";
  return reporter_.guard(call, static_cast<IHostMemory*>(nullptr), [&]() -> IHostMemory* {
    std::optional<Bytes> bytes = plan(call, network, config);
    return bytes ? new HostMemory(std::move(*bytes)) : nullptr;
  });
}

IHostMemory* Builder::buildSerializedNetworkWithKernelText(INetworkDefinition& network,
                                                           IBuilderConfig& config,
                                                           IHostMemory*& kernel_text) noexcept {
  const char* const call = "IBuilder::buildSerializedNetwork";
  kernel_text = nullptr;
  return reporter_.guard(call, static_cast<IHostMemory*>(nullptr), [&]() -> IHostMemory* {
    std::string kernels;
    std::optional<Bytes> bytes = plan(call, network, config, &kernels);
    if (!bytes) return nullptr;
    const auto* const text = reinterpret_cast<const std::byte*>(kernels.data());
    kernel_text = new HostMemory({text, text + kernels.size()});
    return new HostMemory(std::move(*bytes));
  });
}

ICudaEngine* Builder::buildEngineWithConfig(INetworkDefinition& network,
                                            IBuilderConfig& config) noexcept {
  const char* const call = "IBuilder::buildEngineWithConfig";
  return reporter_.guard(call, static_cast<ICudaEngine*>(nullptr), [&]() -> ICudaEngine* {
    std::optional<Bytes> bytes = plan(call, network, config);
    if (!bytes) return nullptr;
    // The network has its plugins: their creators need not be registered.
    const auto& own = static_cast<const Network&>(network);
    return load_plan(call, reporter_, std::move(*bytes), device_, allocator_,
                     [&](const PluginRecord& record) { return own.plugin_of(record); });
  });
}

bool Builder::buildSerializedNetworkToStream(INetworkDefinition& network, IBuilderConfig& config,
                                             IStreamWriter& writer) noexcept {
  const char* const call = "IBuilder::buildSerializedNetworkToStream";
  return reporter_.guard(call, false, [&] {
    const std::optional<Bytes> bytes = plan(call, network, config);
    if (!bytes) return false;
    size_t at = 0;
    while (at < bytes->size()) {
      const int64_t wrote =
          writer.write(bytes->data() + at, static_cast<int64_t>(bytes->size() - at));
      if (wrote <= 0 || static_cast<size_t>(wrote) > bytes->size() - at) {
        reporter_.error(
            ErrorCode::kFAILED_EXECUTION, call,
            cat("the stream writer took ", wrote, " of ", bytes->size() - at, " bytes"));
        return false;
      }
      at += static_cast<size_t>(wrote);
    }
    return true;
  });
}

}  // namespace trt
