#include "codegen/cpu/fold.h"

#include <limits>

#include "tensor/codec.h"

namespace carnot::cpu {

using Value = llvm::Value;

namespace {

/// The multiplication that makes the stage's value, if nothing else uses it.
const ScalarInst* fused_product(const NestStage& stage) {
  const int id = stage.results[0] - stage.body.inputs;
  if (stage.combiner != Combiner::kSum || id < 0) return nullptr;
  const ScalarInst& inst = stage.body.insts[static_cast<size_t>(id)];
  const DType type = stage.types[static_cast<size_t>(stage.results[0])];
  const bool in_registers =
      type == stage.accumulator || (stage.accumulator == DType::kF32 && type != DType::kF64);
  return inst.op == ScalarOp::kMul && is_float(type) && in_registers ? &inst : nullptr;
}

}  // namespace

Fold::State Fold::identity(int lanes) const {
  const double inf = std::numeric_limits<double>::infinity();
  double real = 0;
  switch (stage_.combiner) {
    case Combiner::kProduct:
      real = 1;
      break;
    case Combiner::kMax:
    case Combiner::kArgMax:
      real = -inf;
      break;
    case Combiner::kMin:
    case Combiner::kArgMin:
      real = inf;
      break;
    default:
      break;
  }
  const DType type = stage_.accumulator;
  const bool least = stage_.combiner == Combiner::kMin || stage_.combiner == Combiner::kArgMin;
  const int64_t integer = type == DType::kBool ? least
                          : is_float(type)     ? 0
                                               : to_integer(type, real);
  State state = {spread(e_, register_constant(e_, type, real, integer), lanes)};
  if (stage_.is_arg()) state.push_back(spread(e_, e_.i64(0), lanes));
  return state;
}

Value* Fold::combine(Value* a, Value* b) const {
  ScalarInst inst;
  const DType type = stage_.accumulator;
  switch (stage_.combiner) {
    case Combiner::kSum:
      inst.op = ScalarOp::kAdd;
      break;
    case Combiner::kProduct:
      inst.op = ScalarOp::kMul;
      break;
    case Combiner::kMax:
      inst.op = type == DType::kBool ? ScalarOp::kOr : ScalarOp::kMax;
      break;
    default:
      CARNOT_CHECK(stage_.combiner == Combiner::kMin);
      inst.op = type == DType::kBool ? ScalarOp::kAnd : ScalarOp::kMin;
  }
  return emit_instruction(e_, inst, {type, type}, {a, b});
}

Value* Fold::better(const State& a, const State& b, bool ties) const {
  auto& ir = e_.ir();
  const bool largest = stage_.combiner == Combiner::kArgMax;
  const DType type = stage_.accumulator;
  Value* earlier = ties ? ir.CreateICmpSLT(b[1], a[1]) : nullptr;
  if (!is_float(type)) {
    const bool is_signed = class_of(type) == DTypeClass::kSigned;
    Value* x = largest ? a[0] : b[0];
    Value* y = largest ? b[0] : a[0];
    Value* strictly = is_signed ? ir.CreateICmpSLT(x, y) : ir.CreateICmpULT(x, y);
    if (!ties) return strictly;
    return ir.CreateOr(strictly, ir.CreateAnd(ir.CreateICmpEQ(x, y), earlier));
  }
  Value* a_nan = ir.CreateFCmpUNO(a[0], a[0]);
  Value* b_nan = ir.CreateFCmpUNO(b[0], b[0]);
  Value* strictly = largest ? ir.CreateFCmpOGT(b[0], a[0]) : ir.CreateFCmpOLT(b[0], a[0]);
  strictly = ir.CreateOr(strictly, ir.CreateAnd(b_nan, ir.CreateNot(a_nan)));
  if (!ties) return strictly;
  Value* same = ir.CreateOr(ir.CreateFCmpOEQ(a[0], b[0]), ir.CreateAnd(a_nan, b_nan));
  return ir.CreateOr(strictly, ir.CreateAnd(same, earlier));
}

Fold::State Fold::add(const State& state, const std::vector<Value*>& values, Value* position,
                      Value* mask) const {
  auto& ir = e_.ir();
  const int lanes = lanes_of(state[0]);
  const auto keep = [&](Value* after, Value* before) {
    return mask == nullptr ? after : ir.CreateSelect(mask, after, before);
  };
  if (const ScalarInst* product = fused_product(stage_)) {
    Value* x = spread(e_, values[static_cast<size_t>(product->args[0])], lanes);
    Value* y = spread(e_, values[static_cast<size_t>(product->args[1])], lanes);
    return {keep(e_.fma(x, y, state[0]), state[0])};
  }
  const auto id = static_cast<size_t>(stage_.results[0]);
  Value* value = spread(e_, values[id], lanes);
  value = emit_cast(e_, stage_.types[id], stage_.accumulator, value);
  if (!stage_.is_arg()) return {keep(combine(state[0], value), state[0])};
  const State next = {value, spread(e_, position, lanes)};
  Value* take = better(state, next, false);
  if (mask != nullptr) take = ir.CreateAnd(take, mask);
  return {ir.CreateSelect(take, next[0], state[0]), ir.CreateSelect(take, next[1], state[1])};
}

Fold::State Fold::merge(const State& a, const State& b) const {
  auto& ir = e_.ir();
  if (!stage_.is_arg()) return {combine(a[0], b[0])};
  Value* take = better(a, b, true);
  return {ir.CreateSelect(take, b[0], a[0]), ir.CreateSelect(take, b[1], a[1])};
}

Fold::State Fold::across(const State& state) const {
  auto& ir = e_.ir();
  State now = state;
  for (int lanes = lanes_of(now[0]); lanes > 1; lanes /= 2) {
    std::vector<int> low, high;
    for (int i = 0; i < lanes / 2; ++i) low.push_back(i), high.push_back(lanes / 2 + i);
    State a, b;
    for (Value* value : now) {
      a.push_back(ir.CreateShuffleVector(value, low));
      b.push_back(ir.CreateShuffleVector(value, high));
    }
    now = merge(a, b);
  }
  for (Value*& value : now) {
    if (lanes_of(value) == 1 && value->getType()->isVectorTy()) {
      value = ir.CreateExtractElement(value, uint64_t{0});
    }
  }
  return now;
}

}  // namespace carnot::cpu
