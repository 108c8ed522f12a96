// The functions behind members that no table of version 10 holds (nvinfer/legacy.h). They are made
// of calls that the tables do hold.

#include "legacy.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine.h"

using namespace nvinfer1;

namespace trt {
namespace {

/// A builder's configuration before there was IBuilderConfig.
struct BuilderState {
  std::unique_ptr<IBuilderConfig> config;
  int32_t max_batch = 1;
};

/// Copies of what setInputShapeBinding() was given, by binding.
using ShapeValues = std::map<int32_t, std::vector<int64_t>>;

struct State {
  std::mutex mutex;
  std::map<const void*, BuilderState> builders;
  std::map<const void*, std::deque<std::string>> binding_names;  // an engine's, one a binding
  std::map<const void*, ShapeValues> shape_values;               // a context's
};

State& state() {
  static State& s = *new State;  // outlives every object of the program
  return s;
}

const Reporter& reporter_of(const ICudaEngine& engine) {
  return static_cast<const CudaEngine&>(engine).reporter();
}
const Reporter& reporter_of(const IExecutionContext& context) {
  return reporter_of(context.getEngine());
}

std::string range(int32_t index, int32_t count) {
  return "binding " + std::to_string(index) + " of " + std::to_string(count);
}

/// -1 where a size is not known.
int64_t volume(const Dims& dims) {
  if (std::any_of(dims.d, dims.d + std::max(dims.nbDims, 0), [](int64_t d) { return d < 0; })) {
    return -1;
  }
  int64_t n = dims.nbDims < 0 ? -1 : 1;
  for (int32_t i = 0; i < dims.nbDims; i++) n *= dims.d[i];
  return n;
}

/// The first binding of the context's profile.
int32_t first_binding(const IExecutionContext& context) {
  return std::max(context.getOptimizationProfile(), 0) * context.getEngine().getNbIOTensors();
}

/// The bytes of one sample of a tensor; -1 where the size is not known.
int64_t sample_bytes(const IExecutionContext& context, const char* name) {
  const ICudaEngine& engine = context.getEngine();
  const Dims seen = context.getTensorShape(name);
  if (volume(seen) < 0) return -1;
  const int64_t count = carnot::volume(stored(ints_of(seen), engine.getTensorFormat(name)));
  return count < 0 ? -1 : count * bytes_of(engine.getTensorDataType(name));
}

bool set_addresses(IExecutionContext& context, const char* call, void* const* bindings,
                   int64_t sample) {
  const ICudaEngine& engine = context.getEngine();
  const int32_t first = first_binding(context);
  for (int32_t i = 0; i < engine.getNbIOTensors(); i++) {
    const char* name = engine.getIOTensorName(i);
    void* address = bindings[first + i];
    if (address != nullptr && sample > 0) {
      address = static_cast<char*>(address) + sample * sample_bytes(context, name);
    }
    if (!context.setTensorAddress(name, address)) {
      reporter_of(context).misuse(call, "the address of '" + std::string(name) + "' was refused");
      return false;
    }
  }
  return true;
}

bool enqueue(IExecutionContext* context, const char* call, int32_t samples, void* const* bindings,
             cudaStream_t stream, cudaEvent_t* consumed) {
  if (bindings == nullptr) {
    reporter_of(*context).misuse(call, "the array of bindings is null");
    return false;
  }
  for (int32_t sample = 0; sample < samples; sample++) {
    if (!set_addresses(*context, call, bindings, sample)) return false;
    const bool last = sample + 1 == samples;  // the event speaks for all samples
    if (!context->setInputConsumedEvent(last && consumed != nullptr ? *consumed : nullptr)) {
      return false;
    }
    if (!context->enqueueV3(stream)) return false;
  }
  return true;
}

/// The number of runs that a batch takes: as many as samples, for there is one sample in a network
/// with an implicit batch. 0, and an error, where the batch is not acceptable.
int32_t runs_of(const IExecutionContext* context, const char* call, int32_t batch) {
  const ICudaEngine& engine = context->getEngine();
  if (!engine.hasImplicitBatchDimension()) {
    if (batch == 1) return 1;
    reporter_of(engine).misuse(
        call, "a batch of " + std::to_string(batch) +
                  " for a network whose batch is a dimension; use enqueueV3 or executeV2");
    return 0;
  }
  const int32_t most = carnotTrtGetEngineMaxBatchSize(&engine);
  if (batch >= 1 && batch <= most) return batch;
  reporter_of(engine).misuse(call, "a batch of " + std::to_string(batch) +
                                       ", the engine was built for 1 to " + std::to_string(most) +
                                       " (IBuilder::setMaxBatchSize)");
  return 0;
}

}  // namespace

int32_t legacy_max_batch(const IBuilder* builder) {
  const std::lock_guard lock(state().mutex);
  const auto found = state().builders.find(builder);
  return found == state().builders.end() ? 1 : found->second.max_batch;
}

void forget_legacy(const void* object) noexcept {
  std::unique_ptr<IBuilderConfig> config;  // its destructor runs without the lock
  const std::lock_guard lock(state().mutex);
  const auto found = state().builders.find(object);
  if (found != state().builders.end()) {
    config = std::move(found->second.config);
    state().builders.erase(found);
  }
  state().binding_names.erase(object);
  state().shape_values.erase(object);
}

}  // namespace trt

namespace nvinfer1 {

using trt::reporter_of;
using trt::state;

extern "C" {

IBuilderConfig* carnotTrtGetBuilderConfig(IBuilder const* builder) noexcept {
  {
    const std::lock_guard lock(state().mutex);
    if (IBuilderConfig* config = state().builders[builder].config.get()) return config;
  }
  std::unique_ptr<IBuilderConfig> made(const_cast<IBuilder*>(builder)->createBuilderConfig());
  const std::lock_guard lock(state().mutex);
  auto& config = state().builders[builder].config;
  if (config == nullptr) config = std::move(made);
  return config.get();
}

void carnotTrtSetMaxBatchSize(IBuilder* builder, int32_t batchSize) noexcept {
  if (batchSize < 1) {
    return trt::Reporter(builder->getLogger())
        .misuse("IBuilder::setMaxBatchSize", trt::cat(batchSize, ", needs at least 1"));
  }
  const std::lock_guard lock(state().mutex);
  state().builders[builder].max_batch = batchSize;
}

int32_t carnotTrtGetMaxBatchSize(IBuilder const* builder) noexcept {
  return trt::legacy_max_batch(builder);
}

INetworkDefinition* carnotTrtCreateNetwork(IBuilder* builder) noexcept {
  return builder->createNetworkV2(trt::kImplicitBatch);
}

int32_t carnotTrtGetNbBindings(ICudaEngine const* engine) noexcept {
  return engine->getNbIOTensors() * std::max(engine->getNbOptimizationProfiles(), 1);
}

int32_t carnotTrtGetEngineMaxBatchSize(ICudaEngine const* engine) noexcept {
  return std::max(static_cast<const trt::CudaEngine*>(engine)->plan()->facts.batch_max, 1);
}

char const* carnotTrtGetBindingTensor(ICudaEngine const* engine, int32_t index) noexcept {
  const int32_t count = carnotTrtGetNbBindings(engine);
  if (index < 0 || index >= count) {
    reporter_of(*engine).misuse("ICudaEngine", trt::range(index, count));
    return "";
  }
  return engine->getIOTensorName(index % engine->getNbIOTensors());
}

char const* carnotTrtGetBindingName(ICudaEngine const* engine, int32_t index) noexcept {
  const int32_t count = carnotTrtGetNbBindings(engine);
  if (index < 0 || index >= count) {
    reporter_of(*engine).misuse("ICudaEngine::getBindingName", trt::range(index, count));
    return nullptr;
  }
  const int32_t tensors = engine->getNbIOTensors();
  if (index < tensors) return engine->getIOTensorName(index);
  const char* none = nullptr;
  return reporter_of(*engine).guard("ICudaEngine::getBindingName", none, [&]() -> const char* {
    const std::lock_guard lock(state().mutex);
    auto& names = state().binding_names[engine];
    for (int32_t i = static_cast<int32_t>(names.size()); i < count; i++) {
      names.push_back(
          trt::cat(engine->getIOTensorName(i % tensors), " [profile ", i / tensors, "]"));
    }
    return names[static_cast<size_t>(index)].c_str();
  });
}

int32_t carnotTrtGetBindingIndex(ICudaEngine const* engine, char const* name) noexcept {
  if (name == nullptr) return -1;
  const std::string wanted = name;
  for (int32_t i = 0; i < carnotTrtGetNbBindings(engine); i++) {
    if (wanted == carnotTrtGetBindingName(engine, i)) return i;
  }
  return -1;
}

bool carnotTrtExecute(IExecutionContext* context, int32_t batchSize,
                      void* const* bindings) noexcept {
  const char* call = "IExecutionContext::execute";
  return reporter_of(*context).guard(call, false, [&] {
    const int32_t runs = trt::runs_of(context, call, batchSize);
    if (runs == 0) return false;
    if (bindings == nullptr) return context->executeV2(nullptr);  // which says so
    const ICudaEngine& engine = context->getEngine();
    const size_t tensors = static_cast<size_t>(engine.getNbIOTensors());
    std::vector<void*> sample(bindings, bindings + tensors);
    for (int32_t run = 0; run < runs; run++) {
      for (size_t i = 0; i < tensors; i++) {
        const char* name = engine.getIOTensorName(static_cast<int32_t>(i));
        if (bindings[i] == nullptr) continue;  // executeV2() says so
        sample[i] = static_cast<char*>(bindings[i]) + run * trt::sample_bytes(*context, name);
      }
      if (!context->executeV2(sample.data())) return false;
    }
    return true;
  });
}

bool carnotTrtEnqueue(IExecutionContext* context, int32_t batchSize, void* const* bindings,
                      cudaStream_t stream, cudaEvent_t* inputConsumed) noexcept {
  const char* call = "IExecutionContext::enqueue";
  const int32_t runs = trt::runs_of(context, call, batchSize);
  return runs > 0 && trt::enqueue(context, call, runs, bindings, stream, inputConsumed);
}

bool carnotTrtEnqueueV2(IExecutionContext* context, void* const* bindings, cudaStream_t stream,
                        cudaEvent_t* inputConsumed) noexcept {
  return trt::enqueue(context, "IExecutionContext::enqueueV2", 1, bindings, stream, inputConsumed);
}

bool carnotTrtSetInputShapeBinding(IExecutionContext* context, int32_t index,
                                   int32_t const* data) noexcept {
  const char* call = "IExecutionContext::setInputShapeBinding";
  const ICudaEngine& engine = context->getEngine();
  const char* name = carnotTrtGetBindingTensor(&engine, index);
  if (engine.getTensorIOMode(name) != TensorIOMode::kINPUT || !engine.isShapeInferenceIO(name)) {
    reporter_of(engine).misuse(call,
                               "'" + std::string(name) + "' is no input that shapes depend on");
    return false;
  }
  const int64_t count = trt::volume(context->getTensorShape(name));
  if (data == nullptr || count < 0) {
    reporter_of(engine).misuse(call, "'" + std::string(name) + "': null, or of unknown size");
    return false;
  }
  void* address = nullptr;
  {
    const std::lock_guard lock(state().mutex);
    auto& kept = state().shape_values[context][index];
    kept.resize(static_cast<size_t>(count) + 1);  // one more: never empty
    address = kept.data();
    if (engine.getTensorDataType(name) == DataType::kINT64) {
      std::copy(data, data + count, kept.begin());
    } else {
      std::copy(data, data + count, static_cast<int32_t*>(address));
    }
  }
  return context->setTensorAddress(name, address);
}

bool carnotTrtGetShapeBinding(IExecutionContext const* context, int32_t index,
                              int32_t* data) noexcept {
  const ICudaEngine& engine = context->getEngine();
  const char* name = carnotTrtGetBindingTensor(&engine, index);
  const void* address = context->getTensorAddress(name);
  const int64_t count = trt::volume(context->getTensorShape(name));
  if (address == nullptr || data == nullptr || count < 0) {
    reporter_of(engine).misuse("IExecutionContext::getShapeBinding",
                               "'" + std::string(name) + "' has no values yet");
    return false;
  }
  if (engine.getTensorDataType(name) == DataType::kINT64) {
    const int64_t* values = static_cast<const int64_t*>(address);
    std::transform(values, values + count, data, [](int64_t v) { return static_cast<int32_t>(v); });
  } else {
    std::copy_n(static_cast<const int32_t*>(address), count, data);
  }
  return true;
}

}  // extern "C"
}  // namespace nvinfer1
