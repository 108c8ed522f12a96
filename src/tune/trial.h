#pragma once
// Trial: one kernel with concrete sizes and seeded operands in the device's memory, ready to run
// any of its generated candidates, compare their results with the kernel's meaning, and time them.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernel/sample.h"
#include "tactics/tactic.h"

namespace carnot {

/// Memory of a device with the bytes of a tensor; nothing where the device shares the host's.
class DeviceCopy {
 public:
  DeviceCopy() = default;
  DeviceCopy(DeviceCopy&& other) noexcept
      : device_(other.device_), memory_(std::exchange(other.memory_, nullptr)) {}
  DeviceCopy& operator=(DeviceCopy&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~DeviceCopy() {
    if (memory_) device_->release(memory_);
  }
  static Result<DeviceCopy> of(Device& device, const Tensor& tensor);
  /// Of so many elements, the tensor's over and over.
  static Result<DeviceCopy> repeating(Device& device, const Tensor& tensor, int64_t elements);
  /// Without the bytes.
  static Result<DeviceCopy> room(Device& device, size_t bytes);
  void* memory() const { return memory_; }

 private:
  Device* device_ = nullptr;
  void* memory_ = nullptr;
};

class Trial {
 public:
  /// With `symbols`, or smaller sizes where these would not fit in memory. `device` outlives it.
  static Result<Trial> create(Device& device, const Kernel& kernel,
                              std::span<const Tensor* const> constants, const Symbols& symbols);

  /// One candidate's call: arguments, parameters and packed constants.
  struct Call {
    std::vector<void*> buffers;
    std::vector<int64_t> params;
    std::vector<Tensor> packed;
    std::vector<DeviceCopy> packed_there;
    int64_t scratch_bytes = 0;
    Launch launch;
  };
  Result<std::unique_ptr<Call>> bind(const GeneratedKernel& made, const void* entry) const;

  /// Computes what difference() compares with, where that has not been done. Trials may do so at
  /// the same time.
  Status expect();
  /// Clears the outputs, so that a candidate that writes nothing is found out.
  Status poison();
  /// Empty, or the first element that differs from the reference.
  Result<std::string> difference(bool tf32 = false);

  /// Where values of a buffer start.
  void* memory(size_t buffer) const;

 private:
  Trial(Device& device, const Kernel& kernel) : device_(&device), kernel_(&kernel) {}
  static Result<Trial> create_with(Device& device, const Kernel& kernel,
                                   std::span<const Tensor* const> constants,
                                   const Symbols& symbols);
  Status fetch_outputs();
  int64_t place_of(const Sample& sample) const;
  Status fill_inputs(std::span<const Tensor* const> constants);
  Status make_fault();
  Status settle_indices(size_t buffer, Tensor& values) const;
  Status expect_attention();

  Device* device_;
  const Kernel* kernel_;
  Symbols symbols_;
  std::vector<Shape> shapes_;
  std::vector<Shape> strides_;
  std::vector<bool> repeats_;      ///< buffers of which the host has the beginning alone
  std::vector<Tensor> dense_;      ///< inputs as the reference wants them
  std::vector<Tensor> storage_;    ///< flat, with gaps where strided
  std::vector<DeviceCopy> there_;  ///< the same for the kernel
  Tensor fault_;                   ///< of kernels that have some; their operands give none
  DeviceCopy fault_there_;
  std::vector<Sample> expected_;
  bool expected_ready_ = false;
};

}  // namespace carnot
