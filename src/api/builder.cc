// build(): checks what the caller asked for, then hands it to build/build.cc.
#include "carnot/builder.h"

#include <charconv>
#include <chrono>
#include <new>

#include "base/file.h"
#include "build/build.h"
#include "device/cuda/cuda.h"
#include "engine/engine_file.h"
#include "passes/passes.h"
#include "tactics/code_cache.h"

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

// What is built for, and the device itself where candidates can be measured on it.
struct Target {
  DeviceDescription description;
  std::unique_ptr<Device> device;  // null: the tuner makes a CPU, or nothing is measured
  bool little_shared = false;      // less shared memory may be used than there is
};

// "cpu", "cuda" (the first GPU), "cuda:1", "cuda:sm_90a" (a typical one, which need not be here),
// or a description as `carnot devices` prints it.
Result<Target> resolve(const BuilderOptions& options) {
  constexpr std::string_view kKind = "cuda:sm_";
  const std::string& name = options.device;
  Target out;
  if (name == "cpu") {
    out.description = describe_cpu();
    if (options.threads > 0) out.description.threads = options.threads;
    return out;
  }
  if (name.find(' ') != std::string::npos) {
    CARNOT_ASSIGN(out.description, parse_device(name));
    return out;
  }
  if (name.compare(0, kKind.size(), kKind) == 0) {
    CARNOT_ASSIGN(out.description, typical_gpu(name.substr(name.find("sm_"))));
    return out;
  }
  const std::optional<GpuName> gpu = parse_gpu_name(name);
  if (!gpu) {
    return error(Code::kInvalidArgument, "there is no device '", name,
                 "': use cpu, cuda, cuda:1 (the second GPU) or cuda:sm_90a (a GPU of that kind, "
                 "without measuring)");
  }
  auto device = make_cuda_device(*gpu);
  if (!device.ok()) {
    return std::move(device).status().with(
        cat("building for ", name, " (cuda:sm_90a builds for such a GPU without having one)"));
  }
  out.device = std::move(*device);
  out.description = out.device->description();
  if (options.effort > 0) add_gpu_libraries(out.description);
  return out;
}

// A name that means nothing would switch off nothing, and nobody would know.
Status check_tactics(const std::vector<std::string>& names, const DeviceDescription& device) {
  DeviceDescription gpu;  // a script may switch off libraries whatever it builds for
  gpu.kind = "cuda";
  for (const std::string& name : names) {
    std::string known;
    bool found = false;
    for (const DeviceDescription& each : {device, gpu}) {
      for (const Tactic& tactic : tactics_of(each)) {
        found = found || is_called(tactic, name);
        if (each.kind == device.kind) known += cat(known.empty() ? "" : ", ", tactic.name);
      }
    }
    if (!found) {
      return error(Code::kInvalidArgument, "no tactic is named '", name, "'; there are: ", known);
    }
  }
  return {};
}

KernelCandidates shown(const Offers& offers) {
  KernelCandidates out{offers.name, offers.key, offers.inputs, offers.outputs, {}, offers.chosen};
  for (const Offer& o : offers.list) {
    out.candidates.push_back({o.tactic, o.predicted_us, o.measured_us, o.scratch_bytes});
  }
  return out;
}

BuildOptions internal_options(const BuilderOptions& options, const Target& target, Budget& budget,
                              TimingCache& cache, CodeCache& code) {
  BuildOptions out;
  out.device = target.description;
  out.tune.measure_on = target.device.get();
  out.threads = options.threads;
  out.storage = options.storage;
  out.tune.effort = options.effort;
  out.tune.tf32 = options.tf32;
  out.tune.excluded = options.exclude_tactics;
  out.tune.scratch_bytes_max = options.scratch_bytes_max;
  if (options.choose) {
    out.tune.choose = [&options](const Offers& offers) { return options.choose(shown(offers)); };
  }
  for (const Tactic& tactic : tactics_of(target.description)) {
    // Nobody knows beforehand how much a library's kernels take.
    if (tactic.library && target.little_shared) out.tune.excluded.push_back(tactic.library);
  }
  out.tune.budget = &budget;
  out.tune.cache = &cache;
  out.tune.code = &code;
  if (options.progress) {
    out.tune.progress = [&options](const TuneProgress& p) {
      options.progress({"tuning", p.done, p.total, p.elapsed_s, p.eta_s});
    };
  }
  out.passes.print_after = options.print_after;
  out.passes.budget = &budget;
  out.passes.keep_f32 = options.keep_f32;
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
  summary->time_by = report.shares;
  summary->scratch_bytes = report.scratch_bytes;
  for (Choice& c : report.choices) {
    summary->candidates.push_back(shown(c.offers));
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
  CARNOT_ASSIGN(Target target, resolve(options));
  if (options.shared_bytes_max > 0) {
    int64_t& shared = target.description.shared_bytes;
    target.little_shared = options.shared_bytes_max < shared;
    shared = std::min(shared, options.shared_bytes_max);
  }
  CARNOT_RETURN_IF_ERROR(check_tactics(options.exclude_tactics, target.description));
  Budget::Limits limits;
  if (options.memory_bytes > 0) limits.bytes = options.memory_bytes;
  limits.cancel = options.cancel;
  Budget budget(limits);
  TimingCache cache;
  CodeCache code;
  // Machine code that was compiled before stands beside the times; for a CPU it is made in no time.
  const bool keeps_code = !options.timing_cache.empty() && target.description.kind == "cuda";
  const std::string code_path = options.timing_cache + ".code";
  if (!options.timing_cache.empty()) CARNOT_RETURN_IF_ERROR(cache.load(options.timing_cache));
  if (keeps_code) CARNOT_RETURN_IF_ERROR(code.load(code_path));
  if (options.timing_cache_text) cache.parse(*options.timing_cache_text);
  if (options.code_cache_text) code.parse(*options.code_cache_text);
  BuildReport report;
  const BuildOptions internal = internal_options(options, target, budget, cache, code);
  CARNOT_ASSIGN(EngineFile file, build_engine(network.graph(), internal, &report));
  if (!options.timing_cache.empty()) CARNOT_RETURN_IF_ERROR(cache.save(options.timing_cache));
  if (keeps_code) CARNOT_RETURN_IF_ERROR(code.save(code_path));
  if (options.timing_cache_text) *options.timing_cache_text = cache.print();
  if (options.code_cache_text) *options.code_cache_text = code.print();
  for (const auto& [key, value] : options.metadata) file.metadata[key] = value;
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
