// Calls of versions 5 to 9 do what they did: bindings by index, batches beside the dimensions,
// modes of the builder, destroy().

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "NvInfer.h"
#include "NvInferConsistency.h"

namespace nvinfer1 {
namespace {

/// As programs of version 7 write it: log() without noexcept.
class Logger : public ILogger {
 public:
  void log(Severity severity, const char* text) override {
    if (severity <= Severity::kERROR) errors.emplace_back(text);
  }
  std::vector<std::string> errors;
};

/// Objects that end by destroy().
struct Destroy {
  template <typename T>
  void operator()(T* object) const {
    object->destroy();
  }
};
template <typename T>
using Ptr = std::unique_ptr<T, Destroy>;

class Legacy : public testing::Test {
 protected:
  Logger logger;
  Ptr<IBuilder> builder{createInferBuilder(logger)};
  std::vector<float> weights;

  Weights next(int64_t count) {
    weights.reserve(4096);  // addresses stay
    const size_t begin = weights.size();
    for (int64_t i = 0; i < count; i++) weights.push_back(std::sin(static_cast<float>(i + count)));
    return {DataType::kFLOAT, weights.data() + begin, count};
  }

  /// data [.., 2, 6, 6] -> prob [.., 5, 1, 1]
  void add_layers(INetworkDefinition& network, const Dims& dims) {
    ITensor* data = network.addInput("data", DataType::kFLOAT, dims);
    const Weights k = next(3 * 2 * 9), b = next(3), fk = next(5 * 3 * 9), fb = next(5);
    IConvolutionLayer* conv = network.addConvolution(*data, 3, DimsHW{3, 3}, k, b);
    conv->setPadding(DimsHW{1, 1});
    EXPECT_EQ(conv->getPadding().h(), 1);
    EXPECT_EQ(conv->getKernelSize().w(), 3);
    IPoolingLayer* pool = network.addPooling(*conv->getOutput(0), PoolingType::kMAX, DimsHW{2, 2});
    EXPECT_EQ(pool->getStride().w(), 2);  // the window's
    IFullyConnectedLayer* full = network.addFullyConnected(*pool->getOutput(0), 5, fk, fb);
    EXPECT_EQ(full->getNbOutputChannels(), 5);
    full->getOutput(0)->setName("prob");
    network.markOutput(*full->getOutput(0));
  }

  static std::vector<float> image(int seed) {
    std::vector<float> data(2 * 6 * 6);
    for (size_t i = 0; i < data.size(); i++) data[i] = std::cos(static_cast<float>(i) + seed);
    return data;
  }
};

TEST_F(Legacy, BindingsOfTwoProfiles) {
  Ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  add_layers(*network, Dims4{-1, 2, 6, 6});
  Ptr<IBuilderConfig> config(builder->createBuilderConfig());
  config->setMaxWorkspaceSize(1 << 24);
  EXPECT_EQ(config->getMaxWorkspaceSize(), size_t{1} << 24);
  for (const int most : {4, 8}) {
    IOptimizationProfile* profile = builder->createOptimizationProfile();
    profile->setDimensions("data", OptProfileSelector::kMIN, Dims4{1, 2, 6, 6});
    profile->setDimensions("data", OptProfileSelector::kOPT, Dims4{2, 2, 6, 6});
    profile->setDimensions("data", OptProfileSelector::kMAX, Dims4{most, 2, 6, 6});
    config->addOptimizationProfile(profile);
  }
  Ptr<ICudaEngine> engine(builder->buildEngineWithConfig(*network, *config));
  ASSERT_TRUE(engine) << testing::PrintToString(logger.errors);
  EXPECT_EQ(engine->getNbBindings(), 4);
  EXPECT_EQ(engine->getBindingIndex("data"), 0);
  EXPECT_EQ(engine->getBindingIndex("prob"), 1);
  EXPECT_EQ(engine->getBindingIndex("prob [profile 1]"), 3);
  EXPECT_EQ(engine->getBindingIndex("none"), -1);
  EXPECT_EQ(engine->getBindingIndex(nullptr), -1);
  EXPECT_STREQ(engine->getBindingName(2), "data [profile 1]");
  EXPECT_EQ(engine->getBindingName(4), nullptr);
  EXPECT_TRUE(engine->bindingIsInput(2));
  EXPECT_FALSE(engine->bindingIsInput(3));
  EXPECT_EQ(engine->getBindingDimensions(0).d[0], -1);
  EXPECT_EQ(engine->getBindingDataType(1), DataType::kFLOAT);
  EXPECT_EQ(engine->getBindingFormat(1), TensorFormat::kNCHW);
  EXPECT_EQ(engine->getProfileDimensions(0, 1, OptProfileSelector::kMAX).d[0], 8);
  EXPECT_TRUE(engine->isExecutionBinding(0));
  EXPECT_FALSE(engine->isShapeBinding(0));
  EXPECT_EQ(engine->getMaxBatchSize(), 1);

  Ptr<IExecutionContext> context(engine->createExecutionContext());
  std::vector<float> in = image(1), out(5);
  ASSERT_TRUE(context->setOptimizationProfile(1));
  ASSERT_TRUE(context->setBindingDimensions(2, Dims4{1, 2, 6, 6}));
  EXPECT_EQ(context->getBindingDimensions(3).d[1], 5);
  void* bindings[4] = {nullptr, nullptr, in.data(), out.data()};
  EXPECT_TRUE(context->enqueueV2(bindings, nullptr, nullptr));
  EXPECT_NE(out[0], 0);
  EXPECT_FALSE(context->enqueue(2, bindings, nullptr, nullptr));  // the batch is a dimension here
  EXPECT_FALSE(context->enqueueV2(nullptr, nullptr, nullptr));
  EXPECT_FALSE(context->execute(1, nullptr));
  EXPECT_FALSE(context->setBindingDimensions(9, Dims4{1, 2, 6, 6}));
}

/// createNetworkV2(0) of version 8 has an implicit batch; as version 10 reads it, a batch of one
/// works.
TEST_F(Legacy, ImagesOfThreeAxesHaveTheirChannelsFirst) {
  Ptr<INetworkDefinition> network(builder->createNetworkV2(0U));
  ITensor* x = network->addInput("data", DataType::kFLOAT, Dims3{2, 6, 6});
  const float scale[] = {2, 3}, shift[] = {1, -1}, power[] = {1, 1}, ones[] = {1, 0, 0, 1};
  x = network
          ->addConvolutionNd(*x, 2, DimsHW{1, 1}, Weights{DataType::kFLOAT, ones, 4},
                             Weights{DataType::kFLOAT, nullptr, 0})
          ->getOutput(0);
  x = network
          ->addScale(*x, ScaleMode::kCHANNEL, Weights{DataType::kFLOAT, shift, 2},
                     Weights{DataType::kFLOAT, scale, 2}, Weights{DataType::kFLOAT, power, 2})
          ->getOutput(0);
  x->setName("prob");
  network->markOutput(*x);
  Ptr<IBuilderConfig> config(builder->createBuilderConfig());
  builder->setMaxBatchSize(1);
  Ptr<ICudaEngine> engine(builder->buildEngineWithConfig(*network, *config));
  ASSERT_TRUE(engine) << testing::PrintToString(logger.errors);
  Ptr<IExecutionContext> context(engine->createExecutionContext());
  std::vector<float> in = image(1), out(in.size());
  void* bindings[] = {in.data(), out.data()};
  ASSERT_TRUE(context->enqueue(1, bindings, nullptr, nullptr));
  for (size_t i = 0; i < in.size(); i++) {
    EXPECT_FLOAT_EQ(out[i], i < 36 ? 2 * in[i] + 1 : 3 * in[i] - 1);
  }
}

TEST_F(Legacy, BuilderModesReachTheConfiguration) {
  builder->setFp16Mode(true);
  builder->setStrictTypeConstraints(true);
  builder->setMaxWorkspaceSize(1 << 20);
  builder->setMaxBatchSize(32);
  EXPECT_TRUE(builder->getHalf2Mode());
  EXPECT_TRUE(builder->getStrictTypeConstraints());
  EXPECT_FALSE(builder->getInt8Mode());
  EXPECT_EQ(builder->getMaxWorkspaceSize(), size_t{1} << 20);
  EXPECT_EQ(builder->getMaxBatchSize(), 32);
  builder->setFp16Mode(false);
  EXPECT_FALSE(builder->getFp16Mode());
  builder->setMaxBatchSize(0);
  EXPECT_EQ(builder->getMaxBatchSize(), 32);
  EXPECT_FALSE(logger.errors.empty());
}

TEST_F(Legacy, ImplicitBatch) {
  Ptr<INetworkDefinition> network(builder->createNetwork());
  ASSERT_TRUE(network) << testing::PrintToString(logger.errors);
  EXPECT_TRUE(network->hasImplicitBatchDimension());
  add_layers(*network, Dims3{2, 6, 6});
  EXPECT_EQ(network->getOutput(0)->getDimensions().nbDims, 3);
  builder->setMaxBatchSize(4);
  Ptr<ICudaEngine> engine(builder->buildCudaEngine(*network));
  ASSERT_TRUE(engine) << testing::PrintToString(logger.errors);
  EXPECT_TRUE(engine->hasImplicitBatchDimension());
  EXPECT_EQ(engine->getMaxBatchSize(), 4);
  EXPECT_EQ(engine->getBindingDimensions(0).nbDims, 3);

  // The same network with the batch as a dimension gives what is expected.
  weights.clear();
  Ptr<INetworkDefinition> other(builder->createNetworkV2(0));
  add_layers(*other, Dims4{1, 2, 6, 6});
  Ptr<ICudaEngine> reference(builder->buildCudaEngine(*other));
  ASSERT_TRUE(reference);
  Ptr<IExecutionContext> one(reference->createExecutionContext());
  Ptr<IExecutionContext> context(engine->createExecutionContext());
  std::vector<float> in, expected;
  for (int sample = 0; sample < 3; sample++) {
    std::vector<float> data = image(sample), result(5);
    void* bindings[] = {data.data(), result.data()};
    ASSERT_TRUE(one->executeV2(bindings));
    in.insert(in.end(), data.begin(), data.end());
    expected.insert(expected.end(), result.begin(), result.end());
  }
  for (const bool wait : {true, false}) {
    std::vector<float> out(15);
    void* bindings[] = {in.data(), out.data()};
    ASSERT_TRUE(wait ? context->execute(3, bindings)
                     : context->enqueue(3, bindings, nullptr, nullptr));
    for (size_t i = 0; i < out.size(); i++) EXPECT_NEAR(out[i], expected[i], 1e-5F) << i;
    EXPECT_FALSE(context->execute(5, bindings));
  }
  // The engine file keeps it.
  Ptr<IHostMemory> plan(engine->serialize());
  Ptr<IRuntime> runtime(createInferRuntime(logger));
  Ptr<ICudaEngine> loaded(runtime->deserializeCudaEngine(plan->data(), plan->size(), nullptr));
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->hasImplicitBatchDimension());
  EXPECT_EQ(loaded->getMaxBatchSize(), 4);
}

/// What safeCommon.h's programs have: keeps the last error.
class SafeRecorder : public nvinfer2::safe::ISafeRecorder {
 public:
  int32_t getNbErrors() const noexcept override { return text.empty() ? 0 : 1; }
  ErrorCode getErrorCode(int32_t /*index*/) const noexcept override { return code; }
  ErrorDesc getErrorDesc(int32_t /*index*/) const noexcept override { return text.c_str(); }
  bool hasOverflowed() const noexcept override { return false; }
  void clear() noexcept override { text.clear(); }
  bool reportError(ErrorCode value, ErrorDesc description) noexcept override {
    code = value;
    text = description;
    return true;
  }
  RefCount incRefCount() noexcept override { return 1; }
  RefCount decRefCount() noexcept override { return 0; }
  ErrorCode code = ErrorCode::kSUCCESS;
  std::string text;
};

TEST(Safety, EveryEntryRefusesAndSaysWhatToUse) {
  namespace safe = nvinfer2::safe;
  SafeRecorder recorder;
  EXPECT_EQ(recorder.getSeverity(), safe::Severity::kERROR);
  safe::ITRTGraph* graph = nullptr;
  EXPECT_EQ(safe::createTRTGraph(graph, "plan", 4, recorder), ErrorCode::kUNSUPPORTED_STATE);
  EXPECT_EQ(graph, nullptr);
  EXPECT_NE(recorder.text.find("nvinfer1::createInferRuntime()"), std::string::npos);
  EXPECT_EQ(safe::destroyTRTGraph(graph), ErrorCode::kSUCCESS);
  EXPECT_EQ(safe::getSafePluginRegistry(recorder), nullptr);
  EXPECT_NE(recorder.text.find("::getPluginRegistry()"), std::string::npos);
  safe::consistency::IConsistencyChecker* checker = nullptr;
  EXPECT_EQ(safe::consistency::createConsistencyChecker(checker, recorder, "plan", 4),
            ErrorCode::kUNSUPPORTED_STATE);
  EXPECT_EQ(checker, nullptr);
  EXPECT_NE(recorder.text.find("deserializeCudaEngine()"), std::string::npos);
  float numbers[2] = {};
  const safe::TypedArray array(numbers, sizeof numbers);
  EXPECT_EQ(array.getFloat(), numbers);
  EXPECT_EQ(array.getInt32(), nullptr);
  EXPECT_EQ(safe::TensorDescriptor().userShape.nbDims, -1);
}

}  // namespace
}  // namespace nvinfer1
