// Copies and inference that overlap: two streams, a context and pinned memory for each, so that one
// image is copied while the other is computed. Times both ways and compares the results.
//
//   streams MODEL.engine [IMAGES]

#include <NvInfer.h>
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

static void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}
#define CHECK(call) check(call, #call)

class Logger : public nvinfer1::ILogger {
  void log(Severity severity, const char* text) noexcept override {
    if (severity <= Severity::kWARNING) std::fprintf(stderr, "%s\n", text);
  }
};

// A context with a stream, and memory of its own: pinned on the host, so that copies are
// asynchronous, and on the device.
struct Lane {
  std::unique_ptr<nvinfer1::IExecutionContext> context;
  cudaStream_t stream;
  size_t bytes[2] = {sizeof(float), sizeof(float)};  // of the input, of the output
  void *host[2], *device[2];

  explicit Lane(nvinfer1::ICudaEngine& engine) : context(engine.createExecutionContext()) {
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    for (int i = 0; i < 2; i++) {
      const char* name = engine.getIOTensorName(i);
      nvinfer1::Dims shape = context->getTensorShape(name);
      for (int d = 0; d < shape.nbDims; d++) {
        if (shape.d[d] < 0) shape.d[d] = 1;
        bytes[i] *= static_cast<size_t>(shape.d[d]);
      }
      if (i == 0) context->setInputShape(name, shape);
      CHECK(cudaMallocHost(&host[i], bytes[i]));
      CHECK(cudaMalloc(&device[i], bytes[i]));
      context->setTensorAddress(name, device[i]);
    }
  }
  ~Lane() {
    for (int i = 0; i < 2; i++) cudaFree(device[i]), cudaFreeHost(host[i]);
    cudaStreamDestroy(stream);
  }

  // Queues one image; the result is in host[1] when the stream has come there.
  void start(float value) {
    for (size_t i = 0; i < bytes[0] / sizeof(float); i++) {
      static_cast<float*>(host[0])[i] = value * static_cast<float>(i % 17);
    }
    CHECK(cudaMemcpyAsync(device[0], host[0], bytes[0], cudaMemcpyHostToDevice, stream));
    if (!context->enqueueV3(stream)) std::exit(1);
    CHECK(cudaMemcpyAsync(host[1], device[1], bytes[1], cudaMemcpyDeviceToHost, stream));
  }
  void finish(std::vector<char>& results) {
    CHECK(cudaStreamSynchronize(stream));
    const char* begin = static_cast<const char*>(host[1]);
    results.insert(results.end(), begin, begin + bytes[1]);
  }
};

int main(int argc, char** argv) {
  std::ifstream file(argc > 1 ? argv[1] : "", std::ios::binary);
  const std::vector<char> plan{std::istreambuf_iterator<char>(file), {}};
  const int images = argc > 2 ? std::atoi(argv[2]) : 32;
  Logger logger;
  std::unique_ptr<nvinfer1::IRuntime> runtime{nvinfer1::createInferRuntime(logger)};
  std::unique_ptr<nvinfer1::ICudaEngine> engine{
      runtime->deserializeCudaEngine(plan.data(), plan.size())};
  if (!engine || engine->getNbIOTensors() != 2) return 1;

  std::vector<char> results[2];
  for (int lanes = 1; lanes <= 2; lanes++) {
    Lane first(*engine), second(*engine);
    Lane* lane[] = {&first, &second};
    cudaEvent_t begin, end;
    CHECK(cudaEventCreate(&begin));
    CHECK(cudaEventCreate(&end));
    CHECK(cudaEventRecord(begin, nullptr));
    std::vector<char>& out = results[lanes - 1];
    for (int i = 0; i < images; i++) {
      if (i >= lanes) lane[i % lanes]->finish(out);  // what this lane was given before
      lane[i % lanes]->start(0.01F * static_cast<float>(i));
    }
    for (int i = images; i < images + lanes; i++) {
      if (i >= lanes) lane[i % lanes]->finish(out);
    }
    CHECK(cudaEventRecord(end, nullptr));
    CHECK(cudaEventSynchronize(end));
    float ms = 0;
    CHECK(cudaEventElapsedTime(&ms, begin, end));
    std::printf("%d stream%s: %.3f ms an image\n", lanes, lanes == 1 ? "" : "s",
                static_cast<double>(ms) / images);
    CHECK(cudaEventDestroy(begin));
    CHECK(cudaEventDestroy(end));
  }
  if (results[0] != results[1]) return std::fprintf(stderr, "the results differ\n"), 1;
  std::printf("the same results\n");
  return 0;
}
