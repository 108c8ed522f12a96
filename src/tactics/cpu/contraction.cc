// cpu.contraction: convolutions and matrix products, register-tiled (codegen/cpu/contraction.h).
#include "codegen/cpu/contraction.h"

#include <algorithm>
#include <cmath>

#include "tactics/cpu/tables.h"

namespace carnot::cpu {

namespace {

int b_buffer(const Kernel& kernel, const ContractionView& view) {
  return kernel.stages[0].loads[static_cast<size_t>(view.b)].buffer;
}

bool b_constant(const Problem& p, const ContractionView& view) {
  const size_t b = static_cast<size_t>(b_buffer(p.kernel, view));
  return b < p.constants.size() && p.constants[b] != nullptr;
}

// Whether padding may be left out, for 0 times a weight is 0; asked only where there is padding.
bool b_finite(const Problem& p, const ContractionView& view) {
  const Load& a = p.kernel.stages[0].loads[static_cast<size_t>(view.a)];
  if (a.guards.empty() || !b_constant(p, view)) return false;
  const Tensor& b = *p.constants[static_cast<size_t>(b_buffer(p.kernel, view))];
  if (b.dtype() != DType::kF32 || b.is_splat()) return false;
  const float* data = b.as<float>();
  return std::all_of(data, data + b.elements(), [](float x) { return std::isfinite(x); });
}

WhyNot why(const Problem& p) {
  auto view = as_contraction(p.kernel);
  if (!view.ok()) return view.status().message();
  auto target = target_of(p.device);
  if (!target.ok()) return target.status().message();
  return why_not({p.kernel, *view, *target, b_constant(p, *view)}).message();
}

std::vector<Candidate> list(const Problem& p, int effort) {
  std::vector<Candidate> out;
  auto view = as_contraction(p.kernel);
  auto target = target_of(p.device);
  if (!view.ok() || !target.ok()) return out;
  for (const RankedTactic& r :
       candidates({p.kernel, *view, *target, b_constant(p, *view)}, p.likely, effort)) {
    out.push_back({to_string(r.tactic), knobs(r.tactic), r.predicted_us / p.device.threads});
  }
  return out;
}

Result<GeneratedKernel> generate(const Problem& p, const Candidate& candidate,
                                 const std::string& entry, CodeSink& sink) {
  auto& cpu_sink = static_cast<CpuCodeSink&>(sink);
  CARNOT_ASSIGN(ContractionView view, as_contraction(p.kernel));
  CARNOT_ASSIGN(Target target, target_of(p.device));
  CARNOT_ASSIGN(ContractionTactic tactic, tactic_from_knobs(candidate.knobs));
  const ContractionQuery query{p.kernel, view, target, b_constant(p, view), b_finite(p, view)};
  const std::string key = share_key(p.kernel, "cpu.contraction",
                                    cat(candidate.variant, query.b_finite ? " finite" : ""));
  const GeneratedFunction* function = cpu_sink.find(key);
  if (!function) {
    CARNOT_ASSIGN(Module * module, cpu_sink.module(4));
    CARNOT_ASSIGN(GeneratedFunction made, emit_contraction(*module, entry, query, tactic));
    cpu_sink.remember(key, made);
    function = cpu_sink.find(key);
  }
  GeneratedKernel out = generated(*function, p.kernel.buffers.size());
  if (tactic.columns == ColumnAccess::kPacked) {
    const size_t b = static_cast<size_t>(b_buffer(p.kernel, view));
    CARNOT_ASSIGN(Tensor packed, pack_weights(query, tactic, *p.constants[b]));
    out.packed.push_back(std::move(packed));
    out.arguments[b] = -1;
  }
  return out;
}

}  // namespace

const Tactic kContraction = {"cpu.contraction", 2, why, list, generate};

}  // namespace carnot::cpu
