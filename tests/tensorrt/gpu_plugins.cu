// Plugins with kernels of their own inside engines on a GPU: every generation in FP32 and FP16,
// eager and captured into a CUDA graph; one that cannot be captured; one that tells its sizes.
//
//   nvcc -std=c++17 -arch=sm_90 -diag-suppress 997 gpu_plugins.cu -I ../../compat/tensorrt/include
//     -lnvinfer -lnvinfer_plugin
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "NvInferPlugin.h"

namespace nvinfer1 {
namespace {

struct Log : ILogger {
  void log(Severity severity, char const* text) noexcept override {
    if (severity <= Severity::kERROR) errors += std::string(text) + "\n";
  }
  std::string errors;
};

int failures = 0;
bool check(bool good, char const* what, std::string const& why = "") {
  if (!good) ++failures, std::printf("  failed: %s %s\n", what, why.c_str());
  return good;
}
#define CHECK(x) check((x), #x)

int64_t volume(Dims const& dims) {
  int64_t out = 1;
  for (int32_t i = 0; i < dims.nbDims; ++i) out *= dims.d[i];
  return out;
}

template <class T>
__global__ void scale(T const* x, T* y, float factor, int64_t n) {
  const int64_t i = blockIdx.x * int64_t{blockDim.x} + threadIdx.x;
  if (i < n) y[i] = static_cast<T>(static_cast<float>(x[i]) * factor);
}
template <class T>
__global__ void add_one(T const* x, T* y, int64_t n) {
  const int64_t i = blockIdx.x * int64_t{blockDim.x} + threadIdx.x;
  if (i < n) y[i] = static_cast<T>(static_cast<float>(x[i]) + 1);
}
__global__ void above(float const* x, float* y, int64_t* count, float limit, int64_t n) {
  int64_t kept = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (x[i] > limit) y[kept++] = x[i];
  }
  *count = kept;
}

bool on_device(void const* p) {
  cudaPointerAttributes a{};
  return cudaPointerGetAttributes(&a, p) == cudaSuccess && a.type == cudaMemoryTypeDevice;
}

/// What all of these plugins do: y = x * factor + 1, by way of the workspace.
struct Work {
  float factor = 3;
  DataType type = DataType::kFLOAT;
  bool waits = false;

  TensorFormat format = TensorFormat::kLINEAR;

  bool takes(DataType t, TensorFormat f) const { return t == type && f == format; }
  size_t bytes(int64_t n) const { return static_cast<size_t>(n) * 4; }
  template <class T>
  void queue(void const* x, void* y, void* scratch, int64_t n, cudaStream_t s) const {
    const unsigned blocks = static_cast<unsigned>((n + 255) / 256);
    scale<<<blocks, 256, 0, s>>>(static_cast<T const*>(x), static_cast<T*>(scratch), factor, n);
    add_one<<<blocks, 256, 0, s>>>(static_cast<T const*>(scratch), static_cast<T*>(y), n);
  }
  int32_t run(void const* x, void* y, void* scratch, int64_t n, cudaStream_t s) const {
    if (!on_device(x) || !on_device(y) || !on_device(scratch)) return 11;
    if (type == DataType::kHALF) queue<__half>(x, y, scratch, n, s);
    if (type == DataType::kFLOAT) queue<float>(x, y, scratch, n, s);
    if (waits && cudaStreamSynchronize(s) != cudaSuccess) return 12;
    return cudaPeekAtLastError() == cudaSuccess ? 0 : 13;
  }
};

template <class Base>
class Affine : public Base, public Work {
 public:
  Affine(Work const& work, char const* name) : Work(work), name_(name) {}
  char const* getPluginType() const noexcept override { return name_; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  int32_t getNbOutputs() const noexcept override { return 1; }
  int32_t initialize() noexcept override { return 0; }
  void terminate() noexcept override {}
  size_t getSerializationSize() const noexcept override { return sizeof(Work) + 8; }
  void serialize(void* to) const noexcept override {
    Work const& work = *this;
    std::memcpy(to, &work, sizeof work);
    std::memcpy(static_cast<char*>(to) + sizeof work, &sample, 8);
  }
  void destroy() noexcept override { delete this; }
  void setPluginNamespace(char const* space) noexcept override { space_ = space; }
  char const* getPluginNamespace() const noexcept override { return space_.c_str(); }
  int64_t sample = 0;  ///< elements of one, of plugins that see no batch

 private:
  char const* name_;
  std::string space_;
};

/// What those before dynamic shapes share.
template <class Base>
class Batched : public Affine<Base> {
 public:
  using Affine<Base>::Affine;
  Dims getOutputDimensions(int32_t, Dims const* in, int32_t) noexcept override { return in[0]; }
  size_t getWorkspaceSize(int32_t batch) const noexcept override {
    return this->bytes(batch * this->sample);
  }
  int32_t enqueue(int32_t batch, void const* const* in, void* const* out, void* scratch,
                  cudaStream_t s) noexcept override {
    return this->run(in[0], out[0], scratch, batch * this->sample, s);
  }
};

class V2 final : public Batched<IPluginV2> {
 public:
  explicit V2(Work const& work) : Batched(work, "GpuV2") {}
  bool supportsFormat(DataType t, PluginFormat f) const noexcept override { return takes(t, f); }
  void configureWithFormat(Dims const* in, int32_t, Dims const*, int32_t, DataType, PluginFormat,
                           int32_t) noexcept override {
    sample = volume(in[0]);
  }
  IPluginV2* clone() const noexcept override { return new V2(*this); }
};

template <class Base>
class Extended : public Batched<Base> {
 public:
  using Batched<Base>::Batched;
  DataType getOutputDataType(int32_t, DataType const* types, int32_t) const noexcept override {
    return types[0];
  }
  bool isOutputBroadcastAcrossBatch(int32_t, bool const*, int32_t) const noexcept override {
    return false;
  }
  bool canBroadcastInputAcrossBatch(int32_t) const noexcept override { return false; }
};

class V2Ext final : public Extended<IPluginV2Ext> {
 public:
  explicit V2Ext(Work const& work) : Extended(work, "GpuV2Ext") {}
  bool supportsFormat(DataType t, PluginFormat f) const noexcept override { return takes(t, f); }
  void configurePlugin(Dims const* in, int32_t, Dims const*, int32_t, DataType const*,
                       DataType const*, bool const*, bool const*, PluginFormat,
                       int32_t) noexcept override {
    sample = volume(in[0]);
  }
  IPluginV2Ext* clone() const noexcept override { return new V2Ext(*this); }
};

class V2IOExt final : public Extended<IPluginV2IOExt> {
 public:
  explicit V2IOExt(Work const& work) : Extended(work, "GpuV2IOExt") {}
  void configurePlugin(PluginTensorDesc const* in, int32_t, PluginTensorDesc const*,
                       int32_t) noexcept override {
    sample = volume(in[0].dims);
  }
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* io, int32_t,
                                 int32_t) const noexcept override {
    return takes(io[pos].type, io[pos].format);
  }
  IPluginV2Ext* clone() const noexcept override { return new V2IOExt(*this); }
};

class V2Dynamic final : public Affine<IPluginV2DynamicExt> {
 public:
  explicit V2Dynamic(Work const& work) : Affine(work, "GpuV2Dynamic") {}
  DataType getOutputDataType(int32_t, DataType const* types, int32_t) const noexcept override {
    return types[0];
  }
  DimsExprs getOutputDimensions(int32_t, DimsExprs const* in, int32_t,
                                IExprBuilder&) noexcept override {
    return in[0];
  }
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* io, int32_t,
                                 int32_t) noexcept override {
    return takes(io[pos].type, io[pos].format);
  }
  void configurePlugin(DynamicPluginTensorDesc const*, int32_t, DynamicPluginTensorDesc const*,
                       int32_t) noexcept override {}
  size_t getWorkspaceSize(PluginTensorDesc const* in, int32_t, PluginTensorDesc const*,
                          int32_t) const noexcept override {
    return bytes(volume(in[0].dims));
  }
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const*, void const* const* from,
                  void* const* to, void* scratch, cudaStream_t s) noexcept override {
    return run(from[0], to[0], scratch, volume(in[0].dims), s);
  }
  IPluginV2DynamicExt* clone() const noexcept override { return new V2Dynamic(*this); }
};

/// Version 3, all of it but what its kernels do.
class Three : public IPluginV3,
              public IPluginV3OneCore,
              public IPluginV3OneBuild,
              public IPluginV3OneRuntime,
              public Work {
 public:
  Three(Work const& work, char const* name) : Work(work), name_(name) {}
  Three(Three const& other) : IPluginV3(other), Work(other), name_(other.name_) {}
  IPluginCapability* getCapabilityInterface(PluginCapabilityType type) noexcept override {
    if (type == PluginCapabilityType::kCORE) return static_cast<IPluginV3OneCore*>(this);
    if (type == PluginCapabilityType::kBUILD) return static_cast<IPluginV3OneBuild*>(this);
    return static_cast<IPluginV3OneRuntime*>(this);
  }
  char const* getPluginName() const noexcept override { return name_; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  char const* getPluginNamespace() const noexcept override { return ""; }
  int32_t configurePlugin(DynamicPluginTensorDesc const*, int32_t, DynamicPluginTensorDesc const*,
                          int32_t) noexcept override {
    return 0;
  }
  int32_t onShapeChange(PluginTensorDesc const*, int32_t, PluginTensorDesc const*,
                        int32_t) noexcept override {
    return 0;
  }
  size_t getWorkspaceSize(DynamicPluginTensorDesc const* in, int32_t,
                          DynamicPluginTensorDesc const*, int32_t) const noexcept override {
    return bytes(volume(in[0].max));
  }
  IPluginV3* attachToContext(IPluginResourceContext* context) noexcept override {
    IGpuAllocator* const allocator = context->getGpuAllocator();
    void* const memory = allocator ? allocator->allocate(1 << 20, 256, 0) : nullptr;
    check(memory && on_device(memory), "the context's allocator gives memory of the device");
    if (memory) check(allocator->deallocate(memory), "and takes it back");
    return clone();
  }
  PluginFieldCollection const* getFieldsToSerialize() noexcept override {
    Work const& work = *this;
    field_ = PluginField("work", &work, PluginFieldType::kCHAR, sizeof work);
    fields_ = {1, &field_};
    return &fields_;
  }

 private:
  char const* name_;
  PluginField field_;
  PluginFieldCollection fields_{};
};

class V3 final : public Three {
 public:
  explicit V3(Work const& work) : Three(work, "GpuV3") {}
  IPluginV3* clone() noexcept override { return new V3(*this); }
  int32_t getNbOutputs() const noexcept override { return 1; }
  int32_t getOutputDataTypes(DataType* out, int32_t, DataType const* in,
                             int32_t) const noexcept override {
    return out[0] = in[0], 0;
  }
  int32_t getOutputShapes(DimsExprs const* in, int32_t, DimsExprs const*, int32_t, DimsExprs* out,
                          int32_t, IExprBuilder&) noexcept override {
    return out[0] = in[0], 0;
  }
  bool supportsFormatCombination(int32_t pos, DynamicPluginTensorDesc const* io, int32_t,
                                 int32_t) noexcept override {
    return takes(io[pos].desc.type, io[pos].desc.format);
  }
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const*, void const* const* from,
                  void* const* to, void* scratch, cudaStream_t s) noexcept override {
    return run(from[0], to[0], scratch, volume(in[0].dims), s);
  }
};

/// The elements above a limit, whose number only its kernel knows.
class Above final : public Three {
 public:
  explicit Above(Work const& work) : Three(work, "GpuAbove") {}
  IPluginV3* clone() noexcept override { return new Above(*this); }
  int32_t getNbOutputs() const noexcept override { return 2; }
  int32_t getOutputDataTypes(DataType* out, int32_t, DataType const* in,
                             int32_t) const noexcept override {
    return out[0] = in[0], out[1] = DataType::kINT64, 0;
  }
  int32_t getOutputShapes(DimsExprs const* in, int32_t, DimsExprs const*, int32_t, DimsExprs* out,
                          int32_t, IExprBuilder& builder) noexcept override {
    auto* n = builder.operation(DimensionOperation::kPROD, *in[0].d[0], *in[0].d[1]);
    out[0].nbDims = 1;
    out[0].d[0] = builder.declareSizeTensor(1, *n, *n);
    out[1].nbDims = 0;
    return 0;
  }
  bool supportsFormatCombination(int32_t pos, DynamicPluginTensorDesc const* io, int32_t,
                                 int32_t) noexcept override {
    return io[pos].desc.format == TensorFormat::kLINEAR &&
           io[pos].desc.type == (pos == 2 ? DataType::kINT64 : DataType::kFLOAT);
  }
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const*, void const* const* from,
                  void* const* to, void*, cudaStream_t s) noexcept override {
    if (!on_device(to[0]) || !on_device(to[1])) return 11;
    above<<<1, 1, 0, s>>>(static_cast<float const*>(from[0]), static_cast<float*>(to[0]),
                          static_cast<int64_t*>(to[1]), factor, volume(in[0].dims));
    return cudaPeekAtLastError() == cudaSuccess ? 0 : 13;
  }
};

template <class P>
class Creator2 final : public IPluginCreator {
 public:
  char const* getPluginName() const noexcept override { return P(Work{}).getPluginType(); }
  char const* getPluginVersion() const noexcept override { return "1"; }
  PluginFieldCollection const* getFieldNames() noexcept override { return &fields_; }
  IPluginV2* createPlugin(char const*, PluginFieldCollection const*) noexcept override {
    return new P(Work{});
  }
  IPluginV2* deserializePlugin(char const*, void const* data, size_t) noexcept override {
    Work work;
    std::memcpy(&work, data, sizeof work);
    auto* const out = new P(work);
    std::memcpy(&out->sample, static_cast<char const*>(data) + sizeof work, 8);
    return out;
  }
  void setPluginNamespace(char const* space) noexcept override { space_ = space; }
  char const* getPluginNamespace() const noexcept override { return space_.c_str(); }

 private:
  PluginFieldCollection fields_{};
  std::string space_;
};

template <class P>
class Creator3 final : public IPluginCreatorV3One {
 public:
  IPluginV3* createPlugin(char const*, PluginFieldCollection const* fc,
                          TensorRTPhase) noexcept override {
    Work work;
    std::memcpy(&work, fc->fields[0].data, sizeof work);
    return new P(work);
  }
  PluginFieldCollection const* getFieldNames() noexcept override { return &fields_; }
  char const* getPluginName() const noexcept override { return P(Work{}).getPluginName(); }
  char const* getPluginVersion() const noexcept override { return "1"; }
  char const* getPluginNamespace() const noexcept override { return ""; }

 private:
  PluginFieldCollection fields_{};
};

struct Device {
  explicit Device(size_t bytes) { cudaMalloc(&at, bytes); }
  ~Device() { cudaFree(at); }
  void* at = nullptr;
};

constexpr int64_t kWidth = 1000;
Log logger;

std::unique_ptr<ICudaEngine> engine_of(std::function<ITensor*(INetworkDefinition&, ITensor*)> add) {
  std::unique_ptr<IBuilder> builder(createInferBuilder(logger));
  std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
  config->setBuilderOptimizationLevel(0);
  ITensor* x = network->addInput("x", DataType::kFLOAT, Dims2{-1, kWidth});
  ITensor* y = add(*network, x);
  y->setName("y");
  network->markOutput(*y);
  IOptimizationProfile* profile = builder->createOptimizationProfile();
  profile->setDimensions("x", OptProfileSelector::kMIN, Dims2{1, kWidth});
  profile->setDimensions("x", OptProfileSelector::kOPT, Dims2{4, kWidth});
  profile->setDimensions("x", OptProfileSelector::kMAX, Dims2{8, kWidth});
  config->addOptimizationProfile(profile);
  std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
  if (!check(plan != nullptr, "build", logger.errors)) return nullptr;
  std::unique_ptr<IRuntime> runtime(createInferRuntime(logger));
  std::unique_ptr<ICudaEngine> out(runtime->deserializeCudaEngine(plan->data(), plan->size()));
  check(out != nullptr, "load", logger.errors);
  return out;
}

/// One context, its stream and its memory: y = |x| * factor + 1 + x.
struct Runner {
  explicit Runner(ICudaEngine& engine)
      : context(engine.createExecutionContext()), x(8 * kWidth * 4), y(8 * kWidth * 4) {
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    check(context != nullptr, "a context", logger.errors);
  }
  ~Runner() { cudaStreamDestroy(stream); }
  void fill(int64_t rows, float step) {
    host.resize(static_cast<size_t>(rows * kWidth));
    for (size_t i = 0; i < host.size(); ++i) host[i] = step * static_cast<float>(int(i % 64) - 32);
    cudaMemcpy(x.at, host.data(), host.size() * 4, cudaMemcpyHostToDevice);
    CHECK(context->setInputShape("x", Dims2{rows, kWidth}));
    CHECK(context->setTensorAddress("x", x.at));
    CHECK(context->setTensorAddress("y", y.at));
  }
  void expect(float factor, char const* what) {
    cudaStreamSynchronize(stream);
    std::vector<float> got(host.size());
    cudaMemcpy(got.data(), y.at, got.size() * 4, cudaMemcpyDeviceToHost);
    size_t wrong = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      wrong += got[i] != std::abs(host[i]) * factor + 1 + host[i] ? 1 : 0;
    }
    check(wrong == 0, what, std::to_string(wrong) + " are wrong");
  }
  std::unique_ptr<IExecutionContext> context;
  cudaStream_t stream = nullptr;
  Device x, y;
  std::vector<float> host;
};

bool captured(Runner& r, cudaGraphExec_t* exec) {
  cudaGraph_t graph = nullptr;
  cudaStreamBeginCapture(r.stream, cudaStreamCaptureModeThreadLocal);
  const bool queued = r.context->enqueueV3(r.stream);
  const bool ended = cudaStreamEndCapture(r.stream, &graph) == cudaSuccess && graph;
  const bool good = queued && ended && cudaGraphInstantiate(exec, graph, 0) == cudaSuccess;
  if (graph) cudaGraphDestroy(graph);
  cudaGetLastError();
  return good;
}

ITensor* around(INetworkDefinition& n, ITensor* x, std::function<ITensor*(ITensor**)> plugin) {
  ITensor* a = n.addUnary(*x, UnaryOperation::kABS)->getOutput(0);
  return n.addElementWise(*plugin(&a), *x, ElementWiseOperation::kSUM)->getOutput(0);
}
template <class P>
std::unique_ptr<ICudaEngine> engine_with(Work const& work) {
  return engine_of([&](INetworkDefinition& n, ITensor* x) {
    return around(n, x, [&](ITensor** a) {
      P plugin(work);
      if constexpr (std::is_base_of_v<IPluginV2, P>) {
        return n.addPluginV2(a, 1, plugin)->getOutput(0);
      } else {
        return n.addPluginV3(a, 1, nullptr, 0, plugin)->getOutput(0);
      }
    });
  });
}

template <class P>
void generation(char const* name, DataType type) {
  std::printf("%s %s\n", name, type == DataType::kHALF ? "half" : "float");
  std::unique_ptr<ICudaEngine> engine = engine_with<P>({3, type, false});
  if (!engine) return;
  Runner r(*engine), other(*engine);
  for (int64_t rows : {4, 8, 1, 4}) {
    r.fill(rows, 0.25f);
    check(r.context->enqueueV3(r.stream), "enqueueV3", logger.errors);
    r.expect(3, "eager");
  }
  std::thread beside([&] {
    other.fill(8, 0.5f);
    for (int i = 0; i < 20; ++i) CHECK(other.context->enqueueV3(other.stream));
  });
  for (int i = 0; i < 20; ++i) CHECK(r.context->enqueueV3(r.stream));
  beside.join();
  other.expect(3, "another context beside it");
  cudaGraphExec_t exec = nullptr;
  if (!check(captured(r, &exec), "capture", logger.errors)) return;
  for (float step : {0.5f, 1.0f}) {
    r.fill(4, step);
    CHECK(cudaGraphLaunch(exec, r.stream) == cudaSuccess);
    r.expect(3, "a captured run");
  }
  cudaGraphExecDestroy(exec);
}

/// A plugin that waits in enqueue() spoils a capture, which is told; the engine goes on.
void waits() {
  std::printf("waits\n");
  std::unique_ptr<ICudaEngine> engine = engine_with<V3>({3, DataType::kFLOAT, true});
  if (!engine) return;
  Runner r(*engine);
  r.fill(4, 0.25f);
  CHECK(r.context->enqueueV3(r.stream));
  r.expect(3, "eager");
  cudaGraphExec_t exec = nullptr;
  logger.errors.clear();
  CHECK(!captured(r, &exec));
  std::printf("  %s", logger.errors.c_str());
  CHECK(!logger.errors.empty());
  r.fill(4, 0.5f);
  check(r.context->enqueueV3(r.stream), "eager after a spoilt capture", logger.errors);
  r.expect(3, "eager after a spoilt capture");
}

struct Output : IOutputAllocator {
  ~Output() override { cudaFree(memory); }
  void* reallocateOutputAsync(char const*, void*, uint64_t bytes, uint64_t, cudaStream_t) override {
    cudaFree(memory);
    return cudaMalloc(&memory, bytes) == cudaSuccess ? memory : nullptr;
  }
  void notifyShape(char const*, Dims const& dims) noexcept override { rows = dims.d[0]; }
  void* memory = nullptr;
  int64_t rows = -1;
};

void tells_sizes() {
  std::printf("tells sizes\n");
  std::unique_ptr<ICudaEngine> engine = engine_of([](INetworkDefinition& n, ITensor* x) {
    Above plugin({5, DataType::kFLOAT, false});
    ITensor* y = n.addPluginV3(&x, 1, nullptr, 0, plugin)->getOutput(0);
    return n.addElementWise(*y, *y, ElementWiseOperation::kSUM)->getOutput(0);
  });
  if (!engine) return;
  Runner r(*engine);
  Output output;
  const auto expect = [&] {
    CHECK(r.context->setOutputAllocator("y", &output));
    check(r.context->enqueueV3(r.stream), "eager", logger.errors);
    cudaStreamSynchronize(r.stream);
    std::vector<float> wanted, got;
    for (float v : r.host) {
      if (v > 5) wanted.push_back(2 * v);
    }
    CHECK(output.rows == int64_t(wanted.size()));
    got.resize(wanted.size());
    cudaMemcpy(got.data(), output.memory, got.size() * 4, cudaMemcpyDeviceToHost);
    CHECK(got == wanted);
  };
  r.fill(4, 0.25f), expect();
  r.fill(8, 0.5f), expect();
  cudaGraphExec_t exec = nullptr;
  logger.errors.clear();
  CHECK(!captured(r, &exec));
  std::printf("  %s", logger.errors.c_str());
  r.fill(2, 0.75f), expect();
}

/// A plugin of the program that holds a stock one, which works by itself.
class Holder final : public IPluginV2DynamicExt {
 public:
  explicit Holder(IPluginV2* inner) : inner_(static_cast<IPluginV2DynamicExt*>(inner)) {}
  char const* getPluginType() const noexcept override { return "Holder"; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  int32_t getNbOutputs() const noexcept override { return inner_->getNbOutputs(); }
  DimsExprs getOutputDimensions(int32_t i, DimsExprs const* in, int32_t n,
                                IExprBuilder& builder) noexcept override {
    return inner_->getOutputDimensions(i, in, n, builder);
  }
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* io, int32_t in,
                                 int32_t out) noexcept override {
    return inner_->supportsFormatCombination(pos, io, in, out);
  }
  void configurePlugin(DynamicPluginTensorDesc const* in, int32_t ins,
                       DynamicPluginTensorDesc const* out, int32_t outs) noexcept override {
    inner_->configurePlugin(in, ins, out, outs);
  }
  size_t getWorkspaceSize(PluginTensorDesc const*, int32_t, PluginTensorDesc const*,
                          int32_t) const noexcept override {
    return 0;
  }
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const* out, void const* const* x,
                  void* const* y, void* scratch, cudaStream_t s) noexcept override {
    return inner_->enqueue(in, out, x, y, scratch, s);
  }
  DataType getOutputDataType(int32_t i, DataType const* types, int32_t n) const noexcept override {
    return inner_->getOutputDataType(i, types, n);
  }
  int32_t initialize() noexcept override { return inner_->initialize(); }
  void terminate() noexcept override { inner_->terminate(); }
  size_t getSerializationSize() const noexcept override { return inner_->getSerializationSize(); }
  void serialize(void* to) const noexcept override { inner_->serialize(to); }
  void destroy() noexcept override { inner_->destroy(), delete this; }
  IPluginV2DynamicExt* clone() const noexcept override { return new Holder(inner_->clone()); }
  void setPluginNamespace(char const*) noexcept override {}
  char const* getPluginNamespace() const noexcept override { return ""; }

 private:
  IPluginV2DynamicExt* inner_;
};

struct HolderCreator : IPluginCreator {
  static IPluginCreator& inner() {
    return *getPluginRegistry()->getPluginCreator("CustomGeluPluginDynamic", "1", "");
  }
  char const* getPluginName() const noexcept override { return "Holder"; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  PluginFieldCollection const* getFieldNames() noexcept override { return &none; }
  IPluginV2* createPlugin(char const* name, PluginFieldCollection const* f) noexcept override {
    return new Holder(inner().createPlugin(name, f));
  }
  IPluginV2* deserializePlugin(char const* name, void const* data, size_t n) noexcept override {
    return new Holder(inner().deserializePlugin(name, data, n));
  }
  void setPluginNamespace(char const*) noexcept override {}
  char const* getPluginNamespace() const noexcept override { return ""; }
  PluginFieldCollection none{};
};

void holds_a_stock_plugin() {
  std::printf("holds a stock plugin\n");
  CHECK(initLibNvInferPlugins(nullptr, ""));
  static HolderCreator creator;  // registered for good
  getPluginRegistry()->registerCreator(creator, "");
  std::unique_ptr<ICudaEngine> engine = engine_of([&](INetworkDefinition& n, ITensor* x) {
    IPluginV2* const plugin = creator.createPlugin("p", &creator.none);
    ITensor* const y = n.addPluginV2(&x, 1, *plugin)->getOutput(0);
    plugin->destroy();
    return n.addElementWise(*y, *y, ElementWiseOperation::kSUM)->getOutput(0);
  });
  if (!check(engine != nullptr, "an engine", logger.errors)) return;
  Runner r(*engine);
  const auto expect = [&](char const* what) {
    cudaStreamSynchronize(r.stream);
    std::vector<float> got(r.host.size());
    cudaMemcpy(got.data(), r.y.at, got.size() * 4, cudaMemcpyDeviceToHost);
    float worst = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      const float x = r.host[i];
      const float gelu = 0.5f * x * (1 + std::tanh(0.79788456f * (x + 0.044715f * x * x * x)));
      worst = std::max(worst, std::abs(got[i] - 2 * gelu) / (1 + std::abs(x)));
    }
    check(worst < 1e-5f, what, std::to_string(worst));
  };
  for (int64_t rows : {4, 8, 4}) {
    r.fill(rows, 0.125f);
    check(r.context->enqueueV3(r.stream), "eager", logger.errors);
    expect("eager");
  }
  cudaGraphExec_t exec = nullptr;
  if (check(captured(r, &exec), "capture", logger.errors)) {
    r.fill(4, 0.25f);
    CHECK(cudaGraphLaunch(exec, r.stream) == cudaSuccess);
    expect("a captured run");
    cudaGraphExecDestroy(exec);
  }
}

template <class... Creators>
void add(Creators*... creators) {
  (getPluginRegistry()->registerCreator(*creators, ""), ...);
}

int run_all() {
  add(new Creator2<V2>, new Creator2<V2Ext>, new Creator2<V2IOExt>, new Creator2<V2Dynamic>);
  add(new Creator3<V3>, new Creator3<Above>);
  for (DataType type : {DataType::kFLOAT, DataType::kHALF}) {
    generation<V2>("IPluginV2", type);
    generation<V2Ext>("IPluginV2Ext", type);
    generation<V2IOExt>("IPluginV2IOExt", type);
    generation<V2Dynamic>("IPluginV2DynamicExt", type);
    generation<V3>("IPluginV3", type);
  }
  waits();
  tells_sizes();
  holds_a_stock_plugin();
  std::printf(failures ? "%d failures\n" : "all is well\n", failures);
  return failures ? 1 : 0;
}

}  // namespace
}  // namespace nvinfer1

int main() {
  return nvinfer1::run_all();
}
