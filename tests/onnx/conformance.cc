// The conformance runner: the ONNX backend suite against the reference executor or the engine.
// Ends with 0 only if nothing is wrong or crashed, every failure is in the skip list, and every
// line of the skip list is still needed. 77 where the suite's data is not there.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "tests/onnx/engine_run.h"
#include "tests/onnx/summary.h"
#include "tests/onnx/workers.h"

namespace carnot {
namespace {

constexpr const char* kUsage =
    "usage: conformance [OPTION]...\n"
    "  --data DIR      backend/test/data of the onnx package (tests/onnx/fetch.py gets it)\n"
    "  --skip FILE     cases that may fail, with reasons (default: none)\n"
    "  --suite NAME    node, simple, pytorch-converted, pytorch-operator, light; may be repeated\n"
    "  --filter TEXT   only cases whose name contains TEXT\n"
    "  --device NAME   reference (default), cpu or cuda\n"
    "  --effort N      of builds for a device, 0 (default) to 5\n"
    "  --jobs N        worker processes (default: one per core; 0: none, for debuggers)\n"
    "  --isolate       a fresh process for each case\n"
    "  --seconds S     the deadline of a case (default: 60, light models 900)\n"
    "  --json FILE     counts per suite and operator, and each case\n"
    "  --docs FILE     writes docs/conformance.md\n"
    "  --same-docs FILE  complains where that page is not what this run would write\n"
    "  --verbose       a line for each case, not only for complaints\n";
constexpr int kUsageError = 2, kNoData = 77;

struct Options {
  std::string data, skip, filter, json, docs, same_docs, device = "reference";
  std::vector<std::string> suites;
  WorkerOptions workers;
  double seconds = 0;
  bool verbose = false;
};

Result<Options> parse(const std::vector<std::string>& args) {
  Options out;
  out.workers.jobs = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  std::string jobs, seconds, suite, effort;
  const std::pair<const char*, std::string*> texts[] = {
      {"--data", &out.data},     {"--skip", &out.skip},
      {"--suite", &suite},       {"--json", &out.json},
      {"--filter", &out.filter}, {"--device", &out.device},
      {"--docs", &out.docs},     {"--same-docs", &out.same_docs},
      {"--jobs", &jobs},         {"--seconds", &seconds},
      {"--effort", &effort}};
  for (size_t i = 0; i < args.size(); ++i) {
    bool known = true;
    if (args[i] == "--isolate") {
      out.workers.isolate = true;
    } else if (args[i] == "--verbose") {
      out.verbose = true;
    } else {
      known = false;
    }
    for (const auto& [name, value] : texts) {
      if (known || args[i] != name) continue;
      if (i + 1 == args.size()) return error(Code::kInvalidArgument, name, " needs a value");
      *value = args[++i];
      known = true;
    }
    if (!known) return error(Code::kInvalidArgument, "unknown option ", args[i]);
    if (!suite.empty()) out.suites.push_back(std::exchange(suite, {}));
  }
  if (out.suites.empty()) out.suites.assign(std::begin(kSuites), std::end(kSuites));
  if (!jobs.empty()) out.workers.jobs = std::clamp(std::atoi(jobs.c_str()), 0, 256);
  if (!effort.empty()) out.workers.run.effort = std::clamp(std::atoi(effort.c_str()), 0, 5);
  if (!seconds.empty()) out.seconds = std::max(0.0, std::atof(seconds.c_str()));
  if (out.device != "reference" && out.device != "cpu" && out.device != "cuda") {
    return error(Code::kInvalidArgument, "--device is reference, cpu or cuda, not ", out.device);
  }
  out.workers.run.device = out.device == "cpu"    ? Device::kCpu
                           : out.device == "cuda" ? Device::kCuda
                                                  : Device::kReference;
  if (out.workers.run.device != Device::kReference && !has_engine()) {
    return error(Code::kInvalidArgument, "this build has no engine; use --device reference");
  }
  if (out.data.empty()) return error(Code::kInvalidArgument, "--data is needed");
  return out;
}

Result<std::vector<Case>> selected_cases(const Options& options) {
  CARNOT_ASSIGN(const std::vector<Case> all, find_cases(options.data, options.suites));
  std::vector<Case> cases;
  for (const Case& c : all) {
    if (c.id().find(options.filter) == std::string::npos) continue;
    cases.push_back(c);
    if (options.seconds > 0) cases.back().seconds = options.seconds;
  }
  return cases;
}

/// Runs everything; prints complaints as they come. The number of complaints.
Result<int> run(const Options& options) {
  CARNOT_ASSIGN(const std::vector<Case> cases, selected_cases(options));
  SkipList skips;
  if (!options.skip.empty()) {
    CARNOT_ASSIGN(skips, SkipList::read(options.skip));
  }
  std::vector<Finding> findings;
  for (const Case& c : cases) {
    findings.push_back({c, {}, skips.find(c.id()), operators_of(c.model)});
  }
  const auto begin = std::chrono::steady_clock::now();
  int complaints = 0;
  std::fflush(stdout);  // or each worker would print it again
  CARNOT_RETURN_IF_ERROR(run_cases(cases, options.workers, [&](size_t i, const Outcome& outcome) {
    findings[i].outcome = outcome;
    const std::string complaint = findings[i].complaint();
    complaints += complaint.empty() ? 0 : 1;
    if (complaint.empty() && !options.verbose) return;
    const std::string text = !complaint.empty()      ? complaint
                             : findings[i].skipped() ? "skipped: " + *findings[i].skip
                                                     : "passed";
    std::printf("%s: %s\n", cases[i].id().c_str(), text.c_str());
  }));
  const bool whole = options.filter.empty() && options.suites.size() == std::size(kSuites);
  for (const std::string& pattern : whole ? skips.unused() : std::vector<std::string>()) {
    std::printf("%s: no case matches this line of the skip list: remove it\n", pattern.c_str());
    ++complaints;
  }
  for (const auto& [suite, totals] : totals_of(findings)) {
    std::printf("%-18s %s\n", suite.c_str(), to_string(totals).c_str());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.1f s on %d processes, device %s\n", took.count(), options.workers.jobs,
              options.device.c_str());
  if (!options.json.empty()) {
    CARNOT_RETURN_IF_ERROR(atomic_write(options.json, json_of(findings)));
  }
  if (!options.docs.empty()) {
    CARNOT_RETURN_IF_ERROR(atomic_write(options.docs, document_of(findings, options.device)));
  }
  if (!options.same_docs.empty()) {
    CARNOT_ASSIGN(const std::string page, read_file(options.same_docs));
    if (page != document_of(findings, options.device)) {
      std::printf("%s is not what this run found: write it again with --docs\n",
                  options.same_docs.c_str());
      ++complaints;
    }
  }
  return complaints;
}

}  // namespace
}  // namespace carnot

int main(int argc, char** argv) {
  using namespace carnot;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // complaints are read while it runs
  const auto options = parse({argv + 1, argv + argc});
  if (!options.ok()) {
    std::fprintf(stderr, "conformance: %s\n%s", options.status().message().c_str(), kUsage);
    return kUsageError;
  }
  if (!std::filesystem::exists(options->data)) {
    std::fprintf(stderr, "conformance: no data at %s: run tests/onnx/fetch.py\n",
                 options->data.c_str());
    return kNoData;
  }
  const auto complaints = run(*options);
  if (!complaints.ok()) {
    std::fprintf(stderr, "conformance: %s\n", to_string(complaints.status()).c_str());
    return 1;
  }
  return *complaints == 0 ? 0 : 1;
}
