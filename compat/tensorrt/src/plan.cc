#include "plan.h"

#include <cstring>

namespace trt {

namespace {

using carnot::Code;
using carnot::Status;

/// What people hand over by mistake, or an empty string.
std::string foreign(const std::vector<std::byte>& bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned>(bytes[i]); };
  if (bytes.size() < 28) return "";
  if (std::memcmp(bytes.data(), "ftrt", 4) == 0) {
    return cat("this is a plan of NVIDIA TensorRT ", at(24), '.', at(25), '.', at(26), '.', at(27),
               ", which holds machine code for its own runtime; build the engine again from the "
               "ONNX model or network, here");
  }
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

std::string Plan::layer_name(size_t step) const {
  std::string out;
  for (const std::string& origin : steps[step].origin) {
    const size_t end = origin.rfind(" (");
    const std::string name = origin.substr(0, end);
    if (!out.empty()) out += " + ";
    out += name;
  }
  return out.empty() ? steps[step].tactic : out;
}

carnot::Result<PlanPtr> read_plan(std::vector<std::byte> bytes, const carnot::DeviceInfo& device,
                                  IGpuAllocator* allocator) {
  const std::string what = foreign(bytes);
  if (!what.empty()) return Status(Code::kVersionMismatch, what);
  auto plan = std::make_shared<Plan>();
  plan->device = device;
  plan->allocator = allocator;
  if (allocator) plan->weights_memory = std::make_unique<AllocatorMemory>(allocator);
  carnot::Result<carnot::EnginePtr> engine =
      carnot::Engine::load(bytes, {.device = device.name, .memory = plan->weights_memory.get()});
  if (!engine.ok()) {
    const bool mismatch = engine.status().code() == Code::kVersionMismatch;
    return mismatch ? Status(Code::kVersionMismatch,
                             cat(engine.status().message(), " (the device here is ", device.name,
                                 "; CARNOT_DEVICE=cpu or cuda:0 chooses)"))
                    : std::move(engine).status();
  }
  plan->engine = *engine;
  plan->bytes = std::move(bytes);
  carnot::Result<PlanFacts> facts = read(plan->engine->metadata());
  if (!facts.ok()) return std::move(facts).status();
  plan->facts = std::move(*facts);
  const auto add = [&](const carnot::TensorInfo& info, bool is_input) -> Status {
    const auto type = data_type_of(info.type.dtype);
    if (!type || info.type.rank() > Dims::MAX_DIMS) {
      return {Code::kUnsupported, cat("tensor '", info.name, "' is ", carnot::to_string(info.type),
                                      ", which TensorRT's interface cannot describe")};
    }
    const auto& shapes = plan->facts.shape_tensors;
    const bool is_shape = std::find(shapes.begin(), shapes.end(), info.name) != shapes.end();
    plan->tensors.push_back({info.name, info.type, *type, is_input, is_shape});
    return {};
  };
  for (const carnot::TensorInfo& info : plan->engine->inputs()) {
    if (Status status = add(info, true); !status.ok()) return status;
  }
  for (const carnot::TensorInfo& info : plan->engine->outputs()) {
    if (Status status = add(info, false); !status.ok()) return status;
  }
  plan->steps = plan->engine->steps();
  for (size_t i = 0; i < plan->steps.size(); ++i) plan->layer_names.push_back(plan->layer_name(i));
  return PlanPtr(std::move(plan));
}

}  // namespace trt
