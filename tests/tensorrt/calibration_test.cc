// Calibration: the cache before the batches, the ranges of each algorithm, caches as TensorRT
// writes them, what calibrators do wrong.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "NvInfer.h"
#include "NvOnnxParser.h"

namespace nvinfer1 {
namespace {

class Logger : public ILogger {
 public:
  void log(Severity severity, const char* text) noexcept override {
    (severity <= Severity::kERROR ? errors : others) += std::string(text) + "\n";
  }
  std::string errors, others;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A calibrator of any algorithm that gives `batches` of the input "x".
template <class Base>
class Calibrator : public Base {
 public:
  int32_t getBatchSize() const noexcept override { return batch_size; }
  bool getBatch(void* bindings[], char const* names[], int32_t count) noexcept override {
    for (int32_t i = 0; i < count; ++i) asked.emplace_back(names[i]);
    if (given == batches.size()) return false;
    bindings[0] = gives_null ? nullptr : batches[given].data();
    ++given;
    return true;
  }
  void const* readCalibrationCache(std::size_t& length) noexcept override {
    length = cache.size();
    return cache.empty() ? nullptr : cache.data();
  }
  void writeCalibrationCache(void const* data, std::size_t length) noexcept override {
    cache.assign(static_cast<const char*>(data), length);
    ++writes;
  }
  /// Of a tensor: 127 times its scale in the cache.
  float range(const std::string& name) const {
    const size_t at = cache.find("\n" + name + ": ");
    if (at == std::string::npos) return -1;
    const auto bits =
        static_cast<uint32_t>(std::stoul(cache.substr(at + name.size() + 3, 8), nullptr, 16));
    float scale = 0;
    std::memcpy(&scale, &bits, sizeof scale);
    return scale * 127;
  }

  int32_t batch_size = 1;
  std::vector<std::vector<float>> batches;
  std::vector<std::string> asked;
  size_t given = 0;
  int writes = 0;
  bool gives_null = false;
  std::string cache;
};

class Legacy : public Calibrator<IInt8LegacyCalibrator> {
 public:
  double getQuantile() const noexcept override { return 0.5; }
  double getRegressionCutoff() const noexcept override { return 0.5; }
  void const* readHistogramCache(std::size_t& length) noexcept override {
    length = histograms.size();
    return histograms.empty() ? nullptr : histograms.data();
  }
  void writeHistogramCache(void const* data, std::size_t length) noexcept override {
    histograms.assign(static_cast<const char*>(data), length);
  }
  std::string histograms;
};

using Entropy2 = Calibrator<IInt8EntropyCalibrator2>;
using MinMax = Calibrator<IInt8MinMaxCalibrator>;

/// y = relu(x) * [2, 4] of x [rows, 2].
class Calibrating : public testing::Test {
 protected:
  void SetUp() override {
    builder.reset(createInferBuilder(logger));
    ASSERT_TRUE(builder);
    make_network(0, Dims2{2, 2});
  }

  void make_network(uint32_t flags, Dims const& dims) {
    network.reset(builder->createNetworkV2(flags));
    fill(dims);
  }

  void fill(Dims const& dims) {
    ITensor* x = network->addInput("x", DataType::kFLOAT, dims);
    ITensor* r = network->addActivation(*x, ActivationType::kRELU)->getOutput(0);
    r->setName("r: relu");
    Dims one = dims;
    for (int32_t i = 0; i < one.nbDims; ++i) one.d[i] = i + 1 == one.nbDims ? 2 : 1;
    ITensor* k = network->addConstant(one, {DataType::kFLOAT, kFactors, 2})->getOutput(0);
    k->setName("k");
    ITensor* y = network->addElementWise(*r, *k, ElementWiseOperation::kPROD)->getOutput(0);
    y->setName("y");
    network->markOutput(*y);
    config.reset(builder->createBuilderConfig());
    config->setFlag(BuilderFlag::kINT8);
    config->setBuilderOptimizationLevel(0);
  }

  bool build(IInt8Calibrator& calibrator) {
    config->setInt8Calibrator(&calibrator);
    plan.reset(builder->buildSerializedNetwork(*network, *config));
    return plan != nullptr;
  }

  static constexpr float kFactors[] = {2, 4};
  Logger logger;
  std::unique_ptr<IBuilder> builder;
  std::unique_ptr<INetworkDefinition> network;
  std::unique_ptr<IBuilderConfig> config;
  std::unique_ptr<IHostMemory> plan;
};
constexpr float Calibrating::kFactors[];

TEST_F(Calibrating, MinMaxCoversEverything) {
  MinMax calibrator;
  calibrator.batches = {{-8, 1, 2, 3}, {5, -1, 0, 2.5F}};
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_EQ(calibrator.asked, (std::vector<std::string>{"x", "x", "x"}));
  EXPECT_EQ(calibrator.writes, 1);
  EXPECT_EQ(calibrator.cache.rfind("TRT-101601-MinMaxCalibration\n", 0), 0U) << calibrator.cache;
  EXPECT_FLOAT_EQ(calibrator.range("x"), 8);
  EXPECT_FLOAT_EQ(calibrator.range("r: relu"), 5);
  EXPECT_FLOAT_EQ(calibrator.range("k"), 4);
  EXPECT_FLOAT_EQ(calibrator.range("y"), 12);
  EXPECT_TRUE(has(logger.others, "Calibrated batch 1 in "));
  EXPECT_TRUE(has(logger.others, "kINT8: layers run in FP32")) << logger.others;

  // The cache is enough from now on.
  Logger quiet;
  MinMax again;
  again.cache = calibrator.cache;
  ASSERT_TRUE(build(again)) << logger.errors;
  EXPECT_TRUE(again.asked.empty());
  EXPECT_EQ(again.writes, 0);
  EXPECT_FALSE(has(logger.others, "Missing scale"));
}

// 127/127 = 3f800000 is a range of 127.
TEST_F(Calibrating, CachesOfTensorRtAreRead) {
  Entropy2 calibrator;
  calibrator.cache =
      "TRT-8502-EntropyCalibration2\r\nx: 3c010a14\nr: relu: 3f800000\n\nk: 3c010204\ny: "
      "3f800000\n";
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_TRUE(calibrator.asked.empty());
  EXPECT_FALSE(has(logger.others, "Missing scale")) << logger.others;
  EXPECT_FALSE(has(logger.others, "does not match")) << logger.others;
  calibrator.cache = "TRT-7103-MinMaxCalibration\nx: 3c010a14\ny: what\n";
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_TRUE(calibrator.asked.empty());
  EXPECT_TRUE(has(logger.others, "does not match calibrator algorithm type")) << logger.others;
  EXPECT_TRUE(has(logger.others, "Missing scale and zero-point for tensor y,")) << logger.others;
  EXPECT_TRUE(has(logger.others, "1 lines of the calibration cache")) << logger.others;
  calibrator.cache = "nothing of use";
  calibrator.batches = {{1, 2, 3, 4}};
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_EQ(calibrator.given, 1U);
  EXPECT_EQ(calibrator.cache.rfind("TRT-101601-EntropyCalibration2\n", 0), 0U);
}

// Ten thousand values about 1 and one of 1000: the outlier is cut off.
TEST_F(Calibrating, EntropyCutsOutliers) {
  make_network(0, Dims2{5000, 2});
  std::vector<float> values(10000);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(static_cast<float>(i)) + std::sin(static_cast<float>(i) * 0.7F);
  }
  values[17] = 20;
  Entropy2 calibrator;
  calibrator.batches = {values};
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_GT(calibrator.range("x"), 1.2F);
  EXPECT_LT(calibrator.range("x"), 4);
  MinMax all;
  all.batches = {values};
  ASSERT_TRUE(build(all)) << logger.errors;
  EXPECT_FLOAT_EQ(all.range("x"), 20);
}

TEST_F(Calibrating, LegacyTakesAQuantileAndKeepsHistograms) {
  Legacy calibrator;
  calibrator.batches = {{1, 2, 100, 100}};
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_EQ(calibrator.cache.rfind("TRT-101601-LegacyCalibration\n", 0), 0U);
  EXPECT_NEAR(calibrator.range("x"), 2, 0.1);
  EXPECT_FALSE(calibrator.histograms.empty());
  const std::string before = calibrator.cache;
  calibrator.cache.clear(), calibrator.asked.clear();
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_TRUE(calibrator.asked.empty());
  EXPECT_EQ(calibrator.cache, before);
}

TEST_F(Calibrating, SizesOfTheCalibrationProfile) {
  make_network(0, Dims2{-1, 2});
  MinMax calibrator;
  calibrator.batches = {{1, 2, 3, 4, 5, 6}};
  IOptimizationProfile* profile = builder->createOptimizationProfile();
  profile->setDimensions("x", OptProfileSelector::kMIN, Dims2{1, 2});
  profile->setDimensions("x", OptProfileSelector::kOPT, Dims2{1, 2});
  profile->setDimensions("x", OptProfileSelector::kMAX, Dims2{8, 2});
  config->addOptimizationProfile(profile);
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_TRUE(has(logger.others, "Calibration Profile is not defined")) << logger.others;
  EXPECT_FLOAT_EQ(calibrator.range("x"), 2);  // one row
  for (const auto select :
       {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
    profile->setDimensions("x", select, Dims2{3, 2});
  }
  EXPECT_TRUE(config->setCalibrationProfile(profile));
  calibrator.given = 0, calibrator.cache.clear();
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_FLOAT_EQ(calibrator.range("x"), 6);
}

TEST_F(Calibrating, ImplicitBatchesAreOfManySamples) {
  network.reset(builder->createNetwork());
  fill(Dims3{1, 1, 2});
  MinMax calibrator;
  calibrator.batch_size = 3;
  calibrator.batches = {{1, 2, 3, 4, 5, 6}};
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_FLOAT_EQ(calibrator.range("x"), 6);
}

// An input of FP16 gets batches of FP32, as TensorRT has it.
TEST_F(Calibrating, BatchesAreFp32WhateverTheInputIs) {
  network->getInput(0)->setType(DataType::kHALF);
  config->setFlag(BuilderFlag::kFP16);
  MinMax calibrator;
  calibrator.batches = {{1, 2, 3, 9}};
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_FLOAT_EQ(calibrator.range("x"), 9);
}

// y = neg(cast<float>(exp(cast<double>(x)))) as ONNX, opset 13.
constexpr char kDoubles[] =
    "\010\010\022\000\072\171\012\027\012\001\170\022\001\141\042\004\103\141\163\164\052\011"
    "\012\002\164\157\030\013\240\001\002\012\013\012\001\141\022\001\142\042\003\105\170\160"
    "\012\027\012\001\142\022\001\143\042\004\103\141\163\164\052\011\012\002\164\157\030\001"
    "\240\001\002\012\013\012\001\143\022\001\171\042\003\116\145\147\022\001\147\132\023\012"
    "\001\170\022\016\012\014\010\001\022\010\012\002\010\002\012\002\010\002\142\023\012\001"
    "\171\022\016\012\014\010\001\022\010\012\002\010\002\012\002\010\002\102\004\012\000\020"
    "\015";

TEST_F(Calibrating, DoublesInsideOfAModelAreNotMeasured) {
  network.reset(builder->createNetworkV2(0));
  const std::unique_ptr<nvonnxparser::IParser> parser(nvonnxparser::createParser(*network, logger));
  ASSERT_TRUE(parser->parse(kDoubles, sizeof kDoubles - 1));
  MinMax calibrator;
  calibrator.batches = {{0, 0, 0, 1}};
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_NEAR(calibrator.range("c"), 2.718F, 0.01F);
  EXPECT_EQ(calibrator.range("b"), -1);
}

TEST_F(Calibrating, RefusalsSayWhy) {
  Entropy2 calibrator;
  EXPECT_FALSE(build(calibrator));
  EXPECT_TRUE(has(logger.errors, "Calibration failure occurred with no scaling factors detected"))
      << logger.errors;
  calibrator.batches = {{1, 2, 3, 4}};
  calibrator.gives_null = true;
  EXPECT_FALSE(build(calibrator));
  EXPECT_TRUE(has(logger.errors, "gave no address for input 'x'")) << logger.errors;
  EXPECT_EQ(calibrator.writes, 0);
}

TEST_F(Calibrating, NobodyIsAskedWithoutInt8OrWithQuantizingLayers) {
  Entropy2 calibrator;
  config->clearFlag(BuilderFlag::kINT8);
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  config->setFlag(BuilderFlag::kINT8);
  static const float kOne[] = {1};
  ITensor* scale = network->addConstant(Dims{0, {}}, {DataType::kFLOAT, kOne, 1})->getOutput(0);
  ITensor* q = network->addQuantize(*network->getOutput(0), *scale)->getOutput(0);
  network->markOutput(*network->addDequantize(*q, *scale)->getOutput(0));
  ASSERT_TRUE(build(calibrator)) << logger.errors;
  EXPECT_TRUE(has(logger.others, "explicit quantization")) << logger.others;
  EXPECT_TRUE(calibrator.asked.empty());
}

// Steps of 0.5: INT8 inputs and outputs are by their ranges, whatever else is set to INT8.
TEST_F(Calibrating, InputsAndOutputsOfInt8HaveTheirRanges) {
  constexpr float kRange = 63.5F;
  network->getInput(0)->setType(DataType::kINT8);
  EXPECT_TRUE(network->getInput(0)->setDynamicRange(-kRange, kRange));
  network->getOutput(0)->setType(DataType::kINT8);
  EXPECT_TRUE(network->getOutput(0)->setDynamicRange(-kRange, kRange));
  for (int32_t i = 0; i < network->getNbLayers(); ++i) {
    ILayer* layer = network->getLayer(i);
    if (layer->getType() == LayerType::kCONSTANT) continue;
    layer->setPrecision(DataType::kINT8);
    layer->setOutputType(0, DataType::kINT8);
    EXPECT_EQ(layer->getOutputType(0), DataType::kINT8);
  }
  config->setFlag(BuilderFlag::kPREFER_PRECISION_CONSTRAINTS);
  plan.reset(builder->buildSerializedNetwork(*network, *config));
  ASSERT_TRUE(plan) << logger.errors;
  EXPECT_TRUE(has(logger.others, "set to INT8 among them")) << logger.others;
  std::unique_ptr<IRuntime> runtime{createInferRuntime(logger)};
  std::unique_ptr<ICudaEngine> engine{runtime->deserializeCudaEngine(plan->data(), plan->size())};
  ASSERT_TRUE(engine);
  EXPECT_EQ(engine->getTensorDataType("y"), DataType::kINT8);
  std::unique_ptr<IExecutionContext> context{engine->createExecutionContext()};
  int8_t x[] = {2, -3, 5, 100}, y[4] = {};
  context->setTensorAddress("x", x);
  context->setTensorAddress("y", y);
  ASSERT_TRUE(context->enqueueV3(nullptr)) << logger.errors;
  EXPECT_EQ(std::vector<int>(y, y + 4), (std::vector<int>{4, 0, 10, 127}));
}

// sampleINT8API: a type wanted of a layer is none of an output that programs read as FP32.
TEST_F(Calibrating, OutputTypesOfLayersArePermissions) {
  network->getLayer(2)->setOutputType(0, DataType::kINT8);
  plan.reset(builder->buildSerializedNetwork(*network, *config));
  ASSERT_TRUE(plan) << logger.errors;
  EXPECT_TRUE(has(logger.others, "Users must provide dynamic range")) << logger.others;
  std::unique_ptr<IRuntime> runtime{createInferRuntime(logger)};
  std::unique_ptr<ICudaEngine> engine{runtime->deserializeCudaEngine(plan->data(), plan->size())};
  EXPECT_EQ(engine->getTensorDataType("y"), DataType::kFLOAT);
}

TEST_F(Calibrating, Int8ThatMustBeObeyedIsAnError) {
  network->getLayer(0)->setPrecision(DataType::kINT8);
  config->setFlag(BuilderFlag::kOBEY_PRECISION_CONSTRAINTS);
  plan.reset(builder->buildSerializedNetwork(*network, *config));
  EXPECT_FALSE(plan);
  EXPECT_TRUE(has(logger.errors, "must compute in INT8")) << logger.errors;
}

}  // namespace
}  // namespace nvinfer1
