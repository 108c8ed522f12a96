// Stock plugins that a program calls itself: sizes, types, copies, results; inside of its own
// plugin.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
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

struct Field {
  const char* name;
  std::vector<float> reals;
  std::vector<int32_t> integers;
};

/// A plugin by its creator.
IPluginCreatorInterface* creator(const char* name, const char* version) {
  EXPECT_TRUE(initLibNvInferPlugins(nullptr, ""));
  return getPluginRegistry()->getCreator(name, version, "");
}
struct Collected {
  explicit Collected(const std::vector<Field>& from) {
    for (const Field& f : from) {
      const bool real = !f.reals.empty();
      const void* const data = real ? static_cast<const void*>(f.reals.data()) : f.integers.data();
      fields.emplace_back(f.name, data, real ? PluginFieldType::kFLOAT32 : PluginFieldType::kINT32,
                          static_cast<int32_t>(real ? f.reals.size() : f.integers.size()));
    }
    collection = {static_cast<int32_t>(fields.size()), fields.data()};
  }
  std::vector<PluginField> fields;
  PluginFieldCollection collection{};
};
template <class T>
std::unique_ptr<T, void (*)(T*)> made(const char* name, const char* version,
                                      const std::vector<Field>& fields) {
  const Collected all(fields);
  auto* const by = static_cast<IPluginCreator*>(creator(name, version));
  return {static_cast<T*>(by->createPlugin("p", &all.collection)), [](T* p) { p->destroy(); }};
}

PluginTensorDesc described(std::initializer_list<int64_t> sizes, DataType type) {
  PluginTensorDesc out{};
  out.dims.nbDims = static_cast<int32_t>(sizes.size());
  std::copy(sizes.begin(), sizes.end(), out.dims.d);
  out.type = type;
  out.format = TensorFormat::kLINEAR;
  return out;
}

TEST(StockAlone, EveryCreatorMakesCopiesThatSayTheSame) {
  ASSERT_TRUE(initLibNvInferPlugins(nullptr, ""));
  int32_t count = 0;
  IPluginCreatorInterface* const* const all = getPluginRegistry()->getAllCreators(&count);
  std::set<std::string> names;
  for (int32_t i = 0; i < count; ++i) {
    if (std::string(all[i]->getInterfaceInfo().kind) == "PLUGIN CREATOR_V3ONE") {
      auto* const one = static_cast<IPluginCreatorV3One*>(all[i]);
      if (*one->getPluginNamespace() != '\0') continue;
      names.insert(one->getPluginName());
      const PluginFieldCollection none{};
      const std::unique_ptr<IPluginV3> plugin(one->createPlugin("p", &none, TensorRTPhase::kBUILD));
      ASSERT_TRUE(plugin) << one->getPluginName();
      const auto part = [](IPluginV3& of, PluginCapabilityType type) {
        return of.getCapabilityInterface(type);
      };
      auto* const core = static_cast<IPluginV3OneCore*>(part(*plugin, PluginCapabilityType::kCORE));
      auto* const run =
          static_cast<IPluginV3OneRuntime*>(part(*plugin, PluginCapabilityType::kRUNTIME));
      EXPECT_STREQ(core->getPluginName(), one->getPluginName());
      const std::unique_ptr<IPluginV3> copy(plugin->clone());
      const std::unique_ptr<IPluginV3> again(
          one->createPlugin("p", run->getFieldsToSerialize(), TensorRTPhase::kRUNTIME));
      EXPECT_TRUE(copy && again);
      continue;
    }
    auto* const old = static_cast<IPluginCreator*>(all[i]);
    if (!creator(old->getPluginName(), old->getPluginVersion()) ||
        std::string(old->getPluginName()) == "Copy") {
      continue;
    }
    names.insert(old->getPluginName());
    const PluginFieldCollection none{};
    IPluginV2* const plugin = old->createPlugin("p", &none);
    ASSERT_TRUE(plugin) << old->getPluginName();
    std::string state(plugin->getSerializationSize(), '\0');
    plugin->serialize(state.data());
    IPluginV2* const copy = plugin->clone();
    IPluginV2* const again = old->deserializePlugin("p", state.data(), state.size());
    ASSERT_TRUE(copy && again);
    for (IPluginV2* const one : {copy, again}) {
      EXPECT_STREQ(one->getPluginType(), plugin->getPluginType());
      EXPECT_EQ(one->getNbOutputs(), plugin->getNbOutputs());
      std::string same(one->getSerializationSize(), '\0');
      one->serialize(same.data());
      EXPECT_EQ(same, state);
      EXPECT_EQ(one->initialize(), 0);
      one->terminate();
      one->destroy();
    }
    plugin->destroy();
  }
  EXPECT_EQ(names.size(), 50U);
}

TEST(StockAlone, OneWithoutABatchIsCalled) {
  const auto plugin = made<IPluginV2Ext>("LReLU_TRT", "1", {{"negSlope", {0.5F}, {}}});
  const Dims in = Dims2{2, 3};
  const Dims out = plugin->getOutputDimensions(0, &in, 1);
  ASSERT_EQ(out.nbDims, 2);
  EXPECT_EQ(out.d[1], 3);
  EXPECT_TRUE(plugin->supportsFormat(DataType::kFLOAT, PluginFormat::kLINEAR));
  EXPECT_FALSE(plugin->supportsFormat(DataType::kFLOAT, PluginFormat::kCHW32));
  const DataType type = DataType::kFLOAT;
  EXPECT_EQ(plugin->getOutputDataType(0, &type, 1), type);
  std::vector<float> x(12), y(12);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) - 6;
  const void* inputs[] = {x.data()};
  void* outputs[] = {y.data()};
  EXPECT_NE(plugin->enqueue(2, inputs, outputs, nullptr, kNoStream), 0);  // not configured
  const bool shared = false;
  plugin->configurePlugin(&in, 1, &out, 1, &type, &type, &shared, &shared, PluginFormat::kLINEAR,
                          2);
  EXPECT_EQ(plugin->getWorkspaceSize(2), 0U);
  ASSERT_EQ(plugin->initialize(), 0);
  IPluginV2Ext* const copy = plugin->clone();
  for (IPluginV2Ext* const one : {plugin.get(), copy}) {
    std::fill(y.begin(), y.end(), 0.0F);
    ASSERT_EQ(one->enqueue(2, inputs, outputs, nullptr, kNoStream), 0);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], x[i] < 0 ? x[i] / 2 : x[i]);
  }
  copy->destroy();
  plugin->terminate();
}

TEST(StockAlone, OneWithFixedSizesIsCalled) {
  const auto plugin = made<IPluginV2DynamicExt>("ROIAlign_TRT", "1",
                                                {{"output_height", {}, {1}},
                                                 {"output_width", {}, {1}},
                                                 {"sampling_ratio", {}, {1}},
                                                 {"mode", {}, {1}},
                                                 {"spatial_scale", {1.0F}, {}}});
  DynamicPluginTensorDesc in[3] = {}, out{};
  in[0].desc = described({1, 1, 4, 4}, DataType::kFLOAT);
  in[1].desc = described({2, 4}, DataType::kFLOAT);
  in[2].desc = described({2}, DataType::kINT32);
  PluginTensorDesc all[4] = {in[0].desc, in[1].desc, in[2].desc,
                             described({2, 1, 1, 1}, DataType::kFLOAT)};
  for (int32_t i = 0; i < 4; ++i) EXPECT_TRUE(plugin->supportsFormatCombination(i, all, 3, 1)) << i;
  all[3].type = DataType::kHALF;
  EXPECT_FALSE(plugin->supportsFormatCombination(3, all, 3, 1));
  all[3].type = DataType::kFLOAT;
  all[1].format = TensorFormat::kCHW32;
  EXPECT_FALSE(plugin->supportsFormatCombination(1, all, 3, 1));
  all[1].format = TensorFormat::kLINEAR;
  out.desc = all[3];
  plugin->configurePlugin(in, 3, &out, 1);
  std::vector<float> image(16), rois = {0, 0, 2, 2, 2, 2, 4, 4}, found(2);
  for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i);
  const int32_t images[] = {0, 0};
  const void* inputs[] = {image.data(), rois.data(), images};
  void* outputs[] = {found.data()};
  ASSERT_EQ(plugin->enqueue(all, &all[3], inputs, outputs, nullptr, kNoStream), 0);
  EXPECT_NEAR(found[1] - found[0], 10, 1e-4);  // two rows and two columns further
}

TEST(StockAlone, OneOfVersionThreeIsCalled) {
  const std::vector<Field> fields = {{"k", {}, {2}}, {"is_largest", {}, {1}}, {"axis", {}, {1}}};
  const Collected all(fields);
  auto* const by = static_cast<IPluginCreatorV3One*>(creator("TopkLastDim", "1"));
  const std::unique_ptr<IPluginV3> plugin(
      by->createPlugin("p", &all.collection, TensorRTPhase::kBUILD));
  auto* const build =
      static_cast<IPluginV3OneBuild*>(plugin->getCapabilityInterface(PluginCapabilityType::kBUILD));
  const DataType in = DataType::kFLOAT;
  DataType types[2];
  ASSERT_EQ(build->getOutputDataTypes(types, 2, &in, 1), 0);
  EXPECT_EQ(types[0], DataType::kFLOAT);
  EXPECT_EQ(types[1], DataType::kINT32);
  auto* const run = static_cast<IPluginV3OneRuntime*>(
      plugin->getCapabilityInterface(PluginCapabilityType::kRUNTIME));
  const PluginTensorDesc x = described({2, 3}, DataType::kFLOAT);
  const PluginTensorDesc y[] = {described({2, 2}, DataType::kFLOAT),
                                described({2, 2}, DataType::kINT32)};
  ASSERT_EQ(run->onShapeChange(&x, 1, y, 2), 0);
  const float data[] = {1, 3, 2, 9, 7, 8};
  float best[4];
  int32_t index[4];
  const void* inputs[] = {data};
  void* outputs[] = {best, index};
  ASSERT_EQ(run->enqueue(&x, y, inputs, outputs, nullptr, kNoStream), 0);
  EXPECT_EQ(std::vector<float>(best, best + 4), (std::vector<float>{3, 2, 9, 8}));
  EXPECT_EQ(std::vector<int32_t>(index, index + 4), (std::vector<int32_t>{1, 2, 0, 2}));
}

/// A program's plugin that is a stock one with a name of its own.
class Wrapper final : public IPluginV2DynamicExt {
 public:
  explicit Wrapper(IPluginV2* inner) : inner_(static_cast<IPluginV2DynamicExt*>(inner)) {}
  char const* getPluginType() const noexcept override { return "Wrapper"; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  int32_t getNbOutputs() const noexcept override { return inner_->getNbOutputs(); }
  DimsExprs getOutputDimensions(int32_t index, DimsExprs const* inputs, int32_t count,
                                IExprBuilder& builder) noexcept override {
    return inner_->getOutputDimensions(index, inputs, count, builder);
  }
  bool supportsFormatCombination(int32_t pos, PluginTensorDesc const* io, int32_t in,
                                 int32_t out) noexcept override {
    return inner_->supportsFormatCombination(pos, io, in, out);
  }
  void configurePlugin(DynamicPluginTensorDesc const* in, int32_t ins,
                       DynamicPluginTensorDesc const* out, int32_t outs) noexcept override {
    inner_->configurePlugin(in, ins, out, outs);
  }
  size_t getWorkspaceSize(PluginTensorDesc const* in, int32_t ins, PluginTensorDesc const* out,
                          int32_t outs) const noexcept override {
    return inner_->getWorkspaceSize(in, ins, out, outs);
  }
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const* out,
                  void const* const* inputs, void* const* outputs, void* scratch,
                  cudaStream_t stream) noexcept override {
    return inner_->enqueue(in, out, inputs, outputs, scratch, stream);
  }
  DataType getOutputDataType(int32_t index, DataType const* types,
                             int32_t count) const noexcept override {
    return inner_->getOutputDataType(index, types, count);
  }
  int32_t initialize() noexcept override { return inner_->initialize(); }
  void terminate() noexcept override { inner_->terminate(); }
  size_t getSerializationSize() const noexcept override { return inner_->getSerializationSize(); }
  void serialize(void* to) const noexcept override { inner_->serialize(to); }
  void destroy() noexcept override { inner_->destroy(), delete this; }
  IPluginV2DynamicExt* clone() const noexcept override { return new Wrapper(inner_->clone()); }
  void setPluginNamespace(char const*) noexcept override {}
  char const* getPluginNamespace() const noexcept override { return ""; }

 private:
  IPluginV2DynamicExt* inner_;
};

class WrapperCreator final : public IPluginCreator {
 public:
  explicit WrapperCreator(IPluginCreator& inner) : inner_(inner) {}
  char const* getPluginName() const noexcept override { return "Wrapper"; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  PluginFieldCollection const* getFieldNames() noexcept override { return inner_.getFieldNames(); }
  IPluginV2* createPlugin(char const* name, PluginFieldCollection const* f) noexcept override {
    return new Wrapper(inner_.createPlugin(name, f));
  }
  IPluginV2* deserializePlugin(char const* name, void const* data, size_t size) noexcept override {
    return new Wrapper(inner_.deserializePlugin(name, data, size));
  }
  void setPluginNamespace(char const*) noexcept override {}
  char const* getPluginNamespace() const noexcept override { return ""; }

 private:
  IPluginCreator& inner_;
};

/// Results of one input [-1, 4, 3, 5] in a plan that is loaded again.
std::vector<float> through_engine(IPluginV2& plugin, const std::vector<float>& x,
                                  const std::vector<std::vector<float>>& weights, int64_t rows) {
  Log log;
  const std::unique_ptr<IBuilder> builder(createInferBuilder(log));
  const std::unique_ptr<INetworkDefinition> net(builder->createNetworkV2(0));
  std::vector<ITensor*> in = {net->addInput("x", DataType::kFLOAT, Dims4{-1, 4, 3, 5})};
  for (const auto& w : weights) {
    Dims one{};
    one.nbDims = 1, one.d[0] = static_cast<int64_t>(w.size());
    in.push_back(net->addConstant(one, {DataType::kFLOAT, w.data(), one.d[0]})->getOutput(0));
  }
  ITensor* const y =
      net->addPluginV2(in.data(), static_cast<int32_t>(in.size()), plugin)->getOutput(0);
  y->setName("y");
  net->markOutput(*y);
  const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
  IOptimizationProfile* const profile = builder->createOptimizationProfile();
  profile->setDimensions("x", OptProfileSelector::kMIN, Dims4{1, 4, 3, 5});
  profile->setDimensions("x", OptProfileSelector::kOPT, Dims4{2, 4, 3, 5});
  profile->setDimensions("x", OptProfileSelector::kMAX, Dims4{8, 4, 3, 5});
  config->addOptimizationProfile(profile);
  const std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*net, *config));
  EXPECT_TRUE(plan) << log.errors;
  const std::unique_ptr<IRuntime> runtime(createInferRuntime(log));
  if (!plan) return {};
  const std::unique_ptr<ICudaEngine> engine(
      runtime->deserializeCudaEngine(plan->data(), plan->size()));
  EXPECT_TRUE(engine) << log.errors;
  if (!engine) return {};
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  context->setInputShape("x", Dims4{rows, 4, 3, 5});
  std::vector<float> out(x.size());
  context->setTensorAddress("x", const_cast<float*>(x.data()));
  context->setTensorAddress("y", out.data());
  EXPECT_TRUE(context->enqueueV3(kNoStream)) << log.errors;
  return out;
}

TEST(StockAlone, APluginOfTheProgramHoldsOne) {
  const std::vector<Field> fields = {{"epsilon", {1e-4F}, {}}};
  const Collected all(fields);
  auto* const inner = static_cast<IPluginCreator*>(creator("InstanceNormalization_TRT", "1"));
  WrapperCreator wrapping(*inner);
  ASSERT_TRUE(getPluginRegistry()->registerCreator(wrapping, ""));
  std::vector<float> x(3 * 60);
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i) * 0.7F);
  const std::vector<std::vector<float>> weights = {{1, 2, 3, 4}, {0.5F, 0, -1, 2}};
  IPluginV2* const stock = inner->createPlugin("p", &all.collection);
  IPluginV2* const wrapper = wrapping.createPlugin("p", &all.collection);
  const std::vector<float> want = through_engine(*stock, x, weights, 3);
  const std::vector<float> found = through_engine(*wrapper, x, weights, 3);
  ASSERT_EQ(want.size(), found.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(found[i], want[i], 1e-5) << i;
  stock->destroy(), wrapper->destroy();
  getPluginRegistry()->deregisterCreator(wrapping);
}

TEST(StockAlone, FunctionsFromBeforeTheRegistryMakeThem) {
  const float number = 2;
  const Weights one{DataType::kFLOAT, &number, 1};
  float ratios[] = {1, 2, 0.5F};
  int32_t lengths[] = {1, 2};
  plugin::PriorBoxParameters prior{};
  prior.minSize = ratios, prior.numMinSize = 1, prior.aspectRatios = ratios;
  prior.numAspectRatios = 2;
  plugin::GridAnchorParameters grid[2] = {{0.2F, 0.9F, ratios, 3, 2, 3, {0.1F, 0.1F, 0.2F, 0.2F}},
                                          {0.2F, 0.9F, ratios, 3, 1, 2, {0.1F, 0.1F, 0.2F, 0.2F}}};
  plugin::DetectionOutputParameters nms{};
  nms.numClasses = 2, nms.topK = 4, nms.keepTopK = 4, nms.inputOrder[1] = 1, nms.inputOrder[2] = 2;
  plugin::NMSParameters batched{true, -1, 2, 4, 4, 0.1F, 0.5F, true};
  IPluginV2* const all[] = {
      createNormalizePlugin(&one, false, true, 1e-6F),
      createPriorBoxPlugin(prior),
      createAnchorGeneratorPlugin(grid, 2),
      createNMSPlugin(nms),
      createLReLUPlugin(0.1F),
      createReorgPlugin(2),
      createRegionPlugin({2, 4, 3, nullptr}),
      createClipPlugin("clip", 0, 6),
      createBatchedNMSPlugin(batched),
      createSplitPlugin(1, lengths, 2),
      createInstanceNormalizationPlugin(1e-5F, one, one),
      createRPNROIPlugin(16, 6000, 300, 0.7F, 16, 0.0625F, DimsHW{7, 7}, one, one)};
  for (IPluginV2* const plugin : all) {
    ASSERT_TRUE(plugin);
    plugin->destroy();
  }
  IPluginV2* const anchors = createAnchorGeneratorPlugin(grid, 2);
  Dims image = Dims3{3, 8, 8};
  const Dims first = anchors->getOutputDimensions(0, &image, 1);  // 3 boxes of 2 x 3 cells
  ASSERT_EQ(first.nbDims, 3);
  EXPECT_EQ(first.d[1], 4 * 3 * 6);
  anchors->destroy();
  grid[1].variance[0] = 7;
  EXPECT_FALSE(createAnchorGeneratorPlugin(grid, 2));
  EXPECT_FALSE(createSplitPlugin(1, nullptr, 2));
}

TEST(StockAlone, ClassesOfATreeAreProbabilitiesInTheirGroups) {
  int32_t sizes[] = {2, 3}, offsets[] = {0, 2};
  plugin::softmaxTree tree{};
  tree.n = 5, tree.groups = 2, tree.groupSize = sizes, tree.groupOffset = offsets;
  IPluginV2* const plugin = createRegionPlugin({1, 4, 5, &tree});
  const Dims in = Dims3{10, 1, 2};
  const Dims out = plugin->getOutputDimensions(0, &in, 1);
  plugin->configureWithFormat(&in, 1, &out, 1, DataType::kFLOAT, PluginFormat::kLINEAR, 1);
  std::vector<float> x(20), y(20);
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::cos(static_cast<float>(i) * 1.3F) * 3;
  const void* inputs[] = {x.data()};
  void* outputs[] = {y.data()};
  ASSERT_EQ(plugin->enqueue(1, inputs, outputs, nullptr, kNoStream), 0);
  for (size_t cell = 0; cell < 2; ++cell) {
    const auto at = [&](const std::vector<float>& v, size_t channel) {
      return v[channel * 2 + cell];
    };
    EXPECT_NEAR(at(y, 4), 1 / (1 + std::exp(-at(x, 4))), 1e-5);
    EXPECT_EQ(at(y, 2), at(x, 2));
    size_t channel = 5;
    for (const int32_t size : sizes) {
      double sum = 0;
      for (int32_t k = 0; k < size; ++k) sum += std::exp(at(x, channel + static_cast<size_t>(k)));
      for (int32_t k = 0; k < size; ++k, ++channel) {
        EXPECT_NEAR(at(y, channel), std::exp(at(x, channel)) / sum, 1e-5) << channel;
      }
    }
  }
  plugin->destroy();
}

}  // namespace
}  // namespace nvinfer1
