#include "codegen/cpu/window.h"

#include <algorithm>
#include <cmath>

#include "codegen/cpu/stage_point.h"

namespace carnot::cpu {

using Value = llvm::Value;
using Values = std::vector<llvm::Value*>;

namespace {

constexpr int64_t kTapsMax = 16;         // unrolled along the width
constexpr double kTaskProducts = 40000;  // per task, of 16 lanes each 2500: a microsecond or so

// A kernel seen as a window. Axes of the nest: rows..., width, channels.
struct WindowNest {
  Nest nest;
  std::string width, channels, tap;  ///< symbols
  int64_t taps = 1;                  ///< along the width
};

bool uses_any(const Dim& d, const std::vector<std::string>& symbols) {
  return std::any_of(symbols.begin(), symbols.end(), [&](const auto& s) { return d.uses(s); });
}

Result<WindowNest> as_window(const Kernel& kernel, const Symbols& likely) {
  const auto refuse = [](const auto&... why) { return error(Code::kUnsupported, why...); };
  if (kernel.attention || kernel.stages.size() != 2) return refuse("not a fold and a store");
  CARNOT_ASSIGN(Nest nest, make_nest(kernel, likely));
  WindowNest w{std::move(nest), "", "", "", 1};
  if (w.nest.axes.size() < 2) return refuse("fewer than two axes");
  const NestStage &fold = w.nest.stages[0], &store = w.nest.stages[1];
  const bool combines = fold.combiner == Combiner::kSum || fold.combiner == Combiner::kMax;
  if (!combines || store.folds() || !store.inner.empty()) return refuse("not a sum or a maximum");
  if (fold.accumulator != DType::kF32) return refuse("not f32");
  if (fold.inner.empty()) return refuse("no window");
  w.channels = w.nest.axes.back().symbol;
  w.width = w.nest.axes[w.nest.axes.size() - 2].symbol;
  w.tap = fold.inner.back().symbol;
  if (!fold.inner.back().size.is_constant() || fold.inner.back().likely > kTapsMax) {
    return refuse("the window is too wide to unroll");
  }
  if (fold.inner.back().size.is(0)) return refuse("the window is empty");
  w.taps = fold.inner.back().likely;
  bool image = false;
  for (const NestAccess& load : fold.loads) {
    if (load.buffer == kExpression || load.dtype != DType::kF32) return refuse("not f32 loads");
    const auto linear = linear_in(load.offset, {w.channels, w.width, w.tap});
    if (!linear) return refuse("an index map that is not linear");
    const Dim lane = linear->of(w.channels);
    if (!lane.is(1)) return refuse("channels are not neighbours in memory");
    const Dim along = linear->of(w.width), tap = linear->of(w.tap);
    if (!along.is_constant() || !tap.is_constant()) return refuse("a symbolic pixel stride");
    image = image || !along.is(0);
    for (const Guard& g : load.guards) {
      if (g.index.uses(w.channels) || uses_any(g.lower, index_symbols(g.lower)) ||
          uses_any(g.upper, index_symbols(g.upper))) {
        return refuse("a guard that changes");
      }
      if (!g.index.uses(w.width) && !g.index.uses(w.tap)) continue;
      const auto index = linear_in(g.index, {w.width, w.tap});
      const bool simple = index && index->of(w.width).is_constant() &&
                          index->of(w.width).value() > 0 && index->of(w.tap).is_constant() &&
                          index->of(w.tap).value() >= 0 && index_symbols(index->rest).empty();
      if (!simple) return refuse("a guard across the width that is not linear");
    }
  }
  if (!image) return refuse("nothing moves with the width");
  for (const NestAccess& access : store.stores) {
    if (step_of(access, w.channels).kind != AxisStep::kUnit)
      return refuse("stores are not contiguous");
  }
  return w;
}

class WindowEmitter {
 public:
  WindowEmitter(Module& module, const std::string& symbol, WindowNest window,
                const WindowChoice& choice)
      : e_(module, symbol),
        w_(std::move(window)),
        fold_(w_.nest.stages[0]),
        choice_(choice),
        lanes_(e_.target().lanes(32)) {
    type_ = e_.vector(e_.f32(), lanes_);
    find_interior();
    choose_tasks();
  }

  GeneratedFunction run() {
    e_.for_each_task([&](Value* task) { emit_task(task); });
    GeneratedFunction made = e_.finish();
    made.tasks = tasks_;
    return made;
  }

 private:
  size_t row_axes() const { return w_.nest.axes.size() - 2; }
  const NestAxis& width() const { return w_.nest.axes[row_axes()]; }
  const NestAxis& channels() const { return w_.nest.axes.back(); }

  // Pixels all of whose taps are inside, by the guards across the width.
  void find_interior() {
    low_ = 0, high_ = width().size;
    for (const NestAccess& load : fold_.loads) {
      for (const Guard& g : load.guards) {
        if (!across(g)) continue;
        const auto index = linear_in(g.index, {w_.width, w_.tap});
        const Dim a = index->of(w_.width), b = index->of(w_.tap);
        low_ = max(low_, ceil_div(g.lower - index->rest, a));
        high_ = min(high_,
                    floor_div(g.upper - Dim(1) - index->rest - b * Dim(w_.taps - 1), a) + Dim(1));
      }
    }
    low_ = min(low_, width().size);
    high_ = max(low_, high_);
  }

  bool across(const Guard& g) const { return g.index.uses(w_.width) || g.index.uses(w_.tap); }

  void choose_tasks() {
    double work = static_cast<double>(width().likely * channels().likely);
    for (const NestAxis& axis : fold_.inner) work *= static_cast<double>(axis.likely);
    if (row_axes() > 0) {
      const double rows = std::max(1.0, kTaskProducts / std::max(1.0, work));
      rows_per_task_ = static_cast<int64_t>(
          std::min(rows, static_cast<double>(w_.nest.axes[row_axes() - 1].likely)));
      rows_per_task_ = std::max<int64_t>(1, rows_per_task_);
    }
    for (size_t i = 0; i < row_axes(); ++i) {
      const Dim& size = w_.nest.axes[i].size;
      tasks_ = tasks_ * (i + 1 == row_axes() ? ceil_div(size, Dim(rows_per_task_)) : size);
    }
  }

  void emit_task(Value* task) {
    auto& ir = e_.ir();
    Bindings outer;
    if (row_axes() == 0) {
      emit_row(outer);
      return;
    }
    const NestAxis& last = w_.nest.axes[row_axes() - 1];
    Value* chunks = e_.dim(ceil_div(last.size, Dim(rows_per_task_)));
    Value* begin = ir.CreateMul(ir.CreateURem(task, chunks), e_.i64(rows_per_task_));
    Value* rest = ir.CreateUDiv(task, chunks);
    for (size_t i = row_axes() - 1; i-- > 0;) {
      Value* size = e_.dim(w_.nest.axes[i].size);
      outer[w_.nest.axes[i].symbol] = i == 0 ? rest : ir.CreateURem(rest, size);
      if (i > 0) rest = ir.CreateUDiv(rest, size);
    }
    Value* end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, e_.dim(last.size),
                                          ir.CreateAdd(begin, e_.i64(rows_per_task_)));
    e_.loop(begin, end, e_.i64(1), [&](Value* row) {
      outer[last.symbol] = row;
      emit_row(outer);
    });
  }

  // One output row: channels outside, so that a tile's weights stay where they are.
  void emit_row(const Bindings& outer) {
    auto& ir = e_.ir();
    Value* count = e_.dim(channels().size);
    const int64_t step = int64_t{lanes_} * choice_.vectors;
    Value* whole = ir.CreateMul(ir.CreateUDiv(count, e_.i64(step)), e_.i64(step));
    const bool any = !channels().size.is_constant() || channels().likely >= step;
    if (any) {
      e_.loop(e_.i64(0), whole, e_.i64(step), [&](Value* first) {
        std::vector<Lanes> groups;
        for (int v = 0; v < choice_.vectors; ++v) {
          groups.push_back({w_.channels, first, int64_t{v} * lanes_, lanes_, nullptr});
        }
        emit_pixels(outer, groups);
      });
    }
    if (channels().size.is_constant() && channels().likely % step == 0) return;
    e_.loop(any ? whole : e_.i64(0), count, e_.i64(lanes_), [&](Value* first) {
      Value* mask = e_.lane_mask(lanes_, ir.CreateSub(count, first));
      emit_pixels(outer, {{w_.channels, first, 0, lanes_, mask}});
    });
  }

  void emit_pixels(const Bindings& outer, const std::vector<Lanes>& groups) {
    auto& ir = e_.ir();
    Value *low = e_.dim(low_), *high = e_.dim(high_), *size = e_.dim(width().size);
    if (!low_.is(0)) {
      e_.loop(e_.i64(0), low, e_.i64(1), [&](Value* x) { tile(outer, groups, x, 1, true); });
    }
    const int pixels = choice_.pixels;
    Value* enough = ir.CreateICmpSGE(ir.CreateSub(high, low), e_.i64(pixels));
    e_.if_else(
        enough,
        [&] {
          // The last tile is moved back to end at the last pixel: some are computed twice.
          Value* last = ir.CreateSub(high, e_.i64(pixels));
          e_.loop(low, high, e_.i64(pixels), [&](Value* x) {
            tile(outer, groups, ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, x, last), pixels,
                 false);
          });
        },
        [&] {
          e_.loop(low, high, e_.i64(1), [&](Value* x) { tile(outer, groups, x, 1, false); });
        });
    if (!(high_ == width().size)) {
      e_.loop(high, size, e_.i64(1), [&](Value* x) { tile(outer, groups, x, 1, true); });
    }
  }

  // Accumulators [pixel][group] of neighbouring pixels, folded and finished.
  void tile(const Bindings& outer, const std::vector<Lanes>& groups, Value* x, int pixels,
            bool border) {
    Bindings at = outer;
    at[w_.width] = x;
    const double start = fold_.combiner == Combiner::kSum ? 0 : -INFINITY;
    Values sums(static_cast<size_t>(pixels) * groups.size(), e_.splat(start, type_));
    sums = taps(0, at, groups, pixels, border, sums);
    for (int p = 0; p < pixels; ++p) {
      StagePoint point(e_, w_.nest.stages[1]);
      Bindings here = outer;
      here[w_.width] = e_.ir().CreateAdd(x, e_.i64(p));
      point.bind_all(here);
      for (size_t g = 0; g < groups.size(); ++g) {
        StagePoint mine = point;
        mine.set_folded(0, sums[static_cast<size_t>(p) * groups.size() + g]);
        mine.store(groups[g], mine.at(groups[g]));
      }
    }
  }

  // The loops over the rows of taps, then one row.
  Values taps(size_t level, const Bindings& at, const std::vector<Lanes>& groups, int pixels,
              bool border, const Values& sums) {
    if (level + 1 < fold_.inner.size()) {
      const NestAxis& axis = fold_.inner[level];
      return e_.loop(e_.i64(0), e_.dim(axis.size), e_.i64(1), sums,
                     [&](Value* index, llvm::ArrayRef<Value*> carried) {
                       Bindings inside = at;
                       inside[axis.symbol] = index;
                       return taps(level + 1, inside, groups, pixels, border, carried.vec());
                     });
    }
    Value* holds = row_guard(at);
    const auto row = [&] { return tap_row(at, groups, pixels, border, sums); };
    return holds == nullptr ? row() : e_.if_values(holds, row, [&] { return sums; });
  }

  Value* in_bounds(Value* index, const Guard& g, const Bindings& at) {
    auto& ir = e_.ir();
    return ir.CreateAnd(ir.CreateICmpSGE(index, e_.index(g.lower, at)),
                        ir.CreateICmpSLT(index, e_.index(g.upper, at)));
  }

  // Whether this row of taps is inside the image; null where nothing guards it. Outside, a tap adds
  // nothing to a sum and loses every maximum.
  Value* row_guard(const Bindings& at) {
    Value* all = nullptr;
    for (const NestAccess& load : fold_.loads) {
      for (const Guard& g : load.guards) {
        if (across(g)) continue;
        Value* one = in_bounds(e_.index(g.index, at), g, at);
        all = all == nullptr ? one : e_.ir().CreateAnd(all, one);
      }
    }
    return all;
  }

  Value* tap_guard(const Bindings& at) {
    Value* all = nullptr;
    for (const NestAccess& load : fold_.loads) {
      for (const Guard& g : load.guards) {
        if (!across(g)) continue;
        Value* one = in_bounds(e_.index(g.index, at), g, at);
        all = all == nullptr ? one : e_.ir().CreateAnd(all, one);
      }
    }
    return all;
  }

  Values tap_row(const Bindings& at, const std::vector<Lanes>& groups, int pixels, bool border,
                 Values sums) {
    // Element pointers at tap 0, pixel 0, lane 0 of each group.
    const size_t loads = fold_.loads.size();
    std::vector<Values> base(loads);
    std::vector<int64_t> per_pixel, per_tap;
    for (size_t i = 0; i < loads; ++i) {
      const NestAccess& load = fold_.loads[i];
      const auto linear = linear_in(load.offset, {w_.channels, w_.width, w_.tap});
      per_pixel.push_back(linear->of(w_.width).value());
      per_tap.push_back(linear->of(w_.tap).value());
      Value* offset = e_.index(linear->rest + linear->of(w_.width) * Dim::symbol(w_.width), at);
      for (const Lanes& g : groups) {
        Value* lane = e_.ir().CreateAdd(offset, e_.ir().CreateAdd(g.first, e_.i64(g.shift)));
        base[i].push_back(e_.ir().CreateGEP(e_.f32(), e_.buffer(load.buffer), lane));
      }
    }
    for (int64_t k = 0; k < w_.taps; ++k) {
      const auto one = [&] { return tap(k, groups, pixels, base, per_pixel, per_tap, sums); };
      if (!border) {
        sums = one();
        continue;
      }
      Bindings inside = at;
      inside[w_.tap] = e_.i64(k);
      Value* holds = tap_guard(inside);
      sums = holds == nullptr ? one() : e_.if_values(holds, one, [&] { return sums; });
    }
    loaded_.clear();
    return sums;
  }

  Values tap(int64_t k, const std::vector<Lanes>& groups, int pixels,
             const std::vector<Values>& base, const std::vector<int64_t>& per_pixel,
             const std::vector<int64_t>& per_tap, Values sums) {
    for (size_t g = 0; g < groups.size(); ++g) {
      for (int p = 0; p < pixels; ++p) {
        Values inputs;
        for (size_t i = 0; i < base.size(); ++i) {
          const int64_t shift = k * per_tap[i] + p * per_pixel[i];
          inputs.push_back(load(base[i][g], shift, groups[g].mask));
        }
        Value*& sum = sums[static_cast<size_t>(p) * groups.size() + g];
        sum = combine(sum, inputs);
      }
    }
    return sums;
  }

  // Loads of a row of taps, by place: windows of neighbouring pixels overlap. Only within one basic
  // block: a border's taps each have their own.
  Value* load(Value* base, int64_t shift, Value* mask) {
    const auto key = std::make_tuple(base, shift, e_.ir().GetInsertBlock());
    auto it = loaded_.find(key);
    if (it == loaded_.end()) {
      Value* pointer = e_.ir().CreateConstGEP1_64(e_.f32(), base, static_cast<uint64_t>(shift));
      Value* value =
          mask == nullptr ? e_.load(type_, pointer) : e_.masked_load(type_, pointer, mask);
      it = loaded_.emplace(key, value).first;
    }
    return it->second;
  }

  Value* combine(Value* sum, const Values& inputs) {
    const ScalarProgram& body = fold_.body;
    const bool product = body.insts.size() == 1 && body.insts[0].op == ScalarOp::kMul &&
                         inputs.size() == 2 && body.results[0] == 2;
    if (product && fold_.combiner == Combiner::kSum) return e_.fma(inputs[0], inputs[1], sum);
    Values values = inputs;
    values.resize(fold_.types.size());
    emit_known(e_, body, fold_.types, values);
    Value* value = values[static_cast<size_t>(fold_.results[0])];
    auto& ir = e_.ir();
    if (fold_.combiner == Combiner::kSum) return ir.CreateFAdd(sum, value);
    // NaN wins: the value where it is larger, or not comparable.
    Value* take = ir.CreateFCmpUGT(value, sum);
    Value* keep = ir.CreateFCmpUNO(sum, sum);
    return ir.CreateSelect(keep, sum, ir.CreateSelect(take, value, sum));
  }

  Emitter e_;
  WindowNest w_;
  const NestStage& fold_;
  WindowChoice choice_;
  int lanes_;
  llvm::FixedVectorType* type_ = nullptr;
  Dim low_, high_, tasks_ = 1;
  int64_t rows_per_task_ = 1;
  std::map<std::tuple<Value*, int64_t, llvm::BasicBlock*>, Value*> loaded_;
};

}  // namespace

Status why_not_window(const Kernel& kernel, const Target& target) {
  if (target.vector_bytes() < 16) return error(Code::kUnsupported, "no vectors");
  return as_window(kernel, {}).status();
}

std::vector<WindowChoice> window_choices(const Kernel& kernel, const Target& target) {
  std::vector<WindowChoice> out;
  auto w = as_window(kernel, {});
  if (!w.ok()) return out;
  // Registers hold the accumulators, what a row of taps loads, and a tap's weights.
  const int registers = target.vector_registers();
  for (const auto& [pixels, vectors] : {std::pair{8, 1}, {4, 2}, {6, 1}, {4, 1}, {2, 2}, {2, 4}}) {
    const int loads = pixels * 2 + static_cast<int>(w->taps);
    if (vectors * (pixels + loads / 2) + 1 > registers) continue;
    if (w->nest.axes[w->nest.axes.size() - 2].size.is_constant() &&
        w->nest.axes[w->nest.axes.size() - 2].likely < pixels) {
      continue;
    }
    if (w->nest.axes.back().size.is_constant() &&
        w->nest.axes.back().likely < int64_t{vectors} * target.lanes(32)) {
      if (vectors > 1) continue;
    }
    out.push_back({pixels, vectors});
  }
  if (out.empty()) out.push_back({1, 1});
  return out;
}

Result<GeneratedFunction> emit_window(Module& module, const std::string& symbol,
                                      const Kernel& kernel, const Symbols& likely,
                                      const WindowChoice& choice) {
  CARNOT_ASSIGN(WindowNest window, as_window(kernel, likely));
  return WindowEmitter(module, symbol, std::move(window), choice).run();
}

}  // namespace carnot::cpu
