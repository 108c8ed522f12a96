// Context: names and ports in front of a Frame, and one user at a time.
#include <algorithm>
#include <atomic>

#include "runtime/engine.h"
#include "runtime/frame.h"

namespace carnot {

struct Context::Parts {
  Parts(EnginePtr engine_in, DeviceShare share_in, Device& device, const ContextOptions& options)
      : engine(std::move(engine_in)),
        share(std::move(share_in)),
        budget({.bytes = options.memory_bytes_max}),
        state{device, nullptr, false, options.any_index, {}, budget, nullptr, cancel, {}, {}, {}} {}
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    // Nothing may be under way in memory that goes; an error was told by run() already. A stream of
    // the caller's may be gone by now.
    if (!stream) return;
    const Status waited = given ? state.device.wait_all() : state.device.wait(stream.get());
    static_cast<void>(waited);
  }

  EnginePtr engine;
  DeviceShare share;
  DeviceWeights weights;  // of a device that is not the engine's
  std::unique_ptr<Stream> stream, own_stream;
  void* given = nullptr;  // the caller's stream; null: `stream` is the Context's own
  Budget budget;
  std::atomic<bool> cancel{false};
  std::atomic<bool> busy{false};
  std::string broken;  // what the device said when it failed; empty: it works
  RunState state;
  std::unique_ptr<Frame> frame;  // last: its memory is returned to the device and the budget

  const Plan& plan() const { return EngineFactory::parts(*engine).file.plan; }
  Status set_stream(void* native);
  Status run_once();
};

Status Context::Parts::set_stream(void* native) {
  if (stream && native == given) return {};
  if (stream && !given) own_stream = std::move(stream);
  if (!native && own_stream) {
    stream = std::move(own_stream);
  } else {
    CARNOT_ASSIGN(stream, state.device.make_stream(native));
  }
  given = native;
  state.stream = stream.get();
  state.async = native != nullptr;
  return {};
}

// What a device is in after an error of its own nobody knows.
Status Context::Parts::run_once() {
  if (!broken.empty()) {
    return error(Code::kDevice, "this context cannot be used any more, its device failed: ", broken,
                 "; make a new one");
  }
  Status status = frame->run();
  cancel.store(false, std::memory_order_relaxed);
  if (status.code() == Code::kDevice) broken = status.message();
  return status;
}

namespace {

// Marks a Context as in use; `mine` is false when it already was.
class Use {
 public:
  explicit Use(std::atomic<bool>& busy)
      : busy_(busy), mine_(!busy.exchange(true, std::memory_order_acquire)) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    if (mine_) busy_.store(false, std::memory_order_release);
  }
  bool mine() const { return mine_; }

 private:
  std::atomic<bool>& busy_;
  bool mine_;
};

Status in_use() {
  return error(Code::kInvalidArgument,
               "this context is in use by another thread; make one for each thread");
}

Result<Tensor> copy_of(const Tensor& view, RunState& state) {
  if (view.dtype() == DType::kString) return view;
  CARNOT_ASSIGN(Tensor copy, Tensor::allocate(view.dtype(), view.shape()));
  CARNOT_RETURN_IF_ERROR(
      state.device.copy(copy.mutable_data(), view.data(), view.bytes(), state.stream));
  CARNOT_RETURN_IF_ERROR(state.device.wait(state.stream));
  return copy;
}

Result<size_t> find_port(const std::vector<PlanOutput>& ports, const char* kind,
                         std::string_view name) {
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name == name) return i;
  }
  std::string known;
  for (const PlanOutput& port : ports) known += cat(known.empty() ? "\"" : ", \"", port.name, "\"");
  return error(Code::kInvalidArgument, "there is no ", kind, " \"", name, "\"; the engine has ",
               known.empty() ? "none" : known);
}

}  // namespace

// The code of each custom step, those of regions too.
Status make_customs(const Plan& plan, const Device& device, const MakeCustomBody& make,
                    RunState& state) {
  for (const Step& step : plan.steps) {
    for (const auto& region : step.regions) {
      CARNOT_RETURN_IF_ERROR(make_customs(*region, device, make, state));
    }
    if (step.kind != Step::kCustom) continue;
    const auto& op = std::get<op::Custom>(step.op);
    const std::string what = cat("the engine's custom operation '", op.code, "'");
    if (!make) {
      return error(Code::kInvalidArgument, what, " has no code: give it in ContextOptions::custom");
    }
    auto body = make(op, device.description().kind);
    if (!body.ok()) return std::move(body).status().with(what);
    if (!*body) return error(Code::kInvalidArgument, what, " was given no code");
    state.customs[&step] = std::move(*body);
  }
  return {};
}

Result<Context> ContextFactory::make(EnginePtr engine, DeviceShare share, Device& device,
                                     const Installation* installed, const ContextOptions& options) {
  if (options.memory_bytes_max < 0) {
    return error(Code::kInvalidArgument, "memory_bytes_max is negative");
  }
  const Engine::Parts& own = EngineFactory::parts(*engine);
  const Program& program = installed ? *installed->program : *own.program;
  auto parts =
      std::make_unique<Context::Parts>(std::move(engine), std::move(share), device, options);
  RunState& state = parts->state;
  CARNOT_RETURN_IF_ERROR(parts->set_stream(options.stream));
  if (!installed) {
    CARNOT_ASSIGN(parts->weights, DeviceWeights::upload(device, own.file));
  }
  state.weights = (installed ? installed->weights : parts->weights).addresses();
  for (int i = 0; i < device.threads(); ++i) {
    state.scratch.emplace_back(device, parts->budget, state.source);
  }
  state.scratch_data.resize(state.scratch.size());
  CARNOT_RETURN_IF_ERROR(make_customs(parts->plan(), device, options.custom, state));
  parts->frame = std::make_unique<Frame>(program, state);
  return Context(std::move(parts));
}

Context::Context(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;
Context::~Context() = default;

Status Context::set_input(std::string_view name, Tensor value) {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  CARNOT_ASSIGN(const size_t i, find_port(parts_->plan().inputs, "input", name));
  return parts_->frame->set_input(i, std::move(value));
}

Status Context::set_input(std::string_view name, const void* data, Shape shape) {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  CARNOT_ASSIGN(const size_t i, find_port(parts_->plan().inputs, "input", name));
  return parts_->frame->set_input(i, data, std::move(shape));
}

Status Context::set_output(std::string_view name, void* data, size_t bytes_max) {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  CARNOT_ASSIGN(const size_t i, find_port(parts_->plan().outputs, "output", name));
  constexpr size_t kMax = std::numeric_limits<int64_t>::max();
  return parts_->frame->set_output(i, data, static_cast<int64_t>(std::min(bytes_max, kMax)));
}

Status Context::set_output(std::string_view name, OutputMemory memory) {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  CARNOT_ASSIGN(const size_t i, find_port(parts_->plan().outputs, "output", name));
  return parts_->frame->set_output(i, std::move(memory));
}

Status Context::set_stream(void* stream) {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  return parts_->state.device.shares_host_memory() ? Status() : parts_->set_stream(stream);
}

Status Context::wait() {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  return parts_->state.device.wait(parts_->state.stream);
}

Status Context::record_event(void* event) {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  return parts_->state.device.record_event(event, parts_->state.stream);
}

Result<int64_t> Context::memory_bytes() {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  return parts_->frame->memory_bytes();
}

Status Context::set_memory(MemorySource* memory) {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  // A source of the caller's goes by the stream's order; what is the device's goes at once.
  RunState& state = parts_->state;
  if (!state.source) CARNOT_RETURN_IF_ERROR(state.device.wait(state.stream));
  parts_->frame->release_memory();
  for (Memory& scratch : state.scratch) scratch.clear();
  state.source = memory;
  return {};
}

Status Context::run() {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  return parts_->run_once();
}

Result<Tensor> Context::output(std::string_view name) const {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  CARNOT_ASSIGN(const size_t i, find_port(parts_->plan().outputs, "output", name));
  return parts_->frame->output(i);
}

Result<std::vector<Tensor>> Context::run(std::span<const Tensor> inputs) {
  const Plan& plan = parts_->plan();
  if (inputs.size() != plan.inputs.size()) {
    return error(Code::kInvalidArgument, "the engine takes ", plan.inputs.size(),
                 " inputs, is given ", inputs.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    CARNOT_RETURN_IF_ERROR(set_input(plan.inputs[i].name, inputs[i]));
  }
  CARNOT_RETURN_IF_ERROR(run());
  std::vector<Tensor> out;
  for (const PlanOutput& port : plan.outputs) {
    CARNOT_ASSIGN(const Tensor view, output(port.name));
    CARNOT_ASSIGN(Tensor copy, copy_of(view, parts_->state));
    out.push_back(std::move(copy));
  }
  return out;
}

Result<Shape> Context::output_shape(std::string_view name) {
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  CARNOT_ASSIGN(const size_t i, find_port(parts_->plan().outputs, "output", name));
  return parts_->frame->output_shape(i);
}

void Context::cancel() {
  parts_->cancel.store(true, std::memory_order_relaxed);
}
int Context::threads() const {
  return parts_->state.device.threads();
}

Result<double> Context::device_time_us(int rounds) {
  constexpr int kQueued = 16;  // starting one takes less time than it runs
  if (rounds < 1) return error(Code::kInvalidArgument, "device_time_us() needs at least one round");
  if (parts_->state.device.shares_host_memory()) {
    return error(Code::kUnsupported, "the device works in the host's memory: a run copies nothing");
  }
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    CARNOT_ASSIGN(const double us, parts_->frame->device_time_us(kQueued));
    times.push_back(us);
  }
  const auto middle = times.begin() + static_cast<ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

Result<std::vector<StepTime>> Context::profile(int runs) {
  if (runs < 1) return error(Code::kInvalidArgument, "profile() needs at least one run");
  const Plan& plan = parts_->plan();
  std::vector<int64_t> times(plan.steps.size());
  std::vector<std::vector<int64_t>> all(plan.steps.size());
  const Use use(parts_->busy);
  if (!use.mine()) return in_use();
  for (int i = 0; i < runs; ++i) {
    std::fill(times.begin(), times.end(), 0);
    parts_->frame->step_ns = times;
    Status status = parts_->run_once();
    parts_->frame->step_ns = {};
    if (!status.ok()) return status;
    for (size_t k = 0; k < times.size(); ++k) all[k].push_back(times[k]);
  }
  std::vector<StepTime> out;
  for (size_t k = 0; k < all.size(); ++k) {
    const auto middle = all[k].begin() + static_cast<ptrdiff_t>(all[k].size() / 2);
    std::nth_element(all[k].begin(), middle, all[k].end());
    out.push_back({plan.steps[k].tactic, plan.steps[k].origin, static_cast<double>(*middle) / 1e3});
  }
  return out;
}

}  // namespace carnot
