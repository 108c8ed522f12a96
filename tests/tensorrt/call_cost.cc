// What a call of enqueueV3() costs beside the native interface: both run the same plan of a small
// MLP on the CPU, turn by turn, so that the machine's moods meet both. Prints the two medians; with
// a number it fails where the difference is more microseconds than that.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "NvInfer.h"
#include "carnot/engine.h"

namespace {

using namespace nvinfer1;
using Clock = std::chrono::steady_clock;

constexpr int kRows = 1, kWidth = 64, kLayers = 3, kRounds = 400, kCalls = 25;

class Logger : public ILogger {
  void log(Severity severity, const char* text) noexcept override {
    if (severity <= Severity::kERROR) std::fprintf(stderr, "%s\n", text);
  }
};

std::unique_ptr<IHostMemory> build(ILogger& logger) {
  const std::unique_ptr<IBuilder> builder(createInferBuilder(logger));
  const std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  const std::vector<float> values(kWidth * kWidth, 0.01F);
  ITensor* x = network->addInput("x", DataType::kFLOAT, Dims2{kRows, kWidth});
  for (int i = 0; i < kLayers; ++i) {
    const Weights w{DataType::kFLOAT, values.data(), static_cast<int64_t>(values.size())};
    ITensor* const k = network->addConstant(Dims2{kWidth, kWidth}, w)->getOutput(0);
    x = network->addMatrixMultiply(*x, MatrixOperation::kNONE, *k, MatrixOperation::kNONE)
            ->getOutput(0);
    x = network->addActivation(*x, ActivationType::kRELU)->getOutput(0);
  }
  x->setName("y");
  network->markOutput(*x);
  const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
  return std::unique_ptr<IHostMemory>(builder->buildSerializedNetwork(*network, *config));
}

/// Microseconds of one call, of `kCalls` in a row.
template <class F>
double time_us(F&& call) {
  const auto begin = Clock::now();
  for (int i = 0; i < kCalls; ++i) call();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / kCalls;
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

int main(int count, char** arguments) {
  Logger logger;
  const auto plan = build(logger);
  if (!plan) return 1;
  const std::unique_ptr<IRuntime> runtime(createInferRuntime(logger));
  const std::unique_ptr<ICudaEngine> engine(
      runtime->deserializeCudaEngine(plan->data(), plan->size()));
  const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  const auto native =
      carnot::Engine::load({static_cast<const std::byte*>(plan->data()), plan->size()});
  auto own = native.ok() ? (*native)->make_context() : native.status();
  if (!own.ok()) return 1;

  std::vector<float> x(kRows * kWidth, 0.5F), y(x.size());
  context->setTensorAddress("x", x.data());
  context->setTensorAddress("y", y.data());
  bool good = own->set_input("x", x.data(), {kRows, kWidth}).ok() &&
              own->set_output("y", y.data(), y.size() * sizeof(float)).ok();
  std::vector<double> through, directly;
  for (int round = 0; round < kRounds; ++round) {
    through.push_back(time_us([&] { good = context->enqueueV3(nullptr) && good; }));
    directly.push_back(time_us([&] { good = own->run().ok() && good; }));
  }
  if (!good) return 1;
  const double layer = median(through), alone = median(directly);
  std::printf("enqueueV3 %.3f us, native %.3f us, difference %.3f us\n", layer, alone,
              layer - alone);
  return count > 1 && layer - alone > std::atof(arguments[1]);
}
