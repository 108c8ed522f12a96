#pragma once
// Engine: a compiled network. Immutable; any number of threads may share one, each with a Context.
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "carnot/context.h"
#include "carnot/tensor.h"

namespace carnot {

struct TensorInfo {
  std::string name;
  TensorType type;  ///< symbolic sizes may differ from run to run
};

/// One step of an engine, in the order in which they run.
struct StepInfo {
  std::string tactic;
  std::vector<std::string> origin;  ///< ONNX nodes
  /// Each under one name wherever it is read and written; memory that is part of another's has that
  /// one's name.
  std::vector<TensorInfo> inputs, outputs;
  std::vector<TensorInfo> weights;  ///< read beside the inputs
  double measured_us = 0;           ///< while the engine was built; 0: not measured
  Dim scratch_bytes;                ///< beside inputs, outputs and weights, on all threads together
};

struct LoadOptions {
  /// "cpu", "cuda", "cuda:1": engines that are not for it are refused. Empty: where the engine
  /// runs.
  std::string device = {};
  /// For weights in a GPU's memory; outlives the Engine. Null: the GPU's own.
  MemorySource* memory = nullptr;
};

class Engine;
using EnginePtr = std::shared_ptr<const Engine>;

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  /// Maps the file: it must not be changed in place while the engine lives (replacing it, as a
  /// build does, is fine). A file that is cut, altered, of another version or for another kind of
  /// CPU is refused with the reason. The file holds machine code: load only what you trust.
  static Result<EnginePtr> load(const std::string& path, const LoadOptions& options = {});
  /// The same for bytes in memory, which are copied.
  static Result<EnginePtr> load(std::span<const std::byte> bytes, const LoadOptions& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  Result<Context> make_context(const ContextOptions& options = {}) const;

  /// Replaces the file all or nothing.
  Status save(const std::string& path) const;

  /// The operations whose code a Context needs to be given, in the order in which they run.
  std::vector<op::Custom> custom_ops() const;

  // For people and tools.
  std::vector<StepInfo> steps() const;
  std::string plan_text() const;            ///< what runs: steps, buffers, times
  const std::string& kernels_text() const;  ///< what each kernel computes
  const std::string& timings_text() const;  ///< what tuning measured
  const std::map<std::string, std::string>& metadata() const;
  int64_t weight_bytes() const;
  int64_t code_bytes() const;

 private:
  struct Parts;
  friend struct EngineFactory;
  friend struct ContextFactory;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace carnot
