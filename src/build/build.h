#pragma once
// Build: from a Graph to everything that an engine file holds. The page to read first: build.cc.
#include <functional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "engine/engine_file.h"
#include "passes/passes.h"
#include "tune/tune.h"

namespace carnot {

/// min <= opt <= max for the sizes of an input: symbols are bound by `opt` when kernels are tuned,
/// and the engine refuses shapes outside.
struct ShapeRange {
  Shape min, opt, max;
};

struct BuildOptions {
  DeviceDescription device;
  /// Threads that the engine is tuned for; 0: all that the process may use.
  int threads = 0;
  TuneOptions tune;
  PassOptions passes;
  std::map<std::string, ShapeRange> profile;
  /// kF16 or kBF16: f32 values between kernels may be stored so; kF32: as the model has them.
  DType storage = DType::kF32;
  /// False: the plan alone, without machine code; for tests of what is selected.
  bool compile = true;
  /// Stops after this stage and fills `dumps`: "graph", "kernel", "code", "plan"; empty: no dump.
  std::vector<std::string> dumps;
  std::function<void(const std::string& title, const std::string& text)> dump;
};

/// What happened, for reports.
struct BuildReport {
  struct Stage {
    std::string name;
    double milliseconds = 0;
  };
  std::vector<Stage> stages;
  std::vector<PassStats> passes;
  std::vector<Note> notes;      ///< near misses of passes
  std::vector<Choice> choices;  ///< one per distinct kernel
  /// "own 93%, cublaslt 7%": of the measured times, whose code takes them. Empty: nothing measured.
  std::string shares;
  int64_t scratch_bytes = 0;  ///< of the step that takes the most, at the largest sizes
};

/// Consumes the graph: it is rewritten on the way.
Result<EngineFile> build_engine(Graph& graph, const BuildOptions& options,
                                BuildReport* report = nullptr);

}  // namespace carnot
