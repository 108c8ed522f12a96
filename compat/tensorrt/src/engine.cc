#include "engine.h"

#include "context.h"
#include "host_memory.h"
#include "inspector.h"
#include "refitter.h"

namespace trt {

ICudaEngine* load_plan(const char* call, const Reporter& reporter, std::vector<std::byte> bytes,
                       const carnot::DeviceInfo& device, IGpuAllocator* allocator,
                       const PluginSource& source) {
  carnot::Result<PlanPtr> plan = read_plan(std::move(bytes), device, allocator, source);
  if (plan.ok()) return new CudaEngine(std::move(*plan), reporter);
  reporter.error(call, plan.status());
  return nullptr;
}

const Plan::Tensor* CudaEngine::find(const char* call, char const* name) const {
  const int i = plan_->find(name);
  if (i >= 0) return &plan_->tensors[static_cast<size_t>(i)];
  std::string known;
  for (const Plan::Tensor& t : plan_->tensors)
    known += cat(known.empty() ? "'" : ", '", t.name, "'");
  reporter_.misuse(call, cat("the engine has no input or output '", name ? name : "(null)",
                             "'; there are ", known));
  return nullptr;
}

bool CudaEngine::has_profile(const char* call, int32_t profile) const {
  if (profile >= 0 && profile < getNbOptimizationProfiles()) return true;
  reporter_.misuse(call, cat("there is no optimization profile ", profile, "; the engine has ",
                             getNbOptimizationProfiles(), ", counted from 0"));
  return false;
}

IHostMemory* CudaEngine::serialize() const noexcept {
  return reporter_.guard("ICudaEngine::serialize", static_cast<IHostMemory*>(nullptr),
                         [&] { return new HostMemory(plan_->bytes); });
}

IExecutionContext* CudaEngine::createExecutionContext(
    ExecutionContextAllocationStrategy strategy) noexcept {
  const char* const call = "ICudaEngine::createExecutionContext";
  IExecutionContext* const none = nullptr;
  return reporter_.guard(call, none, [&]() -> IExecutionContext* {
    const auto known = static_cast<int32_t>(strategy);
    if (known < 0 || known >= EnumMax<ExecutionContextAllocationStrategy>()) {
      return reporter_.misuse(call, cat("there is no allocation strategy ", known)), nullptr;
    }
    carnot::Result<carnot::Context> context = plan_->make_context(plan_->first());
    if (context.ok()) return new ExecutionContext(*this, std::move(*context), strategy);
    reporter_.error(call, context.status());
    return nullptr;
  });
}

IExecutionContext* CudaEngine::createExecutionContextWithoutDeviceMemory() noexcept {
  return createExecutionContext(ExecutionContextAllocationStrategy::kUSER_MANAGED);
}

/// The most that a run takes with the sizes that a profile names.
int64_t CudaEngine::memory_of(int32_t profile) const {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto known = memory_.find(profile);
    if (known != memory_.end()) return known->second;
  }
  // Without the lock: loggers and allocators may ask for this again.
  const char* const call = "ICudaEngine::getDeviceMemorySize";
  const carnot::Result<const PlanPart*> part = plan_->part(profile);
  if (!part.ok()) return reporter_.error(call, part.status()), 0;
  carnot::Result<carnot::Context> context = plan_->make_context(**part);
  if (!context.ok()) return reporter_.error(call, context.status()), 0;
  int64_t most = 0;
  char anywhere = 0;  // nothing is run: no address is looked at
  for (const auto select :
       {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
    carnot::Status status;
    for (const Plan::Tensor& t : plan_->tensors) {
      if (!t.is_input || !status.ok()) continue;
      const Dims dims = getProfileShape(t.name.c_str(), profile, select);
      if (std::any_of(dims.d, dims.d + dims.nbDims, [](int64_t d) { return d < 0; })) return 0;
      status = context->set_input(t.name, &anywhere, ints_of(dims));
    }
    if (!status.ok()) return reporter_.error(call, status), 0;
    const carnot::Result<int64_t> bytes = context->memory_bytes();
    if (!bytes.ok()) return reporter_.error(call, bytes.status()), 0;
    most = std::max(most, *bytes);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  return memory_[profile] = most;
}

int64_t CudaEngine::getDeviceMemorySizeForProfileV2(int32_t profile) const noexcept {
  const char* const call = "ICudaEngine::getDeviceMemorySizeForProfile";
  return reporter_.guard(call, int64_t{0}, [&] {
    return has_profile(call, profile) ? memory_of(profile) : int64_t{0};
  });
}

int64_t CudaEngine::getDeviceMemorySizeV2() const noexcept {
  int64_t most = 0;
  for (int32_t p = 0; p < getNbOptimizationProfiles(); ++p) {
    most = std::max(most, getDeviceMemorySizeForProfileV2(p));
  }
  return most;
}

IExecutionContext* CudaEngine::createExecutionContextWithRuntimeConfig(
    IRuntimeConfig* config) noexcept {
  if (!config) {
    reporter_.misuse("ICudaEngine::createExecutionContext", "the runtime configuration is null");
    return nullptr;
  }
  return createExecutionContext(config->getExecutionContextAllocationStrategy());
}

IRuntimeConfig* CudaEngine::createRuntimeConfig() noexcept {
  return reporter_.guard("ICudaEngine::createRuntimeConfig", static_cast<IRuntimeConfig*>(nullptr),
                         [&] { return new RuntimeConfig(reporter_); });
}

int64_t const* CudaEngine::getProfileTensorValuesV2(char const* name, int32_t profile,
                                                    OptProfileSelector select) const noexcept {
  const char* const call = "ICudaEngine::getProfileTensorValues";
  const auto s = static_cast<size_t>(select);
  if (!find(call, name) || !has_profile(call, profile) || s > 2) return nullptr;
  const auto& values = plan_->facts.profiles[static_cast<size_t>(profile)].values[s];
  const auto found = values.find(std::string_view(name));
  return found == values.end() ? nullptr : found->second.data();
}

int32_t const* CudaEngine::getProfileTensorValues(char const* name, int32_t profile,
                                                  OptProfileSelector select) const noexcept {
  const int64_t* const values = getProfileTensorValuesV2(name, profile, select);
  if (!values) return nullptr;
  const auto& narrow =
      plan_->facts.profiles[static_cast<size_t>(profile)].narrow[static_cast<size_t>(select)];
  const auto found = narrow.find(std::string_view(name));
  if (found != narrow.end()) return found->second.data();
  reporter_.error(ErrorCode::kUNSUPPORTED_STATE, "ICudaEngine::getProfileTensorValues",
                  cat("'", name,
                      "': values do not fit 32 bits: ask with "
                      "getProfileTensorValuesV2"));
  return nullptr;
}

IEngineInspector* CudaEngine::createEngineInspector() const noexcept {
  return reporter_.guard("ICudaEngine::createEngineInspector",
                         static_cast<IEngineInspector*>(nullptr),
                         [&] { return new EngineInspector(plan_, reporter_); });
}

Dims CudaEngine::getTensorShape(char const* name) const noexcept {
  const Plan::Tensor* const t = find("ICudaEngine::getTensorShape", name);
  return t ? t->dims : invalid_dims();
}

DataType CudaEngine::getTensorDataType(char const* name) const noexcept {
  const Plan::Tensor* const t = find("ICudaEngine::getTensorDataType", name);
  return t ? t->data_type : DataType::kFLOAT;
}

TensorLocation CudaEngine::getTensorLocation(char const* name) const noexcept {
  const Plan::Tensor* const t = find("ICudaEngine::getTensorLocation", name);
  return t && t->is_shape ? TensorLocation::kHOST : TensorLocation::kDEVICE;
}

bool CudaEngine::isShapeInferenceIO(char const* name) const noexcept {
  const Plan::Tensor* const t = find("ICudaEngine::isShapeInferenceIO", name);
  return t && t->is_shape;
}

TensorIOMode CudaEngine::getTensorIOMode(char const* name) const noexcept {
  const int i = plan_->find(name);
  if (i < 0) return TensorIOMode::kNONE;
  return plan_->tensors[static_cast<size_t>(i)].is_input ? TensorIOMode::kINPUT
                                                         : TensorIOMode::kOUTPUT;
}

int32_t CudaEngine::getTensorBytesPerComponent(char const* name) const noexcept {
  const Plan::Tensor* const t = find("ICudaEngine::getTensorBytesPerComponent", name);
  return t && getTensorVectorizedDim(name) != -1 ? bytes_of(t->data_type) : -1;
}

int32_t CudaEngine::getTensorComponentsPerElement(char const* name) const noexcept {
  const Plan::Tensor* const t = find("ICudaEngine::getTensorComponentsPerElement", name);
  const FormatRow* const row = t ? format_row(t->format.format) : nullptr;
  return row && getTensorVectorizedDim(name) != -1 ? static_cast<int32_t>(row->vector) : -1;
}

TensorFormat CudaEngine::getTensorFormat(char const* name) const noexcept {
  const Plan::Tensor* const t = find("ICudaEngine::getTensorFormat", name);
  return t ? t->format.format : TensorFormat::kLINEAR;
}

char const* CudaEngine::getTensorFormatDesc(char const* name) const noexcept {
  const Plan::Tensor* const t = find("ICudaEngine::getTensorFormatDesc", name);
  return t ? description_of(t->data_type, t->format.format) : "";
}

int32_t CudaEngine::getTensorVectorizedDim(char const* name) const noexcept {
  const Plan::Tensor* const t = find("ICudaEngine::getTensorVectorizedDim", name);
  const FormatRow* const row = t ? format_row(t->format.format) : nullptr;
  return row && row->vector > 1 ? row->axis(static_cast<size_t>(t->dims.nbDims)) : -1;
}

int32_t CudaEngine::getTensorBytesPerComponentV2(char const* name, int32_t profile) const noexcept {
  return has_profile("ICudaEngine::getTensorBytesPerComponent", profile)
             ? getTensorBytesPerComponent(name)
             : -1;
}
int32_t CudaEngine::getTensorComponentsPerElementV2(char const* name,
                                                    int32_t profile) const noexcept {
  return has_profile("ICudaEngine::getTensorComponentsPerElement", profile)
             ? getTensorComponentsPerElement(name)
             : -1;
}
TensorFormat CudaEngine::getTensorFormatV2(char const* name, int32_t profile) const noexcept {
  has_profile("ICudaEngine::getTensorFormat", profile);
  return getTensorFormat(name);
}
char const* CudaEngine::getTensorFormatDescV2(char const* name, int32_t profile) const noexcept {
  return has_profile("ICudaEngine::getTensorFormatDesc", profile) ? getTensorFormatDesc(name) : "";
}
int32_t CudaEngine::getTensorVectorizedDimV2(char const* name, int32_t profile) const noexcept {
  has_profile("ICudaEngine::getTensorVectorizedDim", profile);
  return getTensorVectorizedDim(name);
}

Dims CudaEngine::getProfileShape(char const* name, int32_t profile,
                                 OptProfileSelector select) const noexcept {
  const char* const call = "ICudaEngine::getProfileShape";
  const Plan::Tensor* const t = find(call, name);
  const auto s = static_cast<size_t>(select);
  if (!t || !has_profile(call, profile) || s > 2) return invalid_dims();
  if (!t->is_input) {
    reporter_.misuse(call, cat("'", name, "' is an output; profiles are of inputs"));
    return invalid_dims();
  }
  const auto& dims = plan_->facts.profiles[static_cast<size_t>(profile)].dims[s];
  const auto found = dims.find(t->name);
  return found == dims.end() ? t->dims : dims_of(found->second);
}

char const* CudaEngine::getIOTensorName(int32_t index) const noexcept {
  if (index >= 0 && index < getNbIOTensors()) {
    return plan_->tensors[static_cast<size_t>(index)].name.c_str();
  }
  reporter_.misuse("ICudaEngine::getIOTensorName",
                   cat("there is no tensor ", index, "; the engine has ", getNbIOTensors(),
                       " inputs and outputs, counted from 0"));
  return nullptr;
}

ISerializationConfig* CudaEngine::createSerializationConfig() noexcept {
  return reporter_.guard("ICudaEngine::createSerializationConfig",
                         static_cast<ISerializationConfig*>(nullptr),
                         [&] { return new SerializationConfig(reporter_); });
}

IHostMemory* CudaEngine::serializeWithConfig(ISerializationConfig& config) const noexcept {
  if (!config.getFlag(SerializationFlag::kEXCLUDE_WEIGHTS)) return serialize();
  const char* const call = "ICudaEngine::serializeWithConfig";
  return reporter_.guard(call, static_cast<IHostMemory*>(nullptr), [&]() -> IHostMemory* {
    if (!plan_->refit) {
      reporter_.error(ErrorCode::kUNSUPPORTED_STATE, call,
                      "weights can be left out of refittable engines only: build it with "
                      "BuilderFlag::kREFIT");
      return nullptr;
    }
    RefitPlan stripped = *plan_->refit;
    for (RefitWeights& weights : stripped.weights) weights.missing = true;
    carnot::Result<std::vector<std::byte>> bytes = rebuild(*plan_, std::move(stripped), {});
    if (bytes.ok()) return new HostMemory(std::move(*bytes));
    reporter_.error(call, bytes.status());
    return nullptr;
  });
}

IRefitter* CudaEngine::createRefitter(ILogger& logger) noexcept {
  return make_refitter(*this, logger);
}

int64_t CudaEngine::getStreamableWeightsSize() const noexcept {
  return plan_->facts.streams_weights ? plan_->first().engine->weight_bytes() : 0;
}
int64_t CudaEngine::getWeightStreamingBudgetV2() const noexcept {
  return streaming_budget_.value_or(getStreamableWeightsSize());
}
bool CudaEngine::setWeightStreamingBudget(int64_t budget) noexcept {
  // Here -1 asks for the automatic budget, and 0 for none, which is all of the weights.
  return setWeightStreamingBudgetV2(budget <= 0 ? getStreamableWeightsSize() : budget);
}
bool CudaEngine::setWeightStreamingBudgetV2(int64_t budget) noexcept {
  const char* const call = "ICudaEngine::setWeightStreamingBudgetV2";
  if (!plan_->facts.streams_weights || budget < 0) {
    reporter_.misuse(call, budget < 0 ? cat("a budget of ", budget, " bytes")
                                      : std::string("the engine was built without "
                                                    "BuilderFlag::kWEIGHT_STREAMING"));
    return false;
  }
  streaming_budget_ = std::min(budget, getStreamableWeightsSize());
  return true;
}

bool CudaEngine::isDebugTensor(char const* name) const noexcept {
  const auto& all = plan_->debug;
  return name && std::any_of(all.begin(), all.end(), [&](const auto& t) { return t.name == name; });
}

int64_t CudaEngine::getEngineStat(EngineStat stat) const noexcept {
  if (stat == EngineStat::kTOTAL_WEIGHTS_SIZE) return plan_->first().engine->weight_bytes();
  if (stat != EngineStat::kSTRIPPED_WEIGHTS_SIZE || !plan_->refit) return -1;
  int64_t stripped = 0;
  for (const RefitWeights& w : plan_->refit->weights) {
    if (w.missing) stripped += w.count * bytes_of(w.type);
  }
  return stripped > 0 ? stripped : -1;
}

}  // namespace trt
