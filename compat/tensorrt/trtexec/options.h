#pragma once
// The command line of trtexec: every flag of version 10.16 and the older names.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace trtexec {

using Shape = std::vector<int64_t>;
/// By input; "*" in a name stands for anything.
using Shapes = std::map<std::string, Shape>;

struct Options {
  // Model and engine.
  std::string onnx, save_engine, load_engine, timing_cache_file;
  bool plan_version_only = false;
  // Build.
  Shapes min_shapes, opt_shapes, max_shapes, shapes;
  int level = 3, avg_timing = 8, max_aux_streams = -1, max_tactics = -1;
  std::string verbosity = "layer_names_only";
  std::vector<std::string> flags;  ///< BuilderFlags by their option's name: "fp16", "refit" ...
  bool strongly_typed = false, skip_inference = false;
  std::map<std::string, double> pools;  ///< bytes by pool
  // Inference.
  std::map<std::string, std::string> load_inputs;
  int iterations = 10, streams = 1, profile = 0;
  double warm_up_ms = 200, duration_s = 3, sleep_ms = 0, idle_ms = 0;
  bool threads = false, separate_profile_run = false, time_deserialize = false;
  // Reporting.
  bool verbose = false, dump_output = false, dump_profile = false, dump_layer_info = false;
  int avg_runs = 10;
  std::vector<double> percentiles = {90, 95, 99};
  std::string export_times, export_output, export_profile, export_layer_info;
  std::vector<std::string> plugins;

  bool help = false;
  std::vector<std::string> notes;   ///< what was accepted and does nothing here
  std::vector<std::string> errors;  ///< why the line cannot be obeyed
};

Options parse(const std::vector<std::string>& arguments);
std::string help_text();
std::string text_of(const Shape& shape);  ///< "1x3x224x224"

}  // namespace trtexec
