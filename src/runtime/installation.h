#pragma once
// Installation: an engine on one device: its code loaded there, its program, and its weights where
// the device has memory of its own. Shared by the engine's Contexts on that device.
#include "carnot/context.h"
#include "engine/engine_file.h"
#include "runtime/devices.h"
#include "runtime/program.h"

namespace carnot {

/// The weights in a device's memory; nothing where it shares the host's.
class DeviceWeights {
 public:
  DeviceWeights() = default;
  DeviceWeights(DeviceWeights&& other) noexcept { *this = std::move(other); }
  DeviceWeights& operator=(DeviceWeights&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(source_, other.source_);
    std::swap(block_, other.block_);
    std::swap(addresses_, other.addresses_);
    return *this;
  }
  ~DeviceWeights() {
    if (block_) source_ ? source_->release(block_) : device_->release(block_);
  }
  /// Those that kernels of the plan read. `device` outlives the weights.
  static Result<DeviceWeights> upload(Device& device, const EngineFile& file,
                                      MemorySource* source = nullptr);
  /// By the weights' numbers; null for those that only the host reads. Empty where the device
  /// shares the host's memory.
  std::span<void* const> addresses() const { return addresses_; }

 private:
  Device* device_ = nullptr;
  MemorySource* source_ = nullptr;
  void* block_ = nullptr;
  std::vector<void*> addresses_;
};

struct Installation {
  DeviceShare share;  // first: the others need the device when they go
  std::unique_ptr<LoadedCode> code;
  std::unique_ptr<Program> program;
  DeviceWeights weights;
};

/// Where the entries of an engine's code are. `code` outlives them.
Result<Entries> find_entries(const EngineFile& file, const LoadedCode& code);
/// `file` outlives the installation.
Result<std::unique_ptr<Installation>> install(const EngineFile& file, DeviceShare share,
                                              MemorySource* memory);

}  // namespace carnot
