// cpu.window: depthwise convolutions and pools (codegen/cpu/window.h).
#include "codegen/cpu/window.h"

#include "tactics/cpu/tables.h"

namespace carnot::cpu {

namespace {

WhyNot why(const Problem& p) {
  auto target = target_of(p.device);
  if (!target.ok()) return target.status().message();
  Turned turned = turn_constants(p);
  return why_not_window(turned.kernel, *target).message();
}

std::vector<Candidate> list(const Problem& p, int effort) {
  std::vector<Candidate> out;
  auto target = target_of(p.device);
  if (!target.ok()) return out;
  const Turned turned = turn_constants(p);
  double products = 1;
  for (const Axis& a : p.kernel.axes) {
    products *=
        static_cast<double>(evaluate(a.size, p.likely).ok() ? *evaluate(a.size, p.likely) : 64);
  }
  for (const Axis& a : p.kernel.stages[0].inner) {
    products *=
        static_cast<double>(evaluate(a.size, p.likely).ok() ? *evaluate(a.size, p.likely) : 64);
  }
  // About one product a cycle and lane, at two to three cycles a nanosecond.
  constexpr double kPerUs = 2000;
  double us = products / target->lanes(32) / kPerUs / p.device.threads;
  for (const WindowChoice& c : window_choices(turned.kernel, *target)) {
    out.push_back({cat(c.pixels, "x", c.vectors), {c.pixels, c.vectors}, us});
    us *= 1.02;  // in the order given
    if (effort == 0) break;
  }
  return out;
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate,
                                 const std::string& entry, CodeSink& sink) {
  auto& cpu_sink = static_cast<CpuCodeSink&>(sink);
  Turned turned = turn_constants(p);
  const std::string key = share_key(turned.kernel, "cpu.window", candidate.variant);
  const GeneratedFunction* function = cpu_sink.find(key);
  if (!function) {
    CARNOT_ASSIGN(Module * module, cpu_sink.module(3));
    const WindowChoice choice{static_cast<int>(candidate.knobs[0]),
                              static_cast<int>(candidate.knobs[1])};
    CARNOT_ASSIGN(GeneratedFunction made,
                  emit_window(*module, entry, turned.kernel, p.likely, choice));
    cpu_sink.remember(key, made);
    function = cpu_sink.find(key);
  }
  GeneratedKernel out = generated(*function, p.kernel.buffers.size());
  CARNOT_RETURN_IF_ERROR(pack_turned(p, turned, out));
  return out;
}

}  // namespace

const Tactic kWindow = {"cpu.window", 1, why, list, generate};

}  // namespace carnot::cpu
