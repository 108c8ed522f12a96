#pragma once
// Generated CUDA C++ on this machine's CPU: many kernels are compiled at once by the host's C++
// compiler behind host_shim.h, then run one by one.
#include <string>
#include <vector>

#include "codegen/cuda/kernel_source.h"
#include "kernel/kernel.h"

namespace carnot::cuda {

class HostModule {
 public:
  /// The functions' names must differ.
  static Result<HostModule> compile(const std::vector<KernelSource>& sources);
  HostModule(HostModule&& other) noexcept;
  ~HostModule();

  /// Runs a kernel whose arguments are the buffers of `kernel`; the outputs, dense.
  Result<std::vector<Tensor>> run(const KernelSource& source, const Kernel& kernel,
                                  const std::vector<Tensor>& inputs, const Symbols& symbols) const;
  /// Runs a kernel on these addresses.
  Status launch(const KernelSource& source, const std::vector<void*>& pointers, const Dims& params,
                const Dim& tasks, const Symbols& symbols) const;

 private:
  HostModule() = default;
  void* library_ = nullptr;
};

}  // namespace carnot::cuda
