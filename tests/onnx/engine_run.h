#pragma once
// A graph run as a user's model is: built for this CPU, then executed.
#include <vector>

#include "ir/graph.h"

namespace carnot {

/// Whether this build has what run_engine() needs.
bool has_engine();
Result<std::vector<Tensor>> run_engine(Graph graph, const std::vector<Tensor>& inputs, int effort);

}  // namespace carnot
