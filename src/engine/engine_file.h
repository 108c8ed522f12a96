#pragma once
// EngineFile: everything that a built engine is, and the container that it is stored in. The format
// is described in docs/engine-format.md.
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"
#include "plan/plan.h"

namespace carnot {

struct EngineFile {
  Plan plan;
  /// The plan's constants. After loading they lie in the mapped file.
  std::vector<Tensor> weights;
  CodeBlob code;
  std::string kernels_text;  ///< what the code computes, for people and for building it again
  std::string timings_text;  ///< what tuning measured
  std::map<std::string, std::string> metadata;  ///< who built it, and with which options
};

/// All or nothing: the old file stays until the new one is complete.
Status save_engine(const EngineFile& engine, const std::string& path);
Result<std::vector<std::byte>> serialize_engine(const EngineFile& engine);

/// Maps a regular file and checks all of it: hashes, every index and offset, the plan. Machine code
/// is not looked at: whoever can write the hash can write the code.
Result<EngineFile> load_engine(const std::string& path);
/// The same for bytes in memory (u8) at a multiple of 64, which the weights then share.
Result<EngineFile> parse_engine(const Tensor& bytes);

/// Whether code made for one CPU runs on another; empty, or the reason why it does not.
std::string why_not_runnable(const DeviceDescription& built_for, const DeviceDescription& here);

}  // namespace carnot
