#pragma once
// Runtime: IRuntime.
#include "engine.h"

namespace trt {

class Runtime final : public IRuntime, public apiv::VRuntime {
 public:
  Runtime(ILogger* logger, carnot::DeviceInfo device)
      : reporter_(logger), device_(std::move(device)) {
    mImpl = this;
  }

  IRuntime* getPImpl() noexcept override { return this; }
  ICudaEngine* deserializeCudaEngine(void const* blob, std::size_t size) noexcept override;
  ICudaEngine* deserializeCudaEngine(IStreamReader& reader) noexcept override;
  ICudaEngine* deserializeCudaEngineV2(IStreamReaderV2& reader) noexcept override;
  void setDLACore(int32_t core) noexcept override;
  int32_t getDLACore() const noexcept override { return -1; }
  int32_t getNbDLACores() const noexcept override { return 0; }
  void setGpuAllocator(IGpuAllocator* allocator) noexcept override { allocator_ = allocator; }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept override {
    reporter_.set_recorder(recorder);
  }
  IErrorRecorder* getErrorRecorder() const noexcept override { return reporter_.recorder(); }
  ILogger* getLogger() const noexcept override { return reporter_.logger(); }
  bool setMaxThreads(int32_t count) noexcept override;
  int32_t getMaxThreads() const noexcept override { return max_threads_; }
  void setTemporaryDirectory(char const* path) noexcept override;
  char const* getTemporaryDirectory() const noexcept override {
    return temporary_.empty() ? nullptr : temporary_.c_str();
  }
  void setTempfileControlFlags(TempfileControlFlags flags) noexcept override { files_ = flags; }
  TempfileControlFlags getTempfileControlFlags() const noexcept override { return files_; }
  IPluginRegistry& getPluginRegistry() noexcept override;
  void setPluginRegistryParent(IPluginRegistry*) noexcept override {}
  IRuntime* loadRuntime(char const* path) noexcept override;
  void setEngineHostCodeAllowed(bool allowed) noexcept override { host_code_ = allowed; }
  bool getEngineHostCodeAllowed() const noexcept override { return host_code_; }

 private:
  ICudaEngine* load(carnot::Result<std::vector<std::byte>> bytes) const;

  Reporter reporter_;
  carnot::DeviceInfo device_;
  IGpuAllocator* allocator_ = nullptr;
  int32_t max_threads_ = 1;
  std::string temporary_;
  TempfileControlFlags files_ = 3;
  bool host_code_ = false;
};

}  // namespace trt
