// cuda.attention: the fused attention core on the tensor cores (codegen/cuda/attention.h).
#include "codegen/cuda/attention.h"

#include <algorithm>
#include <cmath>

#include "codegen/cuda/contraction.h"
#include "tactics/cuda/tables.h"

namespace carnot::cuda {

namespace {

constexpr AttentionTile kShapes[] = {{4, 1},    {2, 1},    {1, 1},    {8, 1},    {4, 2},
                                     {2, 2},    {7, 1},    {4, 1, 1}, {4, 1, 2}, {4, 1, 4},
                                     {8, 1, 1}, {8, 1, 2}, {8, 1, 4}, {16, 1, 1}};
/// Cycles of a warp per 64 keys and 16 elements of width, and for starting a block.
constexpr double kPassCycles = 420, kKeysCycles = 5600, kBlockCycles = 4000;
constexpr double kTwoTiles = 1.4;
/// Of f32: products in three parts; what steps of 16 keys take more than those of 32.
constexpr double kInParts = 3, kShortSteps = 1.15;
constexpr int64_t kKnobMax = 1 << 16;
constexpr int kWarpsAtOnce = 8;  ///< of one multiprocessor that get on without waiting

/// Of warpgroups with whole heads: cycles for 64 queries, 64 keys and 64 elements, one of them
/// alone and of a whole multiprocessor; and for what a block brings in.
constexpr double kUnitAlone = 1450, kUnitBusy = 730, kHeadBlock = 2600, kHeadBytesCycle = 23;

/// Of a ring, fitted to timings of an H200: multiply-adds and exponentials in a cycle, and what a
/// step costs of both together; what a step waits where nothing else is there; cycles of an item,
/// of a block and of a cluster; bytes that come in a cycle.
constexpr double kProductsCycle = 2048, kExponentialsCycle = 16, kRingStepCost = 1.25;
constexpr double kRingWait = 1400, kRingItem = 2000, kRingStart = 2500, kRingCluster = 4000;
constexpr double kRingBytesCycle = 16;
/// Two warpgroups that take turns gain where products outweigh exponentials.
constexpr double kRingTurns = 0.99, kRingTurnsWidth = 160;
constexpr double kWithBias = 1.4;   ///< exponentials of scores to which something is added
constexpr int kRingStepLeast = 64;  ///< of two blocks of a multiprocessor
constexpr int kRingStep = 128, kRingSplitMost = 8;
/// The same of two warpgroups that take turns, where the last step is not much longer than the
/// keys.
constexpr int kRingStepOfTurns = 160;
constexpr double kRingWaste = 1.02;

/// Those by warpgroups are for one architecture alone.
Status why_not(const Problem& p, const Gpu& gpu, const AttentionTile& tile) {
  if (tile.rounds + tile.step > 0 && !gpu.specific)
    return error(Code::kUnsupported, "wgmma needs sm_90a");
  return why_not_attention(p.kernel, gpu.architecture, gpu.shared_bytes, tile);
}

WhyNot why(const Problem& p) {
  const auto gpu = gpu_of(p.device);
  if (!gpu.ok()) return gpu.status().message();
  return why_not(p, *gpu, {1, 1}).message();
}

double predict_heads_us(const Gpu& gpu, const AttentionTile& tile, double blocks, double keys,
                        double width) {
  const double groups = tile.warps / 4, per_sm = std::ceil(blocks / gpu.sms);
  const double bytes = (tile.queries() + 2 * keys) * 128;
  const double resident =
      std::min({per_sm, 4 / groups, std::max(1.0, std::floor((gpu.shared_bytes + 1024) / bytes))});
  const double unit = std::max(kUnitAlone / (groups * resident), kUnitBusy);
  const double work = tile.rounds * groups * std::ceil(keys / 16) / 4 * (1 + width / 64) / 2 * unit;
  const double bring = (kHeadBlock + bytes / kHeadBytesCycle) / resident;
  return 1.5 + per_sm * (work + bring) / (gpu.clock_ghz * 1000);
}

/// The sizes of a problem as they are likely to be.
struct Sizes {
  double batch, heads, key_heads, queries, keys, width, value_width;
  bool causal, bias;
  explicit Sizes(const Problem& p) {
    const AttentionCore& core = *p.kernel.attention;
    const size_t length = core.op.bsh ? 1 : 2, head = 3 - length;
    const auto value = [&](size_t buffer, size_t axis) {
      const Result<int64_t> v = evaluate(p.kernel.buffers[buffer].type.dims[axis], p.likely);
      return v.ok() ? static_cast<double>(*v) : 128.0;
    };
    batch = value(0, 0), heads = value(0, head), key_heads = std::max(1.0, value(1, head));
    queries = value(0, length), keys = value(1, length);
    width = value(0, 3), value_width = value(2, 3);
    causal = core.op.causal, bias = core.has_bias;
  }
  double items(const AttentionTile& tile) const {
    const double rows = tile.pack ? queries * heads / key_heads : queries;
    return batch * (tile.pack ? key_heads : heads) * std::ceil(rows / tile.queries());
  }
};

double predict_ring_us(const Gpu& gpu, const AttentionTile& tile, const Sizes& z, int resident) {
  const double items = z.items(tile);
  const double padded = (std::ceil(z.width / 16) + std::ceil(z.value_width / 16)) * 16;
  const double per_sm = std::ceil(items * tile.split / gpu.sms);
  const double at_once = std::min<double>(resident, per_sm);
  double steps = std::ceil(std::ceil(z.keys / tile.step) / tile.split);
  if (z.causal && z.queries > tile.queries()) steps = (steps + 1) / 2;
  const double scores = static_cast<double>(tile.queries()) * tile.step;
  const double products = scores * padded / kProductsCycle;
  const double exponentials = scores / kExponentialsCycle * (z.bias ? kWithBias : 1);
  double cost = (products + exponentials) * kRingStepCost + (per_sm > 1 ? 0 : kRingWait);
  if (tile.turns) cost *= padded > kRingTurnsWidth ? kRingTurns : 2 - kRingTurns;
  const double bring = tile.step * padded * 2 / kRingBytesCycle;
  const double item = steps * std::max(cost, bring) + kRingItem / at_once;
  const double cycles = kRingStart + (tile.split > 1 ? kRingCluster : 0) + per_sm * item;
  return 1.5 + cycles / (gpu.clock_ghz * 1000);
}

double predict_us(const Problem& p, const Gpu& gpu, const AttentionTile& tile, const Sizes& z) {
  if (tile.step > 0) return predict_ring_us(gpu, tile, z, resident_blocks(p.kernel, tile));
  const double blocks = z.items(tile);
  if (tile.rounds > 0) return predict_heads_us(gpu, tile, blocks, z.keys, z.width);
  const double passes = std::ceil(z.keys / 64);
  const double per_sm = std::ceil(blocks / gpu.sms);
  const double rounds = std::max(1.0, per_sm * tile.warps / kWarpsAtOnce);
  // Few warps bring in keys and values slowly; a second tile costs less than the first.
  const double products = kPassCycles * (tile.tiles > 1 ? kTwoTiles : 1) * z.width / 16;
  double work = passes * (products + kKeysCycles / tile.warps);
  if (p.kernel.buffers[0].type.dtype == DType::kF32) {
    work *= (tile.tf32 ? 1 : kInParts) * (tile.keys < 32 ? kShortSteps : 1);
  }
  return 1.5 + (kBlockCycles + rounds * work) / (gpu.clock_ghz * 1000);
}

/// Steps as long as registers and memory take, and of equal length. A single warpgroup is best with
/// another block beside it.
int ring_step(const Problem& p, const Gpu& gpu, AttentionTile tile, double keys, bool causal) {
  const double whole = std::ceil(keys / kRingStepOfTurns) * kRingStepOfTurns;
  const bool longer = tile.turns && !causal && whole <= keys * kRingWaste;
  int most = 0;
  for (const int residents : {2, 1}) {
    if (residents == 2 && (tile.warps > 4 || tile.split > 1)) continue;
    for (tile.step = longer ? kRingStepOfTurns : kRingStep; tile.step > 16 && most == 0;
         tile.step -= 16) {
      if (!why_not(p, gpu, tile).ok() || resident_blocks(p.kernel, tile) < residents) continue;
      if (residents == 1 || tile.step >= kRingStepLeast) most = tile.step;
    }
  }
  if (most == 0) return kRingStep;  // which is refused
  const double steps = std::max(1.0, std::ceil(keys / most));
  return static_cast<int>(std::max(1.0, std::ceil(keys / steps / 16))) * 16;
}

std::vector<AttentionTile> tiles_of(const Problem& p, const Gpu& gpu, const Sizes& z) {
  std::vector<AttentionTile> out;
  for (const AttentionTile& tile : kShapes) {
    // More rounds than there are queries for.
    if (tile.rounds > 1 && z.queries <= tile.queries() / 2.0) continue;
    out.push_back(tile);
  }
  if (p.kernel.buffers[0].type.dtype == DType::kF32) {
    for (AttentionTile tile : std::vector(out)) {
      for (const int keys : {16, 32}) {
        for (const bool tf32 : {false, true}) {
          tile.keys = keys, tile.tf32 = tf32;
          if ((keys < 32 || tf32) && (!tf32 || p.tf32)) out.push_back(tile);
        }
      }
    }
  }
  for (const int groups : {1, 2, 3}) {
    for (const bool turns : {false, true}) {
      if (turns && groups != 2) continue;
      for (int split = 1; split <= kRingSplitMost; split *= 2) {
        AttentionTile tile;
        tile.warps = 4 * groups, tile.turns = turns, tile.split = split;
        tile.pack = z.heads > z.key_heads;
        if (split > 1 && (turns || z.items(tile) * split > gpu.sms)) break;
        tile.step = ring_step(p, gpu, tile, z.keys, z.causal);
        if (split > 1 && z.keys <= (split - 1) * tile.step) break;
        if (split == 1) tile.blocks = gpu.sms * resident_blocks(p.kernel, tile);
        out.push_back(tile);
      }
    }
  }
  return out;
}

std::string variant_of(const AttentionTile& tile) {
  if (tile.rounds > 0) return cat("g", tile.warps / 4, "x", tile.rounds);
  if (tile.step == 0) {
    return cat("w", tile.warps, "x", tile.tiles, tile.keys < 32 ? " k16" : "",
               tile.tf32 ? " tf32" : "");
  }
  return cat("r", tile.warps / 4, "x", tile.step, tile.split > 1 ? cat("s", tile.split) : "",
             tile.pack ? "p" : "", tile.turns ? "t" : "");
}

std::vector<int64_t> knobs_of(const AttentionTile& t) {
  if (t.step == 0 && t.keys == 32 && !t.tf32) return {t.warps, t.tiles, t.rounds};
  if (t.step == 0) return {t.warps, t.tiles, t.rounds, t.keys, t.tf32};
  return {t.warps, t.tiles, t.rounds, t.step, t.split, t.pack, t.turns, t.blocks};
}

Result<AttentionTile> tile_of(const std::vector<int64_t>& knobs) {
  const bool fits =
      std::all_of(knobs.begin(), knobs.end(), [](int64_t k) { return k >= 0 && k <= kKnobMax; });
  if (!fits || (knobs.size() != 3 && knobs.size() != 5 && knobs.size() != 8)) {
    return error(Code::kInvalidArgument, "cuda.attention has three, five or eight numbers, 0 to ",
                 kKnobMax);
  }
  const auto at = [&](size_t i) { return static_cast<int>(knobs[i]); };
  AttentionTile tile{at(0), at(1), at(2)};
  if (knobs.size() == 5) tile.keys = at(3), tile.tf32 = at(4) != 0;
  if (knobs.size() == 8) {
    tile.step = at(3), tile.split = at(4), tile.pack = at(5) != 0, tile.turns = at(6) != 0;
    tile.blocks = at(7);
  }
  return tile;
}

std::vector<Candidate> list(const Problem& p, int effort) {
  std::vector<Candidate> out;
  const auto gpu = gpu_of(p.device);
  if (!gpu.ok()) return out;
  if (!why_not(p, *gpu, {1, 1}).ok()) return out;
  const Sizes sizes(p);
  for (const AttentionTile& tile : tiles_of(p, *gpu, sizes)) {
    if (!why_not(p, *gpu, tile).ok()) continue;
    out.push_back({variant_of(tile), knobs_of(tile), predict_us(p, *gpu, tile, sizes), tile.tf32});
  }
  std::stable_sort(out.begin(), out.end(), [](const Candidate& x, const Candidate& y) {
    return x.predicted_us < y.predicted_us;
  });
  if (effort == 0 && out.size() > 1) out.resize(1);
  return out;
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate, const std::string&,
                                 CodeSink& sink) {
  auto& cuda_sink = static_cast<CudaCodeSink&>(sink);
  const std::string key = share_key(p.kernel, "cuda.attention", candidate.variant);
  const KernelSource* source = cuda_sink.find(key);
  if (!source) {
    CARNOT_ASSIGN(const Gpu gpu, gpu_of(p.device));
    CARNOT_ASSIGN(const AttentionTile tile, tile_of(candidate.knobs));
    CARNOT_RETURN_IF_ERROR(why_not(p, gpu, tile));
    CARNOT_ASSIGN(KernelSource made, emit_attention(p.kernel, tile, function_of(key)));
    source = &cuda_sink.add(key, std::move(made));
  }
  return generated(*source, p.kernel.buffers.size());
}

}  // namespace

const Tactic kAttention = {"cuda.attention", 4, why, list, generate};

}  // namespace carnot::cuda
