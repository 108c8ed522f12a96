// How far a result may be from the reference: by what the operation does and its element type.
#include <cmath>

#include "ops/op.h"

namespace carnot {
namespace {

enum class Work : uint8_t {
  kMove,       // copies or picks elements: exact
  kPointwise,  // a few roundings of each element
  kSum         // folds many: the error goes with the largest terms, not with each result
};

bool computes_floats(const ScalarProgram& body) {
  for (const ScalarInst& inst : body.insts) {
    if (inst.op == ScalarOp::kRound || inst.op == ScalarOp::kFloor ||
        (inst.op == ScalarOp::kCast && !is_float(inst.type))) {
      return true;
    }
  }
  return false;
}

struct Classify {
  Work operator()(const op::Pointwise&) const { return Work::kPointwise; }
  Work operator()(const op::Range&) const { return Work::kPointwise; }
  Work operator()(const op::Attention&) const { return Work::kSum; }
  Work operator()(const op::Conv&) const { return Work::kSum; }
  Work operator()(const op::ConvTranspose&) const { return Work::kSum; }
  Work operator()(const op::Cumulative&) const { return Work::kSum; }
  Work operator()(const op::Einsum&) const { return Work::kSum; }
  Work operator()(const op::Fused&) const { return Work::kSum; }
  Work operator()(const op::GridSample&) const { return Work::kSum; }
  Work operator()(const op::If&) const { return Work::kSum; }
  Work operator()(const op::Loop&) const { return Work::kSum; }
  Work operator()(const op::MatMul&) const { return Work::kSum; }
  Work operator()(const op::Normalize&) const { return Work::kSum; }
  Work operator()(const op::Recurrent&) const { return Work::kSum; }
  Work operator()(const op::RoiAlign&) const { return Work::kSum; }
  Work operator()(const op::Scan&) const { return Work::kSum; }
  Work operator()(const op::Softmax&) const { return Work::kSum; }
  Work operator()(const op::Pool& op) const {
    return op.kind == op::Pool::kMaximum ? Work::kMove : Work::kSum;
  }
  Work operator()(const op::Reduce& op) const {
    const bool picks = op.kind == op::Reduce::kMaximum || op.kind == op::Reduce::kMinimum;
    return picks ? Work::kMove : Work::kSum;
  }
  Work operator()(const op::Resize& op) const {
    return op.mode == op::Resize::kNearest ? Work::kMove : Work::kSum;
  }
  Work operator()(const op::ScatterElements& op) const { return scatter(op.kind); }
  Work operator()(const op::ScatterNd& op) const { return scatter(op.kind); }
  template <class T>
  Work operator()(const T&) const {
    return Work::kMove;
  }
  static Work scatter(op::ScatterKind kind) {
    const bool folds = kind == op::ScatterKind::kAdd || kind == op::ScatterKind::kMul;
    return folds ? Work::kSum : Work::kMove;
  }
};

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

Tolerance tolerance(const Op& op, DType dtype) {
  const Work work = std::visit(Classify(), op);
  if (work == Work::kMove) return {};
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
  if (work == Work::kPointwise)
    return {narrow ? unit / 4 : 4 * unit, (narrow ? 2 : 32) * unit, false};
  // Sums of n random terms are off by about sqrt(n) units of the largest partial sum; 128 covers
  // the longest real ones (some 10,000 terms) with room for Winograd's transforms.
  return {narrow ? unit / 16 : 4 * unit, (narrow ? 4 : 128) * unit, true};
}

}  // namespace carnot
