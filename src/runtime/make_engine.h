#pragma once
// From an EngineFile, just built or loaded, to an Engine that runs.
#include "carnot/engine.h"
#include "engine/engine_file.h"

namespace carnot {

/// Loads the machine code, verifies the plan, and refuses what this machine cannot run.
Result<EnginePtr> make_engine(EngineFile file, const LoadOptions& options = {});
/// With entries from elsewhere: `code` answers the offsets of `file.code.entries`. Null: the file
/// is for a GPU, and loaded there.
Result<EnginePtr> make_engine(EngineFile file, std::unique_ptr<LoadedCode> code,
                              const LoadOptions& options = {});
/// On a device of the caller's choice, which outlives the Context.
Result<Context> make_context(const Engine& engine, Device& device, const ContextOptions& options);
/// What the engine was made from.
const EngineFile& file_of(const Engine& engine);

}  // namespace carnot
