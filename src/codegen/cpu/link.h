#pragma once
// From relocatable objects to one flat block of machine code: position independent, complete (no
// relocation is left, nothing is called), so that a runtime maps it readable and executable and
// calls entries by offset.
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace carnot::cpu {

/// Code and read-only data. Must be mapped at a multiple of 64 bytes.
struct CodeBlob {
  std::vector<std::byte> bytes;
  std::map<std::string, int64_t> entries;  ///< offset of each function
};

/// An object file as the code generator made it (ELF).
using ObjectBytes = std::vector<char>;

/// Lays the objects out one after another and resolves every relocation. The same symbol twice, a
/// symbol that no object defines, and writable data are errors.
Result<CodeBlob> link(std::span<const ObjectBytes> objects);

/// What generated code is: buffers in the kernel's order, the values of GeneratedFunction::params,
/// a range of tasks, and at least scratch_bytes of scratch (64-byte aligned).
using KernelEntry = void (*)(void* const* buffers, const int64_t* params, int64_t task_begin,
                             int64_t task_end, void* scratch);

/// A blob mapped into this process, for tests and for measuring candidates.
class LoadedCode {
 public:
  static Result<LoadedCode> load(const CodeBlob& blob);
  LoadedCode(LoadedCode&& other) noexcept;
  LoadedCode& operator=(LoadedCode&& other) noexcept;
  ~LoadedCode();
  /// Null where there is no such function.
  KernelEntry entry(const std::string& symbol) const;

 private:
  LoadedCode() = default;
  void* base_ = nullptr;
  size_t bytes_ = 0;
  std::map<std::string, int64_t> entries_;
};

}  // namespace carnot::cpu
