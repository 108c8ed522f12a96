// Elementwise arithmetic, comparisons and logic of several operands; conversions.
#include <algorithm>

#include "base/text.h"
#include "onnx/import_table.h"
#include "onnx/quantize.h"
#include "onnx/session.h"

namespace carnot::onnx {

namespace {

struct BinaryRow {
  std::string_view name;
  ScalarOp op;
};
constexpr BinaryRow kBinary[] = {
    {"Add", ScalarOp::kAdd},
    {"And", ScalarOp::kAnd},
    {"BitwiseAnd", ScalarOp::kBitAnd},
    {"BitwiseOr", ScalarOp::kBitOr},
    {"BitwiseXor", ScalarOp::kBitXor},
    {"Div", ScalarOp::kDiv},
    {"Equal", ScalarOp::kEq},
    {"Greater", ScalarOp::kGt},
    {"GreaterOrEqual", ScalarOp::kGe},
    {"Less", ScalarOp::kLt},
    {"LessOrEqual", ScalarOp::kLe},
    {"Max", ScalarOp::kMax},
    {"Min", ScalarOp::kMin},
    {"Mul", ScalarOp::kMul},
    {"Or", ScalarOp::kOr},
    {"Sub", ScalarOp::kSub},
    {"Sum", ScalarOp::kAdd},
    {"Mean", ScalarOp::kAdd},
    {"Xor", ScalarOp::kXor},
    {"Pow", ScalarOp::kPow},
};

ScalarOp scalar_op(NodeImport& n) {
  for (const BinaryRow& row : kBinary) {
    if (row.name == n.type()) return row.op;
  }
  n.unsupported("has no scalar operation");
}

/// Before opset 7 the second operand was aligned with `axis` of the first, not with its end.
Value* second_operand(NodeImport& n) {
  Value* const b = n.in(1);
  if (n.opset() >= 7) return b;
  const int64_t rank = n.rank(0);
  if (!n.flag("broadcast", false)) {
    if (b->type().rank() != rank) {
      n.invalid("the operands have ranks ", rank, " and ", b->type().rank(),
                ", and broadcast is not set");
    }
    return b;
  }
  if (!n.has("axis")) return b;
  std::vector<int64_t> axes;
  const int64_t first = n.axis(n.integer("axis"), rank);
  for (int64_t i = 0; i < b->type().rank(); ++i) axes.push_back(n.axis(first + i, rank));
  return n.align(b, axes, rank);
}

void binary(NodeImport& n) {
  if (n.type(0).dtype == DType::kString) {
    n.unsupported("strings are not supported: do this before the model");
  }
  Value* a = n.in(0);
  Value* b = second_operand(n);
  for (Value** const other : {&a, &b}) {
    const DType wide = other == &a ? b->type().dtype : a->type().dtype;
    const bool narrow = (*other)->type().dtype == DType::kF32 && wide == DType::kF64;
    if (narrow && n.session().mixes_doubles()) *other = n.cast(*other, wide);
  }
  n.out(n.binary(scalar_op(n), a, b));
}

/// Any number of operands, folded from the left.
Value* fold(NodeImport& n) {
  const Values values = n.all_inputs();
  Value* out = values[0];
  const ScalarOp op = scalar_op(n);
  for (size_t i = 1; i < values.size(); ++i) out = n.binary(op, out, values[i]);
  return out;
}

void variadic(NodeImport& n) {
  n.out(fold(n));
}

void mean(NodeImport& n) {
  Value* const sum = fold(n);
  n.out(n.map(cat("div($0, #", n.input_count(), ")"), {sum}));
}

/// The base's type is the result's; the exponent may have another.
void pow(NodeImport& n) {
  Value* const base = n.in(0);
  Value* const exponent = second_operand(n);
  const DType type = base->type().dtype;
  if (exponent->type().dtype == type) return n.out(n.binary(ScalarOp::kPow, base, exponent));
  if (is_float(type) || !is_float(exponent->type().dtype)) {
    return n.out(n.binary(ScalarOp::kPow, base, n.cast(exponent, type)));
  }
  // A power that is whole but for rounding is that whole number: the cast would cut it.
  Value* const power = n.map(
      "t0 = pow($0, $1); t1 = round(t0); "
      "select(le(abs(sub(t0, t1)), mul(abs(t0), #1e-14)), t1, t0)",
      {n.cast(base, DType::kF64), n.cast(exponent, DType::kF64)});
  n.out(n.cast(power, type));
}

void mod(NodeImport& n) {
  const bool fmod = n.flag("fmod", false);
  if (!fmod && is_float(n.type(0).dtype)) n.invalid("floats need the attribute fmod = 1");
  n.out(n.binary(fmod ? ScalarOp::kRem : ScalarOp::kMod, n.in(0), n.in(1)));
}

void bit_shift(NodeImport& n) {
  const std::string direction = n.text("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") {
    n.invalid("the direction ", quote(direction), " is neither LEFT nor RIGHT");
  }
  n.out(n.binary(direction == "LEFT" ? ScalarOp::kShl : ScalarOp::kShr, n.in(0), n.in(1)));
}

void where(NodeImport& n) {
  n.out(n.map("select($0, $1, $2)", {n.in(0), n.in(1), n.in(2)}));
}

void cast(NodeImport& n) {
  if (n.opset() < 6) {
    // Types were names then.
    static constexpr std::pair<std::string_view, DType> kNames[] = {
        {"FLOAT", DType::kF32},  {"FLOAT16", DType::kF16}, {"DOUBLE", DType::kF64},
        {"INT8", DType::kI8},    {"INT16", DType::kI16},   {"INT32", DType::kI32},
        {"INT64", DType::kI64},  {"UINT8", DType::kU8},    {"UINT16", DType::kU16},
        {"UINT32", DType::kU32}, {"UINT64", DType::kU64},  {"BOOL", DType::kBool}};
    const std::string to = n.text("to", "");
    for (const auto& [name, dtype] : kNames) {
      if (name == to) return n.out(n.cast(n.in(0), dtype));
    }
    n.unsupported("the type ", quote(to), " is not supported");
  }
  n.integer("to");  // must be there
  n.out(convert(n, n.in(0), n.dtype("to", DType::kF32)));
}

void cast_like(NodeImport& n) {
  n.out(convert(n, n.in(0), n.type(1).dtype));
}

void bit_cast(NodeImport& n) {
  n.integer("to");
  const DType to = n.dtype("to", DType::kF32);
  if (bits_of(to) != bits_of(n.type(0).dtype) || to == DType::kString) {
    n.invalid("cannot reread ", to_string(n.type(0).dtype), " as ", to_string(to));
  }
  n.out(n.type(0).dtype == to ? n.in(0) : n.make(op::BitCast{to}, {n.in(0)}));
}

constexpr ImportRow kRows[] = {
    {"Add", 1, kNewest, 2, 2, 1, binary},
    {"And", 1, kNewest, 2, 2, 1, binary},
    {"BitCast", 26, kNewest, 1, 1, 1, bit_cast},
    {"BitShift", 11, kNewest, 2, 2, 1, bit_shift},
    {"BitwiseAnd", 18, kNewest, 2, 2, 1, binary},
    {"BitwiseOr", 18, kNewest, 2, 2, 1, binary},
    {"BitwiseXor", 18, kNewest, 2, 2, 1, binary},
    {"Cast", 1, kNewest, 1, 1, 1, cast},
    {"CastLike", 15, kNewest, 2, 2, 1, cast_like},
    {"Div", 1, kNewest, 2, 2, 1, binary},
    {"Equal", 1, kNewest, 2, 2, 1, binary},
    {"Greater", 1, kNewest, 2, 2, 1, binary},
    {"GreaterOrEqual", 12, kNewest, 2, 2, 1, binary},
    {"Less", 1, kNewest, 2, 2, 1, binary},
    {"LessOrEqual", 12, kNewest, 2, 2, 1, binary},
    {"Max", 1, kNewest, 1, kAny, 1, variadic},
    {"Mean", 1, kNewest, 1, kAny, 1, mean},
    {"Min", 1, kNewest, 1, kAny, 1, variadic},
    {"Mod", 10, kNewest, 2, 2, 1, mod},
    {"Mul", 1, kNewest, 2, 2, 1, binary},
    {"Or", 1, kNewest, 2, 2, 1, binary},
    {"Pow", 1, kNewest, 2, 2, 1, pow},
    {"Sub", 1, kNewest, 2, 2, 1, binary},
    {"Sum", 1, kNewest, 1, kAny, 1, variadic},
    {"Where", 9, kNewest, 3, 3, 1, where},
    {"Xor", 1, kNewest, 2, 2, 1, binary},
};

}  // namespace

std::span<const ImportRow> math_rows() {
  return kRows;
}

}  // namespace carnot::onnx
