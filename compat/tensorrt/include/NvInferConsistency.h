// The checker of engines for the safety runtime up to version 10.7, so that programs that may use
// it compile. There is none here: createConsistencyChecker() gives null.

#pragma once

#include "NvInferRuntime.h"

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
