#include "codegen/reuse.h"

#include <algorithm>

#include "codegen/cost.h"

namespace carnot {

bool same_access(const NestAccess& a, const NestAccess& b) {
  return a.buffer == b.buffer && a.dtype == b.dtype && a.offset == b.offset &&
         a.guards == b.guards && a.otherwise == b.otherwise;
}

bool same_inner(const NestStage& a, const NestStage& b) {
  return std::equal(a.inner.begin(), a.inner.end(), b.inner.begin(), b.inner.end(),
                    [](const NestAxis& x, const NestAxis& y) {
                      return x.symbol == y.symbol && x.size == y.size;
                    });
}

namespace {

/// Cheaper values are computed again: a store and a load cost about as much.
constexpr int kKeepCost = 8;
/// A longer row would leave the caches.
constexpr int64_t kRowElementsMax = 1 << 16;

/// Whether value `x` of stage `a` is what value `y` of stage `b` is, at the same inner index.
bool same_value(const NestStage& a, int x, const NestStage& b, int y) {
  const auto loads_a = static_cast<int>(a.loads.size()), loads_b = static_cast<int>(b.loads.size());
  if (x < loads_a || y < loads_b) {
    return x < loads_a && y < loads_b &&
           same_access(a.loads[static_cast<size_t>(x)], b.loads[static_cast<size_t>(y)]);
  }
  if (x < a.body.inputs || y < b.body.inputs) {
    return x < a.body.inputs && y < b.body.inputs && x - loads_a == y - loads_b;
  }
  const ScalarInst& p = a.body.insts[static_cast<size_t>(x - a.body.inputs)];
  const ScalarInst& q = b.body.insts[static_cast<size_t>(y - b.body.inputs)];
  if (p.op != q.op || p.type != q.type || p.integer != q.integer || p.real != q.real) return false;
  for (int i = 0; i < operands_of(p.op); ++i) {
    const auto k = static_cast<size_t>(i);
    if (!same_value(a, p.args[k], b, q.args[k])) return false;
  }
  return true;
}

/// The stage with value `id` loaded from the kept row.
void load_kept(NestStage& stage, int id, const Dim& index) {
  const auto at = static_cast<int32_t>(stage.loads.size());
  const DType type = stage.types[static_cast<size_t>(id)];
  NestAccess kept;
  kept.buffer = kKeptRow;
  kept.dtype = type;
  kept.offset = index;
  stage.loads.push_back(kept);
  const auto moved = [&](int32_t value) {
    return value == id ? at : value >= at ? value + 1 : value;
  };
  for (ScalarInst& inst : stage.body.insts) {
    for (int k = 0; k < operands_of(inst.op); ++k) {
      int32_t& arg = inst.args[static_cast<size_t>(k)];
      arg = moved(arg);
    }
  }
  for (int& result : stage.results) result = moved(result);
  for (int32_t& result : stage.body.results) result = moved(result);
  ++stage.body.inputs;
  stage.types.insert(stage.types.begin() + at, type);
}

/// a / sum as a * (1 / sum), where `sum` is at least one exponential's worth.
void invert_divisor(NestStage& stage, int sum) {
  const auto divides = [&](const ScalarInst& inst) {
    return inst.op == ScalarOp::kDiv && inst.args[1] == sum && inst.args[0] != sum;
  };
  if (stage.types[static_cast<size_t>(sum)] != DType::kF32) return;
  const auto first = std::find_if(stage.body.insts.begin(), stage.body.insts.end(), divides);
  if (first == stage.body.insts.end()) return;
  const auto at = static_cast<int32_t>(first - stage.body.insts.begin());
  const int32_t inverse = stage.body.inputs + at;
  const auto moved = [&](int32_t value) { return value >= inverse ? value + 1 : value; };
  for (ScalarInst& inst : stage.body.insts) {
    const bool changes = divides(inst);
    for (int k = 0; k < operands_of(inst.op); ++k) {
      int32_t& arg = inst.args[static_cast<size_t>(k)];
      arg = moved(arg);
    }
    if (changes) inst.op = ScalarOp::kMul, inst.args[1] = inverse;
  }
  for (int& result : stage.results) result = moved(result);
  for (int32_t& result : stage.body.results) result = moved(result);
  ScalarInst reciprocal;
  reciprocal.op = ScalarOp::kRecip;
  reciprocal.args = {sum, -1, -1};
  stage.body.insts.insert(stage.body.insts.begin() + at, reciprocal);
  stage.types.insert(stage.types.begin() + inverse, DType::kF32);
}

bool is_exponential(const NestStage& stage) {
  const int at = stage.results[0] - stage.body.inputs;
  return stage.combiner == Combiner::kSum && at >= 0 &&
         stage.body.insts[static_cast<size_t>(at)].op == ScalarOp::kExp;
}

/// Row-major number of the inner point.
Dim inner_number(const NestStage& stage) {
  Dim number = 0;
  for (const NestAxis& axis : stage.inner) number = number * axis.size + Dim::symbol(axis.symbol);
  return number;
}

}  // namespace

Dim reuse_row_values(Nest& nest, bool keep) {
  Dim kept_elements = 0;
  int folded = 0;
  for (size_t s = 0; s < nest.stages.size(); ++s) {
    NestStage& stage = nest.stages[s];
    if (!stage.folds()) continue;
    const int number = folded++;
    int64_t elements = 1;
    for (const NestAxis& axis : stage.inner) elements *= axis.likely;
    const DType type = stage.types[static_cast<size_t>(stage.results[0])];
    const bool worth = keep && !stage.inner.empty() && cost_of(stage.body) >= kKeepCost &&
                       (type == DType::kF32 || type == DType::kF64) &&
                       elements <= kRowElementsMax && kept_elements.is(0);
    for (size_t later = s + 1; later < nest.stages.size(); ++later) {
      NestStage& next = nest.stages[later];
      if (is_exponential(stage)) {
        invert_divisor(next, static_cast<int>(next.loads.size()) + number);
      }
      if (!worth || !same_inner(stage, next)) continue;
      for (size_t i = 0; i < next.body.insts.size(); ++i) {
        const int id = next.body.inputs + static_cast<int>(i);
        if (!same_value(stage, stage.results[0], next, id)) continue;
        load_kept(next, id, inner_number(next));
        stage.keep = true;
        kept_elements = 1;
        for (const NestAxis& axis : stage.inner) kept_elements = kept_elements * axis.size;
        break;
      }
    }
  }
  return kept_elements;
}

}  // namespace carnot
