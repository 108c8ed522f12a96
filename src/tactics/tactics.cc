// Which tactics a device has.
#include <vector>

#include "tactics/cpu/tables.h"

namespace carnot {

std::span<const Tactic> tactics_of(const DeviceDescription& device) {
  // Copies of the rows: a table must be contiguous, its rows stand in their tactics' files.
  static const Tactic kCpu[] = {cpu::kContraction, cpu::kAttention, cpu::kWindow, cpu::kTranspose,
                                cpu::kLoops};
  if (device.kind == "cpu") return kCpu;
  return {};
}

std::unique_ptr<CodeSink> make_code_sink(const DeviceDescription& device, int threads) {
  return std::make_unique<cpu::CpuCodeSink>(device, threads);
}

}  // namespace carnot
