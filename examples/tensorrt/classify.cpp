// Classification: an ONNX model becomes an engine, an image goes in, the five best classes come
// out. Nothing here is Carnot's own: the program is written for TensorRT 10.
//
//   classify MODEL.onnx [INPUT.f32]     without an input, a ramp

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <numeric>
#include <vector>

class Logger : public nvinfer1::ILogger {
  void log(Severity severity, const char* text) noexcept override {
    if (severity <= Severity::kWARNING) std::fprintf(stderr, "%s\n", text);
  }
};

static size_t volume(const nvinfer1::Dims& dims) {
  size_t n = 1;
  for (int i = 0; i < dims.nbDims; i++) n *= static_cast<size_t>(std::max<int64_t>(dims.d[i], 1));
  return n;
}

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: classify MODEL.onnx [INPUT.f32]\n"), 2;
  Logger logger;

  // Model -> engine.
  std::unique_ptr<nvinfer1::IBuilder> builder(nvinfer1::createInferBuilder(logger));
  std::unique_ptr<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(0));
  std::unique_ptr<nvonnxparser::IParser> parser(nvonnxparser::createParser(*network, logger));
  const auto verbosity = static_cast<int>(nvinfer1::ILogger::Severity::kWARNING);
  if (!parser->parseFromFile(argv[1], verbosity)) return 1;
  std::unique_ptr<nvinfer1::IBuilderConfig> config(builder->createBuilderConfig());
  const nvinfer1::ITensor& input = *network->getInput(0);
  nvinfer1::Dims shape = input.getDimensions();
  if (shape.d[0] < 0) {  // a dynamic batch: one image is enough here
    shape.d[0] = 1;
    nvinfer1::IOptimizationProfile* profile = builder->createOptimizationProfile();
    for (auto select : {nvinfer1::OptProfileSelector::kMIN, nvinfer1::OptProfileSelector::kOPT,
                        nvinfer1::OptProfileSelector::kMAX}) {
      profile->setDimensions(input.getName(), select, shape);
    }
    config->addOptimizationProfile(profile);
  }
  std::unique_ptr<nvinfer1::IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
  if (!plan) return 1;

  // Engine -> result. On a GPU, allocate with cudaMalloc and copy; on the CPU, memory is memory.
  std::unique_ptr<nvinfer1::IRuntime> runtime(nvinfer1::createInferRuntime(logger));
  std::unique_ptr<nvinfer1::ICudaEngine> engine(
      runtime->deserializeCudaEngine(plan->data(), plan->size()));
  std::unique_ptr<nvinfer1::IExecutionContext> context(engine->createExecutionContext());
  const char* in = engine->getIOTensorName(0);
  const char* out = engine->getIOTensorName(1);
  context->setInputShape(in, shape);
  std::vector<float> image(volume(shape)), scores(volume(context->getTensorShape(out)));
  for (size_t i = 0; i < image.size(); i++) image[i] = static_cast<float>(i) / image.size();
  if (argc > 2) {
    std::ifstream file(argv[2], std::ios::binary);
    const auto bytes = static_cast<std::streamsize>(image.size() * sizeof(float));
    if (!file.read(reinterpret_cast<char*>(image.data()), bytes)) {
      return std::fprintf(stderr, "%s: needs %zu floats\n", argv[2], image.size()), 1;
    }
  }
  context->setTensorAddress(in, image.data());
  context->setTensorAddress(out, scores.data());
  if (!context->enqueueV3(nullptr)) return 1;

  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto best = order.begin() + std::min<ptrdiff_t>(5, order.end() - order.begin());
  std::partial_sort(order.begin(), best, order.end(),
                    [&](int a, int b) { return scores[a] > scores[b]; });
  for (auto i = order.begin(); i != best; ++i) std::printf("%6d  %.6f\n", *i, scores[*i]);
  return 0;
}
