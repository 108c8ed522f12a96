// In the style of the samples of versions 7 and 8: objects in pointers whose deleter calls
// destroy(), generic buffers with functors for memory, a class with build() and infer().
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "NvInfer.h"
#include "NvOnnxParser.h"
#include "host_cuda.h"

namespace samplesCommon {

struct InferDeleter {
  template <typename T>
  void operator()(T* obj) const {
    if (obj) obj->destroy();
  }
};

constexpr long double operator"" _MiB(unsigned long long val) {
  return static_cast<long double>(val) * (1 << 20);
}

inline unsigned int getElementSize(nvinfer1::DataType t) {
  switch (t) {
    case nvinfer1::DataType::kINT32:
    case nvinfer1::DataType::kFLOAT:
      return 4;
    case nvinfer1::DataType::kHALF:
      return 2;
    case nvinfer1::DataType::kBOOL:
    case nvinfer1::DataType::kINT8:
      return 1;
    default:
      break;
  }
  return 0;
}

inline int64_t volume(const nvinfer1::Dims& d) {
  return std::accumulate(d.d, d.d + d.nbDims, int64_t{1}, std::multiplies<int64_t>());
}

template <typename AllocFunc, typename FreeFunc>
class GenericBuffer {
 public:
  GenericBuffer(size_t size, nvinfer1::DataType type) : mSize(size), mType(type) {
    if (!allocFn(&mBuffer, this->nbBytes())) throw std::bad_alloc();
  }
  GenericBuffer(GenericBuffer&& buf) : mSize(buf.mSize), mType(buf.mType), mBuffer(buf.mBuffer) {
    buf.mBuffer = nullptr;
  }
  void* data() { return mBuffer; }
  size_t nbBytes() const { return mSize * getElementSize(mType); }
  ~GenericBuffer() { freeFn(mBuffer); }

 private:
  size_t mSize{0};
  nvinfer1::DataType mType;
  void* mBuffer{nullptr};
  AllocFunc allocFn;
  FreeFunc freeFn;
};

struct DeviceAllocator {
  bool operator()(void** ptr, size_t size) const { return cudaMalloc(ptr, size) == 0; }
};
struct DeviceFree {
  void operator()(void* ptr) const { cudaFree(ptr); }
};
struct HostAllocator {
  bool operator()(void** ptr, size_t size) const { return (*ptr = malloc(size)) != nullptr; }
};
struct HostFree {
  void operator()(void* ptr) const { free(ptr); }
};
using DeviceBuffer = GenericBuffer<DeviceAllocator, DeviceFree>;
using HostBuffer = GenericBuffer<HostAllocator, HostFree>;

struct ManagedBuffer {
  ManagedBuffer(size_t vol, nvinfer1::DataType type)
      : deviceBuffer(vol, type), hostBuffer(vol, type) {}
  DeviceBuffer deviceBuffer;
  HostBuffer hostBuffer;
};

class BufferManager {
 public:
  BufferManager(std::shared_ptr<nvinfer1::ICudaEngine> engine, const int batchSize = 0,
                const nvinfer1::IExecutionContext* context = nullptr)
      : mEngine(engine), mBatchSize(batchSize) {
    for (int i = 0; i < mEngine->getNbBindings(); i++) {
      auto dims = context ? context->getBindingDimensions(i) : mEngine->getBindingDimensions(i);
      size_t vol = context || !mBatchSize ? 1 : static_cast<size_t>(mBatchSize);
      nvinfer1::DataType type = mEngine->getBindingDataType(i);
      int vecDim = mEngine->getBindingVectorizedDim(i);
      if (-1 != vecDim) return;
      vol *= static_cast<size_t>(samplesCommon::volume(dims));
      auto manBuf = std::make_unique<ManagedBuffer>(vol, type);
      mDeviceBindings.emplace_back(manBuf->deviceBuffer.data());
      mManagedBuffers.emplace_back(std::move(manBuf));
    }
  }
  std::vector<void*>& getDeviceBindings() { return mDeviceBindings; }
  void* getHostBuffer(const std::string& tensorName) const {
    const int index = mEngine->getBindingIndex(tensorName.c_str());
    return index == -1 ? nullptr : mManagedBuffers[static_cast<size_t>(index)]->hostBuffer.data();
  }
  void copyInputToDevice() { memcpyBuffers(true); }
  void copyOutputToHost() { memcpyBuffers(false); }

 private:
  void memcpyBuffers(const bool copyInput) {
    for (int i = 0; i < mEngine->getNbBindings(); i++) {
      ManagedBuffer& b = *mManagedBuffers[static_cast<size_t>(i)];
      void* dstPtr = copyInput ? b.deviceBuffer.data() : b.hostBuffer.data();
      const void* srcPtr = copyInput ? b.hostBuffer.data() : b.deviceBuffer.data();
      if (copyInput != mEngine->bindingIsInput(i)) continue;
      cudaMemcpy(dstPtr, srcPtr, b.hostBuffer.nbBytes(),
                 copyInput ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost);
    }
  }
  std::shared_ptr<nvinfer1::ICudaEngine> mEngine;
  int mBatchSize;
  std::vector<std::unique_ptr<ManagedBuffer>> mManagedBuffers;
  std::vector<void*> mDeviceBindings;
};

}  // namespace samplesCommon

template <typename T>
using SampleUniquePtr = std::unique_ptr<T, samplesCommon::InferDeleter>;

class Logger : public nvinfer1::ILogger {
 public:
  void log(nvinfer1::ILogger::Severity severity, const char* msg) noexcept override {
    if (severity <= Severity::kWARNING) std::cerr << msg << std::endl;
  }
  nvinfer1::ILogger& getTRTLogger() noexcept { return *this; }
} sample;

class SampleOnnx {
 public:
  explicit SampleOnnx(std::string file) : mFile(std::move(file)) {}
  bool build() {
    auto builder =
        SampleUniquePtr<nvinfer1::IBuilder>(nvinfer1::createInferBuilder(sample.getTRTLogger()));
    if (!builder) return false;
    const auto explicitBatch =
        1U << static_cast<uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kEXPLICIT_BATCH);
    auto network =
        SampleUniquePtr<nvinfer1::INetworkDefinition>(builder->createNetworkV2(explicitBatch));
    auto config = SampleUniquePtr<nvinfer1::IBuilderConfig>(builder->createBuilderConfig());
    auto parser = SampleUniquePtr<nvonnxparser::IParser>(
        nvonnxparser::createParser(*network, sample.getTRTLogger()));
    auto parsed = parser->parseFromFile(mFile.c_str(),
                                        static_cast<int>(nvinfer1::ILogger::Severity::kWARNING));
    if (!parsed) return false;
    using samplesCommon::operator"" _MiB;
    config->setMaxWorkspaceSize(static_cast<size_t>(16_MiB));
    if (builder->platformHasFastFp16()) config->setFlag(nvinfer1::BuilderFlag::kSTRICT_TYPES);
    auto profile = builder->createOptimizationProfile();
    profile->setDimensions("image", nvinfer1::OptProfileSelector::kMIN,
                           nvinfer1::Dims4(1, 3, 16, 16));
    profile->setDimensions("image", nvinfer1::OptProfileSelector::kOPT,
                           nvinfer1::Dims4{2, 3, 16, 16});
    profile->setDimensions("image", nvinfer1::OptProfileSelector::kMAX,
                           nvinfer1::Dims4{4, 3, 16, 16});
    config->addOptimizationProfile(profile);
    mEngine = std::shared_ptr<nvinfer1::ICudaEngine>(
        builder->buildEngineWithConfig(*network, *config), samplesCommon::InferDeleter());
    return mEngine && network->getNbInputs() == 1 &&
           network->getInput(0)->getDimensions().nbDims == 4;
  }
  bool infer() {
    auto context = SampleUniquePtr<nvinfer1::IExecutionContext>(mEngine->createExecutionContext());
    if (!context || !context->setBindingDimensions(0, nvinfer1::Dims4{2, 3, 16, 16})) return false;
    samplesCommon::BufferManager buffers(mEngine, 0, context.get());
    float* hostDataBuffer = static_cast<float*>(buffers.getHostBuffer("image"));
    for (int i = 0; i < 2 * 3 * 16 * 16; i++) {
      hostDataBuffer[i] = 1.0F - static_cast<float>(i % 255) / 255.0F;
    }
    buffers.copyInputToDevice();
    if (!context->executeV2(buffers.getDeviceBindings().data())) return false;
    buffers.copyOutputToHost();
    const float* output = static_cast<float*>(buffers.getHostBuffer("scores"));
    const float sum = std::accumulate(output, output + 10, 0.0F);
    return std::abs(sum - 1) < 1e-4F && buffers.getHostBuffer("nothing") == nullptr;
  }

 private:
  std::string mFile;
  std::shared_ptr<nvinfer1::ICudaEngine> mEngine{nullptr};
};

int main(int argc, char** argv) {
  SampleOnnx onnx(argc > 1 ? argv[1] : "");
  return onnx.build() && onnx.infer() ? 0 : 1;
}
