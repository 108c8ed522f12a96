#include "flags.h"

#include <algorithm>

namespace trtexec {

namespace {

using Set = std::function<void(Options&, const std::string&)>;
using Flags = std::vector<Flag>;

Flag text(const char* name, std::string Options::*member, const char* about) {
  return {name, true, FlagKind::kSet, [member](Options& o, const std::string& v) { o.*member = v; },
          about};
}
Flag whole(const char* name, int Options::*member, const char* about) {
  return {name, true, FlagKind::kSet,
          [member](Options& o, const std::string& v) { o.*member = integer(o.errors, v); }, about};
}
Flag real(const char* name, double Options::*member, const char* about) {
  return {name, true, FlagKind::kSet,
          [member](Options& o, const std::string& v) { o.*member = number(o.errors, v); }, about};
}
Flag on(const char* name, bool Options::*member, const char* about) {
  return {name, false, FlagKind::kSet,
          [member](Options& o, const std::string&) { o.*member = true; }, about};
}
/// Adds each piece of a list.
Flag list(const char* name, std::vector<std::string> Options::*member, const char* about) {
  return {name, true, FlagKind::kSet,
          [member](Options& o, const std::string& v) {
            for (std::string& piece : split(v, ',')) (o.*member).push_back(std::move(piece));
          },
          about};
}
Flag pairs(const char* name, Pairs Options::*member, const char* form) {
  return {name, true, FlagKind::kSet,
          [member, form](Options& o, const std::string& v) {
            for (auto& pair : pairs_of(o.errors, v, form)) (o.*member).push_back(std::move(pair));
          },
          form};
}
Flag profile(const char* name, Shapes ProfileShapes::*member, const char* about) {
  return {name, true, FlagKind::kSet,
          [member](Options& o, const std::string& v) {
            o.profiles[static_cast<size_t>(o.current_profile)].*member = shapes_of(o.errors, v);
          },
          about};
}
Flag custom(const char* name, bool takes_value, Set set, const char* about) {
  return {name, takes_value, FlagKind::kSet, std::move(set), about};
}
/// A flag of the builder's configuration.
Flag build(const char* name, const char* meaning, const char* about) {
  return custom(
      name, false, [meaning](Options& o, const std::string&) { o.flags.emplace_back(meaning); },
      about);
}
Flag idle(const char* name, bool takes_value, const char* why) {
  return {name, takes_value, FlagKind::kIdle, nullptr, why};
}
Flag refused(const char* name, const char* why) {
  return {name, false, FlagKind::kRefused, nullptr, why};
}

/// One of the words, else what they are.
Flag choice(const char* name, std::string Options::*member, std::vector<std::string> words,
            const char* about) {
  return custom(
      name, true,
      [=](Options& o, const std::string& v) {
        o.*member = v;
        if (std::find(words.begin(), words.end(), v) != words.end()) return;
        std::string all;
        for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
        o.errors.push_back("'" + v + "' is none of " + all);
      },
      about);
}

void start_profile(Options& o, const std::string& value) {
  const int index = integer(o.errors, value);
  if (index < 0 || index > 999) return o.errors.push_back("'" + value + "' is not 0 to 999");
  o.current_profile = index;
  o.profiles.resize(std::max(o.profiles.size(), static_cast<size_t>(index) + 1));
}

void pools(Options& o, const std::string& value) {
  static const char* const kPools[] = {"workspace", "dlaSRAM", "dlaLocalDRAM", "dlaGlobalDRAM",
                                       "tacticSharedMem"};
  for (const auto& [pool, size] : pairs_of(o.errors, value, "POOL:SIZE")) {
    if (std::find(std::begin(kPools), std::end(kPools), pool) == std::end(kPools)) {
      o.errors.push_back("there is no memory pool '" + pool + "'");
    }
    o.pools[pool] = bytes_of(o.errors, size, pool == "tacticSharedMem" ? 1024 : 1048576);
  }
}

void inputs(Options& o, const std::string& value) {
  for (const auto& [name, file] : pairs_of(o.errors, value, "INPUT:FILE")) {
    o.load_inputs[name] = file;
  }
}

void percentiles(Options& o, const std::string& value) {
  o.percentiles.clear();
  for (const std::string& piece : split(value, ',')) {
    const double p = number(o.errors, piece);
    if (!(p >= 0 && p <= 100)) o.errors.push_back(piece + " is not between 0 and 100");
    o.percentiles.push_back(p);
  }
}

Flag calibration(const char* name, Shapes ProfileShapes::*member) {
  return custom(
      name, true,
      [=](Options& o, const std::string& v) {
        o.calibration_shapes.*member = shapes_of(o.errors, v);
      },
      "sizes of a batch to calibrate with");
}

const char* const kDla = "this device has no DLA";
const char* const kSafety = "there is no safety runtime";
const char* const kOnnx = "convert the model to ONNX";
const char* const kCompared = "compare with --exportOutput, or with carnot compare";
const char* const kTuned = "kernels are timed on this machine until their times are steady";

Flags model_flags() {
  return {
      text("onnx", &Options::onnx, "the model"),
      text("saveEngine", &Options::save_engine, "write the engine here"),
      text("loadEngine", &Options::load_engine, "read an engine instead of building one"),
      on("asyncFileReader", &Options::async_reader, "read the engine piece by piece"),
      on("getPlanVersionOnly", &Options::plan_version_only, "say what made the engine"),
      profile("minShapes", &ProfileShapes::min, "NAME:1x3x224x224,..."),
      profile("optShapes", &ProfileShapes::opt, "sizes to be fastest for"),
      profile("maxShapes", &ProfileShapes::max, "largest sizes"),
      custom("profile", true, start_profile, "the shapes that follow are for this profile"),
      custom(
          "shapes", true,
          [](Options& o, const std::string& v) { o.shapes = shapes_of(o.errors, v); },
          "sizes to run with"),
      list("inputIOFormats", &Options::input_formats, "TYPE:chw for each input"),
      list("outputIOFormats", &Options::output_formats, "TYPE:chw for each output"),
      refused("model", kOnnx),
      refused("deploy", kOnnx),
      refused("output", kOnnx),
      refused("uff", kOnnx),
      refused("uffInput", kOnnx),
      refused("uffNHWC", kOnnx),
  };
}

Flags precision_flags() {
  return {
      build("fp16", "fp16", "half floats where they are faster"),
      build("bf16", "bf16", "bfloat16 where it is faster"),
      build("int8", "int8", ""),
      build("fp8", "fp8", ""),
      build("int4", "int4", ""),
      build("best", "best", "the fastest of them"),
      build("noTF32", "noTF32", "no TF32 in float computations"),
      on("stronglyTyped", &Options::strongly_typed, "the model's types are meant"),
      choice("precisionConstraints", &Options::constraints, {"none", "obey", "prefer"},
             "none, obey or prefer"),
      pairs("layerPrecisions", &Options::layer_precisions, "LAYER:PRECISION,..."),
      pairs("layerOutputTypes", &Options::layer_output_types, "LAYER:TYPE+TYPE,..."),
      pairs("layerDeviceTypes", &Options::layer_devices, "LAYER:GPU,..."),
      choice("sparsity", &Options::sparsity, {"disable", "enable", "force"},
             "disable, enable, or force: two weights in four become zero"),
      text("calib", &Options::calibration,
           "a calibration cache; random numbers if it is not there"),
      calibration("minShapesCalib", &ProfileShapes::min),
      calibration("optShapesCalib", &ProfileShapes::opt),
      calibration("maxShapesCalib", &ProfileShapes::max),
      whole("calibProfile", &Options::calibration_profile, "the profile to calibrate with"),
      idle("explicitPrecision", false, "layers compute in the network's types"),
  };
}

Flags build_flags() {
  return {
      custom(
          "workspace", true,
          [](Options& o, const std::string& v) { o.pools["workspace"] = bytes_of(o.errors, v); },
          "MiB"),
      custom("memPoolSize", true, pools, "POOL:SIZE,..."),
      choice("profilingVerbosity", &Options::verbosity,
             {"layer_names_only", "detailed", "none", "default", "verbose"},
             "layer_names_only, detailed or none"),
      whole("avgTiming", &Options::avg_timing, "timings to average"),
      whole("builderOptimizationLevel", &Options::level, "0 to 5"),
      whole("maxAuxStreams", &Options::max_aux_streams, "streams beside the main one"),
      whole("maxTactics", &Options::max_tactics, "kernels to try for a layer"),
      whole("tilingOptimizationLevel", &Options::tiling, "0 to 3"),
      real("l2LimitForTiling", &Options::l2_limit, "bytes"),
      text("timingCacheFile", &Options::timing_cache_file, "read and rewritten"),
      build("noBuilderCache", "noBuilderCache", "time every kernel"),
      build("noCompilationCache", "noCompilationCache", ""),
      build("errorOnTimingCacheMiss", "errorOnTimingCacheMiss", ""),
      build("directIO", "directIO", "inputs and outputs are not reformatted"),
      build("monitorMemory", "monitorMemory", ""),
      build("distributiveIndependence", "distributiveIndependence", ""),
      build("refit", "refit", "weights of the engine can be changed"),
      build("stripWeights", "stripWeights", "an engine without its weights"),
      custom(
          "stripAllWeights", false,
          [](Options& o, const std::string&) {
            o.flags.insert(o.flags.end(), {"refit", "stripWeights"});
          },
          "the same, and every weight can be changed"),
      build("weightless", "stripWeights", "the same as --stripWeights"),
      build("versionCompatible", "versionCompatible", ""),
      build("vc", "versionCompatible", ""),
      build("excludeLeanRuntime", "excludeLeanRuntime", ""),
      build("allowWeightStreaming", "allowWeightStreaming", ""),
      list("tacticSources", &Options::tactic_sources, "-CUDNN,+JIT_CONVOLUTIONS,..."),
      list("preview", &Options::previews, "+aliasedPluginIO1003,..."),
      choice("hardwareCompatibilityLevel", &Options::hardware,
             {"none", "ampere+", "sameComputeCapability"}, "none, ampere+, sameComputeCapability"),
      choice("runtimePlatform", &Options::platform, {"SameAsBuild", "WindowsAMD64"},
             "SameAsBuild, WindowsAMD64; nothing is run"),
      list("markDebug", &Options::debug_tensors, "tensors to look at"),
      on("markUnfusedTensorsAsDebugTensors", &Options::unfused_debug, ""),
      on("skipInference", &Options::skip_inference, "build only"),
      on("buildOnly", &Options::skip_inference, "build only"),
      on("enablePluginOverride", &Options::plugin_override, "plugins before operators"),
  };
}

Flags idle_build_flags() {
  return {
      idle("explicitBatch", false, "networks from ONNX have an explicit batch"),
      idle("batch", true, "the batch is a dimension: use --shapes"),
      idle("maxBatch", true, "the batch is a dimension: use --maxShapes"),
      idle("minTiming", true, kTuned),
      idle("heuristic", false, "use --builderOptimizationLevel"),
      idle("decomposableAttentions", true, "attention always runs"),
      idle("pluginInstanceNorm", false, "normalization is an operation of ours"),
      idle("pi", false, "normalization is an operation of ours"),
      idle("nativeInstanceNorm", false, "so it is"),
      idle("ni", false, "so it is"),
      idle("uint8AsymmetricQuantizationDLA", false, kDla),
      idle("reportCapabilityDLA", false, kDla),
      idle("adjustForDLA", false, kDla),
      idle("allowGPUFallback", false, kDla),
      idle("leanDLLPath", true, "plans hold no runtime"),
      idle("useRuntime", true, "one runtime loads every engine"),
      idle("nvtxMode", true, "no ranges are marked"),
      idle("serialized", true, "use --saveEngine"),
      refused("safe", kSafety),
      refused("consistency", kSafety),
      refused("restricted", kSafety),
      refused("std", kSafety),
      refused("dumpKernelText", kSafety),
      refused("safetyPlugins", kSafety),
      refused("cpuOnly", kSafety),
      refused("remoteAutoTuningConfig", "kernels are timed on this machine only"),
      refused("buildDLAStandalone", kDla),
      refused("useDLACore", kDla),
      refused("tuneBuildRoutes", kTuned),
      refused("tuneBuildRouteFile", kTuned),
      refused("setBuildRoute", kTuned),
      refused("helpBuildRoute", kTuned),
      refused("tuningSearch", kTuned),
      refused("tuningCacheFile", kTuned),
      refused("tuningTimeOut", kTuned),
      refused("saveAllEngines", kTuned),
      refused("tuningResultFile", kTuned),
      refused("continue", kTuned),
      refused("dryRun", kTuned),
      refused("loadRefOutputs", kCompared),
      refused("refPair", kCompared),
      refused("accuracyAlgorithm", kCompared),
      refused("accuracyThreshold", kCompared),
      refused("atol", kCompared),
      refused("rtol", kCompared),
      refused("saveAllDebugTensors", "name them: --markDebug and --saveDebugTensors"),
  };
}

Flags run_flags() {
  return {
      custom("loadInputs", true, inputs, "INPUT:FILE,... raw bytes"),
      whole("iterations", &Options::iterations, "runs at least"),
      real("warmUp", &Options::warm_up_ms, "milliseconds before measuring"),
      real("duration", &Options::duration_s, "seconds at least; -1: for ever"),
      real("sleepTime", &Options::sleep_ms, "milliseconds before each run"),
      real("idleTime", &Options::idle_ms, "milliseconds after each run"),
      whole("infStreams", &Options::streams, "contexts that run side by side"),
      whole("streams", &Options::streams, "the same"),
      whole("useProfile", &Options::profile, "which optimization profile"),
      whole("device", &Options::device, "which GPU"),
      choice("allocationStrategy", &Options::allocation, {"static", "profile", "runtime"},
             "static, profile or runtime"),
      text("weightStreamingBudget", &Options::streaming_budget, "-2, -1, N%, or bytes: N[BKMG]"),
      on("threads", &Options::threads, "a thread for each context"),
      on("useCudaGraph", &Options::graph, "runs are launched as one graph"),
      on("useSpinWait", &Options::spin, "the host does not sleep while it waits"),
      on("exposeDMA", &Options::expose_dma, "no copy while another run computes"),
      on("noDataTransfers", &Options::no_transfers, "inputs and outputs stay on the device"),
      on("useManagedMemory", &Options::managed, "memory that host and device share"),
      on("separateProfileRun", &Options::separate_profile_run, "layers are timed in runs apart"),
      on("timeDeserialize", &Options::time_deserialize, "say how long loading takes, and stop"),
      on("timeRefit", &Options::time_refit, "say how long --refitFromOnnx takes"),
      text("refitFromOnnx", &Options::refit_from_onnx, "a model with other weights"),
      text("tempdir", &Options::temporary, "for temporary files, of which there are none"),
      text("tempfileControls", &Options::temporary_controls, "in_memory:allow,temporary:deny"),
      pairs("saveDebugTensors", &Options::save_debug, "TENSOR:FILE,..."),
      idle("includeDataTransfers", false, "so it is"),
      idle("noCudaGraph", false, "so it is"),
      idle("noSpinWait", false, "so it is"),
      idle("persistentCacheRatio", true, "the cache has no part of its own for kernels"),
  };
}

Flags report_flags() {
  return {
      on("verbose", &Options::verbose, "every message"),
      whole("avgRuns", &Options::avg_runs, "runs that a trace line averages"),
      custom("percentile", true, percentiles, "P1,P2,..."),
      on("dumpOutput", &Options::dump_output, "results"),
      on("dumpRawBindingsToFile", &Options::dump_raw, "a file for each input and output"),
      on("dumpProfile", &Options::dump_profile, "the time of each layer"),
      on("dumpLayerInfo", &Options::dump_layer_info, "the engine's layers"),
      on("dumpOptimizationProfile", &Options::dump_profiles, "the engine's profiles"),
      on("dumpRefit", &Options::dump_refit, "the weights that can be changed"),
      text("exportTimes", &Options::export_times, "JSON"),
      text("exportOutput", &Options::export_output, "JSON"),
      text("exportProfile", &Options::export_profile, "JSON"),
      text("exportLayerInfo", &Options::export_layer_info, "JSON"),
      list("plugins", &Options::plugins, "a library"),
      list("staticPlugins", &Options::plugins, "a library"),
      custom(
          "dynamicPlugins", true,
          [](Options& o, const std::string& v) {
            o.plugins.push_back(v), o.plugins_to_serialize.push_back(v);
          },
          "a library that the engine brings along"),
      list("setPluginsToSerialize", &Options::plugins_to_serialize, "the same"),
      idle("ignoreParsedPluginLibs", false, "the parser names no libraries"),
      on("help", &Options::help, ""),
  };
}

}  // namespace

const std::vector<Flag>& all_flags() {
  static const Flags& table = *new Flags([] {
    Flags all;
    for (auto* part :
         {model_flags, precision_flags, build_flags, idle_build_flags, run_flags, report_flags}) {
      for (Flag& flag : part()) all.push_back(std::move(flag));
    }
    return all;
  }());
  return table;
}

}  // namespace trtexec
