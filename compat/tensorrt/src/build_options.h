#pragma once
// From an IBuilderConfig to our options: profiles, what the engine must remember, progress.
#include "carnot/builder.h"
#include "config.h"
#include "network.h"
#include "plan_facts.h"

namespace trt {

using Ranges = std::map<std::string, carnot::Profile>;
/// Sizes for every input that has some that differ from run to run, of each profile that has sizes
/// of its own; `parts` says which of them is which profile's. An error where a profile is missing
/// or contradicts the network.
carnot::Result<std::vector<Ranges>> ranges_of(const Network& network, const BuilderConfig& config,
                                              std::vector<int32_t>& parts);
/// The sizes that a profile leaves no choice of, by symbol.
Network::Sizes fixed_sizes(const Network& network, const Ranges& ranges);
/// Flags and layers' precisions as our options; warns of what has no effect here, and is an error
/// where that must be obeyed.
carnot::Status set_precisions(Network& network, const BuilderConfig& config,
                              const Reporter& reporter, carnot::BuilderOptions& options);
/// Whether layers compute in the precisions that were set on them.
bool has_precision_constraints(const Network& network, const BuilderConfig& config);
/// An error where the configuration asks for what this machine has not.
carnot::Status check_devices(const BuilderConfig& config);
/// What the sizes of a network's inputs are in its profiles.
SizeRanges size_ranges_of(const Network& network,
                          const std::map<std::string, carnot::Profile>& profiles);
/// What an engine answers with that is not of ours: see plan_facts.h.
PlanFacts facts_of(const Network& network, const BuilderConfig& config);

}  // namespace trt
