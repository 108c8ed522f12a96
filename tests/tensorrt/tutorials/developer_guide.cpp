// In the style of the developer guide of version 10: objects in unique_ptr, named tensors,
// profiles, an output allocator, a progress monitor, a profiler, an inspector, a plan read as a
// stream.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "NvInfer.h"
#include "NvInferPlugin.h"
#include "NvInferRuntime.h"
#include "NvOnnxParser.h"
#include "host_cuda.h"

using namespace nvinfer1;
using namespace nvonnxparser;

class Logger : public ILogger {
  void log(Severity severity, const char* msg) noexcept override {
    // suppress info-level messages
    if (severity <= Severity::kWARNING) std::cout << msg << std::endl;
  }
} logger;

class MyOutputAllocator : public nvinfer1::IOutputAllocator {
 public:
  void* reallocateOutputAsync(char const*, void* currentMemory, uint64_t size, uint64_t,
                              cudaStream_t) override {
    if (size > outputSize) {
      if (currentMemory) cudaFree(currentMemory);
      outputPtr = nullptr;
      outputSize = 0;
      if (cudaMalloc(&outputPtr, size) == 0) outputSize = size;
    }
    return outputPtr;
  }
  void notifyShape(char const*, Dims const& dims) noexcept override { outputDims = dims; }
  ~MyOutputAllocator() override { cudaFree(outputPtr); }

  Dims outputDims{};
  void* outputPtr{nullptr};
  uint64_t outputSize{0};
};

class Progress : public IProgressMonitor {
 public:
  void phaseStart(char const*, char const*, int32_t) noexcept override { ++open; }
  bool stepComplete(char const*, int32_t) noexcept override { return ++steps, true; }
  void phaseFinish(char const*) noexcept override { --open; }
  int open = 0, steps = 0;
};

struct SimpleProfiler : public nvinfer1::IProfiler {
  void reportLayerTime(const char* layerName, float ms) noexcept override {
    total[layerName] += ms;
  }
  std::unordered_map<std::string, float> total;
};

class FileReader : public IStreamReaderV2 {
 public:
  explicit FileReader(IHostMemory& plan) : mPlan(plan) {}
  int64_t read(void* dest, int64_t bytes, cudaStream_t) noexcept override {
    bytes = std::min<int64_t>(bytes, static_cast<int64_t>(mPlan.size()) - mAt);
    std::memcpy(dest, static_cast<char*>(mPlan.data()) + mAt, static_cast<size_t>(bytes));
    mAt += bytes;
    return bytes;
  }
  bool seek(int64_t offset, SeekPosition where) noexcept override {
    mAt = offset + (where == SeekPosition::kCUR   ? mAt
                    : where == SeekPosition::kEND ? static_cast<int64_t>(mPlan.size())
                                                  : 0);
    return mAt >= 0;
  }

 private:
  IHostMemory& mPlan;
  int64_t mAt = 0;
};

std::unique_ptr<IHostMemory> buildFromOnnx(const char* modelFile, Progress& progress) {
  auto builder = std::unique_ptr<IBuilder>(createInferBuilder(logger));
  auto network = std::unique_ptr<INetworkDefinition>(builder->createNetworkV2(
      1U << static_cast<uint32_t>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED)));
  auto parser = std::unique_ptr<IParser>(createParser(*network, logger));
  parser->parseFromFile(modelFile, static_cast<int32_t>(ILogger::Severity::kWARNING));
  for (int32_t i = 0; i < parser->getNbErrors(); ++i) {
    std::cout << parser->getError(i)->desc() << std::endl;
  }
  auto config = std::unique_ptr<IBuilderConfig>(builder->createBuilderConfig());
  config->setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, 1U << 20);
  config->setMemoryPoolLimit(MemoryPoolType::kTACTIC_SHARED_MEMORY, 48 << 10);
  config->setProfilingVerbosity(ProfilingVerbosity::kDETAILED);
  config->setProgressMonitor(&progress);
  IOptimizationProfile* profile = builder->createOptimizationProfile();
  profile->setDimensions("image", OptProfileSelector::kMIN, Dims4(1, 3, 16, 16));
  profile->setDimensions("image", OptProfileSelector::kOPT, Dims4(2, 3, 16, 16));
  profile->setDimensions("image", OptProfileSelector::kMAX, Dims4(8, 3, 16, 16));
  config->addOptimizationProfile(profile);
  return std::unique_ptr<IHostMemory>(builder->buildSerializedNetwork(*network, *config));
}

/// NonZero: a result whose size only the data gives.
std::unique_ptr<IHostMemory> buildNonZero() {
  auto builder = std::unique_ptr<IBuilder>(createInferBuilder(logger));
  auto network = std::unique_ptr<INetworkDefinition>(builder->createNetworkV2(0));
  ITensor* x = network->addInput("x", DataType::kFLOAT, Dims2{2, 3});
  ITensor* found = network->addNonZero(*x)->getOutput(0);
  found->setName("found");
  network->markOutput(*found);
  auto config = std::unique_ptr<IBuilderConfig>(builder->createBuilderConfig());
  return std::unique_ptr<IHostMemory>(builder->buildSerializedNetwork(*network, *config));
}

bool runNonZero(IRuntime& runtime) {
  auto plan = buildNonZero();
  FileReader reader(*plan);
  auto engine = std::unique_ptr<ICudaEngine>(runtime.deserializeCudaEngine(reader));
  if (!engine) return false;
  auto context = std::unique_ptr<IExecutionContext>(engine->createExecutionContext());
  std::unordered_map<std::string, std::unique_ptr<MyOutputAllocator>> allocatorMap;
  float x[6] = {0, 1, 0, 2, 0, 3};
  for (int32_t i = 0, e = engine->getNbIOTensors(); i < e; i++) {
    auto const name = engine->getIOTensorName(i);
    if (engine->getTensorIOMode(name) == TensorIOMode::kINPUT) {
      context->setInputTensorAddress(name, x);
    } else {
      auto allocator = std::make_unique<MyOutputAllocator>();
      context->setOutputAllocator(name, allocator.get());
      allocatorMap.emplace(name, std::move(allocator));
    }
  }
  if (!context->enqueueV3(nullptr)) return false;
  const MyOutputAllocator& found = *allocatorMap.at("found");
  const int32_t* indices = static_cast<const int32_t*>(found.outputPtr);
  return found.outputDims.nbDims == 2 && found.outputDims.d[1] == 3 && indices[5] == 2;
}

int main(int argc, char** argv) {
  if (!initLibNvInferPlugins(&logger, "") || argc < 2) return 1;
  Progress progress;
  auto plan = buildFromOnnx(argv[1], progress);
  if (!plan || progress.open != 0 || progress.steps == 0) return 2;
  auto runtime = std::unique_ptr<IRuntime>(createInferRuntime(logger));
  auto engine =
      std::unique_ptr<ICudaEngine>(runtime->deserializeCudaEngine(plan->data(), plan->size()));
  if (!engine) return 3;
  auto context = std::unique_ptr<IExecutionContext>(
      engine->createExecutionContext(ExecutionContextAllocationStrategy::kON_PROFILE_CHANGE));
  SimpleProfiler profiler;
  context->setProfiler(&profiler);
  cudaStream_t stream;
  cudaStreamCreate(&stream);
  context->setOptimizationProfileAsync(0, stream);
  context->setInputShape("image", Dims{4, {3, 3, 16, 16}});
  char const* missing[4];
  if (!context->allInputDimensionsSpecified() || context->inferShapes(4, missing) != 0) return 4;
  const Dims scores = context->getTensorShape("scores");
  if (scores.nbDims != 2 || scores.d[0] != 3) return 5;
  void *inputBuffer = nullptr, *outputBuffer = nullptr;
  cudaMalloc(&inputBuffer, 3 * 3 * 16 * 16 * sizeof(float));
  cudaMalloc(&outputBuffer, static_cast<size_t>(context->getMaxOutputSize("scores")));
  std::vector<float> image(3 * 3 * 16 * 16, 0.5F), result(30);
  cudaMemcpyAsync(inputBuffer, image.data(), image.size() * sizeof(float), cudaMemcpyHostToDevice,
                  stream);
  context->setTensorAddress("image", inputBuffer);
  context->setTensorAddress("scores", outputBuffer);
  if (!context->enqueueV3(stream)) return 6;
  cudaMemcpyAsync(result.data(), outputBuffer, result.size() * sizeof(float),
                  cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize(stream);
  cudaStreamDestroy(stream);
  cudaFree(inputBuffer);
  cudaFree(outputBuffer);
  float sum = 0;
  for (float v : result) sum += v;
  auto inspector = std::unique_ptr<IEngineInspector>(engine->createEngineInspector());
  inspector->setExecutionContext(context.get());
  const std::string layers = inspector->getEngineInformation(LayerInformationFormat::kJSON);
  if (profiler.total.empty() || layers.find("\"Layers\"") == std::string::npos) return 7;
  return std::abs(sum - 3) < 1e-4F && runNonZero(*runtime) ? 0 : 8;
}
