#pragma once
// Running generated kernels in tests: operands end at unreadable pages, tasks are split unevenly,
// scratch is poisoned, outputs are checked for stray writes.
#include <functional>
#include <string>
#include <vector>

#include "codegen/cpu/module.h"
#include "kernel/kernel.h"
#include "tests/kernels/stored_kernel.h"

namespace carnot::cpu {

using Generate = std::function<Result<GeneratedFunction>(Module&, const std::string& symbol)>;

/// This machine, and the smaller targets that it can run.
std::vector<Target> runnable_targets();

/// Compiles and runs a kernel whose outputs may have strides; results are dense. `buffers` maps the
/// function's arguments to the kernel's buffers; the tensors of `extra` are arguments -1, -2 ...
Result<std::vector<Tensor>> run_generated(const Kernel& kernel, const Generate& generate,
                                          const Target& target, const std::vector<Tensor>& inputs,
                                          const Symbols& symbols,
                                          const std::vector<int>& arguments = {},
                                          const std::vector<Tensor>& extra = {});

}  // namespace carnot::cpu
