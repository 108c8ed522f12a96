#pragma once
// What an Engine holds; for the files of this folder.
#include <mutex>

#include "runtime/installation.h"
#include "runtime/make_engine.h"

namespace carnot {

struct Engine::Parts {
  EngineFile file;
  std::vector<TensorInfo> inputs, outputs;
  // Code that any device of its kind runs: of a CPU, or given by the caller.
  std::unique_ptr<LoadedCode> code;
  std::unique_ptr<Program> program;  ///< refers to the plan and the weights of `file`
  // Of a GPU's engine: by the GPU's name, each made when it is first wanted.
  bool for_gpu = false;
  GpuName first_gpu;
  MemorySource* memory = nullptr;  ///< for weights on that GPU
  mutable std::mutex mutex;
  mutable std::map<GpuName, std::unique_ptr<Installation>> gpus;

  Result<const Installation*> on_gpu(GpuName name) const;
};

struct EngineFactory {
  static Result<EnginePtr> make(EngineFile file, std::unique_ptr<LoadedCode> code,
                                const LoadOptions& options);
  static const Engine::Parts& parts(const Engine& engine) { return *engine.parts_; }
};

struct ContextFactory {
  /// `share` is empty when the device belongs to somebody else; `installed` is null where the
  /// engine's own program runs on it.
  static Result<Context> make(EnginePtr engine, DeviceShare share, Device& device,
                              const Installation* installed, const ContextOptions& options);
};

}  // namespace carnot
