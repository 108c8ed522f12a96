#pragma once
// CudaCodeSink: collects kernels' sources, and compiles them side by side. Private to
// src/tactics/cuda.
#include <map>
#include <string>
#include <vector>

#include "codegen/cuda/kernel_source.h"
#include "device/cuda/library_call.h"
#include "tactics/code_cache.h"
#include "tactics/tactic.h"

namespace carnot::cuda {

class CudaCodeSink : public CodeSink {
 public:
  /// `cache` outlives it. `keep`: what is made here is an engine's.
  CudaCodeSink(DeviceDescription device, int threads, CodeCache& cache, bool keep)
      : device_(std::move(device)), threads_(threads), cache_(cache), keep_(keep) {}

  /// The kernel made earlier for the same share_key(), or null.
  const KernelSource* find(const std::string& key) const;
  /// Keeps a kernel, whose name is function_of() the key.
  const KernelSource& add(const std::string& key, KernelSource source,
                          Library library = Library::kNone);

  /// What was added, in order; the one of a function, or null.
  std::vector<KernelSource> sources() const;
  const KernelSource* of_function(const std::string& function) const;

  Result<CodeBlob> finish() override;
  std::string text() const override;

 private:
  Status compile(std::vector<std::span<const std::byte>>& cubins);

  DeviceDescription device_;
  int threads_;
  CodeCache& cache_;
  bool keep_;
  std::vector<std::string> order_;  ///< keys
  struct Made {
    KernelSource source;
    Library library;
  };
  std::map<std::string, Made> made_;
};

/// The name of a kernel in the code, by what it is: its text is then the same wherever it is made,
/// and is compiled once.
std::string function_of(const std::string& key);

/// The call of a kernel whose pointers are the buffers of a Kernel, in order.
GeneratedKernel generated(const KernelSource& source, size_t buffers);

}  // namespace carnot::cuda
