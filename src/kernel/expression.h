#pragma once
// StageBuilder: one stage under construction. Scalar values are made one at a time while loads and
// folded values are still being discovered; finish() numbers them as Stage::body wants.
#include <map>
#include <tuple>
#include <vector>

#include "kernel/kernel.h"

namespace carnot {

class StageBuilder {
 public:
  using Id = int32_t;

  /// Equal loads are shared.
  Id load(Load load);
  /// Which load a value is; of what load() gave.
  int load_number(Id id) const { return entries_[static_cast<size_t>(id)].index; }
  /// The value of a size or index expression, converted to `type`.
  Id expression(const Dim& value, DType type);
  Id folded(int stage);
  Id constant(DType type, double value);
  Id op(ScalarOp op, Id a, Id b = -1, Id c = -1);
  Id cast(Id a, DType type);
  /// cast(a, type) where `a` is of type `from`. A program that casts it back gets `a` itself: a
  /// fold's value is rounded only where it is stored.
  Id narrow(Id a, DType from, DType type);
  std::vector<Id> append(const ScalarProgram& program, const std::vector<Id>& inputs);

  /// The stage with `results` as its program's results; `stages_before` are the folded inputs.
  Stage finish(const std::vector<Id>& results, int stages_before) const;

 private:
  struct Entry {
    enum Kind { kLoad, kFolded, kInst } kind;
    int index = 0;  // of the load or the stage
    ScalarInst inst;
  };
  Id push(Entry entry);
  std::vector<Entry> entries_;
  std::map<Id, std::pair<Id, DType>> narrowed_;
  std::vector<Load> loads_;
};

}  // namespace carnot
