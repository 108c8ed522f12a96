// Which tiles a contraction is tried with. The model counts cycles of one multiprocessor: steps
// bound by arithmetic, by what the cache delivers, or by its latency over the stages on their way;
// blocks by whole waves. Only the order of its answers matters.
#include <algorithm>
#include <cmath>

#include "codegen/cuda/contraction.h"

namespace carnot::cuda {

namespace {

/// Multiply-adds per cycle of a multiprocessor that plain code, mma.sync and wgmma reach.
constexpr double kPlainRate = 110, kTensorRate80 = 900, kTensorRate90 = 1100, kHopperRate = 1250;
constexpr double kTensorRateSmall = 450, kPartsRate = 200, kPartsRateSmall = 80;
constexpr double kRoundedRate = 500, kRoundedRateSmall = 220;
constexpr double kSharedBytesPerCycle = 128;
constexpr double kCacheBytesPerCycle = 40;  ///< of one multiprocessor while all of them load
constexpr double kCacheLatency = 750;       ///< from the copy to the data, in cycles
constexpr double kStepOverhead = 140;       ///< barrier and the chain of the first fragments
constexpr double kBlockOverhead = 1500;     ///< rows' positions, first copies, epilogue
constexpr double kClusterOverhead = 1000, kClusterBytesPerCycle = 6;
constexpr double kPositionCycles = 35;       ///< of one thread
constexpr double kCachedBytesPerCycle = 64;  ///< of the first cache
// Of warpgroups, fitted to some 1500 timings of an H200.
constexpr double kHopperStart = 2300, kHopperStep = 11, kHopperShare = 300, kHopperBytes = 80;
constexpr double kHopperStore = 630, kHopperOverlap = 0.84, kHopperCluster = 1600;
constexpr double kHopperSum = 0.12, kHopperSumOp = 0.004;  ///< cycles of one sum's way to memory
constexpr double kHopperBeside = 270;  ///< per 64 columns: what is read beside the sums
constexpr double kHopperSpilled = 1.8, kHopperCrowd = 1.35;
// Where two tiles take turns; one warpgroup stores what is two's else.
constexpr double kHopperTurnRate = 1500, kHopperTurnBytes = 53, kHopperTurnTile = 500;
constexpr double kHopperTurnStore = 3.5;
constexpr double kLaunchUs = 1.3;
/// Of the shorter of arithmetic and memory traffic, what does not hide behind the other.
constexpr double kTilesSerial = 1, kHopperSerial = 0.11;
constexpr int kRegisters = 65536, kThreadsPerSm = 2048;
/// Stages and splits of one form that are tried below effort 5, and there.
constexpr int kAlike = 2, kAlikeMax = 4;

struct Form {
  ContractionMethod method;
  int m, n, warps_m, warps_n, warps_k;
};
constexpr auto kTiles = ContractionMethod::kTiles, kHopper = ContractionMethod::kHopper,
               kParts = ContractionMethod::kParts, kRounded = ContractionMethod::kRounded;
/// Rows and warps of warpgroups, and how many tiles take turns; columns are as the problem has
/// them.
struct HopperForm {
  int m, warps, turns;
};
constexpr HopperForm kHopperForms[] = {{64, 4, 1},  {128, 8, 1}, {128, 4, 1},
                                       {256, 8, 1}, {128, 4, 2}, {64, 4, 2}};
struct KeptForm {
  int m, warps_m, warps_n;
};
constexpr KeptForm kKeptForms[] = {{64, 4, 2}, {64, 2, 2}, {128, 4, 2}, {128, 4, 1}, {64, 4, 1}};
constexpr int kHopperColumns[] = {256, 192, 128, 96, 64, 48, 32, 16};
constexpr int kHopperPartsMax = 4;  ///< in which all columns are tried, whatever they are
constexpr Form kTensorForms[] = {
    {kTiles, 256, 128, 4, 2, 1}, {kTiles, 128, 256, 2, 4, 1}, {kTiles, 128, 128, 2, 4, 1},
    {kTiles, 128, 128, 2, 2, 1}, {kTiles, 128, 64, 4, 2, 1},  {kTiles, 64, 128, 2, 4, 1},
    {kTiles, 64, 64, 2, 2, 1},   {kTiles, 64, 64, 2, 2, 2},   {kTiles, 128, 32, 4, 1, 1},
    {kTiles, 64, 32, 2, 2, 1},   {kTiles, 64, 32, 2, 2, 2},   {kTiles, 32, 64, 2, 2, 1},
    {kTiles, 32, 64, 2, 2, 2},   {kTiles, 32, 128, 1, 4, 1},  {kTiles, 32, 32, 2, 2, 1},
    {kTiles, 32, 32, 2, 2, 2},   {kTiles, 16, 64, 1, 4, 1},   {kTiles, 16, 64, 1, 4, 2},
    {kTiles, 16, 128, 1, 4, 1},  {kTiles, 128, 16, 4, 1, 1},  {kTiles, 64, 16, 4, 1, 1},
    {kTiles, 16, 32, 1, 2, 2},   {kTiles, 32, 16, 2, 1, 2},
};
constexpr Form kPlainForms[] = {
    {kParts, 128, 128, 4, 2, 1}, {kParts, 64, 128, 2, 4, 1}, {kParts, 128, 64, 4, 2, 1},
    {kParts, 64, 64, 2, 2, 1},   {kParts, 64, 64, 2, 2, 2},  {kParts, 64, 32, 2, 2, 2},
    {kParts, 32, 64, 2, 2, 2},   {kParts, 32, 32, 2, 2, 1},  {kParts, 32, 32, 2, 2, 2},
    {kParts, 16, 64, 1, 4, 2},   {kParts, 16, 32, 1, 2, 2},  {kParts, 128, 16, 4, 1, 1},
    {kTiles, 128, 128, 4, 2, 1}, {kTiles, 128, 64, 4, 2, 1}, {kTiles, 64, 128, 2, 4, 1},
    {kTiles, 64, 64, 2, 2, 1},   {kTiles, 64, 64, 2, 2, 2},  {kTiles, 64, 32, 2, 2, 1},
    {kTiles, 64, 32, 2, 2, 2},   {kTiles, 32, 64, 2, 2, 1},  {kTiles, 32, 64, 2, 2, 2},
    {kTiles, 32, 32, 2, 2, 1},   {kTiles, 32, 32, 2, 2, 2},  {kTiles, 16, 64, 1, 4, 1},
    {kTiles, 16, 64, 1, 4, 2},   {kTiles, 16, 32, 1, 2, 4},  {kTiles, 128, 16, 4, 1, 1},
    {kTiles, 64, 16, 4, 1, 2},
};

struct Sizes {
  double batch = 1, rows = 1, columns = 1, steps = 1, inner = 1;
  double bytes = 0;     ///< that pass through memory: A once, B, what the epilogue reads and writes
  double ops = 0;       ///< of the epilogue
  bool beside = false;  ///< it reads something for every sum
};

double value(const Dim& dim, const Symbols& likely) {
  const Result<int64_t> v = evaluate(dim, likely);
  return v.ok() ? std::max<double>(1, static_cast<double>(*v)) : 64;
}

double predict_us(const ContractionFacts& f, const ContractionTile& t, const Gpu& gpu,
                  const Sizes& s) {
  const bool parts = t.method == kParts, rounded = t.method == kRounded;
  const bool plain = f.element == DType::kF32 && !parts && !rounded;
  const bool small = gpu.architecture < 80 || gpu.architecture == 86 || gpu.architecture == 89 ||
                     gpu.architecture >= 120;
  const double rate = plain                    ? kPlainRate
                      : parts                  ? (small ? kPartsRateSmall : kPartsRate)
                      : rounded                ? (small ? kRoundedRateSmall : kRoundedRate)
                      : small                  ? kTensorRateSmall
                      : gpu.architecture >= 90 ? kTensorRate90
                                               : kTensorRate80;
  const double tiles = s.batch * std::ceil(s.rows / t.m) * std::ceil(s.columns / t.n);
  const double blocks = tiles * t.split, steps = std::ceil(s.steps / t.split);
  const double elements = static_cast<double>(t.row_bytes) / f.element_bytes();
  // Few warps leave the units waiting for each other's results.
  const double busy = std::min(1.0, 0.35 + 0.1 * t.warps());
  // What the warps read from shared memory: each its rows and columns of the whole step, for plain
  // code some of it again and again.
  const double readers = t.warps_m * t.warps_n * (plain ? 2 : 1);
  const double read = (t.m / t.warps_m + t.n / t.warps_n) * readers * t.row_bytes;
  const double arithmetic = std::max(t.m * t.n * elements / rate, read / kSharedBytesPerCycle);
  const double loading = (t.m + t.n) * t.row_bytes / kCacheBytesPerCycle;
  const double gathered = f.copy_a > 0 ? 0 : t.m * elements / (f.span ? 128.0 : 16.0);
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
  const double work_us = cycles / (gpu.clock_ghz * 1000),
               bytes_us = s.bytes / (gpu.memory_gbps * 1000);
  return kLaunchUs + std::max(work_us, bytes_us) + kTilesSerial * std::min(work_us, bytes_us);
}

/// Warpgroups: the producer hides all latency but the first; a multiprocessor's only block does not
/// multiply while it stores.
double predict_hopper_us(const ContractionTile& t, const Gpu& gpu, const Sizes& s) {
  const double tiles = s.batch * std::ceil(s.rows / t.m) * std::ceil(s.columns / t.n);
  const double steps = std::ceil(s.steps / t.split), area = double(t.m) * t.n;
  const bool turns = t.warps_n > 1;
  const double arithmetic = area * 64 / (turns ? kHopperTurnRate : kHopperRate);
  const double loading =
      (t.m + double(t.n) / t.share) * t.row_bytes / (turns ? kHopperTurnBytes : kHopperBytes);
  const double step = std::max(arithmetic, loading) + kHopperStep;
  double storing = kHopperStore + area * (kHopperSum + s.ops * kHopperSumOp);
  if (s.beside) storing += kHopperBeside * std::ceil(t.n / 64.0);
  // Two blocks of so many sums have no registers for what is read beside them.
  if (s.beside && t.warps() == 4 && area >= 128 * 128) storing *= kHopperSpilled;
  const int resident = resident_blocks(t);
  const double places = static_cast<double>(gpu.sms) * resident;
  const double waves = std::ceil(tiles * t.split / places);
  // One block's way through a tile, and what all of a multiprocessor's blocks can do at most.
  const double alone = std::max(step, kCacheLatency / (t.stages - 1)) * steps + storing;
  const double together =
      std::max(step * steps * (resident > 1 ? kHopperCrowd : 1), storing * kHopperOverlap) *
      resident;
  const double here = std::min(1.0, tiles * t.split / places);
  double cycles = kHopperStart + waves * std::max(alone, together * (waves > 1 ? 1 : here));
  if (turns) {  // the products of tiles one after the other, or what half of them take
    const double mine = std::max(step, kCacheLatency / (t.stages - 1)) * steps + kHopperTurnTile;
    const double stored = kHopperTurnStore * storing;
    cycles = kHopperStart + std::max(waves * mine + stored, std::ceil(waves / 2) * (mine + stored));
  }
  if (t.split > 1) cycles += kHopperCluster + area / kClusterBytesPerCycle;
  if (t.share > 1) cycles += kHopperShare;
  const double work_us = cycles / (gpu.clock_ghz * 1000),
               bytes_us = s.bytes / (gpu.memory_gbps * 1000);
  return kLaunchUs + std::max(work_us, bytes_us) + kHopperSerial * std::min(work_us, bytes_us);
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

/// What the epilogue does, and the bytes that all of it takes: A once (an image's positions, not
/// its windows), B, what the epilogue touches.
void see_epilogue(const ContractionFacts& f, double taps, Sizes& s) {
  s.bytes = s.batch * (s.rows * s.inner / taps + s.columns * s.inner) * f.element_bytes();
  s.ops = static_cast<double>(f.problem.epilogue.insts.size());
  const double outputs = s.batch * s.rows * s.columns;
  const auto whole = [](const MappedAccess& access) {
    return !access.map.column.is(0) && std::any_of(access.map.rows.begin(), access.map.rows.end(),
                                                   [](const Dim& d) { return !d.is(0); });
  };
  for (const MappedAccess& load : f.problem.loads) {
    if (load.buffer < 0 || !whole(load)) continue;
    s.bytes += outputs * bits_of(load.dtype) / 8;
    s.beside = true;
  }
  for (const MappedAccess& store : f.problem.stores) s.bytes += outputs * bits_of(store.dtype) / 8;
}

/// The columns that tiles of warpgroups may have: a few sizes, and even parts of all columns.
std::vector<int> hopper_columns(double columns) {
  std::vector<int> out;
  const int all = static_cast<int>(std::min(columns, 4096.0));
  const auto add = [&](int n) {
    ContractionTile t;
    t.n = n;
    const bool even = n <= 32 || slab_columns(t) >= 32;
    if (n < 16 || n > 256 || !even || std::find(out.begin(), out.end(), n) != out.end()) return;
    out.push_back(n);
  };
  for (const int n : kHopperColumns) {
    if (n < 2 * all) add(n);
  }
  for (int parts = 1; parts <= kHopperPartsMax; ++parts) add((all / parts + 15) / 16 * 16);
  return out;
}

std::vector<ContractionTile> hopper_tiles(const ContractionFacts& f, const Gpu& gpu, const Sizes& s,
                                          int effort, bool tf32) {
  std::vector<ContractionTile> out;
  if (gpu.architecture != 90 || !gpu.specific || (f.element == DType::kF32 && !tf32)) return out;
  for (const HopperForm& form : kHopperForms) {
    if (form.m > 64 && form.m / 2 >= s.rows) continue;
    for (const int n : hopper_columns(s.columns)) {
      ContractionTile t;
      t.method = kHopper;
      t.m = form.m, t.n = n, t.warps_m = form.warps, t.warps_n = form.turns;
      const double tiles = s.batch * std::ceil(s.rows / t.m) * std::ceil(s.columns / n);
      for (const int split : {1, 2, 4, 8}) {
        if (split > 1 && (tiles * split > 2 * gpu.sms || form.turns > 1)) break;
        if (form.turns > 1 && (tiles <= gpu.sms || n > 2 * form.m)) break;
        t.split = split;
        // As many stages as fit, of two blocks where one warpgroup multiplies.
        for (t.stages = 6; t.stages > 3; --t.stages) {
          const int room = gpu.shared_bytes / (t.warps_m * t.warps_n == 4 && split == 1 ? 2 : 1);
          if (shared_bytes(t) + 1024 <= room) break;
        }
        const int places = gpu.sms * resident_blocks(t), across = int(std::ceil(s.columns / n));
        t.blocks = split == 1 && tiles > places ? places : 0;
        int group = 1;
        while (group < 32 && 2 * group * across <= places) group *= 2;
        t.group = s.rows / t.m >= 2 ? std::max(group, 4) : 1;
        for (t.share = 1; t.share <= 2; ++t.share) {
          if (t.share > 1 && (effort < 5 || split > 1 || tiles < gpu.sms / 2 || s.rows <= t.m))
            break;
          out.push_back(t);
        }
      }
    }
  }
  return out;
}

/// Blocks that keep all weights, where there are few of them and many rows.
std::vector<ContractionTile> kept_tiles(const ContractionFacts& f, const Gpu& gpu, const Sizes& s,
                                        const Symbols& likely, bool tf32) {
  std::vector<ContractionTile> out;
  if (!f.packed || f.copy_a == 0 || s.columns > 256 || s.rows < 128.0 * gpu.sms) return out;
  for (const KeptForm& form : kKeptForms) {
    ContractionTile t;
    if (f.element == DType::kF32) t.method = tf32 ? kRounded : kParts;
    t.m = form.m, t.warps_m = form.warps_m, t.warps_n = form.warps_n;
    t.n = (static_cast<int>(s.columns) + 16 * t.warps_n - 1) / (16 * t.warps_n) * 16 * t.warps_n;
    t.row_bytes = value(f.chunks() * f.taps, likely) <= 4 ? 64 : 128;
    const double steps = value(f.steps(t), likely);
    if (steps > 8) continue;
    t.stages = static_cast<int>(steps), t.group = 1;
    t.blocks = gpu.sms;
    t.blocks *= resident_blocks(t);
    out.push_back(t);
  }
  return out;
}

double predict_kept_us(const ContractionFacts& f, const ContractionTile& t, const Gpu& gpu,
                       const Sizes& s) {
  const double tiles = std::ceil(s.rows / t.m) / gpu.sms, area = double(t.m) * t.n;
  const double elements = static_cast<double>(t.row_bytes) / f.element_bytes();
  const double rate = t.method == kParts     ? kPartsRate
                      : t.method == kRounded ? kRoundedRate
                                             : kTensorRate90;
  const double gathered = f.copy_a == 0 ? t.m * elements / 64 : 0;
  const double step = std::max(area * elements / rate, t.m * t.row_bytes / kCacheBytesPerCycle);
  const double cycles =
      kBlockOverhead + tiles * (t.stages * (step + gathered) + area * (0.1 + s.ops * kHopperSumOp));
  const double work_us = cycles / (gpu.clock_ghz * 1000);
  const double bytes_us = s.bytes / (gpu.memory_gbps * 1000);
  return kLaunchUs + std::max(work_us, bytes_us) + 0.5 * std::min(work_us, bytes_us);
}

}  // namespace

std::vector<RankedTile> rank_tiles(const ContractionFacts& f, const Gpu& gpu, const Symbols& likely,
                                   int effort, bool tf32) {
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
  see_epilogue(f, value(f.taps, likely), s);
  const auto offer = [&](const ContractionTile& t) {
    if (!why_not(f, t, gpu).ok()) return;
    s.steps = value(f.steps(t), likely);
    const bool hopper = t.method == kHopper;
    if (t.stages > (hopper ? 3 : 2) && t.stages - 1 > s.steps / t.split + 1 && t.blocks == 0)
      return;
    if (t.split > 1 && s.steps / t.split < 2) return;
    out.push_back({t, hopper ? predict_hopper_us(t, gpu, s) : predict_us(f, t, gpu, s)});
  };
  for (const ContractionTile& t : hopper_tiles(f, gpu, s, effort, tf32)) offer(t);
  for (const ContractionTile& t : kept_tiles(f, gpu, s, likely, tf32)) {
    if (why_not(f, t, gpu).ok()) out.push_back({t, predict_kept_us(f, t, gpu, s)});
  }
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
        t.method = form.method == kParts && tf32 ? kRounded : form.method;
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
  const size_t count = effort == 0 ? 1 : effort == 1 ? 8 : effort < 5 ? 18 : 40;
  for (const RankedTile& r : out) {
    const auto alike = std::count_if(some.begin(), some.end(), [&](const RankedTile& x) {
      const ContractionTile &a = x.tile, &b = r.tile;
      const bool roles = a.method != kHopper || (a.warps_m == b.warps_m && a.warps_n == b.warps_n);
      return a.method == b.method && a.m == b.m && a.n == b.n && roles;
    });
    if (some.size() < count && alike < (effort < 5 ? kAlike : kAlikeMax)) some.push_back(r);
  }
  return some;
}

}  // namespace carnot::cuda
