#include "plan.h"

#include <cstring>

#include "plan_parts.h"

namespace trt {

namespace {

using carnot::Code;
using carnot::Status;

/// What people hand over by mistake, or an empty string.
std::string foreign(const std::vector<std::byte>& bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned>(bytes[i]); };
  const auto begins = [&](const char* with) {
    return bytes.size() >= 4 && std::memcmp(bytes.data(), with, 4) == 0;
  };
  if (begins("ftrt") || begins("ptrt")) {
    // The version stands in the head since 8.5; before, and in what was cut, other things do.
    const bool told = begins("ftrt") && bytes.size() >= 28 && at(24) >= 8 && at(24) <= 12;
    return cat("this is a plan of NVIDIA TensorRT ",
               told ? cat(at(24), '.', at(25), '.', at(26), '.', at(27)) : "(an older version)",
               ", which holds machine code for its own runtime; build the engine again from the "
               "ONNX model or network, here");
  }
  if (bytes.size() < 28) return "";
  if (at(0) == 0x08 && at(1) < 16 && (at(2) == 0x12 || at(2) == 0x3A)) {
    return "this looks like an ONNX model, not a plan: parse it with IParser and build an engine";
  }
  if (at(3) == 0 && at(4) == '{') {
    return "these bytes begin with a length and JSON, as exporters write before a plan: skip them";
  }
  return "";
}

}  // namespace

int Plan::find(char const* name) const {
  for (size_t i = 0; name && i < tensors.size(); ++i) {
    if (tensors[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

namespace {

std::string layer_name(const carnot::StepInfo& step) {
  std::string out;
  for (const std::string& origin : step.origin) {
    const std::string name = origin.substr(0, origin.rfind(" ("));
    if (!out.empty()) out += " + ";
    out += name;
  }
  return out.empty() ? step.tactic : out;
}

StoredFormat format_of(const std::string& name, const PlanFacts& facts) {
  const auto found = facts.formats.find(name);
  return found == facts.formats.end() ? StoredFormat() : found->second;
}

carnot::Result<carnot::TensorType> visible_type(const carnot::TensorInfo& info,
                                                const PlanFacts& facts) {
  const StoredFormat format = format_of(info.name, facts);
  carnot::TensorType out = info.type;
  out.dims = visible(info.type.dims, format);
  if (stored(out.dims, format.format) == info.type.dims) return out;
  return Status(Code::kCorruptEngine,
                cat("tensor '", info.name, "' is not stored as its format says"));
}

/// The engines, without what a refittable plan has before them.
carnot::Result<std::vector<std::span<const std::byte>>> parts_of(std::span<const std::byte> plan) {
  carnot::Result<std::span<const std::byte>> engines = engines_of(plan);
  return engines.ok() ? split_parts(*engines) : std::move(engines).status();
}

}  // namespace

carnot::Result<std::unique_ptr<PlanPart>> Plan::load(size_t i) const {
  carnot::Result<carnot::EnginePtr> engine =
      carnot::Engine::load(part_bytes_[i], {.device = device.name, .memory = weights_memory.get()});
  if (!engine.ok()) {
    const bool mismatch = engine.status().code() == Code::kVersionMismatch;
    return mismatch ? Status(Code::kVersionMismatch,
                             cat(engine.status().message(), " (the device here is ", device.name,
                                 "; CARNOT_DEVICE=cpu or cuda:0 chooses)"))
                    : std::move(engine).status();
  }
  auto out = std::make_unique<PlanPart>();
  out->engine = std::move(*engine);
  if (Status status = out->plugins.load(out->engine->custom_ops(), source_); !status.ok()) {
    return status;
  }
  carnot::Result<PlanFacts> known = read(out->engine->metadata());
  if (!known.ok()) return std::move(known).status();
  for (const auto* infos : {&out->engine->inputs(), &out->engine->outputs()}) {
    for (const carnot::TensorInfo& info : *infos) {
      carnot::Result<carnot::TensorType> type = visible_type(info, *known);
      if (!type.ok()) return std::move(type).status();
      out->types.push_back(std::move(*type));
    }
  }
  out->steps = out->engine->steps();
  for (const carnot::StepInfo& step : out->steps) out->layer_names.push_back(layer_name(step));
  return out;
}

carnot::Result<carnot::Context> Plan::make_context(const PlanPart& part) const {
  carnot::ContextOptions options;
  if (is_gpu(device)) options.device = device.name;
  options.any_index = true;  // as TensorRT, which does not look
  options.custom = [this, &part](const carnot::op::Custom& op, std::string_view kind) {
    return part.plugins.body(op, kind, allocator);
  };
  return part.engine->make_context(options);
}

carnot::Result<const PlanPart*> Plan::part(int32_t profile) const {
  const auto i = static_cast<size_t>(facts.profiles[static_cast<size_t>(profile)].part);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (parts_[i]) return static_cast<const PlanPart*>(parts_[i].get());
  }
  // Without the lock: the program's allocator and creators may ask for this again.
  carnot::Result<std::unique_ptr<PlanPart>> loaded = load(i);
  if (!loaded.ok()) return std::move(loaded).status();
  if ((*loaded)->types.size() != tensors.size() + debug.size() + unfused.size()) {
    return Status(Code::kCorruptEngine, "the plan's engines have different inputs and outputs");
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!parts_[i]) parts_[i] = std::move(*loaded);
  return static_cast<const PlanPart*>(parts_[i].get());
}

carnot::Result<PlanPtr> read_plan(std::vector<std::byte> bytes, const carnot::DeviceInfo& device,
                                  IGpuAllocator* allocator, const PluginSource& source) {
  const std::string what = foreign(bytes);
  if (!what.empty()) return Status(Code::kVersionMismatch, what);
  auto plan = std::make_shared<Plan>();
  plan->device = device;
  plan->allocator = allocator;
  plan->source_ = source;
  if (allocator) plan->weights_memory = std::make_unique<AllocatorMemory>(allocator);
  plan->bytes = std::move(bytes);
  carnot::Result<std::optional<RefitPlan>> refit = read_refit(plan->bytes);
  if (!refit.ok()) return std::move(refit).status();
  plan->refit = std::move(*refit);
  auto parts = parts_of(plan->bytes);
  if (!parts.ok()) return std::move(parts).status();
  plan->part_bytes_ = std::move(*parts);
  plan->parts_.resize(plan->part_bytes_.size());
  carnot::Result<std::unique_ptr<PlanPart>> first = plan->load(0);
  if (!first.ok()) return std::move(first).status();
  plan->parts_[0] = std::move(*first);
  const carnot::Engine& engine = *plan->first().engine;
  carnot::Result<PlanFacts> facts = read(engine.metadata());
  if (!facts.ok()) return std::move(facts).status();
  plan->facts = std::move(*facts);
  for (const ProfileFacts& profile : plan->facts.profiles) {
    if (static_cast<size_t>(profile.part) < plan->parts_.size()) continue;
    return Status(Code::kCorruptEngine, "the plan lacks the engine of an optimization profile");
  }
  size_t index = 0;
  const auto add = [&](const carnot::TensorInfo& info, bool is_input) -> Status {
    const carnot::TensorType& seen = plan->first().types[index++];
    const auto type = data_type_of(seen.dtype);
    if (!type || seen.rank() > Dims::MAX_DIMS) {
      return {Code::kUnsupported, cat("tensor '", info.name, "' is ", carnot::to_string(seen),
                                      ", which TensorRT's interface cannot describe")};
    }
    const auto& shapes = plan->facts.shape_tensors;
    const bool is_shape = std::find(shapes.begin(), shapes.end(), info.name) != shapes.end();
    Dims dims = dims_of(seen.dims);
    const auto declared = plan->facts.declared.find(info.name);
    if (declared != plan->facts.declared.end()) dims = dims_of(declared->second);
    if (dims.nbDims != seen.rank()) {
      return {Code::kCorruptEngine, cat("tensor '", info.name, "' has two ranks")};
    }
    std::string_view name = info.name;
    std::vector<Plan::Tensor>* kind = &plan->tensors;
    for (const auto& [prefix, shown] :
         {std::pair(kDebugPrefix, &plan->debug), {kUnfusedPrefix, &plan->unfused}}) {
      if (is_input || name.rfind(prefix, 0) != 0) continue;
      name.remove_prefix(prefix.size());
      kind = shown;
    }
    kind->push_back(
        {std::string(name), dims, *type, is_input, is_shape, format_of(info.name, plan->facts)});
    return {};
  };
  for (const carnot::TensorInfo& info : engine.inputs()) {
    if (Status status = add(info, true); !status.ok()) return status;
  }
  for (const carnot::TensorInfo& info : engine.outputs()) {
    if (Status status = add(info, false); !status.ok()) return status;
  }
  for (size_t i = 1; source && i < plan->parts_.size(); ++i) {  // it does not stay
    carnot::Result<std::unique_ptr<PlanPart>> loaded = plan->load(i);
    if (!loaded.ok()) return std::move(loaded).status();
    plan->parts_[i] = std::move(*loaded);
  }
  plan->source_ = {};
  return PlanPtr(std::move(plan));
}

Status replace_engines(const Plan& plan, std::vector<std::byte> bytes) {
  // Plans are shared as what does not change, which refitting is the exception of.
  auto& old = const_cast<Plan&>(plan);
  const PluginSource same = [&](const PluginRecord& record) {
    return old.first().plugins.clone_of(record.layer);
  };
  carnot::Result<PlanPtr> made = read_plan(std::move(bytes), plan.device, plan.allocator, same);
  if (!made.ok()) return std::move(made).status();
  auto& fresh = const_cast<Plan&>(**made);
  const std::lock_guard<std::mutex> lock(old.mutex_);
  for (std::unique_ptr<PlanPart>& part : old.parts_) {
    if (!part) continue;
    part->engine.reset();
    old.retired_.push_back(std::move(part));
  }
  std::swap(old.weights_memory, fresh.weights_memory);
  old.retired_memory_.push_back(std::move(fresh.weights_memory));
  old.parts_ = std::move(fresh.parts_);
  old.bytes = std::move(fresh.bytes);  // keeps its address, which the parts' spans are of
  old.part_bytes_ = std::move(fresh.part_bytes_);
  old.refit = std::move(fresh.refit);
  ++old.refits;
  return {};
}

}  // namespace trt
