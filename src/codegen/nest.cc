#include "codegen/nest.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "tensor/dim_range.h"

namespace carnot {

namespace {

constexpr int64_t kLikelySize = 64;               // of a symbol that nobody gave a value
constexpr int64_t kAnyNumber = int64_t{1} << 40;  // beyond all sizes; products of it stay integers

std::string symbol_name(int axis) {
  return *axis_symbol(axis).as_symbol();
}

/// Loaded indices are data: they are kept inside the buffer, whatever they are.
Dim clamp_loaded(const Dim& index, const Dim& size) {
  if (!uses_loads(index)) return index;
  return max(Dim(0), min(index, size - Dim(1)));
}

NestAccess flatten(const Kernel& kernel, int buffer, const Dims& index) {
  NestAccess access;
  access.buffer = buffer;
  if (buffer == kExpression) {
    access.dtype = DType::kI64;
    access.offset = index[0];
    return access;
  }
  const Buffer& of = kernel.buffers[static_cast<size_t>(buffer)];
  access.dtype = of.type.dtype;
  Dims clamped;
  for (size_t i = 0; i < index.size(); ++i) {
    clamped.push_back(clamp_loaded(index[i], of.type.dims[i]));
  }
  access.offset = linear_offset(of, clamped);
  return access;
}

Result<NestStage> make_stage(const Kernel& kernel, const Stage& stage,
                             const std::vector<DType>& folded) {
  NestStage out;
  std::vector<DType> inputs;
  for (const Load& load : stage.loads) {
    NestAccess access = flatten(kernel, load.buffer, load.index);
    access.guards = load.guards;
    access.otherwise = load.otherwise;
    access.within = load.within;
    inputs.push_back(access.dtype);
    out.loads.push_back(std::move(access));
  }
  inputs.insert(inputs.end(), folded.begin(), folded.end());
  out.body = stage.body;
  CARNOT_ASSIGN(out.types, infer(stage.body, inputs));
  out.combiner = stage.combiner;
  out.accumulator = stage.accumulator;
  if (out.folds()) {
    out.results.push_back(stage.body.results[0]);
  } else {
    for (const Store& store : stage.stores) {
      out.stores.push_back(flatten(kernel, store.buffer, store.index));
      out.results.push_back(stage.body.results[static_cast<size_t>(store.result)]);
    }
  }
  return out;
}

bool mentioned_in_guards(const NestAccess& access, const std::string& symbol) {
  return std::any_of(access.guards.begin(), access.guards.end(), [&](const Guard& guard) {
    return guard.index.uses(symbol) || guard.lower.uses(symbol) || guard.upper.uses(symbol);
  });
}

/// Whether the access steps over (outer, inner) as over one axis.
bool continues(const NestAccess& access, const NestAxis& outer, const NestAxis& inner) {
  if (mentioned_in_guards(access, outer.symbol) || mentioned_in_guards(access, inner.symbol)) {
    return false;
  }
  const auto linear = linear_in(access.offset, {outer.symbol, inner.symbol});
  return linear && linear->of(outer.symbol) == linear->of(inner.symbol) * inner.size;
}

template <class Visit>
void each_access(Nest& nest, NestStage* only, const Visit& visit) {
  for (NestStage& stage : nest.stages) {
    if (only != nullptr && only != &stage) continue;
    for (NestAccess& access : stage.loads) visit(access);
    for (NestAccess& access : stage.stores) visit(access);
  }
}

/// Merges what can be merged of the nest's axes, or of one stage's inner ones.
void merge_axes(Nest& nest, std::vector<NestAxis>& axes, NestStage* only) {
  for (size_t i = axes.size(); i-- > 1;) {
    const NestAxis outer = axes[i - 1];
    NestAxis& inner = axes[i];
    bool all = true;
    each_access(nest, only, [&](const NestAccess& a) { all = all && continues(a, outer, inner); });
    if (!all) continue;
    each_access(nest, only, [&](NestAccess& access) {
      access.offset = substitute(access.offset, {{outer.symbol, Dim(0)}});
    });
    inner.size = outer.size * inner.size;
    inner.likely = checked_mul(inner.likely, outer.likely).value_or(kBytesMax);
    axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(i) - 1);
  }
}

/// How far apart the output's elements are along an axis; the first store decides.
int64_t store_stride(const Nest& nest, const NestAxis& axis, const Symbols& likely) {
  for (const NestStage& stage : nest.stages) {
    for (const NestAccess& store : stage.stores) {
      const auto linear = linear_in(store.offset, {axis.symbol});
      if (!linear) continue;
      const Dim stride = linear->of(axis.symbol);
      if (index_symbols(stride).empty()) return std::abs(likely_value(stride, likely));
    }
  }
  return 0;
}

void order_axes(Nest& nest, const Symbols& likely) {
  std::vector<std::pair<int64_t, NestAxis>> keyed;
  for (NestAxis& axis : nest.axes) keyed.emplace_back(store_stride(nest, axis, likely), axis);
  const bool known = std::all_of(keyed.begin(), keyed.end(), [](auto& k) { return k.first > 0; });
  if (!known) return;
  std::stable_sort(keyed.begin(), keyed.end(), [](auto& a, auto& b) { return a.first > b.first; });
  for (size_t i = 0; i < keyed.size(); ++i) nest.axes[i] = keyed[i].second;
}

bool is_linear(const Dim& offset) {
  for (const Dim::Term& term : offset.terms()) {
    for (const DimAtom& factor : term.factors) {
      if (factor.kind != DimAtom::kSymbol) return false;
    }
  }
  return true;
}

void simplify_offsets(Nest& nest) {
  for (NestStage& stage : nest.stages) {
    Ranges ranges;
    ranges.others_min = 1;
    for (const NestAxis& axis : nest.axes) ranges.set(axis.symbol, 0, axis.size);
    for (const NestAxis& axis : stage.inner) ranges.set(axis.symbol, 0, axis.size);
    for (size_t i = 0; i < stage.loads.size(); ++i) {
      // Data may be any number; an index is within its axis where the stage sees it.
      const std::optional<Dim>& within = stage.loads[i].within;
      ranges.set(*load_symbol(static_cast<int>(i)).as_symbol(), within ? Dim(0) : Dim(-kAnyNumber),
                 within ? *within : Dim(kAnyNumber));
    }
    auto visit = [&](NestAccess& access) {
      if (!is_linear(access.offset)) access.offset = simplify(access.offset, ranges);
    };
    std::for_each(stage.loads.begin(), stage.loads.end(), visit);
    std::for_each(stage.stores.begin(), stage.stores.end(), visit);
  }
}

/// Axes of size 1 have but one index.
void drop_single(Nest& nest, std::vector<NestAxis>& axes, NestStage* only) {
  for (size_t i = axes.size(); i-- > 0;) {
    if (!axes[i].size.is(1)) continue;
    const std::map<std::string, Dim, std::less<>> zero = {{axes[i].symbol, Dim(0)}};
    each_access(nest, only, [&](NestAccess& access) {
      access.offset = substitute(access.offset, zero);
      for (Guard& guard : access.guards) {
        guard.index = substitute(guard.index, zero);
        guard.lower = substitute(guard.lower, zero);
        guard.upper = substitute(guard.upper, zero);
      }
    });
    axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace

std::vector<std::string> index_symbols(const Dim& expression) {
  std::vector<std::string> names, out;
  expression.collect_symbols(names);
  for (std::string& name : names) {
    if (name[0] == '#' || name[0] == '$') out.push_back(std::move(name));
  }
  return out;
}

bool uses_loads(const Dim& expression) {
  const std::vector<std::string> names = index_symbols(expression);
  return std::any_of(names.begin(), names.end(), [](auto& name) { return name[0] == '$'; });
}

int64_t likely_value(const Dim& size, const Symbols& likely) {
  if (size.is_constant()) return size.value();
  Symbols all = likely;
  std::vector<std::string> names;
  size.collect_symbols(names);
  for (const std::string& name : names) all.emplace(name, kLikelySize);
  const Result<int64_t> value = evaluate(size, all);
  return value.ok() ? *value : kLikelySize;
}

AxisStep step_of(const NestAccess& access, const std::string& symbol) {
  AxisStep step;
  step.guarded = mentioned_in_guards(access, symbol);
  // What a load symbol stands for may move with the axis too; the caller knows of which loads.
  const auto linear = linear_in(access.offset, {symbol});
  if (!linear) {
    step.kind = AxisStep::kComputed;
    return step;
  }
  step.stride = linear->of(symbol);
  if (!index_symbols(step.stride).empty())
    step.kind = AxisStep::kComputed;
  else if (step.stride.is(1))
    step.kind = AxisStep::kUnit;
  else if (!step.stride.is(0))
    step.kind = AxisStep::kStrided;
  return step;
}

Result<Nest> make_nest(const Kernel& kernel, const Symbols& likely) {
  CARNOT_CHECK(!kernel.attention);
  Nest nest;
  int number = 0;
  const auto make_axis = [&](const Axis& axis) {
    return NestAxis{symbol_name(number++), axis.size,
                    std::max<int64_t>(1, likely_value(axis.size, likely))};
  };
  for (const Axis& axis : kernel.axes) nest.axes.push_back(make_axis(axis));
  std::vector<DType> folded;
  for (const Stage& stage : kernel.stages) {
    CARNOT_ASSIGN(NestStage made, make_stage(kernel, stage, folded));
    number = static_cast<int>(kernel.axes.size());
    for (const Axis& axis : stage.inner) made.inner.push_back(make_axis(axis));
    if (made.folds()) folded.push_back(made.folded_type());
    nest.stages.push_back(std::move(made));
  }
  drop_single(nest, nest.axes, nullptr);
  for (NestStage& stage : nest.stages) drop_single(nest, stage.inner, &stage);
  simplify_offsets(nest);
  order_axes(nest, likely);
  merge_axes(nest, nest.axes, nullptr);
  for (NestStage& stage : nest.stages) merge_axes(nest, stage.inner, &stage);
  return nest;
}

}  // namespace carnot
