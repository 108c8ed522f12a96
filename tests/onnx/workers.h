#pragma once
// Worker processes: a case that crashes or never ends costs one process and is a report.
#include <functional>
#include <vector>

#include "tests/onnx/run_case.h"

namespace carnot {

struct WorkerOptions {
  int jobs = 1;          ///< processes; 0 runs all cases in this one (for debuggers)
  bool isolate = false;  ///< a fresh process for each case
  RunOptions run;
};
/// Called in this process, in order of completion.
using Report = std::function<void(size_t index, const Outcome& outcome)>;

Status run_cases(const std::vector<Case>& cases, const WorkerOptions& options,
                 const Report& report);

}  // namespace carnot
