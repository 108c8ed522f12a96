// Random sequences of calls on builders, networks, configurations, engines and contexts: whatever a
// program does that it may do, nothing crashes, hangs or throws. Prints the seed of a sequence that
// does; `--seed N --sequences 1` repeats it.
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>

#include "random.h"

namespace calls {

namespace {

volatile uint64_t current_seed = 0;  // for the handler of signals

class Logger : public ILogger {
 public:
  void log(Severity severity, char const* text) noexcept override {
    length += std::strlen(text);
    if (severity <= Severity::kERROR) ++errors;
    if (show) std::fprintf(stderr, "[%d] %s\n", static_cast<int>(severity), text);
  }
  size_t length = 0;
  int64_t errors = 0;
  bool show = false;
};
Logger logger;

class Recorder : public IErrorRecorder {
 public:
  int32_t getNbErrors() const noexcept override { return count_; }
  ErrorCode getErrorCode(int32_t) const noexcept override { return ErrorCode::kSUCCESS; }
  ErrorDesc getErrorDesc(int32_t) const noexcept override { return ""; }
  bool hasOverflowed() const noexcept override { return false; }
  void clear() noexcept override { count_ = 0; }
  bool reportError(ErrorCode, ErrorDesc text) noexcept override {
    return count_ += static_cast<int32_t>(std::strlen(text) > 0), true;
  }
  RefCount incRefCount() noexcept override { return ++references_; }
  RefCount decRefCount() noexcept override { return --references_; }

 private:
  int32_t count_ = 0;
  RefCount references_ = 0;
};
Recorder recorder;

class Profiler : public IProfiler {
 public:
  void reportLayerTime(char const* name, float ms) noexcept override {
    total += ms + static_cast<float>(std::strlen(name));
  }
  float total = 0;
};
Profiler profiler;

class Allocator : public IOutputAllocator {
 public:
  void* reallocateOutput(char const*, void*, uint64_t size, uint64_t) noexcept override {
    if (size > kMost) return nullptr;
    memory.resize(size + 1);
    return memory.data();
  }
  void notifyShape(char const*, Dims const&) noexcept override {}
  static constexpr uint64_t kMost = 1 << 22;
  std::vector<char> memory;
};

/// One sequence: a builder and all that comes from it.
class Sequence {
 public:
  explicit Sequence(uint64_t seed) : r_(seed), builder_(createInferBuilder(logger)) {}

  void run() {
    const int64_t networks = 1 + r_.below(2);
    for (int64_t i = 0; i < networks; ++i) network();
    const int64_t extra = r_.below(6);
    for (int64_t i = 0; i < extra; ++i) builder_calls();
    if (!plan_) return;
    engine();
  }

 private:
  template <class T>
  using Ptr = std::unique_ptr<T>;

  void network();
  void grow(INetworkDefinition& network);
  void network_calls(INetworkDefinition& network);
  void config_calls(IBuilderConfig& config, const INetworkDefinition& network);
  void profile_calls(IOptimizationProfile& profile, const INetworkDefinition& network);
  void builder_calls();
  void build(INetworkDefinition& network);
  void engine();
  void engine_calls(ICudaEngine& engine);
  void context_calls(ICudaEngine& engine, IExecutionContext& context);
  void execute(ICudaEngine& engine, IExecutionContext& context);
  const char* name_of(const ICudaEngine& engine) {
    const int32_t count = engine.getNbIOTensors();
    return count == 0 || r_.once_in(8)
               ? r_.text()
               : engine.getIOTensorName(static_cast<int32_t>(r_.below(count)));
  }

  Random r_;
  Ptr<IBuilder> builder_;
  std::vector<ITensor*> tensors_, strangers_;
  std::vector<Ptr<INetworkDefinition>> networks_;
  std::vector<ILoop*> loops_;
  std::vector<IIfConditional*> conditionals_;
  Ptr<IHostMemory> plan_;
  bool endless_ = false;  ///< a loop's end follows from the data
};

void Sequence::grow(INetworkDefinition& n) {
  if (tensors_.empty() || r_.once_in(12)) {
    const std::string name = "in" + std::to_string(n.getNbInputs());
    ITensor* const t = n.addInput(r_.once_in(20) ? r_.text() : name.c_str(), r_.type(), r_.dims());
    if (t) tensors_.push_back(t);
    return;
  }
  const int32_t before = n.getNbLayers();
  std::vector<ITensor*> pool = tensors_;
  if (!strangers_.empty() && r_.once_in(30)) pool.push_back(r_.pick(strangers_));
  add_something(r_, n, pool, loops_, conditionals_);
  for (int32_t i = before; i < n.getNbLayers(); ++i) {
    ILayer& layer = *n.getLayer(i);
    if (layer.getType() == LayerType::kTRIP_LIMIT) endless_ = true;
    for (int32_t k = 0; k < layer.getNbOutputs(); ++k) tensors_.push_back(layer.getOutput(k));
  }
}

void Sequence::network_calls(INetworkDefinition& n) {
  if (tensors_.empty()) return;
  ITensor& t = *r_.pick(tensors_);
  switch (r_.below(12)) {
    case 0:
      return n.markOutput(t);
    case 1:
      return n.unmarkOutput(t);
    case 2:
      n.markOutputForShapes(t), n.unmarkOutputForShapes(t);
      return;
    case 3:
      (void)n.getLayer(r_.int32()), (void)n.getInput(r_.int32()), (void)n.getOutput(r_.int32());
      return n.setName(r_.text());
    case 4:
      return t.setName(r_.text());
    case 5:
      return t.setDimensions(r_.dims());
    case 6:
      return t.setType(r_.type());
    case 7:
      t.setDimensionName(r_.int32(), r_.text()), (void)t.getDimensionName(r_.int32());
      return;
    case 8:
      t.setDynamicRange(r_.real(), r_.real()), t.resetDynamicRange();
      return t.setAllowedFormats(static_cast<TensorFormats>(r_.integer()));
    case 9:
      n.setWeightsName(r_.weights(2), r_.text()), n.markWeightsRefittable(r_.text());
      n.unmarkWeightsRefittable(r_.text()), (void)n.areWeightsMarkedRefittable(r_.text());
      return;
    case 10:
      n.markDebug(t), (void)n.isDebugTensor(t), n.unmarkDebug(t);
      return n.setErrorRecorder(r_.flag() ? &recorder : nullptr);
    default:
      (void)t.isShapeTensor(), (void)t.isExecutionTensor(), (void)t.getType();
      (void)t.getDimensions(), (void)t.isNetworkOutput(), (void)t.getName();
  }
}

void Sequence::profile_calls(IOptimizationProfile& p, const INetworkDefinition& n) {
  for (int32_t i = 0; i < n.getNbInputs(); ++i) {
    const char* const name = r_.once_in(20) ? r_.text() : n.getInput(i)->getName();
    const Dims want = n.getInput(i)->getDimensions();
    const OptProfileSelector all[] = {OptProfileSelector::kMIN, OptProfileSelector::kOPT,
                                      OptProfileSelector::kMAX};
    int64_t size = 1 + r_.below(2);
    for (const OptProfileSelector which : all) {
      Dims d = r_.once_in(10) ? r_.dims() : want;
      for (int32_t k = 0; k < d.nbDims && k < Dims::MAX_DIMS; ++k) {
        if (d.d[k] < 0) d.d[k] = size;
      }
      size += r_.below(2);
      p.setDimensions(name, r_.once_in(40) ? r_.value<OptProfileSelector>() : which, d);
      const int64_t values[] = {r_.integer(), r_.integer(), 1, 2};
      if (r_.once_in(8)) p.setShapeValuesV2(name, which, values, std::min(r_.int32(), 4));
      (void)p.getDimensions(name, which), (void)p.getShapeValuesV2(name, which);
      (void)p.getNbShapeValues(name);
    }
  }
  if (r_.once_in(8)) p.setExtraMemoryTarget(r_.real());
  (void)p.isValid();
}

void Sequence::config_calls(IBuilderConfig& c, const INetworkDefinition& n) {
  switch (r_.below(11)) {
    case 0:
      c.setFlag(r_.value<BuilderFlag>()), c.clearFlag(r_.value<BuilderFlag>());
      return (void)c.getFlag(r_.value<BuilderFlag>());
    case 1:
      return c.setFlags(static_cast<BuilderFlags>(r_.integer()));
    case 2:
      c.setMemoryPoolLimit(r_.value<MemoryPoolType>(), static_cast<size_t>(r_.integer()));
      return (void)c.getMemoryPoolLimit(r_.value<MemoryPoolType>());
    case 3:
      c.setEngineCapability(r_.value<EngineCapability>());
      return c.setDefaultDeviceType(r_.value<DeviceType>());
    case 4:
      c.setProfilingVerbosity(r_.value<ProfilingVerbosity>());
      return c.setTacticSources(static_cast<TacticSources>(r_.integer())), void();
    case 5:
      c.setPreviewFeature(r_.value<PreviewFeature>(), r_.flag());
      return c.setHardwareCompatibilityLevel(r_.value<HardwareCompatibilityLevel>());
    case 6: {
      const char* const paths[] = {r_.text(), r_.text()};
      c.setPluginsToSerialize(r_.once_in(8) ? nullptr : paths, std::min(r_.int32(), 2));
      return (void)c.getPluginToSerialize(r_.int32());
    }
    case 7:
      c.setAvgTimingIterations(r_.int32()), c.setMaxAuxStreams(r_.int32());
      c.setMaxNbTactics(r_.int32()), c.setL2LimitForTiling(r_.integer());
      return c.setTilingOptimizationLevel(r_.value<TilingOptimizationLevel>()), void();
    case 8: {
      ILayer* const layer = n.getLayer(r_.int32());  // null as well
      c.setDeviceType(layer, r_.value<DeviceType>()), (void)c.getDeviceType(layer);
      (void)c.isDeviceTypeSet(layer), (void)c.canRunOnDLA(layer);
      return c.resetDeviceType(layer);
    }
    case 9:
      c.setDLACore(r_.int32()), c.setRuntimePlatform(r_.value<RuntimePlatform>());
      return c.setRemoteAutoTuningConfig(r_.text()), void();
    default:
      return r_.once_in(10) ? c.reset() : void();
  }
}

void Sequence::build(INetworkDefinition& n) {
  Ptr<IBuilderConfig> config(builder_->createBuilderConfig());
  const int64_t settings = r_.below(4);
  for (int64_t i = 0; i < settings; ++i) config_calls(*config, n);
  config->setBuilderOptimizationLevel(r_.once_in(10) ? r_.int32() : 0);
  if (config->getBuilderOptimizationLevel() > 1) config->setBuilderOptimizationLevel(1);
  const int64_t profiles = r_.once_in(8) ? r_.below(3) : 1;
  for (int64_t i = 0; i < profiles; ++i) {
    IOptimizationProfile* const p = builder_->createOptimizationProfile();
    profile_calls(*p, n);
    config->addOptimizationProfile(r_.once_in(30) ? nullptr : p);
  }
  const char junk[] = "not a timing cache";
  Ptr<ITimingCache> cache(r_.flag() ? config->createTimingCache(junk, r_.below(sizeof junk))
                                    : nullptr);
  if (cache) config->setTimingCache(*cache, r_.flag());
  (void)builder_->isNetworkSupported(n, *config);
  Ptr<IHostMemory> plan(builder_->buildSerializedNetwork(n, *config));
  if (plan) plan_ = std::move(plan);
  if (cache) Ptr<IHostMemory>(cache->serialize()).reset();
}

void Sequence::network() {
  const auto flags =
      static_cast<NetworkDefinitionCreationFlags>(r_.once_in(20) ? r_.integer() : r_.below(4));
  Ptr<INetworkDefinition> n(builder_->createNetworkV2(flags));
  if (!n) return;
  strangers_ = std::move(tensors_);
  tensors_.clear(), loops_.clear(), conditionals_.clear();
  const int64_t steps = 4 + r_.below(20);
  for (int64_t i = 0; i < steps; ++i) {
    grow(*n);
    if (n->getNbLayers() > 0 && r_.once_in(3) && !tensors_.empty()) {
      set_something(r_, *n->getLayer(static_cast<int32_t>(r_.below(n->getNbLayers()))), tensors_);
    }
    if (r_.once_in(3)) network_calls(*n);
  }
  if (n->getNbOutputs() == 0 && !tensors_.empty()) n->markOutput(*tensors_.back());
  // Mostly wrong as a whole: parts of it build.
  for (int tries = 0; tries < 3; ++tries) {
    build(*n);
    while (n->getNbOutputs() > 0) n->unmarkOutput(*n->getOutput(0));
    for (ITensor* t : tensors_) {
      if (t->getDimensions().nbDims >= 0 && r_.once_in(3)) n->markOutput(*t);
    }
  }
  networks_.push_back(std::move(n));
}

void Sequence::builder_calls() {
  IBuilder& b = *builder_;
  (void)b.platformHasFastFp16(), (void)b.platformHasFastInt8(), (void)b.getNbDLACores();
  b.setMaxThreads(r_.int32()), b.setErrorRecorder(r_.flag() ? &recorder : nullptr);
  (void)b.getLogger(), b.setGpuAllocator(nullptr), b.setMaxBatchSize(r_.int32());
  b.setMaxWorkspaceSize(static_cast<size_t>(r_.integer()));
  if (r_.once_in(4)) b.reset();
}

void Sequence::engine_calls(ICudaEngine& e) {
  const char* const name = name_of(e);
  const int32_t index = r_.int32();
  (void)e.getTensorShape(name), (void)e.getTensorDataType(name), (void)e.getTensorLocation(name);
  (void)e.isShapeInferenceIO(name), (void)e.getTensorIOMode(name);
  (void)e.getAliasedInputTensor(name), (void)e.getTensorBytesPerComponent(name, index);
  (void)e.getTensorComponentsPerElement(name, index), (void)e.getTensorFormat(name, index);
  (void)e.getTensorFormatDesc(name, index), (void)e.getTensorVectorizedDim(name, index);
  (void)e.getProfileShape(name, index, r_.value<OptProfileSelector>());
  (void)e.getProfileTensorValuesV2(name, index, r_.value<OptProfileSelector>());
  (void)e.getIOTensorName(index), (void)e.isDebugTensor(name), (void)e.getBindingName(index);
  (void)e.getBindingIndex(name), (void)e.getBindingDimensions(index), (void)e.bindingIsInput(index);
  (void)e.getBindingDataType(index), (void)e.getBindingFormatDesc(index);
  (void)e.getEngineStat(r_.value<EngineStat>()), (void)e.setWeightStreamingBudgetV2(r_.integer());
  (void)e.getDeviceMemorySizeForProfileV2(index);
  Ptr<ISerializationConfig> config(e.createSerializationConfig());
  config->setFlag(r_.value<SerializationFlag>());
  Ptr<IHostMemory> bytes(e.serializeWithConfig(*config));
  Ptr<IEngineInspector> inspector(e.createEngineInspector());
  (void)inspector->getEngineInformation(r_.value<LayerInformationFormat>());
  (void)inspector->getLayerInformation(index, r_.value<LayerInformationFormat>());
}

void Sequence::context_calls(ICudaEngine& e, IExecutionContext& c) {
  const char* const name = name_of(e);
  const int32_t index = r_.int32();
  switch (r_.below(8)) {
    case 0:
      return (void)c.setInputShape(name, r_.dims());
    case 1:
      return (void)c.setOptimizationProfileAsync(index, nullptr);
    case 2:
      (void)c.getTensorShape(name), (void)c.getTensorStrides(name);
      return (void)c.getMaxOutputSize(name);
    case 3:
      (void)c.setTensorAddress(name, nullptr), (void)c.getTensorAddress(name);
      return (void)c.getOutputTensorAddress(name);
    case 4:
      c.setName(r_.text()), c.setDebugSync(r_.flag()), c.setEnqueueEmitsProfile(r_.flag());
      return c.setProfiler(r_.flag() ? &profiler : nullptr);
    case 5:
      (void)c.setOutputAllocator(name, nullptr), (void)c.getOutputAllocator(name);
      return (void)c.setTensorDebugState(name, r_.flag());
    case 6:
      (void)c.setNvtxVerbosity(r_.value<ProfilingVerbosity>());
      (void)c.setBindingDimensions(index, r_.dims()), (void)c.getBindingDimensions(index);
      return (void)c.getStrides(index);
    default: {
      const char* missing[2] = {};
      (void)c.inferShapes(r_.flag() ? 2 : 0, missing), (void)c.allInputDimensionsSpecified();
      (void)c.reportToProfiler(), (void)c.allInputShapesSpecified();
      return (void)c.updateDeviceMemorySizeForShapes();
    }
  }
}

void Sequence::execute(ICudaEngine& e, IExecutionContext& c) {
  std::vector<std::vector<int32_t>> inputs;
  std::vector<Ptr<Allocator>> outputs;
  for (int32_t i = 0; i < e.getNbIOTensors(); ++i) {
    const char* const name = e.getIOTensorName(i);
    if (e.getTensorIOMode(name) == TensorIOMode::kOUTPUT) {
      outputs.push_back(std::make_unique<Allocator>());
      c.setOutputAllocator(name, outputs.back().get());
      continue;
    }
    Dims d = e.getProfileShape(name, 0, OptProfileSelector::kOPT);
    if (d.nbDims >= 0 && r_.flag()) c.setInputShape(name, d);
    d = c.getTensorShape(name);
    int64_t count = 1;
    for (int32_t k = 0; k < d.nbDims; ++k) {
      if (d.d[k] < 0 || d.d[k] > (1 << 20)) return;
      count *= d.d[k];
      if (count > 1 << 20) return;
    }
    inputs.emplace_back(static_cast<size_t>(count) * 2 + 2, static_cast<int32_t>(r_.below(3)));
    c.setTensorAddress(name, inputs.back().data());
  }
  c.enqueueV3(nullptr);
  for (int32_t i = 0; i < e.getNbIOTensors(); ++i)
    c.setOutputAllocator(e.getIOTensorName(i), nullptr);
}

void Sequence::engine() {
  Ptr<IRuntime> runtime(createInferRuntime(logger));
  if (r_.once_in(3)) {  // what is not a plan, or not quite
    std::vector<char> bytes(static_cast<char const*>(plan_->data()),
                            static_cast<char const*>(plan_->data()) + plan_->size());
    if (r_.flag()) bytes.resize(static_cast<size_t>(r_.below(static_cast<int64_t>(bytes.size()))));
    for (int i = 0; i < 3 && !bytes.empty(); ++i) {
      bytes[static_cast<size_t>(r_.below(static_cast<int64_t>(bytes.size())))] ^= 1 << r_.below(8);
    }
    Ptr<ICudaEngine> broken(runtime->deserializeCudaEngine(bytes.data(), bytes.size()));
  }
  Ptr<ICudaEngine> engine(runtime->deserializeCudaEngine(plan_->data(), plan_->size()));
  if (!engine) return;
  engine_calls(*engine);
  std::vector<Ptr<IExecutionContext>> contexts;
  for (int64_t i = r_.below(3); i >= 0; --i)
    contexts.emplace_back(engine->createExecutionContext());
  for (int64_t i = 0; i < 12; ++i) {
    IExecutionContext* const c =
        contexts[static_cast<size_t>(r_.below(static_cast<int64_t>(contexts.size())))].get();
    if (!c) continue;
    r_.once_in(4) && !endless_ ? execute(*engine, *c) : context_calls(*engine, *c);
  }
  // In an order of its own.
  for (int64_t i = 0; i < 6; ++i) {
    switch (r_.below(5)) {
      case 0:
        runtime.reset();
        break;
      case 1:
        engine.reset();
        break;
      case 2:
        if (!contexts.empty()) contexts.pop_back();
        break;
      case 3:
        plan_.reset();
        break;
      default:
        if (!networks_.empty()) networks_.pop_back();
    }
  }
}

void died(int signal) {
  char text[120];
  const int length =
      std::snprintf(text, sizeof text, "\nsignal %d in the sequence of --seed %llu\n", signal,
                    static_cast<unsigned long long>(current_seed));
  (void)!write(2, text, static_cast<size_t>(length));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

int main_of(int argc, char** argv) {
  uint64_t seed = 1;
  int64_t sequences = INT64_MAX;
  double seconds = 5;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--sequences") sequences = std::atoll(argv[i + 1]), seconds = 1e9;
    if (flag == "--seconds") seconds = std::atof(argv[i + 1]);
    if (flag == "--show") logger.show = true;
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGALRM}) {
    std::signal(signal, died);
  }
  const std::time_t start = std::time(nullptr);
  int64_t done = 0;
  for (; done < sequences && std::difftime(std::time(nullptr), start) < seconds; ++done) {
    current_seed = seed + static_cast<uint64_t>(done);
    alarm(120);  // a sequence takes milliseconds, with large tensors seconds
    Sequence(current_seed).run();
  }
  alarm(0);
  std::printf("%lld sequences, %lld errors reported\n", static_cast<long long>(done),
              static_cast<long long>(logger.errors));
  return 0;
}

}  // namespace calls

int main(int argc, char** argv) {
  return calls::main_of(argc, argv);
}
