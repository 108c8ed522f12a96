// The library's step for an LSTM, GRU or RNN: its weights packed at build time, its sizes as
// expressions. What it does not do stays with the reference, on the host.
#include <algorithm>
#include <optional>

#include "build/plan_builder.h"
#include "device/cpu/library/recurrent.h"
#include "ops/recurrent.h"

namespace carnot {

namespace {

using op::Recurrent;

enum Operand : size_t { kX, kW, kR, kBias, kLengths, kInitialH, kInitialC, kPeepholes };

int64_t kind_of(const Recurrent& op) {
  if (op.kind == Recurrent::kLstm) return cpu::kLstm;
  if (op.kind == Recurrent::kRnn) return cpu::kRnn;
  return op.linear_before_reset ? cpu::kGruLinearFirst : cpu::kGruResetFirst;
}

const Value* operand(const Node& node, Operand which) {
  if (which >= node.inputs.size()) return nullptr;
  const Value* v = node.inputs[which];
  for (const Dim& d : v->type().dims) {
    if (d.is(0)) return nullptr;
  }
  return v;
}

// Whether the lengths say that every sequence is as long as all steps.
bool are_full(const Value& lengths, const Dim& steps) {
  if (!lengths.info.elements) return false;
  return std::all_of(lengths.info.elements->begin(), lengths.info.elements->end(),
                     [&](const Dim& d) { return d == steps; });
}

bool is_taken(const Node& node, const Recurrent& op) {
  const Value* lengths = operand(node, kLengths);
  const Value* bias = operand(node, kBias);
  return node.inputs[kX]->type().dtype == DType::kF32 && node.inputs[kW]->type().dims[0].is(0) &&
         constant_of(node.inputs[kR]) && (!bias || constant_of(bias)) &&
         (!lengths || are_full(*lengths, node.inputs[kX]->type().dims[0])) &&
         !operand(node, kPeepholes) && has_usual_gates(op);
}

// Copies `count` columns of r [columns, hidden], the first being `first`, into blocks.
void pack_columns(const float* r, int64_t hidden, int64_t first, int64_t count, float* to) {
  for (int64_t j = 0; j < count; ++j) {
    float* block = to + j / cpu::kBlock * cpu::kBlock * hidden + j % cpu::kBlock;
    for (int64_t k = 0; k < hidden; ++k) block[k * cpu::kBlock] = r[(first + j) * hidden + k];
  }
}

// One direction in the layout of the library kernel. `bias` is [2, gates * hidden], or null.
void pack(const cpu::RecurrentLayout& layout, const float* r, const float* bias, float* to) {
  const int64_t early = layout.early_columns, late = layout.late_columns, all = early + late;
  pack_columns(r, layout.hidden, 0, early, to);
  pack_columns(r, layout.hidden, early, late, to + layout.early() * layout.hidden);
  if (!bias) return;
  to += layout.weights();
  for (int64_t j = 0; j < early; ++j) to[j] = bias[j] + bias[all + j];
  to += layout.early();
  for (int64_t j = 0; j < late; ++j) to[j] = bias[all + early + j];
  to += layout.late();
  for (int64_t j = 0; j < late; ++j) to[j] = bias[early + j];
}

Result<Tensor> packed_weights(const Node& node, const Recurrent& op) {
  const cpu::RecurrentLayout layout(kind_of(op), op.hidden);
  const int64_t dirs = directions_of(op), width = gates_of(op) * op.hidden;
  CARNOT_ASSIGN(const Tensor r, constant_of(node.inputs[kR])->dense());
  std::optional<Tensor> bias;
  if (const Value* v = operand(node, kBias)) {
    CARNOT_ASSIGN(bias, constant_of(v)->dense());
  }
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(DType::kF32, {dirs, layout.packed()}));
  std::fill_n(out.as<float>(), out.elements(), 0.0F);
  for (int64_t d = 0; d < dirs; ++d) {
    const float* own = bias ? bias->as<float>() + d * 2 * width : nullptr;
    pack(layout, r.as<float>() + d * width * op.hidden, own, out.as<float>() + d * layout.packed());
  }
  return out;
}

}  // namespace

Result<bool> PlanBuilder::collect_recurrent(const Node& node) {
  const auto* op = node.as<Recurrent>();
  if (!op || shared_.device->kind != "cpu" || !is_taken(node, *op)) return false;
  const Dims& x = node.inputs[kX]->type().dims;
  const int64_t dirs = directions_of(*op);
  CARNOT_ASSIGN(const Tensor weights, packed_weights(node, *op));
  PlanBuffer packed;
  packed.type = weights.type();
  packed.place = Place::kConstant;
  packed.index = shared_.add_weight(weights);
  packed.name = "packed";
  const int gates = slot(node.inputs[kX]).buffer;
  const Value *h = operand(node, kInitialH), *c = operand(node, kInitialC);
  const int y_h = slot(node.outputs[1]).buffer;
  Pending p;
  Step& step = p.step;
  step.kind = Step::kKernel;
  step.tactic = "cpu.recurrent";
  step.entry = cpu::kRecurrentEntry;
  step.arguments = {gates,
                    add_buffer(std::move(packed)),
                    h ? slot(h).buffer : gates,
                    c ? slot(c).buffer : gates,
                    slot(node.outputs[0]).buffer,
                    y_h,
                    node.outputs.size() > 2 ? slot(node.outputs[2]).buffer : y_h};
  step.inputs.assign(step.arguments.begin(), step.arguments.begin() + cpu::kY);
  step.outputs.assign(step.arguments.begin() + cpu::kY, step.arguments.end());
  step.params = {kind_of(*op), op->direction == Recurrent::kReverse,
                 dirs,         op->hidden,
                 h != nullptr, c != nullptr,
                 x[0],         x[1]};
  step.tasks = Dim(dirs) * ceil_div(x[1], Dim(cpu::kTaskRows));
  step.scratch_bytes = cpu::RecurrentLayout(kind_of(*op), op->hidden).scratch() * 4;
  step.origin = node.origin;
  pending_.push_back(std::move(p));
  return true;
}

}  // namespace carnot
