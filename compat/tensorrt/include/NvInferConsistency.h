// The checker of engines for the safety runtime: that of nvinfer1 up to version 10.7 and that of
// nvinfer2::safe since, so that programs that may use it compile. There is none here:
// createConsistencyChecker() makes none.

#pragma once

#include <string>
#include <vector>

#include "NvInferSafeRuntime.h"

namespace nvinfer1 {
namespace consistency {

class IConsistencyChecker {
 public:
  virtual bool validate() const noexcept = 0;
  virtual ~IConsistencyChecker() = default;
};

/// Null, and an error.
inline IConsistencyChecker* createConsistencyChecker(ILogger& logger, void const* /*blob*/,
                                                     size_t /*size*/) noexcept {
  logger.log(ILogger::Severity::kERROR,
             "createConsistencyChecker: there is no safety runtime to check engines for");
  return nullptr;
}

}  // namespace consistency
}  // namespace nvinfer1

namespace nvinfer2 {
namespace safe {
namespace consistency {

class IConsistencyChecker {
 public:
  virtual bool validate() noexcept = 0;
  virtual ~IConsistencyChecker() = default;

 protected:
  IConsistencyChecker() = default;
  IConsistencyChecker(IConsistencyChecker const&) = delete;
  IConsistencyChecker& operator=(IConsistencyChecker const&) & = delete;
  IConsistencyChecker(IConsistencyChecker&&) = delete;
  IConsistencyChecker& operator=(IConsistencyChecker&&) & = delete;
};

/// What a plugin's library gives for the plugin to be checked by.
class IPluginChecker {
 public:
  virtual bool validate(std::vector<TensorDescriptor> const& inputs,
                        std::vector<TensorDescriptor> const& outputs,
                        PluginFieldCollection* fields) noexcept = 0;
  virtual ~IPluginChecker() = default;

 protected:
  IPluginChecker() = default;
  IPluginChecker(IPluginChecker const&) = delete;
  IPluginChecker& operator=(IPluginChecker const&) & = delete;
  IPluginChecker(IPluginChecker&&) = delete;
  IPluginChecker& operator=(IPluginChecker&&) & = delete;
};

/// An error, and `checker` null.
extern "C" inline ErrorCode createConsistencyChecker(
    IConsistencyChecker*& checker, ISafeRecorder& recorder, void const* /*blob*/, size_t /*size*/,
    std::vector<std::string> const& /*pluginBuildLibs*/ = {}) noexcept {
  checker = nullptr;
  recorder.reportError(ErrorCode::kUNSUPPORTED_STATE,
                       "createConsistencyChecker: there is no safety runtime to check engines for; "
                       "nvinfer1::IRuntime::deserializeCudaEngine() checks a plan");
  return ErrorCode::kUNSUPPORTED_STATE;
}

}  // namespace consistency
}  // namespace safe
}  // namespace nvinfer2
