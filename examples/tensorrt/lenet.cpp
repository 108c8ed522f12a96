// LeNet by hand, from a file of raw weights: what programs for TensorRT 7 and 8 look like, with
// destroy(), bindings by index and enqueueV2().
//
//   lenet [WEIGHTS.f32]                 431,080 floats in order; without a file, a fixed sequence

#include <NvInfer.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <vector>

using namespace nvinfer1;

static class Logger : public ILogger {
  void log(Severity severity, const char* text) noexcept override {
    if (severity <= Severity::kWARNING) std::fprintf(stderr, "%s\n", text);
  }
} gLogger;

static const int kClasses = 10;

// Hands out the weights one after another.
class WeightFile {
 public:
  explicit WeightFile(const char* path) : floats_(431080) {
    if (path != nullptr) {
      std::ifstream file(path, std::ios::binary);
      file.read(reinterpret_cast<char*>(floats_.data()),
                static_cast<std::streamsize>(floats_.size() * sizeof(float)));
      ok_ = static_cast<bool>(file);
      return;
    }
    unsigned state = 1;
    for (float& f : floats_) {
      state = state * 1664525U + 1013904223U;
      f = static_cast<float>(state >> 8) / (1 << 24) * 0.1F - 0.05F;
    }
  }

  bool ok() const { return ok_; }
  Weights next(int64_t count) {
    const Weights w{DataType::kFLOAT, floats_.data() + used_, count};
    used_ += static_cast<size_t>(count);
    return w;
  }

 private:
  std::vector<float> floats_;
  size_t used_ = 0;
  bool ok_ = true;
};

// [1, 1, 28, 28] -> [1, 10, 1, 1]
static void makeLeNet(INetworkDefinition& network, WeightFile& weights) {
  ITensor* data = network.addInput("data", DataType::kFLOAT, Dims4{1, 1, 28, 28});
  Weights kernel = weights.next(20 * 1 * 5 * 5), bias = weights.next(20);
  IConvolutionLayer* conv1 = network.addConvolution(*data, 20, DimsHW{5, 5}, kernel, bias);
  conv1->setStride(DimsHW{1, 1});
  IPoolingLayer* pool1 = network.addPooling(*conv1->getOutput(0), PoolingType::kMAX, DimsHW{2, 2});
  pool1->setStride(DimsHW{2, 2});
  kernel = weights.next(50 * 20 * 5 * 5), bias = weights.next(50);
  IConvolutionLayer* conv2 =
      network.addConvolution(*pool1->getOutput(0), 50, DimsHW{5, 5}, kernel, bias);
  IPoolingLayer* pool2 = network.addPooling(*conv2->getOutput(0), PoolingType::kMAX, DimsHW{2, 2});
  pool2->setStride(DimsHW{2, 2});
  kernel = weights.next(500 * 800), bias = weights.next(500);
  IFullyConnectedLayer* ip1 = network.addFullyConnected(*pool2->getOutput(0), 500, kernel, bias);
  IActivationLayer* relu = network.addActivation(*ip1->getOutput(0), ActivationType::kRELU);
  kernel = weights.next(kClasses * 500), bias = weights.next(kClasses);
  IFullyConnectedLayer* ip2 =
      network.addFullyConnected(*relu->getOutput(0), kClasses, kernel, bias);
  ISoftMaxLayer* prob = network.addSoftMax(*ip2->getOutput(0));
  prob->setAxes(1U << 1);
  prob->getOutput(0)->setName("prob");
  network.markOutput(*prob->getOutput(0));
}

int main(int argc, char** argv) {
  WeightFile weights(argc > 1 ? argv[1] : nullptr);
  if (!weights.ok()) return std::fprintf(stderr, "%s: too short\n", argv[1]), 1;

  IBuilder* builder = createInferBuilder(gLogger);
  const auto explicitBatch =
      1U << static_cast<uint32_t>(NetworkDefinitionCreationFlag::kEXPLICIT_BATCH);
  INetworkDefinition* network = builder->createNetworkV2(explicitBatch);
  IBuilderConfig* config = builder->createBuilderConfig();
  config->setMaxWorkspaceSize(16 << 20);
  makeLeNet(*network, weights);
  ICudaEngine* engine = builder->buildEngineWithConfig(*network, *config);
  config->destroy();
  network->destroy();
  builder->destroy();
  if (engine == nullptr) return 1;

  IExecutionContext* context = engine->createExecutionContext();
  std::vector<float> image(28 * 28), prob(kClasses);
  for (size_t i = 0; i < image.size(); i++) image[i] = static_cast<float>(i % 28) / 28;
  std::vector<void*> bindings(static_cast<size_t>(engine->getNbBindings()));
  bindings[static_cast<size_t>(engine->getBindingIndex("data"))] = image.data();
  bindings[static_cast<size_t>(engine->getBindingIndex("prob"))] = prob.data();
  const bool ran = context->enqueueV2(bindings.data(), nullptr, nullptr);
  float sum = 0;
  for (int i = 0; i < kClasses; i++) {
    std::printf("%d: %.6f\n", i, prob[static_cast<size_t>(i)]);
    sum += prob[static_cast<size_t>(i)];
  }
  context->destroy();
  engine->destroy();
  return ran && std::abs(sum - 1) < 1e-5F ? 0 : 1;
}
