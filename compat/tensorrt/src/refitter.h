#pragma once
// Refitter: IRefitter. An engine is built again with the new weights, by the choices and timings
// that it was built by; contexts take the new one up when they next run.
#include "carnot/builder.h"
#include "engine.h"
#include "refit_plan.h"

namespace trt {

/// Null, and an error, where the engine is not refittable.
IRefitter* make_refitter(CudaEngine& engine, ILogger& logger) noexcept;
void* make_parser_refitter(void* refitter, void* logger) noexcept;

class Network;
class BuilderConfig;

bool wants_refit(const BuilderConfig& config);
/// Where the configuration asks for it: what the plan must keep to be refitted, of one more of its
/// engines. Weights that are to be stripped are taken out of the network.
carnot::Status prepare_refit(Network& network, const BuilderConfig& config,
                             carnot::Network& translated, const carnot::BuilderOptions& options,
                             RefitPlan& refit);
/// The plan with weights in place of others, by their places in `refit.weights`; those that it
/// keeps must all be there.
carnot::Result<std::vector<std::byte>> rebuild(const Plan& plan, RefitPlan refit,
                                               const std::map<size_t, carnot::Tensor>& values);

}  // namespace trt
