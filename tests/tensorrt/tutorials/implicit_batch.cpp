// As programs of versions 5 to 7 build LeNet-like networks from weight maps: an implicit batch,
// sizes in DimsHW, a builder with modes, objects that are destroyed by destroy().
#include <cassert>
#include <cmath>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "NvInfer.h"
#include "host_cuda.h"

using namespace nvinfer1;

static const int INPUT_H = 12;
static const int INPUT_W = 12;
static const int OUTPUT_SIZE = 4;
const char* INPUT_BLOB_NAME = "data";
const char* OUTPUT_BLOB_NAME = "prob";

class Logger : public nvinfer1::ILogger {
  void log(Severity severity, const char* msg) override {
    if (severity != Severity::kINFO && severity != Severity::kVERBOSE)
      std::cout << msg << std::endl;
  }
} gLogger;

std::map<std::string, Weights> loadWeights() {
  std::map<std::string, Weights> weightMap;
  const std::pair<const char*, int> sizes[] = {
      {"conv1.weight", 2 * 9}, {"conv1.bias", 2},          {"scale.scale", 2}, {"scale.shift", 2},
      {"scale.power", 2},      {"fc1.weight", 4 * 2 * 36}, {"fc1.bias", 4}};
  for (const auto& entry : sizes) {
    float* val =
        reinterpret_cast<float*>(malloc(sizeof(float) * static_cast<size_t>(entry.second)));
    for (int i = 0; i < entry.second; ++i) {
      val[i] =
          std::string(entry.first) == "scale.power" ? 1.0F : std::sin(static_cast<float>(i)) / 4;
    }
    Weights wt{DataType::kFLOAT, val, entry.second};
    weightMap[entry.first] = wt;
  }
  return weightMap;
}

ICudaEngine* createEngine(unsigned int maxBatchSize, IBuilder* builder, DataType dt) {
  INetworkDefinition* network = builder->createNetwork();
  ITensor* data = network->addInput(INPUT_BLOB_NAME, dt, Dims3{1, INPUT_H, INPUT_W});
  assert(data);
  std::map<std::string, Weights> weightMap = loadWeights();
  IConvolutionLayer* conv1 = network->addConvolution(
      *data, 2, DimsHW{3, 3}, weightMap["conv1.weight"], weightMap["conv1.bias"]);
  assert(conv1);
  conv1->setStride(DimsHW{1, 1});
  conv1->setPadding(DimsHW{1, 1});
  IScaleLayer* scale =
      network->addScale(*conv1->getOutput(0), ScaleMode::kCHANNEL, weightMap["scale.shift"],
                        weightMap["scale.scale"], weightMap["scale.power"]);
  IActivationLayer* relu1 = network->addActivation(*scale->getOutput(0), ActivationType::kRELU);
  IPoolingLayer* pool1 =
      network->addPooling(*relu1->getOutput(0), PoolingType::kAVERAGE, DimsHW{2, 2});
  pool1->setStride(DimsHW{2, 2});
  IFullyConnectedLayer* fc1 = network->addFullyConnected(
      *pool1->getOutput(0), OUTPUT_SIZE, weightMap["fc1.weight"], weightMap["fc1.bias"]);
  assert(fc1);
  ISoftMaxLayer* prob = network->addSoftMax(*fc1->getOutput(0));
  prob->getOutput(0)->setName(OUTPUT_BLOB_NAME);
  network->markOutput(*prob->getOutput(0));

  builder->setMaxBatchSize(static_cast<int>(maxBatchSize));
  builder->setMaxWorkspaceSize(1 << 20);
  ICudaEngine* engine = builder->buildCudaEngine(*network);
  network->destroy();
  for (auto& mem : weightMap) free(const_cast<void*>(mem.second.values));
  return engine;
}

void APIToModel(unsigned int maxBatchSize, IHostMemory** modelStream) {
  IBuilder* builder = createInferBuilder(gLogger);
  ICudaEngine* engine = createEngine(maxBatchSize, builder, DataType::kFLOAT);
  assert(engine != nullptr);
  (*modelStream) = engine->serialize();
  engine->destroy();
  builder->destroy();
}

void doInference(IExecutionContext& context, float* input, float* output, int batchSize) {
  const ICudaEngine& engine = context.getEngine();
  assert(engine.getNbBindings() == 2);
  void* buffers[2];
  const int inputIndex = engine.getBindingIndex(INPUT_BLOB_NAME);
  const int outputIndex = engine.getBindingIndex(OUTPUT_BLOB_NAME);
  const size_t inputSize = static_cast<size_t>(batchSize * INPUT_H * INPUT_W) * sizeof(float);
  const size_t outputSize = static_cast<size_t>(batchSize * OUTPUT_SIZE) * sizeof(float);
  cudaMalloc(&buffers[inputIndex], inputSize);
  cudaMalloc(&buffers[outputIndex], outputSize);
  cudaStream_t stream;
  cudaStreamCreate(&stream);
  cudaMemcpyAsync(buffers[inputIndex], input, inputSize, cudaMemcpyHostToDevice, stream);
  context.enqueue(batchSize, buffers, stream, nullptr);
  cudaMemcpyAsync(output, buffers[outputIndex], outputSize, cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize(stream);
  cudaStreamDestroy(stream);
  cudaFree(buffers[inputIndex]);
  cudaFree(buffers[outputIndex]);
}

int main() {
  IHostMemory* modelStream{nullptr};
  APIToModel(3, &modelStream);
  assert(modelStream != nullptr);
  IRuntime* runtime = createInferRuntime(gLogger);
  ICudaEngine* engine =
      runtime->deserializeCudaEngine(modelStream->data(), modelStream->size(), nullptr);
  if (!engine) return 1;
  modelStream->destroy();
  IExecutionContext* context = engine->createExecutionContext();
  std::vector<float> data(3 * INPUT_H * INPUT_W), prob(3 * OUTPUT_SIZE), one(OUTPUT_SIZE);
  for (size_t i = 0; i < data.size(); ++i) data[i] = std::cos(static_cast<float>(i));
  doInference(*context, data.data(), prob.data(), 3);
  doInference(*context, data.data() + INPUT_H * INPUT_W, one.data(), 1);
  context->destroy();
  engine->destroy();
  runtime->destroy();
  float sum = 0;
  for (int i = 0; i < OUTPUT_SIZE; ++i) {
    sum += one[static_cast<size_t>(i)];
    if (std::abs(one[static_cast<size_t>(i)] - prob[static_cast<size_t>(OUTPUT_SIZE + i)]) >
        1e-6F) {
      return 2;  // the second of three samples is the same alone
    }
  }
  return std::abs(sum - 1) < 1e-5F ? 0 : 3;
}
