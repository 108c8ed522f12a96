#include "runtime/program.h"

#include <algorithm>
#include <numeric>

#include "ops/bind.h"

namespace carnot {
namespace {

bool is_alone(const Step& step) {
  return !step.regions.empty() || step.kind == Step::kCustom;
}

class Compiler {
 public:
  Compiler(const Plan& plan, const std::vector<Tensor>& weights, const Entries& entries,
           Program* outer)
      : plan_(plan), entries_(entries), outer_(outer), out_(std::make_unique<Program>()) {
    out_->plan = &plan;
    out_->weights = &weights;
  }

  Result<std::unique_ptr<Program>> run();

 private:
  Status weights();
  Status steps();
  Status kernel(const Step& step, StepLayout& layout);
  Status regions();
  void touch();
  void touch(int buffer, int step);
  void sizes();
  void inherit();
  void divide();
  void buffer_phases();
  void cut();

  BufferLayout& layout(int buffer) { return out_->buffers[static_cast<size_t>(buffer)]; }
  const PlanBuffer& buffer(int i) const { return plan_.buffers[static_cast<size_t>(i)]; }
  int step_count() const { return static_cast<int>(plan_.steps.size()); }

  const Plan& plan_;
  const Entries& entries_;
  Program* outer_;
  std::unique_ptr<Program> out_;
  std::vector<bool> used_;  // buffers
  int phases_ = 1;
};

Result<std::unique_ptr<Program>> Compiler::run() {
  CARNOT_RETURN_IF_ERROR(weights());
  CARNOT_RETURN_IF_ERROR(steps());
  touch();
  sizes();
  CARNOT_RETURN_IF_ERROR(regions());  // before the symbols are divided: regions may add some
  divide();
  buffer_phases();
  cut();
  inherit();
  return std::move(out_);
}

Status Compiler::weights() {
  for (size_t i = 0; i < plan_.buffers.size(); ++i) {
    const PlanBuffer& b = plan_.buffers[i];
    if (b.view_of >= 0 || b.place != Place::kConstant) continue;
    const Tensor& weight = (*out_->weights)[static_cast<size_t>(b.index)];
    if (weight.type() == b.type && !weight.is_splat()) continue;
    return error(Code::kInvalidArgument, "buffer @", i, " (", b.name, ") is ", to_string(b.type),
                 ", but weight ", b.index, " is ", weight.is_splat() ? "one element of " : "",
                 to_string(weight.type()));
  }
  return {};
}

Status Compiler::steps() {
  int phase = 0;
  for (const Step& step : plan_.steps) {
    StepLayout layout;
    layout.phase = phase;
    if (step.kind == Step::kKernel) {
      CARNOT_RETURN_IF_ERROR(kernel(step, layout));
    } else if (step.kind != Step::kCopy) {
      layout.symbolic_op = is_symbolic(step.op);
      for_each_dim(step.op, [&](const Dim& dim) {
        std::vector<std::string> names;
        dim.collect_symbols(names);
        for (const std::string& name : names) out_->shapes.symbol(name);
      });
    }
    out_->steps.push_back(std::move(layout));
    if (!step.defines.empty()) ++phase;
  }
  phases_ = phase + 1;
  return {};
}

Status Compiler::kernel(const Step& step, StepLayout& layout) {
  const auto entry = entries_.find(step.entry);
  if (entry == entries_.end()) {
    return error(Code::kInvalidArgument, "the machine code has no entry \"", step.entry,
                 "\", which ", step.tactic, " needs");
  }
  const Entry& found = entry->second;
  layout.entry = found.address;
  const std::string why = found.code ? found.code->why_not_callable(
                                           found.offset, step.arguments.size(), step.params.size())
                                     : "";
  if (!why.empty()) {
    return error(Code::kInvalidArgument, "the machine code's entry \"", step.entry,
                 "\" does not fit ", step.tactic, ": ", why);
  }
  for (const Dim& param : step.params) layout.params.push_back(out_->shapes.add(param));
  layout.tasks = out_->shapes.add(step.tasks);
  layout.scratch_bytes = out_->shapes.add(step.scratch_bytes);
  // Times were measured for some shapes; for others nothing is known.
  if (step.tasks.is_constant()) {
    layout.cost_us = step.measured_us > 0 ? step.measured_us : step.predicted_us;
  }
  return {};
}

void Compiler::touch(int b, int step) {
  used_[static_cast<size_t>(b)] = true;
  const int root = layout(b).root;
  used_[static_cast<size_t>(root)] = true;
  BufferLayout& whole = layout(root);
  if (whole.first < 0) whole.first = step;
  whole.last = std::max(whole.last, step);
}

void Compiler::touch() {
  out_->buffers.resize(plan_.buffers.size());
  used_.assign(plan_.buffers.size(), false);
  for (size_t i = 0; i < plan_.buffers.size(); ++i) {
    const int b = static_cast<int>(i);
    layout(b).root = plan_.root(b);
  }
  for (const PlanOutput& input : plan_.inputs) touch(input.buffer, 0);
  for (int i = 0; i < step_count(); ++i) {
    const Step& step = plan_.steps[static_cast<size_t>(i)];
    for (const auto* list : {&step.inputs, &step.outputs, &step.arguments}) {
      for (const int b : *list) touch(b, i);
    }
  }
  for (const PlanOutput& output : plan_.outputs) touch(output.buffer, step_count());
}

void Compiler::sizes() {
  for (size_t i = 0; i < plan_.buffers.size(); ++i) {
    if (!used_[i]) continue;
    const int b = static_cast<int>(i);
    for (const Dim& dim : buffer(b).type.dims) layout(b).dims.push_back(out_->shapes.add(dim));
    Dim offset = 0;  // views of views: elements are of one size
    for (int at = b; buffer(at).view_of >= 0; at = buffer(at).view_of) {
      offset = offset + buffer(at).offset;
    }
    if (!offset.is(0)) layout(b).offset = out_->shapes.add(offset);
  }
  for (const ShapeCheck& check : plan_.checks) {
    const int a = out_->shapes.add(check.a), b = out_->shapes.add(check.b);
    out_->checks.emplace_back(a, b);
  }
}

Status Compiler::regions() {
  for (const Step& step : plan_.steps) {
    out_->regions.emplace_back();
    for (const auto& region : step.regions) {
      CARNOT_ASSIGN(auto program, Compiler(*region, *out_->weights, entries_, out_.get()).run());
      out_->regions.back().push_back(std::move(program));
    }
  }
  return {};
}

// Symbols of the same name are one; what the outer plan does not know when the step runs, or not at
// all, stays unknown there and is bound here.
void Compiler::inherit() {
  if (!outer_) return;
  const auto& names = out_->shapes.symbols();
  for (size_t i = 0; i < names.size(); ++i) {
    out_->inherited.emplace_back(outer_->shapes.symbol(names[i]), static_cast<int>(i));
  }
}

void Compiler::divide() {
  std::vector<int> phase_of(out_->shapes.symbols().size(), 0);
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    for (const std::string& symbol : plan_.steps[i].defines) {
      const int number = out_->shapes.find_symbol(symbol);
      if (number >= 0) phase_of[static_cast<size_t>(number)] = out_->steps[i].phase + 1;
    }
  }
  out_->shapes.divide(phase_of, phases_);
  out_->phases.resize(static_cast<size_t>(phases_));
  for (int p = 0; p < phases_; ++p) {
    Phase& phase = out_->phases[static_cast<size_t>(p)];
    for (size_t s = 0; s < phase_of.size(); ++s) {
      if (phase_of[s] <= p) phase.symbols.push_back(static_cast<int>(s));
    }
    for (size_t v = 0; v < out_->shapes.size(); ++v) {
      if (out_->shapes.phase(static_cast<int>(v)) == p) phase.values.push_back(static_cast<int>(v));
    }
  }
  for (size_t i = 0; i < out_->checks.size(); ++i) {
    const auto [a, b] = out_->checks[i];
    const int p = std::max(out_->shapes.phase(a), out_->shapes.phase(b));
    out_->phases[static_cast<size_t>(p)].checks.push_back(static_cast<int>(i));
  }
}

void Compiler::buffer_phases() {
  for (size_t i = 0; i < plan_.buffers.size(); ++i) {
    if (!used_[i]) continue;
    BufferLayout& b = out_->buffers[i];
    b.phase = b.offset < 0 ? 0 : out_->shapes.phase(b.offset);
    for (const int dim : b.dims) b.phase = std::max(b.phase, out_->shapes.phase(dim));
  }
  for (size_t i = 0; i < plan_.buffers.size(); ++i) {
    if (!used_[i]) continue;
    BufferLayout& b = out_->buffers[i];
    b.phase = std::max(b.phase, layout(b.root).phase);
    out_->phases[static_cast<size_t>(b.phase)].buffers.push_back(static_cast<int>(i));
    if (b.root != static_cast<int>(i) || b.first < 0) continue;
    const Place place = plan_.buffers[i].place;
    if (place == Place::kInput || place == Place::kConstant || place == Place::kFault) continue;
    if (plan_.buffers[i].type.dtype == DType::kString) continue;  // held as tensors
    const int first =
        b.first < step_count() ? out_->steps[static_cast<size_t>(b.first)].phase : phases_ - 1;
    b.memory_phase = std::max(first, b.phase);
    Phase& phase = out_->phases[static_cast<size_t>(b.memory_phase)];
    (place == Place::kOutput ? phase.outputs : phase.arena[side_of(plan_.buffers[i])])
        .push_back(static_cast<int>(i));
  }
}

void Compiler::cut() {
  int step = 0;
  for (int p = 0; p < phases_; ++p) {
    Phase& phase = out_->phases[static_cast<size_t>(p)];
    phase.first = step;
    while (step < step_count() && out_->steps[static_cast<size_t>(step)].phase == p) {
      const bool alone = is_alone(plan_.steps[static_cast<size_t>(step)]);
      if (alone || phase.pieces.empty() || phase.pieces.back().alone) {
        phase.pieces.push_back({step, step, alone});
      }
      phase.pieces.back().end = ++step;
    }
    phase.end = step;
  }
}

}  // namespace

Result<std::unique_ptr<Program>> compile(const Plan& plan, const std::vector<Tensor>& weights,
                                         const Entries& entries) {
  return Compiler(plan, weights, entries, nullptr).run();
}

}  // namespace carnot
