// What programs rely on and no other test has: a workspace that is kept to, one engine for images
// of many sizes, results of every type.

#include <gtest/gtest.h>

#include <malloc.h>

#include <algorithm>
#include <chrono>
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
    if (severity == Severity::kINFO) infos += std::string(text) + "\n";
  }
  std::string errors, infos;
};

class Rows : public testing::Test {
 protected:
  void SetUp() override {
    builder.reset(createInferBuilder(logger));
    ASSERT_TRUE(builder) << logger.errors;
    network.reset(builder->createNetworkV2(0));
    config.reset(builder->createBuilderConfig());
    config->setBuilderOptimizationLevel(0);
    config->setProfilingVerbosity(ProfilingVerbosity::kDETAILED);
    runtime.reset(createInferRuntime(logger));
  }
  ITensor* convolution(ITensor& x, int64_t inputs, int64_t maps, int64_t size) {
    weights.emplace_back(static_cast<size_t>(inputs * maps * size * size), 1.0F / 64);
    const Weights kernel{DataType::kFLOAT, weights.back().data(),
                         static_cast<int64_t>(weights.back().size())};
    IConvolutionLayer* const layer =
        network->addConvolutionNd(x, maps, DimsHW(size, size), kernel, {});
    layer->setPaddingNd(DimsHW(size / 2, size / 2));
    return layer->getOutput(0);
  }
  void mark(ITensor& y, const char* name) {
    y.setName(name);
    network->markOutput(y);
  }
  void dynamic_beside_fixed(double& best);
  std::unique_ptr<ICudaEngine> build() {
    const std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
    if (!plan) return nullptr;
    return std::unique_ptr<ICudaEngine>(runtime->deserializeCudaEngine(plan->data(), plan->size()));
  }

  Logger logger;
  std::vector<std::vector<float>> weights;
  std::unique_ptr<IBuilder> builder;
  std::unique_ptr<INetworkDefinition> network;
  std::unique_ptr<IBuilderConfig> config;
  std::unique_ptr<IRuntime> runtime;
};

/// The numbers that an engine's layers give as their workspace.
std::vector<int64_t> workspaces(ICudaEngine& engine) {
  const std::unique_ptr<IEngineInspector> inspector(engine.createEngineInspector());
  const std::string text = inspector->getEngineInformation(LayerInformationFormat::kJSON);
  const std::string key = "\"WorkspaceBytes\": ";
  std::vector<int64_t> out;
  for (size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
    out.push_back(std::stoll(text.substr(at + key.size())));
  }
  return out;
}

TEST_F(Rows, KernelsKeepWithinTheWorkspace) {
  ITensor* const x = network->addInput("x", DataType::kFLOAT, Dims4(1, 32, 28, 28));
  mark(*convolution(*x, 32, 64, 3), "y");
  std::vector<float> in(32 * 28 * 28, 1), out[2];
  int64_t most[2] = {0, 0};
  for (const int limited : {0, 1}) {
    if (limited) config->setMaxWorkspaceSize(static_cast<size_t>(most[0] / 2));
    const std::unique_ptr<ICudaEngine> engine = build();
    ASSERT_TRUE(engine) << logger.errors;
    const std::vector<int64_t> each = workspaces(*engine);
    ASSERT_FALSE(each.empty());
    most[limited] = *std::max_element(each.begin(), each.end());
    EXPECT_NE(logger.infos.find("Max Scratch Memory: " + std::to_string(most[limited]) + " bytes"),
              std::string::npos)
        << logger.infos;
    EXPECT_GE(engine->getDeviceMemorySizeV2(), most[limited]);
    const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
    out[limited].resize(64 * 28 * 28);
    void* bindings[] = {in.data(), out[limited].data()};
    ASSERT_TRUE(context->executeV2(bindings)) << logger.errors;
  }
  ASSERT_GT(most[0], 0);  // else there is nothing to limit
  EXPECT_LE(most[1], most[0] / 2);
  for (size_t i = 0; i < out[0].size(); ++i) ASSERT_NEAR(out[0][i], out[1][i], 1e-4F);
}

TEST_F(Rows, AWorkspaceThatIsTooSmallIsSaid) {
  ITensor* const q = network->addInput("q", DataType::kFLOAT, Dims4(1, 2, 64, 32));
  ITensor* const k = network->addInput("k", DataType::kFLOAT, Dims4(1, 2, 32, 64));
  ITensor* const v = network->addInput("v", DataType::kFLOAT, Dims4(1, 2, 64, 32));
  constexpr MatrixOperation kNone = MatrixOperation::kNONE;
  ITensor* const scores = network->addMatrixMultiply(*q, kNone, *k, kNone)->getOutput(0);
  ISoftMaxLayer* const parts = network->addSoftMax(*scores);
  parts->setAxes(1U << 3);
  ILayer* const product = network->addMatrixMultiply(*parts->getOutput(0), kNone, *v, kNone);
  mark(*product->getOutput(0), "y");
  config->setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, 0);
  EXPECT_EQ(config->getMemoryPoolLimit(MemoryPoolType::kWORKSPACE), 0U);
  const std::unique_ptr<ICudaEngine> refused = build();
  EXPECT_FALSE(refused);
  EXPECT_NE(logger.errors.find("workspace"), std::string::npos) << logger.errors;
  EXPECT_NE(logger.errors.find("[Matrix Multiply]"), std::string::npos) << logger.errors;
  config->setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, 1 << 20);
  EXPECT_TRUE(build()) << logger.errors;
}

TEST_F(Rows, OneEngineForManyResolutions) {
  ITensor* x = network->addInput("images", DataType::kFLOAT, Dims4(-1, 3, -1, -1));
  x = convolution(*x, 3, 4, 3);
  mark(*network->addReduce(*x, ReduceOperation::kAVG, 0xE, false)->getOutput(0), "mean");
  IOptimizationProfile* const profile = builder->createOptimizationProfile();
  ASSERT_TRUE(profile->setDimensions("images", OptProfileSelector::kMIN, Dims4(1, 3, 224, 224)));
  ASSERT_TRUE(profile->setDimensions("images", OptProfileSelector::kOPT, Dims4(4, 3, 640, 640)));
  ASSERT_TRUE(profile->setDimensions("images", OptProfileSelector::kMAX, Dims4(16, 3, 1280, 1280)));
  ASSERT_EQ(config->addOptimizationProfile(profile), 0);
  const std::unique_ptr<ICudaEngine> engine = build();
  ASSERT_TRUE(engine) << logger.errors;
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  std::vector<float> image(size_t{4} * 3 * 640 * 640, 1), mean(16);
  const int64_t sizes[][3] = {{1, 224, 224}, {2, 640, 640},  {1, 1280, 1280},
                              {3, 384, 512}, {16, 224, 224}, {1, 224, 224}};
  for (const auto& [n, h, w] : sizes) {
    ASSERT_TRUE(context->setInputShape("images", Dims4(n, 3, h, w))) << logger.errors;
    EXPECT_EQ(context->getTensorShape("mean").d[0], n);
    void* bindings[] = {image.data(), mean.data()};
    ASSERT_TRUE(context->executeV2(bindings)) << logger.errors;
    // Sums of 27 ones, 18 at the sides and 12 in the corners, each / 64.
    const auto inner = static_cast<double>((h - 2) * (w - 2)),
               sides = 2.0 * static_cast<double>(h + w - 4);
    const double expected = (27 * inner + 18 * sides + 12 * 4) / 64 / static_cast<double>(h * w);
    for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(mean[static_cast<size_t>(i)], expected, 1e-4);
  }
  for (const Dims4& wrong : {Dims4(17, 3, 640, 640), Dims4(1, 3, 223, 640), Dims4(1, 3, 640, 1281),
                             Dims4(1, 4, 640, 640)}) {
    logger.errors.clear();
    EXPECT_FALSE(context->setInputShape("images", wrong));
    EXPECT_NE(logger.errors.find("images"), std::string::npos) << logger.errors;
  }
}

TEST_F(Rows, SizesWithoutAChoiceNeedNotBeSet) {
  ITensor* const x = network->addInput("x", DataType::kFLOAT, Dims2(-1, 3));
  mark(*network->addActivation(*x, ActivationType::kRELU)->getOutput(0), "y");
  IOptimizationProfile* const profile = builder->createOptimizationProfile();
  for (const auto select :
       {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
    profile->setDimensions("x", select, Dims2(4, 3));
  }
  config->addOptimizationProfile(profile);
  const std::unique_ptr<ICudaEngine> engine = build();
  ASSERT_TRUE(engine) << logger.errors;
  EXPECT_EQ(engine->getTensorShape("x").d[0], 4);
  EXPECT_EQ(engine->getTensorShape("y").d[0], 4);
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  std::vector<float> in(12, 1), out(12);
  void* bindings[] = {in.data(), out.data()};
  EXPECT_TRUE(context->executeV2(bindings)) << logger.errors;
  EXPECT_EQ(in, out);
  EXPECT_TRUE(context->setInputShape("x", Dims2(4, 3)));
  EXPECT_FALSE(context->setInputShape("x", Dims2(3, 3)));
}

/// What a wrapper class over an element type needs: Engine<T> of many programs.
template <class T>
std::vector<T> results(IExecutionContext& context, const char* name, std::vector<float>& x) {
  std::vector<T> out(x.size());
  EXPECT_TRUE(context.setTensorAddress("x", x.data()));
  EXPECT_TRUE(context.setTensorAddress(name, out.data()));
  EXPECT_TRUE(context.enqueueV3(nullptr));
  return out;
}

TEST_F(Rows, ResultsOfEveryType) {
  const struct {
    const char* name;
    DataType type;
  } kTypes[] = {{"f32", DataType::kFLOAT}, {"f16", DataType::kHALF},  {"i8", DataType::kINT8},
                {"i32", DataType::kINT32}, {"bool", DataType::kBOOL}, {"u8", DataType::kUINT8}};
  ITensor* const x = network->addInput("x", DataType::kFLOAT, Dims2(1, 3));
  for (const auto& t : kTypes) mark(*network->addCast(*x, t.type)->getOutput(0), t.name);
  const std::unique_ptr<ICudaEngine> engine = build();
  ASSERT_TRUE(engine) << logger.errors;
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  std::vector<float> in{3, 0, 2};
  uint16_t other[6][8] = {};  // room for the outputs that are not looked at
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(engine->getTensorDataType(kTypes[i].name), kTypes[i].type);
    ASSERT_TRUE(context->setTensorAddress(kTypes[i].name, other[i]));
  }
  EXPECT_EQ(results<float>(*context, "f32", in), (std::vector<float>{3, 0, 2}));
  ASSERT_TRUE(context->setTensorAddress("f32", other[0]));
  EXPECT_EQ(results<uint16_t>(*context, "f16", in), (std::vector<uint16_t>{0x4200, 0, 0x4000}));
  ASSERT_TRUE(context->setTensorAddress("f16", other[1]));
  EXPECT_EQ(results<int8_t>(*context, "i8", in), (std::vector<int8_t>{3, 0, 2}));
  ASSERT_TRUE(context->setTensorAddress("i8", other[2]));
  EXPECT_EQ(results<int32_t>(*context, "i32", in), (std::vector<int32_t>{3, 0, 2}));
  ASSERT_TRUE(context->setTensorAddress("i32", other[3]));
  EXPECT_EQ(results<uint8_t>(*context, "bool", in), (std::vector<uint8_t>{1, 0, 1}));
  ASSERT_TRUE(context->setTensorAddress("bool", other[4]));
  EXPECT_EQ(results<uint8_t>(*context, "u8", in), (std::vector<uint8_t>{3, 0, 2}));
}

/// Bytes that the program holds.
size_t held() {
  const struct mallinfo2 now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

TEST(Deletion, NothingIsLeft) {
  Logger logger;
  const std::vector<float> ones(64 * 32 * 9, 1);
  const auto once = [&](bool by_destroy) {
    const auto end = [&](auto* object) {
      if (by_destroy) {
        object->destroy();
      } else {
        delete object;
      }
    };
    IBuilder* const builder = createInferBuilder(logger);
    INetworkDefinition* const network = builder->createNetworkV2(0);
    ITensor* const x = network->addInput("x", DataType::kFLOAT, Dims4(1, 32, 28, 28));
    const Weights w{DataType::kFLOAT, ones.data(), static_cast<int64_t>(ones.size())};
    network->markOutput(*network->addConvolutionNd(*x, 64, DimsHW(3, 3), w, {})->getOutput(0));
    IBuilderConfig* const config = builder->createBuilderConfig();
    config->setBuilderOptimizationLevel(0);
    IHostMemory* const plan = builder->buildSerializedNetwork(*network, *config);
    IRuntime* const runtime = createInferRuntime(logger);
    ICudaEngine* const engine = runtime->deserializeCudaEngine(plan->data(), plan->size());
    IExecutionContext* const context = engine->createExecutionContext();
    end(context), end(engine), end(runtime);
    end(network), end(config), end(builder), end(plan);
  };
  for (int i = 0; i < 2; ++i) once(i % 2 == 0);
  const size_t before = held();
  for (int i = 0; i < 4; ++i) once(i % 2 == 0);
  EXPECT_LT(held(), before + (64 << 10)) << logger.errors;
}

/// Microseconds of the fastest run.
double fastest(IExecutionContext& context, void** bindings) {
  double best = 1e9;
  for (int i = 0; i < 50; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(context.executeV2(bindings));
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count());
  }
  return best;
}

/// The time of an engine of dynamic sizes over that of one of fixed sizes, where it is less.
void Rows::dynamic_beside_fixed(double& best) {
  std::vector<float> in(32 * 56 * 56, 1), out(64 * 56 * 56);
  void* bindings[] = {in.data(), out.data()};
  std::unique_ptr<ICudaEngine> engines[2];
  std::unique_ptr<IExecutionContext> contexts[2];
  for (const bool dynamic : {false, true}) {
    network.reset(builder->createNetworkV2(0));
    const int64_t size = dynamic ? -1 : 56;
    ITensor* const x = network->addInput("x", DataType::kFLOAT, Dims4(1, 32, size, size));
    mark(*convolution(*x, 32, 64, 3), "y");
    config.reset(builder->createBuilderConfig());
    if (dynamic) {
      IOptimizationProfile* const profile = builder->createOptimizationProfile();
      profile->setDimensions("x", OptProfileSelector::kMIN, Dims4(1, 32, 28, 28));
      profile->setDimensions("x", OptProfileSelector::kOPT, Dims4(1, 32, 56, 56));
      profile->setDimensions("x", OptProfileSelector::kMAX, Dims4(1, 32, 112, 112));
      config->addOptimizationProfile(profile);
    }
    const size_t which = dynamic ? 1 : 0;
    engines[which] = build();
    ASSERT_TRUE(engines[which]) << logger.errors;
    contexts[which].reset(engines[which]->createExecutionContext());
    const bool fits = !dynamic || contexts[which]->setInputShape("x", Dims4(1, 32, 56, 56));
    ASSERT_TRUE(fits) << logger.errors;
  }
  // A machine under load is no stopwatch: one quiet moment will do.
  for (int i = 0; i < 20 && best > 2; ++i) {
    const double fixed = fastest(*contexts[0], bindings);
    best = std::min(best, fastest(*contexts[1], bindings) / fixed);
  }
}

// Its own builds each time: under load a build takes other kernels, too.
TEST_F(Rows, DynamicSizesCostLittle) {
  double best = 1e9;
  for (int i = 0; i < 4 && best > 2; ++i) dynamic_beside_fixed(best);
  EXPECT_LE(best, 2);
}

}  // namespace
}  // namespace nvinfer1
