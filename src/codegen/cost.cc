#include "codegen/cost.h"

namespace carnot {

int cost_of(const ScalarProgram& program) {
  int cost = 0;
  for (const ScalarInst& inst : program.insts) {
    switch (inst.op) {
      case ScalarOp::kConst:
        break;
      case ScalarOp::kDiv:
      case ScalarOp::kRecip:
      case ScalarOp::kSqrt:
        cost += 8;
        break;
      case ScalarOp::kExp:
      case ScalarOp::kLog:
        cost += 14;
        break;
      case ScalarOp::kTanh:
      case ScalarOp::kSigmoid:
      case ScalarOp::kErf:
        cost += 28;
        break;
      case ScalarOp::kSin:
      case ScalarOp::kCos:
      case ScalarOp::kTan:
      case ScalarOp::kPow:
      case ScalarOp::kMod:
      case ScalarOp::kRem:
      case ScalarOp::kAsin:
      case ScalarOp::kAcos:
      case ScalarOp::kAtan:
      case ScalarOp::kSinh:
      case ScalarOp::kCosh:
      case ScalarOp::kAsinh:
      case ScalarOp::kAcosh:
      case ScalarOp::kAtanh:
        cost += 100;
        break;
      default:
        cost += 1;
    }
  }
  return cost;
}

}  // namespace carnot
