// Plugins inside engines: every generation, through building, serialising and running; how often
// they are made and destroyed; what is said where something is wrong.

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "NvInferPlugin.h"

namespace nvinfer1 {
namespace {

constexpr cudaStream_t kNoStream = nullptr;

struct Log : ILogger {
  void log(Severity severity, char const* text) noexcept override {
    if (severity <= Severity::kERROR) errors += std::string(text) + "\n";
  }
  std::string errors;
};

int64_t volume(Dims const& dims) {
  int64_t out = 1;
  for (int32_t i = 0; i < dims.nbDims; ++i) out *= dims.d[i];
  return out;
}

/// Plugins that are there, and how often some calls came.
struct Counts {
  int alive = 0, initialized = 0, attached = 0, enqueued = 0, configured = 0;
};
Counts counts;

/// What all of version 2 are here: y = x * factor, the factor being kept in the plan.
template <class Base>
class Scale : public Base {
 public:
  explicit Scale(float factor) : factor_(factor) { ++counts.alive; }
  Scale(const Scale& other) : Base(other), factor_(other.factor_) { ++counts.alive; }
  ~Scale() override { --counts.alive; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  int32_t getNbOutputs() const noexcept override { return 1; }
  int32_t initialize() noexcept override { return ++counts.initialized, 0; }
  void terminate() noexcept override { --counts.initialized; }
  size_t getSerializationSize() const noexcept override { return sizeof factor_; }
  void serialize(void* to) const noexcept override { std::memcpy(to, &factor_, sizeof factor_); }
  void destroy() noexcept override { delete this; }
  void setPluginNamespace(char const* space) noexcept override { space_ = space; }
  char const* getPluginNamespace() const noexcept override { return space_.c_str(); }

 protected:
  int32_t scale(void const* from, void* to, int64_t count) const {
    for (int64_t i = 0; i < count; ++i) {
      static_cast<float*>(to)[i] = static_cast<float const*>(from)[i] * factor_;
    }
    return ++counts.enqueued, 0;
  }
  float factor_;
  std::string space_;
};

bool is_linear_float(DataType type, TensorFormat format) {
  return type == DataType::kFLOAT && format == TensorFormat::kLINEAR;
}

/// Version 2 without extensions.
class ScaleV2 final : public Scale<IPluginV2> {
 public:
  using Scale::Scale;
  char const* getPluginType() const noexcept override { return "ScaleV2"; }
  Dims getOutputDimensions(int32_t, Dims const* in, int32_t) noexcept override { return in[0]; }
  bool supportsFormat(DataType type, PluginFormat format) const noexcept override {
    return is_linear_float(type, format);
  }
  void configureWithFormat(Dims const* in, int32_t, Dims const*, int32_t, DataType, PluginFormat,
                           int32_t) noexcept override {
    per_sample_ = volume(in[0]), ++counts.configured;
  }
  size_t getWorkspaceSize(int32_t) const noexcept override { return 0; }
  int32_t enqueue(int32_t batch, void const* const* in, void* const* out, void*,
                  cudaStream_t) noexcept override {
    return scale(in[0], out[0], batch * per_sample_);
  }
  // What enqueue() needs is kept too.
  size_t getSerializationSize() const noexcept override {
    return sizeof factor_ + sizeof per_sample_;
  }
  void serialize(void* to) const noexcept override {
    std::memcpy(to, &factor_, sizeof factor_);
    std::memcpy(static_cast<char*>(to) + sizeof factor_, &per_sample_, sizeof per_sample_);
  }
  IPluginV2* clone() const noexcept override { return new ScaleV2(*this); }
  int64_t per_sample_ = 0;
};

template <class Base>
class ScaleExtended : public Scale<Base> {
 public:
  using Scale<Base>::Scale;
  DataType getOutputDataType(int32_t, DataType const* types, int32_t) const noexcept override {
    return types[0];
  }
  void attachToContext(cudnnContext*, cublasContext*, IGpuAllocator*) noexcept override {
    ++counts.attached;
  }
  void detachFromContext() noexcept override { --counts.attached; }
};

template <class Base>
class ScaleBatched : public ScaleExtended<Base> {
 public:
  using ScaleExtended<Base>::ScaleExtended;
  Dims getOutputDimensions(int32_t, Dims const* in, int32_t) noexcept override { return in[0]; }
  bool isOutputBroadcastAcrossBatch(int32_t, bool const*, int32_t) const noexcept override {
    return false;
  }
  bool canBroadcastInputAcrossBatch(int32_t) const noexcept override { return false; }
  size_t getWorkspaceSize(int32_t batch) const noexcept override {
    return static_cast<size_t>(batch) * 100;
  }
  int32_t enqueue(int32_t batch, void const* const* in, void* const* out, void* scratch,
                  cudaStream_t) noexcept override {
    std::memset(scratch, 1, static_cast<size_t>(batch) * 100);
    return this->scale(in[0], out[0], batch * 6);
  }
};

class ScaleV2Ext final : public ScaleBatched<IPluginV2Ext> {
 public:
  using ScaleBatched::ScaleBatched;
  char const* getPluginType() const noexcept override { return "ScaleV2Ext"; }
  bool supportsFormat(DataType type, PluginFormat format) const noexcept override {
    return is_linear_float(type, format);
  }
  void configurePlugin(Dims const* in, int32_t, Dims const*, int32_t, DataType const*,
                       DataType const*, bool const*, bool const*, PluginFormat,
                       int32_t) noexcept override {
    EXPECT_EQ(volume(in[0]), 6);
    ++counts.configured;
  }
  IPluginV2Ext* clone() const noexcept override { return new ScaleV2Ext(*this); }
};

class ScaleV2IOExt final : public ScaleBatched<IPluginV2IOExt> {
 public:
  using ScaleBatched::ScaleBatched;
  char const* getPluginType() const noexcept override { return "ScaleV2IOExt"; }
  void configurePlugin(PluginTensorDesc const* in, int32_t, PluginTensorDesc const*,
                       int32_t) noexcept override {
    EXPECT_EQ(volume(in[0].dims), 6);
    ++counts.configured;
  }
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* io, int32_t,
                                 int32_t) const noexcept override {
    return is_linear_float(io[pos].type, io[pos].format);
  }
  IPluginV2Ext* clone() const noexcept override { return new ScaleV2IOExt(*this); }
};

class ScaleV2Dynamic final : public ScaleExtended<IPluginV2DynamicExt> {
 public:
  using ScaleExtended::ScaleExtended;
  char const* getPluginType() const noexcept override { return "ScaleV2Dynamic"; }
  DimsExprs getOutputDimensions(int32_t, DimsExprs const* in, int32_t,
                                IExprBuilder& builder) noexcept override {
    DimsExprs out = in[0];  // (n + 1) * 2 - (n + n) - 2 + n == n
    IDimensionExpr const& n = *in[0].d[0];
    using O = DimensionOperation;
    auto* twice = builder.operation(O::kPROD, *builder.operation(O::kSUM, n, *builder.constant(1)),
                                    *builder.constant(2));
    auto* less = builder.operation(O::kSUB, *twice, *builder.operation(O::kSUM, n, n));
    out.d[0] =
        builder.operation(O::kSUM, *builder.operation(O::kSUB, *less, *builder.constant(2)), n);
    return out;
  }
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* io, int32_t,
                                 int32_t) noexcept override {
    return is_linear_float(io[pos].type, io[pos].format);
  }
  void configurePlugin(DynamicPluginTensorDesc const* in, int32_t, DynamicPluginTensorDesc const*,
                       int32_t) noexcept override {
    ranges += std::to_string(in[0].min.d[0]) + ":" + std::to_string(in[0].opt.d[0]) + ":" +
              std::to_string(in[0].max.d[0]) + " ";
    ++counts.configured;
  }
  size_t getWorkspaceSize(PluginTensorDesc const*, int32_t, PluginTensorDesc const*,
                          int32_t) const noexcept override {
    return 64;
  }
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const* out, void const* const* from,
                  void* const* to, void* scratch, cudaStream_t stream) noexcept override {
    EXPECT_EQ(volume(in[0].dims), volume(out[0].dims));
    EXPECT_EQ(stream, kNoStream);
    std::memset(scratch, 1, 64);
    return scale(from[0], to[0], volume(in[0].dims));
  }
  IPluginV2DynamicExt* clone() const noexcept override { return new ScaleV2Dynamic(*this); }
  static std::string ranges;
};
std::string ScaleV2Dynamic::ranges;

/// Makes any of them.
template <class P>
class Creator : public IPluginCreator {
 public:
  explicit Creator(char const* name) : name_(name) {}
  char const* getPluginName() const noexcept override { return name_; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  PluginFieldCollection const* getFieldNames() noexcept override { return &fields_; }
  IPluginV2* createPlugin(char const*, PluginFieldCollection const*) noexcept override {
    return new P(1);
  }
  IPluginV2* deserializePlugin(char const*, void const* data, size_t size) noexcept override {
    float factor = 0;
    std::memcpy(&factor, data, sizeof factor);
    auto* const plugin = new P(factor);
    restore(*plugin, static_cast<char const*>(data) + sizeof factor, size - sizeof factor);
    return plugin;
  }
  void setPluginNamespace(char const* space) noexcept override { space_ = space; }
  char const* getPluginNamespace() const noexcept override { return space_.c_str(); }

 private:
  static void restore(ScaleV2& plugin, char const* data, size_t) {
    std::memcpy(&plugin.per_sample_, data, sizeof plugin.per_sample_);
  }
  static void restore(IPluginV2&, char const*, size_t) {}
  char const* name_;
  PluginFieldCollection fields_{};
  std::string space_;
};

/// Version 3: the elements above a limit, how many there are, and their indices; a second result is
/// the input itself plus one, in its place.
class Above final : public IPluginV3,
                    public IPluginV3OneCore,
                    public IPluginV3OneBuildV2,
                    public IPluginV3OneRuntime {
 public:
  explicit Above(float limit) : limit_(limit) { ++counts.alive; }
  Above(const Above& other) : IPluginV3(other), limit_(other.limit_), tactic_(other.tactic_) {
    ++counts.alive;
  }
  ~Above() override { --counts.alive; }
  IPluginCapability* getCapabilityInterface(PluginCapabilityType type) noexcept override {
    switch (type) {
      case PluginCapabilityType::kCORE:
        return static_cast<IPluginV3OneCore*>(this);
      case PluginCapabilityType::kBUILD:
        return static_cast<IPluginV3OneBuildV2*>(this);
      case PluginCapabilityType::kRUNTIME:
        return static_cast<IPluginV3OneRuntime*>(this);
    }
    return nullptr;
  }
  IPluginV3* clone() noexcept override { return new Above(*this); }
  char const* getPluginName() const noexcept override { return "Above"; }
  char const* getPluginVersion() const noexcept override { return "3"; }
  char const* getPluginNamespace() const noexcept override { return "test"; }
  int32_t configurePlugin(DynamicPluginTensorDesc const* in, int32_t inputs,
                          DynamicPluginTensorDesc const* out, int32_t outputs) noexcept override {
    EXPECT_EQ(inputs, 1);
    EXPECT_EQ(outputs, 3);
    EXPECT_EQ(in[0].max.d[0], 8);
    EXPECT_EQ(out[0].desc.dims.d[0], -1);
    return ++counts.configured, 0;
  }
  int32_t getOutputDataTypes(DataType* out, int32_t, DataType const* in,
                             int32_t) const noexcept override {
    out[0] = in[0], out[1] = DataType::kINT64, out[2] = in[0];
    return 0;
  }
  int32_t getOutputShapes(DimsExprs const* in, int32_t, DimsExprs const* values, int32_t count,
                          DimsExprs* out, int32_t, IExprBuilder& builder) noexcept override {
    EXPECT_EQ(count, 1);
    auto* half =
        builder.operation(DimensionOperation::kCEIL_DIV, *in[0].d[0], *builder.constant(2));
    out[0].nbDims = 2;
    out[0].d[0] = builder.declareSizeTensor(1, *half, *in[0].d[0]);
    out[0].d[1] = values[0].d[0];  // the shape input's value
    out[1].nbDims = 0;
    out[2] = in[0];
    return 0;
  }
  bool supportsFormatCombination(int32_t pos, DynamicPluginTensorDesc const* io, int32_t,
                                 int32_t) noexcept override {
    const DataType want = pos == 2 ? DataType::kINT64 : DataType::kFLOAT;
    return io[pos].desc.type == want && io[pos].desc.format == TensorFormat::kLINEAR;
  }
  int32_t getNbOutputs() const noexcept override { return 3; }
  size_t getWorkspaceSize(DynamicPluginTensorDesc const*, int32_t, DynamicPluginTensorDesc const*,
                          int32_t) const noexcept override {
    return 1000;
  }
  int32_t getNbTactics() noexcept override { return 2; }
  int32_t getValidTactics(int32_t* tactics, int32_t) noexcept override {
    tactics[0] = 7, tactics[1] = 9;
    return 0;
  }
  int32_t getAliasedInput(int32_t output) noexcept override { return output == 2 ? 0 : -1; }
  int32_t setTactic(int32_t tactic) noexcept override { return tactic_ = tactic, 0; }
  int32_t onShapeChange(PluginTensorDesc const*, int32_t, PluginTensorDesc const* out,
                        int32_t) noexcept override {
    EXPECT_EQ(out[0].dims.d[0], -1);
    EXPECT_EQ(out[0].dims.d[1], 1);
    return 0;
  }
  int32_t enqueue(PluginTensorDesc const* desc, PluginTensorDesc const*, void const* const* in,
                  void* const* out, void* scratch, cudaStream_t) noexcept override {
    EXPECT_EQ(tactic_, 7);
    EXPECT_EQ(in[0], out[2]);
    std::memset(scratch, 0, 1000);
    auto const* const x = static_cast<float const*>(in[0]);
    int64_t count = 0;
    for (int64_t i = 0; i < volume(desc[0].dims); ++i) {
      if (x[i] > limit_) static_cast<float*>(out[0])[count++] = x[i];
    }
    *static_cast<int64_t*>(out[1]) = count;
    for (int64_t i = 0; i < volume(desc[0].dims); ++i) static_cast<float*>(out[2])[i] += 1;
    return ++counts.enqueued, 0;
  }
  IPluginV3* attachToContext(IPluginResourceContext* context) noexcept override {
    EXPECT_NE(context, nullptr);
    return clone();
  }
  PluginFieldCollection const* getFieldsToSerialize() noexcept override {
    field_ = PluginField("limit", &limit_, PluginFieldType::kFLOAT32, 1);
    fields_ = {1, &field_};
    return &fields_;
  }

 private:
  float limit_;
  int32_t tactic_ = 0;
  PluginField field_;
  PluginFieldCollection fields_{};
};

class AboveCreator : public IPluginCreatorV3One {
 public:
  IPluginV3* createPlugin(char const*, PluginFieldCollection const* fc,
                          TensorRTPhase phase) noexcept override {
    EXPECT_EQ(phase, TensorRTPhase::kRUNTIME);
    if (fc->nbFields != 1 || std::strcmp(fc->fields[0].name, "limit") != 0) return nullptr;
    return new Above(*static_cast<float const*>(fc->fields[0].data));
  }
  PluginFieldCollection const* getFieldNames() noexcept override { return &fields_; }
  char const* getPluginName() const noexcept override { return "Above"; }
  char const* getPluginVersion() const noexcept override { return "3"; }
  char const* getPluginNamespace() const noexcept override { return "test"; }

 private:
  PluginFieldCollection fields_{};
};

class PluginEngine : public testing::Test {
 protected:
  void SetUp() override {
    counts = {};
    ScaleV2Dynamic::ranges.clear();
    builder.reset(createInferBuilder(log));
    runtime.reset(createInferRuntime(log));
    config.reset(builder->createBuilderConfig());
    config->setBuilderOptimizationLevel(0);
    for (IPluginCreatorInterface* c : creators()) {
      ASSERT_TRUE(getPluginRegistry()->registerCreator(*c, space_of(c)));
    }
  }
  void TearDown() override {
    for (IPluginCreatorInterface* c : creators()) getPluginRegistry()->deregisterCreator(*c);
    EXPECT_EQ(counts.alive, 0);
    EXPECT_EQ(counts.initialized, 0);
    EXPECT_EQ(counts.attached, 0);
  }
  std::vector<IPluginCreatorInterface*> creators() {
    return {&v2_, &ext_, &ioext_, &dynamic_, &above_};
  }
  char const* space_of(IPluginCreatorInterface* c) { return c == &above_ ? "test" : ""; }

  /// y = plugin(x) + x, x being [?n or 4, 2, 3].
  template <class P>
  std::unique_ptr<INetworkDefinition> network_with(bool dynamic) {
    std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
    ITensor* x = network->addInput("x", DataType::kFLOAT, Dims3{dynamic ? -1 : 4, 2, 3});
    P plugin(3);
    IPluginV2Layer* layer = network->addPluginV2(&x, 1, plugin);
    EXPECT_NE(layer, nullptr) << log.errors;
    EXPECT_EQ(layer->getType(), LayerType::kPLUGIN_V2);
    EXPECT_STREQ(layer->getPlugin().getPluginType(), plugin.getPluginType());
    EXPECT_EQ(volume(layer->getOutput(0)->getDimensions()), dynamic ? -6 : 24);
    ITensor* y =
        network->addElementWise(*layer->getOutput(0), *x, ElementWiseOperation::kSUM)->getOutput(0);
    y->setName("y");
    network->markOutput(*y);
    if (dynamic) {
      IOptimizationProfile* profile = builder->createOptimizationProfile();
      profile->setDimensions("x", OptProfileSelector::kMIN, Dims3{1, 2, 3});
      profile->setDimensions("x", OptProfileSelector::kOPT, Dims3{4, 2, 3});
      profile->setDimensions("x", OptProfileSelector::kMAX, Dims3{8, 2, 3});
      config->addOptimizationProfile(profile);
    }
    return network;
  }

  std::unique_ptr<ICudaEngine> engine_of(INetworkDefinition& network) {
    std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(network, *config));
    if (!plan) return nullptr;
    return std::unique_ptr<ICudaEngine>(runtime->deserializeCudaEngine(plan->data(), plan->size()));
  }

  void expect_scaled(ICudaEngine& engine, bool dynamic) {
    std::unique_ptr<IExecutionContext> first(engine.createExecutionContext());
    std::unique_ptr<IExecutionContext> second(engine.createExecutionContext());
    ASSERT_NE(first, nullptr) << log.errors;
    for (int64_t n : {4, dynamic ? 8 : 4, 4}) {
      for (IExecutionContext* context : {first.get(), second.get()}) {
        std::vector<float> x(static_cast<size_t>(n * 6)), y(x.size());
        for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
        if (dynamic) {
          ASSERT_TRUE(context->setInputShape("x", Dims3{n, 2, 3}));
        }
        ASSERT_TRUE(context->setTensorAddress("x", x.data()));
        ASSERT_TRUE(context->setTensorAddress("y", y.data()));
        ASSERT_TRUE(context->enqueueV3(kNoStream)) << log.errors;
        for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], x[i] * 4);
      }
    }
  }

  template <class P>
  void run_all(bool dynamic) {
    std::unique_ptr<INetworkDefinition> network = network_with<P>(dynamic);
    std::unique_ptr<ICudaEngine> engine = engine_of(*network);
    ASSERT_NE(engine, nullptr) << log.errors;
    EXPECT_GT(counts.configured, 0);
    network.reset();
    EXPECT_EQ(counts.initialized, 1);
    expect_scaled(*engine, dynamic);
    EXPECT_EQ(counts.enqueued, 6);
    EXPECT_EQ(counts.attached, 0);
    EXPECT_EQ(counts.alive, 1);
  }

  Log log;
  std::unique_ptr<IBuilder> builder;
  std::unique_ptr<IRuntime> runtime;
  std::unique_ptr<IBuilderConfig> config;

 private:
  Creator<ScaleV2> v2_{"ScaleV2"};
  Creator<ScaleV2Ext> ext_{"ScaleV2Ext"};
  Creator<ScaleV2IOExt> ioext_{"ScaleV2IOExt"};
  Creator<ScaleV2Dynamic> dynamic_{"ScaleV2Dynamic"};
  AboveCreator above_;
};

TEST_F(PluginEngine, VersionTwo) {
  run_all<ScaleV2>(false);
}
TEST_F(PluginEngine, VersionTwoWithADynamicBatch) {
  run_all<ScaleV2>(true);
}
TEST_F(PluginEngine, VersionTwoExtended) {
  run_all<ScaleV2Ext>(true);
}
TEST_F(PluginEngine, VersionTwoWithTypesOfEachTensor) {
  run_all<ScaleV2IOExt>(true);
}
TEST_F(PluginEngine, VersionTwoDynamic) {
  run_all<ScaleV2Dynamic>(true);
  EXPECT_EQ(ScaleV2Dynamic::ranges.substr(0, 6), "1:4:8 ");
  EXPECT_NE(ScaleV2Dynamic::ranges.find("4:4:4 "), std::string::npos);
}

TEST_F(PluginEngine, AnImplicitBatchIsNoneOfThePlugins) {
  std::unique_ptr<INetworkDefinition> network(builder->createNetwork());
  builder->setMaxBatchSize(4);
  ITensor* x = network->addInput("x", DataType::kFLOAT, Dims2{2, 3});
  ScaleV2IOExt plugin(2);
  ITensor* y = network->addPluginV2(&x, 1, plugin)->getOutput(0);
  EXPECT_EQ(y->getDimensions().nbDims, 2);
  y->setName("y");
  network->markOutput(*y);
  std::unique_ptr<ICudaEngine> engine(builder->buildEngineWithConfig(*network, *config));
  ASSERT_NE(engine, nullptr) << log.errors;
  std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  std::vector<float> in(24, 1.5f), out(24);
  void* bindings[] = {in.data(), out.data()};
  ASSERT_TRUE(context->execute(4, bindings)) << log.errors;
  EXPECT_EQ(out, std::vector<float>(24, 3.f));
}

TEST_F(PluginEngine, VersionThree) {
  std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  ITensor* x = network->addInput("x", DataType::kFLOAT, Dims{1, {-1}});
  const int32_t one = 1;
  ITensor* width =
      network->addConstant(Dims{1, {1}}, Weights{DataType::kINT32, &one, 1})->getOutput(0);
  Above plugin(2);
  IPluginV3Layer* layer = network->addPluginV3(&x, 1, &width, 1, plugin);
  ASSERT_NE(layer, nullptr) << log.errors;
  EXPECT_EQ(layer->getNbOutputs(), 3);
  EXPECT_EQ(layer->getOutput(1)->getType(), DataType::kINT64);
  ITensor* found = network->addUnary(*layer->getOutput(0), UnaryOperation::kNEG)->getOutput(0);
  found->setName("found");
  layer->getOutput(1)->setName("count");
  layer->getOutput(2)->setName("more");
  for (ITensor* t : {found, layer->getOutput(1), layer->getOutput(2)}) network->markOutput(*t);
  IOptimizationProfile* profile = builder->createOptimizationProfile();
  profile->setDimensions("x", OptProfileSelector::kMIN, Dims{1, {1}});
  profile->setDimensions("x", OptProfileSelector::kOPT, Dims{1, {5}});
  profile->setDimensions("x", OptProfileSelector::kMAX, Dims{1, {8}});
  config->addOptimizationProfile(profile);
  std::unique_ptr<ICudaEngine> engine = engine_of(*network);
  ASSERT_NE(engine, nullptr) << log.errors;
  network.reset();
  EXPECT_EQ(counts.alive, 2);  // this one and the engine's
  std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());

  struct Allocator : IOutputAllocator {
    void* reallocateOutputAsync(char const*, void*, uint64_t size, uint64_t,
                                cudaStream_t) override {
      memory.resize(size / sizeof(float) + 1);
      return memory.data();
    }
    void notifyShape(char const*, Dims const& dims) noexcept override { shape = dims; }
    std::vector<float> memory;
    Dims shape{};
  } allocator;
  std::vector<float> in = {1, 5, 2, 3}, more(4);
  int64_t count = 0;
  ASSERT_TRUE(context->setInputShape("x", Dims{1, {4}}));
  context->setTensorAddress("x", in.data());
  context->setTensorAddress("count", &count);
  context->setTensorAddress("more", more.data());
  ASSERT_TRUE(context->setOutputAllocator("found", &allocator));
  ASSERT_TRUE(context->enqueueV3(kNoStream)) << log.errors;
  EXPECT_EQ(count, 2);
  EXPECT_EQ(allocator.shape.nbDims, 2);
  EXPECT_EQ(allocator.shape.d[0], 2);
  EXPECT_EQ(allocator.memory[0], -5);
  EXPECT_EQ(allocator.memory[1], -3);
  EXPECT_EQ(more, (std::vector<float>{2, 6, 3, 4}));
  EXPECT_EQ(in[0], 1);  // the caller's input stays
  context.reset();
  EXPECT_EQ(counts.alive, 2);
}

TEST_F(PluginEngine, WithoutACreatorAPlanIsRefused) {
  std::unique_ptr<INetworkDefinition> network = network_with<ScaleV2Dynamic>(false);
  std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
  ASSERT_NE(plan, nullptr) << log.errors;
  IPluginCreatorInterface* creator = creators()[3];
  ASSERT_TRUE(getPluginRegistry()->deregisterCreator(*creator));
  EXPECT_EQ(runtime->deserializeCudaEngine(plan->data(), plan->size()), nullptr);
  EXPECT_NE(log.errors.find("no creator is registered for plugin 'ScaleV2Dynamic' version 1"),
            std::string::npos)
      << log.errors;
  // A network that was just built brings its own.
  std::unique_ptr<ICudaEngine> engine(builder->buildEngineWithConfig(*network, *config));
  ASSERT_NE(engine, nullptr) << log.errors;
  expect_scaled(*engine, false);
  ASSERT_TRUE(getPluginRegistry()->registerCreator(*creator, ""));
}

TEST_F(PluginEngine, TypesThatAPluginLacksAreCast) {
  std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  ITensor* x = network->addInput("x", DataType::kHALF, Dims2{2, 3});
  ScaleV2Dynamic plugin(2);
  IPluginV2Layer* layer = network->addPluginV2(&x, 1, plugin);
  EXPECT_EQ(layer->getOutput(0)->getType(), DataType::kHALF);
  layer->getOutput(0)->setName("y");
  network->markOutput(*layer->getOutput(0));
  std::unique_ptr<ICudaEngine> engine = engine_of(*network);
  ASSERT_NE(engine, nullptr) << log.errors;
  std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  std::vector<uint16_t> in(6, 0x3C00), out(6);  // 1
  context->setTensorAddress("x", in.data());
  context->setTensorAddress("y", out.data());
  ASSERT_TRUE(context->enqueueV3(kNoStream)) << log.errors;
  EXPECT_EQ(out, std::vector<uint16_t>(6, 0x4000));  // 2
}

TEST_F(PluginEngine, WhatAPluginRefusesIsSaid) {
  std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  ITensor* x = network->addInput("x", DataType::kBOOL, Dims2{2, 3});
  ScaleV2Dynamic plugin(2);
  network->markOutput(*network->addPluginV2(&x, 1, plugin)->getOutput(0));
  EXPECT_EQ(engine_of(*network), nullptr);
  EXPECT_NE(log.errors.find("(PluginV2): the plugin takes no input 0 of type"), std::string::npos)
      << log.errors;
}

}  // namespace
}  // namespace nvinfer1
