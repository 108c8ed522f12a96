// IRuntime, which loads engines; IRefitter, which replaces their weights; profiles of dynamic
// shapes.

#pragma once

#include "nvinfer/plugins.h"

namespace nvinfer1 {

class IRuntime : public INoCopy {
 public:
  virtual ~IRuntime() noexcept = default;

  void setDLACore(int32_t dlaCore) noexcept { mImpl->setDLACore(dlaCore); }

  int32_t getDLACore() const noexcept { return mImpl->getDLACore(); }

  int32_t getNbDLACores() const noexcept { return mImpl->getNbDLACores(); }

  void setGpuAllocator(IGpuAllocator* allocator) noexcept { mImpl->setGpuAllocator(allocator); }

  void setErrorRecorder(IErrorRecorder* recorder) noexcept { mImpl->setErrorRecorder(recorder); }

  IErrorRecorder* getErrorRecorder() const noexcept { return mImpl->getErrorRecorder(); }

  ICudaEngine* deserializeCudaEngine(void const* blob, std::size_t size) noexcept {
    return mImpl->deserializeCudaEngine(blob, size);
  }

  ICudaEngine* deserializeCudaEngine(IStreamReader& streamReader) {
    return mImpl->deserializeCudaEngine(streamReader);
  }

  ICudaEngine* deserializeCudaEngine(IStreamReaderV2& streamReader) {
    return mImpl->deserializeCudaEngineV2(streamReader);
  }

  ILogger* getLogger() const noexcept { return mImpl->getLogger(); }

  bool setMaxThreads(int32_t maxThreads) noexcept { return mImpl->setMaxThreads(maxThreads); }

  int32_t getMaxThreads() const noexcept { return mImpl->getMaxThreads(); }

  void setTemporaryDirectory(char const* path) noexcept {
    return mImpl->setTemporaryDirectory(path);
  }

  char const* getTemporaryDirectory() const noexcept { return mImpl->getTemporaryDirectory(); }

  void setTempfileControlFlags(TempfileControlFlags flags) noexcept {
    return mImpl->setTempfileControlFlags(flags);
  }

  TempfileControlFlags getTempfileControlFlags() const noexcept {
    return mImpl->getTempfileControlFlags();
  }

  IPluginRegistry& getPluginRegistry() noexcept { return mImpl->getPluginRegistry(); }

  IRuntime* loadRuntime(char const* path) noexcept { return mImpl->loadRuntime(path); }

  void setEngineHostCodeAllowed(bool allowed) noexcept {
    return mImpl->setEngineHostCodeAllowed(allowed);
  }

  bool getEngineHostCodeAllowed() const noexcept { return mImpl->getEngineHostCodeAllowed(); }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }

  /// As deserializeCudaEngine(blob, size): engines hold no plugins that a factory would make
  /// (versions 5 to 9, whose programs pass null).
  ICudaEngine* deserializeCudaEngine(void const* blob, std::size_t size,
                                     IPluginFactory* /*pluginFactory*/) noexcept {
    return deserializeCudaEngine(blob, size);
  }

 protected:
  apiv::VRuntime* mImpl;
};

class IRefitter : public INoCopy {
 public:
  virtual ~IRefitter() noexcept = default;

  bool setWeights(char const* layerName, WeightsRole role, Weights weights) noexcept {
    return mImpl->setWeights(layerName, role, weights);
  }

  bool refitCudaEngine() noexcept { return mImpl->refitCudaEngine(); }

  int32_t getMissing(int32_t size, char const** layerNames, WeightsRole* roles) noexcept {
    return mImpl->getMissing(size, layerNames, roles);
  }

  int32_t getAll(int32_t size, char const** layerNames, WeightsRole* roles) noexcept {
    return mImpl->getAll(size, layerNames, roles);
  }

  bool setDynamicRange(char const* tensorName, float min, float max) noexcept {
    return mImpl->setDynamicRange(tensorName, min, max);
  }

  float getDynamicRangeMin(char const* tensorName) const noexcept {
    return mImpl->getDynamicRangeMin(tensorName);
  }

  float getDynamicRangeMax(char const* tensorName) const noexcept {
    return mImpl->getDynamicRangeMax(tensorName);
  }

  int32_t getTensorsWithDynamicRange(int32_t size, char const** tensorNames) const noexcept {
    return mImpl->getTensorsWithDynamicRange(size, tensorNames);
  }

  void setErrorRecorder(IErrorRecorder* recorder) noexcept { mImpl->setErrorRecorder(recorder); }

  IErrorRecorder* getErrorRecorder() const noexcept { return mImpl->getErrorRecorder(); }

  bool setNamedWeights(char const* name, Weights weights) noexcept {
    return mImpl->setNamedWeights(name, weights);
  }

  int32_t getMissingWeights(int32_t size, char const** weightsNames) noexcept {
    return mImpl->getMissingWeights(size, weightsNames);
  }

  int32_t getAllWeights(int32_t size, char const** weightsNames) noexcept {
    return mImpl->getAllWeights(size, weightsNames);
  }

  ILogger* getLogger() const noexcept { return mImpl->getLogger(); }

  bool setMaxThreads(int32_t maxThreads) noexcept { return mImpl->setMaxThreads(maxThreads); }

  int32_t getMaxThreads() const noexcept { return mImpl->getMaxThreads(); }

  bool setNamedWeights(char const* name, Weights weights, TensorLocation location) noexcept {
    return mImpl->setNamedWeightsWithLocation(name, weights, location);
  }

  Weights getNamedWeights(char const* weightsName) const noexcept {
    return mImpl->getNamedWeights(weightsName);
  }

  TensorLocation getWeightsLocation(char const* weightsName) const noexcept {
    return mImpl->getWeightsLocation(weightsName);
  }

  bool unsetNamedWeights(char const* weightsName) noexcept {
    return mImpl->unsetNamedWeights(weightsName);
  }

  void setWeightsValidation(bool weightsValidation) noexcept {
    return mImpl->setWeightsValidation(weightsValidation);
  }

  bool getWeightsValidation() const noexcept { return mImpl->getWeightsValidation(); }

  bool refitCudaEngineAsync(cudaStream_t stream) noexcept {
    return mImpl->refitCudaEngineAsync(stream);
  }

  Weights getWeightsPrototype(char const* weightsName) const noexcept {
    return mImpl->getWeightsPrototype(weightsName);
  }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }

 protected:
  apiv::VRefitter* mImpl;
};

enum class OptProfileSelector : int32_t {
  kMIN = 0,
  kOPT = 1,
  kMAX = 2,
};

class IOptimizationProfile : public INoCopy {
 public:
  bool setDimensions(char const* inputName, OptProfileSelector select, Dims const& dims) noexcept {
    return mImpl->setDimensions(inputName, select, dims);
  }

  Dims getDimensions(char const* inputName, OptProfileSelector select) const noexcept {
    return mImpl->getDimensions(inputName, select);
  }

  bool setShapeValues(char const* inputName, OptProfileSelector select, int32_t const* values,
                      int32_t nbValues) noexcept {
    return mImpl->setShapeValues(inputName, select, values, nbValues);
  }

  int32_t getNbShapeValues(char const* inputName) const noexcept {
    return mImpl->getNbShapeValues(inputName);
  }

  int32_t const* getShapeValues(char const* inputName, OptProfileSelector select) const noexcept {
    return mImpl->getShapeValues(inputName, select);
  }

  bool setExtraMemoryTarget(float target) noexcept { return mImpl->setExtraMemoryTarget(target); }

  float getExtraMemoryTarget() const noexcept { return mImpl->getExtraMemoryTarget(); }

  bool isValid() const noexcept { return mImpl->isValid(); }

  bool setShapeValuesV2(char const* inputName, OptProfileSelector select, int64_t const* values,
                        int32_t nbValues) noexcept {
    return mImpl->setShapeValuesV2(inputName, select, values, nbValues);
  }

  int64_t const* getShapeValuesV2(char const* inputName, OptProfileSelector select) const noexcept {
    return mImpl->getShapeValuesV2(inputName, select);
  }

 protected:
  apiv::VOptimizationProfile* mImpl;
  virtual ~IOptimizationProfile() noexcept = default;
};

}  // namespace nvinfer1
