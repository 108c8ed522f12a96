#pragma once
// A CPU that behaves as a GPU does: its memory lies at addresses that fault when the host touches
// them, kernels that are given any other address stop the test, and work is done when somebody
// waits for it, not before.
#include <memory>

#include "device/device.h"

namespace carnot {

/// How many buffers and parameters a kernel takes.
struct KernelSignature {
  size_t buffers = 0, params = 0;
};

class SeparateDevice : public Device {
 public:
  virtual int64_t allocations() const = 0;  ///< on either side, ever
  virtual int64_t copied_bytes() const = 0;
  virtual int64_t replays() const = 0;
  /// The next work that is waited for fails as a GPU does after a bad access: for good.
  virtual void break_down() = 0;
};
std::unique_ptr<SeparateDevice> make_separate_device(int threads,
                                                     KernelSignature (*signature)(const void*));

}  // namespace carnot
