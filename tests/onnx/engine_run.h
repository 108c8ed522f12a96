#pragma once
// A model run as a user runs it: built for this CPU, then executed.
#include <string>
#include <vector>

#include "base/budget.h"
#include "carnot/tensor.h"

namespace carnot {

/// Whether this build has what run_engine() needs.
bool has_engine();
Result<std::vector<Tensor>> run_engine(const std::string& model, const std::vector<Tensor>& inputs,
                                       const Budget& budget);

}  // namespace carnot
