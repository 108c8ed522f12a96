// A device that is not there: golden plans and tests of the runtime without any hardware.
#include <new>

#include "device/device.h"

namespace carnot {
namespace {

class NullCode : public LoadedCode {
 public:
  const void* entry(size_t) const override { return nullptr; }
};

class Null : public NullDevice {
 public:
  explicit Null(DeviceDescription description) : description_(std::move(description)) {}

  const DeviceDescription& description() const override { return description_; }
  Result<void*> allocate(size_t bytes) override {
    void* memory = ::operator new (bytes, std::align_val_t{64}, std::nothrow);
    if (!memory) return error(Code::kOutOfMemory, "the system refused ", bytes, " bytes");
    return memory;
  }
  void release(void* memory) override { ::operator delete (memory, std::align_val_t{64}); }
  Result<std::unique_ptr<LoadedCode>> load(std::span<const std::byte>) override {
    return std::make_unique<NullCode>();
  }
  Status run(std::span<const Launch> launches, std::span<void* const>,
             const RunOptions& options) override {
    for (size_t i = 0; i < launches.size(); ++i) {
      const Launch& launch = launches[i];
      if (options.cancel && options.cancel->load(std::memory_order_relaxed)) {
        return error(Code::kCancelled, "the run was cancelled");
      }
      if (launch.host) {
        CARNOT_RETURN_IF_ERROR(launch.host(launch.host_context, launch.host_step));
      }
      if (!options.end_ns.empty()) options.end_ns[i] = 0;
      launches_.fetch_add(1, std::memory_order_relaxed);
    }
    return {};
  }
  int threads() const override { return 1; }
  int64_t launches() const override { return launches_.load(std::memory_order_relaxed); }

 private:
  DeviceDescription description_;
  std::atomic<int64_t> launches_{0};
};

}  // namespace

std::unique_ptr<NullDevice> make_null_device(DeviceDescription description) {
  return std::make_unique<Null>(std::move(description));
}

}  // namespace carnot
