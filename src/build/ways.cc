#include "build/ways.h"

#include <algorithm>
#include <cmath>

namespace carnot {

namespace {

// An end of a profile that is nearer than this factor is served by what is tuned for the middle.
constexpr double kFar = 4;
constexpr int kEffortMin = 3;

void bind(const Dim& d, int64_t value, Symbols& symbols) {
  if (const auto s = d.as_symbol()) symbols.emplace(*s, std::max<int64_t>(value, 1));
}

/// 0: not known.
double count_at(const Kernel& kernel, const Symbols& sizes) {
  const Result<int64_t> count = evaluate(size_of(kernel), sizes);
  return count.ok() && *count > 0 ? static_cast<double>(*count) : 0;
}

}  // namespace

Dim size_of(const Kernel& kernel) {
  for (const Buffer& b : kernel.buffers) {
    if (b.output) return product(b.type.dims);
  }
  return 1;
}

Symbols profile_sizes(const Graph& graph, const BuildOptions& options, const Symbols& likely,
                      Shape ShapeRange::*which) {
  Symbols symbols;
  for (const Value* v : graph.inputs()) {
    const auto range = options.profile.find(v->name);
    if (range == options.profile.end()) continue;
    const Dims& dims = v->type().dims;
    const Shape& sizes = range->second.*which;
    for (size_t i = 0; i < dims.size() && i < sizes.size(); ++i) bind(dims[i], sizes[i], symbols);
  }
  symbols.insert(likely.begin(), likely.end());
  return symbols;
}

// Where a program chooses, or takes what the cost model says, it is asked for one way.
Status OtherWays::add(const Graph& graph, const BuildOptions& options, const TuneOptions& tuning,
                      std::span<const TuneTask> tasks, PlanShared& shared) {
  if (options.device.kind != "cuda" || tuning.effort < kEffortMin || tuning.choose) return {};
  for (Shape ShapeRange::*end : {&ShapeRange::min, &ShapeRange::max}) {
    const Symbols sizes = profile_sizes(graph, options, shared.likely, end);
    if (sizes != shared.likely) CARNOT_RETURN_IF_ERROR(add_end(sizes, tuning, tasks, shared));
  }
  return {};
}

Status OtherWays::add_end(const Symbols& sizes, const TuneOptions& tuning,
                          std::span<const TuneTask> tasks, PlanShared& shared) {
  sizes_.push_back(sizes);
  std::vector<TuneTask> far;
  std::vector<PlanShared::Entry*> entries;
  for (size_t i = 0; i < tasks.size(); ++i) {
    PlanShared::Entry& e = shared.kernels[i];
    const double here = count_at(e.kernel, shared.likely), there = count_at(e.kernel, sizes);
    if (here == 0 || there == 0 || (there < here * kFar && here < there * kFar)) continue;
    far.push_back(tasks[i]);
    far.back().favourite = e.choice;
    entries.push_back(&e);
  }
  if (far.empty()) return {};
  TuneOptions there = tuning;
  there.likely = sizes_.back();
  CARNOT_ASSIGN(std::vector<Choice> choices, tune(far, *shared.device, there));
  choices_.push_back(std::move(choices));
  for (size_t i = 0; i < far.size(); ++i) {
    PlanShared::Entry& e = *entries[i];
    const Choice& choice = choices_.back()[i];
    if (choice.tactic == e.choice->tactic &&
        choice.candidate.variant == e.choice->candidate.variant) {
      continue;
    }
    const double here = count_at(e.kernel, shared.likely), other = count_at(e.kernel, sizes);
    const auto from = static_cast<int64_t>(std::ceil(std::sqrt(here * other)));
    PlanShared::Way way;
    way.choice = &choice, way.likely = &sizes_.back();
    if (other > here) {
      way.from = from;
      e.ways.push_back(std::move(way));
    } else {
      e.ways.front().from = from;
      e.ways.insert(e.ways.begin(), std::move(way));
    }
  }
  return {};
}

}  // namespace carnot
