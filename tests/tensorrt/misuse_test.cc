// What a program gets that calls the wrong thing: null or false, one message that says what and
// why, and everything as it was. tensorrt_every_call looks for the calls that nobody thought of.

#include <gtest/gtest.h>

#include <limits>
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

#if !defined(__SANITIZE_ADDRESS__)  // its companion stops here, in the caller
/// As *layer->getOutput(0) of a layer that has none is.
ITensor& null_tensor() {
  ITensor* null = nullptr;
  asm("" : "+r"(null));
  return *null;
}

TEST_F(Misuse, NullTensors) {
  EXPECT_EQ(network->addActivation(null_tensor(), ActivationType::kRELU), nullptr);
  EXPECT_TRUE(
      logger.said("addActivation: Error Code 3: API Usage Error (input 0: the tensor is null"));
  EXPECT_EQ(network->addScale(null_tensor(), ScaleMode::kUNIFORM, {}, {}, {}), nullptr);
  EXPECT_TRUE(logger.said("input 0: the tensor is null"));
  network->markOutput(null_tensor());
  EXPECT_TRUE(logger.said("the tensor is null"));
  network->removeTensor(null_tensor());
  EXPECT_TRUE(logger.said("the tensor is null"));
  EXPECT_FALSE(network->unmarkOutputForShapes(null_tensor()));
  network->addIdentity(*x)->setInput(0, null_tensor());
  EXPECT_TRUE(logger.said("(Identity), input 0: the tensor is null"));
}
#endif

TEST_F(Misuse, TensorsOfOthers) {
  const std::unique_ptr<INetworkDefinition> other(builder->createNetworkV2(0));
  ITensor* const far = other->addInput("far", DataType::kFLOAT, Dims2{2, 3});
  EXPECT_EQ(network->addElementWise(*x, *far, ElementWiseOperation::kSUM), nullptr);
  EXPECT_TRUE(logger.said("input 1: tensor 'far' is of another network"));
}

TEST_F(Misuse, RemovedTensors) {
  ITensor* const y = network->addInput("y", DataType::kFLOAT, Dims2{2, 3});
  network->removeTensor(*y);
  EXPECT_TRUE(logger.messages.empty());
  EXPECT_EQ(network->getNbInputs(), 1);
  EXPECT_EQ(network->addIdentity(*y), nullptr);  // the program knows it still
  EXPECT_TRUE(logger.said("tensor 'y' was removed with removeTensor()"));
  ILayer* const layer = network->addIdentity(*x);
  network->removeTensor(*x);
  EXPECT_TRUE(logger.said("tensor 'x' is an input of layer '(Unnamed Layer* 0) [Identity]'"));
  network->markOutput(*layer->getOutput(0));
  network->removeTensor(*layer->getOutput(0));
  EXPECT_TRUE(logger.said("is what layer '(Unnamed Layer* 0) [Identity]' gives: it stays"));
  EXPECT_EQ(network->getNbOutputs(), 1);
}

TEST_F(Misuse, ValuesThatAnEnumerationLacks) {
  EXPECT_EQ(network->addUnary(*x, static_cast<UnaryOperation>(99)), nullptr);
  EXPECT_TRUE(
      logger.said("there is no UnaryOperation 99; those of 0 to 24 are known (input 0 is "
                  "'x' [2, 3])"));
  config->setFlag(static_cast<BuilderFlag>(99));
  EXPECT_TRUE(logger.said("there is no BuilderFlag 99"));
  config->setProfilingVerbosity(static_cast<ProfilingVerbosity>(-1));
  EXPECT_TRUE(logger.said("there is no ProfilingVerbosity -1"));
  EXPECT_EQ(config->getProfilingVerbosity(), ProfilingVerbosity::kLAYER_NAMES_ONLY);
  EXPECT_FALSE(config->setTacticSources(1u << 30));
  EXPECT_TRUE(logger.said("stand for no TacticSource"));
  x->setAllowedFormats(0);
  EXPECT_TRUE(logger.said("allows no TensorFormat"));
}

TEST_F(Misuse, NamesThatAreTooLong) {
  const std::string longest(4095, 'n'), longer(4096, 'n');
  x->setName(longer.c_str());
  EXPECT_TRUE(logger.said("the name has 4096 bytes, 4095 is the most"));
  x->setName(longest.c_str());
  EXPECT_EQ(x->getName(), longest);
  network->addIdentity(*x)->setName(nullptr);
  EXPECT_TRUE(logger.said("the name is null"));
}

TEST_F(Misuse, NamesThatAreNoText) {
  x->setName("a\xff\x01\xc3\xa4");
  EXPECT_FALSE(x->setDynamicRange(1, 0));
  EXPECT_TRUE(logger.said("tensor 'a\\xff\\x01\xc3\xa4': "));
}

TEST_F(Misuse, Ranges) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(x->setDynamicRange(-infinity, 1));
  EXPECT_TRUE(logger.said("is no range of finite numbers"));
  EXPECT_FALSE(x->dynamicRangeIsSet());
}

TEST_F(Misuse, TypesInAStronglyTypedNetwork) {
  network.reset(builder->createNetworkV2(
      1U << static_cast<uint32_t>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED)));
  x = network->addInput("x", DataType::kFLOAT, Dims2{2, 3});
  ILayer* const layer = network->addIdentity(*x);
  layer->setPrecision(DataType::kHALF);
  EXPECT_TRUE(logger.said("the network is strongly typed"));
  EXPECT_FALSE(layer->precisionIsSet());
  layer->setOutputType(0, DataType::kHALF);
  EXPECT_TRUE(logger.said("the network is strongly typed"));
  layer->getOutput(0)->setType(DataType::kHALF);
  EXPECT_TRUE(logger.said("is Float and cannot be set to Half"));
  layer->getOutput(0)->setType(DataType::kFLOAT);
  EXPECT_TRUE(logger.messages.empty());
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
