// The classes of the safety runtime: those of nvinfer1::safe up to version 10.7 and those of
// nvinfer2::safe since, so that programs that know both runtimes compile. There is none here:
// createInferRuntime() gives null and createTRTGraph() fails.

#pragma once

#include "NvInferRuntime.h"
#include "NvInferSafeMemAllocator.h"
#include "NvInferSafePlugin.h"
#include "NvInferSafeRecorder.h"
#include "nvinfer/safe_graph.h"

namespace nvinfer1 {
namespace safe {

class ICudaEngine;

/// Bits of RuntimeErrorInformation::bitMask.
enum class RuntimeErrorType : uint64_t {
  kNAN_CONSUMED = 1ULL << 0,
  kINF_CONSUMED = 1ULL << 1,
  kGATHER_OOB = 1ULL << 2,
  kSCATTER_OOB = 1ULL << 3,
  kSCATTER_RACE = 1ULL << 4,
};

struct RuntimeErrorInformation {
  uint64_t bitMask;
};

class IExecutionContext {
 public:
  virtual ICudaEngine const& getEngine() const noexcept = 0;
  virtual void setName(AsciiChar const* const name) noexcept = 0;
  virtual AsciiChar const* getName() const noexcept = 0;
  virtual void setDeviceMemory(void* const memory) noexcept = 0;
  virtual void setErrorRecorder(IErrorRecorder* const recorder) noexcept = 0;
  virtual IErrorRecorder* getErrorRecorder() const noexcept = 0;
  virtual ~IExecutionContext() noexcept = default;
  virtual void setErrorBuffer(RuntimeErrorInformation* const buffer) noexcept = 0;
  virtual RuntimeErrorInformation* getErrorBuffer() const noexcept = 0;
  virtual Dims getTensorStrides(AsciiChar const* const tensorName) const noexcept = 0;
  virtual bool setInputTensorAddress(AsciiChar const* const tensorName,
                                     void const* const data) noexcept = 0;
  virtual bool setOutputTensorAddress(AsciiChar const* const tensorName,
                                      void* const data) noexcept = 0;
  virtual bool setInputConsumedEvent(cudaEvent_t const event) noexcept = 0;
  virtual cudaEvent_t getInputConsumedEvent() const noexcept = 0;
  virtual void const* getInputTensorAddress(AsciiChar const* const tensorName) const noexcept = 0;
  virtual void* getOutputTensorAddress(AsciiChar const* const tensorName) const noexcept = 0;
  virtual bool enqueueV3(cudaStream_t const stream) noexcept = 0;

  // Calls of versions 7 to 9.
  virtual Dims getStrides(int32_t const bindingIndex) const noexcept = 0;
  virtual bool enqueueV2(void* const* const bindings, cudaStream_t const stream,
                         cudaEvent_t const* const inputConsumed) noexcept = 0;
};

class ICudaEngine {
 public:
  virtual IExecutionContext* createExecutionContext() noexcept = 0;
  virtual IExecutionContext* createExecutionContextWithoutDeviceMemory() noexcept = 0;
  virtual size_t getDeviceMemorySize() const noexcept = 0;
  virtual AsciiChar const* getName() const noexcept = 0;
  virtual void setErrorRecorder(IErrorRecorder* const recorder) noexcept = 0;
  virtual IErrorRecorder* getErrorRecorder() const noexcept = 0;
  virtual ~ICudaEngine() noexcept = default;
  virtual Dims getTensorShape(AsciiChar const* const tensorName) const noexcept = 0;
  virtual DataType getTensorDataType(AsciiChar const* const tensorName) const noexcept = 0;
  virtual TensorIOMode getTensorIOMode(AsciiChar const* const tensorName) const noexcept = 0;
  virtual int32_t getTensorBytesPerComponent(AsciiChar const* const tensorName) const noexcept = 0;
  virtual int32_t getTensorComponentsPerElement(
      AsciiChar const* const tensorName) const noexcept = 0;
  virtual TensorFormat getTensorFormat(AsciiChar const* const tensorName) const noexcept = 0;
  virtual int32_t getTensorVectorizedDim(AsciiChar const* const tensorName) const noexcept = 0;
  virtual int32_t getNbIOTensors() const noexcept = 0;
  virtual AsciiChar const* getIOTensorName(int32_t const index) const noexcept = 0;

  // Calls of versions 7 to 9.
  virtual int32_t getNbBindings() const noexcept = 0;
  virtual int32_t getBindingIndex(AsciiChar const* const name) const noexcept = 0;
  virtual AsciiChar const* getBindingName(int32_t const bindingIndex) const noexcept = 0;
  virtual bool bindingIsInput(int32_t const bindingIndex) const noexcept = 0;
  virtual Dims getBindingDimensions(int32_t const bindingIndex) const noexcept = 0;
  virtual DataType getBindingDataType(int32_t const bindingIndex) const noexcept = 0;
  virtual int32_t getBindingBytesPerComponent(int32_t const bindingIndex) const noexcept = 0;
  virtual int32_t getBindingComponentsPerElement(int32_t const bindingIndex) const noexcept = 0;
  virtual TensorFormat getBindingFormat(int32_t const bindingIndex) const noexcept = 0;
  virtual int32_t getBindingVectorizedDim(int32_t const bindingIndex) const noexcept = 0;
};

class IRuntime {
 public:
  virtual ICudaEngine* deserializeCudaEngine(void const* const blob,
                                             std::size_t const size) noexcept = 0;
  virtual void setGpuAllocator(IGpuAllocator* const allocator) noexcept = 0;
  virtual void setErrorRecorder(IErrorRecorder* const recorder) noexcept = 0;
  virtual IErrorRecorder* getErrorRecorder() const noexcept = 0;
  virtual ~IRuntime() noexcept = default;
};

/// Null, and an error.
inline IRuntime* createInferRuntime(ILogger& logger) noexcept {
  logger.log(ILogger::Severity::kERROR,
             "nvinfer1::safe::createInferRuntime: there is no safety runtime; use nvinfer1::");
  return nullptr;
}

}  // namespace safe
}  // namespace nvinfer1
