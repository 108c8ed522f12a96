#include "codegen/cpu/scalar_emit.h"

namespace carnot::cpu {

namespace {

using llvm::Intrinsic::maximum;
using llvm::Intrinsic::minimum;

Result<llvm::Value*> emit_f32(Emitter& e, ScalarOp op, llvm::Value* a, llvm::Value* b,
                              llvm::Value* c) {
  auto& ir = e.ir();
  switch (op) {
    case ScalarOp::kAdd:
      return ir.CreateFAdd(a, b);
    case ScalarOp::kSub:
      return ir.CreateFSub(a, b);
    case ScalarOp::kMul:
      return ir.CreateFMul(a, b);
    case ScalarOp::kDiv:
      return ir.CreateFDiv(a, b);
    case ScalarOp::kNeg:
      return ir.CreateFNeg(a);
    case ScalarOp::kAbs:
      return ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a);
    case ScalarOp::kSqrt:
      return ir.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, a);
    case ScalarOp::kMax:
      return ir.CreateBinaryIntrinsic(maximum, a, b);
    case ScalarOp::kMin:
      return ir.CreateBinaryIntrinsic(minimum, a, b);
    case ScalarOp::kLt:
      return ir.CreateFCmpOLT(a, b);
    case ScalarOp::kLe:
      return ir.CreateFCmpOLE(a, b);
    case ScalarOp::kGt:
      return ir.CreateFCmpOGT(a, b);
    case ScalarOp::kGe:
      return ir.CreateFCmpOGE(a, b);
    case ScalarOp::kSelect:
      return ir.CreateSelect(a, b, c);
    default:
      return error(Code::kUnsupported, "scalar op ", to_string(op));
  }
}

}  // namespace

Result<std::vector<llvm::Value*>> emit_program(Emitter& emitter, const ScalarProgram& program,
                                               const std::vector<DType>&,
                                               const std::vector<llvm::Value*>& inputs) {
  std::vector<llvm::Value*> values = inputs;
  for (const ScalarInst& inst : program.insts) {
    if (inst.op == ScalarOp::kConst) {
      llvm::Type* type = inputs.empty() ? emitter.f32() : inputs.back()->getType();
      values.push_back(llvm::ConstantFP::get(type, inst.real));
      continue;
    }
    llvm::Value* args[3] = {};
    for (int i = 0; i < operands_of(inst.op); ++i) {
      args[i] = values[static_cast<size_t>(inst.args[static_cast<size_t>(i)])];
    }
    CARNOT_ASSIGN(llvm::Value * value, emit_f32(emitter, inst.op, args[0], args[1], args[2]));
    values.push_back(value);
  }
  std::vector<llvm::Value*> results;
  for (const int32_t id : program.results) results.push_back(values[static_cast<size_t>(id)]);
  return results;
}

Status why_not(const ScalarProgram& program, const std::vector<DType>& input_types) {
  for (const DType t : input_types) {
    if (t != DType::kF32) return error(Code::kUnsupported, "scalar program: not f32");
  }
  static_cast<void>(program);
  return {};
}

}  // namespace carnot::cpu
