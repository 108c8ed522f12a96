#pragma once
// CpuCodeSink: collects functions in as many LLVM modules as there are threads, and compiles them
// side by side. Private to src/tactics/cpu.
#include <map>
#include <string>
#include <vector>

#include "codegen/cpu/module.h"
#include "tactics/tactic.h"

namespace carnot::cpu {

/// The code generator's view of a described CPU.
Result<Target> target_of(const DeviceDescription& device);

class CpuCodeSink : public CodeSink {
 public:
  CpuCodeSink(DeviceDescription device, int threads)
      : device_(std::move(device)), threads_(threads < 1 ? 1 : threads) {}

  /// The function made earlier for the same kernel text and variant, or null.
  const GeneratedFunction* find(const std::string& key) const;
  void remember(const std::string& key, const GeneratedFunction& function);
  /// The module that has the least in it. `weight`: how much is about to be added, roughly.
  Result<Module*> module(double weight);

  Result<carnot::CodeBlob> finish() override;
  std::string text() const override;

 private:
  DeviceDescription device_;
  int threads_;
  std::vector<Module> modules_;
  std::vector<double> weights_;
  std::map<std::string, GeneratedFunction> made_;
};

/// The call of a function whose arguments are the kernel's buffers, one of which may be replaced.
GeneratedKernel generated(const GeneratedFunction& function, size_t buffers);

}  // namespace carnot::cpu
