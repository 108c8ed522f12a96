// An engine file on a GPU's memory, as tutorials show it: engine, buffers, stream, copies, result.
// Without a GPU: carnot exec -- ./infer MODEL.engine
//
//   trtexec --onnx=MODEL.onnx --saveEngine=MODEL.engine
//   g++ infer.cpp -lnvinfer -lcudart -o infer && ./infer MODEL.engine

#include <NvInfer.h>
#include <cuda_runtime_api.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

class Logger : public nvinfer1::ILogger {
  void log(Severity severity, const char* text) noexcept override {
    if (severity <= Severity::kWARNING) std::fprintf(stderr, "%s\n", text);
  }
};

#define CHECK(call)                                                               \
  if (const cudaError_t error = (call)) {                                         \
    return std::fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(error)), 1; \
  }

int main(int argc, char** argv) {
  std::ifstream file(argc > 1 ? argv[1] : "", std::ios::binary);
  const std::vector<char> plan{std::istreambuf_iterator<char>(file), {}};
  Logger logger;
  std::unique_ptr<nvinfer1::IRuntime> runtime{nvinfer1::createInferRuntime(logger)};
  std::unique_ptr<nvinfer1::ICudaEngine> engine{
      runtime->deserializeCudaEngine(plan.data(), plan.size())};
  if (!engine) return 1;
  std::unique_ptr<nvinfer1::IExecutionContext> context{engine->createExecutionContext()};

  cudaStream_t stream;
  CHECK(cudaStreamCreate(&stream));
  std::map<std::string, std::vector<float>> host;
  std::map<std::string, void*> device;
  for (int i = 0; i < engine->getNbIOTensors(); i++) {
    const char* name = engine->getIOTensorName(i);
    const bool input = engine->getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT;
    nvinfer1::Dims shape = context->getTensorShape(name);
    size_t count = 1;
    for (int d = 0; d < shape.nbDims; d++) {
      if (shape.d[d] < 0) shape.d[d] = 1;
      count *= static_cast<size_t>(shape.d[d]);
    }
    if (input) context->setInputShape(name, shape);
    host[name].assign(count, 0.5F);
    CHECK(cudaMalloc(&device[name], count * sizeof(float)));
    context->setTensorAddress(name, device[name]);
    if (input) {
      CHECK(cudaMemcpyAsync(device[name], host[name].data(), count * sizeof(float),
                            cudaMemcpyHostToDevice, stream));
    }
  }
  if (!context->enqueueV3(stream)) return 1;
  for (auto& tensor : host) {
    CHECK(cudaMemcpyAsync(tensor.second.data(), device[tensor.first],
                          tensor.second.size() * sizeof(float), cudaMemcpyDeviceToHost, stream));
  }
  CHECK(cudaStreamSynchronize(stream));
  for (const auto& tensor : host) {
    std::printf("%s:", tensor.first.c_str());
    for (size_t i = 0; i < tensor.second.size() && i < 8; i++) {
      std::printf(" %.6f", tensor.second[i]);
    }
    std::printf("\n");
    CHECK(cudaFree(device[tensor.first]));
  }
  CHECK(cudaStreamDestroy(stream));
  return 0;
}
