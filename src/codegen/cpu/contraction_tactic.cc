// Which tactics a contraction has, and which is the best guess. The model counts cycles of one
// core with two fused multiply-adds and two loads a cycle; only the order of its answers matters.
#include <algorithm>
#include <cmath>
#include <sstream>

#include "codegen/cpu/contraction_problem.h"
#include "codegen/cpu/scalar_emit.h"
#include "codegen/cpu/winograd.h"

namespace carnot::cpu {

namespace {

constexpr int kRowsMax = 16, kVectorsMax = 16;
constexpr double kFmaPerCycle = 2, kLoadsPerCycle = 2, kFmaLatency = 4;
constexpr double kL2BytesPerCycle = 32, kL3BytesPerCycle = 8;
constexpr double kCyclesPerUs = 2500;
/// Work worth handing to another thread, and how finely to cut what is larger.
constexpr double kTaskCyclesMin = 20000;
constexpr int kTasksPerThread = 16;
/// Columns of B that a task passes over again and again should leave room for A.
constexpr double kL2Share = 0.5;
/// General registers for row pointers beside B, the counter and what the loop needs.
constexpr int kPointerRegistersX86 = 11, kPointerRegistersArm = 20;
constexpr int64_t kTableEntriesMax = 1 << 16;
/// Sums that go through scratch, row pointers that are computed again.
constexpr double kBlockedCost = 1.03;
constexpr int kInnerBlocksMax = 64;
/// Of the second cache, for a block of a panel; and what a task's waiting sums may take.
constexpr double kBlockShare = 0.25;
constexpr int64_t kSumBytesMax = 256 << 10;
constexpr double kStreamedBytes = 512 << 10;
constexpr int kPrefetchBytes = 512;
constexpr size_t kPrefetched = 1;  ///< the best so many are tried both ways
constexpr int64_t kGatherBytesMax = 1 << 20;
constexpr int64_t kWinogradElementsMax = 1 << 24;

bool is_static(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& d) { return d.is_constant(); });
}

/// B has one stride over all inner axes.
bool b_is_joint(const ContractionProblem& p) {
  for (size_t i = 0; i + 1 < p.inner.size(); ++i) {
    if (p.b.map.inner[i] != p.b.map.inner[i + 1] * p.inner[i + 1]) return false;
  }
  return true;
}

int64_t tap_count(const ContractionProblem& p, size_t run_axes) {
  int64_t taps = 1;
  for (size_t i = 0; i + run_axes < p.inner.size(); ++i) {
    if (!p.inner[i].is_constant()) return -1;
    taps *= p.inner[i].value();
  }
  return taps;
}

bool storable(DType dtype) {
  return dtype != DType::kString && bits_of(dtype) >= 8;
}

Status why_not_access(const ContractionProblem& p, const Target& target,
                      const ContractionTactic& t) {
  const bool in_place = t.columns == ColumnAccess::kInPlace;
  const size_t run = p.run_axes(false, !in_place);
  const bool step_one = p.inner.empty() || p.a.map.inner.back().is(1);
  switch (t.access) {
    case RowAccess::kDirect:
      if (!p.row_stride(p.a.map)) return error(Code::kUnsupported, "A's rows have no one stride");
      if (!p.guards.empty()) return error(Code::kUnsupported, "direct access cannot pad");
      if (run != p.inner.size()) return error(Code::kUnsupported, "A's inner axes do not join");
      break;
    case RowAccess::kPointers: {
      if (run == 0) return error(Code::kUnsupported, "every inner axis of A is guarded");
      if (!p.guards.empty() && !step_one) {
        return error(Code::kUnsupported, "padding needs a contiguous innermost axis");
      }
      const int64_t taps = tap_count(p, run);
      if (taps < 0 || taps * t.rows > kTableEntriesMax) {
        return error(Code::kUnsupported, "too many taps for a table of pointers");
      }
      if (in_place && taps != 1) return error(Code::kUnsupported, "B's taps do not join");
      break;
    }
    case RowAccess::kGather:
      if (!is_static(p.inner)) return error(Code::kUnsupported, "gathering needs static sizes");
      if (p.inner_count().overflowed() ||
          p.inner_count().value() > kGatherBytesMax / (4 * t.rows)) {
        return error(Code::kUnsupported, "too many inner elements to gather");
      }
      break;
    case RowAccess::kWinograd2:
    case RowAccess::kWinograd4: {
      if (t.columns != ColumnAccess::kPacked) return error(Code::kUnsupported, "winograd packs B");
      CARNOT_ASSIGN(const WinogradShape shape, winograd_shape(p, target.lanes(32)));
      const int64_t m = winograd_outputs(t);
      const int64_t elements = (m + 2) * (m + 2) * t.row_block * t.rows * shape.channels;
      if (t.row_block > kTableEntriesMax || elements > kWinogradElementsMax) {
        return error(Code::kUnsupported, "winograd: the block of windows is too large");
      }
      break;
    }
  }
  return {};
}

/// Blocks hold whole taps or, of a single run, equal pieces of whole unrolled steps.
Status why_not_blocks(const ContractionProblem& p, const ContractionTactic& t) {
  if (t.inner_blocks == 1) return {};
  if (t.access != RowAccess::kPointers && t.access != RowAccess::kDirect) {
    return error(Code::kUnsupported, "only rows that lie in place can be read in blocks");
  }
  if (t.columns != ColumnAccess::kPacked) return error(Code::kUnsupported, "blocks need packed B");
  if (t.row_block * t.rows * t.column_block * t.vectors > kSumBytesMax / 16) {
    return error(Code::kUnsupported, "the sums of a task take too much scratch");
  }
  const size_t run_axes = p.run_axes(false, true);
  const int64_t taps = tap_count(p, run_axes);
  if (taps > 1) {
    return t.inner_blocks <= taps ? Status() : error(Code::kUnsupported, "more blocks than taps");
  }
  const Dim run = p.inner_count();
  if (!run.is_constant() || run.value() % (int64_t{t.inner_blocks} * t.unroll) != 0) {
    return error(Code::kUnsupported, "the inner axis cannot be cut into equal blocks");
  }
  return {};
}

Status why_not_columns(const ContractionProblem& p, const ContractionQuery& query,
                       const ContractionTactic& t) {
  switch (t.columns) {
    case ColumnAccess::kPacked:
      if (!query.b_constant) return error(Code::kUnsupported, "B is not constant");
      if (!is_static(p.inner) || !is_static(p.batch) || !p.columns.is_constant() ||
          !is_static(p.b.map.inner) || !is_static(p.b.map.batch)) {
        return error(Code::kUnsupported, "a constant B with symbolic sizes");
      }
      break;
    case ColumnAccess::kInPlace:
      if (!p.b.map.column.is(1) && !p.columns.is(1)) {
        return error(Code::kUnsupported, "B's columns are not contiguous");
      }
      if (!b_is_joint(p)) return error(Code::kUnsupported, "B's inner axes do not join");
      break;
    case ColumnAccess::kScratch:
      break;
  }
  return {};
}

/// The sizes that the model works on.
struct Sizes {
  double batch = 1, rows = 1, inner = 1, columns = 1, run = 1, taps = 1;
};

Sizes sizes_of(const ContractionProblem& p, const Symbols& likely) {
  const auto number = [&](const Dim& d) {
    const Result<int64_t> value = evaluate(d, likely);
    return value.ok() && *value > 0 ? static_cast<double>(*value) : 1.0;
  };
  Sizes s;
  s.batch = number(product(p.batch));
  s.rows = number(p.row_count());
  s.inner = number(p.inner_count());
  s.columns = number(p.columns);
  return s;
}

double step_cycles(double rows, double vectors) {
  return std::max({rows * vectors / kFmaPerCycle, (rows + vectors) / kLoadsPerCycle,
                   std::min(kFmaLatency, kFmaLatency * rows * vectors / 4)});
}

struct Model {
  const ContractionProblem& p;
  const Target& target;
  Sizes s;
  double lanes;

  bool winograd(const ContractionTactic& t) const { return winograd_outputs(t) > 0; }
  Result<WinogradShape> shape() const { return winograd_shape(p, target.lanes(32)); }

  double panels(const ContractionTactic& t) const {
    return std::ceil(s.columns / (t.vectors * lanes));
  }

  /// Cycles for all columns of one tile of rows, B coming from the second cache.
  double tile_cycles(const ContractionTactic& t) const {
    const double vectors = std::ceil(s.columns / lanes);
    const double whole = std::floor(vectors / t.vectors);
    const double tail = vectors - whole * t.vectors;
    const size_t run_axes = p.run_axes(false, t.columns != ColumnAccess::kInPlace);
    double runs = 1;
    if (t.access == RowAccess::kPointers) {
      for (size_t i = 0; i + run_axes < p.inner.size(); ++i) {
        runs *= static_cast<double>(std::max<int64_t>(1, p.inner[i].constant_term()));
      }
    }
    const auto panel = [&](double v) {
      const double stream = v * lanes * 4 / kL2BytesPerCycle;
      const double overhead = 15 + 2 * v * t.rows + runs * (8 + t.rows * 0.5);
      return s.inner * std::max(step_cycles(t.rows, v), stream) + overhead;
    };
    double cycles = whole * panel(t.vectors) + (tail > 0 ? panel(tail) : 0);
    if (t.access == RowAccess::kPointers) cycles += t.rows * (10 + 2 * runs);
    if (t.access == RowAccess::kGather) {
      const size_t copied = p.run_axes(true, true);
      double length = 1;
      for (size_t i = p.inner.size() - copied; i < p.inner.size(); ++i) {
        length *= static_cast<double>(std::max<int64_t>(1, p.inner[i].constant_term()));
      }
      cycles += t.rows * (10 + s.inner / length * (4 + 2 * std::ceil(length / lanes)));
    }
    return cycles;
  }

  double cycles(const ContractionTactic& t) const {
    if (winograd(t)) {
      const WinogradShape w = *shape();
      return winograd_cycles(w, target, t, s.rows / static_cast<double>(w.height * w.width));
    }
    const double tiles = std::ceil(s.rows / t.rows);
    const double blocks = std::ceil(panels(t) / static_cast<double>(t.column_block));
    double total = s.batch * tiles * tile_cycles(t);
    // The weights come at least once from beyond the second cache, and once per tile where a block
    // of columns does not stay in it.
    const double bytes = s.inner * s.columns * 4;
    const bool stays =
        bytes / blocks / t.inner_blocks < kL2Share * 1.5 * static_cast<double>(target.l2_bytes);
    total += s.batch * bytes / kL3BytesPerCycle * (stays ? 0.5 : tiles * 0.5);
    if (t.inner_blocks > 1) total *= kBlockedCost;
    if (t.columns == ColumnAccess::kScratch) {
      total += s.batch * s.inner * s.columns * std::ceil(tiles / static_cast<double>(t.row_block));
    }
    return total;
  }

  /// How columns and rows are cut into tasks.
  void cut(ContractionTactic& t) const {
    if (winograd(t)) return cut_winograd(*shape(), target, t);
    const double all = panels(t);
    const double tiles = std::ceil(s.rows / t.rows);
    const double panel_bytes = s.inner * t.vectors * lanes * 4;
    double block =
        std::max(1.0, std::floor(kL2Share * static_cast<double>(target.l2_bytes) / panel_bytes));
    double blocks = std::ceil(all / std::min(block, all));
    const double work = s.batch * tiles * tile_cycles(t);
    const double wanted = std::clamp(work / kTaskCyclesMin, 1.0,
                                     static_cast<double>(kTasksPerThread * target.threads));
    const double have = s.batch * blocks;
    double row_tasks = std::clamp(std::ceil(wanted / have), 1.0, tiles);
    if (t.columns == ColumnAccess::kScratch) row_tasks = 1;  // each task packs its columns
    if (have * row_tasks < wanted) {
      blocks = std::clamp(std::ceil(wanted / (s.batch * row_tasks)), blocks, all);
    }
    t.column_block = static_cast<int64_t>(std::ceil(all / blocks));
    t.row_block = static_cast<int64_t>(std::ceil(tiles / row_tasks));
  }
};

/// The same tactic with a long panel in blocks, where that can be.
std::optional<ContractionTactic> in_blocks(const Model& model, const ContractionQuery& query,
                                           ContractionTactic t) {
  const double panel = model.s.inner * t.vectors * model.lanes * 4;
  const double room = kBlockShare * static_cast<double>(query.target.l2_bytes);
  if (panel <= 2 * room || t.columns != ColumnAccess::kPacked || model.winograd(t)) return {};
  t.column_block = 1;
  const double tile_bytes = t.rows * t.vectors * model.lanes * 4;
  const double tiles = std::ceil(model.s.rows / t.rows);
  t.row_block = static_cast<int64_t>(
      std::clamp(kSumBytesMax / 2 / tile_bytes, 1.0, std::ceil(tiles / query.target.threads)));
  for (int blocks = static_cast<int>(std::ceil(panel / room)); blocks <= kInnerBlocksMax;
       ++blocks) {
    t.inner_blocks = blocks;
    if (why_not(model.p, query, t).ok()) return t;
  }
  return {};
}

int row_limit(const ContractionProblem& p, const Target& target, RowAccess access) {
  const std::optional<Dim> stride = p.row_stride(p.a.map);
  const bool displacements = access == RowAccess::kGather || access == RowAccess::kWinograd2 ||
                             access == RowAccess::kWinograd4 ||
                             (access == RowAccess::kDirect && stride && stride->is_constant());
  if (displacements) return kRowsMax;
  return target.arch == Arch::kX86 ? kPointerRegistersX86 : kPointerRegistersArm;
}

}  // namespace

std::string to_string(const ContractionTactic& t) {
  constexpr const char* kAccess[] = {"direct", "pointers", "gather", "winograd2", "winograd4"};
  constexpr const char* kColumns[] = {"packed", "in_place", "scratch"};
  return cat(t.rows, "x", t.vectors, " u", t.unroll, " ", kAccess[static_cast<int>(t.access)], " ",
             kColumns[static_cast<int>(t.columns)], " ", t.row_block, "x", t.column_block, " p",
             t.prefetch, t.inner_blocks > 1 ? cat(" k", t.inner_blocks) : "");
}

std::vector<int64_t> knobs(const ContractionTactic& t) {
  return {t.rows,
          t.vectors,
          t.unroll,
          static_cast<int64_t>(t.access),
          static_cast<int64_t>(t.columns),
          t.row_block,
          t.column_block,
          t.prefetch,
          t.inner_blocks};
}

Result<ContractionTactic> tactic_from_knobs(const std::vector<int64_t>& k) {
  const auto within = [&](size_t i, int64_t low, int64_t high) {
    return k[i] >= low && k[i] <= high;
  };
  constexpr int64_t kBlockMax = int64_t{1} << 31;
  if (k.size() != 9 || !within(0, 1, kRowsMax) || !within(1, 1, kVectorsMax) || !within(2, 1, 16) ||
      !within(3, 0, 4) || !within(4, 0, 2) || !within(5, 1, kBlockMax) ||
      !within(6, 1, kBlockMax) || !within(7, 0, 1 << 16) || !within(8, 1, kInnerBlocksMax)) {
    return error(Code::kInvalidArgument, "contraction: the knobs are out of range");
  }
  ContractionTactic t;
  t.rows = static_cast<int>(k[0]);
  t.vectors = static_cast<int>(k[1]);
  t.unroll = static_cast<int>(k[2]);
  t.access = static_cast<RowAccess>(k[3]);
  t.columns = static_cast<ColumnAccess>(k[4]);
  t.row_block = k[5];
  t.column_block = k[6];
  t.prefetch = static_cast<int>(k[7]);
  t.inner_blocks = static_cast<int>(k[8]);
  return t;
}

Status why_not(const ContractionProblem& p, const ContractionQuery& query,
               const ContractionTactic& t) {
  CARNOT_RETURN_IF_ERROR(tactic_from_knobs(knobs(t)).status());
  CARNOT_RETURN_IF_ERROR(why_not_columns(p, query, t));
  CARNOT_RETURN_IF_ERROR(why_not_blocks(p, t));
  return why_not_access(p, query.target, t);
}

Status why_not(const ContractionQuery& query) {
  Result<ContractionProblem> problem = contraction_problem(query.kernel, query.view);
  if (!problem.ok()) return std::move(problem).status().with("contraction");
  const ContractionProblem& p = *problem;
  if (p.columns.is(1)) {
    return error(Code::kUnsupported, "contraction: no columns to spread over a vector");
  }
  if (p.a.dtype != DType::kF32 || p.b.dtype != DType::kF32 ||
      query.kernel.stages[0].accumulator != DType::kF32) {
    return error(Code::kUnsupported, "contraction: ", carnot::to_string(p.a.dtype), " times ",
                 carnot::to_string(p.b.dtype), " is not implemented");
  }
  std::vector<DType> types;
  for (const MappedAccess& load : p.loads) {
    if (!storable(load.dtype)) return error(Code::kUnsupported, "contraction: an epilogue type");
    types.push_back(load.dtype);
  }
  for (const MappedAccess& store : p.stores) {
    if (!storable(store.dtype)) return error(Code::kUnsupported, "contraction: an output type");
  }
  types.push_back(DType::kF32);
  CARNOT_RETURN_IF_ERROR(why_not(p.epilogue, types).with("contraction"));
  if (candidates(query, {}, 0).empty()) {
    return error(Code::kUnsupported, "contraction: no access to its operands fits");
  }
  return {};
}

std::vector<RankedTactic> candidates(const ContractionQuery& query, const Symbols& likely,
                                     int effort) {
  std::vector<RankedTactic> out;
  const Result<ContractionProblem> problem = contraction_problem(query.kernel, query.view);
  if (!problem.ok()) return out;
  const ContractionProblem& p = *problem;
  const Model model{p, query.target, sizes_of(p, likely),
                    static_cast<double>(query.target.lanes(32))};
  const int registers = query.target.vector_registers();
  ContractionTactic t;
  for (const auto columns :
       {ColumnAccess::kPacked, ColumnAccess::kInPlace, ColumnAccess::kScratch}) {
    t.columns = columns;
    bool any = false;
    for (const auto access : {RowAccess::kDirect, RowAccess::kPointers, RowAccess::kGather,
                              RowAccess::kWinograd2, RowAccess::kWinograd4}) {
      t.access = access;
      t.rows = t.vectors = 1;
      t.row_block = t.column_block = t.inner_blocks = 1;
      if (!why_not(p, query, t).ok()) continue;
      any = true;
      for (t.rows = 1; t.rows <= row_limit(p, query.target, access); ++t.rows) {
        if (t.rows > model.s.rows) break;
        for (t.vectors = 1; t.vectors <= kVectorsMax; ++t.vectors) {
          if (t.rows * t.vectors + t.vectors + 1 > registers) break;
          if (t.vectors > 1 && (t.vectors - 1) * model.lanes >= model.s.columns) break;
          if (!why_not(p, query, t).ok()) continue;
          model.cut(t);
          out.push_back({t, model.cycles(t) / kCyclesPerUs});
          if (const auto blocked = in_blocks(model, query, t); blocked && effort > 0) {
            out.push_back({*blocked, model.cycles(*blocked) / kCyclesPerUs});
          }
        }
      }
    }
    // Constant weights are always worth packing; reading in place saves packing at run time.
    if (any) break;
  }
  std::stable_sort(out.begin(), out.end(), [](const RankedTactic& a, const RankedTactic& b) {
    return a.predicted_us < b.predicted_us;
  });
  // A long panel streams through the second cache: fetching ahead gains or loses a fifth, which
  // only a measurement tells (BERT's 128x768x3072: 301 or 365 GFLOP/s).
  for (size_t i = 0; effort > 0 && i < std::min<size_t>(out.size(), 2 * kPrefetched); i += 2) {
    RankedTactic ahead = out[i];
    const double panel = model.s.inner * ahead.tactic.vectors * model.lanes * 4;
    if (ahead.tactic.columns != ColumnAccess::kPacked || model.winograd(ahead.tactic) ||
        panel < kStreamedBytes) {
      break;
    }
    ahead.tactic.prefetch = kPrefetchBytes;
    out.insert(out.begin() + static_cast<ptrdiff_t>(i) + 1, ahead);
  }
  const size_t most = effort <= 0 ? 1 : effort <= 2 ? 4 : effort <= 4 ? 10 : 24;
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace carnot::cpu
