#pragma once
// Tuning: which tactic runs a kernel, chosen by the cost model or by measurement on the device, and
// never without having been compared with the kernel's meaning first.
#include <functional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "tactics/tactic.h"
#include "tune/timing_cache.h"

namespace carnot {

struct Choice;

/// One distinct kernel of a graph.
struct TuneTask {
  const Kernel* kernel = nullptr;
  std::vector<const Tensor*> constants;  ///< per buffer, or null
  int uses = 1;                          ///< steps that share it
  std::string origin;                    ///< of the first, for messages
  /// Wins unless another is clearly faster: what runs the kernel at other sizes.
  const Choice* favourite = nullptr;
};

struct TuneProgress {
  int done = 0, total = 0;  ///< candidates measured
  double elapsed_s = 0, eta_s = 0;
  std::string what;
};

/// A candidate as those see it who choose.
struct Offer {
  std::string tactic;
  double predicted_us = 0, measured_us = 0;  ///< 0: not measured
  int64_t scratch_bytes = 0;                 ///< 0 where it was not generated
};

/// What a kernel may be run by, and who was chosen.
struct Offers {
  std::string name;  ///< of its first node; later ones of one name have " [2]" behind it
  std::string key;   ///< the hashes of kernel and device that lines of a timing cache begin with
  std::vector<TensorType> inputs, outputs;  ///< without constants
  std::vector<Offer> list;                  ///< best guess first
  int chosen = -1;
};

struct TuneOptions {
  /// 0: cost model only. 1, 2: the best two. 3: the best four. 4: the best eight. 5: all.
  int effort = 3;
  Symbols likely;
  /// Of a kernel's scratch memory on all threads, at the likely and the `largest` sizes; -1: any.
  int64_t scratch_bytes_max = -1;
  Symbols largest;
  bool tf32 = false;  ///< Problem::tf32
  /// What candidates run on. Null: a CPU is measured on this machine's; for any other device the
  /// cost model and the times in the cache decide.
  Device* measure_on = nullptr;
  /// Which of the offers may win, by index; null: all.
  std::function<Result<std::vector<int>>(const Offers&)> choose;
  std::vector<std::string> excluded;  ///< names (is_called()) of tactics that may not be used
  TimingCache* cache = nullptr;
  CodeCache* code = nullptr;     ///< null: nothing compiled is kept
  std::string* state = nullptr;  ///< gets the device's state (Device::state()) after measuring
  Budget* budget = nullptr;      ///< its end, or a cancel, leaves the best so far
  std::function<void(const TuneProgress&)> progress;
  /// Compare each candidate with the interpreter before it may win.
  bool check = true;
};

struct Choice {
  const Tactic* tactic = nullptr;
  Candidate candidate;
  double measured_us = 0;  ///< 0 where nothing was measured
  std::string note;        ///< "best of 4", "cost model"
  std::string origin;
  std::vector<std::string> refused;  ///< "cpu.window: no window", one per tactic that cannot
  std::vector<std::string> tried;    ///< "cpu.contraction[8x3] 12.1 us", in order of time
  std::vector<std::string> wrong;    ///< quarantined candidates and where they differed
  Offers offers;
};

/// What a step's scratch memory comes to on all threads, at the larger of two sets of sizes.
Result<int64_t> scratch_bytes_of(const Dim& per_thread, const DeviceDescription& device,
                                 const Symbols& likely, const Symbols& largest);

/// A choice per task. An error where no tactic takes a kernel.
Result<std::vector<Choice>> tune(std::span<const TuneTask> tasks, const DeviceDescription& device,
                                 const TuneOptions& options);

}  // namespace carnot
