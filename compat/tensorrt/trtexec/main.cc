// trtexec: builds an engine from an ONNX model or loads one, runs it, and says how fast it is, with
// TensorRT's flags and output.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>

#include "NvInfer.h"
#include "NvOnnxParser.h"
#include "summary.h"

namespace trtexec {

namespace {

using namespace nvinfer1;
using Clock = std::chrono::steady_clock;
using Bytes = std::vector<char>;

class Logger final : public ILogger {
 public:
  void log(Severity severity, char const* text) noexcept override {
    static constexpr char kLetters[] = {'F', 'E', 'W', 'I', 'V'};
    if (severity == Severity::kVERBOSE && !verbose) return;
    say(kLetters[static_cast<int>(severity)], text);
  }
  bool verbose = false;
};

struct Session {
  Options options;
  Logger logger;
  std::unique_ptr<IRuntime> runtime;
  std::unique_ptr<ICudaEngine> engine;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool read_file(const std::string& path, Bytes& out) {
  std::ifstream in(path, std::ios::binary);
  out.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  return !out.empty();
}

void print_options(const Options& o) {
  say('I', "=== Model Options ===");
  say('I', std::string("Format: ") + (o.onnx.empty() ? "*" : "ONNX"));
  say('I', "Model: " + o.onnx);
  say('I', "=== Build Options ===");
  say('I', "Max batch: explicit batch");
  std::string precision = "FP32";
  for (const std::string& flag : o.flags) {
    if (flag == "fp16" || flag == "best") precision += "+FP16";
    if (flag == "bf16") precision += "+BF16";
    if (flag == "int8" || flag == "best") precision += "+INT8";
  }
  say('I', "Precision: " + precision);
  say('I', "Builder optimization level: " + std::to_string(o.level));
  for (const auto& [name, shape] : o.opt_shapes)
    say('I', "Input build shape: " + name + "=" + text_of(shape));
  say('I', "=== Inference Options ===");
  say('I', "Iterations: " + std::to_string(o.iterations));
  say('I', "Duration: " + std::to_string(o.duration_s) + "s (+ " + std::to_string(o.warm_up_ms) +
               "ms warm up)");
  say('I', "Inference Streams: " + std::to_string(o.streams));
  say('I', "=== Reporting Options ===");
  say('I', std::string("Verbose: ") + (o.verbose ? "Enabled" : "Disabled"));
  say('I', "Averages: " + std::to_string(o.avg_runs) + " inferences");
  say('I', "");
}

void set_flags(const Options& o, IBuilderConfig& config) {
  static const std::map<std::string, BuilderFlag> kFlags = {
      {"fp16", BuilderFlag::kFP16},
      {"bf16", BuilderFlag::kBF16},
      {"int8", BuilderFlag::kINT8},
      {"fp8", BuilderFlag::kFP8},
      {"int4", BuilderFlag::kINT4},
      {"refit", BuilderFlag::kREFIT},
      {"noBuilderCache", BuilderFlag::kDISABLE_TIMING_CACHE},
      {"versionCompatible", BuilderFlag::kVERSION_COMPATIBLE},
      {"excludeLeanRuntime", BuilderFlag::kEXCLUDE_LEAN_RUNTIME}};
  for (const std::string& name : o.flags) {
    const auto flag = kFlags.find(name);
    if (flag != kFlags.end()) config.setFlag(flag->second);
    if (name == "noTF32") config.clearFlag(BuilderFlag::kTF32);
    if (name == "best") config.setFlag(BuilderFlag::kFP16), config.setFlag(BuilderFlag::kINT8);
  }
}

bool set_config(const Options& o, IBuilderConfig& config) {
  set_flags(o, config);
  config.setBuilderOptimizationLevel(o.level);
  config.setAvgTimingIterations(o.avg_timing);
  if (o.max_tactics >= 0) config.setMaxNbTactics(o.max_tactics);
  if (o.max_aux_streams >= 0) config.setMaxAuxStreams(o.max_aux_streams);
  static const std::map<std::string, MemoryPoolType> kPools = {
      {"workspace", MemoryPoolType::kWORKSPACE},
      {"dlaSRAM", MemoryPoolType::kDLA_MANAGED_SRAM},
      {"dlaLocalDRAM", MemoryPoolType::kDLA_LOCAL_DRAM},
      {"dlaGlobalDRAM", MemoryPoolType::kDLA_GLOBAL_DRAM},
      {"tacticSharedMem", MemoryPoolType::kTACTIC_SHARED_MEMORY}};
  for (const auto& [name, bytes] : o.pools) {
    const auto pool = kPools.find(name);
    if (pool == kPools.end()) return say('E', "there is no memory pool '" + name + "'"), false;
    config.setMemoryPoolLimit(pool->second, static_cast<size_t>(bytes));
  }
  static const std::map<std::string, ProfilingVerbosity> kVerbosity = {
      {"layer_names_only", ProfilingVerbosity::kLAYER_NAMES_ONLY},
      {"default", ProfilingVerbosity::kLAYER_NAMES_ONLY},
      {"detailed", ProfilingVerbosity::kDETAILED},
      {"verbose", ProfilingVerbosity::kDETAILED},
      {"none", ProfilingVerbosity::kNONE}};
  const auto verbosity = kVerbosity.find(o.verbosity);
  if (verbosity == kVerbosity.end())
    return say('E', "--profilingVerbosity is layer_names_only, detailed or none"), false;
  config.setProfilingVerbosity(verbosity->second);
  return true;
}

Dims dims_of(const Shape& shape) {
  Dims out{};
  out.nbDims = static_cast<int32_t>(std::min<size_t>(shape.size(), Dims::MAX_DIMS));
  std::copy_n(shape.begin(), out.nbDims, out.d);
  return out;
}

/// The shapes given, and for dynamic inputs without any: 1 in place of each unknown size.
bool add_profile(const Options& o, IBuilder& builder, const INetworkDefinition& network,
                 IBuilderConfig& config) {
  IOptimizationProfile* const profile = builder.createOptimizationProfile();  // the builder's
  bool any = false;
  for (int32_t i = 0; i < network.getNbInputs(); ++i) {
    const ITensor& input = *network.getInput(i);
    Dims usual = input.getDimensions();
    bool dynamic = false;
    for (int32_t k = 0; k < usual.nbDims; ++k) {
      if (usual.d[k] < 0) dynamic = true, usual.d[k] = 1;
    }
    if (!dynamic) continue;
    any = true;
    const auto given = [&](const Shapes& shapes) {
      const auto found = shapes.find(input.getName());
      return found == shapes.end() ? usual : dims_of(found->second);
    };
    if (o.opt_shapes.count(input.getName()) == 0) {
      say('W', std::string("Dynamic dimensions required for input: ") + input.getName() +
                   ", but no shapes were provided. Automatically overriding shape to: " +
                   text_of(shape_of(usual)));
    }
    if (!profile->setDimensions(input.getName(), OptProfileSelector::kMIN, given(o.min_shapes)) ||
        !profile->setDimensions(input.getName(), OptProfileSelector::kOPT, given(o.opt_shapes)) ||
        !profile->setDimensions(input.getName(), OptProfileSelector::kMAX, given(o.max_shapes))) {
      return false;
    }
  }
  return !any || config.addOptimizationProfile(profile) >= 0;
}

bool build(Session& s, Bytes& plan) {
  const Options& o = s.options;
  const std::unique_ptr<IBuilder> builder(createInferBuilder(s.logger));
  const auto typed = static_cast<uint32_t>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
  const std::unique_ptr<INetworkDefinition> network(
      builder->createNetworkV2(o.strongly_typed ? 1U << typed : 0));
  const std::unique_ptr<nvonnxparser::IParser> parser(
      nvonnxparser::createParser(*network, s.logger));
  say('I', "Start parsing network model.");
  Clock::time_point start = Clock::now();
  if (!parser->parseFromFile(o.onnx.c_str(), 0))
    return say('E', "Failed to parse onnx file"), false;
  say('I', "Finished parsing network model. Parse time: " + std::to_string(seconds_since(start)));
  const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
  if (!set_config(o, *config) || !add_profile(o, *builder, *network, *config)) return false;
  Bytes timings;
  std::unique_ptr<ITimingCache> cache;
  if (!o.timing_cache_file.empty()) {
    read_file(o.timing_cache_file, timings);
    cache.reset(config->createTimingCache(timings.data(), timings.size()));
    if (cache) config->setTimingCache(*cache, false);
  }
  start = Clock::now();
  const std::unique_ptr<IHostMemory> bytes(builder->buildSerializedNetwork(*network, *config));
  if (!bytes) return say('E', "Engine could not be created from network"), false;
  say('I', "Engine built in " + std::to_string(seconds_since(start)) + " sec.");
  if (cache) {
    const std::unique_ptr<IHostMemory> text(cache->serialize());
    if (text) write_text(o.timing_cache_file, {static_cast<char*>(text->data()), text->size()});
  }
  const char* const data = static_cast<const char*>(bytes->data());
  plan.assign(data, data + bytes->size());
  say('I', "Created engine with size: " +
               std::to_string(static_cast<double>(plan.size()) / 1048576) + " MiB");
  if (o.save_engine.empty()) return true;
  return write_text(o.save_engine, {plan.data(), plan.size()});
}

bool get_engine(Session& s) {
  const Options& o = s.options;
  Bytes plan;
  if (!o.load_engine.empty()) {
    if (!read_file(o.load_engine, plan))
      return say('E', "cannot read '" + o.load_engine + "'"), false;
    say('I', "Loaded engine with size: " +
                 std::to_string(static_cast<double>(plan.size()) / 1048576) + " MiB");
  } else if (!build(s, plan)) {
    return false;
  }
  s.runtime.reset(createInferRuntime(s.logger));
  for (const std::string& library : o.plugins) {
    if (!s.runtime->getPluginRegistry().loadLibrary(library.c_str())) return false;
  }
  const Clock::time_point start = Clock::now();
  s.engine.reset(s.runtime->deserializeCudaEngine(plan.data(), plan.size()));
  if (!s.engine) return say('E', "Engine deserialization failed"), false;
  say('I', "Engine deserialized in " + std::to_string(seconds_since(start)) + " sec.");
  return true;
}

bool show_layers(Session& s) {
  const Options& o = s.options;
  if (!o.dump_layer_info && o.export_layer_info.empty()) return true;
  const std::unique_ptr<IEngineInspector> inspector(s.engine->createEngineInspector());
  if (o.dump_layer_info) {
    say('I', "Layer Information:");
    say('I', inspector->getEngineInformation(LayerInformationFormat::kONELINE));
  }
  if (o.export_layer_info.empty()) return true;
  return write_text(o.export_layer_info,
                    inspector->getEngineInformation(LayerInformationFormat::kJSON));
}

bool work(Session& s) {
  const Options& o = s.options;
  for (const std::string& note : o.notes) say('W', note);
  for (const std::string& error : o.errors) say('E', error);
  if (!o.errors.empty()) return false;
  if (o.plan_version_only)
    return say('I', "Plans are those of Carnot's TensorRT interface 10.16"), true;
  print_options(o);
  say('I', "=== Device Information ===");
  say('I', "Selected Device: CPU");
  say('I', "");
  say('I', "TensorRT version: 10.16.1");
  if (!get_engine(s) || !show_layers(s)) return false;
  if (o.skip_inference)
    return say('I', "Skipped inference phase since --skipInference is added."), true;
  if (o.time_deserialize) return true;
  Measured measured;
  if (!measure(*s.engine, o, measured)) return say('E', "Error occurred during inference"), false;
  print_performance(measured, o);
  if (o.dump_output) print_outputs(*s.engine, measured.lanes[0]);
  if (o.dump_profile) print_profile(measured);
  return export_files(*s.engine, measured, o);
}

}  // namespace

int run(int argc, char** argv) {
  Session s;
  s.options = parse({argv + 1, argv + argc});
  if (s.options.help) return std::fputs(help_text().c_str(), stdout), 0;
  s.logger.verbose = s.options.verbose;
  std::string line;
  for (int i = 0; i < argc; ++i) line += std::string(i ? " " : "") + argv[i];
  const std::string tail = " TensorRT.trtexec [TensorRT v101601] # " + line;
  std::printf("&&&& RUNNING%s\n", tail.c_str());
  const bool passed = work(s);
  std::printf("&&&& %s%s\n", passed ? "PASSED" : "FAILED", tail.c_str());
  return passed ? 0 : 1;
}

}  // namespace trtexec

int main(int argc, char** argv) {
  return trtexec::run(argc, argv);
}
