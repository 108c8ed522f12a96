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
constexpr double kPassCycles = 120, kBlockCycles = 1500;
constexpr double kTwoTiles = 1.4;
constexpr int kWarpsAtOnce = 8;  ///< of one multiprocessor that get on without waiting

/// Of warpgroups: cycles for 64 queries, 64 keys and 64 elements, one of them alone and of a whole
/// multiprocessor; and for what a block brings in.
constexpr double kUnitAlone = 560, kUnitBusy = 280, kHeadBlock = 1000, kHeadBytesCycle = 60;

/// Those by warpgroups are for one architecture alone.
Status why_not(const Problem& p, const Gpu& gpu, const AttentionTile& tile) {
  if (tile.rounds > 0 && !gpu.specific) return error(Code::kUnsupported, "wgmma needs sm_90a");
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

double predict_us(const Problem& p, const Gpu& gpu, const AttentionTile& tile) {
  const size_t length = p.kernel.attention->op.bsh ? 1 : 2, heads = 3 - length;
  const auto value = [&](const Dim& dim) {
    const Result<int64_t> v = evaluate(dim, p.likely);
    return v.ok() ? static_cast<double>(*v) : 128.0;
  };
  const Dims& q = p.kernel.buffers[0].type.dims;
  const double blocks =
      value(q[0]) * value(q[heads]) * std::ceil(value(q[length]) / tile.queries());
  if (tile.rounds > 0) {
    const double keys = value(p.kernel.buffers[1].type.dims[length]);
    return predict_heads_us(gpu, tile, blocks, keys, value(q[3]));
  }
  const double passes = std::ceil(value(p.kernel.buffers[1].type.dims[length]) / 64);
  const double per_sm = std::ceil(blocks / gpu.sms);
  const double rounds = std::max(1.0, per_sm * tile.warps / kWarpsAtOnce);
  // Few warps bring in keys and values slowly; a second tile costs less than the first.
  const double products = kPassCycles * (tile.tiles > 1 ? kTwoTiles : 1) * value(q[3]) / 16;
  const double work = passes * (products + 1600.0 / tile.warps);
  return 1.5 + (kBlockCycles + rounds * work) / (gpu.clock_ghz * 1000);
}

std::vector<Candidate> list(const Problem& p, int effort) {
  std::vector<Candidate> out;
  const auto gpu = gpu_of(p.device);
  if (!gpu.ok()) return out;
  const size_t at = p.kernel.attention && p.kernel.attention->op.bsh ? 1 : 2;
  const Result<int64_t> length = evaluate(p.kernel.buffers[0].type.dims[at], p.likely);
  for (const AttentionTile& tile : kShapes) {
    if (!why_not(p, *gpu, tile).ok()) continue;
    // More rounds than there are queries for.
    if (tile.rounds > 1 && length.ok() && *length <= tile.queries() / 2) continue;
    const bool heads = tile.rounds > 0;
    out.push_back(
        {heads ? cat("g", tile.warps / 4, "x", tile.rounds) : cat("w", tile.warps, "x", tile.tiles),
         {tile.warps, tile.tiles, tile.rounds},
         predict_us(p, *gpu, tile)});
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
    const auto in = [&](size_t i) { return candidate.knobs[i] >= 0 && candidate.knobs[i] <= 16; };
    if (candidate.knobs.size() != 3 || !in(0) || !in(1) || !in(2)) {
      return error(Code::kInvalidArgument, "cuda.attention has three numbers, 0 to 16");
    }
    const AttentionTile tile{static_cast<int>(candidate.knobs[0]),
                             static_cast<int>(candidate.knobs[1]),
                             static_cast<int>(candidate.knobs[2])};
    CARNOT_RETURN_IF_ERROR(why_not(p, gpu, tile));
    CARNOT_ASSIGN(KernelSource made, emit_attention(p.kernel, tile, function_of(key)));
    source = &cuda_sink.add(key, std::move(made));
  }
  return generated(*source, p.kernel.buffers.size());
}

}  // namespace

const Tactic kAttention = {"cuda.attention", 3, why, list, generate};

}  // namespace carnot::cuda
