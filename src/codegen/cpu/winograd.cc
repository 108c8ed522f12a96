// Which convolutions Winograd takes, how they are cut, and their transformed filters.
#include "codegen/cpu/winograd.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/status.h"

namespace carnot::cpu {

namespace {

constexpr int kTaps = 3;
/// Cycles to transform one vector of a window or of a tile of products: loads, stores and about
/// (m+2)^2 * 4 additions.
constexpr double kWindowCycles4 = 110, kOutputCycles4 = 110;
constexpr double kWindowCycles2 = 45, kOutputCycles2 = 45;
constexpr double kEfficiency = 0.9;  ///< of the products, against two FMAs a cycle
constexpr double kL2BytesPerCycle = 32, kL3BytesPerCycle = 8;
constexpr int kTasksPerThread = 4;

/// Filter transforms, one row per point of a line: powers of the point over M'(point), where M is
/// the product of (x - point) over all points.
constexpr double kA2 = kWinogradA * kWinogradA, kB2 = kWinogradB * kWinogradB;
constexpr double kOverA = 1 / (2 * kA2 * (kA2 - kB2)), kOverB = 1 / (2 * kB2 * (kB2 - kA2));
constexpr double kFilter4[6][kTaps] = {{1, 0, 0},
                                       {kOverA, kWinogradA* kOverA, kA2* kOverA},
                                       {kOverA, -kWinogradA* kOverA, kA2* kOverA},
                                       {kOverB, kWinogradB* kOverB, kB2* kOverB},
                                       {kOverB, -kWinogradB* kOverB, kB2* kOverB},
                                       {0, 0, 1}};
constexpr double kFilter2[4][kTaps] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

int64_t tiles_of(const WinogradShape& s, int m) {
  return ((s.height + m - 1) / m) * ((s.width + m - 1) / m);
}

/// The guard that bounds axis `row` together with tap axis `tap`; -2 where guards do otherwise.
int guard_of(const ContractionProblem& p, size_t row, size_t tap) {
  int found = -1;
  for (size_t g = 0; g < p.guards.size(); ++g) {
    const AxisMap& index = p.guards[g].index;
    const bool here = !index.rows[row].is(0) || !index.inner[tap].is(0);
    if (!here) continue;
    bool only = index.rows[row].is(1) && index.inner[tap].is(1) && index.column.is(0);
    for (size_t i = 0; i < index.rows.size(); ++i) only &= i == row || index.rows[i].is(0);
    for (size_t i = 0; i < index.inner.size(); ++i) only &= i == tap || index.inner[i].is(0);
    if (!only || found >= 0) return -2;
    found = static_cast<int>(g);
  }
  return found;
}

Status refuse(const char* why) {
  return error(Code::kUnsupported, "winograd: ", why);
}

}  // namespace

Result<WinogradShape> winograd_shape(const ContractionProblem& p, int lanes) {
  if (p.inner.size() != 3 || !p.inner[0].is(kTaps) || !p.inner[1].is(kTaps)) {
    return refuse("not a 3x3 window");
  }
  if (!p.batch.empty()) return refuse("groups");
  if (!p.a.map.inner[2].is(1)) return refuse("channels are not contiguous");
  if (!p.inner[2].is_constant() || !p.columns.is_constant()) return refuse("symbolic channels");
  WinogradShape s;
  s.channels = p.inner[2].value(), s.columns = p.columns.value();
  if (s.channels % lanes != 0 || s.columns % lanes != 0) return refuse("channels fill no vectors");
  s.y = s.x = -1;
  for (size_t i = 0; i < p.rows.size(); ++i) {
    const Dim& step = p.a.map.rows[i];
    if (step == p.a.map.inner[0] && s.y < 0) {
      s.y = static_cast<int>(i);
    } else if (step == p.a.map.inner[1] && s.x < 0) {
      s.x = static_cast<int>(i);
    } else {
      s.images.push_back(static_cast<int>(i));
    }
  }
  if (s.y < 0 || s.x < 0) return refuse("not of stride and dilation 1 along both axes");
  const Dim &height = p.rows[static_cast<size_t>(s.y)], &width = p.rows[static_cast<size_t>(s.x)];
  if (!height.is_constant() || !width.is_constant()) return refuse("symbolic image sizes");
  s.height = height.value(), s.width = width.value();
  s.guard_y = guard_of(p, static_cast<size_t>(s.y), 0);
  s.guard_x = guard_of(p, static_cast<size_t>(s.x), 1);
  const int used = (s.guard_y >= 0) + (s.guard_x >= 0);
  if (s.guard_y == -2 || s.guard_x == -2 || used != static_cast<int>(p.guards.size())) {
    return refuse("its guards are not those of padding");
  }
  return s;
}

int winograd_outputs(const ContractionTactic& t) {
  return t.access == RowAccess::kWinograd4 ? 4 : t.access == RowAccess::kWinograd2 ? 2 : 0;
}

void cut_winograd(const WinogradShape& s, const Target& target, ContractionTactic& t) {
  const int m = winograd_outputs(t);
  const int64_t points = (m + 2) * (m + 2), lanes = target.lanes(32);
  const int64_t tiles = tiles_of(s, m);
  const int64_t panels = (s.columns + t.vectors * lanes - 1) / (t.vectors * lanes);
  // A third of the second cache for the windows, half of it for the filters of the block.
  const int64_t fit =
      std::max<int64_t>(1, target.l2_bytes / 3 / (points * s.channels * 4 * t.rows));
  const int64_t row_tiles = (tiles + t.rows - 1) / t.rows;
  const int64_t panel_bytes = points * s.channels * t.vectors * lanes * 4;
  const int64_t fit_panels = std::max<int64_t>(1, target.l2_bytes / 2 / panel_bytes);
  const int64_t wanted = target.threads > 1 ? target.threads * kTasksPerThread : 1;
  int64_t blocks = (row_tiles + fit - 1) / fit;
  int64_t column_blocks = 1;
  // With several blocks of tiles the filters should stay in the cache between them.
  if (blocks > 1) column_blocks = (panels + fit_panels - 1) / fit_panels;
  while (blocks * column_blocks < wanted && (blocks < row_tiles || column_blocks < panels)) {
    // Splitting tiles costs reading the filters again, splitting columns the windows.
    const bool split_tiles = blocks < row_tiles && panel_bytes * panels < target.l2_bytes / 2;
    if (split_tiles) {
      ++blocks;
    } else if (column_blocks < panels && column_blocks < target.threads * 2) {
      ++column_blocks;
    } else {
      break;
    }
  }
  t.row_block = (row_tiles + blocks - 1) / blocks;
  t.column_block = (panels + column_blocks - 1) / column_blocks;
  // Threads should end together: an odd block left over costs as much as a round of all threads.
  const auto rounds_lost = [&](int64_t row_block) {
    const int64_t tasks =
        (row_tiles + row_block - 1) / row_block * ((panels + t.column_block - 1) / t.column_block);
    const int64_t rounds = (tasks + target.threads - 1) / target.threads;
    return static_cast<double>(rounds * target.threads) / static_cast<double>(tasks);
  };
  while (t.row_block > 1 && rounds_lost(t.row_block) > 1.1) --t.row_block;
}

double winograd_cycles(const WinogradShape& s, const Target& target, const ContractionTactic& t,
                       double images) {
  const int m = winograd_outputs(t);
  const double points = (m + 2) * (m + 2), lanes = target.lanes(32);
  const double tiles = static_cast<double>(tiles_of(s, m));
  const double channels = static_cast<double>(s.channels), columns = static_cast<double>(s.columns);
  const double panels = std::ceil(columns / (t.vectors * lanes));
  const double repeats = std::ceil(panels / static_cast<double>(t.column_block));
  const double blocks = std::ceil(std::ceil(tiles / t.rows) / static_cast<double>(t.row_block));
  const double rows = std::ceil(tiles / t.rows) * t.rows;
  const double window = m == 4 ? kWindowCycles4 : kWindowCycles2;
  const double output = m == 4 ? kOutputCycles4 : kOutputCycles2;
  const double per_step = std::max({t.rows * t.vectors / 2.0, (t.rows + t.vectors) / 2.0,
                                    t.vectors * lanes * 4 / kL2BytesPerCycle});
  const double tile_overhead = 20 + 2.0 * t.rows * t.vectors;
  const double products =
      points * rows / t.rows * panels * (channels * per_step / kEfficiency + tile_overhead);
  const double bytes = points * channels * columns * 4;
  const bool stays = bytes / repeats < 0.75 * static_cast<double>(target.l2_bytes);
  const double stream = bytes / kL3BytesPerCycle * (stays ? 1 : blocks * images);
  return images *
             (tiles * (channels / lanes * window * repeats + columns / lanes * output) + products) +
         stream;
}

Result<Tensor> pack_winograd(const ContractionProblem& p, const ContractionTactic& t, int lanes,
                             const Tensor& weights) {
  CARNOT_ASSIGN(const WinogradShape s, winograd_shape(p, lanes));
  const int m = winograd_outputs(t), line = m + 2;
  const auto row_of = [&](int i) { return m == 4 ? kFilter4[i] : kFilter2[i]; };
  std::array<int64_t, 4> step{};  // of both taps, channels, columns
  for (size_t i = 0; i < 3; ++i) {
    if (!p.b.map.inner[i].is_constant()) return refuse("symbolic filter strides");
    step[i] = p.b.map.inner[i].value();
  }
  if (!p.b.map.column.is_constant() || !p.b.map.base.is_constant()) {
    return refuse("symbolic filter strides");
  }
  step[3] = p.b.map.column.value();
  CARNOT_ASSIGN(const Tensor source, weights.dense());
  CARNOT_ASSIGN(Tensor packed, Tensor::allocate(DType::kF32, {line * line, s.channels, s.columns}));
  const float* from = source.as<float>() + p.b.map.base.value();
  float* to = packed.as<float>();
  const int64_t panel = int64_t{t.vectors} * lanes;
  for (int64_t first = 0; first < s.columns; first += panel) {
    const int64_t width = std::min(panel, s.columns - first);
    for (int64_t c = 0; c < s.channels; ++c) {
      for (int64_t k = 0; k < width; ++k) {
        const float* g = from + c * step[2] + (first + k) * step[3];
        double half[6][kTaps];
        for (int i = 0; i < line; ++i) {
          for (int b = 0; b < kTaps; ++b) {
            half[i][b] = 0;
            for (int a = 0; a < kTaps; ++a) {
              half[i][b] += row_of(i)[a] * static_cast<double>(g[a * step[0] + b * step[1]]);
            }
          }
        }
        for (int i = 0; i < line; ++i) {
          for (int j = 0; j < line; ++j) {
            double sum = 0;
            for (int b = 0; b < kTaps; ++b) sum += half[i][b] * row_of(j)[b];
            to[((i * line + j) * s.channels + c) * width + k] = static_cast<float>(sum);
          }
        }
      }
    }
    to += line * line * s.channels * width;
  }
  return packed;
}

}  // namespace carnot::cpu
