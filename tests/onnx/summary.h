#pragma once
// What a run of the suite found: totals, what must be fixed, JSON, and docs/conformance.md.
#include <string>
#include <vector>

#include "tests/onnx/run_case.h"

namespace carnot {

struct Finding {
  Case test;
  Outcome outcome;
  const std::string* skip = nullptr;  ///< the reason in the skip list
  std::vector<std::string> ops;       ///< operators of the model, "domain.Name" outside ai.onnx
  bool skipped() const { return outcome.verdict == Verdict::kRefused && skip != nullptr; }
  /// Why this case fails the run; empty where it does not.
  std::string complaint() const;
};

/// `pinned` counts those of `passed` whose shape operands were given at import.
struct Totals {
  int cases = 0, passed = 0, pinned = 0, skipped = 0, wrong = 0, failed = 0, crashed = 0;
  double seconds = 0;
  void add(const Finding& finding);
};
std::string to_string(const Totals& totals);

/// Per suite and in all, in the order of kSuites; those without cases are left out.
std::vector<std::pair<std::string, Totals>> totals_of(const std::vector<Finding>& findings);

/// The operators of a model file, sorted, each once.
std::vector<std::string> operators_of(const std::string& model);

std::string json_of(const std::vector<Finding>& findings);
/// The page of docs/: totals, then a table of operators by family.
std::string document_of(const std::vector<Finding>& findings, const std::string& device);

}  // namespace carnot
