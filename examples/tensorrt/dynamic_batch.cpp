// One engine for batches of 1 to 16: an optimization profile says for which, setInputShape() says
// how many there are now.
//
//   dynamic_batch MODEL.onnx            a model whose first dimension is dynamic

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

using namespace nvinfer1;

class Logger : public ILogger {
  void log(Severity severity, const char* text) noexcept override {
    if (severity <= Severity::kWARNING) std::fprintf(stderr, "%s\n", text);
  }
};

static size_t volume(const Dims& dims) {
  size_t n = 1;
  for (int i = 0; i < dims.nbDims; i++) n *= static_cast<size_t>(dims.d[i]);
  return n;
}

static std::unique_ptr<ICudaEngine> build(const char* model, Logger& logger, IRuntime& runtime) {
  std::unique_ptr<IBuilder> builder(createInferBuilder(logger));
  std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
  std::unique_ptr<nvonnxparser::IParser> parser(nvonnxparser::createParser(*network, logger));
  if (!parser->parseFromFile(model, static_cast<int>(ILogger::Severity::kWARNING))) return nullptr;
  std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
  config->setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, size_t{1} << 30);
  IOptimizationProfile* profile = builder->createOptimizationProfile();
  Dims dims = network->getInput(0)->getDimensions();
  const char* name = network->getInput(0)->getName();
  dims.d[0] = 1;
  profile->setDimensions(name, OptProfileSelector::kMIN, dims);
  dims.d[0] = 4;
  profile->setDimensions(name, OptProfileSelector::kOPT, dims);
  dims.d[0] = 16;
  profile->setDimensions(name, OptProfileSelector::kMAX, dims);
  config->addOptimizationProfile(profile);
  std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
  if (!plan) return nullptr;
  return std::unique_ptr<ICudaEngine>(runtime.deserializeCudaEngine(plan->data(), plan->size()));
}

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: dynamic_batch MODEL.onnx\n"), 2;
  Logger logger;
  std::unique_ptr<IRuntime> runtime(createInferRuntime(logger));
  const std::unique_ptr<ICudaEngine> engine = build(argv[1], logger, *runtime);
  if (!engine) return 1;
  std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
  const char* in = engine->getIOTensorName(0);
  const char* out = engine->getIOTensorName(1);

  std::vector<float> first;  // the first image's result, whatever the batch
  for (const int64_t batch : {1, 3, 16}) {
    Dims dims = engine->getTensorShape(in);
    dims.d[0] = batch;
    if (!context->setInputShape(in, dims)) return 1;
    std::vector<float> images(volume(dims)), results(volume(context->getTensorShape(out)));
    for (size_t i = 0; i < images.size(); i++) images[i] = std::sin(static_cast<float>(i));
    context->setTensorAddress(in, images.data());
    context->setTensorAddress(out, results.data());
    if (!context->enqueueV3(nullptr)) return 1;
    results.resize(results.size() / static_cast<size_t>(batch));
    if (first.empty()) first = results;
    float off = 0;
    for (size_t i = 0; i < first.size(); i++) off = std::max(off, std::abs(first[i] - results[i]));
    std::printf("batch %2d: %.6f, differs by %.1e\n", static_cast<int>(batch), results[0], off);
    if (!(off < 1e-5F)) return 1;
  }
  // A batch beyond the profile is an error, not a crash.
  Dims dims = engine->getTensorShape(in);
  dims.d[0] = 17;
  return context->setInputShape(in, dims) ? 1 : 0;
}
