#include "context.h"

#include <limits>

#include "host_cuda.h"

namespace trt {

namespace {

size_t bytes_of(carnot::DType dtype, const carnot::Shape& shape) {
  const auto bits = static_cast<size_t>(carnot::bits_of(dtype));
  return (static_cast<size_t>(carnot::volume(shape)) * bits + 7) / 8;
}

bool is_fixed(const Dims& dims) {
  return std::all_of(dims.d, dims.d + dims.nbDims, [](int64_t d) { return d >= 0; });
}

/// The memory that an empty tensor may be at.
char nowhere;

constexpr uint64_t kAlignment = 256;  ///< of outputs: what CUDA's own allocations have

}  // namespace

ExecutionContext::ExecutionContext(CudaEngine& engine, carnot::Context context,
                                   ExecutionContextAllocationStrategy strategy)
    : engine_(&engine),
      plan_(engine.plan()),
      facts_(engine.plan(), engine.reporter()),
      reporter_(engine.reporter()),
      is_gpu_(is_gpu(plan_->device)),
      user_managed_(strategy == ExecutionContextAllocationStrategy::kUSER_MANAGED),
      part_(&plan_->first()),
      context_(std::move(context)),
      ports_(plan_->tensors.size()),
      nvtx_(plan_->facts.verbosity),
      strategy_(strategy) {
  mImpl = this;
  refits_ = plan_->refits;
  debugs_.assign(plan_->debug.size(), 0);
  reset_shapes();
  const carnot::Status status = take_memory_from(plan_->allocator);
  if (!status.ok()) reporter_.error("ICudaEngine::createExecutionContext", status);
}

void ExecutionContext::reset_shapes() {
  for (size_t i = 0; i < ports_.size(); ++i) {
    const Plan::Tensor& t = plan_->tensors[i];
    ports_[i].changed = true;
    if (!t.is_input) continue;
    if (is_fixed(t.dims)) {
      ports_[i].shape = ints_of(t.dims);
    } else {
      ports_[i].shape.reset();
    }
  }
  derive();
}

int ExecutionContext::find(const char* call, char const* name) const {
  const int i = plan_->find(name);
  if (i < 0) {
    std::string known;
    for (const Plan::Tensor& t : plan_->tensors) {
      known += cat(known.empty() ? "'" : ", '", t.name, "'");
    }
    reporter_.misuse(call, cat("the engine has no input or output '", name ? name : "(null)",
                               "'; there are ", known));
  }
  return i;
}

void ExecutionContext::setName(char const* name) noexcept {
  const char* const call = "IExecutionContext::setName";
  reporter_.guard(call, [&] {
    const std::string problem = name_problem(name);
    if (!problem.empty()) return reporter_.misuse(call, problem);
    name_ = name;
  });
}

bool ExecutionContext::allInputDimensionsSpecified() const noexcept {
  for (size_t i = 0; i < ports_.size(); ++i) {
    if (plan_->tensors[i].is_input && !ports_[i].shape) return false;
  }
  return true;
}

bool ExecutionContext::allInputShapesSpecified() const noexcept {
  for (size_t i = 0; i < ports_.size(); ++i) {
    if (plan_->tensors[i].is_shape && plan_->tensors[i].is_input && !ports_[i].address)
      return false;
  }
  return true;
}

bool ExecutionContext::setOptimizationProfileAsync(int32_t profile, cudaStream_t) noexcept {
  const char* const call = "IExecutionContext::setOptimizationProfileAsync";
  const int32_t count = facts_.getNbOptimizationProfiles();
  if (profile < 0 || profile >= count) {
    reporter_.misuse(call, cat("there is no optimization profile ", profile, "; the engine has ",
                               count, ", counted from 0"));
    return false;
  }
  if (profile == profile_) return true;
  if (!is_idle(call)) return false;
  return reporter_.guard(call, false, [&] {
    const carnot::Status status = enter(profile);
    if (!status.ok()) return reporter_.error(call, status), false;
    profile_ = profile;
    reset_shapes();
    return true;
  });
}

/// Exchanges the engine for the one of a profile.
carnot::Status ExecutionContext::enter(int32_t profile) {
  carnot::Result<const PlanPart*> part = plan_->part(profile);
  if (!part.ok()) return std::move(part).status();
  if (*part == part_) return {};
  auto known = others_.find(*part);
  const bool fresh = known == others_.end();
  if (fresh) {
    carnot::Result<carnot::Context> made = plan_->make_context(**part);
    if (!made.ok()) return std::move(made).status();
    known = others_.emplace(*part, std::move(*made)).first;
  }
  carnot::Context left = std::move(context_);
  context_ = std::move(known->second);
  others_.erase(known);
  others_.emplace(part_, std::move(left));
  part_ = *part;
  if (user_managed_) return context_.set_memory(nullptr);  // the next run takes the block anew
  return fresh ? context_.set_memory(allocated_.get()) : carnot::Status();
}

/// Contexts of the engines with their new weights, in the place of those with the old.
bool ExecutionContext::renew(const char* call) {
  others_.clear();
  carnot::Status status = enter(profile_);
  others_.clear();  // the one that was left
  if (!status.ok()) return reporter_.error(call, status), false;
  for (Port& p : ports_) p.changed = true;
  any_changed_ = true;
  refits_ = plan_->refits;
  return true;
}

bool ExecutionContext::setInputShape(char const* name, Dims const& dims) noexcept {
  const char* const call = "IExecutionContext::setInputShape";
  return reporter_.guard(call, false, [&] {
    const int i = find(call, name);
    if (i < 0) return false;
    const auto refuse = [&](const std::string& why) {
      reporter_.misuse(call, cat("input '", name, "': ", why));
      return false;
    };
    if (!tensor(i).is_input) return refuse("this is an output");
    const Dims declared = tensor(i).dims;
    if (!is_valid(dims) || dims.nbDims != declared.nbDims) {
      return refuse(cat("its dimensions are ", text_of(declared), ", not ", text_of(dims)));
    }
    const Dims min = facts_.getProfileShape(name, profile_, OptProfileSelector::kMIN);
    const Dims max = facts_.getProfileShape(name, profile_, OptProfileSelector::kMAX);
    for (int32_t k = 0; k < dims.nbDims; ++k) {
      if (declared.d[k] >= 0 && dims.d[k] != declared.d[k]) {
        return refuse(cat("its dimensions are ", text_of(declared), ", not ", text_of(dims)));
      }
      if (declared.d[k] >= 0) continue;
      const bool ranged = min.d[k] >= 0;
      if (dims.d[k] < 0 || (ranged && (dims.d[k] < min.d[k] || dims.d[k] > max.d[k]))) {
        return refuse(cat("the dimensions ", text_of(dims), " are outside of optimization profile ",
                          profile_, ", which has ", text_of(min), " to ", text_of(max)));
      }
    }
    carnot::Shape shape = ints_of(dims);
    if (port(i).shape == shape) return true;
    port(i).shape = std::move(shape);
    port(i).changed = true;
    derive();
    return true;
  });
}

/// Values of the symbols that input sizes are; nothing while some input's shape is not known.
std::optional<carnot::Symbols> ExecutionContext::symbols() const {
  carnot::Symbols out;
  for (size_t i = 0; i < ports_.size(); ++i) {
    const Plan::Tensor& t = plan_->tensors[i];
    if (!t.is_input) continue;
    if (!ports_[i].shape) return std::nullopt;
    const carnot::Dims& dims = type(i).dims;
    for (size_t k = 0; k < dims.size(); ++k) {
      const auto symbol = dims[k].as_symbol();
      if (symbol) out.emplace(*symbol, (*ports_[i].shape)[k]);
    }
  }
  return out;
}

void ExecutionContext::derive() {
  any_changed_ = true;
  const std::optional<carnot::Symbols> known = symbols();
  for (size_t i = 0; i < ports_.size(); ++i) {
    const Plan::Tensor& t = plan_->tensors[i];
    if (t.is_input) continue;
    Port& p = ports_[i];
    p.changed = true;
    p.shape.reset();
    carnot::Shape shape;
    const carnot::Dims& dims = type(i).dims;
    bool all = known.has_value() || is_fixed(t.dims);
    for (size_t k = 0; all && k < dims.size(); ++k) {
      const carnot::Result<int64_t> size =
          carnot::evaluate(dims[k], known ? *known : carnot::Symbols());
      all = size.ok() && *size >= 0;
      if (all) shape.push_back(*size);
    }
    if (!all) continue;
    p.shape = shape;
    p.bytes = bytes_of(type(i).dtype, stored(shape, t.format.format));
  }
}

Dims ExecutionContext::getTensorShape(char const* name) const noexcept {
  const char* const call = "IExecutionContext::getTensorShape";
  return reporter_.guard(call, invalid_dims(), [&] {
    const int i = find(call, name);
    if (i < 0) return invalid_dims();
    if (port(i).shape) return dims_of(*port(i).shape);
    Dims out = tensor(i).dims;
    const std::optional<carnot::Symbols> known = symbols();
    for (int32_t k = 0; known && k < out.nbDims; ++k) {
      const auto size =
          carnot::evaluate(type(static_cast<size_t>(i)).dims[static_cast<size_t>(k)], *known);
      if (size.ok()) out.d[k] = *size;
    }
    return out;
  });
}

Dims ExecutionContext::getTensorStrides(char const* name) const noexcept {
  const int i = plan_->find(name);
  const Dims sizes = getTensorShape(name);
  return i < 0 ? sizes : strides_of(sizes, tensor(i).format.format);
}

bool ExecutionContext::setTensorAddress(char const* name, void* data) noexcept {
  const int i = find("IExecutionContext::setTensorAddress", name);
  if (i < 0) return false;
  Port& p = port(i);
  if (p.address != data) p.address = data, p.changed = true, any_changed_ = true;
  return true;
}

void const* ExecutionContext::getTensorAddress(char const* name) const noexcept {
  const int i = find("IExecutionContext::getTensorAddress", name);
  return i < 0 ? nullptr : port(i).address;
}

bool ExecutionContext::setInputTensorAddress(char const* name, void const* data) noexcept {
  const char* const call = "IExecutionContext::setInputTensorAddress";
  const int i = find(call, name);
  if (i >= 0 && tensor(i).is_input) return setTensorAddress(name, const_cast<void*>(data));
  if (i >= 0) reporter_.misuse(call, cat("'", name, "' is an output"));
  return false;
}

bool ExecutionContext::setOutputTensorAddress(char const* name, void* data) noexcept {
  const char* const call = "IExecutionContext::setOutputTensorAddress";
  const int i = find(call, name);
  if (i >= 0 && !tensor(i).is_input) return setTensorAddress(name, data);
  if (i >= 0) reporter_.misuse(call, cat("'", name, "' is an input"));
  return false;
}

void* ExecutionContext::getOutputTensorAddress(char const* name) const noexcept {
  const int i = find("IExecutionContext::getOutputTensorAddress", name);
  return i < 0 || tensor(i).is_input ? nullptr : port(i).address;
}

bool ExecutionContext::setOutputAllocator(char const* name, IOutputAllocator* allocator) noexcept {
  const char* const call = "IExecutionContext::setOutputAllocator";
  const int i = find(call, name);
  if (i < 0) return false;
  if (tensor(i).is_input) {
    reporter_.misuse(call, cat("'", name, "' is an input"));
    return false;
  }
  port(i).allocator = allocator;
  port(i).changed = any_changed_ = true;
  return true;
}

IOutputAllocator* ExecutionContext::getOutputAllocator(char const* name) noexcept {
  const int i = find("IExecutionContext::getOutputAllocator", name);
  return i < 0 ? nullptr : port(i).allocator;
}

int64_t ExecutionContext::getMaxOutputSize(char const* name) const noexcept {
  const char* const call = "IExecutionContext::getMaxOutputSize";
  return reporter_.guard(call, int64_t{-1}, [&] {
    const int i = find(call, name);
    if (i < 0 || tensor(i).is_input) return int64_t{-1};
    return port(i).shape ? static_cast<int64_t>(port(i).bytes) : int64_t{-1};
  });
}

bool ExecutionContext::setNvtxVerbosity(ProfilingVerbosity verbosity) noexcept {
  const char* const call = "IExecutionContext::setNvtxVerbosity";
  const auto level = [](ProfilingVerbosity v) {  // as it rises; the values are not in this order
    return v == ProfilingVerbosity::kNONE ? 0 : v == ProfilingVerbosity::kLAYER_NAMES_ONLY ? 1 : 2;
  };
  const int given = static_cast<int>(verbosity);
  if (given < 0 || given >= EnumMax<ProfilingVerbosity>()) {
    return reporter_.misuse(call, cat("there is no ProfilingVerbosity ", given)), false;
  }
  if (level(verbosity) > level(plan_->facts.verbosity)) {
    reporter_.misuse(call,
                     "the engine was built with less: IBuilderConfig::setProfilingVerbosity() says "
                     "what there is to show");
    return false;
  }
  nvtx_ = verbosity;
  return true;
}

bool ExecutionContext::setTensorDebugState(char const* name, bool flag) noexcept {
  const char* const call = "IExecutionContext::setTensorDebugState";
  for (size_t i = 0; name && i < debugs_.size(); ++i) {
    if (plan_->debug[i].name == name) return debugs_[i] = flag, true;
  }
  reporter_.misuse(call,
                   cat("'", name ? name : "(null)",
                       "' is no debug tensor: mark it with INetworkDefinition::markDebug() before "
                       "the build"));
  return false;
}

bool ExecutionContext::setAllTensorsDebugState(bool flag) noexcept {
  std::fill(debugs_.begin(), debugs_.end(), flag);
  shows_unfused_ = flag;
  return true;
}

bool ExecutionContext::getDebugState(char const* name) const noexcept {
  for (size_t i = 0; name && i < debugs_.size(); ++i) {
    if (plan_->debug[i].name == name) return debugs_[i] != 0;
  }
  return false;
}

/// After a run: the value of a debug tensor, which the host can read.
bool ExecutionContext::show(const char* call, std::string_view prefix, const Plan::Tensor& tensor,
                            cudaStream_t stream) {
  const carnot::Result<carnot::Tensor> value = context_.output(cat(prefix, tensor.name));
  if (!value.ok()) return reporter_.error(call, value.status()), false;
  if (listener_->processDebugTensor(value->data(), TensorLocation::kHOST, tensor.data_type,
                                    dims_of(value->shape()), tensor.name.c_str(), stream)) {
    return true;
  }
  reporter_.error(ErrorCode::kFAILED_EXECUTION, call,
                  cat("the debug listener refused tensor '", tensor.name, "'"));
  return false;
}

bool ExecutionContext::show_debug_tensors(const char* call, cudaStream_t stream) {
  for (size_t i = 0; i < debugs_.size(); ++i) {
    if (debugs_[i] && !show(call, kDebugPrefix, plan_->debug[i], stream)) return false;
  }
  for (const Plan::Tensor& tensor : plan_->unfused) {
    if (shows_unfused_ && !show(call, kUnfusedPrefix, tensor, stream)) return false;
  }
  return true;
}

IRuntimeConfig* ExecutionContext::getRuntimeConfig() const noexcept {
  const char* const call = "IExecutionContext::getRuntimeConfig";
  return reporter_.guard(call, static_cast<IRuntimeConfig*>(nullptr), [&] {
    auto* const config =
        new RuntimeConfig(reporter_);  // the caller's: bindings delete what they are given
    config->setExecutionContextAllocationStrategy(strategy_);
    return config;
  });
}

bool ExecutionContext::setCommunicator(void*) noexcept {
  reporter_.error(ErrorCode::kUNSUPPORTED_STATE, "IExecutionContext::setCommunicator",
                  "an engine runs on one device");
  return false;
}

int32_t ExecutionContext::inferShapes(int32_t count_max, char const** names) noexcept {
  if (count_max < 0 || (!names && count_max != 0)) {
    reporter_.misuse("IExecutionContext::inferShapes",
                     count_max < 0 ? cat("room for ", count_max, " names")
                                   : std::string("the array of names is null"));
    return -1;
  }
  int32_t missing = 0;
  for (size_t i = 0; i < ports_.size(); ++i) {
    const Plan::Tensor& t = plan_->tensors[i];
    if (!t.is_input || (ports_[i].shape && !(t.is_shape && !ports_[i].address))) continue;
    if (names && missing < count_max) names[missing] = t.name.c_str();
    ++missing;
  }
  return missing;
}

void ExecutionContext::report_times(const std::vector<carnot::StepTime>& times) const {
  for (size_t i = 0; i < times.size() && i < part_->layer_names.size(); ++i) {
    profiler_->reportLayerTime(part_->layer_names[i].c_str(),
                               static_cast<float>(times[i].median_us / 1e3));
  }
}

bool ExecutionContext::reportToProfiler() const noexcept {
  const char* const call = "IExecutionContext::reportToProfiler";
  if (!profiler_ || times_.empty()) {
    reporter_.error(ErrorCode::kINVALID_STATE, call,
                    profiler_ ? "nothing has run since a profiler was set" : "no profiler is set");
    return false;
  }
  return reporter_.guard(call, false, [&] {
    report_times(times_);
    return true;
  });
}

bool ExecutionContext::executeV2(void* const* bindings) noexcept {
  const char* const call = "IExecutionContext::executeV2";
  return reporter_.guard(call, false, [&] {
    if (!bindings) {
      reporter_.misuse(call, "the array of bindings is null");
      return false;
    }
    if (!is_idle(call)) return false;
    for (size_t i = 0; i < ports_.size(); ++i) {
      Port& p = ports_[i];
      if (p.address != bindings[i]) p.address = bindings[i], p.changed = any_changed_ = true;
    }
    return run(call, nullptr, true);
  });
}

bool ExecutionContext::enqueueV3(cudaStream_t stream) noexcept {
  const char* const call = "IExecutionContext::enqueueV3";
  return reporter_.guard(call, false, [&] {
    if (!is_gpu_ && is_captured(stream)) return capture(call, stream);
    return run(call, stream, debug_sync_);
  });
}

// What is captured runs with the addresses of now, whatever is set until then.
bool ExecutionContext::capture(const char* call, cudaStream_t stream) {
  if (any_changed_ && !prepare(call)) return false;
  std::vector<void*> addresses;
  for (const Port& p : ports_) addresses.push_back(p.address);
  return add_to_capture(stream, [this, call, addresses] {
    std::vector<void*> others = addresses;
    exchange_addresses(others);
    reporter_.guard(call, false, [&] { return run(call, nullptr, debug_sync_); });
    exchange_addresses(others);
  });
}

void ExecutionContext::exchange_addresses(std::vector<void*>& addresses) {
  for (size_t i = 0; i < ports_.size(); ++i) {
    Port& p = ports_[i];
    if (p.address == addresses[i]) continue;
    std::swap(p.address, addresses[i]);
    p.changed = any_changed_ = true;
  }
}

/// Memory for an output whose allocator gives it, in a run.
void* ExecutionContext::reallocate(int i, const carnot::Shape& shape, size_t bytes) {
  Port& p = port(i);
  char const* const name = tensor(i).name.c_str();
  p.address = p.allocator->reallocateOutputAsync(name, p.address, bytes, kAlignment, stream_);
  if (p.address || bytes == 0) {
    p.allocator->notifyShape(name, dims_of(visible(shape, tensor(i).format)));
  }
  return p.address;
}

carnot::Status ExecutionContext::bind(int i) {
  Port& p = port(i);
  const Plan::Tensor& t = tensor(i);
  void* const data = p.address ? p.address : &nowhere;
  if (t.is_input) return context_.set_input(t.name, data, stored(*p.shape, t.format.format));
  if (p.allocator) {
    return context_.set_output(t.name, [this, i](const carnot::Shape& shape, size_t bytes) {
      return reallocate(i, shape, bytes);
    });
  }
  // Where only the run tells the size, the caller vouches for the memory.
  constexpr auto kUnknown = static_cast<size_t>(std::numeric_limits<int64_t>::max());
  return context_.set_output(t.name, data, p.shape ? p.bytes : kUnknown);
}

/// Tells the Context of every address and shape that is new.
bool ExecutionContext::prepare(const char* call) {
  for (size_t i = 0; i < ports_.size(); ++i) {
    const Plan::Tensor& t = plan_->tensors[i];
    Port& p = ports_[i];
    if (!p.changed) continue;
    if (t.is_input && !p.shape) {
      reporter_.misuse(call, cat("input '", t.name, "' has dimensions ", text_of(t.dims),
                                 ": set them with setInputShape()"));
      return false;
    }
    const bool empty = p.shape && carnot::volume(*p.shape) == 0;
    if (!p.address && !empty && !p.allocator) {
      reporter_.misuse(call, cat(t.is_input ? "input '" : "output '", t.name,
                                 "' has no address: set it with setTensorAddress()"));
      return false;
    }
    const carnot::Status status = bind(static_cast<int>(i));
    if (!status.ok()) {
      reporter_.error(call, status);
      return false;
    }
    p.changed = false;
  }
  if (user_managed_ && !has_memory(call)) return false;
  any_changed_ = false;
  return true;
}

/// Of contexts whose memory the program brings: it is there and, for these shapes, enough.
bool ExecutionContext::has_memory(const char* call) {
  const carnot::Result<int64_t> needed = context_.memory_bytes();
  if (!needed.ok()) {
    reporter_.error(call, needed.status());
    return false;
  }
  if (static_cast<uint64_t>(*needed) > block_.bytes()) {
    reporter_.misuse(call, cat("the context's memory has ", block_.bytes(), " bytes, a run takes ",
                               *needed, ": bring it with setDeviceMemoryV2()"));
    return false;
  }
  block_.reset();
  const carnot::Status status = context_.set_memory(&block_);
  if (!status.ok()) reporter_.error(call, status);
  return status.ok();
}

bool ExecutionContext::use_stream(const char* call, cudaStream_t stream) {
  // What the driver calls the null stream, whose order every program knows.
  auto* const legacy = reinterpret_cast<cudaStream_t>(uintptr_t{1});
  if (allocated_) allocated_->set_stream(stream);
  stream_ = stream;
  if (!is_gpu_) return true;
  const carnot::Status status = context_.set_stream(stream ? stream : legacy);
  if (!status.ok()) reporter_.error(call, status);
  return status.ok();
}

bool ExecutionContext::is_idle(const char* call) const {
  if (!running_.load(std::memory_order_acquire)) return true;
  reporter_.error(ErrorCode::kINVALID_STATE, call,
                  "a run of this context is under way: wait for it, or make a context for each "
                  "thread with createExecutionContext()");
  return false;
}

bool ExecutionContext::run(const char* call, cudaStream_t stream, bool wait) {
  if (running_.exchange(true, std::memory_order_acquire)) return is_idle(call);
  struct End {
    std::atomic<bool>& running;
    ~End() { running.store(false, std::memory_order_release); }
  } const end{running_};
  return run_alone(call, stream, wait);
}

bool ExecutionContext::run_alone(const char* call, cudaStream_t stream, bool wait) {
  if (refits_ != plan_->refits && !renew(call)) return false;
  if (!use_stream(call, stream)) return false;
  if (any_changed_ && !prepare(call)) return false;
  carnot::Status status;
  if (profiler_) {
    carnot::Result<std::vector<carnot::StepTime>> times = context_.profile(1);
    if (times.ok()) {
      times_ = std::move(*times);
      if (emits_profile_) report_times(times_);
    } else {
      status = times.status();
    }
  } else {
    status = context_.run();
  }
  if (status.ok() && event_) status = context_.record_event(event_);
  if (status.ok() && wait && is_gpu_) status = context_.wait();
  if (!status.ok()) reporter_.error(call, status);
  if (status.ok() && listener_) return show_debug_tensors(call, stream);
  return status.ok();
}

carnot::Status ExecutionContext::take_memory_from(IGpuAllocator* allocator) {
  auto fresh = allocator ? std::make_unique<AllocatorMemory>(allocator) : nullptr;
  others_.clear();  // they may hold memory of the old one
  if (!user_managed_) {
    const carnot::Status status = context_.set_memory(fresh.get());
    if (!status.ok()) return status;
  }
  allocated_ = std::move(fresh);
  return {};
}

bool ExecutionContext::setTemporaryStorageAllocator(IGpuAllocator* allocator) noexcept {
  const char* const call = "IExecutionContext::setTemporaryStorageAllocator";
  return reporter_.guard(call, false, [&] {
    if (!is_idle(call)) return false;
    const carnot::Status status = take_memory_from(allocator ? allocator : plan_->allocator);
    if (!status.ok()) return reporter_.error(call, status), false;
    temporary_ = allocator;
    return true;
  });
}

void ExecutionContext::setDeviceMemory(void* memory) noexcept {
  setDeviceMemoryV2(memory, facts_.getDeviceMemorySizeV2());
}

void ExecutionContext::setDeviceMemoryV2(void* memory, int64_t bytes) noexcept {
  const char* const call = "IExecutionContext::setDeviceMemoryV2";
  reporter_.guard(call, [&] {
    if (!user_managed_) {
      return reporter_.misuse(call,
                              "this context has memory of its own: make it with "
                              "createExecutionContext(kUSER_MANAGED) to bring some");
    }
    if (bytes < 0 || (bytes > 0 && !memory)) {
      return reporter_.misuse(call, cat(bytes, " bytes at ", memory ? "some address" : "null"));
    }
    if (!is_idle(call)) return;
    if (memory == block_.block() && static_cast<size_t>(bytes) == block_.bytes()) return;
    const carnot::Status status = context_.set_memory(nullptr);
    if (!status.ok()) reporter_.error(call, status);
    block_.reset(memory, static_cast<size_t>(bytes));
    any_changed_ = true;
  });
}

size_t ExecutionContext::updateDeviceMemorySizeForShapes() noexcept {
  const char* const call = "IExecutionContext::updateDeviceMemorySizeForShapes";
  return reporter_.guard(call, size_t{0}, [&] {
    if (!is_idle(call)) return size_t{0};
    for (size_t i = 0; i < ports_.size(); ++i) {
      if (!plan_->tensors[i].is_input) continue;
      carnot::Status status;
      if (ports_[i].shape) status = bind(static_cast<int>(i));
      ports_[i].changed = any_changed_ = true;
      if (!status.ok()) return reporter_.error(call, status), size_t{0};
    }
    const carnot::Result<int64_t> bytes = context_.memory_bytes();
    if (!bytes.ok()) return reporter_.error(call, bytes.status()), size_t{0};
    return static_cast<size_t>(*bytes);
  });
}

}  // namespace trt
