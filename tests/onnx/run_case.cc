// Runs one case: import, then per data set run and compare.
#include "tests/onnx/run_case.h"

#include <algorithm>
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

/// What the case feeds and expects. Light models come without inputs: those need the graph.
Result<std::vector<DataSet>> data_of(const Case& c) {
  std::vector<DataSet> sets;
  for (const std::string& folder : c.data_sets) {
    CARNOT_ASSIGN(sets.emplace_back(), read_data_set(folder));
  }
  if (!c.expected.empty()) {
    CARNOT_ASSIGN(sets.emplace_back().outputs, read_expected(c.expected));
  }
  if (sets.empty()) return error(Code::kInvalidArgument, "the case has no data");
  return sets;
}

/// A few integers: axes, sizes, pads and the like, which a compiler wants to know.
bool shapes_the_graph(const Tensor& input) {
  constexpr int64_t kElementsMax = 64;
  return is_integer(input.dtype()) && input.rank() <= 1 && input.elements() <= kElementsMax;
}

/// Imports and runs one data set; with `pin`, the inputs that shape the graph are constants.
Result<std::vector<Tensor>> run(const Case& c, const DataSet& data, bool pin,
                                const RunOptions& how) {
  Budget budget(limits_of(c));
  ImportOptions options;
  options.budget = &budget;
  std::vector<Tensor> inputs;
  if (pin) {
    CARNOT_ASSIGN(const std::vector<std::string> names, input_names(c.model));
    for (size_t i = 0; i < data.inputs.size() && i < names.size(); ++i) {
      const bool constant = shapes_the_graph(data.inputs[i]);
      if (constant) options.input_values.emplace(names[i], data.inputs[i]);
      if (!constant) inputs.push_back(data.inputs[i]);
    }
  } else {
    inputs = data.inputs;
  }
  CARNOT_ASSIGN(Graph graph, import_onnx(std::filesystem::path(c.model), options));
  if (Status sound = verify(graph); !sound.ok()) {
    return error(Code::kInternal, "the imported graph is broken: ", sound.message());
  }
  if (!c.expected.empty()) {
    for (const Value* input : graph.inputs()) {
      CARNOT_ASSIGN(inputs.emplace_back(), ramp(input->type()));
    }
  }
  if (how.device != Device::kReference) {
    const char* const device = how.device == Device::kCpu ? "cpu" : "cuda";
    return run_engine(std::move(graph), inputs, how.effort, device);
  }
  return execute(graph, inputs, budget);
}

/// Whether the message tells to give what is an input of the model as a constant.
bool asks_to_pin(const Status& status) {
  return status.code() == Code::kUnsupported ||
         status.message().find("pin the input shapes") != std::string::npos;
}

Outcome refused(const Status& status) {
  return {Verdict::kRefused, 0, to_string(status), false};
}

Outcome run_guarded(const Case& c, const RunOptions& how) {
  const auto sets = data_of(c);
  if (!sets.ok()) {
    // A model that is refused explains itself better than data of a kind that it would not take.
    const auto graph = import_onnx(std::filesystem::path(c.model));
    return refused(graph.ok() ? Status(sets.status()).with("test data") : graph.status());
  }
  Outcome outcome{Verdict::kPassed, 0, {}, false};
  for (const DataSet& data : *sets) {
    auto got = run(c, data, false, how);
    const bool pinnable = std::any_of(data.inputs.begin(), data.inputs.end(), shapes_the_graph);
    if (!got.ok() && asks_to_pin(got.status()) && pinnable) {
      if (auto again = run(c, data, true, how); again.ok()) {
        got = std::move(again);
        outcome.pinned = true;
      }
    }
    if (!got.ok()) return refused(got.status());
    outcome.reason = differences(*got, data.outputs, c);
    if (!outcome.reason.empty()) outcome.verdict = Verdict::kWrong;
    if (outcome.verdict != Verdict::kPassed) break;
  }
  return outcome;
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

Outcome run_case(const Case& c, const RunOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  Outcome outcome = run_guarded(c, options);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  outcome.milliseconds = took.count();
  for (char& ch : outcome.reason) {
    if (ch == '\n') ch = ' ';
  }
  return outcome;
}

}  // namespace carnot
