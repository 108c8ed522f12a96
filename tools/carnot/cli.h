#pragma once
// What the subcommands of `carnot` share: options, exit codes, errors on stderr.
#include <CLI/CLI.hpp>

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "carnot/builder.h"

namespace carnot::cli {

/// Exit codes.
enum Exit { kOk = 0, kWrong = 1, kUsage = 2, kInternal = 3 };

/// The exit code for a failed operation: kUsage for what the user can mend.
int exit_code(const Status& status);
/// Prints "carnot: error: MESSAGE" on stderr; returns the exit code.
int fail(const Status& status);

/// `x=1x3x224x224` or `x=1x3x64x64:1x3x224x224:1x3x960x960`, several separated by commas. A single
/// shape pins the input's sizes; a range leaves them symbolic.
struct ShapeFlags {
  std::vector<InputShape> pinned;
  std::map<std::string, Profile> profiles;
};
Result<ShapeFlags> parse_shapes(const std::string& text);
/// One shape per input, for running: of a range, the middle.
Result<std::map<std::string, Shape>> parse_run_shapes(const std::string& text);

/// Options of every command that may build an engine.
struct BuildFlags {
  std::string shapes, timing_cache, print, print_after, device = "cpu";
  std::vector<std::string> tactics;  ///< "-cpu.winograd": switched off
  int effort = 3, threads = 0;
  int64_t stop_after = -1;
  bool fp16 = false, bf16 = false, tf32 = false;
  int64_t shared_memory = 0;                  ///< of a block; 0: all there is
  double time_limit = 0;                      ///< seconds; 0: none
  const std::atomic<bool>* cancel = nullptr;  ///< of the command's Stop
  void add_to(CLI::App& app);
};
/// BuilderOptions with dumps to stdout and progress on a terminal's stderr.
Result<BuilderOptions> builder_options(const BuildFlags& flags);

/// True where the path names an ONNX model or a graph's text rather than an engine.
bool is_model(const std::string& path);
/// Imports a model (.onnx, or the Graph's text as .graph/.ir).
Result<Network> load_network(const std::string& path, const ShapeFlags& shapes);
/// An engine's bytes: built from a model, or nothing where `path` is an engine file.
struct Built {
  std::vector<std::byte> bytes;
  BuildSummary summary;
};
Result<Built> build_model(const std::string& path, const BuildFlags& flags);

/// `/` and whatever else a file name cannot hold becomes `_`.
std::string file_name_of(const std::string& value_name);

// One file each; add_* declares the command, its callback sets `exit`.
void add_build(CLI::App& app, int& exit);
void add_run(CLI::App& app, int& exit);
void add_bench(CLI::App& app, int& exit);
void add_check(CLI::App& app, int& exit);
void add_inspect(CLI::App& app, int& exit);
void add_compare(CLI::App& app, int& exit);
void add_ops(CLI::App& app, int& exit);
void add_devices(CLI::App& app, int& exit);
void add_exec(CLI::App& app, int& exit);

/// `carnot exec PROGRAM ...`, whose words are the program's: not for the parser of options.
bool is_exec(int argc, char** argv);
int exec_program(char** argv);

}  // namespace carnot::cli
