// build(): checks what the caller asked for, then hands it to build/build.cc.
#include "carnot/builder.h"

#include <chrono>
#include <new>

#include "base/file.h"
#include "build/build.h"
#include "engine/engine_file.h"
#include "passes/passes.h"

namespace carnot {

namespace {

Status check_profiles(const Network& network, const BuilderOptions& options) {
  for (const auto& [name, p] : options.profiles) {
    const std::vector<TensorSpec> inputs = network.inputs();
    const auto it = std::find_if(inputs.begin(), inputs.end(),
                                 [&, &key = name](const TensorSpec& s) { return s.name == key; });
    if (it == inputs.end()) {
      std::string have;
      for (const TensorSpec& s : inputs) have += (have.empty() ? "" : ", ") + s.name;
      return error(Code::kInvalidArgument, "no input is named '", name, "'; there are: ", have);
    }
    const size_t rank = it->type.dims.size();
    if (p.min.size() != rank || p.opt.size() != rank || p.max.size() != rank) {
      return error(Code::kInvalidArgument, "input '", name, "' is ", to_string(it->type),
                   ": its shapes need ", rank, " sizes");
    }
    for (size_t i = 0; i < rank; ++i) {
      if (p.min[i] < 0 || p.min[i] > p.opt[i] || p.opt[i] > p.max[i]) {
        return error(Code::kInvalidArgument, "input '", name, "', axis ", i, ": ", p.min[i], ":",
                     p.opt[i], ":", p.max[i], " is not MIN <= OPT <= MAX");
      }
    }
  }
  return {};
}

BuildOptions internal_options(const BuilderOptions& options, Budget& budget, TimingCache& cache) {
  BuildOptions out;
  out.device = describe_cpu();
  if (options.threads > 0) out.device.threads = options.threads;
  out.threads = options.threads;
  out.storage = options.storage;
  out.tune.effort = options.effort;
  out.tune.excluded = options.exclude_tactics;
  out.tune.budget = &budget;
  out.tune.cache = &cache;
  if (options.progress) {
    out.tune.progress = [&options](const TuneProgress& p) {
      options.progress({"tuning", p.done, p.total, p.elapsed_s, p.eta_s});
    };
  }
  out.passes.print_after = options.print_after;
  out.passes.budget = &budget;
  if (options.stop_after >= 0) out.passes.rewrites_max = options.stop_after;
  if (options.dump) {
    out.passes.print = [&options](std::string_view pass, const std::string& text) {
      options.dump(cat("after ", pass), text);
    };
  }
  out.dumps = options.dumps;
  out.dump = options.dump;
  for (const auto& [name, p] : options.profiles) out.profile[name] = {p.min, p.opt, p.max};
  return out;
}

void fill_summary(BuildReport& report, double seconds, BuildSummary* summary) {
  if (!summary) return;
  summary->total_s = seconds;
  for (const auto& s : report.stages) summary->stages_ms.push_back({s.name, s.milliseconds});
  for (Choice& c : report.choices) {
    const std::string tactic = c.candidate.variant.empty()
                                   ? std::string(c.tactic->name)
                                   : cat(c.tactic->name, '[', c.candidate.variant, ']');
    summary->kernels.push_back({c.origin, tactic, c.note, c.candidate.predicted_us, c.measured_us,
                                std::move(c.tried), std::move(c.refused), std::move(c.wrong)});
  }
  for (const Note& n : report.notes) {
    summary->notes.push_back(cat(n.pass, ": ", n.node, ": ", n.reason));
  }
}

Result<std::vector<std::byte>> build_bytes(Network& network, const BuilderOptions& options,
                                           BuildSummary* summary) {
  const auto start = std::chrono::steady_clock::now();
  if (options.device != "cpu") {
    return error(Code::kUnsupported, "device '", options.device,
                 "' is not one of this build's: use cpu");
  }
  if (options.effort < 0 || options.effort > 5) {
    return error(Code::kInvalidArgument, "effort ", options.effort, " is not between 0 and 5");
  }
  if (options.storage != DType::kF32 && options.storage != DType::kF16 &&
      options.storage != DType::kBF16) {
    return error(Code::kInvalidArgument, "storage type ", to_string(options.storage),
                 ": f32, f16 and bf16 are possible");
  }
  const std::string& pass = options.print_after;
  if (!pass.empty() && pass != "all" && find_pass(pass) == nullptr) {
    std::string names;
    for (const PassRow& row : all_passes()) names += cat(' ', row.name);
    return error(Code::kInvalidArgument, "no pass is named '", pass, "'; there are:", names);
  }
  CARNOT_RETURN_IF_ERROR(check_profiles(network, options));
  Budget::Limits limits;
  if (options.memory_bytes > 0) limits.bytes = options.memory_bytes;
  limits.cancel = options.cancel;
  Budget budget(limits);
  TimingCache cache;
  if (!options.timing_cache.empty()) CARNOT_RETURN_IF_ERROR(cache.load(options.timing_cache));
  BuildReport report;
  const BuildOptions internal = internal_options(options, budget, cache);
  CARNOT_ASSIGN(EngineFile file, build_engine(network.graph(), internal, &report));
  if (!options.timing_cache.empty()) CARNOT_RETURN_IF_ERROR(cache.save(options.timing_cache));
  auto bytes = serialize_engine(file);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fill_summary(report, seconds.count(), summary);
  return bytes;
}

}  // namespace

Result<std::vector<std::byte>> build(Network network, const BuilderOptions& options,
                                     BuildSummary* summary) {
  try {
    return build_bytes(network, options, summary);
  } catch (const std::bad_alloc&) {
    return error(Code::kOutOfMemory, "building the engine needs more memory than there is");
  }
}

Status save_engine(const std::string& path, std::span<const std::byte> engine) {
  const std::span<const std::byte> parts[] = {engine};
  return atomic_write(path, parts);
}

}  // namespace carnot
