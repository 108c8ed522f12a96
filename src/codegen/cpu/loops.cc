#include "codegen/cpu/loops.h"

#include <algorithm>

#include "codegen/cost.h"
#include "codegen/cpu/fold.h"
#include "codegen/cpu/stage_point.h"
#include "codegen/reuse.h"

namespace carnot::cpu {

using Value = llvm::Value;

namespace {

/// A task should be worth handing to a thread: about this many vector-sized steps of work.
constexpr int64_t kTaskBytes = 16 << 10;

/// Bytes moved for one point of the axes, with arithmetic counted as if it moved bytes.
int64_t work_per_point(const Nest& nest) {
  int64_t work = 0;
  for (const NestStage& stage : nest.stages) {
    int64_t inner = 1;
    for (const NestAxis& axis : stage.inner) inner *= axis.likely;
    int64_t bytes = cost_of(stage.body);
    for (const NestAccess& load : stage.loads) bytes += std::max(8, bits_of(load.dtype)) / 8;
    for (const NestAccess& store : stage.stores) bytes += std::max(8, bits_of(store.dtype)) / 8;
    work += inner * bytes;
  }
  return std::max<int64_t>(1, work);
}

/// Instructions that are done for every element of a row; the others are done once before it.
int cost_per_element(const NestStage& stage) {
  std::vector<bool> varies(stage.types.size(), false);
  int cost = 0;
  for (size_t i = 0; i < stage.loads.size(); ++i) {
    const std::vector<std::string> used = index_symbols(stage.loads[i].offset);
    varies[i] = std::any_of(used.begin(), used.end(), [&](const std::string& symbol) {
      return symbol[0] == '$' ||
             std::any_of(stage.inner.begin(), stage.inner.end(),
                         [&](const NestAxis& axis) { return axis.symbol == symbol; });
    });
    cost += varies[i] ? 2 : 0;
  }
  ScalarProgram one;
  for (size_t i = 0; i < stage.body.insts.size(); ++i) {
    const ScalarInst& inst = stage.body.insts[i];
    bool any = false;
    for (int k = 0; k < operands_of(inst.op); ++k) {
      any = any || varies[static_cast<size_t>(inst.args[static_cast<size_t>(k)])];
    }
    varies[static_cast<size_t>(stage.body.inputs) + i] = any;
    one.insts = {inst};
    cost += any ? cost_of(one) : 0;
  }
  return cost;
}

/// Groups of lanes at once: enough to hide latencies, few enough to keep code small.
int unroll_for_cost(int cost) {
  return cost <= 12 ? 4 : cost <= 40 ? 2 : 1;
}

class LoopEmitter {
 public:
  LoopEmitter(Module& module, const std::string& symbol, Nest nest, const LoopChoice& choice)
      : e_(module, symbol), nest_(std::move(nest)), choice_(choice) {
    if (choice_.axis >= 0) {
      // Lanes are the innermost loop.
      auto lane_axis = nest_.axes.begin() + choice_.axis;
      std::rotate(lane_axis, lane_axis + 1, nest_.axes.end());
    }
    if (!along_axis() && choice_.lanes > 1) kept_ = reuse_row_values(nest_);
    choose_tasks();
  }

  GeneratedFunction run() {
    e_.for_each_task([&](Value* task) { emit_task(task); });
    GeneratedFunction made = e_.finish();
    made.tasks = tasks_;
    constexpr int64_t kElementBytes = 8;  // of the widest kept type
    made.scratch_bytes = kept_ * Dim(kElementBytes);
    return made;
  }

 private:
  bool along_axis() const { return choice_.axis >= 0; }
  bool is_lane_axis(size_t i) const { return along_axis() && i + 1 == nest_.axes.size(); }
  int row_unroll(const NestStage& stage) const { return unroll_for_cost(cost_per_element(stage)); }
  int64_t group() const { return int64_t{choice_.lanes} * choice_.unroll; }

  /// Axes before split_ belong to the task's number, axis split_ is cut into chunks.
  void choose_tasks() {
    constexpr int64_t kLikelyMax = int64_t{1} << 40;  // products with it are far from the end
    const auto likely = [&](size_t i) { return std::min(nest_.axes[i].likely, kLikelyMax); };
    int64_t work = work_per_point(nest_);
    split_ = nest_.axes.size();
    while (split_ > 0 && work < kTaskBytes) work *= likely(--split_);
    if (split_ < nest_.axes.size()) {
      const int64_t per_index = std::max<int64_t>(1, work / likely(split_));
      chunk_ = std::max<int64_t>(1, (kTaskBytes + per_index - 1) / per_index);
      if (is_lane_axis(split_)) chunk_ = (chunk_ + group() - 1) / group() * group();
      // One chunk where it would be nearly all.
      if (nest_.axes[split_].size.is_constant() && chunk_ * 3 >= likely(split_) * 2) {
        chunk_ = std::max<int64_t>(chunk_, nest_.axes[split_].likely);
      }
    }
    for (size_t i = 0; i < nest_.axes.size() && i <= split_; ++i) {
      const Dim& size = nest_.axes[i].size;
      tasks_ = tasks_ * (i < split_ ? size : ceil_div(size, Dim(chunk_)));
    }
    // An empty axis further in leaves nothing to do; so that nothing is loaded for it either.
    for (size_t i = split_ + 1; i < nest_.axes.size(); ++i) {
      if (!nest_.axes[i].size.is_constant())
        tasks_ = tasks_ * min(nest_.axes[i].size, Dim(1));
      else if (nest_.axes[i].size.is(0))
        tasks_ = 0;
    }
  }

  void emit_task(Value* task) {
    auto& ir = e_.ir();
    std::vector<StagePoint> points;
    for (const NestStage& stage : nest_.stages) points.emplace_back(e_, stage);
    Bindings outer;
    Value* begin = e_.i64(0);
    Value* end = nullptr;
    if (split_ < nest_.axes.size()) {
      Value* size = e_.dim(nest_.axes[split_].size);
      if (nest_.axes[split_].size.is_constant() && nest_.axes[split_].likely <= chunk_) {
        end = size;
      } else {
        Value* chunks = e_.dim(ceil_div(nest_.axes[split_].size, Dim(chunk_)));
        Value* number = split_ == 0 ? task : ir.CreateURem(task, chunks);
        if (split_ > 0) task = ir.CreateUDiv(task, chunks);
        begin = ir.CreateMul(number, e_.i64(chunk_));
        end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, size,
                                       ir.CreateAdd(begin, e_.i64(chunk_)));
      }
    }
    for (size_t i = std::min(split_, nest_.axes.size()); i-- > 0;) {
      Value* size = e_.dim(nest_.axes[i].size);
      outer[nest_.axes[i].symbol] = i == 0 ? task : ir.CreateURem(task, size);
      if (i > 0) task = ir.CreateUDiv(task, size);
    }
    for (StagePoint& point : points) point.bind_all(outer);
    emit_level(split_, points, begin, end);
  }

  void emit_level(size_t level, const std::vector<StagePoint>& points, Value* begin, Value* end) {
    if (level == nest_.axes.size()) {
      emit_point(points);
      return;
    }
    const NestAxis& axis = nest_.axes[level];
    if (end == nullptr) end = e_.dim(axis.size);
    if (is_lane_axis(level)) {
      emit_lane_loop(axis, begin, end, choice_.unroll,
                     [&](const std::vector<Lanes>& lanes) { emit_groups(points, lanes); });
      return;
    }
    e_.loop(begin, end, e_.i64(1), [&](Value* index) {
      std::vector<StagePoint> inside = points;
      for (StagePoint& point : inside) point.bind(axis.symbol, index);
      emit_level(level + 1, inside, e_.i64(0), nullptr);
    });
  }

  // -- lanes along a parallel axis ----------------------------------------------------------------

  using GroupBody = llvm::function_ref<void(const std::vector<Lanes>&)>;

  /// Calls the body for whole unrolled groups, then for single groups, the last one masked.
  void emit_lane_loop(const NestAxis& axis, Value* begin, Value* end, int unroll_max,
                      GroupBody body) {
    auto& ir = e_.ir();
    const int64_t lanes = choice_.lanes;
    const auto* first = llvm::dyn_cast<llvm::ConstantInt>(begin);
    const auto* last = llvm::dyn_cast<llvm::ConstantInt>(end);
    const bool constant = first != nullptr && last != nullptr && first->isZero();
    int64_t count = constant ? last->getSExtValue() : -1;
    const int64_t unroll =
        constant ? std::max<int64_t>(1, std::min<int64_t>(unroll_max, count / lanes)) : unroll_max;
    const auto lanes_at = [&](Value* index, int64_t groups, Value* mask) {
      std::vector<Lanes> out;
      for (int64_t g = 0; g < groups; ++g) {
        out.push_back({axis.symbol, index, g * lanes, choice_.lanes, mask});
      }
      return out;
    };
    const int64_t step = unroll * lanes;
    Value* whole = begin;
    if (constant && count / step == 1) {
      body(lanes_at(begin, unroll, nullptr));
      whole = e_.i64(step);
    } else if (!constant || count > step) {
      Value* length = ir.CreateSub(end, begin);
      Value* groups = ir.CreateUDiv(length, e_.i64(step));
      whole = ir.CreateAdd(begin, ir.CreateMul(groups, e_.i64(step)));
      e_.loop(begin, whole, e_.i64(step),
              [&](Value* index) { body(lanes_at(index, unroll, nullptr)); });
    }
    if (constant && count % step == 0) return;
    if (constant && count % step <= lanes) {
      const int64_t rest = count % step;
      Value* mask = rest < lanes ? e_.lane_mask(static_cast<int>(lanes), rest) : nullptr;
      body(lanes_at(e_.i64(count - rest), 1, mask));
      return;
    }
    const bool masked = lanes > 1 && !(constant && count % lanes == 0);
    // Chunks end at whole groups, or at the axis' end.
    e_.loop(whole, end, e_.i64(lanes), [&](Value* index) {
      Value* mask =
          masked ? e_.lane_mask(static_cast<int>(lanes), ir.CreateSub(end, index)) : nullptr;
      body(lanes_at(index, 1, mask));
    });
  }

  /// All stages for some groups of lanes.
  void emit_groups(std::vector<StagePoint> points, const std::vector<Lanes>& lanes) {
    const size_t groups = lanes.size();
    std::vector<std::vector<Value*>> folded(groups);  // [group][folding stage]
    for (size_t s = 0; s < points.size(); ++s) {
      std::vector<StagePoint> each(groups, points[s]);
      for (size_t g = 0; g < groups; ++g) {
        for (size_t i = 0; i < folded[g].size(); ++i) {
          each[g].set_folded(static_cast<int>(i), folded[g][i]);
        }
      }
      if (!points[s].stage().folds()) {
        emit_inner(points[s].stage(), 0, each, [&](const std::vector<StagePoint>& at, Value*) {
          std::vector<std::vector<Value*>> values;
          for (size_t g = 0; g < groups; ++g) values.push_back(at[g].at(lanes[g]));
          for (size_t g = 0; g < groups; ++g) at[g].store(lanes[g], values[g]);
        });
        continue;
      }
      const Fold fold(e_, points[s].stage());
      std::vector<Value*> start;
      for (size_t g = 0; g < groups; ++g) {
        for (Value* value : fold.identity(choice_.lanes)) start.push_back(value);
      }
      const auto width = static_cast<size_t>(fold.values_per_state());
      const std::vector<Value*> sums = emit_fold_loops(
          points[s].stage(), 0, each, nullptr, start,
          [&](const std::vector<StagePoint>& at, Value* position, const std::vector<Value*>& in) {
            std::vector<Value*> out;
            for (size_t g = 0; g < groups; ++g) {
              const Fold::State state(in.begin() + static_cast<std::ptrdiff_t>(g * width),
                                      in.begin() + static_cast<std::ptrdiff_t>((g + 1) * width));
              for (Value* value : fold.add(state, at[g].at(lanes[g]), position, nullptr)) {
                out.push_back(value);
              }
            }
            return out;
          });
      for (size_t g = 0; g < groups; ++g) {
        const Fold::State state(sums.begin() + static_cast<std::ptrdiff_t>(g * width),
                                sums.begin() + static_cast<std::ptrdiff_t>((g + 1) * width));
        folded[g].push_back(fold.result(state));
      }
    }
  }

  /// Loops over a storing stage's inner axes from `level` on.
  template <class Body>
  void emit_inner(const NestStage& stage, size_t level, const std::vector<StagePoint>& points,
                  const Body& body) {
    if (level == stage.inner.size()) {
      body(points, nullptr);
      return;
    }
    const NestAxis& axis = stage.inner[level];
    e_.loop(e_.i64(0), e_.dim(axis.size), e_.i64(1), [&](Value* index) {
      std::vector<StagePoint> inside = points;
      for (StagePoint& point : inside) point.bind(axis.symbol, index);
      emit_inner(stage, level + 1, inside, body);
    });
  }

  /// The same, with accumulators carried through. `position` is the row-major number of the outer
  /// inner axes' point.
  template <class Body>
  std::vector<Value*> emit_fold_loops(const NestStage& stage, size_t level,
                                      const std::vector<StagePoint>& points, Value* position,
                                      const std::vector<Value*>& state, const Body& body) {
    if (level == stage.inner.size()) {
      return body(points, position == nullptr ? e_.i64(0) : position, state);
    }
    const NestAxis& axis = stage.inner[level];
    const auto step = [&](Value* index, const std::vector<Value*>& carried) {
      std::vector<StagePoint> inside = points;
      for (StagePoint& point : inside) point.bind(axis.symbol, index);
      return emit_fold_loops(stage, level + 1, inside, next_position(stage, position, axis, index),
                             carried, body);
    };
    // A few accumulators alone would wait for each other's latency: several indices at once. As
    // many for the last, smaller group of lanes: the order of a sum must not depend on its place.
    constexpr int kInFlight = 4;
    const auto copies = static_cast<size_t>(std::max(1, kInFlight / choice_.unroll));
    const bool last = level + 1 == stage.inner.size();
    Value* size = e_.dim(axis.size);
    if (!last || copies == 1 || stage.is_arg() || axis.likely < 2 * static_cast<int64_t>(copies)) {
      return e_.loop(
          e_.i64(0), size, e_.i64(1), state,
          [&](Value* index, llvm::ArrayRef<Value*> carried) { return step(index, carried.vec()); });
    }
    const Fold fold(e_, stage);
    const size_t width = state.size();
    std::vector<Value*> all = state;
    for (size_t c = 1; c < copies; ++c) {
      for (const Value* value : state) all.push_back(fold.identity(lanes_of(value))[0]);
    }
    const auto count = static_cast<int64_t>(copies);
    Value* whole = e_.ir().CreateMul(e_.ir().CreateUDiv(size, e_.i64(count)), e_.i64(count));
    all = e_.loop(e_.i64(0), whole, e_.i64(count), all,
                  [&](Value* index, llvm::ArrayRef<Value*> carried) {
                    std::vector<Value*> out;
                    for (size_t c = 0; c < copies; ++c) {
                      Value* at = e_.ir().CreateAdd(index, e_.i64(static_cast<int64_t>(c)));
                      const auto own = carried.slice(c * width, width);
                      for (Value* value : step(at, own.vec())) out.push_back(value);
                    }
                    return out;
                  });
    for (size_t c = 1; c < copies; ++c) {
      for (size_t i = 0; i < width; ++i) all[i] = fold.merge({all[i]}, {all[c * width + i]})[0];
    }
    all.resize(width);
    return e_.loop(whole, size, e_.i64(1), all, [&](Value* index, llvm::ArrayRef<Value*> carried) {
      return step(index, carried.vec());
    });
  }

  Value* next_position(const NestStage& stage, Value* position, const NestAxis& axis,
                       Value* index) {
    if (!stage.is_arg()) return nullptr;
    if (position == nullptr) return index;
    return e_.ir().CreateAdd(e_.ir().CreateMul(position, e_.dim(axis.size)), index);
  }

  // Lanes along inner axes.

  void emit_point(std::vector<StagePoint> points) {
    std::vector<Value*> folded;
    for (StagePoint& point : points) {
      for (size_t i = 0; i < folded.size(); ++i) point.set_folded(static_cast<int>(i), folded[i]);
      const NestStage& stage = point.stage();
      if (stage.folds()) {
        folded.push_back(stage.inner.empty() || choice_.lanes == 1 ? fold_scalar(point)
                                                                   : fold_row(point));
      } else if (stage.inner.empty() || choice_.lanes == 1) {
        emit_inner(stage, 0, {point}, [&](const std::vector<StagePoint>& at, Value*) {
          at[0].store(Lanes{}, at[0].at(Lanes{}));
        });
      } else {
        store_row(point, 0);
      }
    }
  }

  Value* fold_scalar(const StagePoint& point) {
    const Fold fold(e_, point.stage());
    const std::vector<Value*> state = emit_fold_loops(
        point.stage(), 0, {point}, nullptr, fold.identity(1),
        [&](const std::vector<StagePoint>& at, Value* position, const std::vector<Value*>& in) {
          return fold.add(in, at[0].at(Lanes{}), position, nullptr);
        });
    return fold.result(state);
  }

  void store_row(const StagePoint& point, size_t level) {
    const NestStage& stage = point.stage();
    const NestAxis& axis = stage.inner[level];
    if (level + 1 < stage.inner.size()) {
      e_.loop(e_.i64(0), e_.dim(axis.size), e_.i64(1), [&](Value* index) {
        StagePoint inside = point;
        inside.bind(axis.symbol, index);
        store_row(inside, level + 1);
      });
      return;
    }
    emit_lane_loop(axis, e_.i64(0), e_.dim(axis.size), row_unroll(stage),
                   [&](const std::vector<Lanes>& lanes) {
                     std::vector<std::vector<Value*>> values;
                     for (const Lanes& group : lanes) values.push_back(point.at(group));
                     for (size_t g = 0; g < lanes.size(); ++g) point.store(lanes[g], values[g]);
                   });
  }

  /// Several accumulators hide the latency of the combination; they are merged in one fixed order.
  Value* fold_row(const StagePoint& point) {
    const NestStage& stage = point.stage();
    const Fold fold(e_, stage);
    const auto width = static_cast<size_t>(fold.values_per_state());
    const auto groups = static_cast<size_t>(row_unroll(stage));
    std::vector<Value*> state;
    for (size_t g = 0; g < groups; ++g) {
      for (Value* value : fold.identity(choice_.lanes)) state.push_back(value);
    }
    state = fold_row_level(point, fold, 0, nullptr, state);
    std::vector<Fold::State> parts;
    for (size_t g = 0; g < groups; ++g) {
      parts.emplace_back(state.begin() + static_cast<std::ptrdiff_t>(g * width),
                         state.begin() + static_cast<std::ptrdiff_t>((g + 1) * width));
    }
    for (size_t count = groups; count > 1; count = (count + 1) / 2) {
      for (size_t i = 0; i < count / 2; ++i) {
        parts[i] = fold.merge(parts[i], parts[i + (count + 1) / 2]);
      }
    }
    return fold.result(fold.across(parts[0]));
  }

  std::vector<Value*> fold_row_level(const StagePoint& point, const Fold& fold, size_t level,
                                     Value* position, const std::vector<Value*>& state) {
    const NestStage& stage = point.stage();
    const NestAxis& axis = stage.inner[level];
    Value* size = e_.dim(axis.size);
    if (level + 1 < stage.inner.size()) {
      return e_.loop(
          e_.i64(0), size, e_.i64(1), state, [&](Value* index, llvm::ArrayRef<Value*> carried) {
            StagePoint inside = point;
            inside.bind(axis.symbol, index);
            return fold_row_level(inside, fold, level + 1,
                                  next_position(stage, position, axis, index), carried.vec());
          });
    }
    auto& ir = e_.ir();
    const auto width = static_cast<size_t>(fold.values_per_state());
    const auto add = [&](llvm::ArrayRef<Value*> carried, Value* index, size_t groups, Value* mask) {
      std::vector<Value*> out(carried.begin(), carried.end());
      for (size_t g = 0; g < groups; ++g) {
        const Lanes lanes = {axis.symbol, index, static_cast<int64_t>(g) * choice_.lanes,
                             choice_.lanes, mask};
        const Fold::State before(out.begin() + static_cast<std::ptrdiff_t>(g * width),
                                 out.begin() + static_cast<std::ptrdiff_t>((g + 1) * width));
        const std::vector<Value*> values = point.at(lanes);
        if (stage.keep) point.keep(lanes, values);
        const Fold::State after =
            fold.add(before, values, lane_positions(stage, position, lanes), mask);
        std::copy(after.begin(), after.end(), out.begin() + static_cast<std::ptrdiff_t>(g * width));
      }
      return out;
    };
    const int unroll = row_unroll(stage);
    const int64_t step = int64_t{unroll} * choice_.lanes;
    Value* whole = ir.CreateMul(ir.CreateUDiv(size, e_.i64(step)), e_.i64(step));
    std::vector<Value*> now = e_.loop(
        e_.i64(0), whole, e_.i64(step), state, [&](Value* index, llvm::ArrayRef<Value*> carried) {
          return add(carried, index, static_cast<size_t>(unroll), nullptr);
        });
    if (axis.size.is_constant() && axis.size.value() % step == 0) return now;
    return e_.loop(whole, size, e_.i64(choice_.lanes), now,
                   [&](Value* index, llvm::ArrayRef<Value*> carried) {
                     Value* mask = e_.lane_mask(choice_.lanes, ir.CreateSub(size, index));
                     return add(carried, index, 1, mask);
                   });
  }

  /// Row-major element numbers of the lanes, for arg reductions.
  Value* lane_positions(const NestStage& stage, Value* position, const Lanes& lanes) {
    if (!stage.is_arg()) return nullptr;
    auto& ir = e_.ir();
    Value* first = ir.CreateAdd(lanes.first, e_.i64(lanes.shift));
    if (position != nullptr) {
      first = ir.CreateAdd(first, ir.CreateMul(position, e_.dim(stage.inner.back().size)));
    }
    std::vector<uint64_t> each;
    for (int i = 0; i < lanes.count; ++i) each.push_back(static_cast<uint64_t>(i));
    return ir.CreateAdd(spread(e_, first, lanes.count),
                        llvm::ConstantDataVector::get(e_.context(), each));
  }

  Emitter e_;
  Nest nest_;
  LoopChoice choice_;
  size_t split_ = 0;
  int64_t chunk_ = 1;
  Dim tasks_ = 1;
  Dim kept_ = 0;  ///< elements of a row that stages hand on in scratch
};

// Choosing.

/// Widest element that lanes are counted in: a vector register full of them is a group.
int lane_bits(const Nest& nest) {
  int bits = 8;
  for (const NestStage& stage : nest.stages) {
    for (const DType type : stage.types) {
      // Conversions of few values need not narrow everything else; f16 is computed as f32.
      const int wide = is_float(type) ? std::max(32, bits_of(type)) : bits_of(type);
      bits = std::max(bits, std::min(wide, type == DType::kF64 ? 64 : 32));
    }
    if (stage.folds() && is_float(stage.accumulator)) bits = std::max(bits, 32);
    if (stage.is_arg()) bits = std::max(bits, 32);
  }
  return bits;
}

/// Steps that one element takes where lanes run along `symbol`, in vector instructions a lane.
double element_cost(const NestStage& stage, const std::string& symbol, int lanes, int64_t likely) {
  const auto whole = static_cast<double>((likely + lanes - 1) / lanes * lanes);
  const double waste = likely > 0 ? whole / static_cast<double>(likely) : 1;
  double vector = 1 + 0.5 * cost_of(stage.body), scalar = 0;
  const auto access = [&](const NestAccess& of) {
    const AxisStep step = step_of(of, symbol);
    const bool data = uses_loads(of.offset);
    if (step.kind == AxisStep::kNone && !data)
      vector += step.guarded ? 1 : 0.2;
    else if (step.kind == AxisStep::kUnit && !data)
      vector += step.guarded ? 2 : 1;
    else
      scalar += step.kind == AxisStep::kComputed ? 2.5 : 1.2;
  };
  for (const NestAccess& load : stage.loads) access(load);
  for (const NestAccess& store : stage.stores) access(store);
  return vector * waste / lanes + scalar;
}

int unroll_for(const Nest& nest) {
  int cost = 0;
  for (const NestStage& stage : nest.stages) {
    cost = std::max(cost, cost_of(stage.body) + 2 * static_cast<int>(stage.loads.size()));
  }
  return unroll_for_cost(cost);
}

/// Predicted time in units of vector instructions.
double predict(const Nest& nest, int axis, int lanes) {
  double points = 1, sum = 0;
  for (const NestAxis& each : nest.axes) points *= static_cast<double>(each.likely);
  for (const NestStage& stage : nest.stages) {
    double inner = 1;
    for (const NestAxis& each : stage.inner) inner *= static_cast<double>(each.likely);
    double cost;
    if (axis >= 0) {
      const NestAxis& along = nest.axes[static_cast<size_t>(axis)];
      cost = element_cost(stage, along.symbol, lanes, along.likely);
    } else if (!stage.inner.empty() && lanes > 1) {
      cost = element_cost(stage, stage.inner.back().symbol, lanes, stage.inner.back().likely);
      // Folding the lanes of a row together.
      if (stage.folds()) cost += 20 / inner;
    } else {
      cost = element_cost(stage, "", 1, 1);
    }
    sum += inner * cost;
  }
  return points * sum;
}

}  // namespace

Result<std::vector<LoopChoice>> loop_choices(const Kernel& kernel, const Target& target,
                                             const Symbols& likely) {
  if (kernel.attention) return error(Code::kUnsupported, "attention is not a loop nest");
  CARNOT_ASSIGN(const Nest nest, make_nest(kernel, likely));
  const int lanes = target.lanes(lane_bits(nest));
  constexpr double kInstructionsPerUs = 4000;
  std::vector<LoopChoice> choices;
  const auto offer = [&](int axis, int width) {
    LoopChoice choice{axis, width, unroll_for(nest), 0};
    choice.predicted_us = predict(nest, axis, width) / kInstructionsPerUs;
    choices.push_back(choice);
  };
  for (size_t i = 0; i < nest.axes.size(); ++i) offer(static_cast<int>(i), lanes);
  const bool rows = std::any_of(nest.stages.begin(), nest.stages.end(),
                                [](const NestStage& stage) { return !stage.inner.empty(); });
  offer(-1, rows ? lanes : 1);
  std::stable_sort(choices.begin(), choices.end(), [](const LoopChoice& a, const LoopChoice& b) {
    return a.predicted_us < b.predicted_us;
  });
  return choices;
}

Result<GeneratedFunction> emit_loops(Module& module, const std::string& symbol,
                                     const Kernel& kernel, const Symbols& likely,
                                     const LoopChoice& choice) {
  if (kernel.attention) return error(Code::kUnsupported, "attention is not a loop nest");
  CARNOT_ASSIGN(Nest nest, make_nest(kernel, likely));
  if (choice.axis >= static_cast<int>(nest.axes.size()) || choice.lanes < 1 || choice.unroll < 1) {
    return error(Code::kInvalidArgument, "loops: no such choice for this kernel");
  }
  return LoopEmitter(module, symbol, std::move(nest), choice).run();
}

}  // namespace carnot::cpu
