#pragma once
// What a plan remembers of its network and configuration, as rows of our engine's metadata. Keys
// begin with "trt.": "trt.name", "trt.profiles", "trt.profile.0.input" = "[1]:[2]:[4]" ...
#include <map>

#include "formats.h"
#include "layer_facts.h"

namespace trt {

struct ProfileFacts {
  std::map<std::string, std::vector<int64_t>, std::less<>> dims[3], values[3];
  std::map<std::string, std::vector<int32_t>, std::less<>> narrow[3];  ///< values that fit
  int32_t part = 0;                                                    ///< the engine for it
};

struct PlanFacts {
  std::string name = "Unnamed Network 0";
  EngineCapability capability = EngineCapability::kSTANDARD;
  ProfilingVerbosity verbosity = ProfilingVerbosity::kLAYER_NAMES_ONLY;
  HardwareCompatibilityLevel hardware = HardwareCompatibilityLevel::kNONE;
  TacticSources tactic_sources = 0;
  bool streams_weights = false;  ///< kWEIGHT_STREAMING was set
  int32_t batch_max = 0;         ///< of an implicit batch; 0 where there is none
  /// Dimensions as the network has them, of inputs and outputs whose sizes the profiles pin.
  std::map<std::string, std::vector<int64_t>, std::less<>> declared;
  /// Of inputs and outputs that are not kLINEAR.
  std::map<std::string, StoredFormat, std::less<>> formats;
  LayerFacts layers;                       ///< of profiling verbosity kDETAILED
  std::vector<std::string> shape_tensors;  ///< inputs and outputs whose values are sizes
  std::vector<ProfileFacts> profiles;      ///< one at least
};

/// Outputs of an engine of ours whose names begin so are debug tensors, behind all others.
inline constexpr std::string_view kDebugPrefix = "trt.debug.";
/// And behind those, the tensors that markUnfusedTensorsAsDebugTensors() means.
inline constexpr std::string_view kUnfusedPrefix = "trt.unfused.";

using Metadata = std::map<std::string, std::string>;
Metadata write(const PlanFacts& facts);
/// Plans made by other front ends have none of the keys: the defaults then hold.
carnot::Result<PlanFacts> read(const Metadata& metadata);

}  // namespace trt
