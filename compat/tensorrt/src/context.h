#pragma once
// ExecutionContext: IExecutionContext. On the CPU addresses are the host's, and work is complete
// when a call returns; on a GPU it is queued in the caller's stream.
#include <atomic>

#include "engine.h"
#include "legacy.h"

namespace trt {

class ExecutionContext final : public IExecutionContext, public apiv::VExecutionContext {
 public:
  /// With kUSER_MANAGED its memory comes with setDeviceMemory().
  ExecutionContext(CudaEngine& engine, carnot::Context context,
                   ExecutionContextAllocationStrategy strategy);
  ~ExecutionContext() noexcept override { forget_legacy(static_cast<IExecutionContext*>(this)); }

  IExecutionContext* getPImpl() noexcept override { return this; }
  void setDebugSync(bool sync) noexcept override { debug_sync_ = sync; }
  bool getDebugSync() const noexcept override { return debug_sync_; }
  void setProfiler(IProfiler* profiler) noexcept override { profiler_ = profiler; }
  IProfiler* getProfiler() const noexcept override { return profiler_; }
  ICudaEngine const& getEngine() const noexcept override { return *engine_; }
  void setName(char const* name) noexcept override;
  char const* getName() const noexcept override { return name_.c_str(); }
  void setDeviceMemory(void* memory) noexcept override;
  void setDeviceMemoryV2(void* memory, int64_t bytes) noexcept override;
  int32_t getOptimizationProfile() const noexcept override { return profile_; }
  bool allInputDimensionsSpecified() const noexcept override;
  bool allInputShapesSpecified() const noexcept override;
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override {
    reporter_.set_recorder(recorder);
  }
  IErrorRecorder* getErrorRecorder() const noexcept override { return reporter_.recorder(); }
  bool executeV2(void* const* bindings) noexcept override;
  bool setOptimizationProfileAsync(int32_t profile, cudaStream_t stream) noexcept override;
  void setEnqueueEmitsProfile(bool emits) noexcept override { emits_profile_ = emits; }
  bool getEnqueueEmitsProfile() const noexcept override { return emits_profile_; }
  bool reportToProfiler() const noexcept override;
  bool setInputShape(char const* name, Dims const& dims) noexcept override;
  Dims getTensorShape(char const* name) const noexcept override;
  Dims getTensorStrides(char const* name) const noexcept override;
  bool setTensorAddress(char const* name, void* data) noexcept override;
  void const* getTensorAddress(char const* name) const noexcept override;
  bool setInputTensorAddress(char const* name, void const* data) noexcept override;
  bool setOutputTensorAddress(char const* name, void* data) noexcept override;
  int32_t inferShapes(int32_t count_max, char const** names) noexcept override;
  bool setInputConsumedEvent(cudaEvent_t event) noexcept override { return event_ = event, true; }
  cudaEvent_t getInputConsumedEvent() const noexcept override { return event_; }
  void* getOutputTensorAddress(char const* name) const noexcept override;
  bool setOutputAllocator(char const* name, IOutputAllocator* allocator) noexcept override;
  IOutputAllocator* getOutputAllocator(char const* name) noexcept override;
  int64_t getMaxOutputSize(char const* name) const noexcept override;
  bool setTemporaryStorageAllocator(IGpuAllocator* allocator) noexcept override;
  IGpuAllocator* getTemporaryStorageAllocator() const noexcept override { return temporary_; }
  bool enqueueV3(cudaStream_t stream) noexcept override;
  void setPersistentCacheLimit(size_t size) noexcept override { cache_limit_ = size; }
  size_t getPersistentCacheLimit() const noexcept override { return cache_limit_; }
  bool setNvtxVerbosity(ProfilingVerbosity verbosity) noexcept override;
  ProfilingVerbosity getNvtxVerbosity() const noexcept override { return nvtx_; }
  void setAuxStreams(cudaStream_t*, int32_t) noexcept override {}  // there are none to replace
  bool setDebugListener(IDebugListener* listener) noexcept override {
    return listener_ = listener, true;
  }
  IDebugListener* getDebugListener() noexcept override { return listener_; }
  bool setTensorDebugState(char const* name, bool flag) noexcept override;
  bool getDebugState(char const* name) const noexcept override;
  bool setAllTensorsDebugState(bool flag) noexcept override;
  size_t updateDeviceMemorySizeForShapes() noexcept override;
  IRuntimeConfig* getRuntimeConfig() const noexcept override;
  bool setUnfusedTensorsDebugState(bool flag) noexcept override {
    return shows_unfused_ = flag, true;
  }
  bool getUnfusedTensorsDebugState() const noexcept override { return shows_unfused_; }
  bool setCommunicator(void* communicator) noexcept override;

 private:
  struct Port {
    void* address = nullptr;
    IOutputAllocator* allocator = nullptr;
    std::optional<carnot::Shape> shape;  ///< known: of inputs given, of outputs derived
    size_t bytes = 0;                    ///< of an output whose shape is known
    bool changed = true;                 ///< since the Context was last told
  };
  const Plan::Tensor& tensor(int i) const { return plan_->tensors[static_cast<size_t>(i)]; }
  /// As the profile's engine has it: sizes that the profile leaves no choice are numbers.
  const carnot::TensorType& type(size_t i) const { return part_->types[i]; }
  /// Forgets the shapes that are not the network's own.
  void reset_shapes();
  Port& port(int i) { return ports_[static_cast<size_t>(i)]; }
  const Port& port(int i) const { return ports_[static_cast<size_t>(i)]; }
  int find(const char* call, char const* name) const;
  /// Output shapes from those of the inputs, as far as they are known.
  void derive();
  std::optional<carnot::Symbols> symbols() const;
  carnot::Status enter(int32_t profile);
  carnot::Status take_memory_from(IGpuAllocator* allocator);
  bool use_stream(const char* call, cudaStream_t stream);
  bool prepare(const char* call);
  carnot::Status bind(int i);
  bool has_memory(const char* call);
  void* reallocate(int i, const carnot::Shape& shape, size_t bytes);
  bool run(const char* call, cudaStream_t stream, bool wait);
  bool run_alone(const char* call, cudaStream_t stream, bool wait);
  /// False, and an error, while a run is under way: callbacks of a run may call anything.
  bool is_idle(const char* call) const;
  bool capture(const char* call, cudaStream_t stream);
  void exchange_addresses(std::vector<void*>& addresses);
  bool renew(const char* call);
  bool show_debug_tensors(const char* call, cudaStream_t stream);
  bool show(const char* call, std::string_view prefix, const Plan::Tensor& tensor,
            cudaStream_t stream);
  void report_times(const std::vector<carnot::StepTime>& times) const;

  CudaEngine* engine_;  ///< for getEngine() only: the user may delete it first
  PlanPtr plan_;
  CudaEngine facts_;  ///< answers for the plan
  Reporter reporter_;
  const bool is_gpu_, user_managed_;
  std::unique_ptr<AllocatorMemory> allocated_;
  BlockMemory block_;
  const PlanPart* part_;     ///< of the profile
  int refits_ = 0;           ///< of the plan, when context_ was made
  carnot::Context context_;  ///< of that part; behind the memory that it uses
  std::map<const PlanPart*, carnot::Context> others_;  ///< of profiles that were left
  std::vector<Port> ports_;                            ///< parallel to the plan's tensors
  int32_t profile_ = 0;
  std::string name_;
  bool debug_sync_ = false, emits_profile_ = true, any_changed_ = true;
  IProfiler* profiler_ = nullptr;
  IDebugListener* listener_ = nullptr;
  std::vector<char> debugs_;  ///< which of the plan's debug tensors the listener is shown
  bool shows_unfused_ = false;
  IGpuAllocator* temporary_ = nullptr;
  cudaEvent_t event_ = nullptr;
  cudaStream_t stream_ = nullptr;  ///< of the last run
  size_t cache_limit_ = 0;
  ProfilingVerbosity nvtx_;
  std::vector<carnot::StepTime> times_;  ///< of the last run, not yet reported
  const ExecutionContextAllocationStrategy strategy_;
  std::atomic<bool> running_{false};
};

}  // namespace trt
