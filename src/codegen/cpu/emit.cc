#include "codegen/cpu/emit.h"

#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Intrinsics.h>

namespace carnot::cpu {

namespace {

bool uses_any(const Dim& dim, const Bindings& bindings) {
  for (const auto& [name, value] : bindings) {
    if (dim.uses(name)) return true;
  }
  return false;
}

}  // namespace

Emitter::Emitter(Module& module, const std::string& symbol)
    : target_(module.target()), module_(*module.llvm().module), ir_(*module.llvm().context) {
  llvm::Type* pointer = ir_.getPtrTy();
  llvm::Type* word = ir_.getInt64Ty();
  auto* type = llvm::FunctionType::get(ir_.getVoidTy(), {pointer, pointer, word, word, pointer},
                                       /*isVarArg=*/false);
  function_ = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, symbol, module_);
  function_->setDoesNotThrow();
  function_->addFnAttr("no-builtins");  // nothing may be called
  function_->addFnAttr("target-cpu", target_.arch == Arch::kX86 ? "x86-64" : "generic");
  function_->addFnAttr("target-features", llvm_features(target_));
  if (!target_.tune_for.empty()) function_->addFnAttr("tune-cpu", target_.tune_for);
  function_->addFnAttr("prefer-vector-width", cat(target_.vector_bytes() * 8));
  function_->addFnAttr("min-legal-vector-width", cat(target_.vector_bytes() * 8));
  function_->addFnAttr("no-trapping-math", "true");
  const char* names[] = {"buffers", "params", "task_begin", "task_end", "scratch"};
  for (unsigned i = 0; i < 5; ++i) function_->getArg(i)->setName(names[i]);
  function_->addParamAttr(4, llvm::Attribute::NoAlias);
  function_->addParamAttr(4, llvm::Attribute::getWithAlignment(context(), llvm::Align(64)));
  for (const unsigned i : {0U, 1U}) {
    function_->addParamAttr(i, llvm::Attribute::NoAlias);
    function_->addParamAttr(i, llvm::Attribute::ReadOnly);
  }
  entry_ = block("entry");
  llvm::BasicBlock* body = block("body");
  ir_.SetInsertPoint(entry_);
  ir_.CreateBr(body);
  ir_.SetInsertPoint(body);
}

llvm::BasicBlock* Emitter::block(const char* name) {
  return llvm::BasicBlock::Create(context(), name, function_);
}

Emitter::Value* Emitter::buffer(int i) {
  Value*& value = buffers_[i];
  if (value == nullptr) {
    llvm::IRBuilder<> entry(entry_->getTerminator());
    auto* loaded = entry.CreateLoad(
        entry.getPtrTy(),
        entry.CreateConstGEP1_64(entry.getPtrTy(), function_->getArg(0), static_cast<uint64_t>(i)),
        cat("buffer", i));
    loaded->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context(), {}));
    value = loaded;
  }
  return value;
}

Emitter::Value* Emitter::param(const Dim& size) {
  for (size_t i = 0; i < params_.size(); ++i) {
    if (params_[i] == size) return param_values_[i];
  }
  llvm::IRBuilder<> entry(entry_->getTerminator());
  auto* loaded = entry.CreateLoad(
      entry.getInt64Ty(),
      entry.CreateConstGEP1_64(entry.getInt64Ty(), function_->getArg(1), params_.size()),
      to_string(size));
  loaded->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context(), {}));
  params_.push_back(size);
  param_values_.push_back(loaded);
  return loaded;
}

Emitter::Value* Emitter::dim(const Dim& size) {
  return size.is_constant() ? i64(size.value()) : param(size);
}

Emitter::Value* Emitter::index_atom(const DimAtom& atom, const Bindings& bindings) {
  if (atom.kind == DimAtom::kSymbol) {
    const auto bound = bindings.find(atom.name);
    return bound != bindings.end() ? bound->second : param(Dim::symbol(atom.name));
  }
  if (!uses_any(atom.args[0], bindings) && !uses_any(atom.args[1], bindings)) {
    return dim(dim_of(atom));
  }
  Value* a = index(atom.args[0], bindings);
  Value* b = index(atom.args[1], bindings);
  if (atom.kind == DimAtom::kMin) return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b);
  if (atom.kind == DimAtom::kMax) return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, a, b);
  const bool quotient = atom.kind == DimAtom::kFloorDiv;
  if (const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(b)) {
    const int64_t divisor = constant->getSExtValue();
    if (divisor > 0 && (divisor & (divisor - 1)) == 0) {
      return quotient
                 ? ir_.CreateAShr(
                       a, static_cast<uint64_t>(__builtin_ctzll(static_cast<uint64_t>(divisor))))
                 : ir_.CreateAnd(a, i64(divisor - 1));
    }
  }
  // Rounding down: correct the truncated quotient where the remainder's sign differs from b's.
  Value* truncated = ir_.CreateSDiv(a, b);
  Value* remainder = ir_.CreateSub(a, ir_.CreateMul(truncated, b));
  Value* differs = ir_.CreateAnd(ir_.CreateICmpNE(remainder, i64(0)),
                                 ir_.CreateICmpSLT(ir_.CreateXor(remainder, b), i64(0)));
  if (quotient) return ir_.CreateSub(truncated, ir_.CreateZExt(differs, ir_.getInt64Ty()));
  return ir_.CreateAdd(remainder, ir_.CreateSelect(differs, b, i64(0)));
}

Emitter::Value* Emitter::index(const Dim& expression, const Bindings& bindings) {
  CARNOT_CHECK(!expression.overflowed());
  Dim free = expression.constant_term();
  Value* sum = nullptr;
  for (const Dim::Term& term : expression.terms()) {
    const Dim whole = dim_of(term);
    if (!uses_any(whole, bindings)) {
      free = free + whole;
      continue;
    }
    Dim unbound = term.coefficient;
    Value* product = nullptr;
    for (const DimAtom& factor : term.factors) {
      const Dim one = dim_of(factor);
      if (!uses_any(one, bindings)) {
        unbound = unbound * one;
        continue;
      }
      Value* value = index_atom(factor, bindings);
      product = product == nullptr ? value : ir_.CreateMul(product, value);
    }
    if (!unbound.is(1)) product = ir_.CreateMul(product, dim(unbound));
    sum = sum == nullptr ? product : ir_.CreateAdd(sum, product);
  }
  if (sum == nullptr) return dim(free);
  return free.is(0) ? sum : ir_.CreateAdd(sum, dim(free));
}

llvm::Type* Emitter::memory_type(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return ir_.getDoubleTy();
    case DType::kF32:
      return ir_.getFloatTy();
    case DType::kF16:
      return ir_.getHalfTy();
    case DType::kBF16:
      return ir_.getBFloatTy();
    default:
      return ir_.getIntNTy(static_cast<unsigned>(std::max(8, bits_of(dtype))));
  }
}

Emitter::Value* Emitter::splat(double value, llvm::FixedVectorType* type) {
  return llvm::ConstantVector::getSplat(type->getElementCount(),
                                        llvm::ConstantFP::get(type->getElementType(), value));
}

Emitter::Values Emitter::loop(Value* begin, Value* end, Value* step, llvm::ArrayRef<Value*> carried,
                              llvm::function_ref<Values(Value*, llvm::ArrayRef<Value*>)> body) {
  const auto* from = llvm::dyn_cast<llvm::ConstantInt>(begin);
  const auto* to = llvm::dyn_cast<llvm::ConstantInt>(end);
  const auto* by = llvm::dyn_cast<llvm::ConstantInt>(step);
  if (from != nullptr && to != nullptr && by != nullptr &&
      from->getSExtValue() < to->getSExtValue() &&
      to->getSExtValue() - from->getSExtValue() <= by->getSExtValue()) {
    return body(begin, carried);  // exactly once
  }
  llvm::BasicBlock* before = ir_.GetInsertBlock();
  llvm::BasicBlock* inside = block("loop");
  llvm::BasicBlock* after = block("done");
  Value* any = ir_.CreateICmpSLT(begin, end);
  const auto* known = llvm::dyn_cast<llvm::ConstantInt>(any);
  const bool guarded = known == nullptr || known->isZero();
  if (guarded) {
    ir_.CreateCondBr(any, inside, after);
  } else {
    ir_.CreateBr(inside);
  }
  ir_.SetInsertPoint(inside);
  llvm::PHINode* i = ir_.CreatePHI(ir_.getInt64Ty(), 2, "i");
  i->addIncoming(begin, before);
  Values values;
  std::vector<llvm::PHINode*> phis;
  for (Value* value : carried) {
    phis.push_back(ir_.CreatePHI(value->getType(), 2));
    phis.back()->addIncoming(value, before);
    values.push_back(phis.back());
  }
  const Values next = body(i, values);
  CARNOT_CHECK(next.size() == carried.size());
  Value* following = ir_.CreateNSWAdd(i, step);
  llvm::BasicBlock* latch = ir_.GetInsertBlock();
  i->addIncoming(following, latch);
  ir_.CreateCondBr(ir_.CreateICmpSLT(following, end), inside, after);
  Values results;
  ir_.SetInsertPoint(after);
  for (size_t k = 0; k < phis.size(); ++k) {
    phis[k]->addIncoming(next[k], latch);
    llvm::PHINode* out = ir_.CreatePHI(phis[k]->getType(), 2);
    if (guarded) out->addIncoming(carried[k], before);
    out->addIncoming(next[k], latch);
    results.push_back(out);
  }
  return results;
}

void Emitter::loop(Value* begin, Value* end, Value* step, llvm::function_ref<void(Value*)> body) {
  loop(begin, end, step, {}, [&](Value* i, llvm::ArrayRef<Value*>) {
    body(i);
    return Values();
  });
}

void Emitter::for_each_task(llvm::function_ref<void(Value*)> body) {
  loop(task_begin(), task_end(), i64(1), body);
}

Emitter::Values Emitter::if_values(Value* condition, llvm::function_ref<Values()> then,
                                   llvm::function_ref<Values()> otherwise) {
  llvm::BasicBlock* yes = block("then");
  llvm::BasicBlock* no = block("else");
  llvm::BasicBlock* after = block("endif");
  ir_.CreateCondBr(condition, yes, no);
  ir_.SetInsertPoint(yes);
  const Values a = then();
  llvm::BasicBlock* yes_end = ir_.GetInsertBlock();
  ir_.CreateBr(after);
  ir_.SetInsertPoint(no);
  const Values b = otherwise();
  llvm::BasicBlock* no_end = ir_.GetInsertBlock();
  ir_.CreateBr(after);
  ir_.SetInsertPoint(after);
  CARNOT_CHECK(a.size() == b.size());
  Values results;
  for (size_t i = 0; i < a.size(); ++i) {
    llvm::PHINode* phi = ir_.CreatePHI(a[i]->getType(), 2);
    phi->addIncoming(a[i], yes_end);
    phi->addIncoming(b[i], no_end);
    results.push_back(phi);
  }
  return results;
}

void Emitter::if_else(Value* condition, llvm::function_ref<void()> then,
                      llvm::function_ref<void()> otherwise) {
  if_values(
      condition, [&] { return then(), Values(); }, [&] { return otherwise(), Values(); });
}

void Emitter::if_then(Value* condition, llvm::function_ref<void()> then) {
  if_else(condition, then, [] {});
}

Emitter::Value* Emitter::at(llvm::Type* element, Value* base, Value* offset) {
  return ir_.CreateInBoundsGEP(element, base, offset);
}

Emitter::Value* Emitter::load(llvm::Type* type, Value* pointer) {
  return ir_.CreateAlignedLoad(type, pointer,
                               llvm::Align(std::max(1U, type->getScalarSizeInBits() / 8)));
}

void Emitter::store(Value* value, Value* pointer) {
  const unsigned bits = value->getType()->getScalarSizeInBits();
  ir_.CreateAlignedStore(value, pointer,
                         llvm::Align(value->getType()->isPointerTy() ? 8 : std::max(1U, bits / 8)));
}

Emitter::Value* Emitter::lane_mask(int lanes, Value* count) {
  // A few lanes, so 32 bits are plenty; clamping keeps large counts right.
  Value* limit = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, count, i64(lanes));
  limit = ir_.CreateTrunc(limit, ir_.getInt32Ty());
  std::vector<llvm::Constant*> numbers;
  for (int i = 0; i < lanes; ++i) numbers.push_back(ir_.getInt32(static_cast<uint32_t>(i)));
  return ir_.CreateICmpSLT(llvm::ConstantVector::get(numbers),
                           ir_.CreateVectorSplat(static_cast<unsigned>(lanes), limit));
}

Emitter::Value* Emitter::lane_mask(int lanes, int64_t count) {
  std::vector<llvm::Constant*> bits;
  for (int i = 0; i < lanes; ++i) bits.push_back(ir_.getInt1(i < count));
  return llvm::ConstantVector::get(bits);
}

Emitter::Value* Emitter::masked_load(llvm::FixedVectorType* type, Value* pointer, Value* mask) {
  const llvm::Align align(type->getScalarSizeInBits() / 8);
  return ir_.CreateMaskedLoad(type, pointer, align, mask, llvm::Constant::getNullValue(type));
}

void Emitter::masked_store(Value* value, Value* pointer, Value* mask) {
  const llvm::Align align(value->getType()->getScalarSizeInBits() / 8);
  ir_.CreateMaskedStore(value, pointer, align, mask);
}

llvm::GlobalVariable* Emitter::constant_data(llvm::Constant* contents, int alignment) {
  auto* global = new llvm::GlobalVariable(module_, contents->getType(), /*isConstant=*/true,
                                          llvm::GlobalValue::PrivateLinkage, contents, "table");
  global->setAlignment(llvm::Align(static_cast<uint64_t>(alignment)));
  global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  return global;
}

Emitter::Value* Emitter::stack(llvm::Type* element, int64_t count, int alignment) {
  llvm::IRBuilder<> entry(entry_, entry_->begin());
  auto* slot = entry.CreateAlloca(element, entry.getInt64(static_cast<uint64_t>(count)));
  slot->setAlignment(llvm::Align(static_cast<uint64_t>(alignment)));
  return slot;
}

void Emitter::prefetch(Value* pointer, int locality) {
  ir_.CreateIntrinsic(
      llvm::Intrinsic::prefetch, {pointer->getType()},
      {pointer, ir_.getInt32(0), ir_.getInt32(static_cast<uint32_t>(locality)), ir_.getInt32(1)});
}

Emitter::Value* Emitter::fma(Value* a, Value* b, Value* c) {
  const bool fused = target_.arch == Arch::kArm64 || target_.has(Isa::kFma);
  if (!fused) return ir_.CreateFAdd(ir_.CreateFMul(a, b), c);
  return ir_.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
}

GeneratedFunction Emitter::finish() {
  ir_.CreateRetVoid();
  GeneratedFunction made;
  made.symbol = function_->getName().str();
  made.params = params_;
  return made;
}

}  // namespace carnot::cpu
