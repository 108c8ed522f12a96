#include "build/plan_builder.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "build/ways.h"
#include "ir/match.h"
#include "kernel/lower.h"
#include "kernel/strided_view.h"
#include "ops/window.h"

namespace carnot {

Dims contiguous_strides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

int PlanShared::add_weight(const Tensor& tensor) {
  const auto [it, added] = weight_index.emplace(tensor.data(), static_cast<int>(weights.size()));
  if (!added && weights[static_cast<size_t>(it->second)].type() == tensor.type()) {
    return it->second;
  }
  weights.push_back(tensor);
  return static_cast<int>(weights.size()) - 1;
}

Result<const Tensor*> PlanShared::constant(const Value* v) {
  const Tensor* c = constant_of(v);
  if (!c || !c->is_splat()) return c;
  std::unique_ptr<Tensor>& made = dense[c];
  if (!made) {
    CARNOT_ASSIGN(Tensor whole, c->dense());
    made = std::make_unique<Tensor>(std::move(whole));
  }
  return static_cast<const Tensor*>(made.get());
}

int PlanShared::add_kernel(Kernel kernel, std::vector<const Tensor*> constants,
                           const std::string& origin) {
  std::string key = cat(hash(kernel));
  for (const Tensor* c : constants) {
    if (c) key += cat(' ', static_cast<const void*>(c->data()));
  }
  const auto [it, added] = kernel_index.emplace(key, static_cast<int>(kernels.size()));
  if (added) {
    kernel.name = cat("k", kernels.size());
    kernels.push_back({std::move(kernel), std::move(constants), origin, 0, nullptr, {}});
  }
  ++kernels[static_cast<size_t>(it->second)].uses;
  return it->second;
}

int PlanShared::add_packed(const Tensor& tensor) {
  const int64_t bytes = tensor.elements() * (bits_of(tensor.dtype()) / 8);
  std::vector<int>& alike = packed_index[hash64({tensor.data(), static_cast<size_t>(bytes)})];
  for (const int i : alike) {
    const Tensor& other = weights[static_cast<size_t>(i)];
    if (other.type() == tensor.type() &&
        std::memcmp(other.data(), tensor.data(), static_cast<size_t>(bytes)) == 0) {
      return i;
    }
  }
  alike.push_back(add_weight(tensor));
  return alike.back();
}

Result<const GeneratedKernel*> PlanShared::generate(Entry& e, Way& way) {
  if (!way.generated) {
    const Problem problem{e.kernel, *device, e.constants, *way.likely};
    const Choice& choice = *way.choice;
    const auto nth = &way - e.ways.data();
    const std::string entry = nth > 0 ? cat(e.kernel.name, '_', nth) : e.kernel.name;
    auto made = choice.tactic->generate(problem, choice.candidate, entry, *sink);
    if (!made.ok()) {
      return std::move(made).status().with(
          cat("generating ", choice.tactic->name, " for ", e.origin));
    }
    way.generated = std::make_unique<GeneratedKernel>(std::move(*made));
    for (const Tensor& t : way.generated->packed) way.packed.push_back(add_packed(t));
  }
  return static_cast<const GeneratedKernel*>(way.generated.get());
}

int PlanBuilder::add_buffer(PlanBuffer buffer) {
  plan_.buffers.push_back(std::move(buffer));
  return static_cast<int>(plan_.buffers.size()) - 1;
}

int PlanBuilder::view(int root, const TensorType& type, const Dim& offset,
                      const std::string& name) {
  PlanBuffer b;
  b.type = type;
  b.view_of = root;
  b.offset = offset;
  b.name = name;
  b.place = plan_.buffers[static_cast<size_t>(root)].place;
  return add_buffer(std::move(b));
}

int PlanBuilder::new_arena(const Value* v) {
  PlanBuffer b;
  b.type = v->type();
  b.name = v->name;
  return add_buffer(std::move(b));
}

int PlanBuilder::constant_buffer(const Value* v) {
  PlanBuffer b;
  b.type = v->type();
  b.name = v->name;
  b.place = Place::kConstant;  // its index comes when a step turns out to read it
  const int buffer = add_buffer(std::move(b));
  constants_[buffer] = v;
  return buffer;
}

Status PlanBuilder::need(int buffer) {
  while (plan_.buffers[static_cast<size_t>(buffer)].view_of >= 0) {
    buffer = plan_.buffers[static_cast<size_t>(buffer)].view_of;
  }
  const auto it = constants_.find(buffer);
  if (it == constants_.end()) return {};
  CARNOT_ASSIGN(const Tensor* value, shared_.constant(it->second));
  plan_.buffers[static_cast<size_t>(buffer)].index = shared_.add_weight(*value);
  constants_.erase(it);
  return {};
}

// Constants that were packed into another form, and views of them, are in no step: they go.
void PlanBuilder::drop_unused() {
  std::vector<bool> used(plan_.buffers.size());
  const auto mark = [&](int buffer) {
    for (; buffer >= 0; buffer = plan_.buffers[static_cast<size_t>(buffer)].view_of) {
      used[static_cast<size_t>(buffer)] = true;
    }
  };
  const auto each = [&](auto visit) {
    for (Step& s : plan_.steps) {
      for (int& b : s.inputs) visit(b);
      for (int& b : s.outputs) visit(b);
      for (int& b : s.arguments) visit(b);
    }
    for (PlanOutput& i : plan_.inputs) visit(i.buffer);
    for (PlanOutput& o : plan_.outputs) visit(o.buffer);
  };
  each([&](int& b) { mark(b); });
  std::vector<int> number(plan_.buffers.size(), -1);
  std::vector<PlanBuffer> kept;
  for (size_t i = 0; i < plan_.buffers.size(); ++i) {
    if (!used[i]) continue;
    number[i] = static_cast<int>(kept.size());
    kept.push_back(std::move(plan_.buffers[i]));
  }
  for (PlanBuffer& b : kept) {
    if (b.view_of >= 0) b.view_of = number[static_cast<size_t>(b.view_of)];
  }
  each([&](int& b) { b = number[static_cast<size_t>(b)]; });
  plan_.buffers = std::move(kept);
}

PlanBuilder::Slot& PlanBuilder::slot(const Value* v) {
  auto it = slots_.find(v);
  if (it == slots_.end()) {
    CARNOT_CHECK(constant_of(v) != nullptr);
    it = slots_.emplace(v, Slot{constant_buffer(v), {}}).first;
  }
  return it->second;
}

Status PlanBuilder::collect() {
  plan_.name = graph_.name;
  plan_.device = to_string(*shared_.device);
  for (size_t i = 0; i < graph_.inputs().size(); ++i) {
    const Value* v = graph_.inputs()[i];
    PlanBuffer b;
    b.type = v->type();
    b.name = v->name;
    b.place = Place::kInput;
    b.index = static_cast<int>(i);
    slots_[v] = {add_buffer(std::move(b)), {}};
    plan_.inputs.push_back({v->name, slots_[v].buffer});
  }
  CARNOT_RETURN_IF_ERROR(place_outputs());
  const std::vector<Node*> nodes = graph_.nodes();
  for (const Node* node : nodes) {
    for (const std::string& symbol : defined_symbols(*node)) late_.insert(symbol);
  }
  for (size_t i = nodes.size(); i-- > 0;) place_backwards(*nodes[i]);
  for (Node* node : nodes) {
    CARNOT_RETURN_IF_ERROR(collect_node(node).with(
        node->origin.empty() ? std::string(name(node->op)) : node->origin[0]));
  }
  // Outputs that no step writes: inputs and constants passed through, and repeated outputs.
  for (size_t i = 0; i < graph_.outputs().size(); ++i) {
    const Value* v = graph_.outputs()[i];
    const Slot& from = slot(v);
    const int to = plan_.outputs[i].buffer;
    if (from.buffer != to) collect_copy(v, from, {to, {}}, {});
  }
  return {};
}

Status PlanBuilder::place_outputs() {
  for (size_t i = 0; i < graph_.outputs().size(); ++i) {
    const Value* v = graph_.outputs()[i];
    PlanBuffer b;
    b.type = v->type();
    b.place = Place::kOutput;
    b.index = static_cast<int>(i);
    b.name = i < graph_.output_names.size() ? graph_.output_names[i] : v->name;
    const std::string public_name = b.name;
    const int buffer = add_buffer(std::move(b));
    plan_.outputs.push_back({public_name, buffer});
    if (v->producer && !constant_of(v) && !has_slot(v)) slots_[v] = {buffer, {}};
  }
  return {};
}

// Users come before their operands here: what a value is stored into is known when the value's own
// producer is met.
void PlanBuilder::place_backwards(const Node& node) {
  if (node.as<op::Concat>()) return place_concat(node);
  if (is_stored_transposed(node)) return place_result_view(node);
  const auto* reshape = node.as<op::Reshape>();
  if (!reshape || node.inputs.size() > 1) return;
  const Value* x = node.inputs[0];
  const auto out = slots_.find(node.output());
  if (out == slots_.end() || !out->second.strides.empty()) return;
  if (has_slot(x) || !x->producer || constant_of(x) || graph_.is_output(x)) return;
  if (x->producer->as<op::Reshape>() && x->producer->inputs.size() > 1) return;
  if (!is_known_with(node.output()->type(), x->type())) return;
  slots_[x] = {view(out->second.buffer, x->type(), 0, x->name), {}};
}

// A limit on rewrites may have left attention to the host, which writes dense results.
bool PlanBuilder::is_stored_transposed(const Node& node) const {
  return is_result_view(graph_, node) && node.inputs[0]->producer->as<op::Fused>();
}

// Attention writes where the transpose would have put it.
void PlanBuilder::place_result_view(const Node& node) {
  const Value *x = node.inputs[0], *out = node.output();
  if (!has_slot(out)) slots_[out] = {new_arena(out), {}};
  const Slot& to = slots_[out];
  const Dims strides = to.strides.empty() ? contiguous_strides(out->type().dims) : to.strides;
  Slot from{view(to.buffer, x->type(), 0, x->name), Dims(strides.size())};
  const auto& perm = node.as<op::Transpose>()->perm;
  for (size_t i = 0; i < perm.size(); ++i) from.strides[static_cast<size_t>(perm[i])] = strides[i];
  slots_[x] = std::move(from);
}

// Whether a value may be written, and read by users other than `user`, with gaps.
bool PlanBuilder::may_be_strided(const Value* v, const Node* user) const {
  auto takes = [](const Node* n) {
    if (!n->as<op::Fused>()) return false;
    for (const Node* inner : n->regions[0]->nodes()) {
      if (inner->as<op::Attention>()) return false;
    }
    return true;
  };
  if (!takes(v->producer)) return false;
  return std::all_of(v->users.begin(), v->users.end(),
                     [&](const Node* n) { return n == user || takes(n); });
}

// Whether the sizes of `whole` are known when `piece` is computed: before that there is no memory
// to compute it into.
bool PlanBuilder::is_known_with(const TensorType& whole, const TensorType& piece) const {
  std::vector<std::string> needed, known;
  for (const Dim& d : whole.dims) d.collect_symbols(needed);
  for (const Dim& d : piece.dims) d.collect_symbols(known);
  return std::all_of(needed.begin(), needed.end(), [&](const std::string& symbol) {
    return late_.count(symbol) == 0 || std::find(known.begin(), known.end(), symbol) != known.end();
  });
}

// The user's code may rely on the alignment of whole buffers.
static bool is_custom_edge(const Value* v) {
  return v->producer->as<op::Custom>() ||
         std::any_of(v->users.begin(), v->users.end(),
                     [](const Node* n) { return n->as<op::Custom>() != nullptr; });
}

void PlanBuilder::place_concat(const Node& node) {
  const Value* out = node.output();
  if (!has_slot(out)) slots_[out] = {new_arena(out), {}};
  const Slot base = slots_[out];
  const auto& op = *node.as<op::Concat>();
  const int64_t rank = out->type().rank();
  const size_t axis = static_cast<size_t>(op.axis < 0 ? op.axis + rank : op.axis);
  const Dims strides = base.strides.empty() ? contiguous_strides(out->type().dims) : base.strides;
  const bool outermost =
      base.strides.empty() &&
      std::all_of(out->type().dims.begin(), out->type().dims.begin() + static_cast<long>(axis),
                  [](const Dim& d) { return d.is(1); });
  Dim at = 0;
  for (const Value* x : node.inputs) {
    const Dim offset = at * strides[axis];
    at = at + x->type().dims[axis];
    if (std::count(node.inputs.begin(), node.inputs.end(), x) != 1) continue;
    place_piece(x, node, {base.buffer, outermost ? Dims{} : strides}, offset);
  }
}

void PlanBuilder::place_piece(const Value* x, const Node& user, const Slot& whole,
                              const Dim& offset) {
  if (has_slot(x) || !x->producer || constant_of(x) || graph_.is_output(x)) return;
  if (is_custom_edge(x) || !is_known_with(user.output()->type(), x->type())) return;
  const Node* reshape = x->producer->as<op::Reshape>() ? x->producer : nullptr;
  if (reshape) {
    // What is reshaped may be computed there, if nothing else sees the result.
    if (reshape->inputs.size() > 1 || !used_once(graph_, x)) return;
    const Value* source = reshape->inputs[0];
    Slot part{whole.buffer, {}};
    if (!whole.strides.empty()) {
      const auto strides = reshaped({x->type().dims, whole.strides, 0}, source->type().dims);
      if (!strides) return;
      part.strides = *strides;
    }
    if (source->producer && source->producer->as<op::Reshape>()) return;
    place_piece(source, *reshape, part, offset);
    if (!has_slot(source)) return;
  } else if (!whole.strides.empty() && !may_be_strided(x, &user)) {
    return;
  }
  slots_[x] = {view(whole.buffer, x->type(), offset, x->name), whole.strides};
}

Status PlanBuilder::collect_node(Node* node) {
  if (node->as<op::Constant>() || is_stored_transposed(*node)) return {};
  if (is_operand_view(graph_, *node) && collect_operand_view(*node)) return {};
  for (const Value* v : node->outputs) {
    const bool reshape = node->as<op::Reshape>() && node->inputs.size() == 1;
    if (!reshape && !has_slot(v)) slots_[v] = {new_arena(v), {}};
  }
  if (node->as<op::Fused>()) return collect_fused(*node);
  if (node->as<op::Reshape>() && node->inputs.size() == 1) return collect_reshape(*node);
  if (node->as<op::Concat>()) return collect_concat(*node);
  if (node->as<op::If>() || node->as<op::Loop>() || node->as<op::Scan>()) {
    return collect_nested(*node);
  }
  if (node->as<op::Custom>()) return collect_custom(*node), Status();
  CARNOT_ASSIGN(const bool taken, collect_recurrent(*node));
  if (taken || collect_library(*node)) return {};
  collect_host(*node);
  if (shared_.device->has_own_memory()) pending_.back().step.note = why_on_host(*node);
  return {};
}

// Operands whose sizes were only assumed to be equal, or to be broadcast.
void PlanBuilder::add_checks(const Node& node) {
  auto check = [&](const Dim& a, const Dim& b) {
    if (a == b || a.is(1) || b.is(1)) return;
    plan_.checks.push_back({a, b, node.origin.empty() ? name(node.op) : node.origin[0]});
  };
  for (const Node* n : node.regions[0]->nodes()) {
    add_window_checks(*n, node.origin);
    if (n->as<op::MatMul>()) {
      const auto& op = *n->as<op::MatMul>();
      const Dims &a = n->inputs[0]->type().dims, &b = n->inputs[1]->type().dims;
      check(a[a.size() - (op.transpose_a ? 2 : 1)], b[b.size() - (op.transpose_b ? 1 : 2)]);
    }
    if (!n->as<op::Pointwise>()) continue;
    const Dims& out = n->output()->type().dims;
    for (const Value* v : n->inputs) {
      const Dims& in = v->type().dims;
      for (size_t i = 0; i < in.size(); ++i) check(in[i], out[out.size() - in.size() + i]);
    }
  }
}

// padded >= span as an equation.
void PlanBuilder::add_window_checks(const Node& node, const Origin& origin) {
  std::vector<Info> infos;
  for (const Value* v : node.inputs) infos.push_back(v->info);
  for (const WindowFit& fit : window_fits(node.op, infos)) {
    const std::string who = origin.empty() ? name(node.op) : origin[0];
    plan_.checks.push_back({max(fit.padded, fit.span), fit.padded,
                            cat(who, ": its window must fit into spatial axis ", fit.axis)});
  }
}

// What attention reads where it lies; false where strides cannot express it.
bool PlanBuilder::collect_operand_view(const Node& node) {
  const Value *x = node.inputs[0], *y = node.output();
  if (has_slot(y)) return false;
  const Slot from = slot(x);
  StridedView whole = dense_view(x->type().dims);
  if (!from.strides.empty()) whole.strides = from.strides;
  const std::optional<StridedView> part = through(whole, node);
  if (!part) return false;
  const bool dense = part->strides == contiguous_strides(part->sizes);
  slots_[y] = {view(from.buffer, y->type(), part->start, y->name), dense ? Dims{} : part->strides};
  return true;
}

// Attention wants the elements of a row side by side (`rows`), the host all of them.
void PlanBuilder::make_dense(const Node& node, bool rows) {
  for (const Value* v : node.inputs) {
    const Slot from = slot(v);
    if (from.strides.empty()) continue;
    if (rows && (from.strides.back().is(1) || v->type().dims.back().is(1))) continue;
    const Slot to{new_arena(v), {}};
    collect_copy(v, from, to, node.origin);
    slots_[v] = to;
  }
}

Status PlanBuilder::collect_fused(const Node& node) {
  if (is_attention(node)) make_dense(node, /*rows=*/true);
  CARNOT_ASSIGN(Kernel kernel, lower_region(*node.regions[0]));
  add_checks(node);
  Pending p;
  std::vector<const Tensor*> constants;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Slot& s = slot(node.inputs[i]);
    kernel.buffers[i].strides = s.strides;
    CARNOT_ASSIGN(const Tensor* constant, shared_.constant(node.inputs[i]));
    constants.push_back(constant);
    p.buffers.push_back(s.buffer);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const Slot& s = slot(node.outputs[i]);
    kernel.buffers[node.inputs.size() + i].strides = s.strides;
    constants.push_back(nullptr);
    p.buffers.push_back(s.buffer);
  }
  p.step.origin = node.origin;
  p.kernel = shared_.add_kernel(std::move(kernel), std::move(constants),
                                node.origin.empty() ? node.output()->name : node.origin[0]);
  pending_.push_back(std::move(p));
  return {};
}

// An identity kernel between two layouts of one value.
void PlanBuilder::collect_copy(const Value* v, const Slot& from, const Slot& to,
                               const Origin& origin) {
  if (v->type().dtype == DType::kString || bits_of(v->type().dtype) < 8) {
    Pending p;
    p.step.kind = Step::kHost;
    p.step.tactic = "host.copy";
    p.step.op = op::Reshape{.sizes = v->type().dims};
    p.step.inputs = {from.buffer};
    p.step.outputs = {to.buffer};
    p.step.origin = origin;
    pending_.push_back(std::move(p));
    return;
  }
  Kernel k;
  k.buffers = {{v->type(), false, from.strides}, {v->type(), true, to.strides}};
  Load load;
  Store store;
  store.buffer = 1;
  for (const Dim& d : v->type().dims) {
    const Dim index = d.is(1) ? Dim(0) : axis_symbol(static_cast<int>(k.axes.size()));
    if (!d.is(1)) k.axes.push_back({cat("d", k.axes.size()), d});
    load.index.push_back(index);
    store.index.push_back(index);
  }
  Stage stage;
  stage.loads = {load};
  stage.body.inputs = 1;
  stage.body.results = {0};
  stage.stores = {store};
  k.stages.push_back(std::move(stage));
  Pending p;
  p.buffers = {from.buffer, to.buffer};
  p.step.origin = origin;
  p.kernel = shared_.add_kernel(std::move(k), {nullptr, nullptr},
                                origin.empty() ? cat("copy of ", v->name) : origin[0]);
  pending_.push_back(std::move(p));
}

Status PlanBuilder::collect_reshape(const Node& node) {
  const Value *x = node.inputs[0], *y = node.output();
  const Slot from = slot(x);
  if (from.strides.empty() && !has_slot(y)) {
    slots_[y] = {view(from.buffer, y->type(), 0, y->name), {}};
    return {};
  }
  if (!has_slot(y)) slots_[y] = {new_arena(y), {}};
  const Slot to = slots_[y];
  const PlanBuffer &computed = plan_.buffers[static_cast<size_t>(from.buffer)],
                   &wanted = plan_.buffers[static_cast<size_t>(to.buffer)];
  const bool dense = from.strides.empty() && to.strides.empty();
  if (computed.view_of == to.buffer && dense) return {};  // x was computed in place
  if (computed.view_of >= 0 && computed.view_of == wanted.view_of &&
      computed.offset == wanted.offset) {
    return {};  // as a piece of a concat
  }
  // Copy as x's shape: the target is contiguous wherever a reshape is placed.
  const Slot target{view(to.buffer, x->type(), 0, y->name), {}};
  if (!to.strides.empty()) {
    return error(Code::kInternal, "a reshape into a strided buffer");
  }
  collect_copy(x, from, target, node.origin);
  return {};
}

Status PlanBuilder::collect_concat(const Node& node) {
  const Slot base = slot(node.output());
  const auto& op = *node.as<op::Concat>();
  const TensorType& type = node.output()->type();
  const int64_t rank = type.rank();
  const size_t axis = static_cast<size_t>(op.axis < 0 ? op.axis + rank : op.axis);
  if (type.dtype == DType::kString || bits_of(type.dtype) < 8) {
    collect_host(node);
    return {};
  }
  const Dims strides = base.strides.empty() ? contiguous_strides(type.dims) : base.strides;
  Dim at = 0;
  for (const Value* x : node.inputs) {
    const Dim offset = at * strides[axis];
    at = at + x->type().dims[axis];
    const Slot& from = slot(x);
    const PlanBuffer& b = plan_.buffers[static_cast<size_t>(from.buffer)];
    if (b.view_of == base.buffer && b.offset == offset) continue;  // computed in place
    collect_copy(x, from, {view(base.buffer, x->type(), offset, x->name), strides}, node.origin);
  }
  return {};
}

void PlanBuilder::collect_host(const Node& node) {
  make_dense(node, /*rows=*/false);
  Pending p;
  p.step.kind = Step::kHost;
  p.step.tactic = "host.reference";
  p.step.op = node.op;
  std::vector<Info> infos;
  for (const Value* v : node.inputs) {
    p.step.inputs.push_back(slot(v).buffer);
    infos.push_back(v->info);
  }
  for (const Value* v : node.outputs) p.step.outputs.push_back(slot(v).buffer);
  p.step.defines = defined_symbols(node.op, infos);
  p.step.origin = node.origin;
  pending_.push_back(std::move(p));
  add_window_checks(node, node.origin);
}

void PlanBuilder::collect_custom(const Node& node) {
  collect_host(node);
  Pending& p = pending_.back();
  p.step.kind = Step::kCustom;
  p.step.tactic = cat("custom.", node.as<op::Custom>()->code);
}

Status PlanBuilder::collect_nested(const Node& node) {
  collect_host(node);
  Pending& p = pending_.back();
  p.step.kind = node.as<op::If>() ? Step::kIf : node.as<op::Loop>() ? Step::kLoop : Step::kScan;
  p.step.tactic = cat("host.", name(node.op));
  std::vector<std::unique_ptr<PlanBuilder>> regions;
  for (const auto& region : node.regions) {
    regions.push_back(std::make_unique<PlanBuilder>(*region, shared_));
    CARNOT_RETURN_IF_ERROR(regions.back()->collect());
  }
  pending_.back().regions = std::move(regions);
  return {};
}

int PlanBuilder::fault_buffer() {
  PlanBuffer b;
  b.place = Place::kFault;
  b.type = {DType::kI64, {2}};
  b.name = "fault";
  return add_buffer(std::move(b));
}

Result<Step> PlanBuilder::kernel_step(const Pending& p, const PlanShared::Entry& e,
                                      PlanShared::Way& way) {
  Step step;
  step.origin = p.step.origin;
  const Choice& choice = *way.choice;
  const GeneratedKernel* made = way.generated.get();
  step.kernel = p.kernel;
  step.tactic = choice.candidate.variant.empty()
                    ? std::string(choice.tactic->name)
                    : cat(choice.tactic->name, '[', choice.candidate.variant, ']');
  step.predicted_us = choice.candidate.predicted_us;
  step.measured_us = choice.measured_us;
  step.note = choice.note;
  step.entry = made->entry;
  step.params = made->params;
  step.tasks = made->tasks;
  step.scratch_bytes = made->scratch_bytes;
  for (int a : made->arguments) {
    if (a == GeneratedKernel::kFault) {
      step.arguments.push_back(fault_buffer());
      continue;
    }
    int buffer = -1;
    if (a >= 0) {
      buffer = p.buffers[static_cast<size_t>(a)];
    } else {
      PlanBuffer b;
      b.place = Place::kConstant;
      b.index = way.packed[static_cast<size_t>(-1 - a)];
      b.type = shared_.weights[static_cast<size_t>(b.index)].type();
      b.name = "packed";
      buffer = add_buffer(std::move(b));
    }
    step.arguments.push_back(buffer);
    const bool output = a >= 0 && e.kernel.buffers[static_cast<size_t>(a)].output;
    (output ? step.outputs : step.inputs).push_back(buffer);
  }
  return step;
}

// 1 where there are so many, else 0.
static Dim at_least(const Dim& count, int64_t from) {
  return from > 0 ? min(floor_div(count, Dim(from)), Dim(1)) : Dim(1);
}

// A step for each way, of which all but one have no tasks, whatever the sizes.
Status PlanBuilder::emit_kernel(const Pending& p) {
  PlanShared::Entry& e = shared_.kernels[static_cast<size_t>(p.kernel)];
  const Dim count = size_of(e.kernel);
  for (size_t i = 0; i < e.ways.size(); ++i) {
    CARNOT_RETURN_IF_ERROR(shared_.generate(e, e.ways[i]).status());
    CARNOT_ASSIGN(Step step, kernel_step(p, e, e.ways[i]));
    const int64_t from = e.ways[i].from, to = i + 1 < e.ways.size() ? e.ways[i + 1].from : 0;
    const Dim beyond = to > 0 ? at_least(count, to) : Dim(0);
    if (e.ways.size() > 1) {
      step.tasks = step.tasks * (at_least(count, from) - beyond);
      step.note += cat(", for ", from, to > 0 ? cat(" to ", to - 1) : " or more", " elements");
      // Of the likely sizes the step alone counts.
      if (e.ways[i].choice != e.choice) step.predicted_us = step.measured_us = 0;
    }
    CARNOT_RETURN_IF_ERROR(add_step(std::move(step)));
  }
  return {};
}

// What it reads and is a constant becomes a weight.
Status PlanBuilder::add_step(Step step) {
  for (int b : step.kind == Step::kKernel ? step.arguments : step.inputs) {
    CARNOT_RETURN_IF_ERROR(need(b));
  }
  plan_.steps.push_back(std::move(step));
  return {};
}

Result<Plan> PlanBuilder::emit() {
  for (Pending& p : pending_) {
    if (p.library) {
      CARNOT_RETURN_IF_ERROR(emit_library(p));
      continue;
    }
    for (const auto& region : p.regions) {
      CARNOT_ASSIGN(Plan nested, region->emit());
      p.step.regions.push_back(std::make_unique<Plan>(std::move(nested)));
    }
    if (p.kernel >= 0) {
      CARNOT_RETURN_IF_ERROR(emit_kernel(p));
    } else {
      CARNOT_RETURN_IF_ERROR(add_step(std::move(p.step)));
    }
  }
  drop_unused();
  return std::move(plan_);
}

}  // namespace carnot
