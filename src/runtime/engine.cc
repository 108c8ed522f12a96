#include "runtime/engine.h"

#include <cstring>

#include "device/cpu/library/library.h"
#include "device/cuda/cuda.h"

namespace carnot {
namespace {

std::vector<TensorInfo> infos_of(const Plan& plan, const std::vector<PlanOutput>& ports) {
  std::vector<TensorInfo> out;
  for (const PlanOutput& port : ports) {
    out.push_back({port.name, plan.buffers[static_cast<size_t>(port.buffer)].type});
  }
  return out;
}

Status check_target(const DeviceDescription& target) {
  const std::string why = why_not_runnable(target, describe_cpu());
  if (why.empty()) return {};
  return error(Code::kVersionMismatch, "this engine does not run here: ", why,
               "; build it again on this machine with 'carnot build'");
}

Result<GpuName> first_gpu(const DeviceDescription& target) {
  CARNOT_ASSIGN(const int index, find_gpu(target));
  return GpuName{index};
}

Result<GpuName> chosen_gpu(const DeviceDescription& target, std::string_view name) {
  CARNOT_ASSIGN(const GpuName gpu, parse_gpu(name));
  CARNOT_ASSIGN(const DeviceDescription here, describe_gpu(gpu.index));
  const std::string why = why_not_runnable(target, here);
  if (why.empty()) return gpu;
  return error(Code::kVersionMismatch, why);
}

}  // namespace

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() = default;

Result<EnginePtr> EngineFactory::make(EngineFile file, std::unique_ptr<LoadedCode> code,
                                      const LoadOptions& options) {
  auto parts = std::make_unique<Engine::Parts>();
  parts->file = std::move(file);
  parts->code = std::move(code);
  EngineFile& own = parts->file;
  for (Tensor& weight : own.weights) {  // kernels read dense memory
    CARNOT_ASSIGN(weight, weight.dense());
  }
  CARNOT_RETURN_IF_ERROR(
      verify(own.plan, static_cast<int>(own.weights.size())).with("the engine's plan"));
  if (parts->code) {
    CARNOT_ASSIGN(Entries entries, find_entries(own, *parts->code));
    for (const auto& [name, address] : cpu::library_entries()) {
      entries.emplace(name, Entry{address, 0, nullptr});
    }
    auto program = compile(own.plan, own.weights, entries);
    if (!program.ok()) return std::move(program).status().with("the engine's plan");
    parts->program = std::move(*program);
  } else {
    CARNOT_ASSIGN(const DeviceDescription target, parse_device(own.plan.device));
    auto gpu = options.device.empty() ? first_gpu(target) : chosen_gpu(target, options.device);
    if (!gpu.ok()) {
      return error(gpu.status().code(), "this engine does not run here: it was built for a GPU (",
                   target.name.empty() ? "" : target.name + ", ", target.isa,
                   "): ", gpu.status().message());
    }
    parts->for_gpu = true;
    parts->first_gpu = *gpu;
    parts->memory = options.memory;
    CARNOT_RETURN_IF_ERROR(parts->on_gpu(*gpu).status());
  }
  parts->inputs = infos_of(own.plan, own.plan.inputs);
  parts->outputs = infos_of(own.plan, own.plan.outputs);
  return EnginePtr(new Engine(std::move(parts)));
}

Result<EnginePtr> make_engine(EngineFile file, std::unique_ptr<LoadedCode> code,
                              const LoadOptions& options) {
  return EngineFactory::make(std::move(file), std::move(code), options);
}

Result<EnginePtr> make_engine(EngineFile file, const LoadOptions& options) {
  CARNOT_ASSIGN(const DeviceDescription target, parse_device(file.plan.device));
  const bool gpu = target.kind == "cuda";
  if (!options.device.empty() && gpu != (options.device != "cpu")) {
    return error(Code::kVersionMismatch, "this engine was built for ",
                 gpu ? cat("a GPU (", target.isa, ")") : "the CPU", ", the device asked for is ",
                 options.device, "; build it again for that device");
  }
  if (gpu) return make_engine(std::move(file), nullptr, options);
  CARNOT_RETURN_IF_ERROR(check_target(target));
  CARNOT_ASSIGN(const std::unique_ptr<Device> device, make_cpu_device(1));
  CARNOT_ASSIGN(std::unique_ptr<LoadedCode> code, device->load(file.code.bytes));
  return make_engine(std::move(file), std::move(code));
}

Result<const Installation*> Engine::Parts::on_gpu(GpuName name) const {
  const std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<Installation>& found = gpus[name];
  if (!found) {
    CARNOT_ASSIGN(DeviceShare share, share_gpu(name));
    CARNOT_ASSIGN(found, install(file, std::move(share), name == first_gpu ? memory : nullptr));
  }
  return static_cast<const Installation*>(found.get());
}

const EngineFile& file_of(const Engine& engine) {
  return EngineFactory::parts(engine).file;
}

Result<EnginePtr> Engine::load(const std::string& path, const LoadOptions& options) {
  CARNOT_ASSIGN(EngineFile file, load_engine(path));
  return make_engine(std::move(file), options).with(cat("loading ", path));
}

Result<EnginePtr> Engine::load(std::span<const std::byte> bytes, const LoadOptions& options) {
  CARNOT_ASSIGN(Tensor copy, Tensor::allocate(DType::kU8, {static_cast<int64_t>(bytes.size())}));
  if (!bytes.empty()) std::memcpy(copy.mutable_data(), bytes.data(), bytes.size());
  CARNOT_ASSIGN(EngineFile file, parse_engine(copy));
  return make_engine(std::move(file), options);
}

const std::vector<TensorInfo>& Engine::inputs() const {
  return parts_->inputs;
}
const std::vector<TensorInfo>& Engine::outputs() const {
  return parts_->outputs;
}

Result<Context> Engine::make_context(const ContextOptions& options) const {
  if (parts_->for_gpu) {
    GpuName gpu = parts_->first_gpu;
    if (!options.device.empty()) {
      CARNOT_ASSIGN(gpu, parse_gpu(options.device));
    }
    CARNOT_ASSIGN(const Installation* installed, parts_->on_gpu(gpu));
    return ContextFactory::make(shared_from_this(), {}, installed->share.device(), installed,
                                options);
  }
  if (!options.device.empty() && options.device != "cpu") {
    return error(Code::kInvalidArgument, "device '", options.device,
                 "': this engine was built for the CPU");
  }
  CARNOT_ASSIGN(DeviceShare share, share_cpu_device(options.threads));
  Device& device = share.device();
  return ContextFactory::make(shared_from_this(), std::move(share), device, nullptr, options);
}

Result<Context> make_context(const Engine& engine, Device& device, const ContextOptions& options) {
  if (!EngineFactory::parts(engine).program) {
    return error(Code::kInvalidArgument, "this engine's code runs on its own GPUs only");
  }
  return ContextFactory::make(engine.shared_from_this(), {}, device, nullptr, options);
}

Status Engine::save(const std::string& path) const {
  return save_engine(parts_->file, path);
}

namespace {

void add_customs(const Plan& plan, std::vector<op::Custom>& out) {
  for (const Step& step : plan.steps) {
    for (const auto& region : step.regions) add_customs(*region, out);
    if (step.kind == Step::kCustom) out.push_back(std::get<op::Custom>(step.op));
  }
}

}  // namespace

std::vector<op::Custom> Engine::custom_ops() const {
  std::vector<op::Custom> out;
  add_customs(parts_->file.plan, out);
  return out;
}

/// Of a value, or of its place in the plan where it has none of its own.
static std::string buffer_name(const Plan& plan, int buffer) {
  const PlanBuffer& b = plan.buffers[static_cast<size_t>(buffer)];
  const auto at = static_cast<size_t>(b.index);
  if (b.place == Place::kInput) return plan.inputs[at].name;
  if (b.place == Place::kOutput) return plan.outputs[at].name;
  return b.name.empty() || b.place == Place::kConstant ? cat("(Unnamed Tensor ", buffer, ")")
                                                       : b.name;
}

std::vector<StepInfo> Engine::steps() const {
  const Plan& plan = parts_->file.plan;
  const auto infos = [&](const std::vector<int>& buffers, bool weights) {
    std::vector<TensorInfo> out;
    for (const int b : buffers) {
      const int root = plan.root(b);
      const PlanBuffer& whole = plan.buffers[static_cast<size_t>(root)];
      if (whole.place == Place::kFault || (whole.place == Place::kConstant) != weights) continue;
      out.push_back({buffer_name(plan, root), plan.buffers[static_cast<size_t>(b)].type});
    }
    return out;
  };
  const Result<DeviceDescription> device = parse_device(plan.device);
  const Dim threads = device.ok() ? device->threads : 1;
  std::vector<StepInfo> out;
  for (const Step& step : plan.steps) {
    out.push_back({step.tactic, step.origin, infos(step.inputs, false), infos(step.outputs, false),
                   infos(step.inputs, true), step.measured_us, step.scratch_bytes * threads});
  }
  return out;
}
std::string Engine::plan_text() const {
  return print(parts_->file.plan);
}
const std::string& Engine::kernels_text() const {
  return parts_->file.kernels_text;
}
const std::string& Engine::timings_text() const {
  return parts_->file.timings_text;
}
const std::map<std::string, std::string>& Engine::metadata() const {
  return parts_->file.metadata;
}
int64_t Engine::weight_bytes() const {
  int64_t sum = 0;
  for (const Tensor& weight : parts_->file.weights) sum += static_cast<int64_t>(weight.bytes());
  return sum;
}
int64_t Engine::code_bytes() const {
  return static_cast<int64_t>(parts_->file.code.bytes.size());
}

}  // namespace carnot
