// Masks are compared positions: of keys along the last axis, of queries along the one before. Both
// are followed to where they come from, as a * i + b * j + c with i the query and j the key.
#include "passes/causal_mask.h"

#include <algorithm>

#include "ir/match.h"

namespace carnot {

namespace {

constexpr int kDepthMax = 16;  // operations between a position and its comparison
// Larger constants are not searched for a causal pattern.
constexpr int64_t kElementsMax = 1 << 24;

struct Position {
  int64_t query = 0, key = 0;  // factors
  Dim constant = 0;
};

std::optional<Position> operator+(const std::optional<Position>& a,
                                  const std::optional<Position>& b) {
  if (!a || !b) return {};
  return Position{a->query + b->query, a->key + b->key, a->constant + b->constant};
}
std::optional<Position> operator-(const std::optional<Position>& a) {
  if (!a) return {};
  return Position{-a->query, -a->key, Dim(0) - a->constant};
}

std::optional<Position> position_of(const Value* value, int depth);

// What an axis of a value counted from its end becomes behind a reshape that only adds or drops
// axes of size 1; -1 where it is no such reshape.
int64_t axis_before(const Dims& from, const Dims& to, int64_t from_end) {
  const auto others = [](const Dims& dims) {
    Dims out;
    std::copy_if(dims.begin(), dims.end(), std::back_inserter(out),
                 [](const Dim& d) { return !d.is(1); });
    return out;
  };
  const Dim& size = to[to.size() - 1 - static_cast<size_t>(from_end)];
  if (size.is(1) || others(from) != others(to)) return -1;
  int64_t large = 0;  // sizes other than 1 behind the axis
  for (int64_t i = 0; i < from_end; ++i) large += !to[to.size() - 1 - static_cast<size_t>(i)].is(1);
  for (int64_t i = 0; i < static_cast<int64_t>(from.size()); ++i) {
    if (from[from.size() - 1 - static_cast<size_t>(i)].is(1)) continue;
    if (large-- == 0) return i;
  }
  return -1;
}

// The index along the axis that many from the end, where the value is nothing else.
bool is_index(const Value* value, int64_t from_end, int depth) {
  const Node* node = value->producer;
  const Dims& dims = value->type().dims;
  if (!node || depth > kDepthMax || from_end >= static_cast<int64_t>(dims.size())) return false;
  if (const auto* iota = node->as<op::Iota>()) {
    return static_cast<int64_t>(dims.size()) - 1 - iota->axis == from_end;
  }
  if (node->as<op::Reshape>()) {
    const int64_t before = axis_before(node->inputs[0]->type().dims, dims, from_end);
    return before >= 0 && is_index(node->inputs[0], before, depth + 1);
  }
  if (node->as<op::Expand>()) return is_index(node->inputs[0], from_end, depth + 1);
  const auto step = scalar_step(value, ScalarOp::kCast);
  return step && step->operands[0].value && !is_float(step->type) &&
         is_index(step->operands[0].value, from_end, depth + 1);
}

// Of every result of a program of sums, differences and casts.
std::optional<Position> position_in(const Node& node, int32_t id, int depth) {
  const ScalarProgram& body = node.as<op::Pointwise>()->body;
  if (id < body.inputs) return position_of(node.inputs[static_cast<size_t>(id)], depth + 1);
  const ScalarInst& inst = body.insts[static_cast<size_t>(id - body.inputs)];
  const auto operand = [&](size_t i) { return position_in(node, inst.args[i], depth); };
  switch (inst.op) {
    case ScalarOp::kConst:
      if (is_float(inst.type)) return {};
      return Position{0, 0, inst.integer};
    case ScalarOp::kCast:
      return is_float(inst.type) ? std::nullopt : operand(0);
    case ScalarOp::kAdd:
      return operand(0) + operand(1);
    case ScalarOp::kSub:
      return operand(0) + -operand(1);
    default:
      return {};
  }
}

// Numbers that count along one of the last two axes.
std::optional<Position> counted(const Tensor& numbers) {
  const auto count = numbers.elements();
  const Shape& shape = numbers.shape();
  const auto along = [&](size_t from_end) {
    return shape.size() > from_end && shape[shape.size() - 1 - from_end] == count;
  };
  if (count < 2 || count > kElementsMax || numbers.is_splat() || !(along(0) || along(1))) return {};
  const auto first = static_cast<int64_t>(numbers.get(0));
  for (int64_t i = 1; i < count; ++i) {
    if (static_cast<int64_t>(numbers.get(i)) != first + i) return {};
  }
  return Position{along(0) ? 0 : 1, along(0) ? 1 : 0, first};
}

std::optional<Position> position_of(const Value* value, int depth) {
  if (depth > kDepthMax || is_float(value->type().dtype)) return {};
  if (const auto number = uniform_value(value)) {
    return Position{0, 0, static_cast<int64_t>(*number)};
  }
  if (const Tensor* numbers = constant_of(value)) return counted(*numbers);
  if (is_index(value, 0, depth)) return Position{0, 1, 0};
  if (is_index(value, 1, depth)) return Position{1, 0, 0};
  const Node* node = value->producer;
  if (!node) return {};
  if (node->as<op::Pointwise>() && node->outputs.size() == 1) {
    return position_in(*node, node->as<op::Pointwise>()->body.results[0], depth);
  }
  // One size of a shape.
  const auto* dims = node->as<op::DimsTensor>();
  if (dims && dims->values.size() == 1) return Position{0, 0, dims->values[0]};
  return {};
}

// Whether key j is seen by query i just where j <= i + keys - queries.
bool is_causal_constant(const Tensor& mask, bool negated, const ScoreSizes& sizes) {
  const int64_t rank = mask.rank();
  if (rank < 2 || mask.is_splat() || mask.elements() > kElementsMax) return false;
  const int64_t s = mask.shape()[static_cast<size_t>(rank - 2)];
  const int64_t t = mask.shape()[static_cast<size_t>(rank - 1)];
  if (mask.elements() != s * t || t < s || !sizes.queries.is(s) || !sizes.keys.is(t)) return false;
  for (int64_t i = 0; i < s; ++i) {
    for (int64_t j = 0; j < t; ++j) {
      if ((mask.get(i * t + j) != 0) != ((j <= i + t - s) != negated)) return false;
    }
  }
  return true;
}

bool is_causal_comparison(const Node& node, bool negated, const ScoreSizes& sizes) {
  const auto* pointwise = node.as<op::Pointwise>();
  if (!pointwise || pointwise->body.results.size() != 1) return false;
  const ScalarProgram& body = pointwise->body;
  const int32_t result = body.results[0] - body.inputs;
  if (result < 0) return false;
  const ScalarInst& inst = body.insts[static_cast<size_t>(result)];
  // As 0 <= distance, where the key is seen.
  const auto side = [&](size_t i) { return position_in(node, inst.args[i], 0); };
  std::optional<Position> distance;
  bool strict = false, turned = false;
  switch (inst.op) {
    case ScalarOp::kLe:
      break;
    case ScalarOp::kLt:
      strict = true;
      break;
    case ScalarOp::kGe:
      turned = true;
      break;
    case ScalarOp::kGt:
      strict = turned = true;
      break;
    default:
      return false;
  }
  if (negated) turned = !turned, strict = !strict;
  distance = turned ? side(0) + -side(1) : side(1) + -side(0);
  if (!distance) return false;
  const Dim constant = distance->constant - Dim(strict ? 1 : 0);
  return distance->query == 1 && distance->key == -1 && constant == sizes.keys - sizes.queries;
}

// The value before views that leave the last two axes as they are.
Value* without_leading_views(Value* value) {
  for (Node* node = value->producer; node; node = value->producer) {
    if (!node->as<op::Reshape>() && !node->as<op::Expand>()) break;
    const Dims &to = value->type().dims, &from = node->inputs[0]->type().dims;
    if (from.size() < 2 || to.size() < 2 || !std::equal(to.end() - 2, to.end(), from.end() - 2)) {
      break;
    }
    value = node->inputs[0];
  }
  return value;
}

void split(Value* value, bool negated, const ScoreSizes& sizes, int depth, SplitCondition& out) {
  if (const auto all = uniform_value(value); all && (*all != 0) != negated) return;
  Value* const inner = without_leading_views(value);
  if (const auto step = scalar_step(inner->producer); step && depth < kDepthMax) {
    const auto& [a, b, c] = step->operands;
    if (step->op == ScalarOp::kNot && a.value)
      return split(a.value, !negated, sizes, depth + 1, out);
    if (step->op == ScalarOp::kCast && a.value && step->type == DType::kBool &&
        a.value->type().dtype == DType::kBool) {
      return split(a.value, negated, sizes, depth + 1, out);
    }
    if (step->op == (negated ? ScalarOp::kOr : ScalarOp::kAnd)) {
      for (const ScalarStep::Operand* side : {&a, &b}) {
        if (side->value) {
          split(side->value, negated, sizes, depth + 1, out);
        } else if ((side->number != 0) == negated) {
          out.rest.push_back({value, negated});  // nothing is seen at all
        }
      }
      return;
    }
  }
  const Tensor* constant = constant_of(inner);
  const bool causal =
      constant ? is_causal_constant(*constant, negated, sizes)
               : inner->producer && is_causal_comparison(*inner->producer, negated, sizes);
  if (causal) {
    out.causal = true;
  } else {
    out.rest.push_back({value, negated});
  }
}

bool is_causal_numbers(const Tensor& bias, const ScoreSizes& sizes) {
  const int64_t rank = bias.rank();
  if (rank < 2 || bias.is_splat() || bias.elements() > kElementsMax) return false;
  const int64_t s = bias.shape()[static_cast<size_t>(rank - 2)];
  const int64_t t = bias.shape()[static_cast<size_t>(rank - 1)];
  if (bias.elements() != s * t || t < s || !sizes.queries.is(s) || !sizes.keys.is(t)) return false;
  for (int64_t i = 0; i < s; ++i) {
    for (int64_t j = 0; j < t; ++j) {
      const double value = bias.get(i * t + j);
      if (j <= i + t - s ? value != 0 : !(value <= kFarBelow)) return false;
    }
  }
  return true;
}

}  // namespace

SplitCondition split_condition(Value* condition, bool negated, const ScoreSizes& sizes) {
  SplitCondition out;
  split(condition, negated, sizes, 0, out);
  return out;
}

bool is_causal_bias(const Value* bias, const ScoreSizes& sizes) {
  const Value* const inner = without_leading_views(const_cast<Value*>(bias));
  if (const Tensor* constant = constant_of(inner)) return is_causal_numbers(*constant, sizes);
  const auto step = scalar_step(inner->producer);
  if (!step || step->op != ScalarOp::kSelect || !step->operands[0].value) return false;
  const auto& [condition, first, second] = step->operands;
  const auto x = first.uniform(), y = second.uniform();
  if (!x || !y) return false;
  const bool drops = *y == 0 && *x <= kFarBelow;
  if (!drops && !(*x == 0 && *y <= kFarBelow)) return false;
  const SplitCondition parts = split_condition(condition.value, drops, sizes);
  return parts.causal && parts.rest.empty();
}

}  // namespace carnot
