#pragma once
// Module: functions that are compiled together into one object. Generators add functions; compile()
// optimises and emits them. Each module has its own LLVM context, so that several may be filled and
// compiled by several threads at once. No LLVM header is needed to use this one.
#include <memory>
#include <string>
#include <vector>

#include "carnot/types.h"
#include "codegen/cpu/link.h"
#include "codegen/cpu/target.h"

namespace carnot::cpu {

/// What the caller of a generated function must know.
struct GeneratedFunction {
  std::string symbol;
  Dims params;            ///< expressions over size symbols; their values are `params` at run time
  Dim tasks = 1;          ///< independent tasks: any split over threads gives the same bits
  Dim scratch_bytes = 0;  ///< per thread
  Dim flops = 0;          ///< of all tasks together, for scheduling; an estimate
};

class Module {
 public:
  static Result<Module> create(const Target& target);
  Module(Module&&) noexcept;
  Module& operator=(Module&&) noexcept;
  ~Module();

  const Target& target() const;
  /// Optimises and emits everything added so far. Call it once.
  Result<ObjectBytes> compile();
  /// LLVM's text of the module, for dumps and tests.
  std::string ir_text() const;

  struct Llvm;  ///< defined in emit.h
  Llvm& llvm() { return *llvm_; }

 private:
  explicit Module(std::unique_ptr<Llvm> llvm);
  std::unique_ptr<Llvm> llvm_;
};

}  // namespace carnot::cpu
