// IExecutionContext: the state of one inference; IEngineInspector: an engine as text.

#pragma once

#include "nvinfer/engine.h"

namespace nvinfer1 {

namespace v_1_0 {

/// Gives memory to outputs whose size only the data tells. Implemented by the program.
class IOutputAllocator : public IVersionedInterface
#if CARNOT_TENSORRT_SOURCE < 10
    ,
                         public impl::OutputAllocatorNarrow
#endif
{
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override {
    return {"IOutputAllocator", 1, 0};
  }

  /// At least `size` bytes at a multiple of `alignment`; may be currentMemory. Null fails the
  /// run.
  virtual void* reallocateOutput(char const* /*tensorName*/, void* /*currentMemory*/,
                                 uint64_t /*size*/, uint64_t /*alignment*/) noexcept {
    return nullptr;
  }

  /// As reallocateOutput(), for the stream that the run is queued on.
  virtual void* reallocateOutputAsync(char const* tensorName, void* currentMemory, uint64_t size,
                                      uint64_t alignment, cudaStream_t) {
    return reallocateOutput(tensorName, currentMemory, size, alignment);
  }

  /// The output's shape, before its elements are complete.
#if CARNOT_TENSORRT_SOURCE < 10
  virtual void notifyShape64(char const* tensorName, Dims64 const& dims) {
    notifyShape(tensorName, static_cast<Dims>(dims));
  }
#else
  virtual void notifyShape(char const* tensorName, Dims const& dims) = 0;
#endif
};
}  // namespace v_1_0

using IOutputAllocator = v_1_0::IOutputAllocator;

namespace v_1_0 {

/// Is shown tensors that were marked for debugging. Implemented by the program.
class IDebugListener : public IVersionedInterface {
 public:
  InterfaceInfo getInterfaceInfo() const noexcept override { return {"IDebugListener", 1, 0}; }

  /// `addr` is valid for the call. False is an error.
  virtual bool processDebugTensor(void const* addr, TensorLocation location, DataType type,
                                  Dims64 const& shape, char const* name, cudaStream_t stream) = 0;
  ~IDebugListener() override = default;
};
}  // namespace v_1_0

using IDebugListener = v_1_0::IDebugListener;

/// The state of one inference. One thread at a time; as many contexts as there are threads.
class IExecutionContext : public INoCopy {
 public:
  virtual ~IExecutionContext() noexcept = default;

  /// Waits after each layer, to see which one fails.
  void setDebugSync(bool sync) noexcept { mImpl->setDebugSync(sync); }
  bool getDebugSync() const noexcept { return mImpl->getDebugSync(); }

  /// Null for none.
  void setProfiler(IProfiler* profiler) noexcept { mImpl->setProfiler(profiler); }
  IProfiler* getProfiler() const noexcept { return mImpl->getProfiler(); }
  ICudaEngine const& getEngine() const noexcept { return mImpl->getEngine(); }
  void setName(char const* name) noexcept { mImpl->setName(name); }
  char const* getName() const noexcept { return mImpl->getName(); }

  /// Scratch of getDeviceMemorySize() bytes, for contexts without their own.
  void setDeviceMemory(void* memory) noexcept { mImpl->setDeviceMemory(memory); }

  /// Scratch of `size` bytes, for contexts without their own.
  void setDeviceMemoryV2(void* memory, int64_t size) noexcept {
    return mImpl->setDeviceMemoryV2(memory, size);
  }

  /// In elements.
  Dims getTensorStrides(char const* tensorName) const noexcept {
    return mImpl->getTensorStrides(tensorName);
  }

  /// -1 where none was chosen.
  int32_t getOptimizationProfile() const noexcept { return mImpl->getOptimizationProfile(); }

  /// Within the profile's range. False, and an error, where it is not.
  bool setInputShape(char const* tensorName, Dims const& dims) noexcept {
    return mImpl->setInputShape(tensorName, dims);
  }

  /// -1 for sizes that are not known yet; nbDims is -1 for unknown names.
  Dims getTensorShape(char const* tensorName) const noexcept {
    return mImpl->getTensorShape(tensorName);
  }

  /// Whether each input has its shape.
  bool allInputDimensionsSpecified() const noexcept { return mImpl->allInputDimensionsSpecified(); }

  /// Whether each input that shapes depend on has its values.
  bool allInputShapesSpecified() const noexcept { return mImpl->allInputShapesSpecified(); }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept { mImpl->setErrorRecorder(recorder); }
  IErrorRecorder* getErrorRecorder() const noexcept { return mImpl->getErrorRecorder(); }

  /// Runs and waits. An address for each I/O tensor, in the order of getIOTensorName().
  bool executeV2(void* const* bindings) noexcept { return mImpl->executeV2(bindings); }

  /// Shapes are to be set again. False out of range.
  bool setOptimizationProfileAsync(int32_t profileIndex, cudaStream_t stream) noexcept {
    return mImpl->setOptimizationProfileAsync(profileIndex, stream);
  }

  /// Whether enqueueV3() waits and reports to the profiler; else reportToProfiler() does. True at
  /// first.
  void setEnqueueEmitsProfile(bool enqueueEmitsProfile) noexcept {
    mImpl->setEnqueueEmitsProfile(enqueueEmitsProfile);
  }
  bool getEnqueueEmitsProfile() const noexcept { return mImpl->getEnqueueEmitsProfile(); }

  /// Reports the last run. False where nothing has run.
  bool reportToProfiler() const noexcept { return mImpl->reportToProfiler(); }

  /// Of the device; a host address on the CPU and for tensors whose location is kHOST.
  bool setTensorAddress(char const* tensorName, void* data) noexcept {
    return mImpl->setTensorAddress(tensorName, data);
  }

  /// Null where it was not set.
  void const* getTensorAddress(char const* tensorName) const noexcept {
    return mImpl->getTensorAddress(tensorName);
  }
  bool setOutputTensorAddress(char const* tensorName, void* data) noexcept {
    return mImpl->setOutputTensorAddress(tensorName, data);
  }
  bool setInputTensorAddress(char const* tensorName, void const* data) noexcept {
    return mImpl->setInputTensorAddress(tensorName, data);
  }
  void* getOutputTensorAddress(char const* tensorName) const noexcept {
    return mImpl->getOutputTensorAddress(tensorName);
  }

  /// The number of inputs whose shape or values are missing, names of which are written; -1 on
  /// other errors.
  int32_t inferShapes(int32_t nbMaxNames, char const** tensorNames) noexcept {
    return mImpl->inferShapes(nbMaxNames, tensorNames);
  }

  /// Scratch bytes for the shapes that are set, 0 where they are not.
  size_t updateDeviceMemorySizeForShapes() noexcept {
    return mImpl->updateDeviceMemorySizeForShapes();
  }

  /// Recorded by enqueueV3() once inputs may be overwritten; null for none.
  bool setInputConsumedEvent(cudaEvent_t event) noexcept {
    return mImpl->setInputConsumedEvent(event);
  }
  cudaEvent_t getInputConsumedEvent() const noexcept { return mImpl->getInputConsumedEvent(); }

  /// For an output; null for its address.
  bool setOutputAllocator(char const* tensorName, IOutputAllocator* outputAllocator) noexcept {
    return mImpl->setOutputAllocator(tensorName, outputAllocator);
  }
  IOutputAllocator* getOutputAllocator(char const* tensorName) const noexcept {
    return mImpl->getOutputAllocator(tensorName);
  }

  /// Bytes that suffice for an output at the shapes that are set; -1 where there is no bound.
  int64_t getMaxOutputSize(char const* tensorName) const noexcept {
    return mImpl->getMaxOutputSize(tensorName);
  }

  /// For memory that a run needs beside its scratch; null for the engine's.
  bool setTemporaryStorageAllocator(IGpuAllocator* allocator) noexcept {
    return mImpl->setTemporaryStorageAllocator(allocator);
  }
  IGpuAllocator* getTemporaryStorageAllocator() const noexcept {
    return mImpl->getTemporaryStorageAllocator();
  }

  /// Queues a run on the stream. False, and an error, when addresses or shapes are missing. On
  /// the CPU, work on the null stream is complete when it returns.
  bool enqueueV3(cudaStream_t stream) noexcept { return mImpl->enqueueV3(stream); }

  /// Bytes of the GPU's cache to keep.
  void setPersistentCacheLimit(size_t size) noexcept { mImpl->setPersistentCacheLimit(size); }
  size_t getPersistentCacheLimit() const noexcept { return mImpl->getPersistentCacheLimit(); }

  /// False above the engine's own verbosity.
  bool setNvtxVerbosity(ProfilingVerbosity verbosity) noexcept {
    return mImpl->setNvtxVerbosity(verbosity);
  }
  ProfilingVerbosity getNvtxVerbosity() const noexcept { return mImpl->getNvtxVerbosity(); }

  /// Streams to use beside enqueueV3()'s.
  void setAuxStreams(cudaStream_t* auxStreams, int32_t nbStreams) noexcept {
    mImpl->setAuxStreams(auxStreams, nbStreams);
  }

  /// Null for none.
  bool setDebugListener(IDebugListener* listener) noexcept {
    return mImpl->setDebugListener(listener);
  }
  IDebugListener* getDebugListener() noexcept { return mImpl->getDebugListener(); }

  /// Whether the listener sees this tensor. False for tensors that are not marked.
  bool setTensorDebugState(char const* name, bool flag) noexcept {
    return mImpl->setTensorDebugState(name, flag);
  }
  bool getDebugState(char const* name) const noexcept { return mImpl->getDebugState(name); }

  /// The caller deletes it.
  IRuntimeConfig* getRuntimeConfig() const noexcept { return mImpl->getRuntimeConfig(); }
  bool setAllTensorsDebugState(bool flag) noexcept { return mImpl->setAllTensorsDebugState(flag); }
  bool setUnfusedTensorsDebugState(bool flag) noexcept {
    return mImpl->setUnfusedTensorsDebugState(flag);
  }
  bool getUnfusedTensorsDebugState() const noexcept { return mImpl->getUnfusedTensorsDebugState(); }

  /// False: one process has one device.
  bool setCommunicator(void* communicator) noexcept { return mImpl->setCommunicator(communicator); }

  // Calls of other versions: members that no table holds.
  /// Deletes this object (versions 5 to 9).
  void destroy() noexcept { delete this; }

  /// Runs a network with an implicit batch on `batchSize` samples, and waits. `bindings` has an
  /// address for each binding, in the order of their indices.
  bool execute(int32_t batchSize, void* const* bindings) noexcept {
    return carnotTrtExecute(this, batchSize, bindings);
  }

  /// As execute(), without waiting. `inputConsumed`, where not null, is recorded once the inputs
  /// may be overwritten.
  bool enqueue(int32_t batchSize, void* const* bindings, cudaStream_t stream,
               cudaEvent_t* inputConsumed) noexcept {
    return carnotTrtEnqueue(this, batchSize, bindings, stream, inputConsumed);
  }

  /// As enqueueV3(), with an address for each binding in the order of their indices.
  bool enqueueV2(void* const* bindings, cudaStream_t stream, cudaEvent_t* inputConsumed) noexcept {
    return carnotTrtEnqueueV2(this, bindings, stream, inputConsumed);
  }

  Dims getStrides(int32_t bindingIndex) const noexcept {
    return getTensorStrides(carnotTrtGetBindingTensor(&getEngine(), bindingIndex));
  }

  /// As setOptimizationProfileAsync() on the null stream.
  bool setOptimizationProfile(int32_t profileIndex) noexcept {
    return setOptimizationProfileAsync(profileIndex, nullptr);
  }

  bool setBindingDimensions(int32_t bindingIndex, Dims dimensions) noexcept {
    return setInputShape(carnotTrtGetBindingTensor(&getEngine(), bindingIndex), dimensions);
  }

  Dims getBindingDimensions(int32_t bindingIndex) const noexcept {
    return getTensorShape(carnotTrtGetBindingTensor(&getEngine(), bindingIndex));
  }

  /// Copies the values of an input that shapes depend on.
  bool setInputShapeBinding(int32_t bindingIndex, int32_t const* data) noexcept {
    return carnotTrtSetInputShapeBinding(this, bindingIndex, data);
  }

  /// Reads the values of a binding that shapes depend on, an input or an output.
  bool getShapeBinding(int32_t bindingIndex, int32_t* data) const noexcept {
    return carnotTrtGetShapeBinding(this, bindingIndex, data);
  }

 protected:
  apiv::VExecutionContext* mImpl;
};

/// How IEngineInspector writes.
enum class LayerInformationFormat : int32_t {
  kONELINE = 0,
  kJSON = 1,
};

/// Tells what an engine is made of. Strings live until the next call.
class IEngineInspector : public INoCopy {
 public:
  virtual ~IEngineInspector() noexcept = default;

  /// Shapes are then those that are set in the context; null for none.
  bool setExecutionContext(IExecutionContext const* context) noexcept {
    return mImpl->setExecutionContext(context);
  }
  IExecutionContext const* getExecutionContext() const noexcept {
    return mImpl->getExecutionContext();
  }

  /// One layer, in order of execution.
  char const* getLayerInformation(int32_t layerIndex,
                                  LayerInformationFormat format) const noexcept {
    return mImpl->getLayerInformation(layerIndex, format);
  }
  char const* getEngineInformation(LayerInformationFormat format) const noexcept {
    return mImpl->getEngineInformation(format);
  }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept { mImpl->setErrorRecorder(recorder); }
  IErrorRecorder* getErrorRecorder() const noexcept { return mImpl->getErrorRecorder(); }

 protected:
  apiv::VEngineInspector* mImpl;
};

}  // namespace nvinfer1
