#include "codegen/cuda/strips.h"

#include <algorithm>

namespace carnot::cuda {

namespace {

constexpr int64_t kWindowMax = 7, kStepMax = 2;  // what is unrolled, and kept in registers

bool uses(const NestAccess& access, const std::string& symbol) {
  return access.offset.uses(symbol) ||
         std::any_of(access.guards.begin(), access.guards.end(), [&](const Guard& guard) {
           return guard.index.uses(symbol) || guard.lower.uses(symbol) || guard.upper.uses(symbol);
         });
}

/// One point further and `step` back in the window is the same element under the same guards.
bool slides(const NestAccess& load, const std::string& axis, const std::string& inner, int step) {
  const std::map<std::string, Dim, std::less<>> moved = {{axis, Dim::symbol(axis) + Dim(1)},
                                                         {inner, Dim::symbol(inner) - Dim(step)}};
  const auto same = [&](const Dim& dim) { return substitute(dim, moved) == dim; };
  return same(load.offset) &&
         std::all_of(load.guards.begin(), load.guards.end(), [&](const Guard& guard) {
           return same(guard.index) && same(guard.lower) && same(guard.upper);
         });
}

std::optional<Slide> slide_of(const NestStage& stage, const std::string& axis) {
  if (stage.inner.empty() || !stage.inner.back().size.is_constant()) return std::nullopt;
  const int64_t size = stage.inner.back().size.value();
  if (size < 2 || size > kWindowMax) return std::nullopt;
  Slide out;
  out.size = static_cast<int>(size);
  bool any = false;
  for (const NestAccess& load : stage.loads) {
    out.loads.push_back(uses(load, axis));
    if (load.within || uses_loads(load.offset)) return std::nullopt;
    if (!out.loads.back()) continue;
    if (load.buffer < 0) return std::nullopt;
    int step = 1;
    while (step <= kStepMax && !slides(load, axis, stage.inner.back().symbol, step)) ++step;
    if (step > kStepMax || (any && step != out.step)) return std::nullopt;
    out.step = step;
    any = true;
  }
  if (!any) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Strips> strips_of(const Nest& nest) {
  if (nest.axes.size() < 2) return std::nullopt;
  const std::string& axis = nest.axes[nest.axes.size() - 2].symbol;
  Strips out;
  bool any = false;
  for (const NestStage& stage : nest.stages) {
    out.stages.emplace_back();
    if (!stage.folds()) {
      if (!stage.inner.empty()) return std::nullopt;
      continue;
    }
    const std::optional<Slide> slide = slide_of(stage, axis);
    if (!slide) return std::nullopt;
    out.stages.back() = *slide;
    any = true;
  }
  if (!any) return std::nullopt;
  return out;
}

}  // namespace carnot::cuda
