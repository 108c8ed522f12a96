#pragma once
// The command line of trtexec: every flag of version 10.16 and the older names.
#include "values.h"

namespace trtexec {

/// Sizes of one optimization profile.
struct ProfileShapes {
  Shapes min, opt, max;
};

struct Options {
  // Model and engine.
  std::string onnx, save_engine, load_engine, timing_cache_file, refit_from_onnx;
  bool plan_version_only = false, async_reader = false;
  // Build.
  std::vector<ProfileShapes> profiles = {{}};
  int current_profile = 0;  ///< what --minShapes and its like are for
  Shapes shapes;
  ProfileShapes calibration_shapes;
  int calibration_profile = 0;
  int level = 3, avg_timing = 8, max_aux_streams = -1, max_tactics = -1, tiling = 0;
  double l2_limit = -1;
  std::string verbosity = "layer_names_only", sparsity = "disable", constraints = "none";
  std::string hardware = "none", platform = "SameAsBuild", calibration;
  std::vector<std::string> flags;  ///< BuilderFlags by their option's name: "fp16", "refit" ...
  Pairs layer_precisions, layer_output_types, layer_devices;
  std::vector<std::string> input_formats, output_formats, tactic_sources, previews, debug_tensors;
  bool strongly_typed = false, skip_inference = false, unfused_debug = false;
  bool plugin_override = false;
  std::map<std::string, double> pools;  ///< bytes by pool
  std::string temporary, temporary_controls;
  // Inference.
  std::map<std::string, std::string> load_inputs;
  int iterations = 10, streams = 1, profile = 0, device = 0;
  double warm_up_ms = 200, duration_s = 3, sleep_ms = 0, idle_ms = 0;
  std::string allocation = "static", streaming_budget;
  bool threads = false, separate_profile_run = false, time_deserialize = false;
  bool no_transfers = false, graph = false, spin = false, expose_dma = false, managed = false;
  bool time_refit = false;
  // Reporting.
  bool verbose = false, dump_output = false, dump_profile = false, dump_layer_info = false;
  bool dump_profiles = false, dump_raw = false, dump_refit = false;
  int avg_runs = 10;
  std::vector<double> percentiles = {90, 95, 99};
  std::string export_times, export_output, export_profile, export_layer_info;
  std::vector<std::string> plugins, plugins_to_serialize;
  Pairs save_debug;

  bool help = false;
  Problems notes;   ///< what was accepted and does nothing here
  Problems errors;  ///< why the line cannot be obeyed
};

Options parse(const std::vector<std::string>& arguments);
std::string help_text();

}  // namespace trtexec
