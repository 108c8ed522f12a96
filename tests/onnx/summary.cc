// Totals of a run of the ONNX backend suite, as text and as JSON.
#include "tests/onnx/summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "onnx/reader.h"

namespace carnot {

std::string Finding::complaint() const {
  switch (outcome.verdict) {
    case Verdict::kPassed:
      return skip == nullptr ? "" : "passes, but the skip list has it: remove the line";
    case Verdict::kRefused:
      return skip != nullptr ? "" : "failed: " + outcome.reason;
    case Verdict::kWrong:
      return "wrong: " + outcome.reason;
    case Verdict::kCrashed:
      break;
  }
  return "crashed: " + outcome.reason;
}

void Totals::add(const Finding& finding) {
  ++cases;
  seconds += finding.outcome.milliseconds / 1000;
  pinned += finding.outcome.pinned ? 1 : 0;
  switch (finding.outcome.verdict) {
    case Verdict::kPassed:
      ++passed;
      break;
    case Verdict::kRefused:
      ++(finding.skip != nullptr ? skipped : failed);
      break;
    case Verdict::kWrong:
      ++wrong;
      break;
    case Verdict::kCrashed:
      ++crashed;
      break;
  }
}

std::string to_string(const Totals& t) {
  return cat(t.passed, " of ", t.cases, " passed (", t.pinned, " with shape operands given), ",
             t.skipped, " skipped, ", t.failed, " failed, ", t.wrong, " wrong, ", t.crashed,
             " crashed");
}

std::vector<std::pair<std::string, Totals>> totals_of(const std::vector<Finding>& findings) {
  std::vector<std::pair<std::string, Totals>> rows;
  Totals all;
  for (const char* suite : kSuites) {
    Totals totals;
    for (const Finding& f : findings) {
      if (f.test.suite == suite) totals.add(f);
    }
    if (totals.cases > 0) rows.emplace_back(suite, totals);
  }
  for (const Finding& f : findings) all.add(f);
  rows.emplace_back("total", all);
  return rows;
}

std::vector<std::string> operators_of(const std::string& model) {
  std::set<std::string> names;
  const auto file = onnx::read_model(std::filesystem::path(model));
  if (!file.ok()) return {};
  const auto add = [&](const auto& nodes) {
    for (const onnx::NodeProto& node : nodes) {
      std::string name(node.op_type);
      if (!node.domain.empty() && node.domain != "ai.onnx") {
        name = std::string(node.domain) + "." + name;
      }
      names.insert(name);
    }
  };
  add(file->model.graph.nodes);
  return {names.begin(), names.end()};
}

std::string json_of(const std::vector<Finding>& findings) {
  nlohmann::ordered_json out;
  for (const auto& [suite, t] : totals_of(findings)) {
    out["suites"][suite] = {{"cases", t.cases},     {"passed", t.passed},  {"pinned", t.pinned},
                            {"skipped", t.skipped}, {"failed", t.failed},  {"wrong", t.wrong},
                            {"crashed", t.crashed}, {"seconds", t.seconds}};
  }
  std::map<std::string, Totals> ops;
  for (const Finding& f : findings) {
    for (const std::string& op : f.ops) ops[op].add(f);
  }
  for (const auto& [op, t] : ops) {
    out["ops"][op] = {{"cases", t.cases}, {"passed", t.passed}};
  }
  for (const Finding& f : findings) {
    nlohmann::ordered_json row = {
        {"case", f.test.id()},
        {"verdict", f.skipped() ? "skipped" : to_string(f.outcome.verdict)},
        {"milliseconds", f.outcome.milliseconds}};
    if (!f.outcome.reason.empty()) row["reason"] = f.outcome.reason;
    out["cases"].push_back(std::move(row));
  }
  // Names in a model are bytes; what is not UTF-8 is shown as such.
  return out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace carnot
