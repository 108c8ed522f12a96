// IBuilderConfig: how a network is to be built; and what a selector of algorithms is shown.
#include "bind.h"

namespace trt_python {
namespace {

using Config = IBuilderConfig;
constexpr auto kOwn = nb::rv_policy::reference_internal;

void bind_flags(nb::class_<Config>& config) {
  config.def_prop_rw("flags", &Config::getFlags, &Config::setFlags, "A bit for each BuilderFlag.")
      .def("clear_flag", &Config::clearFlag, "flag"_a, "Switches a flag off.")
      .def("set_flag", &Config::setFlag, "flag"_a, "Switches a flag on.")
      .def("get_flag", &Config::getFlag, "flag"_a, "Whether a flag is on.")
      .def_prop_rw("quantization_flags", &Config::getQuantizationFlags,
                   &Config::setQuantizationFlags, "A bit for each QuantizationFlag.")
      .def("clear_quantization_flag", &Config::clearQuantizationFlag, "flag"_a,
           "Switches a flag off.")
      .def("set_quantization_flag", &Config::setQuantizationFlag, "flag"_a, "Switches a flag on.")
      .def("get_quantization_flag", &Config::getQuantizationFlag, "flag"_a, "Whether a flag is on.")
      .def("set_preview_feature", lenient<&Config::setPreviewFeature>, "feature"_a, "enable"_a,
           "Switches a feature on or off.")
      .def("get_preview_feature", &Config::getPreviewFeature, "feature"_a,
           "Whether a feature is on.")
      .def("set_memory_pool_limit", &Config::setMemoryPoolLimit, "pool"_a, "pool_size"_a,
           "The bytes that may be used of a pool.")
      .def("get_memory_pool_limit", &Config::getMemoryPoolLimit, "pool"_a,
           "The bytes that may be used of a pool.")
      .def("set_tactic_sources", &Config::setTacticSources, "tactic_sources"_a,
           "A bit for each TacticSource that may be used.")
      .def("get_tactic_sources", &Config::getTacticSources, "A bit for each TacticSource.");
}

void bind_devices(nb::class_<Config>& config) {
  config
      .def_prop_rw("default_device_type", &Config::getDefaultDeviceType,
                   &Config::setDefaultDeviceType, "Where layers run.")
      .def_prop_rw("DLA_core", &Config::getDLACore, &Config::setDLACore, "Which DLA.")
      .def("set_device_type", &Config::setDeviceType, "layer"_a, "device_type"_a,
           "Where a layer runs.")
      .def("get_device_type", &Config::getDeviceType, "layer"_a, "Where a layer runs.")
      .def("is_device_type_set", &Config::isDeviceTypeSet, "layer"_a,
           "Whether set_device_type() was called.")
      .def("reset_device_type", &Config::resetDeviceType, "layer"_a,
           "As if set_device_type() had never been called.")
      .def("can_run_on_DLA", &Config::canRunOnDLA, "layer"_a, "False: there is no DLA.")
      .def_prop_rw(
          "profile_stream", [](const Config& self) { return address(self.getProfileStream()); },
          [](Config& self, size_t stream) { self.setProfileStream(pointer<cudaStream_t>(stream)); },
          "The stream that candidates are timed on.")
      .def_prop_rw("engine_capability", &Config::getEngineCapability, &Config::setEngineCapability,
                   "What the engine is restricted to.")
      .def_prop_rw("hardware_compatibility_level", &Config::getHardwareCompatibilityLevel,
                   &Config::setHardwareCompatibilityLevel,
                   "On which other GPUs the engine shall run.")
      .def_prop_rw("runtime_platform", &Config::getRuntimePlatform, &Config::setRuntimePlatform,
                   "The operating system that the engine is for.");
}

void bind_search(nb::class_<Config>& config) {
  config
      .def_prop_rw("avg_timing_iterations", &Config::getAvgTimingIterations,
                   &Config::setAvgTimingIterations, "How often a candidate is timed.")
      .def_prop_rw("min_timing_iterations", &Config::getMinTimingIterations,
                   &Config::setMinTimingIterations, "A lower bound of that (versions 6 to 9).")
      .def_prop_rw("max_workspace_size", &Config::getMaxWorkspaceSize, &Config::setMaxWorkspaceSize,
                   "The limit of MemoryPoolType.WORKSPACE (versions 6 to 9).")
      .def_prop_rw("builder_optimization_level", &Config::getBuilderOptimizationLevel,
                   &Config::setBuilderOptimizationLevel,
                   "0, the fastest build, to 5, the fastest engine.")
      .def_prop_rw("max_num_tactics", &Config::getMaxNbTactics, &Config::setMaxNbTactics,
                   "Candidates that are timed for a layer; -1 is the library's choice.")
      .def_prop_rw("max_aux_streams", &Config::getMaxAuxStreams, &Config::setMaxAuxStreams,
                   "Streams beside the main one.")
      .def_prop_rw(
          "tiling_optimization_level", &Config::getTilingOptimizationLevel,
          [](Config& self, TilingOptimizationLevel level) {
            require(self.setTilingOptimizationLevel(level),
                    "IBuilderConfig.tiling_optimization_level");
          },
          "How long a build searches for tilings.")
      .def_prop_rw(
          "l2_limit_for_tiling", &Config::getL2LimitForTiling,
          [](Config& self, int64_t bytes) {
            require(self.setL2LimitForTiling(bytes), "IBuilderConfig.l2_limit_for_tiling");
          },
          "Bytes of the cache that tilings may use.")
      .def_prop_rw("remote_auto_tuning_config", &Config::getRemoteAutoTuningConfig,
                   &Config::setRemoteAutoTuningConfig, "Another machine that times; refused.")
      .def_prop_rw(
          "build_route", &Config::getBuildRoute,
          [](Config& self, const char* route) {
            require(self.setBuildRoute(route), "IBuilderConfig.build_route");
          },
          "The route of the build (version 11): there is one, the empty text.")
      .def_prop_ro("all_build_routes", &Config::getAllBuildRoutes,
                   "What could be chosen (version 11), as JSON.")
      .def_prop_rw("profiling_verbosity", &Config::getProfilingVerbosity,
                   &Config::setProfilingVerbosity, "How much the engine tells of its layers.");
}

void bind_profiles(nb::class_<Config>& config) {
  config
      .def("add_optimization_profile", &Config::addOptimizationProfile, "profile"_a,
           nb::keep_alive<1, 2>(), "Adds a profile; its index, -1 where it is not valid.")
      .def_prop_ro("num_optimization_profiles", &Config::getNbOptimizationProfiles,
                   "How many profiles there are.")
      .def("set_calibration_profile", &Config::setCalibrationProfile, "profile"_a,
           nb::keep_alive<1, 2>(), "The shapes that a calibrator's batches have.")
      .def("get_calibration_profile", &Config::getCalibrationProfile, kOwn,
           "The shapes that a calibrator's batches have, or None.")
      .def(
          "create_timing_cache",
          [](const Config& self, const Bytes& bytes) {
            return self.createTimingCache(bytes.data(), bytes.size());
          },
          "serialized_timing_cache"_a, nb::keep_alive<0, 1>(),
          "A cache of those bytes; empty for b\"\".")
      .def("set_timing_cache", lenient<&Config::setTimingCache>, "cache"_a, "ignore_mismatch"_a,
           nb::keep_alive<1, 2>(), "Builds read and extend it.")
      .def("get_timing_cache", &Config::getTimingCache, kOwn, "The cache that builds use, or None.")
      .def_prop_rw(
          "plugins_to_serialize",
          [](const Config& self) {
            std::vector<std::string> paths;
            for (int32_t i = 0; i < self.getNbPluginsToSerialize(); ++i) {
              paths.emplace_back(self.getPluginToSerialize(i));
            }
            return paths;
          },
          [](Config& self, const std::vector<std::string>& paths) {
            std::vector<const char*> texts;
            for (const std::string& path : paths) texts.push_back(path.c_str());
            self.setPluginsToSerialize(texts.data(), static_cast<int32_t>(texts.size()));
          },
          "Libraries of plugins that the engine needs.");
}

void bind_config_callbacks(nb::class_<Config>& config) {
  config
      .def_prop_rw(
          "int8_calibrator",
          [](const Config& self) { return Callback<IInt8Calibrator>{self.getInt8Calibrator()}; },
          [](Config& self, Callback<IInt8Calibrator> calibrator) {
            self.setInt8Calibrator(calibrator.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Finds ranges for INT8 by samples.")
      .def_prop_rw(
          "algorithm_selector",
          [](const Config& self) {
            return Callback<IAlgorithmSelector>{self.getAlgorithmSelector()};
          },
          [](Config& self, Callback<IAlgorithmSelector> selector) {
            self.setAlgorithmSelector(selector.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Chooses among candidates.")
      .def_prop_rw(
          "progress_monitor",
          [](const Config& self) { return Callback<IProgressMonitor>{self.getProgressMonitor()}; },
          [](Config& self, Callback<IProgressMonitor> monitor) {
            self.setProgressMonitor(monitor.native);
          },
          nb::for_setter(nb::keep_alive<1, 2>()), "Is told how far a build is, and may end it.");
}

void bind_algorithms(nb::module_& m) {
  nb::class_<IAlgorithmIOInfo>(m, "IAlgorithmIOInfo", "A tensor of a candidate.")
      .def_prop_ro("dtype", &IAlgorithmIOInfo::getDataType, "The type of its elements.")
      .def_prop_ro("tensor_format", &IAlgorithmIOInfo::getTensorFormat,
                   "The order of its elements (versions 8 and 9).")
      .def_prop_ro("strides", &IAlgorithmIOInfo::getStrides, "The distances of its elements.")
      .def_prop_ro("vectorized_dim", &IAlgorithmIOInfo::getVectorizedDim,
                   "The axis that is packed, or -1.")
      .def_prop_ro("components_per_element", &IAlgorithmIOInfo::getComponentsPerElement,
                   "How many are packed.");
  nb::class_<IAlgorithmVariant>(m, "IAlgorithmVariant", "Which candidate.")
      .def_prop_ro("implementation", &IAlgorithmVariant::getImplementation, "The kind of kernel.")
      .def_prop_ro("tactic", &IAlgorithmVariant::getTactic, "The variant of it.");
  nb::class_<IAlgorithmContext>(m, "IAlgorithmContext", "A layer that candidates are for.")
      .def_prop_ro("name", &IAlgorithmContext::getName, "Its name.")
      .def(
          "get_shape",
          [](const IAlgorithmContext& self, int32_t index) {
            return std::vector<Dims>{self.getDimensions(index, OptProfileSelector::kMIN),
                                     self.getDimensions(index, OptProfileSelector::kOPT),
                                     self.getDimensions(index, OptProfileSelector::kMAX)};
          },
          "index"_a, "[min, opt, max] of a tensor; inputs come first.")
      .def_prop_ro("num_inputs", &IAlgorithmContext::getNbInputs, "How many inputs it has.")
      .def_prop_ro("num_outputs", &IAlgorithmContext::getNbOutputs, "How many results it has.");
  nb::class_<IAlgorithm>(m, "IAlgorithm", "A candidate.")
      .def("get_algorithm_io_info", &IAlgorithm::getAlgorithmIOInfoByIndex, "index"_a, kOwn,
           "A tensor of it; inputs come first.")
      .def_prop_ro("algorithm_variant", &IAlgorithm::getAlgorithmVariant, kOwn, "Which it is.")
      .def_prop_ro("timing_msec", &IAlgorithm::getTimingMSec, "Its time in milliseconds.")
      .def_prop_ro("workspace_size", &IAlgorithm::getWorkspaceSize, "Its scratch bytes.");
}

}  // namespace

void bind_config(nb::module_& m) {
  bind_algorithms(m);
  nb::class_<Config> config(m, "IBuilderConfig", "How a network is to be built.");
  config.def("reset", &Config::reset, "As it was made.");
  bind_flags(config);
  bind_devices(config);
  bind_search(config);
  bind_profiles(config);
  bind_config_callbacks(config);
}

}  // namespace trt_python
