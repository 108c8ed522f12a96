// Tactics that the program chooses: a selector that records and one that replays, and a timing
// cache that is edited by what the messages of a build say.

#include <gtest/gtest.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "NvInfer.h"

namespace nvinfer1 {
namespace {

class Logger : public ILogger {
 public:
  void log(Severity severity, const char* text) noexcept override {
    lines.emplace_back(text);
    if (severity <= Severity::kERROR) errors += std::string(text) + "\n";
  }
  std::vector<std::string> lines;
  std::string errors;
};

using Variant = std::pair<int64_t, int64_t>;
Variant variant_of(const IAlgorithm& algorithm) {
  return {algorithm.getAlgorithmVariant().getImplementation(),
          algorithm.getAlgorithmVariant().getTactic()};
}

/// Keeps what there is and what was chosen.
class Recorder : public IAlgorithmSelector {
 public:
  int32_t selectAlgorithms(IAlgorithmContext const& context, IAlgorithm const* const* choices,
                           int32_t count, int32_t* selection) noexcept override {
    Dims dims = context.getDimensions(0, OptProfileSelector::kMAX);
    rows_max = std::max(rows_max, dims.d[0]);
    io_numbers_fit =
        io_numbers_fit && context.getNbInputs() >= 1 && context.getNbOutputs() >= 1 &&
        !choices[0]->getAlgorithmIOInfoByIndex(context.getNbInputs() + context.getNbOutputs()) &&
        choices[0]->getAlgorithmIOInfoByIndex(0)->getDataType() == DataType::kFLOAT;
    for (int32_t i = 0; i < count; ++i) {
      offered[context.getName()].push_back(variant_of(*choices[i]));
      selection[i] = i;
    }
    return count;
  }
  void reportAlgorithms(IAlgorithmContext const* const* contexts, IAlgorithm const* const* choices,
                        int32_t count) noexcept override {
    ++reports;
    for (int32_t i = 0; i < count; ++i) {
      chosen[contexts[i]->getName()] = variant_of(*choices[i]);
      slowest = std::max(slowest, choices[i]->getTimingMSec());
    }
  }
  std::map<std::string, std::vector<Variant>> offered;
  std::map<std::string, Variant> chosen;
  int reports = 0;
  int64_t rows_max = 0;
  float slowest = 0;
  bool io_numbers_fit = true;
};

/// Takes of each layer what it is told, where it is told something.
class Replayer : public Recorder {
 public:
  int32_t selectAlgorithms(IAlgorithmContext const& context, IAlgorithm const* const* choices,
                           int32_t count, int32_t* selection) noexcept override {
    if (answer != kAsTold) {
      selection[0] = answer;
      return answer == kNothing ? 0 : 1;
    }
    const auto wanted = told.find(context.getName());
    for (int32_t i = 0; wanted != told.end() && i < count; ++i) {
      if (variant_of(*choices[i]) != wanted->second) continue;
      selection[0] = i;
      return 1;
    }
    return -1;
  }
  static constexpr int32_t kAsTold = -2, kNothing = -1;
  int32_t answer = kAsTold;
  std::map<std::string, Variant> told;
};
constexpr int32_t Replayer::kAsTold, Replayer::kNothing;

/// relu(x [-1, 64] * w), with many candidates.
class Choosing : public testing::Test {
 protected:
  static constexpr int kWidth = 64, kRowsMax = 48;

  void SetUp() override {
    builder.reset(createInferBuilder(logger));
    ASSERT_TRUE(builder);
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 7) / 100;
    network.reset(builder->createNetworkV2(0));
    ITensor* x = network->addInput("x", DataType::kFLOAT, Dims2{-1, kWidth});
    const Weights w{DataType::kFLOAT, weights.data(), static_cast<int64_t>(weights.size())};
    ITensor* k = network->addConstant(Dims2{kWidth, kWidth}, w)->getOutput(0);
    ILayer* product =
        network->addMatrixMultiply(*x, MatrixOperation::kNONE, *k, MatrixOperation::kNONE);
    product->setName("product");
    x = network->addActivation(*product->getOutput(0), ActivationType::kRELU)->getOutput(0);
    network->markOutput(*x);
    config.reset(builder->createBuilderConfig());
    config->setProfilingVerbosity(ProfilingVerbosity::kDETAILED);
    IOptimizationProfile* profile = builder->createOptimizationProfile();
    profile->setDimensions("x", OptProfileSelector::kMIN, Dims2{1, kWidth});
    profile->setDimensions("x", OptProfileSelector::kOPT, Dims2{32, kWidth});
    profile->setDimensions("x", OptProfileSelector::kMAX, Dims2{kRowsMax, kWidth});
    config->addOptimizationProfile(profile);
  }

  bool build(IAlgorithmSelector* selector) {
    config->setAlgorithmSelector(selector);
    std::unique_ptr<IHostMemory> plan{builder->buildSerializedNetwork(*network, *config)};
    if (!plan) return false;
    std::unique_ptr<IRuntime> runtime{createInferRuntime(logger)};
    std::unique_ptr<ICudaEngine> engine{runtime->deserializeCudaEngine(plan->data(), plan->size())};
    if (!engine) return false;
    std::unique_ptr<IEngineInspector> inspector{engine->createEngineInspector()};
    layers = inspector->getEngineInformation(LayerInformationFormat::kONELINE);
    return true;
  }

  bool said(const std::string& part) const {
    return std::any_of(logger.lines.begin(), logger.lines.end(), [&](const std::string& line) {
      return line.find(part) != std::string::npos;
    });
  }

  Logger logger;
  std::vector<float> weights = std::vector<float>(kWidth * kWidth);
  std::unique_ptr<IBuilder> builder;
  std::unique_ptr<INetworkDefinition> network;
  std::unique_ptr<IBuilderConfig> config;
  std::string layers;
};

TEST_F(Choosing, WhatIsRecordedIsReplayed) {
  Recorder recorder;
  ASSERT_TRUE(build(&recorder)) << logger.errors;
  EXPECT_EQ(recorder.reports, 1);
  EXPECT_EQ(recorder.rows_max, kRowsMax);
  EXPECT_TRUE(recorder.io_numbers_fit);
  EXPECT_GT(recorder.slowest, 0);
  ASSERT_EQ(recorder.offered.count("product"), 1U) << recorder.offered.begin()->first;
  ASSERT_EQ(recorder.chosen.count("product"), 1U);
  const std::vector<Variant>& offered = recorder.offered["product"];
  ASSERT_GE(offered.size(), 2U);
  // Each of them can be had.
  std::vector<std::string> seen;
  for (const Variant& variant : offered) {
    Replayer replayer;
    replayer.told["product"] = variant;
    ASSERT_TRUE(build(&replayer)) << logger.errors;
    EXPECT_EQ(replayer.chosen["product"], variant);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), layers), 0) << layers;
    seen.push_back(layers);
  }
}

TEST_F(Choosing, SelectorsThatChooseNothingOrNonsense) {
  Replayer selector;
  selector.answer = Replayer::kNothing;
  ASSERT_TRUE(build(&selector)) << logger.errors;
  EXPECT_TRUE(said("chose nothing for layer 'product'"));
  config->setFlag(BuilderFlag::kREJECT_EMPTY_ALGORITHMS);
  EXPECT_FALSE(build(&selector));
  EXPECT_NE(logger.errors.find("kREJECT_EMPTY_ALGORITHMS"), std::string::npos) << logger.errors;
  selector.answer = 1000;
  EXPECT_FALSE(build(&selector));
  EXPECT_NE(logger.errors.find("1000 among them"), std::string::npos) << logger.errors;
}

TEST_F(Choosing, EditedTimingsDecide) {
  config->setFlag(BuilderFlag::kEDITABLE_TIMING_CACHE);
  std::unique_ptr<ITimingCache> cache{config->createTimingCache(nullptr, 0)};
  ASSERT_TRUE(config->setTimingCache(*cache, false));
  ASSERT_TRUE(build(nullptr)) << logger.errors;
  TimingCacheKey key{};
  std::map<std::string, uint64_t> tactics;
  uint64_t selected = 0;
  bool ours = false;
  for (const std::string& line : logger.lines) {
    char op[129], text[129], kernel[129], hash[129];
    if (std::sscanf(line.c_str(), "Autotuning op %128[^(](key: 0x%128[^)])", op, text) == 2) {
      ours = std::string(op) == "product";
      for (size_t i = 0; ours && i < sizeof key.data; ++i) {
        unsigned byte = 0;
        ASSERT_EQ(std::sscanf(text + 2 * i, "%2x", &byte), 1);
        key.data[i] = static_cast<uint8_t>(byte);
      }
    } else if (ours && std::sscanf(line.c_str(), "%*d, %*f, %*f, %*f, %128[^,], %128[^,]", kernel,
                                   hash) == 2) {
      tactics[kernel] = std::stoull(hash, nullptr, 16);
    } else if (ours && line.find("(tactic hash, cost(in ms)):") != std::string::npos) {
      selected = std::stoull(line.substr(line.find("):") + 2), nullptr, 16);
    }
  }
  ASSERT_GE(tactics.size(), 2U);
  EXPECT_EQ(cache->query(key).tacticHash, selected);
  const auto other = std::find_if(tactics.begin(), tactics.end(),
                                  [&](const auto& t) { return t.second != selected; });
  TimingCacheValue value{};
  value.tacticHash = other->second;
  value.timingMSec = 1;
  ASSERT_TRUE(cache->update(key, value)) << logger.errors;
  EXPECT_EQ(cache->query(key).tacticHash, other->second);
  EXPECT_FLOAT_EQ(cache->query(key).timingMSec, 1);
  ASSERT_TRUE(build(nullptr)) << logger.errors;
  EXPECT_NE(layers.find("TacticName: " + other->first), std::string::npos) << layers;
  value.timingMSec = 0;
  EXPECT_FALSE(cache->update(key, value));
  value.timingMSec = 1, value.tacticHash ^= 1;
  EXPECT_FALSE(cache->update(key, value));
}

}  // namespace
}  // namespace nvinfer1
