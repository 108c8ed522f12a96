#include "build.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>

#include "NvOnnxParser.h"
#include "calibration.h"
#include "sparsity.h"
#include "summary.h"

namespace trtexec {

namespace {

using namespace nvinfer1;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool fail(const std::string& why) {
  say('E', why);
  return false;
}

template <class T>
const T* look_up(const std::vector<std::pair<const char*, T>>& table, const std::string& name) {
  for (const auto& [key, value] : table) {
    if (name == key) return &value;
  }
  return nullptr;
}

const std::vector<std::pair<const char*, DataType>>& types() {
  static const auto& table = *new std::vector<std::pair<const char*, DataType>>{
      {"fp32", DataType::kFLOAT}, {"fp16", DataType::kHALF},   {"bf16", DataType::kBF16},
      {"int8", DataType::kINT8},  {"int32", DataType::kINT32}, {"int64", DataType::kINT64},
      {"bool", DataType::kBOOL},  {"uint8", DataType::kUINT8}, {"fp8", DataType::kFP8},
      {"int4", DataType::kINT4}};
  return table;
}

void set_flags(const Options& o, IBuilderConfig& config) {
  static const auto& table = *new std::vector<std::pair<const char*, BuilderFlag>>{
      {"fp16", BuilderFlag::kFP16},
      {"bf16", BuilderFlag::kBF16},
      {"int8", BuilderFlag::kINT8},
      {"fp8", BuilderFlag::kFP8},
      {"int4", BuilderFlag::kINT4},
      {"refit", BuilderFlag::kREFIT},
      {"stripWeights", BuilderFlag::kSTRIP_PLAN},
      {"noBuilderCache", BuilderFlag::kDISABLE_TIMING_CACHE},
      {"noCompilationCache", BuilderFlag::kDISABLE_COMPILATION_CACHE},
      {"errorOnTimingCacheMiss", BuilderFlag::kERROR_ON_TIMING_CACHE_MISS},
      {"directIO", BuilderFlag::kDIRECT_IO},
      {"monitorMemory", BuilderFlag::kMONITOR_MEMORY},
      {"distributiveIndependence", BuilderFlag::kDISTRIBUTIVE_INDEPENDENCE},
      {"versionCompatible", BuilderFlag::kVERSION_COMPATIBLE},
      {"allowWeightStreaming", BuilderFlag::kWEIGHT_STREAMING},
      {"excludeLeanRuntime", BuilderFlag::kEXCLUDE_LEAN_RUNTIME}};
  for (const std::string& name : o.flags) {
    if (const BuilderFlag* const flag = look_up(table, name)) config.setFlag(*flag);
    if (name == "noTF32") config.clearFlag(BuilderFlag::kTF32);
    if (name == "best") config.setFlag(BuilderFlag::kFP16), config.setFlag(BuilderFlag::kINT8);
  }
  if (o.sparsity != "disable") config.setFlag(BuilderFlag::kSPARSE_WEIGHTS);
  if (o.constraints == "obey") config.setFlag(BuilderFlag::kOBEY_PRECISION_CONSTRAINTS);
  if (o.constraints == "prefer") config.setFlag(BuilderFlag::kPREFER_PRECISION_CONSTRAINTS);
}

bool set_tactics(const Options& o, IBuilderConfig& config) {
  static const auto& sources = *new std::vector<std::pair<const char*, TacticSource>>{
      {"CUBLAS", TacticSource::kCUBLAS},
      {"CUBLAS_LT", TacticSource::kCUBLAS_LT},
      {"CUDNN", TacticSource::kCUDNN},
      {"EDGE_MASK_CONVOLUTIONS", TacticSource::kEDGE_MASK_CONVOLUTIONS},
      {"JIT_CONVOLUTIONS", TacticSource::kJIT_CONVOLUTIONS}};
  TacticSources bits = config.getTacticSources();
  for (const std::string& text : o.tactic_sources) {
    const TacticSource* const source = look_up(sources, text.substr(1));
    if (!source || (text[0] != '+' && text[0] != '-')) {
      return fail("--tacticSources: '" + text + "' is not +SOURCE or -SOURCE");
    }
    const TacticSources bit = 1U << static_cast<uint32_t>(*source);
    bits = text[0] == '+' ? bits | bit : bits & ~bit;
  }
  if (!o.tactic_sources.empty() && !config.setTacticSources(bits)) return false;
  static const auto& features = *new std::vector<std::pair<const char*, PreviewFeature>>{
      {"profileSharing0806", PreviewFeature::kPROFILE_SHARING_0806},
      {"aliasedPluginIO1003", PreviewFeature::kALIASED_PLUGIN_IO_10_03},
      {"runtimeActivationResize", PreviewFeature::kRUNTIME_ACTIVATION_RESIZE_10_10},
      {"runtimeActivationResize1010", PreviewFeature::kRUNTIME_ACTIVATION_RESIZE_10_10}};
  for (const std::string& text : o.previews) {
    const PreviewFeature* const feature = look_up(features, text.substr(1));
    if (!feature || (text[0] != '+' && text[0] != '-')) {
      return fail("--preview: '" + text + "' is not +FEATURE or -FEATURE");
    }
    config.setPreviewFeature(*feature, text[0] == '+');
  }
  return true;
}

bool set_config(const Options& o, IBuilderConfig& config) {
  set_flags(o, config);
  config.setBuilderOptimizationLevel(o.level);
  config.setAvgTimingIterations(o.avg_timing);
  if (o.max_tactics >= 0) config.setMaxNbTactics(o.max_tactics);
  if (o.max_aux_streams >= 0) config.setMaxAuxStreams(o.max_aux_streams);
  if (o.tiling > 0) {
    config.setTilingOptimizationLevel(static_cast<TilingOptimizationLevel>(o.tiling));
  }
  if (o.l2_limit >= 0) config.setL2LimitForTiling(static_cast<int64_t>(o.l2_limit));
  if (o.hardware != "none") {
    config.setHardwareCompatibilityLevel(
        o.hardware == "ampere+" ? HardwareCompatibilityLevel::kAMPERE_PLUS
                                : HardwareCompatibilityLevel::kSAME_COMPUTE_CAPABILITY);
  }
  if (o.platform != "SameAsBuild") config.setRuntimePlatform(RuntimePlatform::kWINDOWS_AMD64);
  static const auto& pools = *new std::vector<std::pair<const char*, MemoryPoolType>>{
      {"workspace", MemoryPoolType::kWORKSPACE},
      {"dlaSRAM", MemoryPoolType::kDLA_MANAGED_SRAM},
      {"dlaLocalDRAM", MemoryPoolType::kDLA_LOCAL_DRAM},
      {"dlaGlobalDRAM", MemoryPoolType::kDLA_GLOBAL_DRAM},
      {"tacticSharedMem", MemoryPoolType::kTACTIC_SHARED_MEMORY}};
  for (const auto& [name, bytes] : o.pools) {
    config.setMemoryPoolLimit(*look_up(pools, name), static_cast<size_t>(bytes));
  }
  const bool detailed = o.verbosity == "detailed" || o.verbosity == "verbose";
  config.setProfilingVerbosity(detailed                ? ProfilingVerbosity::kDETAILED
                               : o.verbosity == "none" ? ProfilingVerbosity::kNONE
                                                       : ProfilingVerbosity::kLAYER_NAMES_ONLY);
  std::vector<const char*> libraries;
  for (const std::string& path : o.plugins_to_serialize) libraries.push_back(path.c_str());
  if (!libraries.empty()) {
    config.setPluginsToSerialize(libraries.data(), static_cast<int32_t>(libraries.size()));
  }
  return set_tactics(o, config);
}

/// "fp16:chw" for one input or output, or for all of them.
bool set_formats(const char* flag, const std::vector<std::string>& formats, int32_t count,
                 const std::function<ITensor*(int32_t)>& tensor) {
  if (formats.empty()) return true;
  if (formats.size() != 1 && formats.size() != static_cast<size_t>(count)) {
    return fail(std::string("--") + flag + " has " + std::to_string(formats.size()) +
                " formats for " + std::to_string(count) + " tensors");
  }
  for (int32_t i = 0; i < count; ++i) {
    const std::string& format = formats[formats.size() == 1 ? 0 : static_cast<size_t>(i)];
    const size_t colon = format.find(':');
    const DataType* const type = look_up(types(), format.substr(0, colon));
    const std::string layout = colon == std::string::npos ? "" : format.substr(colon + 1);
    if (!type || layout.empty()) {
      return fail(std::string("--") + flag + ": '" + format + "' is not TYPE:FORMAT");
    }
    const std::vector<std::string> layouts = split(layout, '+');
    if (std::find(layouts.begin(), layouts.end(), "chw") == layouts.end()) {
      return fail(std::string("--") + flag + ": '" + layout + "': tensors are linear here: chw");
    }
    tensor(i)->setType(*type);
    tensor(i)->setAllowedFormats(1U << static_cast<uint32_t>(TensorFormat::kLINEAR));
  }
  return true;
}

/// Later entries win.
bool set_layers(const Options& o, INetworkDefinition& network) {
  for (int32_t i = 0; i < network.getNbLayers(); ++i) {
    ILayer& layer = *network.getLayer(i);
    for (const auto& [pattern, text] : o.layer_precisions) {
      const DataType* const type = look_up(types(), text);
      if (!type) return fail("--layerPrecisions: '" + text + "' is no type");
      if (fits(pattern, layer.getName())) layer.setPrecision(*type);
    }
    for (const auto& [pattern, text] : o.layer_output_types) {
      const std::vector<std::string> wanted = split(text, '+');
      for (int32_t k = 0; k < layer.getNbOutputs(); ++k) {
        const size_t at = std::min(static_cast<size_t>(k), wanted.size() - 1);
        const DataType* const type = look_up(types(), wanted[at]);
        if (!type) return fail("--layerOutputTypes: '" + wanted[at] + "' is no type");
        if (fits(pattern, layer.getName())) layer.setOutputType(k, *type);
      }
    }
  }
  for (const auto& [pattern, device] : o.layer_devices) {
    if (device != "GPU") return fail("--layerDeviceTypes: " + pattern + ": there is no " + device);
  }
  return true;
}

bool mark_debug(const Options& o, INetworkDefinition& network) {
  if (o.unfused_debug && !network.markUnfusedTensorsAsDebugTensors()) return false;
  for (const std::string& name : o.debug_tensors) {
    bool found = false;
    for (int32_t i = 0; i < network.getNbLayers(); ++i) {
      for (int32_t k = 0; k < network.getLayer(i)->getNbOutputs(); ++k) {
        ITensor& t = *network.getLayer(i)->getOutput(k);
        if (name != t.getName()) continue;
        found = true;
        if (!network.markDebug(t)) return false;
      }
    }
    if (!found) return fail("--markDebug: the network has no tensor '" + name + "'");
  }
  return true;
}

Dims dims_of(const Shape& shape) {
  Dims out{};
  out.nbDims = static_cast<int32_t>(std::min<size_t>(shape.size(), Dims::MAX_DIMS));
  std::copy_n(shape.begin(), out.nbDims, out.d);
  return out;
}

const Shape* find(const Shapes& shapes, const std::string& name) {
  for (const auto& [pattern, shape] : shapes) {
    if (fits(pattern, name)) return &shape;
  }
  return nullptr;
}

/// Sizes of one input; false where they cannot be.
bool set_input(const ProfileShapes& given, const ITensor& input, IOptimizationProfile& profile) {
  const char* const name = input.getName();
  Dims usual = input.getDimensions();
  for (int32_t k = 0; k < usual.nbDims; ++k) usual.d[k] = std::max<int64_t>(usual.d[k], 1);
  if (!find(given.opt, name)) {
    say('W', std::string("Dynamic dimensions required for input: ") + name +
                 ", but no shapes were provided. Automatically overriding shape to: " +
                 text_of(shape_of(usual)));
  }
  const std::pair<OptProfileSelector, const Shapes*> all[] = {
      {OptProfileSelector::kMIN, &given.min},
      {OptProfileSelector::kOPT, &given.opt},
      {OptProfileSelector::kMAX, &given.max}};
  for (const auto& [which, shapes] : all) {
    const Shape* const shape = find(*shapes, name);
    if (input.isShapeTensor()) {  // the numbers are its values
      const std::vector<int64_t> values = shape ? *shape : Shape(shape_of(usual).size(), 1);
      const auto count = static_cast<int32_t>(values.size());
      if (!profile.setShapeValuesV2(name, which, values.data(), count)) return false;
    } else if (!profile.setDimensions(name, which, shape ? dims_of(*shape) : usual)) {
      return false;
    }
  }
  return true;
}

/// A profile of the builder's with the shapes given, and for dynamic inputs without any: 1 in place
/// of each unknown size. `any`: whether an input needs one. Null where shapes cannot be.
IOptimizationProfile* make_profile(const ProfileShapes& given, IBuilder& builder,
                                   const INetworkDefinition& network, bool& any) {
  IOptimizationProfile* const profile = builder.createOptimizationProfile();
  any = false;
  for (int32_t i = 0; i < network.getNbInputs(); ++i) {
    const ITensor& input = *network.getInput(i);
    const Dims dims = input.getDimensions();
    const bool dynamic =
        std::any_of(dims.d, dims.d + std::max(dims.nbDims, 0), [](int64_t d) { return d < 0; });
    if (!dynamic && !input.isShapeTensor()) continue;
    any = true;
    if (!set_input(given, input, *profile)) return nullptr;
  }
  return profile;
}

bool add_profiles(const Options& o, IBuilder& builder, const INetworkDefinition& network,
                  IBuilderConfig& config) {
  for (const ProfileShapes& given : o.profiles) {
    bool any = false;
    IOptimizationProfile* const profile = make_profile(given, builder, network, any);
    if (!profile) return false;
    if (any && config.addOptimizationProfile(profile) < 0) return false;
  }
  for (const ProfileShapes& given : o.profiles) {
    for (const auto& entry : given.opt) {
      bool known = false;
      for (int32_t i = 0; i < network.getNbInputs(); ++i) {
        known |= fits(entry.first, network.getInput(i)->getName());
      }
      if (!known) return fail("shapes are given for '" + entry.first + "', which is no input");
    }
  }
  return true;
}

/// With --calib: a calibrator, and the sizes that it is to have.
bool set_calibration(const Options& o, IBuilder& builder, const INetworkDefinition& network,
                     IBuilderConfig& config, std::unique_ptr<Calibrator>& calibrator) {
  if (o.calibration.empty() || !config.getFlag(BuilderFlag::kINT8)) return true;
  const ProfileShapes& own = o.calibration_shapes;
  const auto index = static_cast<size_t>(o.calibration_profile);
  if (index >= o.profiles.size()) {
    return fail("--calibProfile: there is no profile " + std::to_string(o.calibration_profile));
  }
  const bool has_own = !own.min.empty() || !own.opt.empty() || !own.max.empty();
  bool any = false;
  IOptimizationProfile* const profile =
      make_profile(has_own ? own : o.profiles[index], builder, network, any);
  if (!profile) return false;
  if (any) config.setCalibrationProfile(profile);
  calibrator = std::make_unique<Calibrator>(o, network, any ? profile : nullptr);
  config.setInt8Calibrator(calibrator.get());
  return true;
}

}  // namespace

bool read_file(const std::string& path, Bytes& out) {
  std::ifstream in(path, std::ios::binary);
  out.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  return !out.empty();
}

bool write_file(const std::string& path, const char* data, size_t size) {
  std::ofstream out(path, std::ios::binary);
  out.write(data, static_cast<std::streamsize>(size));
  out.close();
  return out ? true : fail("cannot write '" + path + "'");
}

bool build(const Options& o, ILogger& logger, Bytes& plan) {
  const std::unique_ptr<IBuilder> builder(createInferBuilder(logger));
  if (!builder) return fail("there is no builder");
  const auto typed = static_cast<uint32_t>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
  const std::unique_ptr<INetworkDefinition> network(
      builder->createNetworkV2(o.strongly_typed ? 1U << typed : 0));
  const std::unique_ptr<nvonnxparser::IParser> parser(nvonnxparser::createParser(*network, logger));
  if (o.plugin_override) parser->setFlag(nvonnxparser::OnnxParserFlag::kENABLE_PLUGIN_OVERRIDE);
  say('I', "Start parsing network model.");
  Clock::time_point start = Clock::now();
  if (!parser->parseFromFile(o.onnx.c_str(), 0)) return fail("Failed to parse onnx file");
  say('I', "Finished parsing network model. Parse time: " + std::to_string(seconds_since(start)));
  INetworkDefinition& n = *network;
  const bool shaped = set_formats("inputIOFormats", o.input_formats, n.getNbInputs(),
                                  [&](int32_t i) { return n.getInput(i); }) &&
                      set_formats("outputIOFormats", o.output_formats, n.getNbOutputs(),
                                  [&](int32_t i) { return n.getOutput(i); }) &&
                      set_layers(o, n) && mark_debug(o, n);
  const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
  if (!shaped || !set_config(o, *config) || !add_profiles(o, *builder, n, *config)) return false;
  std::vector<std::vector<float>> sparse_weights;
  if (o.sparsity == "force") force_sparsity(n, sparse_weights);
  std::unique_ptr<Calibrator> calibrator;
  if (!set_calibration(o, *builder, n, *config, calibrator)) return false;
  Bytes timings;
  std::unique_ptr<ITimingCache> cache;
  if (!o.timing_cache_file.empty()) {
    read_file(o.timing_cache_file, timings);
    cache.reset(config->createTimingCache(timings.data(), timings.size()));
    if (cache) config->setTimingCache(*cache, false);
  }
  start = Clock::now();
  const std::unique_ptr<IHostMemory> bytes(builder->buildSerializedNetwork(n, *config));
  if (!bytes) return fail("Engine could not be created from network");
  say('I', "Engine built in " + std::to_string(seconds_since(start)) + " sec.");
  if (cache) {
    const std::unique_ptr<IHostMemory> text(cache->serialize());
    if (text) write_file(o.timing_cache_file, static_cast<char*>(text->data()), text->size());
  }
  const char* const data = static_cast<const char*>(bytes->data());
  plan.assign(data, data + bytes->size());
  say('I', "Created engine with size: " +
               std::to_string(static_cast<double>(plan.size()) / 1048576) + " MiB");
  return o.save_engine.empty() || write_file(o.save_engine, plan.data(), plan.size());
}

bool refit(const Options& o, ILogger& logger, ICudaEngine& engine) {
  const std::unique_ptr<IRefitter> refitter(createInferRefitter(engine, logger));
  if (!refitter) return fail("this engine's weights cannot be changed: build it with --refit");
  if (o.dump_refit) {
    const int32_t count = refitter->getAllWeights(0, nullptr);
    std::vector<char const*> names(static_cast<size_t>(std::max(count, 0)));
    refitter->getAllWeights(count, names.data());
    for (const char* name : names) say('I', std::string("Refittable weights: ") + name);
  }
  if (o.refit_from_onnx.empty()) return true;
  const std::unique_ptr<nvonnxparser::IParserRefitter> reader(
      nvonnxparser::createParserRefitter(*refitter, logger));
  const Clock::time_point start = Clock::now();
  if (!reader || !reader->refitFromFile(o.refit_from_onnx.c_str()) ||
      !refitter->refitCudaEngine()) {
    return fail("Engine could not be refitted from '" + o.refit_from_onnx + "'");
  }
  if (o.time_refit) say('I', "Refit time: " + std::to_string(seconds_since(start)) + " sec.");
  return true;
}

}  // namespace trtexec
