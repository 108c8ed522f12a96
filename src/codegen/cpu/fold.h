#pragma once
// Fold: a reduction's running value at one group of lanes, and how values and groups combine.
#include "codegen/cpu/scalar_emit.h"
#include "codegen/nest.h"

namespace carnot::cpu {

class Fold {
 public:
  using Value = llvm::Value;
  /// The accumulator, and for arg reductions the index of the best so far (i64 lanes).
  using State = std::vector<Value*>;

  Fold(Emitter& emitter, const NestStage& stage) : e_(emitter), stage_(stage) {}

  State identity(int lanes) const;
  /// Takes in the stage's value from `values` (all of the program's). `position` counts the
  /// elements folded before, for arg reductions. Lanes where `mask` is off keep their state.
  State add(const State& state, const std::vector<Value*>& values, Value* position,
            Value* mask) const;
  State merge(const State& a, const State& b) const;
  /// All lanes into one scalar state, by halves.
  State across(const State& state) const;
  Value* result(const State& state) const { return stage_.is_arg() ? state[1] : state[0]; }
  int values_per_state() const { return stage_.is_arg() ? 2 : 1; }

 private:
  Value* combine(Value* a, Value* b) const;
  /// i1 lanes: b is better than a, or as good and earlier.
  Value* better(const State& a, const State& b, bool ties) const;

  Emitter& e_;
  const NestStage& stage_;
};

}  // namespace carnot::cpu
