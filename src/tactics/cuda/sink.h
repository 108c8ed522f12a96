#pragma once
// CudaCodeSink: collects kernels' sources, and compiles them side by side. Private to
// src/tactics/cuda.
#include <map>
#include <string>
#include <vector>

#include "codegen/cuda/kernel_source.h"
#include "device/cuda/library_call.h"
#include "tactics/tactic.h"

namespace carnot::cuda {

class CudaCodeSink : public CodeSink {
 public:
  CudaCodeSink(DeviceDescription device, int threads)
      : device_(std::move(device)), threads_(threads) {}

  /// The kernel made earlier for the same share_key(), or null.
  const KernelSource* find(const std::string& key) const;
  /// Keeps a kernel under the name of its function, which must be fresh.
  const KernelSource& add(const std::string& key, KernelSource source,
                          Library library = Library::kNone);

  Result<CodeBlob> finish() override;
  std::string text() const override;

 private:
  DeviceDescription device_;
  int threads_;
  std::vector<std::string> order_;  ///< keys
  struct Made {
    KernelSource source;
    Library library;
  };
  std::map<std::string, Made> made_;
};

/// The call of a kernel whose pointers are the buffers of a Kernel, in order.
GeneratedKernel generated(const KernelSource& source, size_t buffers);

}  // namespace carnot::cuda
