#pragma once
// Running generated kernels in tests: operands end at unreadable pages, tasks are split unevenly,
// scratch is poisoned, outputs are checked for stray writes.
#include <functional>
#include <string>
#include <vector>

#include "codegen/cpu/module.h"
#include "kernel/kernel.h"

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

/// A kernel in a text file, with what its first lines say: `// symbols: n=3 h=5`,
/// `// fill: provoking`, `// tolerance: 1e-6`.
struct KernelCase {
  std::string name;
  Kernel kernel;
  Symbols symbols;
  std::vector<Tensor> inputs;
  double tolerance = 2e-6;
};
Result<KernelCase> read_case(const std::string& path);
/// All of tests/kernels.
std::vector<std::string> kernel_files();
/// Filled inputs for a kernel.
Result<std::vector<Tensor>> make_inputs(const Kernel& kernel, const Symbols& symbols, uint64_t seed,
                                        bool provoking);

}  // namespace carnot::cpu
