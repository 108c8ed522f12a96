// Which tactics a device has.
#include <vector>

#include "base/thread_team.h"
#include "tactics/cpu/tables.h"
#include "tactics/cuda/library.h"
#include "tactics/cuda/tables.h"
#include "tactics/library.h"

namespace carnot {

std::span<const Tactic> tactics_of(const DeviceDescription& device) {
  // Copies of the rows: a table must be contiguous, its rows stand in their tactics' files.
  static const Tactic kCpu[] = {
#define CARNOT_TACTIC(T) cpu::k##T,
#include "tactics/cpu/tactics.def"
  };
  static const Tactic kCuda[] = {
#define CARNOT_TACTIC(T) cuda::k##T,
#include "tactics/cuda/tactics.def"
  };
  // A null device is a CPU that is not here: plans for it need recorded timings and no hardware.
  if (device.kind == "cpu" || device.kind == "null") return kCpu;
  if (device.kind == "cuda") return kCuda;
  return {};
}

const LibraryTactic* library_of(const Op& op, const DeviceDescription& device) {
  if (device.kind != "cuda") return nullptr;
#define CARNOT_LIBRARY(O, T) \
  if (std::holds_alternative<op::O>(op)) return &cuda::k##T##Library;
#include "tactics/cuda/library.def"
  return nullptr;
}

bool is_called(const Tactic& tactic, std::string_view name) {
  const std::string_view own = tactic.name;
  return name == own || name == own.substr(own.find('.') + 1) ||
         (tactic.library && name == tactic.library);
}

std::unique_ptr<CodeSink> make_code_sink(const DeviceDescription& device, int threads,
                                         CodeCache& cache, bool keep) {
  if (device.kind == "cuda") {  // its threads are not the compiler's
    return std::make_unique<cuda::CudaCodeSink>(device, usable_cpus(), cache, keep);
  }
  return std::make_unique<cpu::CpuCodeSink>(device, threads);
}

std::string share_key(const Kernel& kernel, const char* tactic, const std::string& variant) {
  return cat(hash(kernel), ' ', tactic, ' ', variant);
}

}  // namespace carnot
