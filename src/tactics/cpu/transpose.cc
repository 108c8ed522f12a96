// cpu.transpose: kernels that read along one axis what they write along another
// (codegen/cpu/transpose.h).
#include "codegen/cpu/transpose.h"

#include <algorithm>

#include "tactics/cpu/tables.h"

namespace carnot::cpu {

namespace {

WhyNot why(const Problem& p) {
  const auto target = target_of(p.device);
  if (!target.ok()) return target.status().message();
  return why_not_transpose(p.kernel, *target, p.likely).message();
}

std::vector<Candidate> list(const Problem& p, int) {
  const int threads = std::max(1, p.device.threads);
  return {{"blocks", {}, transpose_us(p.kernel, p.likely) / threads}};
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate,
                                 const std::string& entry, CodeSink& sink) {
  auto& cpu_sink = static_cast<CpuCodeSink&>(sink);
  const std::string key = share_key(p.kernel, "cpu.transpose", candidate.variant);
  const GeneratedFunction* function = cpu_sink.find(key);
  if (!function) {
    CARNOT_ASSIGN(Module * module, cpu_sink.module(2));
    CARNOT_ASSIGN(GeneratedFunction made, emit_transpose(*module, entry, p.kernel, p.likely));
    cpu_sink.remember(key, made);
    function = cpu_sink.find(key);
  }
  return generated(*function, p.kernel.buffers.size());
}

}  // namespace

const Tactic kTranspose = {"cpu.transpose", 1, why, list, generate};

}  // namespace carnot::cpu
