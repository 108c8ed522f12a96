// What the lean libraries say instead: they hold no builder.
#include "refitter.h"

namespace trt {

IRefitter* make_refitter(CudaEngine& engine, ILogger& logger) noexcept {
  Reporter(&logger).error(ErrorCode::kUNSUPPORTED_STATE, "createInferRefitter",
                          cat("engine '", engine.getName(),
                              "': this library only runs engines; refit with libnvinfer"));
  return nullptr;
}

carnot::Result<std::vector<std::byte>> rebuild(const Plan&, RefitPlan,
                                               const std::map<size_t, carnot::Tensor>&) {
  return carnot::Status(carnot::Code::kUnsupported,
                        "this library only runs engines; use libnvinfer");
}

}  // namespace trt
