// Builder, and what it makes beside networks and configurations: profiles, timing caches.
#include "bind.h"

namespace trt_python {
namespace {

constexpr auto kOwn = nb::rv_policy::reference_internal;
using Release = nb::call_guard<nb::gil_scoped_release>;

IBuilder* make_builder(Callback<ILogger> logger) {
  if (logger.native == nullptr) throw nb::next_overload();
  return made(createInferBuilder(*logger.native), "the builder could not be made");
}

IHostMemory* plan_with_text(IBuilder& builder, INetworkDefinition& network, IBuilderConfig& config,
                            nb::handle) {
  IHostMemory* text = nullptr;
  nb::gil_scoped_release released;
  IHostMemory* plan = builder.buildSerializedNetwork(network, config, text);
  delete text;
  return plan;
}

void bind_builds(nb::class_<IBuilder>& builder) {
  builder
      .def("create_network", &IBuilder::createNetworkV2, "flags"_a = 0, nb::keep_alive<0, 1>(),
           "An empty network; flags has a bit for each NetworkDefinitionCreationFlag.")
      .def("create_builder_config", &IBuilder::createBuilderConfig, nb::keep_alive<0, 1>(),
           "A configuration, with defaults.")
      .def("create_optimization_profile", &IBuilder::createOptimizationProfile, kOwn,
           "An empty profile of dynamic shapes.")
      .def("build_serialized_network",
           nb::overload_cast<INetworkDefinition&, IBuilderConfig&>(
               &IBuilder::buildSerializedNetwork),
           "network"_a, "config"_a, Release(), "An engine file; None on failure.")
      .def("build_serialized_network", &plan_with_text, "network"_a, "config"_a, "kernel_text"_a,
           "As above; kernel_text is not written: EngineInspector shows kernels.")
      .def(
          "build_serialized_network_to_stream",
          [](IBuilder& self, INetworkDefinition& network, IBuilderConfig& config,
             Callback<IStreamWriter> writer) {
            if (writer.native == nullptr) throw nb::next_overload();
            nb::gil_scoped_release released;
            return self.buildSerializedNetworkToStream(network, config, *writer.native);
          },
          "network"_a, "config"_a, "writer"_a, "Writes an engine file; False on failure.")
      .def("build_engine_with_config", &IBuilder::buildEngineWithConfig, "network"_a, "config"_a,
           Release(), nb::keep_alive<0, 1>(), "An engine without a file between; None on failure.")
      .def("is_network_supported", &IBuilder::isNetworkSupported, "network"_a, "config"_a,
           "Whether a build would begin.");
}

/// What versions 5 to 9 had.
void bind_older(nb::class_<IBuilder>& builder) {
  builder
      .def("build_engine", &IBuilder::buildEngineWithConfig, "network"_a, "config"_a, Release(),
           nb::keep_alive<0, 1>(), "build_engine_with_config() of versions 6 to 9.")
      .def("build_cuda_engine", &IBuilder::buildCudaEngine, "network"_a, Release(),
           nb::keep_alive<0, 1>(), "Builds with what the builder's properties say (5 to 7).")
      .def_prop_rw("max_batch_size", &IBuilder::getMaxBatchSize, &IBuilder::setMaxBatchSize,
                   "The greatest batch of networks with an implicit one.")
      .def_prop_rw("max_workspace_size", &IBuilder::getMaxWorkspaceSize,
                   &IBuilder::setMaxWorkspaceSize, "Scratch bytes of build_cuda_engine().")
      .def_prop_rw("fp16_mode", &IBuilder::getFp16Mode, lenient<&IBuilder::setFp16Mode>,
                   "BuilderFlag.FP16 of build_cuda_engine().")
      .def_prop_rw("int8_mode", &IBuilder::getInt8Mode, lenient<&IBuilder::setInt8Mode>,
                   "BuilderFlag.INT8 of build_cuda_engine().")
      .def_prop_rw(
          "int8_calibrator", [](IBuilder&) { return nb::none(); },
          [](IBuilder& self, Callback<IInt8Calibrator> calibrator) {
            self.setInt8Calibrator(calibrator.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "The calibrator of build_cuda_engine().")
      .def_prop_rw("strict_type_constraints", &IBuilder::getStrictTypeConstraints,
                   lenient<&IBuilder::setStrictTypeConstraints>,
                   "BuilderFlag.PREFER_PRECISION_CONSTRAINTS of build_cuda_engine().")
      .def_prop_rw("debug_sync", &IBuilder::getDebugSync, lenient<&IBuilder::setDebugSync>,
                   "BuilderFlag.DEBUG of build_cuda_engine().")
      .def_prop_rw("refittable", &IBuilder::getRefittable, lenient<&IBuilder::setRefittable>,
                   "BuilderFlag.REFIT of build_cuda_engine().")
      .def_prop_rw("average_find_iterations", &IBuilder::getAverageFindIterations,
                   &IBuilder::setAverageFindIterations, "How often a candidate is timed.")
      .def_prop_rw("min_find_iterations", &IBuilder::getMinFindIterations,
                   &IBuilder::setMinFindIterations, "A lower bound of that.");
}

void bind_properties(nb::class_<IBuilder>& builder) {
  builder.def_prop_ro("platform_has_tf32", &IBuilder::platformHasTf32, "Whether TF32 is fast.")
      .def_prop_ro("platform_has_fast_fp16", &IBuilder::platformHasFastFp16,
                   "Whether FP16 is fast.")
      .def_prop_ro("platform_has_fast_int8", &IBuilder::platformHasFastInt8,
                   "Whether INT8 is fast.")
      .def_prop_ro("max_DLA_batch_size", &IBuilder::getMaxDLABatchSize, "0: there is no DLA.")
      .def_prop_ro("num_DLA_cores", &IBuilder::getNbDLACores, "0: there is no DLA.")
      .def_prop_rw(
          "gpu_allocator", nullptr,
          [](IBuilder& self, Callback<IGpuAllocator> allocator) {
            self.setGpuAllocator(allocator.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where memory of the device comes from.")
      .def_prop_rw(
          "error_recorder",
          [](const IBuilder& self) { return Callback<IErrorRecorder>{self.getErrorRecorder()}; },
          [](IBuilder& self, Callback<IErrorRecorder> recorder) {
            self.setErrorRecorder(recorder.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Where errors are kept, beside the logger.")
      .def_prop_ro(
          "logger", [](const IBuilder& self) { return Callback<ILogger>{self.getLogger()}; },
          "Its logger.")
      .def_prop_rw("max_threads", &IBuilder::getMaxThreads, &IBuilder::setMaxThreads,
                   "Threads that a build may use.")
      .def("reset", nb::overload_cast<>(&IBuilder::reset), "As it was made.")
      .def("get_plugin_registry", &IBuilder::getPluginRegistry, nb::rv_policy::reference,
           "The registry of plugins.");
}

std::vector<Dims> shapes_of(const IOptimizationProfile& profile, const char* input) {
  std::vector<Dims> shapes;
  for (auto select :
       {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
    shapes.push_back(profile.getDimensions(input, select));
  }
  if (shapes[0].nbDims < 0) shapes.clear();
  return shapes;
}

void set_values(IOptimizationProfile& profile, const char* input, const Integers& min,
                const Integers& opt, const Integers& max) {
  const auto set = [&](OptProfileSelector select, const std::vector<int64_t>& values) {
    require(
        profile.setShapeValuesV2(input, select, values.data(), static_cast<int32_t>(values.size())),
        "IOptimizationProfile.set_shape_input()");
  };
  set(OptProfileSelector::kMIN, min.values);
  set(OptProfileSelector::kOPT, opt.values);
  set(OptProfileSelector::kMAX, max.values);
}

std::vector<std::vector<int64_t>> values_of(const IOptimizationProfile& profile,
                                            const char* input) {
  std::vector<std::vector<int64_t>> all;
  const int32_t count = profile.getNbShapeValues(input);
  for (auto select :
       {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
    const int64_t* values = count > 0 ? profile.getShapeValuesV2(input, select) : nullptr;
    if (values != nullptr) all.emplace_back(values, values + count);
  }
  return all;
}

void bind_profile(nb::module_& m) {
  nb::class_<IOptimizationProfile>(m, "IOptimizationProfile",
                                   "The shapes that an engine must serve; true where it is valid.")
      .def(
          "set_shape",
          [](IOptimizationProfile& self, const char* input, const Dims& min, const Dims& opt,
             const Dims& max) {
            self.setDimensions(input, OptProfileSelector::kMIN, min);
            self.setDimensions(input, OptProfileSelector::kOPT, opt);
            self.setDimensions(input, OptProfileSelector::kMAX, max);
          },
          "input"_a, "min"_a, "opt"_a, "max"_a,
          "The least, the usual and the greatest shape of an input.")
      .def("get_shape", &shapes_of, "input"_a, "[min, opt, max]; empty where they are not set.")
      .def("set_shape_input", &set_values, "input"_a, "min"_a, "opt"_a, "max"_a,
           "The values of an input that shapes depend on.")
      .def("get_shape_input", &values_of, "input"_a,
           "[min, opt, max] of such an input; empty where they are not set.")
      .def_prop_rw("extra_memory_target", &IOptimizationProfile::getExtraMemoryTarget,
                   &IOptimizationProfile::setExtraMemoryTarget,
                   "The share of memory it may use more than the first one.")
      .def("__bool__", &IOptimizationProfile::isValid)
      .def("__nonzero__", &IOptimizationProfile::isValid);
}

constexpr size_t kKeyBytes = sizeof(TimingCacheKey::data);

TimingCacheKey key_of(const std::string& text) {
  TimingCacheKey key{};
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  bool good = text.size() == 2 + 2 * kKeyBytes && text.compare(0, 2, "0x") == 0;
  for (size_t i = 0; good && i < kKeyBytes; ++i) {
    const int high = digit(text[2 + 2 * i]), low = digit(text[3 + 2 * i]);
    good = high >= 0 && low >= 0;
    key.data[i] = static_cast<uint8_t>(high * 16 + low);
  }
  if (!good) throw nb::value_error("a key of a timing cache is 0x and 32 hexadecimal digits");
  return key;
}

std::string text_of(const TimingCacheKey& key) {
  std::string text = "0x";
  for (uint8_t byte : key.data) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

void bind_timing_cache(nb::module_& m) {
  nb::class_<TimingCacheKey>(m, "TimingCacheKey", "What a timing belongs to.")
      .def_static("parse", &key_of, "text"_a, "From what str() gives.")
      .def("__str__", &text_of);
  nb::class_<TimingCacheValue>(m, "TimingCacheValue", "A tactic and its time.")
      .def(
          "__init__",
          [](TimingCacheValue* self, uint64_t hash, float ms) {
            new (self) TimingCacheValue{hash, ms};
          },
          "tacticHash"_a, "timingMSec"_a)
      .def_rw("tacticHash", &TimingCacheValue::tacticHash, "Which tactic.")
      .def_rw("timingMSec", &TimingCacheValue::timingMSec, "Its time in milliseconds.");
  nb::class_<ITimingCache>(m, "ITimingCache", "What was measured, for builds to come.")
      .def("serialize", &ITimingCache::serialize, nb::keep_alive<0, 1>(), "The cache as bytes.")
      .def("combine", lenient<&ITimingCache::combine>, "input_cache"_a, "ignore_mismatch"_a,
           "Adds what another one has.")
      .def("reset", &ITimingCache::reset, "Empties it.")
      .def(
          "queryKeys",
          [](const ITimingCache& self) {
            std::vector<TimingCacheKey> keys(
                static_cast<size_t>(std::max<int64_t>(0, self.queryKeys(nullptr, 0))));
            if (!keys.empty()) self.queryKeys(keys.data(), static_cast<int64_t>(keys.size()));
            return keys;
          },
          "Its keys.")
      .def("query", &ITimingCache::query, "key"_a, "What belongs to a key.")
      .def("update", &ITimingCache::update, "key"_a, "value"_a, "Replaces what belongs to a key.");
}

}  // namespace

void bind_builder(nb::module_& m) {
  bind_profile(m);
  bind_timing_cache(m);
  nb::class_<IBuilder> builder(m, "Builder", "Makes networks, configurations and engines.");
  builder.def(nb::new_(&make_builder), "logger"_a, nb::keep_alive<0, 2>());
  bind_builds(builder);
  bind_properties(builder);
  bind_older(builder);
}

}  // namespace trt_python
