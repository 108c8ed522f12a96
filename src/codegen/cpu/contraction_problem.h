#pragma once
// The neutral view of a contraction, and what the CPU's generator asks of it.
#include "codegen/contraction_problem.h"
#include "codegen/cpu/contraction.h"

namespace carnot::cpu {

/// Whether a tactic's choices hold for a problem; a tactic may come from a file.
Status why_not(const ContractionProblem& problem, const ContractionQuery& query,
               const ContractionTactic& tactic);

}  // namespace carnot::cpu
