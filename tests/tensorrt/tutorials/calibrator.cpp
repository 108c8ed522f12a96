// In the style of wrapper libraries of version 8: a calibrator, an error recorder, an allocator, a
// deleter that destroys, and cuda buffers in a map by name, with enqueueV2().
#include <atomic>
#include <cmath>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "NvInfer.h"
#include "NvOnnxParser.h"
#include "host_cuda.h"

class Int8EntropyCalibrator2 : public nvinfer1::IInt8EntropyCalibrator2 {
 public:
  Int8EntropyCalibrator2(int32_t batchSize, std::string inputBlobName, bool readCache = true)
      : m_batchSize(batchSize), m_inputBlobName(std::move(inputBlobName)), m_readCache(readCache) {
    cudaMalloc(&m_deviceInput, static_cast<size_t>(batchSize) * 3 * 16 * 16 * sizeof(float));
  }
  ~Int8EntropyCalibrator2() override { cudaFree(m_deviceInput); }
  int32_t getBatchSize() const noexcept override { return m_batchSize; }
  bool getBatch(void* bindings[], const char* names[], int32_t nbBindings) noexcept override {
    for (int32_t i = 0; i < nbBindings; ++i) {
      if (m_inputBlobName == names[i]) bindings[i] = m_deviceInput;
    }
    return m_batches-- > 0;
  }
  const void* readCalibrationCache(std::size_t& length) noexcept override {
    length = m_readCache ? m_calibCache.size() : 0;
    return length > 0 ? m_calibCache.data() : nullptr;
  }
  void writeCalibrationCache(const void* cache, std::size_t length) noexcept override {
    const char* begin = static_cast<const char*>(cache);
    m_calibCache.assign(begin, begin + length);
  }

 private:
  const int32_t m_batchSize;
  const std::string m_inputBlobName;
  const bool m_readCache;
  int m_batches = 4;
  void* m_deviceInput = nullptr;
  std::vector<char> m_calibCache;
};

/// One whose algorithm is a parameter derives from the base itself.
class AnyCalibrator : public nvinfer1::IInt8Calibrator {
 public:
  explicit AnyCalibrator(nvinfer1::CalibrationAlgoType algorithm) : mAlgorithm(algorithm) {}
  int32_t getBatchSize() const noexcept override { return 1; }
  bool getBatch(void**, const char**, int32_t) noexcept override { return false; }
  const void* readCalibrationCache(std::size_t& length) noexcept override {
    length = 0;
    return nullptr;
  }
  void writeCalibrationCache(const void*, std::size_t) noexcept override {}
  nvinfer1::CalibrationAlgoType getAlgorithm() noexcept override { return mAlgorithm; }

 private:
  nvinfer1::CalibrationAlgoType mAlgorithm;
};

class Logger : public nvinfer1::ILogger {
  void log(Severity, const char*) noexcept override {}
};

class SampleErrorRecorder : public nvinfer1::IErrorRecorder {
  using errorPair = std::pair<nvinfer1::ErrorCode, std::string>;

 public:
  SampleErrorRecorder() = default;
  virtual ~SampleErrorRecorder() noexcept {}
  int32_t getNbErrors() const noexcept final { return static_cast<int32_t>(mErrorStack.size()); }
  nvinfer1::ErrorCode getErrorCode(int32_t i) const noexcept final {
    return static_cast<size_t>(i) < mErrorStack.size() ? mErrorStack[static_cast<size_t>(i)].first
                                                       : nvinfer1::ErrorCode::kINVALID_ARGUMENT;
  }
  IErrorRecorder::ErrorDesc getErrorDesc(int32_t i) const noexcept final {
    return static_cast<size_t>(i) < mErrorStack.size()
               ? mErrorStack[static_cast<size_t>(i)].second.c_str()
               : "";
  }
  bool hasOverflowed() const noexcept final { return false; }
  void clear() noexcept final { mErrorStack.clear(); }
  bool reportError(nvinfer1::ErrorCode val, IErrorRecorder::ErrorDesc desc) noexcept final {
    std::lock_guard<std::mutex> guard(mStackLock);
    mErrorStack.push_back(errorPair(val, desc));
    return true;
  }
  IErrorRecorder::RefCount incRefCount() noexcept final { return ++mRefCount; }
  IErrorRecorder::RefCount decRefCount() noexcept final { return --mRefCount; }

 private:
  std::mutex mStackLock;
  std::vector<errorPair> mErrorStack;
  std::atomic<int32_t> mRefCount{0};
};

template <typename T>
struct TRTDestroy {
  void operator()(T* obj) const {
    if (obj) obj->destroy();
  }
};
template <class T>
using TRTUniquePtr = std::unique_ptr<T, TRTDestroy<T>>;

int main(int argc, char** argv) {
  if (argc < 2) return 1;
  Logger logger;
  SampleErrorRecorder recorder;
  TRTUniquePtr<nvinfer1::IBuilder> builder{nvinfer1::createInferBuilder(logger)};
  builder->setErrorRecorder(&recorder);
  TRTUniquePtr<nvinfer1::INetworkDefinition> network{builder->createNetworkV2(1U << 0)};
  TRTUniquePtr<nvonnxparser::IParser> parser{nvonnxparser::createParser(*network, logger)};
  if (!parser->parseFromFile(argv[1], 2)) return 2;
  network->setErrorRecorder(&recorder);
  if (network->addIdentity(*network->getInput(0)) == nullptr) return 3;
  TRTUniquePtr<nvinfer1::IBuilderConfig> config{builder->createBuilderConfig()};
  AnyCalibrator any{nvinfer1::CalibrationAlgoType::kMINMAX_CALIBRATION};
  config->setInt8Calibrator(&any);
  if (config->getInt8Calibrator() != &any) return 9;
  auto calibrator = std::make_unique<Int8EntropyCalibrator2>(2, "image");
  if (builder->platformHasFastInt8()) config->setFlag(nvinfer1::BuilderFlag::kINT8);
  config->setInt8Calibrator(calibrator.get());
  config->setAvgTimingIterations(1);
  config->setMinTimingIterations(1);
  auto* profile = builder->createOptimizationProfile();
  const char* name = network->getInput(0)->getName();
  const nvinfer1::Dims dims = network->getInput(0)->getDimensions();
  const int64_t c = dims.d[1], h = dims.d[2], w = dims.d[3];
  profile->setDimensions(name, nvinfer1::OptProfileSelector::kMIN, nvinfer1::Dims4(1, c, h, w));
  profile->setDimensions(name, nvinfer1::OptProfileSelector::kOPT, nvinfer1::Dims4(1, c, h, w));
  profile->setDimensions(name, nvinfer1::OptProfileSelector::kMAX, nvinfer1::Dims4(2, c, h, w));
  config->addOptimizationProfile(profile);
  TRTUniquePtr<nvinfer1::ICudaEngine> engine{builder->buildEngineWithConfig(*network, *config)};
  if (!engine) return 4;
  TRTUniquePtr<nvinfer1::IExecutionContext> context{engine->createExecutionContext()};
  context->setOptimizationProfile(0);
  std::vector<void*> buffers(static_cast<size_t>(engine->getNbBindings()));
  std::map<std::string, std::vector<float>> outputs;
  for (int i = 0; i < engine->getNbBindings(); ++i) {
    if (engine->bindingIsInput(i)) {
      nvinfer1::Dims4 input(2, c, h, w);
      if (!context->setBindingDimensions(i, input)) return 5;
    }
  }
  if (!context->allInputDimensionsSpecified()) return 6;
  for (int i = 0; i < engine->getNbBindings(); ++i) {
    const nvinfer1::Dims d = context->getBindingDimensions(i);
    size_t size = sizeof(float);
    for (int k = 0; k < d.nbDims; ++k) size *= static_cast<size_t>(d.d[k]);
    cudaMalloc(&buffers[static_cast<size_t>(i)], size);
    std::memset(buffers[static_cast<size_t>(i)], 0, size);
    if (!engine->bindingIsInput(i)) outputs[engine->getBindingName(i)].resize(size / sizeof(float));
  }
  if (!context->enqueueV2(buffers.data(), nullptr, nullptr)) return 7;
  for (auto& output : outputs) {
    const int index = engine->getBindingIndex(output.first.c_str());
    cudaMemcpy(output.second.data(), buffers[static_cast<size_t>(index)],
               output.second.size() * sizeof(float), cudaMemcpyDeviceToHost);
  }
  for (void* buffer : buffers) cudaFree(buffer);
  float sum = 0;
  for (float v : outputs.at("scores")) sum += v;
  const bool refused = engine->getBindingIndex("nothing") == -1;
  return std::abs(sum - 2) < 1e-3F && refused ? 0 : 8;
}
