// Formats of inputs, outputs and plugins' tensors: where each element lies in memory, what engines
// and contexts tell about it, and which formats are refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "NvInfer.h"

namespace nvinfer1 {
namespace {

struct Log : ILogger {
  void log(Severity severity, char const* text) noexcept override {
    if (severity <= Severity::kERROR) errors += std::string(text) + "\n";
  }
  std::string errors;
};

using Sizes = std::vector<int64_t>;
Dims dims_of(Sizes const& sizes) {
  Dims out{};
  out.nbDims = static_cast<int32_t>(sizes.size());
  std::copy(sizes.begin(), sizes.end(), out.d);
  return out;
}
Sizes sizes_of(Dims const& dims) {
  return {dims.d, dims.d + std::max(dims.nbDims, 0)};
}
int64_t volume(Sizes const& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}
TensorFormats only(TensorFormat format) {
  return 1u << static_cast<uint32_t>(format);
}

/// A format as the documentation draws it: channels filled up to a multiple of `vector`, that many
/// of them beside each other, or all of them.
struct Layout {
  TensorFormat format;
  DataType type;
  char const* name;
  int spatial, vector;
  bool last;
};
constexpr Layout kLayouts[] = {
    {TensorFormat::kLINEAR, DataType::kFLOAT, "kLINEAR", 2, 1, false},
    {TensorFormat::kHWC, DataType::kFLOAT, "kHWC", 2, 1, true},
    {TensorFormat::kHWC8, DataType::kHALF, "kHWC8", 2, 8, true},
    {TensorFormat::kHWC16, DataType::kHALF, "kHWC16", 2, 16, true},
    {TensorFormat::kCHW2, DataType::kHALF, "kCHW2", 2, 2, false},
    {TensorFormat::kCHW4, DataType::kINT8, "kCHW4", 2, 4, false},
    {TensorFormat::kCHW16, DataType::kHALF, "kCHW16", 2, 16, false},
    {TensorFormat::kCHW32, DataType::kFLOAT, "kCHW32", 2, 32, false},
    {TensorFormat::kCHW32, DataType::kINT8, "kCHW32", 2, 32, false},
    {TensorFormat::kDHWC, DataType::kFLOAT, "kDHWC", 3, 1, true},
    {TensorFormat::kDHWC8, DataType::kHALF, "kDHWC8", 3, 8, true},
    {TensorFormat::kCDHW32, DataType::kHALF, "kCDHW32", 3, 32, false},
};

int64_t filled(int64_t channels, int64_t vector) {
  return (channels + vector - 1) / vector * vector;
}
/// Elements of a buffer for sizes [n, c, ...].
int64_t elements(Layout const& l, Sizes const& s) {
  return volume(s) / s[1] * filled(s[1], l.vector);
}
/// Where element (n, c, p) of [n, c, pixels] lies.
int64_t offset(Layout const& l, Sizes const& s, int64_t n, int64_t c, int64_t p) {
  const int64_t pixels = volume(s) / s[0] / s[1], all = filled(s[1], l.vector);
  if (l.last) return (n * pixels + p) * all + c;
  return ((n * all / l.vector + c / l.vector) * pixels + p) * l.vector + c % l.vector;
}

class Formats : public testing::Test {
 protected:
  std::unique_ptr<INetworkDefinition> fresh(uint32_t flags = 0) {
    return std::unique_ptr<INetworkDefinition>(builder->createNetworkV2(flags));
  }
  std::unique_ptr<ICudaEngine> engine_of(INetworkDefinition& network) {
    config->setBuilderOptimizationLevel(0);
    std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(network, *config));
    if (!plan) return nullptr;
    return std::unique_ptr<ICudaEngine>(runtime->deserializeCudaEngine(plan->data(), plan->size()));
  }
  /// y = x in one format each, sizes of -1 being dynamic up to 9.
  std::unique_ptr<ICudaEngine> copy(Layout const& in, Layout const& out, Sizes const& sizes) {
    config.reset(builder->createBuilderConfig());
    std::unique_ptr<INetworkDefinition> network = fresh();
    ITensor* x = network->addInput("x", in.type, dims_of(sizes));
    x->setAllowedFormats(only(in.format));
    ITensor* y = network->addIdentity(*x)->getOutput(0);
    y->setName("y");
    y->setAllowedFormats(only(out.format));
    network->markOutput(*y);
    if (std::count(sizes.begin(), sizes.end(), -1) > 0) {
      Sizes min = sizes, max = sizes;
      std::replace(min.begin(), min.end(), int64_t{-1}, int64_t{1});
      std::replace(max.begin(), max.end(), int64_t{-1}, int64_t{9});
      IOptimizationProfile* profile = builder->createOptimizationProfile();
      profile->setDimensions("x", OptProfileSelector::kMIN, dims_of(min));
      profile->setDimensions("x", OptProfileSelector::kOPT, dims_of(max));
      profile->setDimensions("x", OptProfileSelector::kMAX, dims_of(max));
      config->addOptimizationProfile(profile);
    }
    return engine_of(*network);
  }
  void expect_copied(ICudaEngine& engine, Layout const& in, Layout const& out, Sizes const& sizes);

  Log log;
  std::unique_ptr<IBuilder> builder{createInferBuilder(log)};
  std::unique_ptr<IRuntime> runtime{createInferRuntime(log)};
  std::unique_ptr<IBuilderConfig> config{builder->createBuilderConfig()};
};

void Formats::expect_copied(ICudaEngine& engine, Layout const& in, Layout const& out,
                            Sizes const& s) {
  const size_t bytes = in.type == DataType::kFLOAT ? 4 : in.type == DataType::kINT8 ? 1 : 2;
  std::vector<uint8_t> x(static_cast<size_t>(elements(in, s)) * bytes, 0x77);
  std::vector<uint8_t> y(static_cast<size_t>(elements(out, s)) * bytes + 16, 0x55);
  const int64_t pixels = volume(s) / s[0] / s[1];
  const auto value = [&](int64_t n, int64_t c, int64_t p, size_t b) {
    // Small numbers in every type: a byte that is not the highest.
    const int64_t i = (n * s[1] + c) * pixels + p;
    return static_cast<uint8_t>(b + 1 < bytes || bytes == 1 ? (i * 3 + int64_t(b) * 7) % 120
                                                            : 0x3C);
  };
  const auto each = [&](auto&& visit) {
    for (int64_t n = 0; n < s[0]; ++n) {
      for (int64_t c = 0; c < s[1]; ++c) {
        for (int64_t p = 0; p < pixels; ++p) visit(n, c, p);
      }
    }
  };
  each([&](int64_t n, int64_t c, int64_t p) {
    for (size_t b = 0; b < bytes; ++b) {
      x[static_cast<size_t>(offset(in, s, n, c, p)) * bytes + b] = value(n, c, p, b);
    }
  });
  std::unique_ptr<IExecutionContext> context(engine.createExecutionContext());
  ASSERT_TRUE(context->setInputShape("x", dims_of(s))) << log.errors;
  EXPECT_EQ(sizes_of(context->getTensorShape("y")), s);
  EXPECT_EQ(context->getMaxOutputSize("y"), elements(out, s) * static_cast<int64_t>(bytes));
  context->setTensorAddress("x", x.data());
  context->setTensorAddress("y", y.data());
  ASSERT_TRUE(context->enqueueV3(nullptr)) << log.errors;
  int wrong = 0;
  each([&](int64_t n, int64_t c, int64_t p) {
    for (size_t b = 0; b < bytes; ++b) {
      wrong += y[static_cast<size_t>(offset(out, s, n, c, p)) * bytes + b] != value(n, c, p, b);
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(std::vector<uint8_t>(y.end() - 16, y.end()), std::vector<uint8_t>(16, 0x55));

  // Strides tell the same, in elements of so many components.
  const Dims strides = context->getTensorStrides("x");
  const int64_t components = engine.getTensorComponentsPerElement("x");
  const int32_t vectorized = engine.getTensorVectorizedDim("x");
  EXPECT_EQ(components, in.vector > 1 ? in.vector : -1);
  EXPECT_EQ(engine.getTensorBytesPerComponent("x"), in.vector > 1 ? static_cast<int>(bytes) : -1);
  EXPECT_EQ(vectorized, in.vector > 1 ? 1 : -1);
  each([&](int64_t n, int64_t c, int64_t p) {
    Sizes index(s.size());
    index[0] = n, index[1] = c;
    for (size_t k = s.size(); k-- > 2; p /= s[k]) index[k] = p % s[k];
    int64_t at = 0, pixel = 0;
    for (size_t k = 2; k < s.size(); ++k) pixel = pixel * s[k] + index[k];
    for (size_t k = 0; k < s.size(); ++k) {
      at +=
          (static_cast<int32_t>(k) == vectorized ? index[k] / in.vector : index[k]) * strides.d[k];
    }
    at = at * in.vector + (vectorized == 1 ? c % in.vector : 0);
    wrong += at != offset(in, s, n, c, pixel);
  });
  EXPECT_EQ(wrong, 0);
}

TEST_F(Formats, InputsAndOutputsLieAsTheirFormatSays) {
  for (Layout const& in : kLayouts) {
    SCOPED_TRACE(in.name);
    for (Layout const& out : kLayouts) {
      if (in.type != out.type || in.spatial != out.spatial) continue;
      const Sizes sizes = in.spatial == 2 ? Sizes{2, 37, 3, 5} : Sizes{1, 9, 2, 3, 2};
      std::unique_ptr<ICudaEngine> engine = copy(in, out, sizes);
      ASSERT_NE(engine, nullptr) << log.errors;
      EXPECT_EQ(engine->getTensorFormat("x"), in.format);
      EXPECT_EQ(engine->getTensorFormat("y"), out.format);
      EXPECT_EQ(sizes_of(engine->getTensorShape("x")), sizes);
      const std::string words = engine->getTensorFormatDesc("x");
      EXPECT_NE(words.find(std::string("(") + in.name + ")"), std::string::npos) << words;
      expect_copied(*engine, in, out, sizes);
    }
  }
}

TEST_F(Formats, SizesMayBeDynamic) {
  Layout const& hwc8 = kLayouts[2];
  Layout const& chw2 = kLayouts[4];
  std::unique_ptr<ICudaEngine> engine = copy(hwc8, chw2, {-1, 5, -1, 4});
  ASSERT_NE(engine, nullptr) << log.errors;
  EXPECT_EQ(sizes_of(engine->getTensorShape("y")), (Sizes{-1, 5, -1, 4}));
  EXPECT_EQ(sizes_of(engine->getProfileShape("x", 0, OptProfileSelector::kMAX)),
            (Sizes{9, 5, 9, 4}));
  for (Sizes const& s : {Sizes{1, 5, 9, 4}, Sizes{3, 5, 2, 4}})
    expect_copied(*engine, hwc8, chw2, s);
  Layout const& hwc = kLayouts[1];
  engine = copy(hwc, hwc, {1, -1, -1, 4});
  ASSERT_NE(engine, nullptr) << log.errors;
  for (Sizes const& s : {Sizes{1, 5, 9, 4}, Sizes{1, 9, 2, 4}}) expect_copied(*engine, hwc, hwc, s);
}

TEST_F(Formats, WhatCannotBeIsSaid) {
  const Layout hwc8 = kLayouts[2];
  EXPECT_EQ(copy(hwc8, hwc8, {2, 8}), nullptr);
  EXPECT_NE(log.errors.find("'x' is allowed no format that can be: kHWC8 takes 3 dimensions"),
            std::string::npos)
      << log.errors;
  EXPECT_EQ(copy(hwc8, hwc8, {1, -1, 2, 2}), nullptr);
  EXPECT_NE(log.errors.find("takes a number of channels that is known"), std::string::npos)
      << log.errors;
  Layout dla = hwc8;
  dla.format = TensorFormat::kDLA_HWC4;
  EXPECT_EQ(copy(dla, hwc8, {1, 8, 2, 2}), nullptr);
  EXPECT_NE(log.errors.find("are of DLA"), std::string::npos) << log.errors;
}

/// Takes one format only; its result has the channels in the other order.
template <class Base>
class Reverse : public Base {
 public:
  explicit Reverse(Layout const& layout) : layout_(layout) {}
  char const* getPluginType() const noexcept override { return "Reverse"; }
  char const* getPluginVersion() const noexcept override { return "1"; }
  int32_t getNbOutputs() const noexcept override { return 1; }
  int32_t initialize() noexcept override { return 0; }
  void terminate() noexcept override {}
  size_t getSerializationSize() const noexcept override { return 0; }
  void serialize(void*) const noexcept override {}
  void destroy() noexcept override { delete this; }
  void setPluginNamespace(char const*) noexcept override {}
  char const* getPluginNamespace() const noexcept override { return ""; }

 protected:
  bool takes(DataType type, TensorFormat format) const {
    return type == layout_.type && format == layout_.format;
  }
  template <class T>
  void turn(void const* in, void* out, Sizes const& s) const {
    for (int64_t i = 0; i < volume(s); ++i) {
      const int64_t pixels = volume(s) / s[0] / s[1], p = i % pixels, c = i / pixels % s[1],
                    n = i / pixels / s[1];
      static_cast<T*>(out)[offset(layout_, s, n, s[1] - 1 - c, p)] =
          static_cast<T const*>(in)[offset(layout_, s, n, c, p)];
    }
  }
  int32_t run(void const* in, void* out, Sizes const& s) const {
    if (layout_.type == DataType::kFLOAT) turn<float>(in, out, s);
    if (layout_.type == DataType::kHALF) turn<uint16_t>(in, out, s);
    if (layout_.type == DataType::kINT8) turn<int8_t>(in, out, s);
    return 0;
  }
  Layout layout_;
};

class ReverseDynamic final : public Reverse<IPluginV2DynamicExt> {
 public:
  using Reverse::Reverse;
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
  void configurePlugin(DynamicPluginTensorDesc const* in, int32_t, DynamicPluginTensorDesc const*,
                       int32_t) noexcept override {
    EXPECT_EQ(in[0].desc.format, layout_.format);
  }
  size_t getWorkspaceSize(PluginTensorDesc const*, int32_t, PluginTensorDesc const*,
                          int32_t) const noexcept override {
    return 0;
  }
  int32_t enqueue(PluginTensorDesc const* in, PluginTensorDesc const* out, void const* const* from,
                  void* const* to, void*, cudaStream_t) noexcept override {
    EXPECT_EQ(in[0].format, layout_.format);
    EXPECT_EQ(out[0].format, layout_.format);
    EXPECT_EQ(sizes_of(out[0].dims), sizes_of(in[0].dims));
    return run(from[0], to[0], sizes_of(in[0].dims));
  }
  IPluginV2DynamicExt* clone() const noexcept override { return new ReverseDynamic(*this); }
};

/// From before dynamic shapes: one format for all, and no batch in sizes.
class ReverseOld final : public Reverse<IPluginV2Ext> {
 public:
  using Reverse::Reverse;
  DataType getOutputDataType(int32_t, DataType const* types, int32_t) const noexcept override {
    return types[0];
  }
  bool isOutputBroadcastAcrossBatch(int32_t, bool const*, int32_t) const noexcept override {
    return false;
  }
  bool canBroadcastInputAcrossBatch(int32_t) const noexcept override { return false; }
  Dims getOutputDimensions(int32_t, Dims const* in, int32_t) noexcept override { return in[0]; }
  bool supportsFormat(DataType type, PluginFormat format) const noexcept override {
    return takes(type, format);
  }
  void configurePlugin(Dims const* in, int32_t, Dims const*, int32_t, DataType const*,
                       DataType const*, bool const*, bool const*, PluginFormat format,
                       int32_t) noexcept override {
    EXPECT_EQ(format, layout_.format);
    sample_ = sizes_of(in[0]);
  }
  size_t getWorkspaceSize(int32_t) const noexcept override { return 0; }
  int32_t enqueue(int32_t batch, void const* const* in, void* const* out, void*,
                  cudaStream_t) noexcept override {
    Sizes sizes = sample_;
    sizes.insert(sizes.begin(), batch);
    return run(in[0], out[0], sizes);
  }
  IPluginV2Ext* clone() const noexcept override { return new ReverseOld(*this); }

 private:
  Sizes sample_;
};

TEST_F(Formats, PluginsGetThoseThatTheyTake) {
  const Sizes s = {2, 11, 3, 2};
  for (Layout const& layout : kLayouts) {
    for (const bool old : {false, true}) {
      if (layout.spatial != 2) continue;
      SCOPED_TRACE(layout.name);
      std::unique_ptr<INetworkDefinition> network = fresh();
      const bool whole = layout.type == DataType::kINT8;
      ITensor* x = network->addInput("x", whole ? layout.type : DataType::kFLOAT, dims_of(s));
      ReverseDynamic dynamic(layout);
      ReverseOld fixed(layout);
      IPluginV2& plugin = old ? static_cast<IPluginV2&>(fixed) : dynamic;
      ITensor* y = network->addPluginV2(&x, 1, plugin)->getOutput(0);
      y->setName("y");
      network->markOutput(*y);
      std::unique_ptr<ICudaEngine> engine(builder->buildEngineWithConfig(*network, *config));
      ASSERT_NE(engine, nullptr) << log.errors;
      std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
      const auto count = static_cast<size_t>(volume(s));
      std::vector<float> in(count), out(count);
      std::vector<int8_t> in8(count), out8(count);
      std::iota(in.begin(), in.end(), 1.f);
      std::iota(in8.begin(), in8.end(), int8_t{1});
      context->setTensorAddress("x", whole ? static_cast<void*>(in8.data()) : in.data());
      context->setTensorAddress("y", whole ? static_cast<void*>(out8.data()) : out.data());
      ASSERT_TRUE(context->enqueueV3(nullptr)) << log.errors;
      int wrong = 0;
      for (size_t i = 0; i < count; ++i) {
        const size_t c = i / 6 % 11, from = i - c * 6 + (10 - c) * 6;
        wrong += whole ? out8[i] != in8[from] : out[i] != in[from];
      }
      EXPECT_EQ(wrong, 0);
    }
  }
}

}  // namespace
}  // namespace nvinfer1
