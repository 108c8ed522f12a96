// Contexts: memory that the program brings, outputs whose memory an allocator gives, the choice of
// the device, deletion in any order.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "NvInfer.h"

namespace nvinfer1 {
namespace {

class Logger : public ILogger {
 public:
  void log(Severity severity, const char* text) noexcept override {
    if (severity <= Severity::kERROR) errors.emplace_back(text);
  }
  bool said(const char* text) const {
    return !errors.empty() && errors.back().find(text) != std::string::npos;
  }
  std::vector<std::string> errors;
};

/// Gives the host's memory, and none when it is told so.
class Allocator : public IGpuAllocator {
 public:
  void* allocate(uint64_t size, uint64_t alignment, AllocatorFlags) noexcept override {
    if (refuses) return nullptr;
    void* const memory =
        std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    live[memory] = size;
    ++given;
    return memory;
  }
  bool deallocate(void* memory) noexcept override {
    const bool known = live.erase(memory) > 0;
    std::free(memory);
    return known;
  }
  std::map<void*, uint64_t> live;
  int given = 0;
  bool refuses = false;
};

class Output : public IOutputAllocator {
 public:
  void* reallocateOutput(char const*, void*, uint64_t size, uint64_t) noexcept override {
    bytes.resize(size + 1);
    return refuses ? nullptr : bytes.data();
  }
  void notifyShape(char const*, Dims const& dims) noexcept override { shape = dims; }
  std::vector<char> bytes;
  Dims shape{};
  bool refuses = false;
};

/// Two products of x [-1, 64] with a relu between them.
class Contexts : public testing::Test {
 protected:
  static constexpr int kWidth = 64, kRowsMax = 32;

  void SetUp() override {
    for (size_t i = 0; i < weights.size(); ++i)
      weights[i] = static_cast<float>(i % 7) / 100 - 0.03F;
    builder.reset(createInferBuilder(logger));
    ASSERT_TRUE(builder) << (logger.errors.empty() ? "" : logger.errors[0]);
    network.reset(builder->createNetworkV2(0));
    ITensor* x = network->addInput("x", DataType::kFLOAT, Dims2{-1, kWidth});
    for (int i = 0; i < 2; ++i) {
      const Weights w{DataType::kFLOAT, weights.data(), static_cast<int64_t>(weights.size())};
      ITensor* k = network->addConstant(Dims2{kWidth, kWidth}, w)->getOutput(0);
      x = network->addMatrixMultiply(*x, MatrixOperation::kNONE, *k, MatrixOperation::kNONE)
              ->getOutput(0);
      x = network->addActivation(*x, ActivationType::kRELU)->getOutput(0);
    }
    x->setName("y");
    network->markOutput(*x);
    config.reset(builder->createBuilderConfig());
    config->setBuilderOptimizationLevel(0);
    IOptimizationProfile* profile = builder->createOptimizationProfile();
    profile->setDimensions("x", OptProfileSelector::kMIN, Dims2{1, kWidth});
    profile->setDimensions("x", OptProfileSelector::kOPT, Dims2{8, kWidth});
    profile->setDimensions("x", OptProfileSelector::kMAX, Dims2{kRowsMax, kWidth});
    config->addOptimizationProfile(profile);
    plan.reset(builder->buildSerializedNetwork(*network, *config));
    ASSERT_TRUE(plan) << (logger.errors.empty() ? "" : logger.errors[0]);
    runtime.reset(createInferRuntime(logger));
  }

  std::unique_ptr<ICudaEngine> load() {
    return std::unique_ptr<ICudaEngine>(runtime->deserializeCudaEngine(plan->data(), plan->size()));
  }
  /// One run with `rows` rows; empty where it is refused.
  std::vector<float> run(IExecutionContext& context, int rows) {
    std::vector<float> x(static_cast<size_t>(rows) * kWidth, 0.5F), y(x.size());
    void* bindings[] = {x.data(), y.data()};
    if (!context.setInputShape("x", Dims2{rows, kWidth}) || !context.executeV2(bindings)) return {};
    return y;
  }

  Logger logger;
  std::vector<float> weights = std::vector<float>(kWidth * kWidth);
  std::unique_ptr<IBuilder> builder;
  std::unique_ptr<INetworkDefinition> network;
  std::unique_ptr<IBuilderConfig> config;
  std::unique_ptr<IHostMemory> plan;
  std::unique_ptr<IRuntime> runtime;
};

TEST_F(Contexts, MemoryComesFromTheRuntimesAllocator) {
  Allocator allocator;
  runtime->setGpuAllocator(&allocator);
  const auto engine = load();
  ASSERT_TRUE(engine);
  {
    const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
    const std::vector<float> first = run(*context, 4);
    ASSERT_FALSE(first.empty());
    const int given = allocator.given;
    EXPECT_GT(given, 0);
    EXPECT_EQ(run(*context, 4), first);
    EXPECT_EQ(allocator.given, given);  // known shapes take nothing new
    Allocator temporary;
    EXPECT_TRUE(context->setTemporaryStorageAllocator(&temporary));
    EXPECT_EQ(context->getTemporaryStorageAllocator(), &temporary);
    EXPECT_EQ(run(*context, 4), first);
    EXPECT_GT(temporary.given, 0);
    EXPECT_TRUE(context->setTemporaryStorageAllocator(nullptr));
    EXPECT_TRUE(temporary.live.empty());
    EXPECT_EQ(run(*context, 4), first);
  }
  EXPECT_TRUE(allocator.live.empty());
}

TEST_F(Contexts, AnAllocatorThatRefuses) {
  Allocator allocator;
  allocator.refuses = true;
  runtime->setGpuAllocator(&allocator);
  const auto engine = load();
  ASSERT_TRUE(engine);
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  EXPECT_TRUE(run(*context, 4).empty());
  EXPECT_TRUE(logger.said("Error Code 5"));
  allocator.refuses = false;
  EXPECT_FALSE(run(*context, 4).empty());
}

TEST_F(Contexts, MemoryOfTheProgram) {
  const auto engine = load();
  const std::unique_ptr<IExecutionContext> own(engine->createExecutionContext());
  const auto want4 = run(*own, 4), want32 = run(*own, 32);
  const int64_t bytes = engine->getDeviceMemorySizeV2();
  ASSERT_GT(bytes, 0);
  EXPECT_EQ(engine->getDeviceMemorySizeForProfileV2(0), bytes);
  std::vector<char> block(static_cast<size_t>(bytes) + 64);
  own->setDeviceMemoryV2(block.data(), bytes);
  EXPECT_TRUE(logger.said("kUSER_MANAGED"));

  const std::unique_ptr<IExecutionContext> context(
      engine->createExecutionContext(ExecutionContextAllocationStrategy::kUSER_MANAGED));
  EXPECT_TRUE(run(*context, 4).empty());
  EXPECT_TRUE(logger.said("setDeviceMemoryV2"));
  context->setDeviceMemoryV2(block.data(), 64);
  EXPECT_TRUE(run(*context, 4).empty());
  context->setDeviceMemoryV2(block.data() + 64 - reinterpret_cast<uintptr_t>(block.data()) % 64,
                             bytes);
  EXPECT_EQ(run(*context, 4), want4);
  EXPECT_EQ(run(*context, 32), want32);
  EXPECT_EQ(run(*context, 4), want4);
  context->setInputShape("x", Dims2{4, kWidth});
  EXPECT_LE(static_cast<int64_t>(context->updateDeviceMemorySizeForShapes()), bytes);
  context->setDeviceMemoryV2(nullptr, 8);
  EXPECT_TRUE(logger.said("8 bytes at"));
}

TEST_F(Contexts, AnOutputsAllocator) {
  const auto engine = load();
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  const auto want = run(*context, 4);
  const std::vector<float> x(want.size(), 0.5F);
  EXPECT_TRUE(context->setInputTensorAddress("x", x.data()));
  Output output;
  EXPECT_TRUE(context->setOutputAllocator("y", &output));
  EXPECT_FALSE(context->setOutputAllocator("x", &output));
  EXPECT_TRUE(context->enqueueV3(nullptr)) << logger.errors.back();
  EXPECT_EQ(output.shape.nbDims, 2);
  EXPECT_EQ(output.shape.d[0], 4);
  const auto* const values = reinterpret_cast<const float*>(output.bytes.data());
  EXPECT_EQ(std::vector<float>(values, values + want.size()), want);
  output.refuses = true;
  EXPECT_FALSE(context->enqueueV3(nullptr));
  EXPECT_TRUE(logger.said("output \"y\""));
  EXPECT_TRUE(context->setOutputAllocator("y", nullptr));
  EXPECT_EQ(run(*context, 4), want);
}

TEST_F(Contexts, ShapesOutsideOfTheProfileAreRefused) {
  const auto engine = load();
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  EXPECT_TRUE(run(*context, kRowsMax + 1).empty());
  EXPECT_TRUE(logger.said("optimization profile 0, which has [1, 64] to [32, 64]"))
      << logger.errors.back();
  EXPECT_FALSE(context->setInputShape("x", Dims2{0, kWidth}));
  EXPECT_FALSE(context->setInputShape("x", Dims2{4, kWidth + 1}));
  EXPECT_FALSE(context->setInputShape("x", Dims3{4, kWidth, 1}));
  EXPECT_FALSE(context->setInputShape("z", Dims2{4, kWidth}));
  EXPECT_FALSE(context->setInputShape(nullptr, Dims2{4, kWidth}));
  EXPECT_FALSE(run(*context, kRowsMax).empty());
}

/// A file that cannot be rewound once its end was met, as those of std::ifstream.
class Stream : public IStreamReader {
 public:
  explicit Stream(IHostMemory const& plan) : plan_(&plan) {}
  int64_t read(void* to, int64_t bytes) override {
    const auto left = static_cast<int64_t>(plan_->size()) - at;
    if (bytes > left) end_was_met = true;
    const int64_t given = std::min(bytes, left);
    std::memcpy(to, static_cast<const char*>(plan_->data()) + at, static_cast<size_t>(given));
    at += given;
    return given;
  }
  int64_t at = 0;
  bool end_was_met = false;

 private:
  IHostMemory const* plan_;
};

TEST_F(Contexts, AStreamIsReadToThePlansEndAndNoFurther) {
  const auto loads = [&](const char* what) {
    Stream stream(*plan);
    const std::unique_ptr<ICudaEngine> engine(runtime->deserializeCudaEngine(stream));
    EXPECT_TRUE(engine) << what << ": " << (logger.errors.empty() ? "" : logger.errors.back());
    EXPECT_FALSE(stream.end_was_met) << what;
    EXPECT_EQ(stream.at, static_cast<int64_t>(plan->size())) << what;
  };
  loads("one engine");
  config->setFlag(BuilderFlag::kREFIT);
  plan.reset(builder->buildSerializedNetwork(*network, *config));
  ASSERT_TRUE(plan);
  loads("refittable");
  config->clearFlag(BuilderFlag::kREFIT);
  IOptimizationProfile* profile = builder->createOptimizationProfile();
  for (const auto select :
       {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
    profile->setDimensions("x", select, Dims2{40, kWidth});
  }
  config->addOptimizationProfile(profile);
  plan.reset(builder->buildSerializedNetwork(*network, *config));
  ASSERT_TRUE(plan);
  loads("of two profiles");
  Stream cut(*plan);
  cut.at = 1;
  EXPECT_EQ(runtime->deserializeCudaEngine(cut), nullptr);
}

TEST_F(Contexts, AnIndexOutOfRangeFailsNoRun) {
  network.reset(builder->createNetworkV2(0));
  ITensor* data = network->addInput("data", DataType::kFLOAT, Dims2{3, 2});
  ITensor* i = network->addInput("i", DataType::kINT32, Dims{1, {4}});
  ITensor* y = network->addGather(*data, *i, 0)->getOutput(0);
  y->setName("y");
  network->markOutput(*y);
  config.reset(builder->createBuilderConfig());
  plan.reset(builder->buildSerializedNetwork(*network, *config));
  ASSERT_TRUE(plan);
  const auto engine = load();
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  float table[] = {1, 2, 3, 4, 5, 6}, picked[8] = {};
  int32_t rows[] = {2, 3, -1, 1 << 30};
  void* bindings[] = {table, rows, picked};
  ASSERT_TRUE(context->executeV2(bindings)) << logger.errors.back();
  const float expected[] = {5, 6, 1, 2, 5, 6, 1, 2};
  for (int k = 0; k < 8; ++k) EXPECT_EQ(picked[k], expected[k]) << k;
}

TEST_F(Contexts, EachProfileHasItsOwnEngine) {
  const auto add = [&](int least, int best, int most) {
    IOptimizationProfile* profile = builder->createOptimizationProfile();
    profile->setDimensions("x", OptProfileSelector::kMIN, Dims2{least, kWidth});
    profile->setDimensions("x", OptProfileSelector::kOPT, Dims2{best, kWidth});
    profile->setDimensions("x", OptProfileSelector::kMAX, Dims2{most, kWidth});
    return config->addOptimizationProfile(profile);
  };
  EXPECT_EQ(add(40, 50, 60), 1);
  EXPECT_EQ(add(7, 7, 7), 2);         // no choice: compiled for this size
  EXPECT_EQ(add(1, 8, kRowsMax), 3);  // as the first
  const size_t one = plan->size();
  plan.reset(builder->buildSerializedNetwork(*network, *config));
  ASSERT_TRUE(plan) << logger.errors.back();
  EXPECT_GT(plan->size(), 2 * one);
  EXPECT_LT(plan->size(), 4 * one);
  const auto engine = load();
  ASSERT_TRUE(engine) << logger.errors.back();
  EXPECT_EQ(engine->getNbOptimizationProfiles(), 4);
  EXPECT_EQ(engine->getTensorShape("x").d[0], -1);
  EXPECT_EQ(engine->getTensorShape("y").d[0], -1);
  EXPECT_EQ(engine->getProfileShape("x", 2, OptProfileSelector::kMAX).d[0], 7);
  EXPECT_GE(engine->getDeviceMemorySizeForProfileV2(1), engine->getDeviceMemorySizeForProfileV2(2));
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  const auto want = run(*context, 7);
  const int rows[][2] = {{1, 50}, {2, 7}, {3, 7}, {0, 7}, {1, 60}, {2, 7}};
  for (const auto& [profile, count] : rows) {
    ASSERT_TRUE(context->setOptimizationProfileAsync(profile, nullptr)) << logger.errors.back();
    EXPECT_FALSE(context->allInputDimensionsSpecified());
    EXPECT_EQ(context->getTensorShape("y").d[0], -1);
    EXPECT_TRUE(run(*context, count + 100).empty());
    const auto got = run(*context, count);
    ASSERT_EQ(got.size(), static_cast<size_t>(count) * kWidth) << logger.errors.back();
    EXPECT_EQ(context->getTensorShape("y").d[0], count);
    for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-5F) << profile;
  }
  // The program's memory serves all of them.
  std::vector<char> block(static_cast<size_t>(engine->getDeviceMemorySizeV2()) + 64);
  const std::unique_ptr<IExecutionContext> bare(
      engine->createExecutionContext(ExecutionContextAllocationStrategy::kUSER_MANAGED));
  bare->setDeviceMemoryV2(block.data(), static_cast<int64_t>(block.size()));
  for (const int profile : {1, 0, 1}) {
    ASSERT_TRUE(bare->setOptimizationProfileAsync(profile, nullptr));
    EXPECT_EQ(run(*bare, profile == 1 ? 50 : 7).size(), profile == 1 ? 50U * kWidth : 7U * kWidth);
  }
  EXPECT_FALSE(context->setOptimizationProfileAsync(4, nullptr));
  EXPECT_FALSE(context->setOptimizationProfileAsync(-1, nullptr));
  // A plan that is cut, or whose parts are, is refused.
  for (const size_t bytes : {size_t{8}, size_t{20}, one, plan->size() - 1}) {
    EXPECT_EQ(runtime->deserializeCudaEngine(plan->data(), bytes), nullptr) << bytes;
  }
}

// Threads share an engine and its runtime, each with contexts of its own.
TEST_F(Contexts, ThreadsWithContextsOfTheirOwn) {
  IOptimizationProfile* profile = builder->createOptimizationProfile();
  for (const auto select :
       {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
    profile->setDimensions("x", select, Dims2{40, kWidth});
  }
  EXPECT_EQ(config->addOptimizationProfile(profile), 1);
  plan.reset(builder->buildSerializedNetwork(*network, *config));
  const auto engine = load();
  ASSERT_TRUE(engine);
  const auto want = run(*std::unique_ptr<IExecutionContext>(engine->createExecutionContext()), 5);
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
        bool all = run(*context, 5) == want;
        all = context->setOptimizationProfileAsync(1, nullptr) && all;
        all = !run(*context, 40).empty() && engine->getDeviceMemorySizeV2() > 0 && all;
        if (all) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 20);
}

// Each object may go before those that it was made from, and after.
TEST_F(Contexts, AnyOrderOfDeletion) {
  auto engine = load();
  std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  std::unique_ptr<IExecutionContext> other(engine->createExecutionContext());
  std::unique_ptr<IEngineInspector> inspector(engine->createEngineInspector());
  builder.reset();
  EXPECT_EQ(network->getNbInputs(), 1);
  runtime.reset();
  EXPECT_FALSE(run(*context, 2).empty());
  engine.reset();
  EXPECT_FALSE(run(*context, 2).empty());
  EXPECT_NE(inspector->getEngineInformation(LayerInformationFormat::kJSON), nullptr);
  context.reset();
  plan.reset();
  config.reset();
  EXPECT_FALSE(run(*other, 2).empty());
  network.reset();
  EXPECT_FALSE(run(*other, 2).empty());
}

/// CARNOT_DEVICE as long as this lives.
class Chosen {
 public:
  explicit Chosen(const char* device) { setenv("CARNOT_DEVICE", device, 1); }
  Chosen(const Chosen&) = delete;
  Chosen& operator=(const Chosen&) = delete;
  ~Chosen() { setenv("CARNOT_DEVICE", "cpu", 1); }
};

TEST(Device, OfNoMachine) {
  for (const char* name : {"gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:99", "CPU", "cpu "}) {
    const Chosen chosen(name);
    Logger logger;
    EXPECT_EQ(createInferBuilder(logger), nullptr) << name;
    EXPECT_TRUE(logger.said("CARNOT_DEVICE is '")) << name;
    EXPECT_EQ(createInferRuntime(logger), nullptr) << name;
    EXPECT_EQ(logger.errors.size(), 2U);
  }
}

TEST(Device, Dla) {
  Logger logger;
  const std::unique_ptr<IBuilder> builder(createInferBuilder(logger));
  EXPECT_EQ(builder->getNbDLACores(), 0);
  const std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  ITensor* x = network->addInput("x", DataType::kFLOAT, Dims2{2, 2});
  ILayer* layer = network->addActivation(*x, ActivationType::kRELU);
  network->markOutput(*layer->getOutput(0));
  const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
  EXPECT_FALSE(config->canRunOnDLA(layer));
  config->setDeviceType(layer, DeviceType::kDLA);
  EXPECT_EQ(builder->buildSerializedNetwork(*network, *config), nullptr);
  EXPECT_TRUE(logger.said("DLA"));
  config->resetDeviceType(layer);
  const std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
  EXPECT_NE(plan, nullptr);
}

}  // namespace
}  // namespace nvinfer1
