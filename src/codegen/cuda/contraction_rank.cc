// Which tiles a contraction is tried with. The model counts cycles of one multiprocessor: steps
// bound by arithmetic, by what the cache delivers, or by its latency over the stages on their way;
// blocks by whole waves. Only the order of its answers matters.
#include <algorithm>
#include <cmath>

#include "codegen/cuda/contraction.h"

namespace carnot::cuda {

namespace {

/// Multiply-adds per cycle of a multiprocessor that plain code, mma.sync and wgmma reach.
constexpr double kPlainRate = 110, kTensorRate80 = 900, kTensorRate90 = 1100, kHopperRate = 1650;
constexpr double kTensorRateSmall = 450;
constexpr double kSharedBytesPerCycle = 128;
constexpr double kCacheBytesPerCycle = 40;  ///< of one multiprocessor while all of them load
constexpr double kCacheLatency = 750;       ///< from the copy to the data, in cycles
constexpr double kStepOverhead = 140;       ///< barrier and the chain of the first fragments
constexpr double kBlockOverhead = 1500;     ///< rows' positions, first copies, epilogue
constexpr double kClusterOverhead = 1000, kClusterBytesPerCycle = 6;
constexpr double kPositionCycles = 35;       ///< of one thread
constexpr double kCachedBytesPerCycle = 64;  ///< of the first cache
constexpr double kLaunchUs = 1.3;
constexpr int kRegisters = 65536, kThreadsPerSm = 2048;
/// Stages and splits of one form that are tried at effort 1 and 2.
constexpr int kAlike = 2, kAlikeMax = 4;

struct Form {
  ContractionMethod method;
  int m, n, warps_m, warps_n, warps_k;
};
constexpr auto kTiles = ContractionMethod::kTiles, kHopper = ContractionMethod::kHopper;
constexpr Form kTensorForms[] = {
    {kHopper, 128, 256, 8, 1, 1}, {kHopper, 256, 128, 16, 1, 1}, {kHopper, 128, 128, 8, 1, 1},
    {kHopper, 64, 256, 4, 2, 1},  {kHopper, 64, 128, 4, 1, 1},   {kHopper, 64, 128, 4, 2, 1},
    {kHopper, 128, 64, 8, 1, 1},  {kHopper, 64, 64, 4, 1, 1},    {kHopper, 64, 32, 4, 1, 1},
    {kHopper, 128, 32, 8, 1, 1},  {kTiles, 256, 128, 4, 2, 1},   {kTiles, 128, 256, 2, 4, 1},
    {kTiles, 128, 128, 2, 4, 1},  {kTiles, 128, 128, 2, 2, 1},   {kTiles, 128, 64, 4, 2, 1},
    {kTiles, 64, 128, 2, 4, 1},   {kTiles, 64, 64, 2, 2, 1},     {kTiles, 64, 64, 2, 2, 2},
    {kTiles, 128, 32, 4, 1, 1},   {kTiles, 64, 32, 2, 2, 1},     {kTiles, 64, 32, 2, 2, 2},
    {kTiles, 32, 64, 2, 2, 1},    {kTiles, 32, 64, 2, 2, 2},     {kTiles, 32, 128, 1, 4, 1},
    {kTiles, 32, 32, 2, 2, 1},    {kTiles, 32, 32, 2, 2, 2},     {kTiles, 16, 64, 1, 4, 1},
    {kTiles, 16, 64, 1, 4, 2},    {kTiles, 16, 128, 1, 4, 1},    {kTiles, 128, 16, 4, 1, 1},
    {kTiles, 64, 16, 4, 1, 1},    {kTiles, 16, 32, 1, 2, 2},     {kTiles, 32, 16, 2, 1, 2},
};
constexpr Form kPlainForms[] = {
    {kTiles, 128, 128, 4, 2, 1}, {kTiles, 128, 64, 4, 2, 1}, {kTiles, 64, 128, 2, 4, 1},
    {kTiles, 64, 64, 2, 2, 1},   {kTiles, 64, 64, 2, 2, 2},  {kTiles, 64, 32, 2, 2, 1},
    {kTiles, 64, 32, 2, 2, 2},   {kTiles, 32, 64, 2, 2, 1},  {kTiles, 32, 64, 2, 2, 2},
    {kTiles, 32, 32, 2, 2, 1},   {kTiles, 32, 32, 2, 2, 2},  {kTiles, 16, 64, 1, 4, 1},
    {kTiles, 16, 64, 1, 4, 2},   {kTiles, 16, 32, 1, 2, 4},  {kTiles, 128, 16, 4, 1, 1},
    {kTiles, 64, 16, 4, 1, 2},
};

struct Sizes {
  double batch = 1, rows = 1, columns = 1, steps = 1, inner = 1;
};

double value(const Dim& dim, const Symbols& likely) {
  const Result<int64_t> v = evaluate(dim, likely);
  return v.ok() ? std::max<double>(1, static_cast<double>(*v)) : 64;
}

double predict_us(const ContractionFacts& f, const ContractionTile& t, const Gpu& gpu,
                  const Sizes& s) {
  const bool plain = f.element == DType::kF32, hopper = t.method == kHopper;
  const bool small = gpu.architecture == 86 || gpu.architecture == 89 || gpu.architecture >= 120;
  const double rate = plain                    ? kPlainRate
                      : hopper                 ? kHopperRate
                      : small                  ? kTensorRateSmall
                      : gpu.architecture >= 90 ? kTensorRate90
                                               : kTensorRate80;
  const double tiles = s.batch * std::ceil(s.rows / t.m) * std::ceil(s.columns / t.n);
  const double blocks = tiles * t.split, steps = std::ceil(s.steps / t.split);
  const double elements = static_cast<double>(t.row_bytes) / f.element_bytes();
  // Few warps leave the units waiting for each other's results.
  const double busy = hopper ? 1 : std::min(1.0, 0.35 + 0.1 * t.warps());
  // What the warps read from shared memory: each its rows and columns of the whole step (for
  // wgmma a warpgroup's), for plain code some of it again and again.
  const double readers = t.warps_m * t.warps_n * (hopper ? 0.25 : plain ? 2 : 1);
  const double read =
      (t.m / t.warps_m * (hopper ? 4 : 1) + t.n / t.warps_n) * readers * t.row_bytes;
  const double arithmetic = std::max(t.m * t.n * elements / rate, read / kSharedBytesPerCycle);
  const double loading = (t.m + t.n) * t.row_bytes / kCacheBytesPerCycle;
  const double gathered = f.copy_a == 0 ? t.m * elements / 16.0 : 0;
  const double waiting =
      kStepOverhead + kCacheLatency / (t.stages - 1) + arithmetic / busy + gathered;
  const int threads = 32 * t.warps();
  const int registers = t.m * t.n / threads + 70;
  int resident = std::min(kThreadsPerSm / threads, kRegisters / (threads * registers));
  resident = std::min(resident, gpu.shared_bytes / std::max(1, shared_bytes(t)));
  resident = std::max(1, resident);
  const double per_sm = std::ceil(blocks / gpu.sms);
  double cycles = 0;
  for (double left = per_sm; left > 0; left -= resident) {
    const double together = std::min<double>(left, resident);
    const double step = std::max(waiting, together * std::max(arithmetic, loading) + gathered);
    cycles += kBlockOverhead + steps * step + together * t.m * t.n / threads * 2.0;
    if (per_sm > 64 * resident) {  // all waves alike
      cycles *= per_sm / resident;
      break;
    }
  }
  if (t.split > 1) cycles += kClusterOverhead + t.m * t.n * 4 / kClusterBytesPerCycle;
  const double bytes = s.batch * (s.rows + s.columns) * s.inner * f.element_bytes();
  return kLaunchUs + std::max(cycles / (gpu.clock_ghz * 1000), bytes / (gpu.memory_gbps * 1000));
}

/// Bytes from memory, or what the threads read from the first cache.
double predict_depthwise_us(const ContractionFacts& f, const ContractionTile& t, const Gpu& gpu,
                            const Sizes& s) {
  // What a thread reads for one of its outputs: positions of the window, and weights.
  const double run = static_cast<double>(f.run.value());
  const double positions = (((t.n - 1) * f.stride + run) * s.inner / run + s.inner) / t.n;
  const double outputs = s.rows * s.columns, bytes = f.element_bytes();
  const double threads = outputs / (t.n * f.vector), per_sm = std::ceil(threads / gpu.sms / 512);
  const double cached = outputs * positions * bytes / gpu.sms / kCachedBytesPerCycle;
  const double waiting = per_sm * (kCacheLatency + kPositionCycles * positions * t.n);
  const double memory = outputs * bytes * (1 + f.stride * f.stride) / (gpu.memory_gbps * 1000);
  return kLaunchUs + std::max(memory, std::max(cached, waiting) / (gpu.clock_ghz * 1000));
}

}  // namespace

std::vector<RankedTile> rank_tiles(const ContractionFacts& f, const Gpu& gpu, const Symbols& likely,
                                   int effort) {
  Sizes s;
  s.batch = value(product(f.problem.batch), likely);
  s.rows = value(f.problem.row_count(), likely);
  s.columns = value(f.problem.columns, likely);
  s.inner = value(f.taps * f.run, likely);
  std::vector<RankedTile> out;
  if (f.depthwise) {
    for (const int window : {4, 2, 1, 8}) {
      ContractionTile t;
      t.method = ContractionMethod::kDepthwise;
      t.m = 128, t.n = window;
      t.stages = t.warps_m = t.warps_n = t.group = 1;
      if (why_not(f, t, gpu).ok()) out.push_back({t, predict_depthwise_us(f, t, gpu, s)});
    }
    std::stable_sort(out.begin(), out.end(), [](const RankedTile& x, const RankedTile& y) {
      return x.predicted_us < y.predicted_us;
    });
    if (effort == 0) out.resize(1);
    return out;
  }
  const auto offer = [&](const ContractionTile& t) {
    if (!why_not(f, t, gpu).ok()) return;
    s.steps = value(f.steps(t), likely);
    if (t.stages > 2 && t.stages - 1 > s.steps / t.split + 1) return;
    if (t.split > 1 && s.steps / t.split < 2) return;
    out.push_back({t, predict_us(f, t, gpu, s)});
  };
  const double inner_bytes = value(f.chunks() * f.taps, likely) * 16;
  const auto forms = f.element == DType::kF32 ? std::span<const Form>(kPlainForms)
                                              : std::span<const Form>(kTensorForms);
  for (const Form& form : forms) {
    // A tile twice as long as the problem is waste.
    if (form.m >= 32 && form.m / 2 >= s.rows) continue;
    if (form.n >= 32 && form.n / 2 >= s.columns) continue;
    for (const int stages : {2, 3, 4, 6}) {
      for (const int split : {1, 2, 4, 8}) {
        ContractionTile t;
        t.method = form.method;
        t.m = form.m, t.n = form.n;
        t.warps_m = form.warps_m, t.warps_n = form.warps_n, t.warps_k = form.warps_k;
        t.row_bytes = inner_bytes <= 64 && t.method == kTiles ? 64 : 128;
        t.stages = stages, t.split = split;
        t.group = s.rows / form.m >= 16 && s.columns / form.n >= 8 ? 8 : 1;
        offer(t);
      }
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const RankedTile& x, const RankedTile& y) {
    return x.predicted_us < y.predicted_us;
  });
  // Of one form only the best few stages and splits, so that others are tried too.
  std::vector<RankedTile> some;
  const size_t count = effort == 0 ? 1 : effort == 1 ? 10 : 32;
  for (const RankedTile& r : out) {
    const auto alike = std::count_if(some.begin(), some.end(), [&](const RankedTile& x) {
      return x.tile.method == r.tile.method && x.tile.m == r.tile.m && x.tile.n == r.tile.n;
    });
    if (some.size() < count && alike < (effort < 2 ? kAlike : kAlikeMax)) some.push_back(r);
  }
  return some;
}

}  // namespace carnot::cuda
