// addRNNv2() of versions 4 to 8 beside its formulas, written out.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "NvInfer.h"

namespace nvinfer1 {
namespace {

using Numbers = std::vector<double>;

class Logger : public ILogger {
 public:
  void log(Severity severity, const char* text) noexcept override {
    if (severity <= Severity::kERROR) errors += std::string(text) + "\n";
  }
  std::string errors;
};

struct Case {
  const char* name;
  RNNOperation operation;
  int layers;
  bool both_ways, skips, with_state, with_lengths;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

constexpr int kBatch = 2, kSteps = 4, kHidden = 3;
constexpr int kLengths[kBatch] = {4, 2};

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

class Recurrent : public testing::TestWithParam<Case> {
 protected:
  int directions() const { return GetParam().both_ways ? 2 : 1; }
  int width() const { return GetParam().skips ? kHidden : 5; }
  std::vector<RNNGateType> gates() const {
    switch (GetParam().operation) {
      case RNNOperation::kLSTM:
        return {RNNGateType::kINPUT, RNNGateType::kFORGET, RNNGateType::kCELL,
                RNNGateType::kOUTPUT};
      case RNNOperation::kGRU:
        return {RNNGateType::kUPDATE, RNNGateType::kRESET, RNNGateType::kHIDDEN};
      default:
        return {RNNGateType::kINPUT};
    }
  }
  /// Numbers that stay where they are; the same for the same place.
  Weights numbers(int layer, RNNGateType gate, int kind, int count) {
    std::vector<float>& out = kept_[{layer, static_cast<int>(gate), kind}];
    for (int i = static_cast<int>(out.size()); i < count; ++i) {
      out.push_back(0.4F * std::sin(static_cast<float>(1 + i + 31 * layer +
                                                       7 * static_cast<int>(gate) + 101 * kind)));
    }
    return {DataType::kFLOAT, out.data(), count};
  }
  /// W * x + b of a gate, as double.
  Numbers apply(int layer, RNNGateType gate, bool of_input, const Numbers& x) {
    const bool skips = of_input && GetParam().skips && layer < directions();
    const int n = static_cast<int>(x.size());
    const auto* const w =
        static_cast<const float*>(numbers(layer, gate, of_input ? 0 : 1, kHidden * n).values);
    const auto* const b =
        static_cast<const float*>(numbers(layer, gate, of_input ? 2 : 3, kHidden).values);
    Numbers out(kHidden);
    for (int i = 0; i < kHidden; ++i) {
      out[i] = skips ? x[i] + b[i] : b[i];
      for (int k = 0; k < n && !skips; ++k) out[i] += double{w[i * n + k]} * x[k];
    }
    return out;
  }
  void step(int layer, const Numbers& x, Numbers& h, Numbers& c) {
    std::map<RNNGateType, Numbers> w, r;
    for (const RNNGateType g : gates()) {
      w[g] = apply(layer, g, true, x);
      r[g] = apply(layer, g, false, h);
    }
    const Numbers before = h;
    for (int i = 0; i < kHidden; ++i) {
      const auto sum = [&](RNNGateType g) { return w[g][i] + r[g][i]; };
      switch (GetParam().operation) {
        case RNNOperation::kRELU:
          h[i] = std::max(0.0, sum(RNNGateType::kINPUT));
          break;
        case RNNOperation::kTANH:
          h[i] = std::tanh(sum(RNNGateType::kINPUT));
          break;
        case RNNOperation::kLSTM:
          c[i] = sigmoid(sum(RNNGateType::kFORGET)) * c[i] +
                 sigmoid(sum(RNNGateType::kINPUT)) * std::tanh(sum(RNNGateType::kCELL));
          h[i] = sigmoid(sum(RNNGateType::kOUTPUT)) * std::tanh(c[i]);
          break;
        case RNNOperation::kGRU: {
          const double z = sigmoid(sum(RNNGateType::kUPDATE));
          const double candidate =
              std::tanh(w[RNNGateType::kHIDDEN][i] +
                        sigmoid(sum(RNNGateType::kRESET)) * r[RNNGateType::kHIDDEN][i]);
          h[i] = (1 - z) * candidate + z * before[i];
          break;
        }
      }
    }
  }
  void set_gates(IRNNv2Layer& rnn) {
    const Case& c = GetParam();
    const int k = directions();
    for (int layer = 0; layer < c.layers * k; ++layer) {
      for (const RNNGateType g : gates()) {
        const int in = layer < k ? width() : k * kHidden;
        if (!(c.skips && layer < k)) {
          rnn.setWeightsForGate(layer, g, true, numbers(layer, g, 0, kHidden * in));
        }
        rnn.setWeightsForGate(layer, g, false, numbers(layer, g, 1, kHidden * kHidden));
        rnn.setBiasForGate(layer, g, true, numbers(layer, g, 2, kHidden));
        rnn.setBiasForGate(layer, g, false, numbers(layer, g, 3, kHidden));
        EXPECT_EQ(rnn.getBiasForGate(layer, g, false).count, kHidden);
      }
    }
  }
  void set_states(INetworkDefinition& network, IRNNv2Layer& rnn) {
    const Case& c = GetParam();
    first_.assign(static_cast<size_t>(kBatch * c.layers * directions() * kHidden), 0.0F);
    if (c.with_state) {
      for (size_t i = 0; i < first_.size(); ++i) {
        first_[i] = 0.1F * static_cast<float>(i % 5) - 0.2F;
      }
      const Weights w{DataType::kFLOAT, first_.data(), static_cast<int64_t>(first_.size())};
      const Dims3 sizes(kBatch, c.layers * directions(), kHidden);
      ITensor* const state = network.addConstant(sizes, w)->getOutput(0);
      rnn.setHiddenState(*state);
      EXPECT_EQ(rnn.getHiddenState(), state);
      if (c.operation == RNNOperation::kLSTM) rnn.setCellState(*state);
    }
    if (!c.with_lengths) return;
    Dims one{};
    one.nbDims = 1, one.d[0] = kBatch;
    const Weights w{DataType::kINT32, kLengths, kBatch};
    rnn.setSequenceLengths(*network.addConstant(one, w)->getOutput(0));
  }
  /// All states of a sample by the formulas; the last ones of each layer into h and c.
  std::vector<Numbers> run(int n, std::vector<Numbers> sequence, Numbers& h, Numbers& cells) {
    const Case& c = GetParam();
    const int k = directions(), steps = c.with_lengths ? kLengths[n] : kSteps;
    for (int layer = 0; layer < c.layers; ++layer) {
      std::vector<Numbers> next(kSteps, Numbers(static_cast<size_t>(k * kHidden), 0.0));
      for (int d = 0; d < k; ++d) {
        const int index = layer * k + d;
        const auto* const from = first_.data() + (n * c.layers * k + index) * kHidden;
        Numbers state(from, from + kHidden);
        Numbers cell = state;
        for (int i = 0; i < steps; ++i) {
          const int t = d == 1 ? steps - 1 - i : i;
          step(index, sequence[t], state, cell);
          std::copy(state.begin(), state.end(), next[t].begin() + d * kHidden);
        }
        h.insert(h.end(), state.begin(), state.end());
        cells.insert(cells.end(), cell.begin(), cell.end());
      }
      sequence = next;
    }
    sequence.resize(static_cast<size_t>(steps));
    return sequence;
  }
  std::vector<float> first_;  ///< states
  std::map<std::vector<int>, std::vector<float>> kept_;
};

TEST_P(Recurrent, GivesWhatItsFormulasSay) {
  const Case& c = GetParam();
  const bool cells = c.operation == RNNOperation::kLSTM;
  const int k = directions();
  Logger logger;
  const std::unique_ptr<IBuilder> builder(createInferBuilder(logger));
  const std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  ITensor* const x = network->addInput("x", DataType::kFLOAT, Dims3(kBatch, kSteps, width()));
  IRNNv2Layer* const rnn = network->addRNNv2(*x, c.layers, kHidden, kSteps, c.operation);
  ASSERT_TRUE(rnn) << logger.errors;
  rnn->setDirection(c.both_ways ? RNNDirection::kBIDIRECTION : RNNDirection::kUNIDIRECTION);
  rnn->setInputMode(c.skips ? RNNInputMode::kSKIP : RNNInputMode::kLINEAR);
  EXPECT_EQ(rnn->getLayerCount(), c.layers);
  EXPECT_EQ(rnn->getHiddenSize(), kHidden);
  EXPECT_EQ(rnn->getMaxSeqLength(), kSteps);
  EXPECT_EQ(rnn->getDataLength(), width());
  EXPECT_EQ(rnn->getNbOutputs(), cells ? 3 : 2);
  set_gates(*rnn);
  set_states(*network, *rnn);
  const char* const names[] = {"y", "h", "c"};
  for (int i = 0; i < rnn->getNbOutputs(); ++i) {
    rnn->getOutput(i)->setName(names[i]);
    network->markOutput(*rnn->getOutput(i));
  }
  const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
  config->setBuilderOptimizationLevel(0);
  const std::unique_ptr<ICudaEngine> engine(builder->buildEngineWithConfig(*network, *config));
  ASSERT_TRUE(engine) << logger.errors;
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  std::vector<float> in(static_cast<size_t>(kBatch * kSteps * width()));
  for (size_t i = 0; i < in.size(); ++i) in[i] = std::cos(static_cast<float>(3 * i));
  const auto rows = static_cast<size_t>(kBatch * c.layers * k * kHidden);
  std::vector<float> y(static_cast<size_t>(kBatch * kSteps * k * kHidden)), h(rows), last(rows);
  context->setTensorAddress("x", in.data());
  context->setTensorAddress("y", y.data());
  context->setTensorAddress("h", h.data());
  if (cells) context->setTensorAddress("c", last.data());
  ASSERT_TRUE(context->enqueueV3(nullptr)) << logger.errors;

  for (int n = 0; n < kBatch; ++n) {
    std::vector<Numbers> sequence;
    for (int t = 0; t < kSteps; ++t) {
      const auto* const from = in.data() + (n * kSteps + t) * width();
      sequence.emplace_back(from, from + width());
    }
    Numbers states, finals;
    const std::vector<Numbers> expected = run(n, std::move(sequence), states, finals);
    for (size_t i = 0; i < states.size(); ++i) {
      const size_t at = static_cast<size_t>(n) * states.size() + i;
      EXPECT_NEAR(h[at], states[i], 1e-5);
      if (!cells) continue;
      EXPECT_NEAR(last[at], finals[i], 1e-5);
    }
    const auto wide = static_cast<size_t>(k * kHidden);
    for (size_t i = 0; i < expected.size() * wide; ++i) {
      EXPECT_NEAR(y[static_cast<size_t>(n) * kSteps * wide + i], expected[i / wide][i % wide], 1e-5)
          << "sample " << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, Recurrent,
    testing::Values(Case{"relu", RNNOperation::kRELU, 1, false, false, false, false},
                    Case{"tanh", RNNOperation::kTANH, 2, true, false, true, false},
                    Case{"lstm", RNNOperation::kLSTM, 2, false, false, true, false},
                    Case{"lstm_both_ways", RNNOperation::kLSTM, 2, true, false, true, true},
                    Case{"gru", RNNOperation::kGRU, 1, false, false, false, true},
                    Case{"gru_both_ways", RNNOperation::kGRU, 2, true, true, true, false}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(RecurrentLayer, WhatIsMissingIsSaid) {
  Logger logger;
  const std::unique_ptr<IBuilder> builder(createInferBuilder(logger));
  const std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  ITensor* const x = network->addInput("x", DataType::kFLOAT, Dims3(1, 4, 5));
  EXPECT_FALSE(network->addRNNv2(*x, 0, 3, 4, RNNOperation::kGRU));
  IRNNv2Layer* const rnn = network->addRNNv2(*x, 1, 3, 4, RNNOperation::kGRU);
  ASSERT_TRUE(rnn);
  rnn->setOperation(RNNOperation::kLSTM);
  EXPECT_EQ(rnn->getOperation(), RNNOperation::kGRU);
  network->markOutput(*rnn->getOutput(0));
  const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
  logger.errors.clear();
  EXPECT_FALSE(builder->buildSerializedNetwork(*network, *config));
  EXPECT_NE(logger.errors.find("has 0 input weights, needs 3 x 5"), std::string::npos)
      << logger.errors;
}

}  // namespace
}  // namespace nvinfer1
