// cuda.attention: the fused attention core on the tensor cores (codegen/cuda/attention.h).
#include "codegen/cuda/attention.h"

#include <algorithm>
#include <cmath>

#include "codegen/cuda/contraction.h"
#include "tactics/cuda/tables.h"

namespace carnot::cuda {

namespace {

constexpr AttentionTile kShapes[] = {{4, 1}, {2, 1}, {1, 1}, {8, 1}, {4, 2}, {2, 2}, {7, 1}};
/// Cycles of a warp per 64 keys and 16 elements of width, and for starting a block.
constexpr double kPassCycles = 120, kBlockCycles = 1500;
constexpr double kTwoTiles = 1.4;
constexpr int kWarpsAtOnce = 8;  ///< of one multiprocessor that get on without waiting

WhyNot why(const Problem& p) {
  const auto gpu = gpu_of(p.device);
  if (!gpu.ok()) return gpu.status().message();
  return why_not_attention(p.kernel, gpu->architecture, gpu->shared_bytes, {1, 1}).message();
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
  for (const AttentionTile& tile : kShapes) {
    if (!why_not_attention(p.kernel, gpu->architecture, gpu->shared_bytes, tile).ok()) continue;
    out.push_back({cat("w", tile.warps, "x", tile.tiles),
                   {tile.warps, tile.tiles},
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
    const auto in = [&](size_t i) { return candidate.knobs[i] > 0 && candidate.knobs[i] <= 8; };
    if (candidate.knobs.size() != 2 || !in(0) || !in(1)) {
      return error(Code::kInvalidArgument, "cuda.attention has two numbers, 1 to 8");
    }
    const AttentionTile tile{static_cast<int>(candidate.knobs[0]),
                             static_cast<int>(candidate.knobs[1])};
    CARNOT_RETURN_IF_ERROR(why_not_attention(p.kernel, gpu.architecture, gpu.shared_bytes, tile));
    CARNOT_ASSIGN(KernelSource made, emit_attention(p.kernel, tile, function_of(key)));
    source = &cuda_sink.add(key, std::move(made));
  }
  return generated(*source, p.kernel.buffers.size());
}

}  // namespace

const Tactic kAttention = {"cuda.attention", 2, why, list, generate};

}  // namespace carnot::cuda
