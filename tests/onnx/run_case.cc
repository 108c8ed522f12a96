// Runs one case: import, then per data set run and compare.
#include "tests/onnx/run_case.h"

#include <chrono>
#include <span>

#include "base/budget.h"
#include "ir/executor.h"
#include "onnx/importer.h"
#include "ops/op.h"
#include "tests/onnx/engine_run.h"

namespace carnot {
namespace {

// More than any case needs, and less than the machines that run them have.
constexpr int64_t kBytesMax = int64_t{6} << 30;

Budget::Limits limits_of(const Case& c) {
  Budget::Limits limits;
  limits.bytes = kBytesMax;
  limits.time = std::chrono::milliseconds(static_cast<int64_t>(c.seconds * 1000));
  return limits;
}

/// Empty where all outputs agree.
std::string differences(const std::vector<Tensor>& got, const std::vector<Tensor>& want,
                        const Case& c) {
  if (got.size() != want.size()) return cat(got.size(), " outputs, expected ", want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const Difference d = compare(got[i], want[i], {c.atol, c.rtol, false});
    if (!d.ok) return cat("output ", i, ": ", d.first);
  }
  return {};
}

Result<std::vector<DataSet>> data_of(const Case& c, const Graph& graph) {
  std::vector<DataSet> sets;
  for (const std::string& folder : c.data_sets) {
    CARNOT_ASSIGN(sets.emplace_back(), read_data_set(folder));
  }
  if (!c.expected.empty()) {
    DataSet made;
    for (const Value* input : graph.inputs()) {
      CARNOT_ASSIGN(made.inputs.emplace_back(), ramp(input->type()));
    }
    CARNOT_ASSIGN(made.outputs, read_expected(c.expected));
    sets.push_back(std::move(made));
  }
  if (sets.empty()) return error(Code::kInvalidArgument, "the case has no data");
  return sets;
}

Result<std::vector<Tensor>> run(const Case& c, const Graph& graph, const DataSet& data,
                                Device device, Budget& budget) {
  if (device == Device::kCpu) return run_engine(c.model, data.inputs, budget);
  return execute(graph, data.inputs, budget);
}

Outcome run_guarded(const Case& c, Device device) {
  Budget budget(limits_of(c));
  ImportOptions options;
  options.budget = &budget;
  auto graph = import_onnx(std::filesystem::path(c.model), options);
  if (!graph.ok()) return {Verdict::kRefused, 0, to_string(graph.status())};
  if (Status sound = verify(*graph); !sound.ok()) {
    return {Verdict::kWrong, 0, "the imported graph is broken: " + to_string(sound)};
  }
  const auto sets = data_of(c, *graph);
  if (!sets.ok()) return {Verdict::kRefused, 0, "test data: " + to_string(sets.status())};
  for (const DataSet& data : *sets) {
    const auto got = run(c, *graph, data, device, budget);
    if (!got.ok()) return {Verdict::kRefused, 0, to_string(got.status())};
    std::string difference = differences(*got, data.outputs, c);
    if (!difference.empty()) return {Verdict::kWrong, 0, std::move(difference)};
  }
  return {Verdict::kPassed, 0, {}};
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kWrong:
      return "wrong";
    case Verdict::kRefused:
      return "refused";
    case Verdict::kCrashed:
      break;
  }
  return "crashed";
}

Outcome run_case(const Case& c, Device device) {
  const auto begin = std::chrono::steady_clock::now();
  Outcome outcome = run_guarded(c, device);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  outcome.milliseconds = took.count();
  for (char& ch : outcome.reason) {
    if (ch == '\n') ch = ' ';
  }
  return outcome;
}

}  // namespace carnot
