// Scalar programs: building, types, simplification. Text is in scalar_text.cc, numbers in
// scalar_eval.cc.
#include "carnot/scalar.h"

#include <cmath>

#include "base/status.h"
#include "ops/scalar_eval.h"
#include "tensor/codec.h"

namespace carnot {
namespace {

struct Row {
  const char* text;
  int operands;
};
constexpr Row kRows[] = {
#define CARNOT_SCALAR(name, text, operands, rule) {text, operands},
#include "carnot/scalar_ops.def"
};

const Row& row(ScalarOp op) {
  const auto index = static_cast<size_t>(op);
  CARNOT_CHECK(index < std::size(kRows));
  return kRows[index];
}

// Bits of constants: NaN equals itself and 0.0 differs from -0.0.
bool same(const ScalarInst& a, const ScalarInst& b) {
  return a.op == b.op && a.args == b.args && a.type == b.type && a.integer == b.integer &&
         std::bit_cast<uint64_t>(a.real) == std::bit_cast<uint64_t>(b.real);
}

int32_t push(ScalarProgram& program, const ScalarInst& inst) {
  for (size_t i = 0; i < program.insts.size(); ++i) {
    if (same(program.insts[i], inst)) return program.inputs + static_cast<int32_t>(i);
  }
  program.insts.push_back(inst);
  return program.inputs + static_cast<int32_t>(program.insts.size()) - 1;
}

enum class Needs : uint8_t { kAny, kNumber, kFloat, kInteger, kBool };

Needs needs_of(ScalarOp op) {
  switch (op) {
    case ScalarOp::kConst:
    case ScalarOp::kCast:
    case ScalarOp::kEq:
    case ScalarOp::kNe:
    case ScalarOp::kSelect:
      return Needs::kAny;
    case ScalarOp::kNot:
    case ScalarOp::kAnd:
    case ScalarOp::kOr:
    case ScalarOp::kXor:
      return Needs::kBool;
    case ScalarOp::kBitNot:
    case ScalarOp::kBitAnd:
    case ScalarOp::kBitOr:
    case ScalarOp::kBitXor:
    case ScalarOp::kShl:
    case ScalarOp::kShr:
      return Needs::kInteger;
    case ScalarOp::kNeg:
    case ScalarOp::kAbs:
    case ScalarOp::kSign:
    case ScalarOp::kAdd:
    case ScalarOp::kSub:
    case ScalarOp::kMul:
    case ScalarOp::kDiv:
    case ScalarOp::kMod:
    case ScalarOp::kRem:
    case ScalarOp::kPow:
    case ScalarOp::kMin:
    case ScalarOp::kMax:
    case ScalarOp::kLt:
    case ScalarOp::kLe:
    case ScalarOp::kGt:
    case ScalarOp::kGe:
      return Needs::kNumber;
    default:
      return Needs::kFloat;
  }
}

const char* unmet(Needs needs, DType type) {
  const bool number = is_float(type) || is_integer(type);
  switch (needs) {
    case Needs::kAny:
      return type == DType::kString ? "a number or bool" : nullptr;
    case Needs::kNumber:
      return number ? nullptr : "a number";
    case Needs::kFloat:
      return is_float(type) ? nullptr : "a float";
    case Needs::kInteger:
      return is_integer(type) ? nullptr : "an integer";
    case Needs::kBool:
      return type == DType::kBool ? nullptr : "a bool";
  }
  return nullptr;
}

enum class Rule : uint8_t { kSame, kBool, kGiven, kSelect };
Rule rule_of(ScalarOp op) {
  constexpr Rule kRules[] = {
#define CARNOT_SCALAR(name, text, operands, rule) Rule::rule,
#include "carnot/scalar_ops.def"
  };
  return kRules[static_cast<size_t>(op)];
}

Result<DType> infer_inst(const ScalarInst& inst, const std::vector<DType>& types) {
  const auto operand = [&](int i) {
    return types[static_cast<size_t>(inst.args[static_cast<size_t>(i)])];
  };
  const int count = operands_of(inst.op);
  const bool select = inst.op == ScalarOp::kSelect;
  if (select && operand(0) != DType::kBool) {
    return error(Code::kInvalidArgument, "select needs a bool condition, got ",
                 to_string(operand(0)));
  }
  for (int i = select ? 1 : 0; i < count; ++i) {
    if (const char* wanted = unmet(needs_of(inst.op), operand(i))) {
      return error(Code::kInvalidArgument, to_string(inst.op), " needs ", wanted, " operand, got ",
                   to_string(operand(i)));
    }
    const DType first = operand(select ? 1 : 0);
    if (operand(i) != first) {
      return error(Code::kInvalidArgument, to_string(inst.op), " needs operands of one type, got ",
                   to_string(first), " and ", to_string(operand(i)));
    }
  }
  switch (rule_of(inst.op)) {
    case Rule::kSame:
      return operand(0);
    case Rule::kBool:
      return DType::kBool;
    case Rule::kSelect:
      return operand(1);
    case Rule::kGiven:
      break;
  }
  if (inst.type == DType::kString) {
    return error(Code::kInvalidArgument, to_string(inst.op), " cannot make a string");
  }
  return inst.type;
}

// Copies the instructions that results need, folding as it goes.
class Simplifier {
 public:
  Simplifier(const ScalarProgram& from, std::vector<DType> types)
      : from_(from), types_(std::move(types)), moved_(types_.size(), -1) {
    out_.inputs = from.inputs;
    for (int32_t i = 0; i < from.inputs; ++i) moved_[static_cast<size_t>(i)] = i;
  }

  ScalarProgram run() {
    std::vector<bool> needed(types_.size());
    for (const int32_t id : from_.results) needed[static_cast<size_t>(id)] = true;
    for (size_t i = from_.insts.size(); i-- > 0;) {
      const ScalarInst& inst = from_.insts[i];
      if (!needed[static_cast<size_t>(from_.inputs) + i]) continue;
      for (int k = 0; k < operands_of(inst.op); ++k) {
        needed[static_cast<size_t>(inst.args[static_cast<size_t>(k)])] = true;
      }
    }
    for (size_t i = 0; i < from_.insts.size(); ++i) {
      const size_t id = static_cast<size_t>(from_.inputs) + i;
      if (needed[id]) moved_[id] = move(from_.insts[i], types_[id]);
    }
    for (const int32_t id : from_.results) out_.results.push_back(moved_[static_cast<size_t>(id)]);
    // Folding may have left operands without a use: once more, from the results.
    return out_;
  }

 private:
  const ScalarInst* constant(int32_t id) const {
    if (id < out_.inputs) return nullptr;
    const ScalarInst& inst = out_.insts[static_cast<size_t>(id - out_.inputs)];
    return inst.op == ScalarOp::kConst ? &inst : nullptr;
  }

  int32_t move(ScalarInst inst, DType type) {
    const int count = operands_of(inst.op);
    bool constants = count > 0;
    std::array<Scalar, 3> operands{};
    const DType from =
        count ? types_[static_cast<size_t>(inst.args[inst.op == ScalarOp::kSelect ? 1 : 0])]
              : inst.type;
    for (size_t k = 0; k < static_cast<size_t>(count); ++k) {
      inst.args[k] = moved_[static_cast<size_t>(inst.args[k])];
      const ScalarInst* value = constant(inst.args[k]);
      constants = constants && value;
      if (value) operands[k] = apply(*value, value->type, {});
    }
    if (constants) {
      const Scalar value = apply(inst, from, operands[0], operands[1], operands[2]);
      return is_float(type) ? out_.constant(type, value.real)
                            : out_.constant_int(type, value.integer);
    }
    if (inst.op == ScalarOp::kCast && from == type) return inst.args[0];
    if (inst.op == ScalarOp::kSelect) {
      if (constant(inst.args[0])) return inst.args[operands[0].integer ? 1 : 2];
      if (inst.args[1] == inst.args[2]) return inst.args[1];
    }
    return push(out_, inst);
  }

  const ScalarProgram& from_;
  std::vector<DType> types_;
  std::vector<int32_t> moved_;
  ScalarProgram out_;
};

}  // namespace

int operands_of(ScalarOp op) {
  return row(op).operands;
}
const char* to_string(ScalarOp op) {
  return row(op).text;
}

int32_t ScalarProgram::add(ScalarOp op, int32_t a, int32_t b, int32_t c) {
  ScalarInst inst;
  inst.op = op;
  inst.args = {a, b, c};
  return push(*this, inst);
}

int32_t ScalarProgram::constant(DType type, double value) {
  if (!is_float(type)) return constant_int(type, to_integer(type, value));
  ScalarInst inst;
  inst.type = type;
  inst.real = type == DType::kF64 ? value : decode_float(type, encode_float(type, value));
  return push(*this, inst);
}

int32_t ScalarProgram::constant_int(DType type, int64_t value) {
  if (is_float(type)) return constant(type, to_double(DType::kI64, value, type != DType::kF64));
  ScalarInst inst;
  inst.type = type;
  inst.integer = wrap_integer(type, value);
  return push(*this, inst);
}

int32_t ScalarProgram::cast(int32_t a, DType type) {
  ScalarInst inst;
  inst.op = ScalarOp::kCast;
  inst.args = {a, -1, -1};
  inst.type = type;
  return push(*this, inst);
}

std::vector<int32_t> ScalarProgram::append(const ScalarProgram& other,
                                           const std::vector<int32_t>& bind) {
  CARNOT_CHECK(static_cast<int32_t>(bind.size()) == other.inputs);
  std::vector<int32_t> moved = bind;
  for (ScalarInst inst : other.insts) {
    for (int k = 0; k < operands_of(inst.op); ++k) {
      int32_t& arg = inst.args[static_cast<size_t>(k)];
      arg = moved[static_cast<size_t>(arg)];
    }
    moved.push_back(push(*this, inst));
  }
  std::vector<int32_t> out;
  for (const int32_t id : other.results) out.push_back(moved[static_cast<size_t>(id)]);
  return out;
}

Result<std::vector<DType>> infer(const ScalarProgram& program, const std::vector<DType>& inputs) {
  if (program.inputs < 0 || static_cast<size_t>(program.inputs) != inputs.size()) {
    return error(Code::kInvalidArgument, "the scalar program takes ", program.inputs,
                 " operands, got ", inputs.size());
  }
  std::vector<DType> types = inputs;
  for (const ScalarInst& inst : program.insts) {
    for (int k = 0; k < operands_of(inst.op); ++k) {
      const int32_t arg = inst.args[static_cast<size_t>(k)];
      if (arg < 0 || static_cast<size_t>(arg) >= types.size()) {
        return error(Code::kInvalidArgument, to_string(inst.op), " refers to value ", arg,
                     ", which is not computed before it");
      }
    }
    CARNOT_ASSIGN(const DType type, infer_inst(inst, types));
    types.push_back(type);
  }
  if (program.results.empty())
    return error(Code::kInvalidArgument, "a scalar program has no result");
  for (const int32_t id : program.results) {
    if (id < 0 || static_cast<size_t>(id) >= types.size()) {
      return error(Code::kInvalidArgument, "result ", id, " of a scalar program does not exist");
    }
  }
  return types;
}

ScalarProgram simplify(const ScalarProgram& program, const std::vector<DType>& inputs) {
  const Result<std::vector<DType>> types = infer(program, inputs);
  if (!types.ok()) return program;
  ScalarProgram once = Simplifier(program, *types).run();
  // Folding leaves constants behind that nothing uses any more.
  const Result<std::vector<DType>> again = infer(once, inputs);
  return again.ok() ? Simplifier(once, *again).run() : once;
}

}  // namespace carnot
