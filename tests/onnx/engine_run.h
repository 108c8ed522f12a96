#pragma once
// A graph run as a user's model is: built for a device of this machine, then executed.
#include <string>
#include <vector>

#include "ir/graph.h"

namespace carnot {

/// Whether this build has what run_engine() needs.
bool has_engine();
Result<std::vector<Tensor>> run_engine(Graph graph, const std::vector<Tensor>& inputs, int effort,
                                       const std::string& device);

}  // namespace carnot
