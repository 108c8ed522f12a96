// cuda.contraction: convolutions and matrix products, tiled (codegen/cuda/contraction.h).
#include "codegen/cuda/contraction.h"

#include "tactics/cuda/tables.h"

namespace carnot::cuda {

namespace {

/// Whether B, if this is a contraction, is known at build time.
Result<ContractionFacts> facts_of(const Problem& p) {
  CARNOT_ASSIGN(const ContractionView view, as_contraction(p.kernel));
  const auto b = static_cast<size_t>(p.kernel.stages[0].loads[static_cast<size_t>(view.b)].buffer);
  return contraction_facts(p.kernel, b < p.constants.size() && p.constants[b] != nullptr);
}

WhyNot why(const Problem& p) {
  const auto gpu = gpu_of(p.device);
  if (!gpu.ok()) return gpu.status().message();
  const auto facts = facts_of(p);
  if (!facts.ok()) return facts.status().message();
  if (rank_tiles(*facts, *gpu, p.likely, 0).empty()) {
    return "no tile fits: the tensor cores need sm_75, those of bf16 sm_80";
  }
  return {};
}

std::vector<Candidate> list(const Problem& p, int effort) {
  std::vector<Candidate> out;
  const auto gpu = gpu_of(p.device);
  const auto facts = facts_of(p);
  if (!gpu.ok() || !facts.ok()) return out;
  for (const RankedTile& r : rank_tiles(*facts, *gpu, p.likely, effort, p.tf32)) {
    const bool tf32 = r.tile.rounds(facts->element);
    out.push_back({to_string(r.tile), knobs(r.tile), r.predicted_us, tf32});
  }
  return out;
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate, const std::string&,
                                 CodeSink& sink) {
  auto& cuda_sink = static_cast<CudaCodeSink&>(sink);
  CARNOT_ASSIGN(const Gpu gpu, gpu_of(p.device));
  CARNOT_ASSIGN(const ContractionFacts facts, facts_of(p));
  CARNOT_ASSIGN(const ContractionTile tile, tile_from_knobs(candidate.knobs));
  CARNOT_RETURN_IF_ERROR(why_not(facts, tile, gpu));
  const std::string variant = candidate.variant + (facts.packed ? " packed" : "");
  const std::string key = share_key(p.kernel, "cuda.contraction", variant);
  const KernelSource* source = cuda_sink.find(key);
  if (!source) {
    CARNOT_ASSIGN(KernelSource made, emit_contraction(p.kernel, facts, tile, function_of(key)));
    made.dependent_launch = gpu.architecture >= 90;
    source = &cuda_sink.add(key, std::move(made));
  }
  GeneratedKernel out = generated(*source, p.kernel.buffers.size());
  if (facts.packed) {
    const auto b = static_cast<size_t>(facts.problem.b.buffer);
    CARNOT_ASSIGN(carnot::Tensor packed, pack_weights(p.kernel, facts, tile, *p.constants[b]));
    out.packed.push_back(std::move(packed));
    out.arguments[b] = -1;
  }
  return out;
}

}  // namespace

const Tactic kContraction = {"cuda.contraction", 4, why, list, generate};

}  // namespace carnot::cuda
