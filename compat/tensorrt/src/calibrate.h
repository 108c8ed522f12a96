#pragma once
// Calibration: the ranges of a network's tensors, from a calibrator's cache or from its batches.
#include <functional>

#include "build_options.h"
#include "plan.h"

namespace trt {

/// A plan of the network as it stands, run with the sizes of this profile alone.
using BuildPlan = std::function<carnot::Result<PlanPtr>(const OptimizationProfile&)>;

/// Asks the configuration's calibrator, where kINT8 is set and it has one: first for its cache,
/// else for batches, which `build` makes engines to run of; it is given the new cache. An error
/// where there is neither.
carnot::Status calibrate(Network& network, const BuilderConfig& config, const Reporter& reporter,
                         const BuildPlan& build);

}  // namespace trt
