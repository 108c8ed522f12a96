// cuda.loops: any kernel, written out as one CUDA kernel (codegen/cuda/loops.h; attention plainly,
// codegen/cuda/rowwise_attention.h).
#include "codegen/cuda/loops.h"

#include "codegen/cuda/rowwise_attention.h"
#include "tactics/cuda/tables.h"

namespace carnot::cuda {

namespace {

constexpr const char* kAttention = "attention";
constexpr double kAttentionUs = 1e6;  // last resort

WhyNot why(const Problem&) {
  return "";
}

std::vector<Candidate> list(const Problem& p, int effort) {
  std::vector<Candidate> out;
  if (p.kernel.attention) return {{kAttention, {}, kAttentionUs}};
  auto choices = loop_choices(p.kernel, p.device, p.likely);
  if (!choices.ok()) return out;
  for (const LoopChoice& c : *choices) {
    out.push_back(
        {to_string(c), {c.method, c.sharing, c.points, c.vector, c.strip}, c.predicted_us});
    if (effort == 0) break;
  }
  return out;
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate, const std::string&,
                                 CodeSink& sink) {
  auto& cuda_sink = static_cast<CudaCodeSink&>(sink);
  const std::string key = share_key(p.kernel, "cuda.loops", candidate.variant);
  const KernelSource* source = cuda_sink.find(key);
  if (!source && p.kernel.attention)
    source = &cuda_sink.add(key, rowwise_attention(function_of(key), p.kernel));
  if (!source) {
    LoopChoice choice;
    choice.method = static_cast<LoopChoice::Method>(candidate.knobs[0]);
    choice.sharing = static_cast<int>(candidate.knobs[1]);
    choice.points = static_cast<int>(candidate.knobs[2]);
    choice.vector = static_cast<int>(candidate.knobs[3]);
    choice.strip = static_cast<int>(candidate.knobs[4]);
    CARNOT_ASSIGN(KernelSource made, loop_source(function_of(key), p.kernel, p.likely, choice));
    source = &cuda_sink.add(key, std::move(made));
  }
  return generated(*source, p.kernel.buffers.size());
}

}  // namespace

const Tactic kLoops = {"cuda.loops", 1, why, list, generate};

}  // namespace carnot::cuda
