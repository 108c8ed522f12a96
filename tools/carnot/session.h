#pragma once
// Session: an engine (loaded, or built from a model) with a context and inputs, for the commands
// that run something.
#include <optional>

#include "carnot/engine.h"
#include "tools/carnot/cli.h"

namespace carnot::cli {

struct RunFlags : BuildFlags {
  std::string model;
  std::vector<std::string> inputs;  ///< NAME=FILE.npy
  uint64_t seed = 1;
  void add_to(CLI::App& app);
};

struct Session {
  std::shared_ptr<const Engine> engine;
  std::optional<Context> context;
  std::vector<Tensor> inputs;  ///< in the engine's order
  double build_s = 0, load_ms = 0;
};

/// Builds or loads, reads or makes the inputs, and sets them.
Result<Session> open_session(const RunFlags& flags);

}  // namespace carnot::cli
