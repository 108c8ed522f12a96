#pragma once
// RefitPlan: what a refittable plan has before its engine: the network that it was built from, and
// which of the network's constants are weights of what name, so that it can be built with others.
#include <map>

#include "convert.h"

namespace trt {

struct RefitWeights {
  std::string name;  ///< as setNamedWeights() knows it; empty where there is none
  std::string layer;
  WeightsRole role = WeightsRole::kANY;
  DataType type = DataType::kFLOAT;
  int64_t count = 0;
  bool missing = false;  ///< the plan was stripped of it
};

/// A tensor's dynamic range.
struct RefitRange {
  std::string tensor;
  float min = 0, max = 0;
};

/// What one engine of the plan is built from.
struct RefitPart {
  std::vector<int64_t>
      nodes;  ///< of each of the weights: the constant's place in the network, or -1
  std::vector<int64_t> scales;  ///< of each of the ranges: its scale's place, or -1 for none
  std::map<std::string, std::vector<int64_t>> shapes[3];  ///< of dynamic inputs: min, opt, max
  std::string network;                                    ///< carnot::save_network()
};

struct RefitPlan {
  std::vector<RefitWeights> weights;
  std::vector<RefitRange> ranges;
  std::vector<RefitPart> parts;
  int effort = 3;
  carnot::DType storage = carnot::DType::kF32;
  std::vector<std::string> keep_f32;
  std::string timings;
  std::string code;  ///< machine code of its kernels: new values, as a rule, leave them as they are
};

/// The engines' bytes and the rest.
std::vector<std::byte> join(std::vector<std::byte> engines, const RefitPlan& refit);
/// The engines of a plan, as join_parts() gave them: all of it, where it is not refittable.
carnot::Result<std::span<const std::byte>> engines_of(std::span<const std::byte> plan);
/// Nothing where the plan is not refittable.
carnot::Result<std::optional<RefitPlan>> read_refit(std::span<const std::byte> plan);

}  // namespace trt
