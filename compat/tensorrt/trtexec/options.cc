#include "options.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <sstream>

namespace trtexec {

namespace {

using Set = std::function<void(Options&, const std::string&)>;

/// One flag. `set` is null for those that are accepted and do nothing; `why` then says so.
struct Row {
  const char* name;
  bool takes_value;
  Set set;
  const char* why;
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string piece; std::getline(in, piece, at);) out.push_back(piece);
  return out;
}

void bad(Options& o, const std::string& what) {
  o.errors.push_back(what);
}

double number(Options& o, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') bad(o, "'" + text + "' is not a number");
  return value;
}

int integer(Options& o, const std::string& text) {
  const double value = number(o, text);
  if (value < -1e9 || value > 1e9) bad(o, "'" + text + "' is out of range");
  return static_cast<int>(std::clamp(value, -1e9, 1e9));
}

/// "x:1x3x224x224,y:2": names may be in single quotes; "x:scalar" and "x:" have rank 0.
Shapes shapes_of(Options& o, const std::string& text) {
  Shapes out;
  for (const std::string& piece : split(text, ',')) {
    const size_t colon = piece.rfind(':');
    if (colon == std::string::npos) {
      bad(o, "'" + piece + "' is not NAME:SIZExSIZE...");
      continue;
    }
    std::string name = piece.substr(0, colon);
    name.erase(std::remove(name.begin(), name.end(), '\''), name.end());
    Shape& shape = out[name];
    const std::string sizes = piece.substr(colon + 1);
    if (sizes.empty() || sizes == "scalar") continue;
    for (const std::string& size : split(sizes, 'x')) shape.push_back(integer(o, size));
  }
  return out;
}

/// Bytes of "2048", "1.5G", "512MiB"; the default unit is MiB.
double bytes_of(Options& o, const std::string& text) {
  size_t end = text.find_first_not_of("0123456789.");
  const double value = number(o, text.substr(0, end));
  std::string unit = end == std::string::npos ? "M" : text.substr(end);
  static const std::map<std::string, double> kUnits = {{"B", 1},
                                                       {"K", 1024.},
                                                       {"KB", 1024.},
                                                       {"KiB", 1024.},
                                                       {"M", 1048576.},
                                                       {"MB", 1048576.},
                                                       {"MiB", 1048576.},
                                                       {"G", 1073741824.},
                                                       {"GB", 1073741824.},
                                                       {"GiB", 1073741824.}};
  const auto found = kUnits.find(unit);
  if (found == kUnits.end()) bad(o, "'" + unit + "' is no unit of memory");
  return value * (found == kUnits.end() ? 1 : found->second);
}

Set text(std::string Options::*member) {
  return [member](Options& o, const std::string& value) { o.*member = value; };
}
Set whole(int Options::*member) {
  return [member](Options& o, const std::string& value) { o.*member = integer(o, value); };
}
Set real(double Options::*member) {
  return [member](Options& o, const std::string& value) { o.*member = number(o, value); };
}
Set on(bool Options::*member) {
  return [member](Options& o, const std::string&) { o.*member = true; };
}
Set shaped(Shapes Options::*member) {
  return [member](Options& o, const std::string& value) { o.*member = shapes_of(o, value); };
}
Set flag(const char* name) {
  return [name](Options& o, const std::string&) { o.flags.emplace_back(name); };
}

void pools(Options& o, const std::string& value) {
  for (const std::string& piece : split(value, ',')) {
    const size_t colon = piece.find(':');
    if (colon == std::string::npos) {
      bad(o, "'" + piece + "' is not POOL:SIZE");
    } else {
      o.pools[piece.substr(0, colon)] = bytes_of(o, piece.substr(colon + 1));
    }
  }
}

void inputs(Options& o, const std::string& value) {
  for (const std::string& piece : split(value, ',')) {
    const size_t colon = piece.rfind(':');
    if (colon == std::string::npos) {
      bad(o, "'" + piece + "' is not INPUT:FILE");
    } else {
      std::string name = piece.substr(0, colon);
      name.erase(std::remove(name.begin(), name.end(), '\''), name.end());
      o.load_inputs[name] = piece.substr(colon + 1);
    }
  }
}

void percentiles(Options& o, const std::string& value) {
  o.percentiles.clear();
  for (const std::string& piece : split(value, ',')) {
    const double p = number(o, piece);
    if (p < 0 || p > 100) bad(o, "percentile " + piece + " is not between 0 and 100");
    o.percentiles.push_back(p);
  }
}

const char* const kDla = "this device has no DLA";
const char* const kSafety = "there is no safety runtime";
const char* const kWeak = "layers compute in the network's types here";
const char* const kCuda = "work runs on the host, without transfers, streams or graphs";
const char* const kWhole = "engines hold their weights; build again to change them";
const char* const kNoDebug = "mark tensors as outputs to see their values";

std::vector<Row> build_rows() {
  return {
      {"onnx", true, text(&Options::onnx), "the model"},
      {"saveEngine", true, text(&Options::save_engine), "write the engine here"},
      {"loadEngine", true, text(&Options::load_engine), "read an engine instead of building one"},
      {"getPlanVersionOnly", false, on(&Options::plan_version_only), "say what made the engine"},
      {"minShapes", true, shaped(&Options::min_shapes), "NAME:1x3x224x224,..."},
      {"optShapes", true, shaped(&Options::opt_shapes), "sizes to be fastest for"},
      {"maxShapes", true, shaped(&Options::max_shapes), "largest sizes"},
      {"shapes", true, shaped(&Options::shapes), "sizes to run with"},
      {"workspace", true,
       [](Options& o, const std::string& v) { o.pools["workspace"] = bytes_of(o, v); }, "MiB"},
      {"memPoolSize", true, pools, "POOL:SIZE,..."},
      {"profilingVerbosity", true, text(&Options::verbosity), "layer_names_only, detailed or none"},
      {"avgTiming", true, whole(&Options::avg_timing), "timings to average"},
      {"builderOptimizationLevel", true, whole(&Options::level), "0 to 5"},
      {"maxAuxStreams", true, whole(&Options::max_aux_streams), ""},
      {"maxTactics", true, whole(&Options::max_tactics), ""},
      {"timingCacheFile", true, text(&Options::timing_cache_file), "read and rewritten"},
      {"refit", false, flag("refit"), ""},
      {"fp16", false, flag("fp16"), ""},
      {"bf16", false, flag("bf16"), ""},
      {"int8", false, flag("int8"), ""},
      {"fp8", false, flag("fp8"), ""},
      {"int4", false, flag("int4"), ""},
      {"best", false, flag("best"), ""},
      {"noTF32", false, flag("noTF32"), ""},
      {"noBuilderCache", false, flag("noBuilderCache"), ""},
      {"versionCompatible", false, flag("versionCompatible"), ""},
      {"vc", false, flag("versionCompatible"), ""},
      {"excludeLeanRuntime", false, flag("excludeLeanRuntime"), ""},
      {"stronglyTyped", false, on(&Options::strongly_typed), ""},
      {"skipInference", false, on(&Options::skip_inference), "build only"},
      {"buildOnly", false, on(&Options::skip_inference), "build only"},
  };
}

std::vector<Row> run_rows() {
  return {
      {"loadInputs", true, inputs, "INPUT:FILE,... raw bytes"},
      {"iterations", true, whole(&Options::iterations), "runs at least"},
      {"warmUp", true, real(&Options::warm_up_ms), "milliseconds before measuring"},
      {"duration", true, real(&Options::duration_s), "seconds at least"},
      {"sleepTime", true, real(&Options::sleep_ms), ""},
      {"idleTime", true, real(&Options::idle_ms), ""},
      {"infStreams", true, whole(&Options::streams), "contexts that run side by side"},
      {"streams", true, whole(&Options::streams), "the same"},
      {"useProfile", true, whole(&Options::profile), ""},
      {"threads", false, on(&Options::threads), "a thread for each context"},
      {"separateProfileRun", false, on(&Options::separate_profile_run), ""},
      {"timeDeserialize", false, on(&Options::time_deserialize), ""},
      {"verbose", false, on(&Options::verbose), ""},
      {"avgRuns", true, whole(&Options::avg_runs), "runs that a trace line averages"},
      {"percentile", true, percentiles, "P1,P2,..."},
      {"dumpOutput", false, on(&Options::dump_output), ""},
      {"dumpProfile", false, on(&Options::dump_profile), ""},
      {"dumpLayerInfo", false, on(&Options::dump_layer_info), ""},
      {"exportTimes", true, text(&Options::export_times), "JSON"},
      {"exportOutput", true, text(&Options::export_output), "JSON"},
      {"exportProfile", true, text(&Options::export_profile), "JSON"},
      {"exportLayerInfo", true, text(&Options::export_layer_info), "JSON"},
      {"plugins", true, [](Options& o, const std::string& v) { o.plugins.push_back(v); },
       "a library"},
      {"staticPlugins", true, [](Options& o, const std::string& v) { o.plugins.push_back(v); },
       "a library"},
      {"dynamicPlugins", true, [](Options& o, const std::string& v) { o.plugins.push_back(v); },
       "a library"},
      {"help", false, on(&Options::help), ""},
  };
}

/// Accepted; what they ask for is so, or has no meaning here.
std::vector<Row> idle_rows() {
  return {
      {"explicitBatch", false, nullptr, "networks from ONNX have an explicit batch"},
      {"explicitPrecision", false, nullptr, kWeak},
      {"batch", true, nullptr, "the batch is a dimension: use --shapes"},
      {"maxBatch", true, nullptr, "the batch is a dimension: use --maxShapes"},
      {"minTiming", true, nullptr, "kernels are timed until their times are steady"},
      {"heuristic", false, nullptr, "use --builderOptimizationLevel"},
      {"inputIOFormats", true, nullptr, "inputs are linear, in the model's types"},
      {"outputIOFormats", true, nullptr, "outputs are linear, in the model's types"},
      {"directIO", false, nullptr, "inputs and outputs are never reformatted"},
      {"precisionConstraints", true, nullptr, kWeak},
      {"layerPrecisions", true, nullptr, kWeak},
      {"layerOutputTypes", true, nullptr, kWeak},
      {"layerDeviceTypes", true, nullptr, kDla},
      {"sparsity", true, nullptr, "kernels read all weights"},
      {"decomposableAttentions", true, nullptr, "attention always runs"},
      {"tacticSources", true, nullptr, "kernels are generated; no vendor library is asked"},
      {"noCompilationCache", false, nullptr, "there is none"},
      {"errorOnTimingCacheMiss", false, nullptr, "a miss costs time only"},
      {"preview", true, nullptr, "there are no preview features"},
      {"hardwareCompatibilityLevel", true, nullptr, "an engine runs where it was built"},
      {"runtimePlatform", true, nullptr, "an engine runs where it was built"},
      {"tempdir", true, nullptr, "no temporary files are written"},
      {"tempfileControls", true, nullptr, "no temporary files are written"},
  };
}

std::vector<Row> idle_device_rows() {
  return {
      {"allowWeightStreaming", false, nullptr, "weights are where the engine's bytes are"},
      {"weightStreamingBudget", true, nullptr, "weights are where the engine's bytes are"},
      {"tilingOptimizationLevel", true, nullptr, "tiles are chosen by measurement"},
      {"l2LimitForTiling", true, nullptr, "tiles are chosen by measurement"},
      {"monitorMemory", false, nullptr, "use the system's tools"},
      {"pluginInstanceNorm", false, nullptr, "normalization is an operation of ours"},
      {"pi", false, nullptr, "normalization is an operation of ours"},
      {"nativeInstanceNorm", false, nullptr, "so it is"},
      {"ni", false, nullptr, "so it is"},
      {"uint8AsymmetricQuantizationDLA", false, nullptr, kDla},
      {"reportCapabilityDLA", false, nullptr, kDla},
      {"adjustForDLA", false, nullptr, kDla},
      {"enablePluginOverride", false, nullptr, "plugins cannot run inside an engine"},
      {"ignoreParsedPluginLibs", false, nullptr, "plugins cannot run inside an engine"},
      {"setPluginsToSerialize", true, nullptr, "plugins cannot run inside an engine"},
      {"asyncFileReader", false, nullptr, "the file is read at once"},
      {"leanDLLPath", true, nullptr, "plans hold no runtime"},
      {"useRuntime", true, nullptr, "one runtime loads every engine"},
      {"useCudaGraph", false, nullptr, kCuda},
      {"exposeDMA", false, nullptr, kCuda},
      {"noDataTransfers", false, nullptr, kCuda},
      {"useManagedMemory", false, nullptr, kCuda},
      {"useSpinWait", false, nullptr, kCuda},
      {"persistentCacheRatio", true, nullptr, kCuda},
      {"nvtxMode", true, nullptr, kCuda},
      {"allocationStrategy", true, nullptr, "a context's memory is its own"},
      {"device", true, nullptr, "there is one device"},
      {"dumpRefit", false, nullptr, kWhole},
      {"timeRefit", false, nullptr, kWhole},
      {"dumpOptimizationProfile", false, nullptr, "--dumpLayerInfo shows the engine"},
      {"dumpRawBindingsToFile", false, nullptr, "--exportOutput writes results"},
      {"profile", true, nullptr, "one optimization profile is made"},
      {"minShapesCalib", true, nullptr, "nothing is calibrated"},
      {"optShapesCalib", true, nullptr, "nothing is calibrated"},
      {"maxShapesCalib", true, nullptr, "nothing is calibrated"},
      {"calibProfile", true, nullptr, "nothing is calibrated"},
      {"calib", true, nullptr, "nothing is calibrated"},
      {"allowGPUFallback", false, nullptr, kDla},
      {"markUnfusedTensorsAsDebugTensors", false, nullptr, kNoDebug},
  };
}

const std::vector<Row>& rows() {
  static const std::vector<Row>& table = *new std::vector<Row>([] {
    std::vector<Row> all = build_rows();
    for (auto* part : {run_rows, idle_rows, idle_device_rows}) {
      for (Row& row : part()) all.push_back(std::move(row));
    }
    return all;
  }());
  return table;
}

/// Flags that ask for what cannot be done; going on would mislead.
const std::map<std::string, const char*>& refused() {
  static const std::map<std::string, const char*>& table = *new std::map<std::string, const char*>{
      {"model", "Caffe models: convert it to ONNX"},
      {"deploy", "Caffe models: convert it to ONNX"},
      {"output", "Caffe models: convert it to ONNX"},
      {"uff", "UFF models: convert it to ONNX"},
      {"uffInput", "UFF models: convert it to ONNX"},
      {"uffNHWC", "UFF models: convert it to ONNX"},
      {"stripWeights", kWhole},
      {"stripAllWeights", kWhole},
      {"weightless", kWhole},
      {"refitFromOnnx", kWhole},
      {"safe", kSafety},
      {"consistency", kSafety},
      {"restricted", kSafety},
      {"std", kSafety},
      {"dumpKernelText", kSafety},
      {"safetyPlugins", kSafety},
      {"cpuOnly", kSafety},
      {"remoteAutoTuningConfig", "kernels are timed on this machine only"},
      {"buildDLAStandalone", kDla},
      {"useDLACore", kDla},
      {"markDebug", kNoDebug},
      {"saveDebugTensors", kNoDebug},
      {"saveAllDebugTensors", kNoDebug},
  };
  return table;
}

size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

std::string nearest(const std::string& name) {
  std::string best;
  for (const Row& row : rows()) {
    if (best.empty() || distance(name, row.name) < distance(name, best)) best = row.name;
  }
  return best;
}

void obey(Options& o, const std::string& argument) {
  const size_t dashes = std::min(argument.find_first_not_of('-'), argument.size());
  const size_t equals = argument.find('=');
  std::string name =
      argument.substr(dashes, equals == std::string::npos ? equals : equals - dashes);
  const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
  if (name == "h") name = "help";
  if (name == "v") name = "verbose";
  if (dashes == 0) return bad(o, "'" + argument + "' is no flag: flags begin with --");
  const auto no = refused().find(name);
  if (no != refused().end()) return bad(o, "--" + name + " cannot be done here: " + no->second);
  for (const Row& row : rows()) {
    if (name != row.name) continue;
    if (row.takes_value && value.empty())
      return bad(o, "--" + name + " needs a value: --" + name + "=...");
    if (row.set) return row.set(o, value);
    o.notes.push_back("--" + name + " has no effect here: " + row.why);
    return;
  }
  bad(o, "there is no flag --" + name + "; the nearest is --" + nearest(name));
}

void complete(Options& o) {
  if (o.help) return;
  if (o.onnx.empty() && o.load_engine.empty())
    bad(o, "give a model (--onnx=FILE) or an engine (--loadEngine=FILE)");
  if (o.min_shapes.empty() && o.max_shapes.empty()) {
    if (o.opt_shapes.empty()) o.opt_shapes = o.shapes;
    o.min_shapes = o.max_shapes = o.opt_shapes;
  }
  if (o.opt_shapes.empty()) o.opt_shapes = o.max_shapes.empty() ? o.min_shapes : o.max_shapes;
  if (o.min_shapes.empty()) o.min_shapes = o.opt_shapes;
  if (o.max_shapes.empty()) o.max_shapes = o.opt_shapes;
  if (o.shapes.empty()) o.shapes = o.opt_shapes;
  if (o.streams < 1 || o.streams > 1024) bad(o, "--infStreams is 1 to 1024");
  if (o.level < 0 || o.level > 5) bad(o, "--builderOptimizationLevel is 0 to 5");
  o.avg_runs = std::max(o.avg_runs, 1);
}

}  // namespace

std::string text_of(const Shape& shape) {
  std::string out;
  for (const int64_t size : shape) out += (out.empty() ? "" : "x") + std::to_string(size);
  return out.empty() ? "scalar" : out;
}

Options parse(const std::vector<std::string>& arguments) {
  Options o;
  for (const std::string& argument : arguments) obey(o, argument);
  complete(o);
  return o;
}

std::string help_text() {
  std::string out = "trtexec --onnx=FILE | --loadEngine=FILE [flags]\n\n";
  for (const Row& row : rows()) {
    std::string line = std::string("  --") + row.name + (row.takes_value ? "=VALUE" : "");
    line.resize(std::max<size_t>(line.size() + 1, 36), ' ');
    out += line + (row.set ? "" : "no effect: ") + row.why + "\n";
  }
  return out;
}

}  // namespace trtexec
