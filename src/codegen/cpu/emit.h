#pragma once
// Emitter: one generated function under construction. It owns the calling convention, size
// parameters, index arithmetic, loops and masked memory access; the generators (contraction, loop
// kernels) write the rest with LLVM's IRBuilder. The only header of this folder that shows LLVM.
#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "codegen/access.h"
#include "codegen/cpu/module.h"

namespace carnot::cpu {

struct Module::Llvm {
  Target target;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::Module> module;
};

/// Values of index symbols ("#0", "$1") inside a Dim.
using Bindings = std::map<std::string, llvm::Value*, std::less<>>;

class Emitter {
 public:
  using Value = llvm::Value;
  using Values = std::vector<llvm::Value*>;

  /// Starts a function of type KernelEntry; the insertion point is its body.
  Emitter(Module& module, const std::string& symbol);
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

  llvm::IRBuilder<>& ir() { return ir_; }
  llvm::LLVMContext& context() { return ir_.getContext(); }
  const Target& target() const { return target_; }

  // The function's arguments.
  Value* buffer(int i);  ///< pointer; loaded once at the function's entry
  Value* task_begin() { return function_->getArg(2); }
  Value* task_end() { return function_->getArg(3); }
  Value* scratch() { return function_->getArg(4); }

  // Sizes and indices, all i64.
  Value* i64(int64_t value) { return ir_.getInt64(static_cast<uint64_t>(value)); }
  /// A size: a constant, or a parameter that the caller computes; loaded once at the entry.
  Value* dim(const Dim& size);
  /// An expression over bound index symbols and sizes. The parts without bound symbols become
  /// parameters. Division rounds down.
  Value* index(const Dim& expression, const Bindings& bindings);

  // Types.
  llvm::Type* f32() { return ir_.getFloatTy(); }
  /// Of one element in memory: bool is i8; f16 and bf16 are half and bfloat; f8 kinds are i8.
  llvm::Type* memory_type(DType dtype);
  llvm::FixedVectorType* vector(llvm::Type* element, int lanes) {
    return llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes));
  }
  Value* splat(double value, llvm::FixedVectorType* type);

  // Control flow. A body is called once, at build time, with the insertion point inside.
  /// for (i = begin; i < end; i += step) body(i).
  void loop(Value* begin, Value* end, Value* step, llvm::function_ref<void(Value*)> body);
  /// The same with values carried from one iteration to the next; returns the last ones.
  Values loop(Value* begin, Value* end, Value* step, llvm::ArrayRef<Value*> carried,
              llvm::function_ref<Values(Value*, llvm::ArrayRef<Value*>)> body);
  /// for every task in [task_begin, task_end).
  void for_each_task(llvm::function_ref<void(Value*)> body);
  void if_then(Value* condition, llvm::function_ref<void()> then);
  void if_else(Value* condition, llvm::function_ref<void()> then,
               llvm::function_ref<void()> otherwise);
  /// Both sides give the same number of values of the same types.
  Values if_values(Value* condition, llvm::function_ref<Values()> then,
                   llvm::function_ref<Values()> otherwise);

  // Memory. Offsets count elements of `element`.
  Value* at(llvm::Type* element, Value* base, Value* offset);
  Value* at(llvm::Type* element, Value* base, int64_t offset) {
    return at(element, base, i64(offset));
  }
  /// Unaligned; vectors and scalars alike.
  Value* load(llvm::Type* type, Value* pointer);
  void store(Value* value, Value* pointer);
  /// <lanes x i1>, lane i set where i < count (an i64, or a number).
  Value* lane_mask(int lanes, Value* count);
  Value* lane_mask(int lanes, int64_t count);
  /// Lanes that are off read as zero and touch no memory. 32- and 64-bit elements where the target
  /// has no masked access for smaller ones are done lane by lane.
  Value* masked_load(llvm::FixedVectorType* type, Value* pointer, Value* mask);
  void masked_store(Value* value, Value* pointer, Value* mask);
  /// Zero-initialised constants and tables go into read-only data.
  llvm::GlobalVariable* constant_data(llvm::Constant* contents, int alignment);
  /// Space in the frame, fixed size, allocated at the entry.
  Value* stack(llvm::Type* element, int64_t count, int alignment = 64);
  void prefetch(Value* pointer, int locality);

  Value* fma(Value* a, Value* b, Value* c);
  llvm::BasicBlock* block(const char* name);

  /// Ends the function (return) and says what it needs. Fill in tasks, scratch and flops.
  GeneratedFunction finish();

 private:
  Value* param(const Dim& size);
  Value* index_atom(const DimAtom& atom, const Bindings& bindings);

  const Target& target_;
  llvm::Module& module_;
  llvm::Function* function_ = nullptr;
  llvm::BasicBlock* entry_ = nullptr;  ///< loads of arguments and stack; branches to the body
  llvm::IRBuilder<> ir_;
  std::map<int, Value*> buffers_;
  Dims params_;
  Values param_values_;
};

}  // namespace carnot::cpu
