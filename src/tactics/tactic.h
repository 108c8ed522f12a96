#pragma once
// Tactic: one way to run a Kernel on a device. Tables of them are all that selection sees: each
// says why it cannot take a problem, lists its candidates (variants), and generates one of them.
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"
#include "kernel/kernel.h"

namespace carnot {

/// Why a tactic cannot take a problem; empty means that it can.
using WhyNot = std::string;

struct Problem {
  const Kernel& kernel;
  const DeviceDescription& device;
  /// Per buffer of the kernel: its constant, or null. Tactics may repack constants.
  std::span<const Tensor* const> constants;
  /// Likely values of the kernel's symbols: the shapes to be fast for.
  const Symbols& likely;
  bool tf32 = false;  ///< factors of f32 may be rounded to TF32
};

/// The constant of a buffer, or null.
inline const Tensor* constant_in(const Problem& problem, int buffer) {
  const auto i = static_cast<size_t>(buffer);
  return i < problem.constants.size() ? problem.constants[i] : nullptr;
}

struct Candidate {
  std::string variant;         ///< "8x3": the text between [ and ] of the step's tactic
  std::vector<int64_t> knobs;  ///< what the tactic needs to generate it again
  double predicted_us = 0;     ///< by the cost model, for `Problem::likely`, on all threads
  bool tf32 = false;           ///< rounds factors of f32 to TF32
};

/// What the plan needs to call a generated kernel.
struct GeneratedKernel {
  std::string entry;
  Dims params;
  Dim tasks = 1;
  Dim scratch_bytes = 0;
  /// Arguments in order: >= 0 a buffer of the kernel; -1 - i: packed constant i; kFault: where the
  /// kernel tells of a bad index, two i64, the index and the size of its axis plus one.
  static constexpr int kFault = std::numeric_limits<int>::min();
  std::vector<int> arguments;
  std::vector<Tensor> packed;
};

class CodeCache;

/// Collects generated kernels and compiles them into one blob, in parallel.
class CodeSink;

struct Tactic {
  const char* name;  ///< "cpu.contraction": device.method; stable, engines and caches store it
  int revision;      ///< part of the timing key: raise it when the code that it makes changes
  WhyNot (*why_not)(const Problem&);
  std::vector<Candidate> (*candidates)(const Problem&, int effort);
  /// `entry` is a fresh symbol name, which a device may ignore. Emits into `sink`.
  Result<GeneratedKernel> (*generate)(const Problem&, const Candidate&, const std::string& entry,
                                      CodeSink& sink);
  /// Of the library that it calls, which is never required: "cublaslt". Null: our own code. Asked
  /// for when candidates are measured; the cost model alone never takes it.
  const char* library = nullptr;
};
/// Whether a name, as people give it, means the tactic: "cuda.loops", "loops", its library.
bool is_called(const Tactic& tactic, std::string_view name);

/// Compiles what was emitted. Equal kernels (by text and candidate) are compiled once: `generate`
/// for them gives the first one's entry.
class CodeSink {
 public:
  virtual ~CodeSink() = default;
  virtual Result<CodeBlob> finish() = 0;
  /// The source of what was emitted and not yet finished, for people.
  virtual std::string text() const = 0;
};
/// What sinks share code by: everything about the kernel but its name, and the variant.
std::string share_key(const Kernel& kernel, const char* tactic, const std::string& variant);

/// The tactics of a device, best guess first; the last takes any verified kernel.
std::span<const Tactic> tactics_of(const DeviceDescription& device);
/// `cache` outlives the sink; `keep`: what is made is for an engine, not a candidate only.
std::unique_ptr<CodeSink> make_code_sink(const DeviceDescription& device, int threads,
                                         CodeCache& cache, bool keep);

}  // namespace carnot
