// A node whose result's sizes come from a computed tensor (its "target" operand) takes them as
// attributes once the tensor's elements are known. The symbols that it defined become these sizes
// in all of the graph.
#include <algorithm>
#include <cmath>

#include "ir/inline.h"
#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {
namespace {

bool all_constant(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.is_constant(); });
}

// ONNX: 0 copies the operand's size, one -1 takes what is left.
std::optional<Op> resolve(const op::Reshape& op, const Dims& x, const Dims& target) {
  op::Reshape out = op;
  if (target.size() != out.sizes.size()) return {};
  out.sizes = target;
  std::optional<size_t> open;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i].is(-1)) open = i;
    if (target[i].is(0) && i < x.size()) out.sizes[i] = x[i];
  }
  if (open) {
    out.sizes[*open] = 1;
    const Dim known = product(out.sizes);
    if (known.is(0)) return {};
    out.sizes[*open] = floor_div(product(x), known);
  }
  return out;
}

std::optional<Op> resolve(const op::Expand& op, const Dims& x, const Dims& target) {
  op::Expand out = op;
  const size_t rank = op.sizes.size();
  if (target.size() > rank || x.size() > rank) return {};
  for (size_t i = 0; i < rank; ++i) {
    const Dim own = i + x.size() < rank ? Dim(1) : x[i + x.size() - rank];
    const Dim wanted = i + target.size() < rank ? Dim(1) : target[i + target.size() - rank];
    // A symbolic size may turn out to be 1, where the other side counts.
    if (!own.is(1) && !wanted.is_constant() && !(own == wanted)) return {};
    out.sizes[i] = wanted.is(1) ? own : wanted;
  }
  return out;
}

// Starts, then ends, clamped to the operand.
std::optional<Op> resolve(const op::Slice& op, const Dims& x, const Dims& target) {
  op::Slice out = op;
  const size_t rank = x.size();
  if (target.size() != 2 * rank || out.steps.size() != rank || !all_constant(target)) return {};
  out.starts.assign(target.begin(), target.begin() + static_cast<ptrdiff_t>(rank));
  for (size_t i = 0; i < rank; ++i) {
    const int64_t step = out.steps[i];
    if (step == 0) return {};
    const Dim distance = step > 0 ? target[rank + i] - target[i] : target[i] - target[rank + i];
    out.sizes[i] = max(ceil_div(distance, Dim(step > 0 ? step : -step)), Dim(0));
  }
  return out;
}

std::optional<Op> resolve(const op::Pad& op, const Dims& x, const Dims& target) {
  op::Pad out = op;
  if (target.size() != 2 * x.size()) return {};
  const auto middle = target.begin() + static_cast<ptrdiff_t>(x.size());
  out.lo.assign(target.begin(), middle);
  out.hi.assign(middle, target.end());
  return out;
}

std::optional<Op> resolve(const op::TopK& op, const Dims&, const Dims& target) {
  op::TopK out = op;
  if (target.size() != 1) return {};
  out.count = target[0];
  return out;
}

std::optional<Op> resolve(const op::OneHot& op, const Dims&, const Dims& target) {
  op::OneHot out = op;
  if (target.size() != 1) return {};
  out.depth = target[0];
  return out;
}

// Computed scales need the operand's sizes as numbers.
std::optional<Op> resolve_resize(const op::Resize& op, const Node& node) {
  op::Resize out = op;
  const Value* target = node.inputs[1];
  const Dims& x = node.inputs[0]->type().dims;
  if (is_integer(target->type().dtype)) {
    if (!target->info.elements || target->info.elements->size() != x.size()) return {};
    out.sizes = *target->info.elements;
    return out;
  }
  const Tensor* scales = constant_of(target);
  if (!scales || scales->elements() != static_cast<int64_t>(x.size()) || !all_constant(x))
    return {};
  if (op.coordinates == op::Resize::kCropAndResize) return {};  // its sizes depend on the region
  for (size_t i = 0; i < x.size(); ++i) {
    const double scale = scales->get(static_cast<int64_t>(i));
    const double size = std::floor(static_cast<double>(x[i].value()) * scale);
    if (!(size >= 0 && size < 0x1p31)) return {};
    out.scales.push_back(scale);
    out.sizes[i] = static_cast<int64_t>(size);
  }
  return out;
}

// The operand that holds the target, where this node has one.
std::optional<size_t> target_of(const Node& node) {
  const size_t count = node.inputs.size();
  if (node.as<op::Reshape>() || node.as<op::Expand>() || node.as<op::Slice>() ||
      node.as<op::TopK>() || node.as<op::Resize>()) {
    return count >= 2 ? std::optional<size_t>(1) : std::nullopt;
  }
  const bool third = node.as<op::Pad>() || node.as<op::OneHot>();
  return third && count == 3 ? std::optional<size_t>(2) : std::nullopt;
}

std::optional<Op> resolve(const Node& node, size_t target) {
  if (const auto* resize = node.as<op::Resize>()) return resolve_resize(*resize, node);
  const std::optional<Dims>& elements = node.inputs[target]->info.elements;
  if (!elements) return {};
  const Dims& x = node.inputs[0]->type().dims;
  if (const auto* op = node.as<op::Reshape>()) return resolve(*op, x, *elements);
  if (const auto* op = node.as<op::Expand>()) return resolve(*op, x, *elements);
  if (const auto* op = node.as<op::Slice>()) return resolve(*op, x, *elements);
  if (const auto* op = node.as<op::Pad>()) return resolve(*op, x, *elements);
  if (const auto* op = node.as<op::TopK>()) return resolve(*op, x, *elements);
  if (const auto* op = node.as<op::OneHot>()) return resolve(*op, x, *elements);
  return {};
}

}  // namespace

Status resolve_targets(Graph& graph, PassContext& context) {
  Substitution with;
  bool changed = false;
  SymbolScope scope(graph);
  for (Node* node : graph.nodes()) {
    const std::vector<std::string> own = scope.enter(*node);
    const std::optional<size_t> target = target_of(*node);
    // A resize with a region keeps the place of its target; without one the operand goes.
    if (!target || *target + 1 != node->inputs.size()) continue;
    const std::optional<Op> resolved = resolve(*node, *target);
    if (!resolved) continue;
    std::vector<Value*> inputs(node->inputs.begin(), node->inputs.end() - 1);
    const Result<std::vector<Info>> infos = infer_node(*resolved, inputs, node->regions);
    if (!infos.ok()) {
      context.note(*node, "the computed sizes do not fit: " + infos.status().message());
      continue;
    }
    Substitution found = with;
    match_symbols(attribute_dims(node->op), attribute_dims(substitute(*resolved, with)), own,
                  found);
    if (std::any_of(own.begin(), own.end(), [&](const auto& name) { return !found.count(name); })) {
      context.note(*node, "a symbol that it defines would get no size");
      continue;
    }
    if (!context.rewrite()) break;
    with = std::move(found);
    node->op = *resolved;
    graph.set_inputs(node, std::move(inputs));
    changed = true;
  }
  return changed ? substitute(graph, with) : Status();
}

}  // namespace carnot
