#include "codegen/cuda/scalar_text.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/status.h"
#include "base/text.h"

namespace carnot::cuda {

namespace {

bool is_narrow_float(DType dtype) {
  return is_float(dtype) && bits_of(dtype) < 32;
}

/// i4 and u4 live in bytes: what left their range comes back.
std::string wrapped(DType dtype, const std::string& value) {
  if (dtype == DType::kI4 || dtype == DType::kU4)
    return cat("wrap_", to_string(dtype), "(", value, ")");
  return value;
}

std::string call(const char* function, const std::string& a) {
  return cat(function, "(", a, ")");
}
std::string call(const char* function, const std::string& a, const std::string& b) {
  return cat(function, "(", a, ", ", b, ")");
}

/// Functions of one float that are called by the operation's name.
const char* float_function(ScalarOp op) {
  switch (op) {
    case ScalarOp::kAbs:
      return "fabs";
    case ScalarOp::kRound:
      return "rint";
    case ScalarOp::kIsNan:
    case ScalarOp::kIsInf:
    case ScalarOp::kSign:
    case ScalarOp::kSigmoid:
      return nullptr;
    default:
      return to_string(op);
  }
}

/// Powers by small constants are products and roots; empty where they are not.
std::string power_by_constant(DType type, const std::string& x, double exponent) {
  const std::string one = literal(type, 1, 1);
  if (exponent == 1) return x;
  if (exponent == 2) return cat(x, " * ", x);
  if (exponent == 3) return cat(x, " * ", x, " * ", x);
  if (exponent == 4) return cat("(", x, " * ", x, ") * (", x, " * ", x, ")");
  if (exponent == -1) return cat(one, " / ", x);
  if (exponent == -2) return cat(one, " / (", x, " * ", x, ")");
  if (exponent == 0.5) return call("power_half", x);
  if (exponent == -0.5) return cat(one, " / power_half(", x, ")");
  return {};
}

std::string float_text(ScalarOp op, DType type, const std::vector<std::string>& x) {
  switch (op) {
    case ScalarOp::kNeg:
      return cat("-", x[0]);
    case ScalarOp::kRecip:
      return cat(literal(type, 1, 1), " / ", x[0]);
    case ScalarOp::kIsNan:
      return cat(x[0], " != ", x[0]);
    case ScalarOp::kIsInf:
      return cat("fabs(", x[0], ") == ", literal(type, std::numeric_limits<double>::infinity(), 0));
    case ScalarOp::kSign:
      return call("sign", x[0]);
    case ScalarOp::kSigmoid:
      return call("sigmoid", x[0]);
    case ScalarOp::kErf:
      return call(type == DType::kF64 ? "erf" : "erf_f32", x[0]);
    case ScalarOp::kAdd:
      return cat(x[0], " + ", x[1]);
    case ScalarOp::kSub:
      return cat(x[0], " - ", x[1]);
    case ScalarOp::kMul:
      return cat(x[0], " * ", x[1]);
    case ScalarOp::kDiv:
      return cat(x[0], " / ", x[1]);
    case ScalarOp::kMod:
      return call("float_mod", x[0], x[1]);
    case ScalarOp::kRem:
      return call("fmod", x[0], x[1]);
    case ScalarOp::kPow:
      return call("pow", x[0], x[1]);
    case ScalarOp::kMin:
      return call("lesser", x[0], x[1]);
    case ScalarOp::kMax:
      return call("greater", x[0], x[1]);
    default:
      return call(float_function(op), x[0]);
  }
}

const char* comparison(ScalarOp op) {
  switch (op) {
    case ScalarOp::kEq:
      return " == ";
    case ScalarOp::kNe:
      return " != ";
    case ScalarOp::kLt:
      return " < ";
    case ScalarOp::kLe:
      return " <= ";
    case ScalarOp::kGt:
      return " > ";
    case ScalarOp::kGe:
      return " >= ";
    default:
      return nullptr;
  }
}

/// Empty where the divisor is no constant, or one whose reciprocal could leave the normal numbers.
std::string division_by_constant(DType type, const std::string& x, std::optional<double> divisor) {
  constexpr double kLargest = 0x1p100;
  if (type == DType::kF64 || !divisor) return {};
  const double size = std::abs(*divisor);
  if (!(size >= 1 / kLargest && size <= kLargest)) return {};
  const auto narrow = static_cast<float>(*divisor);
  return cat("divide_by(", x, ", ", literal(type, *divisor, 0), ", ",
             literal(type, static_cast<double>(1.0f / narrow), 0), ")");
}

/// Arithmetic that wraps is done by functions of scalar.cuh: C++ promotes and overflows.
std::string integer_text(ScalarOp op, DType type, const std::vector<std::string>& x) {
  switch (op) {
    case ScalarOp::kNeg:
    case ScalarOp::kAbs:
    case ScalarOp::kSign:
    case ScalarOp::kBitNot:
      return wrapped(type, cat("int_", to_string(op), "(", x[0], ")"));
    case ScalarOp::kMin:
      return call("lesser", x[0], x[1]);
    case ScalarOp::kMax:
      return call("greater", x[0], x[1]);
    case ScalarOp::kShl:
    case ScalarOp::kShr:
      return wrapped(type,
                     cat("int_", to_string(op), "<", bits_of(type), ">(", x[0], ", ", x[1], ")"));
    default:
      return wrapped(type, cat("int_", to_string(op), "(", x[0], ", ", x[1], ")"));
  }
}

std::string bool_text(ScalarOp op, const std::vector<std::string>& x) {
  switch (op) {
    case ScalarOp::kNot:
    case ScalarOp::kBitNot:
      return cat("!", x[0]);
    case ScalarOp::kAnd:
    case ScalarOp::kBitAnd:
    case ScalarOp::kMin:
    case ScalarOp::kMul:
      return cat("(", x[0], " & ", x[1], ") != 0");
    case ScalarOp::kOr:
    case ScalarOp::kBitOr:
    case ScalarOp::kMax:
      return cat("(", x[0], " | ", x[1], ") != 0");
    default:
      return cat(x[0], " != ", x[1]);  // xor
  }
}

/// The number that a name was given by a constant, if it was.
std::optional<double> constant_value(const ScalarProgram& program, int32_t id) {
  if (id < program.inputs) return std::nullopt;
  const ScalarInst& inst = program.insts[static_cast<size_t>(id - program.inputs)];
  if (inst.op != ScalarOp::kConst || !is_float(inst.type)) return std::nullopt;
  return inst.real;
}

}  // namespace

const char* register_type(DType dtype) {
  if (dtype == DType::kF64) return "double";
  if (is_float(dtype)) return "float";
  if (dtype == DType::kBool) return "bool";
  if (dtype == DType::kI4) return "i8";
  if (dtype == DType::kU4) return "u8";
  return to_string(dtype);
}

const char* storage_type(DType dtype) {
  if (dtype == DType::kBool) return "u8";
  if (!is_narrow_float(dtype)) return register_type(dtype);
  return bits_of(dtype) == 16 ? "u16" : "u8";
}

std::string from_memory(DType dtype, const std::string& value) {
  if (dtype == DType::kBool) return cat("(", value, " != 0)");
  if (!is_narrow_float(dtype)) return value;
  return cat("from_", to_string(dtype), "(", value, ")");
}

std::string to_memory(DType dtype, const std::string& value) {
  if (dtype == DType::kBool) return cat("(u8)", value);
  if (!is_narrow_float(dtype)) return value;
  return cat("to_", to_string(dtype), "(", value, ")");
}

std::string cast_text(DType from, DType to, const std::string& value) {
  if (from == to) return value;
  if (to == DType::kBool) return cat(value, " != 0");
  if (is_float(to)) {
    const std::string real = cat("(", register_type(to), ")", value);
    return is_narrow_float(to) ? from_memory(to, to_memory(to, real)) : real;
  }
  if (!is_float(from)) return wrapped(to, cat("(", register_type(to), ")", value));
  if (to == DType::kI4) return cat("saturate_i4(", value, ")");
  if (to == DType::kU4) return cat("saturate_u4(", value, ")");
  return cat("saturate<", register_type(to), ">(", value, ")");
}

std::string literal(DType dtype, double real, int64_t integer) {
  if (is_float(dtype)) {
    const bool wide = dtype == DType::kF64;
    const auto narrow = static_cast<float>(real);
    if (std::isnan(real)) return wide ? "nan_f64()" : "nan_f32()";
    if (std::isinf(wide ? real : static_cast<double>(narrow))) {
      return cat(real < 0 ? "-" : "", wide ? "infinity_f64()" : "infinity_f32()");
    }
    const std::string text = wide ? print_float(real) : print_float(narrow) + "f";
    return text[0] == '-' ? cat("(", text, ")") : text;
  }
  if (dtype == DType::kBool) return integer ? "true" : "false";
  const char* type = register_type(dtype);
  if (dtype == DType::kI64 && integer == std::numeric_limits<int64_t>::min()) {
    return "(-9223372036854775807ll - 1)";
  }
  if (dtype == DType::kU64) return cat("u64(", static_cast<uint64_t>(integer), "ull)");
  return cat(type, "(", integer, "ll)");
}

std::string instruction_text(const ScalarInst& inst, const std::vector<DType>& types,
                             const std::vector<std::string>& operands) {
  switch (inst.op) {
    case ScalarOp::kConst:
      return literal(inst.type, inst.real, inst.integer);
    case ScalarOp::kCast:
      return cast_text(types[0], inst.type, operands[0]);
    case ScalarOp::kSelect:
      return cat(operands[0], " ? ", operands[1], " : ", operands[2]);
    default:
      break;
  }
  if (const char* sign = comparison(inst.op)) return cat(operands[0], sign, operands[1]);
  if (is_float(types[0])) return float_text(inst.op, types[0], operands);
  if (types[0] == DType::kBool) return bool_text(inst.op, operands);
  return integer_text(inst.op, types[0], operands);
}

ScalarText scalar_text(const ScalarProgram& program, const std::vector<DType>& types,
                       const std::vector<std::string>& inputs, std::string_view prefix) {
  CARNOT_CHECK(inputs.size() == static_cast<size_t>(program.inputs));
  ScalarText out;
  out.values = inputs;
  for (const ScalarInst& inst : program.insts) {
    const size_t id = out.values.size();
    if (inst.op == ScalarOp::kConst) {
      out.values.push_back(literal(inst.type, inst.real, inst.integer));
      continue;
    }
    std::vector<DType> operand_types;
    std::vector<std::string> operands;
    for (int i = 0; i < operands_of(inst.op); ++i) {
      const auto arg = static_cast<size_t>(inst.args[static_cast<size_t>(i)]);
      operand_types.push_back(types[arg]);
      operands.push_back(out.values[arg]);
    }
    std::string text;
    if (inst.op == ScalarOp::kPow && is_float(operand_types[0])) {
      const std::optional<double> exponent = constant_value(program, inst.args[1]);
      if (exponent) text = power_by_constant(operand_types[0], operands[0], *exponent);
    }
    if (inst.op == ScalarOp::kDiv && is_float(operand_types[0])) {
      text = division_by_constant(operand_types[0], operands[0],
                                  constant_value(program, inst.args[1]));
    }
    if (text.empty()) text = instruction_text(inst, operand_types, operands);
    const std::string name = cat(prefix, id);
    out.statements.push_back(cat("const ", register_type(types[id]), " ", name, " = ", text, ";"));
    out.values.push_back(name);
  }
  return out;
}

}  // namespace carnot::cuda
