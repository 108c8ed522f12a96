#pragma once
// What an Engine holds; for the files of this folder.
#include "runtime/devices.h"
#include "runtime/make_engine.h"
#include "runtime/program.h"

namespace carnot {

struct Engine::Parts {
  EngineFile file;
  std::unique_ptr<LoadedCode> code;
  std::unique_ptr<Program> program;  ///< refers to the plan and the weights of `file`
  std::vector<TensorInfo> inputs, outputs;
};

struct EngineFactory {
  static Result<EnginePtr> make(EngineFile file, std::unique_ptr<LoadedCode> code);
  static const Engine::Parts& parts(const Engine& engine) { return *engine.parts_; }
};

struct ContextFactory {
  /// `share` is empty when the device belongs to somebody else.
  static Result<Context> make(EnginePtr engine, DeviceShare share, Device& device,
                              const ContextOptions& options);
};

}  // namespace carnot
