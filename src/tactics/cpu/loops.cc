// cpu.loops: any kernel but attention, as a vectorised loop nest (codegen/cpu/loops.h).
#include "codegen/cpu/loops.h"

#include "tactics/cpu/tables.h"

namespace carnot::cpu {

namespace {

WhyNot why(const Problem& p) {
  return p.kernel.attention ? "attention is not a loop nest" : "";
}

std::vector<Candidate> list(const Problem& p, int effort) {
  std::vector<Candidate> out;
  auto target = target_of(p.device);
  if (!target.ok()) return out;
  auto choices = loop_choices(turn_constants(p).kernel, *target, p.likely);
  if (!choices.ok()) return out;
  for (const LoopChoice& c : *choices) {
    out.push_back({cat("axis ", c.axis, " x", c.lanes, " u", c.unroll),
                   {c.axis, c.lanes, c.unroll},
                   c.predicted_us / p.device.threads});
    if (effort == 0) break;
  }
  return out;
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate,
                                 const std::string& entry, CodeSink& sink) {
  auto& cpu_sink = static_cast<CpuCodeSink&>(sink);
  const Turned turned = turn_constants(p);
  const std::string key = share_key(turned.kernel, "cpu.loops", candidate.variant);
  const GeneratedFunction* function = cpu_sink.find(key);
  if (!function) {
    CARNOT_ASSIGN(Module * module, cpu_sink.module(1));
    LoopChoice choice;
    choice.axis = static_cast<int>(candidate.knobs[0]);
    choice.lanes = static_cast<int>(candidate.knobs[1]);
    choice.unroll = static_cast<int>(candidate.knobs[2]);
    CARNOT_ASSIGN(GeneratedFunction made,
                  emit_loops(*module, entry, turned.kernel, p.likely, choice));
    cpu_sink.remember(key, made);
    function = cpu_sink.find(key);
  }
  GeneratedKernel out = generated(*function, p.kernel.buffers.size());
  CARNOT_RETURN_IF_ERROR(pack_turned(p, turned, out));
  return out;
}

}  // namespace

const Tactic kLoops = {"cpu.loops", 1, why, list, generate};

}  // namespace carnot::cpu
