// How far a result may be from the reference: by what the operation does and its element type.
#include <cmath>

#include "ops/op.h"

namespace carnot {
namespace {

bool computes_floats(const ScalarProgram& body) {
  for (const ScalarInst& inst : body.insts) {
    if (inst.op == ScalarOp::kRound || inst.op == ScalarOp::kFloor ||
        (inst.op == ScalarOp::kCast && !is_float(inst.type))) {
      return true;
    }
  }
  return false;
}

op::Rounding rounding_of(const Op& op) {
  return std::visit(
      [](const auto& data) {
        if constexpr (requires { data.rounding(); }) return data.rounding();
        return op::Rounding::kNone;
      },
      op);
}

// The distance from 1 to the next number.
double unit_of(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return 0x1p-52;
    case DType::kF32:
      return 0x1p-23;
    case DType::kF16:
      return 0x1p-10;
    case DType::kBF16:
      return 0x1p-7;
    case DType::kF8E4M3:
    case DType::kF8E4M3UZ:
      return 0x1p-3;
    case DType::kF8E5M2:
    case DType::kF8E5M2UZ:
      return 0x1p-2;
    case DType::kF4E2M1:
      return 0x1p-1;
    case DType::kF8E8M0:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

Tolerance tolerance(const Op& op, DType dtype, Products products) {
  const op::Rounding rounding = rounding_of(op);
  if (rounding == op::Rounding::kNone) return {};
  if (!is_float(dtype)) {
    // Where a float is turned into an integer, the last rounding may fall to the other side.
    const auto* pointwise = std::get_if<op::Pointwise>(&op);
    const bool converts =
        pointwise ? computes_floats(pointwise->body) : std::holds_alternative<op::Fused>(op);
    return {converts && is_integer(dtype) ? 1.0 : 0.0, 0, false};
  }
  const double unit = unit_of(dtype);
  // Polynomial exp, log, tanh ... are good to a few units of their own, a chain of them to some
  // more. Narrow types are computed in f32 and rounded once, at the end (and, where they are stored
  // in between, a few times).
  const bool narrow = bits_of(dtype) <= 16;
  if (rounding == op::Rounding::kEach) {
    return {narrow ? unit / 4 : 4 * unit, (narrow ? 2 : 32) * unit, false};
  }
  // Both factors lose what is beyond 10 bits, cut off rather than rounded on some tensor cores: as
  // f16, but for the result, which is not rounded again.
  if (products == Products::kTF32 && dtype == DType::kF32) {
    const double coarse = unit_of(DType::kF16);
    return {coarse / 16, 4 * coarse, true};
  }
  // Sums of n random terms are off by about sqrt(n) units of the largest partial sum; 128 covers
  // the longest real ones (some 10,000 terms) with room for Winograd's transforms.
  return {narrow ? unit / 16 : 4 * unit, (narrow ? 4 : 128) * unit, true};
}

}  // namespace carnot
