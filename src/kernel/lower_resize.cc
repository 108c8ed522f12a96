// Resize as index arithmetic. A coordinate is a fraction numerator/denominator of integers, so its
// floor is a floor_div and its fraction a mod: exact, and the same for symbolic sizes.
#include <array>
#include <cmath>
#include <numeric>

#include "kernel/lowering.h"

namespace carnot {

using Id = StageBuilder::Id;

namespace {

struct Fraction {
  Dim numerator;
  Dim denominator = 1;
};

// a/b with b <= 2^16 and |a/b - value| tiny, or nothing.
bool as_ratio(double value, int64_t* a, int64_t* b) {
  constexpr int64_t kMaxDenominator = 1 << 16;
  for (int64_t d = 1; d <= kMaxDenominator; d = d < 64 ? d + 1 : d * 2) {
    const double n = std::round(value * static_cast<double>(d));
    if (n >= 1 && n < 1e9 && std::abs(n / static_cast<double>(d) - value) <= 1e-7 * value) {
      *a = static_cast<int64_t>(n), *b = d;
      return true;
    }
  }
  return false;
}

// The scale of one axis: sizes' ratio where scales are absent or agree with it.
bool scale_of(const op::Resize& op, size_t axis, const Dim& in, const Dim& out, Dim* up,
              Dim* down) {
  *up = out, *down = in;
  if (op.scales.empty()) return true;
  const double scale = op.scales[axis];
  if (in.is_constant() && out.is_constant() &&
      std::abs(scale * static_cast<double>(in.value()) - static_cast<double>(out.value())) < 1e-3) {
    return true;
  }
  int64_t a = 0, b = 0;
  if (!as_ratio(scale, &a, &b)) return false;
  *up = a, *down = b;
  return true;
}

// The input coordinate of output index i.
Fraction coordinate(const op::Resize& op, const Dim& i, const Dim& in, const Dim& out,
                    const Dim& up, const Dim& down) {
  switch (op.coordinates) {
    case op::Resize::kAsymmetric:
      return {i * down, up};
    case op::Resize::kAlignCorners:
      return {i * (in - Dim(1)), max(out - Dim(1), Dim(1))};
    default:  // half_pixel: (i + 1/2) * down/up - 1/2
      return {(i * Dim(2) + Dim(1)) * down - up, up * Dim(2)};
  }
}

Dim nearest_index(const op::Resize& op, const Fraction& x) {
  const Dim two = x.denominator * Dim(2);
  switch (op.nearest) {
    case op::Resize::kFloor:
      return floor_div(x.numerator, x.denominator);
    case op::Resize::kCeil:
      return ceil_div(x.numerator, x.denominator);
    case op::Resize::kRoundPreferCeil:  // floor(x + 1/2)
      return floor_div(x.numerator * Dim(2) + x.denominator, two);
    default:  // ceil(x - 1/2)
      return ceil_div(x.numerator * Dim(2) - x.denominator, two);
  }
}

}  // namespace

std::string why_not_resize(const Node& node) {
  const auto& op = *node.as<op::Resize>();
  if (node.inputs.size() > 1) return "its sizes are computed at run time";
  if (op.mode == op::Resize::kCubic && op.exclude_outside) return "weights that leave some out";
  if (op.antialias) return "antialiasing";
  if (!is_float(node.inputs[0]->type().dtype)) return "not a float image";
  if (op.coordinates == op::Resize::kHalfPixelSymmetric ||
      op.coordinates == op::Resize::kCropAndResize) {
    return "these coordinates are not index arithmetic";
  }
  const Dims& in = node.inputs[0]->type().dims;
  constexpr int kCubicAxesMax = 2;  // of 4 neighbours each
  int axes = 0;
  for (size_t a = 0; a < in.size(); ++a) {
    Dim up, down;
    if (in[a] == op.sizes[a]) continue;
    if (op.mode == op::Resize::kCubic && ++axes > kCubicAxesMax) return "cubic along 3 axes";
    if (!scale_of(op, a, in[a], op.sizes[a], &up, &down)) return "an irrational scale";
    if (op.coordinates == op::Resize::kPytorchHalfPixel && !op.sizes[a].is_constant()) {
      return "pytorch_half_pixel of a symbolic size";
    }
  }
  return "";
}

namespace {

// The weights of the neighbours before, at, after and further after a position whose fraction is t.
std::array<Id, 4> cubic_weights(StageBuilder& b, DType type, double a, Id t) {
  const auto constant = [&](double x) { return b.constant(type, x); };
  const auto add = [&](Id x, double y) { return b.op(ScalarOp::kAdd, x, constant(y)); };
  const auto times = [&](Id x, Id y) { return b.op(ScalarOp::kMul, x, y); };
  const auto scaled = [&](Id x, double y) { return times(x, constant(y)); };
  // Of a distance within 1, and of one within 2.
  const auto near = [&](Id d) {
    return add(times(times(add(scaled(d, a + 2), -(a + 3)), d), d), 1);
  };
  const auto far = [&](Id d) {
    return add(times(add(times(add(scaled(d, a), -5 * a), d), 8 * a), d), -4 * a);
  };
  const Id rest = b.op(ScalarOp::kSub, constant(1), t);
  return {far(add(t, 1)), near(t), near(rest), far(add(rest, 1))};
}

}  // namespace

Result<Id> Lowering::eval_resize(StageBuilder& b, const Node& node, const op::Resize& op,
                                 const Dims& index) {
  const Value* x = node.inputs[0];
  const Dims& in = x->type().dims;
  const DType type = x->type().dtype;
  // One or two (index, weight) pairs an axis; the corners are their product.
  struct Tap {
    Dim index;
    Id weight = -1;
  };
  std::vector<std::vector<Tap>> taps;
  for (size_t a = 0; a < in.size(); ++a) {
    const Dim last = in[a] - Dim(1);
    Dim up, down;
    const bool same = in[a] == op.sizes[a] && (op.scales.empty() || op.scales[a] == 1);
    if (same || in[a].is(1)) {
      taps.push_back({{same ? index[a] : Dim(0), -1}});
      continue;
    }
    if (!scale_of(op, a, in[a], op.sizes[a], &up, &down)) {
      return error(Code::kUnsupported, "resize: an irrational scale");
    }
    Fraction c = coordinate(op, index[a], in[a], op.sizes[a], up, down);
    if (op.coordinates == op::Resize::kPytorchHalfPixel && op.sizes[a].is(1)) c = {0, 1};
    if (op.mode == op::Resize::kNearest) {
      taps.push_back({{max(Dim(0), min(nearest_index(op, c), last)), -1}});
      continue;
    }
    const Dim low = floor_div(c.numerator, c.denominator);
    const Id part = b.expression(mod(c.numerator, c.denominator), type);
    const Id whole = b.expression(c.denominator, type);
    const Id high_weight = b.op(ScalarOp::kDiv, part, whole);
    if (op.mode == op::Resize::kCubic) {
      const std::array<Id, 4> weights = cubic_weights(b, type, op.cubic_a, high_weight);
      taps.emplace_back();
      for (int k = 0; k < 4; ++k) {
        const Dim at = low + Dim(k - 1);
        taps.back().push_back({max(Dim(0), min(at, last)), weights[static_cast<size_t>(k)]});
      }
      continue;
    }
    const Id low_weight = b.op(ScalarOp::kSub, b.constant(type, 1), high_weight);
    taps.push_back({{max(Dim(0), min(low, last)), low_weight},
                    {max(Dim(0), min(low + Dim(1), last)), high_weight}});
  }
  Id sum = -1;
  std::vector<size_t> at(taps.size(), 0);
  while (true) {
    Dims corner;
    Id weight = -1;
    for (size_t a = 0; a < taps.size(); ++a) {
      const Tap& tap = taps[a][at[a]];
      corner.push_back(tap.index);
      if (tap.weight >= 0) {
        weight = weight < 0 ? tap.weight : b.op(ScalarOp::kMul, weight, tap.weight);
      }
    }
    CARNOT_ASSIGN(Id value, eval(b, x, corner, {}));
    if (weight >= 0) value = b.op(ScalarOp::kMul, value, weight);
    sum = sum < 0 ? value : b.op(ScalarOp::kAdd, sum, value);
    size_t a = 0;
    while (a < at.size() && ++at[a] == taps[a].size()) at[a++] = 0;
    if (a == at.size()) break;
  }
  return sum;
}

}  // namespace carnot
