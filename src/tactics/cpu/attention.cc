// cpu.attention: the fused attention core (codegen/cpu/attention.h).
#include "codegen/cpu/attention.h"

#include <algorithm>

#include "tactics/cpu/tables.h"

namespace carnot::cpu {

namespace {

WhyNot why(const Problem& p) {
  return why_not_attention(p.kernel).message();
}

/// Multiply-adds at half of a nominal peak: two vector instructions a cycle at 2.5 GHz.
double predict_us(const Problem& p, const Target& target) {
  const bool bsh = p.kernel.attention->op.bsh;
  Dim flops =
      product(p.kernel.buffers[0].type.dims) * Dim(4) * p.kernel.buffers[1].type.dims[bsh ? 1 : 2];
  const Result<int64_t> count = evaluate(flops, p.likely);
  const double per_us = 2500.0 * target.lanes(32) * 2;
  return (count.ok() ? static_cast<double>(*count) : 1e9) / per_us / std::max(1, p.device.threads);
}

std::vector<Candidate> list(const Problem& p, int effort) {
  std::vector<Candidate> out;
  const auto target = target_of(p.device);
  if (!target.ok()) return out;
  const auto offer = [&](const AttentionTactic& t) {
    out.push_back(
        {cat(t.keys, "x", t.query_vectors, " ", t.queries, "x", t.value_vectors, " b", t.key_block),
         {t.query_vectors, t.keys, t.queries, t.value_vectors, t.key_block},
         predict_us(p, *target)});
  };
  AttentionTactic tactic = attention_tactic(p.kernel, *target);
  offer(tactic);
  if (effort == 0) return out;
  tactic.key_block = std::max<int64_t>(32, tactic.key_block / 2);
  offer(tactic);
  tactic.query_vectors = std::max(1, tactic.query_vectors - 1);
  offer(tactic);
  return out;
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate,
                                 const std::string& entry, CodeSink& sink) {
  auto& cpu_sink = static_cast<CpuCodeSink&>(sink);
  const std::string key = share_key(p.kernel, "cpu.attention", candidate.variant);
  const GeneratedFunction* function = cpu_sink.find(key);
  if (!function) {
    CARNOT_ASSIGN(Module * module, cpu_sink.module(3));
    AttentionTactic tactic;
    tactic.query_vectors = static_cast<int>(candidate.knobs[0]);
    tactic.keys = static_cast<int>(candidate.knobs[1]);
    tactic.queries = static_cast<int>(candidate.knobs[2]);
    tactic.value_vectors = static_cast<int>(candidate.knobs[3]);
    tactic.key_block = candidate.knobs[4];
    CARNOT_ASSIGN(GeneratedFunction made, emit_attention(*module, entry, p.kernel, tactic));
    cpu_sink.remember(key, made);
    function = cpu_sink.find(key);
  }
  return generated(*function, p.kernel.buffers.size());
}

}  // namespace

const Tactic kAttention = {"cpu.attention", 2, why, list, generate};

}  // namespace carnot::cpu
