// Steps of operations whose kernels are written by hand. Where the data says how many results there
// are, the plan reads that number back between the kernels that count and those that write.
#include "build/plan_builder.h"
#include "kernel/lower.h"

namespace carnot {

bool PlanBuilder::collect_library(const Node& node) {
  const LibraryTactic* tactic = library_of(node.op, *shared_.device);
  if (!tactic) return false;
  if (!tactic->why_not({node, *shared_.device, shared_.likely}).empty()) return false;
  make_dense(node, /*rows=*/false);
  Pending p;
  p.library = tactic;
  p.node = &node;
  p.step.tactic = tactic->name;
  p.step.origin = node.origin;
  for (const Value* v : node.inputs) p.step.inputs.push_back(slot(v).buffer);
  for (const Value* v : node.outputs) p.step.outputs.push_back(slot(v).buffer);
  std::vector<Info> infos;
  for (const Value* v : node.inputs) infos.push_back(v->info);
  p.step.defines = defined_symbols(node.op, infos);
  pending_.push_back(std::move(p));
  return true;
}

std::string PlanBuilder::why_on_host(const Node& node) const {
  const LibraryTactic* tactic = library_of(node.op, *shared_.device);
  return tactic ? tactic->why_not({node, *shared_.device, shared_.likely}) : why_not_lowered(node);
}

// A tensor of the shape [n, 0]: it has no elements, and tells n.
Result<Step> PlanBuilder::size_step(const Step& of, int size) {
  if (shared_.no_elements.elements() == 0) {
    CARNOT_ASSIGN(shared_.no_elements, Tensor::allocate(DType::kI64, {1}));
    shared_.no_elements.set_int(0, 0);
  }
  PlanBuffer fill;
  fill.place = Place::kConstant;
  fill.index = shared_.add_weight(shared_.no_elements);
  fill.type = shared_.no_elements.type();
  PlanBuffer told;
  told.type = {DType::kI64, {Dim::symbol(of.defines[0]), 0}};
  told.name = "size";
  Step step;
  step.kind = Step::kHost;
  step.tactic = "host.size";
  step.op = op::Expand{.sizes = told.type.dims};
  step.inputs = {add_buffer(std::move(fill)), size};
  step.outputs = {add_buffer(std::move(told))};
  step.defines = of.defines;
  step.origin = of.origin;
  return step;
}

Status PlanBuilder::emit_library(Pending& p) {
  CARNOT_ASSIGN(LibraryProgram program,
                p.library->generate({*p.node, *shared_.device, shared_.likely}, *shared_.sink)
                    .with(cat("generating ", p.library->name)));
  for (const auto& [a, b] : program.checks) {
    plan_.checks.push_back({a, b, p.step.origin.empty() ? p.library->name : p.step.origin[0]});
  }
  std::vector<int> buffers = p.step.inputs;
  buffers.insert(buffers.end(), p.step.outputs.begin(), p.step.outputs.end());
  for (const TensorType& type : program.temporaries) {
    PlanBuffer b;
    b.type = type;
    b.name = p.library->name;
    buffers.push_back(add_buffer(std::move(b)));
  }
  const size_t inputs = p.step.inputs.size();
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    if (program.size >= 0 && k == program.before_size) {
      const int size = buffers[static_cast<size_t>(program.size)];
      CARNOT_ASSIGN(Step told, size_step(p.step, size));
      CARNOT_RETURN_IF_ERROR(add_step(std::move(told)));
    }
    GeneratedKernel& made = program.kernels[k];
    Step step;
    step.kind = Step::kKernel;
    step.tactic = p.library->name;
    step.entry = std::move(made.entry);
    step.params = std::move(made.params);
    step.tasks = made.tasks;
    step.origin = p.step.origin;
    for (const int a : made.arguments) {
      if (a == GeneratedKernel::kFault) {
        step.arguments.push_back(fault_buffer());
        continue;
      }
      const int buffer = buffers[static_cast<size_t>(a)];
      step.arguments.push_back(buffer);
      (static_cast<size_t>(a) < inputs ? step.inputs : step.outputs).push_back(buffer);
    }
    CARNOT_RETURN_IF_ERROR(add_step(std::move(step)));
  }
  return {};
}

}  // namespace carnot
