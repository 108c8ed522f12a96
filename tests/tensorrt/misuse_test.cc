// What a program gets that calls the wrong thing: null or false, one message that says what and
// why, and everything as it was. tensorrt_every_call looks for the calls that nobody thought of.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "NvInfer.h"

namespace nvinfer1 {
namespace {

class Logger : public ILogger {
 public:
  void log(Severity severity, const char* text) noexcept override {
    if (severity <= Severity::kWARNING) messages.emplace_back(text);
  }
  /// Whether the last message has this text; forgets all.
  bool said(const std::string& text) {
    const bool found = !messages.empty() && messages.back().find(text) != std::string::npos;
    if (!found) ADD_FAILURE() << (messages.empty() ? "no message" : messages.back());
    messages.clear();
    return found;
  }
  std::vector<std::string> messages;
};

class Misuse : public testing::Test {
 protected:
  void SetUp() override {
    builder.reset(createInferBuilder(logger));
    ASSERT_TRUE(builder);
    network.reset(builder->createNetworkV2(0));
    config.reset(builder->createBuilderConfig());
    config->setBuilderOptimizationLevel(0);
    x = network->addInput("x", DataType::kFLOAT, Dims2{2, 3});
  }
  std::unique_ptr<IHostMemory> build() {
    return std::unique_ptr<IHostMemory>(builder->buildSerializedNetwork(*network, *config));
  }
  std::unique_ptr<ICudaEngine> load(const void* bytes, size_t size) {
    const std::unique_ptr<IRuntime> runtime(createInferRuntime(logger));
    return std::unique_ptr<ICudaEngine>(runtime->deserializeCudaEngine(bytes, size));
  }

  Logger logger;
  std::unique_ptr<IBuilder> builder;
  std::unique_ptr<INetworkDefinition> network;
  std::unique_ptr<IBuilderConfig> config;
  ITensor* x = nullptr;
};

TEST_F(Misuse, NamesThatAreNoText) {
  x->setName("a\xff\x01\xc3\xa4");
  x->setDimensionName(0, nullptr);
  EXPECT_TRUE(logger.said("of tensor 'a\\xff\\x01\xc3\xa4' takes no name"));
}

TEST_F(Misuse, DeepNetworks) {
  std::vector<ILayer*> layers;
  for (int i = 0; i < 20000; ++i) {
    layers.push_back(network->addActivation(*x, ActivationType::kRELU));
  }
  for (size_t i = 0; i + 1 < layers.size(); ++i) {
    layers[i]->setInput(0, *layers[i + 1]->getOutput(0));
  }
  EXPECT_EQ(layers[0]->getOutput(0)->getDimensions().nbDims, 2);  // each reads the one behind it
  layers[100]->setInput(0, *layers[0]->getOutput(0));
  network->markOutput(*layers[0]->getOutput(0));
  EXPECT_FALSE(build());
  EXPECT_TRUE(logger.said("its output reaches its own input"));
}

TEST_F(Misuse, AProfileThatDoesNotFitAFixedSize) {
  network->markOutput(*network->addIdentity(*x)->getOutput(0));
  IOptimizationProfile* const profile = builder->createOptimizationProfile();
  profile->setDimensions("x", OptProfileSelector::kMIN, Dims2{1, 3});
  profile->setDimensions("x", OptProfileSelector::kOPT, Dims2{2, 3});
  profile->setDimensions("x", OptProfileSelector::kMAX, Dims2{4, 3});
  config->addOptimizationProfile(profile);
  EXPECT_FALSE(build());
  EXPECT_TRUE(logger.said("the profile's sizes [1, 3] for input 'x' do not fit its dimensions"));
}

/// Says of each piece that it was longer than was asked for; or gives zeros for ever.
class LyingReader : public IStreamReader {
 public:
  explicit LyingReader(bool lies) : lies_(lies) {}
  int64_t read(void* to, int64_t bytes) noexcept override {
    std::fill_n(static_cast<char*>(to), bytes, '\0');
    return lies_ ? bytes + 1 : bytes;
  }

 private:
  bool lies_;
};

TEST_F(Misuse, ReadersWithoutAnEnd) {
  const std::unique_ptr<IRuntime> runtime(createInferRuntime(logger));
  LyingReader liar(true), endless(false);
  EXPECT_EQ(runtime->deserializeCudaEngine(liar), nullptr);
  EXPECT_TRUE(logger.said("were asked for, after 0; read() returns how many"));
  EXPECT_EQ(runtime->deserializeCudaEngine(endless), nullptr);
  EXPECT_TRUE(logger.said("this is not a Carnot engine"));
}

TEST_F(Misuse, PlansOfTensorRt) {
  std::string head("ftrt");
  head += std::string(20, '\0') + std::string("\x0a\x10\x01\x0b");
  EXPECT_FALSE(load(head.data(), head.size()));
  EXPECT_TRUE(logger.said("this is a plan of NVIDIA TensorRT 10.16.1.11"));
  for (const char* const old : {"ptrt", "ftrt"}) {
    EXPECT_FALSE(load(old, 4));
    EXPECT_TRUE(logger.said("this is a plan of NVIDIA TensorRT (an older version)"));
  }
}

TEST_F(Misuse, Getters) {
  network->markOutput(*network->addIdentity(*x)->getOutput(0));
  const auto plan = build();
  ASSERT_TRUE(plan);
  const auto engine = load(plan->data(), plan->size());
  ASSERT_TRUE(engine);
  EXPECT_STREQ(engine->getTensorFormatDesc("nothing"), "");
  EXPECT_EQ(engine->getEngineStat(static_cast<EngineStat>(7)), -1);
  EXPECT_TRUE(config->setCalibrationProfile(nullptr));
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  logger.messages.clear();
  EXPECT_EQ(context->inferShapes(-1, nullptr), -1);
  EXPECT_EQ(context->inferShapes(1, nullptr), -1);
  EXPECT_TRUE(logger.said("the array of names is null"));
  EXPECT_EQ(context->inferShapes(0, nullptr), 0);
  EXPECT_FALSE(context->setNvtxVerbosity(ProfilingVerbosity::kDETAILED));
  EXPECT_TRUE(logger.said("the engine was built with less"));
}

/// Calls the context whose run asks it for memory.
class Reentrant : public IOutputAllocator {
 public:
  void* reallocateOutput(char const*, void*, uint64_t, uint64_t) noexcept override {
    ran = ran || context->enqueueV3(nullptr) || context->executeV2(nullptr);
    return memory;
  }
  void notifyShape(char const*, Dims const&) noexcept override {}
  IExecutionContext* context = nullptr;
  bool ran = false;
  float memory[64] = {};
};

TEST_F(Misuse, ARunWithinARun) {
  ITensor* const y = network->addIdentity(*x)->getOutput(0);
  y->setName("y");
  network->markOutput(*y);
  const auto plan = build();
  ASSERT_TRUE(plan);
  const auto engine = load(plan->data(), plan->size());
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  Reentrant allocator;
  allocator.context = context.get();
  const float in[6] = {1, 2, 3, 4, 5, 6};
  context->setInputTensorAddress("x", in);
  context->setOutputAllocator("y", &allocator);
  EXPECT_TRUE(context->enqueueV3(nullptr));
  EXPECT_FALSE(allocator.ran);
  EXPECT_EQ(allocator.memory[5], 6);
}

}  // namespace
}  // namespace nvinfer1
