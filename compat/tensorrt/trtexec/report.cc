#include "report.h"

#include <algorithm>

#include "build.h"

namespace trtexec {

namespace {

void row(const char* key, const std::string& value) {
  say('I', std::string(key) + ": " + value);
}
void row(const char* key, bool enabled) {
  row(key, std::string(enabled ? "Enabled" : "Disabled"));
}
std::string plain(double value) {
  std::string out = std::to_string(value);
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}
std::string joined(const std::vector<std::string>& pieces, const char* otherwise) {
  std::string out;
  for (const std::string& piece : pieces) out += (out.empty() ? "" : ",") + piece;
  return out.empty() ? otherwise : out;
}
std::string joined(const Pairs& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) out += (out.empty() ? "" : ",") + name + ":" + value;
  return out;
}

std::string precision(const Options& o) {
  if (o.strongly_typed) return "Strongly typed";
  std::string out = "FP32";
  const auto has = [&](const char* name) {
    return std::find(o.flags.begin(), o.flags.end(), name) != o.flags.end();
  };
  if (has("fp16") || has("best")) out += "+FP16";
  if (has("bf16")) out += "+BF16";
  if (has("int8") || has("best")) out += "+INT8";
  if (has("fp8")) out += "+FP8";
  if (has("int4")) out += "+INT4";
  const std::string how =
      o.constraints == "none" ? "" : " (" + o.constraints + " precision constraints)";
  return out + how;
}

void print_build(const Options& o) {
  const auto has = [&](const char* name) {
    return std::find(o.flags.begin(), o.flags.end(), name) != o.flags.end();
  };
  say('I', "=== Build Options ===");
  row("Max batch", std::string("explicit batch"));
  std::string pools;
  for (const char* pool :
       {"workspace", "dlaSRAM", "dlaLocalDRAM", "dlaGlobalDRAM", "tacticSharedMem"}) {
    const auto limit = o.pools.find(pool);
    pools += std::string(pools.empty() ? "" : ", ") + pool + ": " +
             (limit == o.pools.end() ? "default" : plain(limit->second / 1048576) + " MiB");
  }
  row("Memory Pools", pools);
  row("avgTiming", std::to_string(o.avg_timing));
  row("Precision", precision(o));
  row("LayerPrecisions", joined(o.layer_precisions));
  row("Layer Device Types", joined(o.layer_devices));
  row("Refit", has("refit"));
  row("Strip weights", has("stripWeights"));
  row("Version Compatible", has("versionCompatible"));
  row("Sparsity", std::string(o.sparsity == "disable" ? "Disabled" : o.sparsity));
  row("DirectIO mode", has("directIO"));
  row("Skip inference", o.skip_inference);
  row("Save engine", o.save_engine);
  row("Load engine", o.load_engine);
  row("Profiling verbosity", o.verbosity);
  row("Tactic sources", joined(o.tactic_sources, "Using default tactic sources"));
  row("timingCacheMode", std::string(has("noBuilderCache")         ? "disable"
                                     : o.timing_cache_file.empty() ? "local"
                                                                   : "global"));
  row("timingCacheFile", o.timing_cache_file);
  row("Preview Features", joined(o.previews, "Use default preview flags."));
  row("MaxAuxStreams", std::to_string(o.max_aux_streams));
  row("BuilderOptimizationLevel", std::to_string(o.level));
  row("MaxTactics", std::to_string(o.max_tactics));
  row("Weight Streaming", has("allowWeightStreaming"));
  row("Runtime Platform", o.platform);
  row("Debug Tensors", joined(o.debug_tensors, ""));
  row("Input(s)s format", joined(o.input_formats, "fp32:CHW"));
  row("Output(s)s format", joined(o.output_formats, "fp32:CHW"));
  bool any = false;
  for (size_t i = 0; i < o.profiles.size(); ++i) {
    const ProfileShapes& p = o.profiles[i];
    for (const auto& [name, shape] : p.opt) {
      const auto of = [key = name, usual = text_of(shape)](const Shapes& shapes) {
        const auto found = shapes.find(key);
        return found == shapes.end() ? usual : text_of(found->second);
      };
      any = true;
      say('I', "Input build shape (profile " + std::to_string(i) + "): " + name + "=" + of(p.min) +
                   "+" + of(p.opt) + "+" + of(p.max));
    }
  }
  if (!any) row("Input build shapes", std::string("model"));
}

void print_inference(const Options& o) {
  say('I', "=== Inference Options ===");
  row("Batch", std::string("Explicit"));
  if (o.shapes.empty()) row("Input inference shapes", std::string("model"));
  for (const auto& [name, shape] : o.shapes) {
    say('I', "Input inference shape : " + name + "=" + text_of(shape));
  }
  row("Iterations", std::to_string(o.iterations));
  row("Duration", plain(o.duration_s) + "s (+ " + plain(o.warm_up_ms) + "ms warm up)");
  row("Sleep time", plain(o.sleep_ms) + "ms");
  row("Idle time", plain(o.idle_ms) + "ms");
  row("Inference Streams", std::to_string(o.streams));
  row("ExposeDMA", o.expose_dma);
  row("Data transfers", !o.no_transfers);
  row("Spin-wait", o.spin);
  row("Multithreading", o.threads);
  row("CUDA Graph", o.graph);
  row("Separate profiling", o.separate_profile_run);
  row("Time Deserialize", o.time_deserialize);
  row("Time Refit", o.time_refit);
  row("Optimization Profile Index", std::to_string(o.profile));
  say('I', "Inputs:");
  for (const auto& [name, file] : o.load_inputs) say('I', name + "<-" + file);
}

}  // namespace

void print_options(const Options& o) {
  say('I', "=== Model Options ===");
  row("Format", std::string(o.onnx.empty() ? "*" : "ONNX"));
  row("Model", o.onnx);
  row("Output", std::string());
  print_build(o);
  say('I', "=== System Options ===");
  row("Device", std::to_string(o.device));
  row("DLACore", std::string());
  row("Plugins", joined(o.plugins, ""));
  row("setPluginsToSerialize", joined(o.plugins_to_serialize, ""));
  print_inference(o);
  say('I', "=== Reporting Options ===");
  row("Verbose", o.verbose);
  row("Averages", std::to_string(o.avg_runs) + " inferences");
  std::string percentiles;
  for (const double p : o.percentiles) percentiles += (percentiles.empty() ? "" : ",") + plain(p);
  row("Percentiles", percentiles);
  row("Dump refittable layers", o.dump_refit);
  row("Dump output", o.dump_output);
  row("Profile", o.dump_profile);
  row("Export timing to JSON file", o.export_times);
  row("Export output to JSON file", o.export_output);
  row("Export profile to JSON file", o.export_profile);
  say('I', "");
}

}  // namespace trtexec
