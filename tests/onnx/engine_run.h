#pragma once
// A graph run as a user's model is: built for this CPU, then executed.
#include <vector>

#include "base/budget.h"
#include "ir/graph.h"

namespace carnot {

/// Whether this build has what run_engine() needs.
bool has_engine();
Result<std::vector<Tensor>> run_engine(const Graph& graph, const std::vector<Tensor>& inputs,
                                       const Budget& budget);

}  // namespace carnot
