#pragma once
// Cases of tests/kernels/*.kernels, several a file, which --bless rewrites:
//   //! name of the case
//   //! sizes: n = 3, h = 7                     (optional: symbols)
//   //! input 1: i64[2] {0, 2}                  (optional; the others are filled from a seed)
//   kernel ...
//   //! contraction                             (optional)
//   what as_contraction() says
//   //! reference                               (optional)
//   graph ...                                   inputs and results as the kernel's; what lowering
//                                               makes of it is run as well
//   //! error                                   (optional, instead of the two)
//   what parse_kernel(), verify() or interpret() say
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "kernel/kernel.h"

namespace carnot {

struct KernelCase {
  std::string name;
  std::vector<std::string> settings;  ///< "sizes: ...", "input 1: ..."
  std::string kernel;
  std::optional<std::string> contraction, reference, error;
};
std::vector<KernelCase> read_kernel_cases(const std::string& path);
void write_kernel_cases(const std::string& path, const std::vector<KernelCase>& cases);

/// The operands that the settings say, and the sizes.
Result<std::vector<Tensor>> inputs_of(const KernelCase& test, const Kernel& kernel, Symbols* sizes);

/// Parses, verifies, prints, interprets and compares. `blessed` is the case as it should read.
Status run_kernel_case(const KernelCase& test, KernelCase* blessed);

}  // namespace carnot
