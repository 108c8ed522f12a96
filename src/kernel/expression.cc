#include "kernel/expression.h"

#include <algorithm>

namespace carnot {

StageBuilder::Id StageBuilder::push(Entry entry) {
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    if (e.kind == entry.kind && e.index == entry.index && e.inst == entry.inst) {
      return static_cast<Id>(i);
    }
  }
  entries_.push_back(std::move(entry));
  return static_cast<Id>(entries_.size()) - 1;
}

StageBuilder::Id StageBuilder::load(Load load) {
  auto it = std::find(loads_.begin(), loads_.end(), load);
  if (it == loads_.end()) it = loads_.insert(loads_.end(), std::move(load));
  return push({Entry::kLoad, static_cast<int>(it - loads_.begin()), {}});
}

StageBuilder::Id StageBuilder::expression(const Dim& value, DType type) {
  if (value.is_constant() && is_float(type)) {
    return constant(type, static_cast<double>(value.value()));
  }
  Load l;
  l.buffer = kExpression;
  l.index = {value};
  return cast(load(std::move(l)), type);
}

StageBuilder::Id StageBuilder::folded(int stage) {
  return push({Entry::kFolded, stage, {}});
}

StageBuilder::Id StageBuilder::constant(DType type, double value) {
  ScalarInst inst;
  inst.type = type;
  if (is_float(type)) {
    inst.real = value;
  } else {
    inst.integer = static_cast<int64_t>(value);
  }
  return push({Entry::kInst, 0, inst});
}

StageBuilder::Id StageBuilder::op(ScalarOp op, Id a, Id b, Id c) {
  ScalarInst inst;
  inst.op = op;
  inst.args = {a, b, c};
  return push({Entry::kInst, 0, inst});
}

StageBuilder::Id StageBuilder::cast(Id a, DType type) {
  ScalarInst inst;
  inst.op = ScalarOp::kCast;
  inst.args = {a, -1, -1};
  inst.type = type;
  return push({Entry::kInst, 0, inst});
}

StageBuilder::Id StageBuilder::narrow(Id a, DType from, DType type) {
  if (from == type) return a;
  const Id id = cast(a, type);
  if (is_float(type) && is_float(from) && bits_of(type) < bits_of(from)) narrowed_[id] = {a, from};
  return id;
}

std::vector<StageBuilder::Id> StageBuilder::append(const ScalarProgram& program,
                                                   const std::vector<Id>& inputs) {
  std::vector<Id> ids = inputs;
  for (ScalarInst inst : program.insts) {
    for (int32_t& a : inst.args) {
      if (a >= 0) a = ids[static_cast<size_t>(a)];
    }
    const auto wide = inst.op == ScalarOp::kCast ? narrowed_.find(inst.args[0]) : narrowed_.end();
    const bool back = wide != narrowed_.end() && wide->second.second == inst.type;
    ids.push_back(back ? wide->second.first : push({Entry::kInst, 0, inst}));
  }
  std::vector<Id> results;
  for (int32_t r : program.results) results.push_back(ids[static_cast<size_t>(r)]);
  return results;
}

Stage StageBuilder::finish(const std::vector<Id>& results, int stages_before) const {
  Stage stage;
  stage.loads = loads_;
  const int32_t loads = static_cast<int32_t>(loads_.size());
  stage.body.inputs = loads + stages_before;
  std::vector<int32_t> number(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    if (e.kind == Entry::kLoad) {
      number[i] = e.index;
    } else if (e.kind == Entry::kFolded) {
      number[i] = loads + e.index;
    } else {
      ScalarInst inst = e.inst;
      for (int32_t& a : inst.args) {
        if (a >= 0) a = number[static_cast<size_t>(a)];
      }
      number[i] = stage.body.inputs + static_cast<int32_t>(stage.body.insts.size());
      stage.body.insts.push_back(inst);
    }
  }
  for (Id r : results) stage.body.results.push_back(number[static_cast<size_t>(r)]);
  return stage;
}

}  // namespace carnot
