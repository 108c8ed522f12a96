// Loops made by hand: how long their outputs are.

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
    if (severity <= Severity::kERROR) errors += std::string(text) + "\n";
  }
  std::string errors;
};

/// y: what a sum of x was before each of `count` (an input) steps; `length` steps of it.
class Sums {
 public:
  explicit Sums(LoopOutput kind) {
    const std::unique_ptr<IBuilder> builder(createInferBuilder(logger));
    const std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
    ITensor* x = network->addInput("x", DataType::kFLOAT, Dims{1, {2}});
    ITensor* count = network->addInput("count", DataType::kINT32, Dims{0, {}});
    static const int32_t length = 4;
    ITensor* given =
        network->addConstant(Dims{0, {}}, Weights{DataType::kINT32, &length, 1})->getOutput(0);
    ILoop* loop = network->addLoop();
    loop->addTripLimit(*count, TripLimit::kCOUNT);
    IRecurrenceLayer* sum = loop->addRecurrence(*x);
    ITensor* next =
        network->addElementWise(*sum->getOutput(0), *x, ElementWiseOperation::kSUM)->getOutput(0);
    sum->setInput(1, *next);
    ILoopOutputLayer* out = loop->addLoopOutput(*sum->getOutput(0), kind, 1);
    out->setInput(1, *given);
    out->getOutput(0)->setName("y");
    network->markOutput(*out->getOutput(0));
    const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
    IOptimizationProfile* profile = builder->createOptimizationProfile();
    for (const auto select :
         {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
      const int32_t steps = select == OptProfileSelector::kMIN ? 1 : 8;
      profile->setShapeValues("count", select, &steps, 1);
    }
    config->addOptimizationProfile(profile);
    const std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
    EXPECT_TRUE(plan) << logger.errors;
    if (!plan) return;
    runtime_.reset(createInferRuntime(logger));
    engine.reset(runtime_->deserializeCudaEngine(plan->data(), plan->size()));
  }

  std::vector<float> run(int32_t count) {
    const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
    float x[] = {1, 10};
    std::vector<float> y(8, -1);
    context->setTensorAddress("x", x);
    context->setTensorAddress("count", &count);
    context->setTensorAddress("y", y.data());
    EXPECT_TRUE(context->enqueueV3(nullptr)) << logger.errors;
    return y;
  }

  Logger logger;
  std::unique_ptr<ICudaEngine> engine;

 private:
  std::unique_ptr<IRuntime> runtime_;
};

TEST(Loop, OutputsAreAsLongAsTheirSecondInputSays) {
  Sums sums(LoopOutput::kCONCATENATE);
  ASSERT_TRUE(sums.engine);
  const Dims shape = sums.engine->getTensorShape("y");
  ASSERT_EQ(shape.nbDims, 2);
  EXPECT_EQ(shape.d[0], 2);
  EXPECT_EQ(shape.d[1], 4);
  EXPECT_EQ(sums.run(4), (std::vector<float>{1, 2, 3, 4, 10, 20, 30, 40}));
  EXPECT_EQ(sums.run(2), (std::vector<float>{1, 2, 0, 0, 10, 20, 0, 0}));
  EXPECT_EQ(sums.run(6), (std::vector<float>{1, 2, 3, 4, 10, 20, 30, 40}));
}

TEST(Loop, ReversedOutputsBeginWithTheLastStep) {
  Sums sums(LoopOutput::kREVERSE);
  ASSERT_TRUE(sums.engine);
  EXPECT_EQ(sums.run(3), (std::vector<float>{3, 2, 1, 0, 30, 20, 10, 0}));
}

}  // namespace
}  // namespace nvinfer1
