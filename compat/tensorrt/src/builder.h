#pragma once
// Builder: IBuilder.
#include "carnot/builder.h"
#include "config.h"
#include "engine.h"
#include "legacy.h"
#include "network.h"

namespace trt {

struct RefitPlan;

class Builder final : public IBuilder, public apiv::VBuilder {
 public:
  Builder(ILogger* logger, carnot::DeviceInfo device)
      : reporter_(logger), device_(std::move(device)) {
    mImpl = this;
  }
  ~Builder() noexcept override { forget_legacy(static_cast<IBuilder*>(this)); }

  bool platformHasFastFp16() const noexcept override { return has(kFastFp16Since, "fp16"); }
  bool platformHasFastInt8() const noexcept override { return has(kFastInt8Since, "vnni"); }
  bool platformHasTf32() const noexcept override { return has(kTf32Since, ""); }
  int32_t getMaxDLABatchSize() const noexcept override { return 0; }
  int32_t getNbDLACores() const noexcept override { return 0; }
  void setGpuAllocator(IGpuAllocator* allocator) noexcept override { allocator_ = allocator; }
  IBuilderConfig* createBuilderConfig() noexcept override;
  INetworkDefinition* createNetworkV2(NetworkDefinitionCreationFlags flags) noexcept override;
  IOptimizationProfile* createOptimizationProfile() noexcept override;
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override {
    reporter_.set_recorder(recorder);
  }
  IErrorRecorder* getErrorRecorder() const noexcept override { return reporter_.recorder(); }
  void reset() noexcept override;
  IHostMemory* buildSerializedNetwork(INetworkDefinition& network,
                                      IBuilderConfig& config) noexcept override;
  bool isNetworkSupported(INetworkDefinition const& network,
                          IBuilderConfig const& config) const noexcept override;
  ILogger* getLogger() const noexcept override { return reporter_.logger(); }
  bool setMaxThreads(int32_t count) noexcept override;
  int32_t getMaxThreads() const noexcept override { return max_threads_; }
  IPluginRegistry& getPluginRegistry() noexcept override;
  ICudaEngine* buildEngineWithConfig(INetworkDefinition& network,
                                     IBuilderConfig& config) noexcept override;
  bool buildSerializedNetworkToStream(INetworkDefinition& network, IBuilderConfig& config,
                                      IStreamWriter& writer) noexcept override;
  IHostMemory* buildSerializedNetworkWithKernelText(INetworkDefinition& network,
                                                    IBuilderConfig& config,
                                                    IHostMemory*& kernel_text) noexcept override;

 private:
  // Compute capabilities, times ten.
  static constexpr int kFastFp16Since = 53, kFastInt8Since = 61, kTf32Since = 80;
  /// A GPU of this compute capability or later, or a CPU with that feature.
  bool has(int compute, const char* feature) const noexcept;
  using Bytes = std::vector<std::byte>;
  carnot::Result<Bytes> build_parts(Network& network, const BuilderConfig& config,
                                    carnot::BuilderOptions& options, RefitPlan* refit);
  carnot::Result<Bytes> build(Network& network, BuilderConfig& config, std::string* kernels);
  /// Builds `part` to learn which tensors lie between kernels; the network's next translation has
  /// them as outputs.
  carnot::Status find_unfused(Network& network, carnot::Network part,
                              carnot::BuilderOptions options) const;
  /// The network's plan for these sizes alone, soon made, to be run here.
  carnot::Result<PlanPtr> plan_for(Network& network, const OptimizationProfile& profile);
  /// The plan, or an error that was reported.
  std::optional<Bytes> plan(const char* call, INetworkDefinition& network, IBuilderConfig& config,
                            std::string* kernels = nullptr);

  Reporter reporter_;
  carnot::DeviceInfo device_;
  IGpuAllocator* allocator_ = nullptr;
  int32_t max_threads_ = 1;
  std::vector<std::unique_ptr<OptimizationProfile>> profiles_;  ///< all that were created
};

}  // namespace trt
