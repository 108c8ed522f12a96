// The build on one page: passes, then a plan with a kernel for every group, then the choice of a
// tactic for every kernel, then machine code.
#include "build/build.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "build/ways.h"
#include "plan/separate_memory.h"
#include "tactics/code_cache.h"

namespace carnot {

namespace {

class Stopwatch {
 public:
  explicit Stopwatch(BuildReport* report) : report_(report) {}
  void lap(std::string stage) {
    const auto now = std::chrono::steady_clock::now();
    if (report_) {
      report_->stages.push_back(
          {std::move(stage), std::chrono::duration<double, std::milli>(now - last_).count()});
    }
    last_ = now;
  }

 private:
  BuildReport* report_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Sizes to be fast for where the caller named none: a batch of one, and images or sequences of a
// common size. Symbols that a node defines are guessed too: a guess costs time, never a result.
constexpr int64_t kGuessBatch = 1, kGuessSize = 256;

void bind(const Dim& d, int64_t value, Symbols& symbols) {
  if (const auto s = d.as_symbol()) symbols.emplace(*s, value);
}

void guess_all(const Graph& graph, Symbols& symbols) {
  std::vector<std::string> names;
  for (const Node* node : graph.nodes()) {
    for (const Value* v : node->outputs) {
      for (const Dim& d : v->type().dims) d.collect_symbols(names);
    }
    for (const auto& region : node->regions) {
      for (const Value* v : region->inputs()) {
        for (const Dim& d : v->type().dims) d.collect_symbols(names);
      }
      guess_all(*region, symbols);
    }
  }
  for (const std::string& name : names) symbols.emplace(name, kGuessSize);
}

Symbols likely_sizes(const Graph& graph, const BuildOptions& options) {
  Symbols symbols = options.tune.likely;
  for (const Value* v : graph.inputs()) {
    const auto range = options.profile.find(v->name);
    const Dims& dims = v->type().dims;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (range != options.profile.end() && i < range->second.opt.size()) {
        bind(dims[i], range->second.opt[i], symbols);
      } else {
        bind(dims[i], i == 0 ? kGuessBatch : kGuessSize, symbols);
      }
    }
  }
  guess_all(graph, symbols);
  return symbols;
}

/// The most that a step takes: those that no tactic was chosen for are held to the limit here.
Result<int64_t> scratch_of(const Plan& plan, const BuildOptions& options, const Symbols& likely,
                           const Symbols& largest) {
  int64_t most = 0;
  for (const Step& step : plan.steps) {
    CARNOT_ASSIGN(int64_t bytes,
                  scratch_bytes_of(step.scratch_bytes, options.device, likely, largest));
    for (const auto& region : step.regions) {
      CARNOT_ASSIGN(const int64_t inner, scratch_of(*region, options, likely, largest));
      bytes = std::max(bytes, inner);
    }
    const int64_t limit = options.tune.scratch_bytes_max;
    if (limit >= 0 && bytes > limit) {
      return error(Code::kResourceLimit, step.origin.empty() ? "a step" : step.origin[0], ": ",
                   step.tactic, " takes ", bytes, " bytes of scratch memory (workspace), of ",
                   limit, ": raise the limit to that");
    }
    most = std::max(most, bytes);
  }
  return most;
}

bool wanted(const BuildOptions& options, const std::string& what) {
  return options.dump &&
         std::find(options.dumps.begin(), options.dumps.end(), what) != options.dumps.end();
}

// The contractions and the attention of a CPU work on f32 alone: there, half-size storage would
// cost conversions.
bool computes_on_half(const BuildOptions& options) {
  return options.device.kind == "cuda";
}

Status run_phases(Graph& graph, const BuildOptions& options, BuildReport* report,
                  Stopwatch& watch) {
  PassOptions passes = options.passes;
  passes.kernels_report = options.device.kind == "cuda";
  if (report) passes.stats = &report->passes, passes.notes = &report->notes;
  CARNOT_RETURN_IF_ERROR(run_passes(canonicalize_pipeline(), graph, passes));
  watch.lap("canonicalize");
  CARNOT_RETURN_IF_ERROR(run_passes(fuse_pipeline(), graph, passes));
  watch.lap("fuse");
  const Pipeline precision =
      computes_on_half(options) ? precision_pipeline(options.storage) : attention_pipeline();
  CARNOT_RETURN_IF_ERROR(run_passes(precision, graph, passes));
  CARNOT_RETURN_IF_ERROR(run_passes(lower_pipeline(computes_on_half(options)), graph, passes));
  watch.lap("lower");
  return {};
}

// A range is an equation too: s >= min where max(s, min) == s.
void add_profile(const Graph& graph, const BuildOptions& options, EngineFile& file) {
  for (const Value* v : graph.inputs()) {
    const auto range = options.profile.find(v->name);
    if (range == options.profile.end()) continue;
    for (size_t i = 0; i < v->type().dims.size(); ++i) {
      const Dim& d = v->type().dims[i];
      if (d.is_constant()) continue;
      const int64_t low = range->second.min[i], high = range->second.max[i];
      const std::string what =
          cat("input '", v->name, "' was built for sizes ", low, " to ", high, " of axis ", i);
      file.plan.checks.push_back({max(d, Dim(low)), d, what});
      file.plan.checks.push_back({min(d, Dim(high)), d, what});
    }
  }
  for (const auto& [input, range] : options.profile) {
    file.metadata[cat("profile.", input)] =
        cat(to_string(range.min), ':', to_string(range.opt), ':', to_string(range.max));
  }
}

// "k0 cpu.contraction[8x3] 12.1 us": a line for each candidate that was timed, best first.
std::string timings_text(std::span<const PlanShared::Entry> kernels) {
  std::string out;
  for (const PlanShared::Entry& e : kernels) {
    for (const std::string& tried : e.choice->tried) out += cat(e.kernel.name, ' ', tried, '\n');
  }
  return out;
}

std::string shares_text(std::span<const PlanShared::Entry> kernels) {
  std::map<std::string, double> us;
  double total = 0;
  for (const PlanShared::Entry& e : kernels) {
    const double each = e.choice->measured_us * e.uses;
    us[e.choice->tactic->library ? e.choice->tactic->library : "own"] += each;
    total += each;
  }
  std::string out;
  for (const auto& [whose, part] : us) {
    if (total <= 0 || part <= 0) continue;
    char text[64];
    std::snprintf(text, sizeof text, " %.1f%%", 100 * part / total);
    out += cat(out.empty() ? "" : ", ", whose, text);
  }
  return out;
}

}  // namespace

Result<EngineFile> build_engine(Graph& graph, const BuildOptions& options, BuildReport* report) {
  Stopwatch watch(report);
  CARNOT_RETURN_IF_ERROR(run_phases(graph, options, report, watch));
  if (wanted(options, "graph")) options.dump("graph", print(graph));

  PlanShared shared;
  shared.device = &options.device;
  shared.likely = likely_sizes(graph, options);
  PlanBuilder builder(graph, shared);
  CARNOT_RETURN_IF_ERROR(builder.collect());
  std::string kernels_text;
  std::vector<TuneTask> tasks;
  for (PlanShared::Entry& e : shared.kernels) {
    kernels_text += print(e.kernel) + "\n";
    tasks.push_back({&e.kernel, e.constants, e.uses, e.origin});
  }
  if (wanted(options, "kernel")) options.dump("kernel", kernels_text);
  watch.lap("plan");

  TuneOptions tuning = options.tune;
  tuning.likely = shared.likely;
  // Those that take the most memory, as far as the profile tells.
  tuning.largest = profile_sizes(graph, options, shared.likely, &ShapeRange::max);
  std::string state;
  if (!tuning.state) tuning.state = &state;
  CodeCache code;
  if (!tuning.code) tuning.code = &code;
  CARNOT_ASSIGN(std::vector<Choice> choices, tune(tasks, options.device, tuning));
  for (size_t i = 0; i < choices.size(); ++i) {
    PlanShared::Entry& e = shared.kernels[i];
    e.choice = &choices[i];
    e.ways.push_back({e.choice, &shared.likely, 0, nullptr, {}});
  }
  OtherWays others;
  CARNOT_RETURN_IF_ERROR(others.add(graph, options, tuning, tasks, shared));
  watch.lap("tune");

  auto sink = make_code_sink(options.device, options.device.threads, *tuning.code, true);
  shared.sink = sink.get();
  EngineFile file;
  CARNOT_ASSIGN(file.plan, builder.emit());
  CARNOT_ASSIGN(const int64_t scratch,
                scratch_of(file.plan, options, tuning.likely, tuning.largest));
  if (options.device.has_own_memory()) separate_memory(file.plan);
  if (wanted(options, "code")) options.dump("code", sink->text());
  if (options.compile) {
    CARNOT_ASSIGN(file.code, sink->finish());
  }
  file.weights = std::move(shared.weights);
  file.kernels_text = std::move(kernels_text);
  file.timings_text = timings_text(shared.kernels);
  file.metadata["built_by"] = "carnot " CARNOT_VERSION;
  if (!tuning.state->empty()) file.metadata["measured_at"] = *tuning.state;
  const std::string shares = shares_text(shared.kernels);
  if (!shares.empty() && options.device.kind == "cuda") file.metadata["time_by"] = shares;
  file.metadata["effort"] = cat(options.tune.effort);
  add_profile(graph, options, file);
  CARNOT_RETURN_IF_ERROR(verify(file.plan, static_cast<int>(file.weights.size()))
                             .with("the plan that was made is not valid"));
  if (wanted(options, "plan")) options.dump("plan", print(file.plan));
  watch.lap("generate");
  if (report) {
    report->shares = shares;
    report->scratch_bytes = scratch;
    report->choices = std::move(choices);
  }
  return file;
}

}  // namespace carnot
