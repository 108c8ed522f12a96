#pragma once
// The kernels of tests/kernels with sizes and operands, for the tests of code generators: the files
// *.kernel, whose first lines say `// symbols: n=3 h=5`, `// fill: provoking`, `// tolerance:
// 1e-6`, and the cases of *.kernels that are right.
#include <string>
#include <vector>

#include "kernel/kernel.h"

namespace carnot {

struct StoredKernel {
  std::string name;
  Kernel kernel;
  Symbols symbols;
  std::vector<Tensor> inputs;
  double tolerance = 2e-6;
};

/// Filled inputs for a kernel.
Result<std::vector<Tensor>> make_inputs(const Kernel& kernel, const Symbols& symbols, uint64_t seed,
                                        bool provoking);
Result<StoredKernel> read_stored_kernel(const std::string& path);
/// The *.kernel files.
std::vector<std::string> kernel_files();
/// The files and the cases, in order of their names.
Result<std::vector<StoredKernel>> all_stored_kernels();

}  // namespace carnot
