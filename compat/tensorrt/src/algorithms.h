#pragma once
// Algorithms: a build's kernels and the tactics that may run them, shown to the program: to its
// IAlgorithmSelector, and in messages where the timing cache is to be edited.
#include "build_options.h"

namespace trt {

class Algorithms {
 public:
  Algorithms(const BuilderConfig& config, const Reporter& reporter);
  Algorithms(const Algorithms&) = delete;
  Algorithms& operator=(const Algorithms&) = delete;
  ~Algorithms();

  /// What the sizes are in the engine that is built next, which asks choose().
  void begin(SizeRanges sizes, carnot::BuilderOptions& options);
  /// What that engine has become.
  void end(const carnot::BuildSummary& summary);
  /// Tells the selector what was chosen in all engines.
  void report();

 private:
  class Context;
  class Algorithm;
  carnot::Result<std::vector<int>> choose(const carnot::KernelCandidates& kernel);
  void log(const carnot::KernelCandidates& kernel);
  /// As engines name it, "conv1" for "conv1 (Conv)", and no other kernel of the engine.
  const std::string& layer_name(const std::string& kernel);

  const BuilderConfig& config_;
  const Reporter& reporter_;
  SizeRanges sizes_;
  std::map<std::string, std::string> layer_names_;  ///< of kernels, by their own names
  std::map<std::string, int> used_;                 ///< how many kernels a name has
  std::vector<std::unique_ptr<Context>> contexts_;  ///< of what was chosen
  std::vector<std::unique_ptr<Algorithm>> chosen_;
};

}  // namespace trt
