// IRuntime, which loads engines; IRefitter, which replaces their weights; profiles of dynamic
// shapes.

#pragma once

#include "nvinfer/plugins.h"

namespace nvinfer1 {

/// Loads engines. May be used from one thread at a time; must outlive its engines.
class IRuntime : public INoCopy {
 public:
  virtual ~IRuntime() noexcept = default;

  /// Without effect: there is no DLA here.
  void setDLACore(int32_t dlaCore) noexcept { mImpl->setDLACore(dlaCore); }
  int32_t getDLACore() const noexcept { return mImpl->getDLACore(); }
  int32_t getNbDLACores() const noexcept { return mImpl->getNbDLACores(); }

  /// For engines loaded from now on; null for the library's own.
  void setGpuAllocator(IGpuAllocator* allocator) noexcept { mImpl->setGpuAllocator(allocator); }

  /// Is told of errors beside the logger; null for none.
  void setErrorRecorder(IErrorRecorder* recorder) noexcept { mImpl->setErrorRecorder(recorder); }
  IErrorRecorder* getErrorRecorder() const noexcept { return mImpl->getErrorRecorder(); }

  /// From a file's bytes. Null when they are no engine of this library or this version; the
  /// reason is logged.
  ICudaEngine* deserializeCudaEngine(void const* blob, std::size_t size) noexcept {
    return mImpl->deserializeCudaEngine(blob, size);
  }

  /// From a stream, read once from front to end.
  ICudaEngine* deserializeCudaEngine(IStreamReader& streamReader) {
    return mImpl->deserializeCudaEngine(streamReader);
  }

  /// From a stream in any order.
  ICudaEngine* deserializeCudaEngine(IStreamReaderV2& streamReader) {
    return mImpl->deserializeCudaEngineV2(streamReader);
  }
  ILogger* getLogger() const noexcept { return mImpl->getLogger(); }

  /// At least 1. False where it is not.
  bool setMaxThreads(int32_t maxThreads) noexcept { return mImpl->setMaxThreads(maxThreads); }
  int32_t getMaxThreads() const noexcept { return mImpl->getMaxThreads(); }

  /// Accepted; nothing is written to files.
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

  /// The runtime's own registry, which searches the process-wide one too.
  IPluginRegistry& getPluginRegistry() noexcept { return mImpl->getPluginRegistry(); }

  /// Another runtime from a shared library; the caller deletes it. Null on failure.
  IRuntime* loadRuntime(char const* path) noexcept { return mImpl->loadRuntime(path); }

  /// Whether engines may hold code of the host. Those of the CPU do; it is their program.
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

/// Replaces weights of an engine that was built with BuilderFlag::kREFIT.
class IRefitter : public INoCopy {
 public:
  virtual ~IRefitter() noexcept = default;

  /// By layer and role. False when there are none such, or of another size. They are read by
  /// refitCudaEngine().
  bool setWeights(char const* layerName, WeightsRole role, Weights weights) noexcept {
    return mImpl->setWeights(layerName, role, weights);
  }

  /// Takes the weights over. False while some are missing.
  bool refitCudaEngine() noexcept { return mImpl->refitCudaEngine(); }

  /// How many are missing, of which up to `size` are written; both arrays may be null.
  int32_t getMissing(int32_t size, char const** layerNames, WeightsRole* roles) noexcept {
    return mImpl->getMissing(size, layerNames, roles);
  }

  /// How many can be replaced, of which up to `size` are written; both arrays may be null.
  int32_t getAll(int32_t size, char const** layerNames, WeightsRole* roles) noexcept {
    return mImpl->getAll(size, layerNames, roles);
  }

  /// False where the network gave the tensor no range. What computes in FP32 has no use for one.
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

  /// By the name that INetworkDefinition::setWeightsName() or the model gave.
  bool setNamedWeights(char const* name, Weights weights) noexcept {
    return mImpl->setNamedWeights(name, weights);
  }

  /// As getMissing(), by name.
  int32_t getMissingWeights(int32_t size, char const** weightsNames) noexcept {
    return mImpl->getMissingWeights(size, weightsNames);
  }

  /// As getAll(), by name.
  int32_t getAllWeights(int32_t size, char const** weightsNames) noexcept {
    return mImpl->getAllWeights(size, weightsNames);
  }
  ILogger* getLogger() const noexcept { return mImpl->getLogger(); }
  bool setMaxThreads(int32_t maxThreads) noexcept { return mImpl->setMaxThreads(maxThreads); }
  int32_t getMaxThreads() const noexcept { return mImpl->getMaxThreads(); }

  /// With elements on the host or the device.
  bool setNamedWeights(char const* name, Weights weights, TensorLocation location) noexcept {
    return mImpl->setNamedWeightsWithLocation(name, weights, location);
  }

  /// What setNamedWeights() was given; empty where it was not.
  Weights getNamedWeights(char const* weightsName) const noexcept {
    return mImpl->getNamedWeights(weightsName);
  }
  TensorLocation getWeightsLocation(char const* weightsName) const noexcept {
    return mImpl->getWeightsLocation(weightsName);
  }

  /// Forgets what setNamedWeights() was given.
  bool unsetNamedWeights(char const* weightsName) noexcept {
    return mImpl->unsetNamedWeights(weightsName);
  }

  /// Whether refitting checks values; true at first.
  void setWeightsValidation(bool weightsValidation) noexcept {
    return mImpl->setWeightsValidation(weightsValidation);
  }
  bool getWeightsValidation() const noexcept { return mImpl->getWeightsValidation(); }

  /// As refitCudaEngine(), queued on a stream.
  bool refitCudaEngineAsync(cudaStream_t stream) noexcept {
    return mImpl->refitCudaEngineAsync(stream);
  }

  /// Type and count of weights, without values.
  Weights getWeightsPrototype(char const* weightsName) const noexcept {
    return mImpl->getWeightsPrototype(weightsName);
  }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }

 protected:
  apiv::VRefitter* mImpl;
};

/// Which shape of a profile: the least, the one to be fast for, the greatest.
enum class OptProfileSelector : int32_t {
  kMIN = 0,
  kOPT = 1,
  kMAX = 2,
};

/// Ranges of dynamic dimensions. The builder owns it.
class IOptimizationProfile : public INoCopy {
 public:
  /// For a network input; min <= opt <= max for each size. False when the numbers cannot be.
  bool setDimensions(char const* inputName, OptProfileSelector select, Dims const& dims) noexcept {
    return mImpl->setDimensions(inputName, select, dims);
  }

  /// nbDims is -1 where they are not set.
  Dims getDimensions(char const* inputName, OptProfileSelector select) const noexcept {
    return mImpl->getDimensions(inputName, select);
  }

  /// For the values of an input that shapes depend on.
  bool setShapeValues(char const* inputName, OptProfileSelector select, int32_t const* values,
                      int32_t nbValues) noexcept {
    return mImpl->setShapeValues(inputName, select, values, nbValues);
  }

  /// -1 where they are not set.
  int32_t getNbShapeValues(char const* inputName) const noexcept {
    return mImpl->getNbShapeValues(inputName);
  }
  int32_t const* getShapeValues(char const* inputName, OptProfileSelector select) const noexcept {
    return mImpl->getShapeValues(inputName, select);
  }

  /// 0 to 1; accepted, without effect.
  bool setExtraMemoryTarget(float target) noexcept { return mImpl->setExtraMemoryTarget(target); }
  float getExtraMemoryTarget() const noexcept { return mImpl->getExtraMemoryTarget(); }

  /// Whether min <= opt <= max everywhere. Inputs are compared when the network is built.
  bool isValid() const noexcept { return mImpl->isValid(); }

  /// As setShapeValues(), of 64 bits.
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
