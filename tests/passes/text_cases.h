#pragma once
// Test cases kept as text, in files that --bless rewrites:
//   //! name of the case
//   //! passes: fold_constants, simplify_views      (also `canonicalize`, `fuse`, `lower`)
//   //! kernels report                              (optional: as for a GPU: PassOptions)
//   //! notes                                       (optional: near misses are expected too)
//   graph ...
//   //! expect
//   graph ... or `error: ...`
#include <string>
#include <vector>

namespace carnot {

struct TextCase {
  std::string name, passes, input, expect;
  bool notes = false, kernels_report = false;
};
std::vector<TextCase> read_cases(const std::string& path);
void write_cases(const std::string& path, const std::vector<TextCase>& cases);
/// Without spaces at the end.
std::string trimmed(std::string text);

}  // namespace carnot
