#pragma once
// From an IBuilderConfig to our options: profiles, what the engine must remember, progress.
#include "carnot/builder.h"
#include "config.h"
#include "network.h"

namespace trt {

/// Sizes for every input that has some that differ from run to run, over all profiles: an error
/// where a profile is missing or contradicts the network.
carnot::Result<std::map<std::string, carnot::Profile>> profiles_of(const Network& network,
                                                                   const BuilderConfig& config);
/// Flags and layers' precisions as our options; warns of what has no effect here.
void set_precisions(const Network& network, const BuilderConfig& config, const Reporter& reporter,
                    carnot::BuilderOptions& options);
/// Whether layers compute in the precisions that were set on them.
bool has_precision_constraints(const Network& network, const BuilderConfig& config);
/// An error where the configuration asks for what this machine has not.
carnot::Status check_devices(const BuilderConfig& config);
/// What an engine answers with that is not of ours: see plan_facts.h.
std::map<std::string, std::string> facts_of(const Network& network, const BuilderConfig& config);

}  // namespace trt
