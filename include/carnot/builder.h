#pragma once
// Builder: from a Network to an engine.
#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "carnot/network.h"

namespace carnot {

/// The sizes of one input that an engine must serve, and those that it should be fastest for.
struct Profile {
  Shape min, opt, max;
};

struct BuildProgress {
  std::string stage;  ///< "passes", "tuning", "code"
  int done = 0, total = 0;
  double elapsed_s = 0, eta_s = 0;
};

/// One of the ways to run a kernel that a build chooses from.
struct KernelCandidate {
  std::string tactic;         ///< "cpu.contraction[8x3]"
  double predicted_us = 0;    ///< by the cost model
  double measured_us = 0;     ///< in this build or an earlier one; 0: not yet, or not at all
  int64_t scratch_bytes = 0;  ///< beside its operands; 0 where it was not needed to know
};

/// A kernel and what may run it.
struct KernelCandidates {
  std::string name;  ///< the node that it came from; later ones of one name have " [2]" behind it
  std::string key;   ///< the first two words of its lines in a timing cache: kernel and device
  std::vector<TensorType> inputs, outputs;  ///< without constants
  std::vector<KernelCandidate> candidates;  ///< best guess first
  int chosen = -1;                          ///< after the build
};

struct BuilderOptions {
  /// "cpu"; "cuda" or "cuda:1": a GPU of this machine; "cuda:sm_90a": a GPU of that kind, not
  /// measured on.
  std::string device = "cpu";
  int threads = 0;  ///< that the engine is tuned for; 0: all that the process may use
  /// 0: cost model only, about a second. 3: measured, seconds. 5: every candidate.
  int effort = 3;
  /// kF16 or kBF16 allow that f32 values between kernels are stored so, where the device gains by
  /// it (GPUs); arithmetic accumulates in f32, inputs and outputs keep their types.
  DType storage = DType::kF32;
  /// Allows products of f32 whose operands are rounded to 10 bits (TF32), where the device has
  /// them (GPUs). Else they are right to f32's own rounding.
  bool tf32 = false;
  /// Nodes, by their names as StepInfo::origin has them, whose values stay f32 all the same.
  std::vector<std::string> keep_f32;
  int64_t shared_bytes_max = 0;  ///< of a GPU's shared memory, for each block; 0: all there is
  /// Of the memory that a step may take beside what it reads and writes, on all threads together;
  /// -1: no limit. A step for which no kernel keeps within it is an error.
  int64_t scratch_bytes_max = -1;
  std::map<std::string, Profile> profiles;  ///< by input name, for inputs with symbolic sizes
  /// A file to read and extend; empty: none. For GPUs FILE.code beside it has machine code.
  std::string timing_cache;
  std::string* timing_cache_text = nullptr;  ///< the same as text that the caller keeps
  /// Machine code that a build for a GPU compiled, and the next one of the same kernels need not:
  /// text that the caller keeps.
  std::string* code_cache_text = nullptr;
  std::vector<std::string> exclude_tactics;
  /// The candidates that may be used, by their indices: asked for each kernel, before what is left
  /// is measured. An error ends the build. Null: all.
  std::function<Result<std::vector<int>>(const KernelCandidates&)> choose;
  std::map<std::string, std::string> metadata;  ///< Engine::metadata() will have it
  int64_t memory_bytes = 0;                     ///< for folding and tuning; 0: no limit of its own
  std::function<void(const BuildProgress&)> progress;
  const std::atomic<bool>* cancel = nullptr;
  /// "graph", "kernel", "code" or "plan": text handed to `dump` when the stage is reached.
  std::vector<std::string> dumps;
  std::string print_after;  ///< a pass's name, or "all": the graph's text goes to `dump`
  int64_t stop_after = -1;  ///< rewrites that passes may make; -1: any number
  std::function<void(const std::string& title, const std::string& text)> dump;
};

/// How a build went.
struct BuildSummary {
  double total_s = 0;
  std::vector<std::pair<std::string, double>> stages_ms;
  struct KernelChoice {
    std::string origin, tactic, note;
    double predicted_us = 0, measured_us = 0;
    std::vector<std::string> tried, refused, wrong;
  };
  std::vector<KernelChoice> kernels;
  std::vector<KernelCandidates> candidates;  ///< of each of them
  /// What the step that needs the most takes beside its operands, at the largest sizes that are
  /// built for.
  int64_t scratch_bytes = 0;
  /// "own 93.0%, cublaslt 7.0%": whose code takes the measured time. Empty: nothing was measured.
  std::string time_by;
  std::vector<std::string> notes;  ///< near misses of passes
};

/// The engine's bytes, as Engine::load() and save_engine() take them. The network is consumed.
Result<std::vector<std::byte>> build(Network network, const BuilderOptions& options = {},
                                     BuildSummary* summary = nullptr);
/// Replaces the file atomically: it holds the old engine or the new one, never a part.
Status save_engine(const std::string& path, std::span<const std::byte> engine);

/// The network's outputs by the definition of each operation: slow, what engines are compared with.
Result<std::vector<Tensor>> reference(const Network& network, std::span<const Tensor> inputs);

}  // namespace carnot
