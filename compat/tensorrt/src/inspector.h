#pragma once
// EngineInspector: what an engine's layers are, as text or JSON.
#include <set>

#include "plan.h"

namespace trt {

class EngineInspector final : public IEngineInspector, public apiv::VEngineInspector {
 public:
  EngineInspector(PlanPtr plan, const Reporter& reporter);
  IEngineInspector* getPImpl() noexcept override { return this; }
  bool setExecutionContext(IExecutionContext const* context) noexcept override {
    return context_ = context, true;
  }
  IExecutionContext const* getExecutionContext() const noexcept override { return context_; }
  char const* getLayerInformation(int32_t index,
                                  LayerInformationFormat format) const noexcept override;
  char const* getEngineInformation(LayerInformationFormat format) const noexcept override;
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override {
    reporter_.set_recorder(recorder);
  }
  IErrorRecorder* getErrorRecorder() const noexcept override { return reporter_.recorder(); }

 private:
  std::string layer(size_t index, bool json) const;

  PlanPtr plan_;
  Reporter reporter_;
  std::set<std::string> channels_last_;  ///< tensors that kernels of convolutions have so
  IExecutionContext const* context_ = nullptr;
  mutable std::string text_;  ///< what the last call gave
};

}  // namespace trt
