#include "refitter.h"

namespace trt {

IRefitter* make_refitter(CudaEngine& engine, ILogger& logger) noexcept {
  const Reporter reporter(&logger);
  reporter.error(ErrorCode::kINVALID_STATE, "ICudaEngine::createRefitter",
                 cat("engine '", engine.getName(),
                     "' is not refittable: its weights are packed and folded for their kernels; "
                     "build it again with the new weights (a timing cache makes that quick)"));
  return nullptr;
}

}  // namespace trt
