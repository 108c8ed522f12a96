// Views (transpose, reshape, slice, pad, expand, concat) and other ops that only move elements:
// those that change nothing go, those that follow one another become one.
#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {
namespace {

class Simplify {
 public:
  Simplify(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}

  Status node(Node* node) {
    node_ = node;
    if (node->as<op::Pointwise>()) return drop_expands();
    // Whatever it is, with one operand and this answer it copies.
    if (is_copy()) return replace(node->inputs[0]);
    if (node->as<op::Transpose>()) return transpose();
    if (node->as<op::Reshape>()) return reshape();
    if (node->as<op::Slice>()) return slice();
    if (node->as<op::Expand>()) return expand();
    if (node->as<op::Concat>()) return concat();
    if (node->as<op::Reduce>()) return reduce();
    if (node->as<op::Gather>()) return gather();
    return {};
  }

 private:
  const Dims& in_dims() const { return node_->inputs[0]->type().dims; }
  const Dims& out_dims() const { return node_->output()->type().dims; }

  Status replace(Value* value) {
    if (!context_.rewrite()) return {};
    if (value->name.empty()) value->name = node_->output()->name;
    graph_.replace_uses(node_->output(), value);
    graph_.erase(node_);
    return {};
  }
  // The node does `op` on `inputs` from now on; its results' types stay.
  Status become(Op op, std::vector<Value*> inputs) {
    if (!context_.rewrite()) return {};
    node_->op = std::move(op);
    for (const Value* value : inputs) {
      if (value->producer) node_->origin = merge(value->producer->origin, node_->origin);
    }
    graph_.set_inputs(node_, std::move(inputs));
    return {};
  }

  bool is_copy() const;
  Status drop_expands();
  Status transpose();
  Status reshape();
  Status slice();
  Status expand();
  Status concat();
  Status reduce();
  Status gather();

  Graph& graph_;
  PassContext& context_;
  Node* node_ = nullptr;
};

bool all_zero(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.is(0); });
}
bool all_one(const op::Ints& ints) {
  return std::all_of(ints.begin(), ints.end(), [](int64_t i) { return i == 1; });
}
bool is_identity(const op::Ints& perm) {
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

bool Simplify::is_copy() const {
  if (node_->inputs.empty() || !(node_->inputs[0]->type() == node_->output()->type())) return false;
  if (const auto* op = node_->as<op::Transpose>()) return is_identity(op->perm);
  if (node_->as<op::Reshape>()) return true;
  if (node_->as<op::Expand>()) return true;
  if (node_->as<op::BitCast>()) return true;
  if (const auto* op = node_->as<op::Slice>()) {
    return node_->inputs.size() == 1 && all_zero(op->starts) && all_one(op->steps);
  }
  if (const auto* op = node_->as<op::Pad>()) return all_zero(op->lo) && all_zero(op->hi);
  if (const auto* op = node_->as<op::Concat>()) {
    const auto axis =
        static_cast<size_t>(op->axis < 0 ? op->axis + node_->output()->type().rank() : op->axis);
    return std::all_of(node_->inputs.begin() + 1, node_->inputs.end(),
                       [&](const Value* value) { return value->type().dims[axis].is(0); });
  }
  if (const auto* op = node_->as<op::Resize>()) {
    return op->coordinates != op::Resize::kCropAndResize &&
           std::all_of(op->scales.begin(), op->scales.end(), [](double s) { return s == 1; });
  }
  return false;
}

// Pointwise operations broadcast by themselves.
Status Simplify::drop_expands() {
  for (size_t i = 0; i < node_->inputs.size(); ++i) {
    const Node* expand = producer_of<op::Expand>(node_->inputs[i]);
    if (!expand) continue;
    std::vector<Info> infos;
    for (const Value* value : node_->inputs) infos.push_back(value->info);
    infos[i] = expand->inputs[0]->info;
    const Result<std::vector<Info>> results = infer(node_->op, infos);
    if (!results.ok() || !((*results)[0].type == node_->output()->type())) continue;
    if (!context_.rewrite()) return {};
    graph_.set_input(node_, i, expand->inputs[0]);
  }
  return {};
}

Status Simplify::transpose() {
  op::Ints perm = node_->as<op::Transpose>()->perm;
  if (const Node* before = producer_of<op::Transpose>(node_->inputs[0])) {
    const op::Ints& first = before->as<op::Transpose>()->perm;
    for (int64_t& axis : perm) axis = first[static_cast<size_t>(axis)];
    Value* source = before->inputs[0];
    return is_identity(perm) ? replace(source) : become(op::Transpose{std::move(perm)}, {source});
  }
  // Where only axes of size 1 change places, the elements keep their order.
  op::Ints moved;
  for (const int64_t axis : perm) {
    if (!in_dims()[static_cast<size_t>(axis)].is(1)) moved.push_back(axis);
  }
  if (!std::is_sorted(moved.begin(), moved.end())) return {};
  return become(op::Reshape{out_dims()}, {node_->inputs[0]});
}

// Symbols that a reshape defines come from its target operand; such a one is left alone.
Status Simplify::reshape() {
  const Node* before = producer_of<op::Reshape>(node_->inputs[0]);
  if (!before || before->inputs.size() != 1) return {};
  Value* source = before->inputs[0];
  if (node_->inputs.size() == 1 && source->type() == node_->output()->type()) {
    return replace(source);
  }
  std::vector<Value*> inputs = node_->inputs;
  inputs[0] = source;
  return become(node_->op, std::move(inputs));
}

Status Simplify::slice() {
  const Node* before = producer_of<op::Slice>(node_->inputs[0]);
  if (!before || before->inputs.size() != 1 || node_->inputs.size() != 1) return {};
  const auto& first = *before->as<op::Slice>();
  op::Slice both = *node_->as<op::Slice>();
  for (size_t i = 0; i < both.starts.size(); ++i) {
    const auto step = checked_mul(both.steps[i], first.steps[i]);
    if (!step) return {};
    both.starts[i] = first.starts[i] + both.starts[i] * Dim(first.steps[i]);
    both.steps[i] = *step;
    if (both.starts[i].overflowed()) return {};
  }
  return become(std::move(both), {before->inputs[0]});
}

Status Simplify::expand() {
  const Node* before = producer_of<op::Expand>(node_->inputs[0]);
  if (!before || before->inputs.size() != 1) return {};
  std::vector<Value*> inputs = node_->inputs;
  inputs[0] = before->inputs[0];
  return become(node_->op, std::move(inputs));
}

// One slice for two along an axis of which the second begins where the first one ends.
std::optional<op::Slice> joined(const Value* left, const Value* right, size_t axis) {
  const Node *first = producer_of<op::Slice>(left), *second = producer_of<op::Slice>(right);
  if (!first || !second || first->inputs != second->inputs || first->inputs.size() != 1) return {};
  const auto &a = *first->as<op::Slice>(), &b = *second->as<op::Slice>();
  if (!(a.starts[axis] + a.sizes[axis] == b.starts[axis]) || a.steps[axis] != 1) return {};
  op::Slice both = a, same = b;
  same.starts[axis] = a.starts[axis], same.sizes[axis] = a.sizes[axis];
  if (!(both == same)) return {};
  both.sizes[axis] = a.sizes[axis] + b.sizes[axis];
  return both;
}

// Operands without elements go; a concat that only this one uses hands over its operands; what was
// cut in two is whole again.
Status Simplify::concat() {
  const int64_t rank = node_->output()->type().rank();
  const auto resolve = [&](const Node& node) {
    const int64_t axis = node.as<op::Concat>()->axis;
    return static_cast<size_t>(axis < 0 ? axis + rank : axis);
  };
  const size_t axis = resolve(*node_);
  std::vector<Value*> operands;
  for (Value* value : node_->inputs) {
    const Node* before = producer_of<op::Concat>(value);
    if (value->type().dims[axis].is(0)) continue;
    if (before && resolve(*before) == axis && used_once(graph_, value)) {
      operands.insert(operands.end(), before->inputs.begin(), before->inputs.end());
    } else {
      operands.push_back(value);
    }
  }
  for (size_t i = 0; i + 1 < operands.size() && !context_.exhausted();) {
    const std::optional<op::Slice> both = joined(operands[i], operands[i + 1], axis);
    if (!both) {
      ++i;
      continue;
    }
    Value* source = operands[i]->producer->inputs[0];
    const bool whole = both->sizes == source->type().dims;
    if (!whole) {
      CARNOT_ASSIGN(source, graph_.make(*both, {source}, node_->origin, node_));
    }
    operands[i] = source;
    operands.erase(operands.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  if (operands.empty() || operands == node_->inputs) return {};
  if (operands.size() == 1 && operands[0]->type() == node_->output()->type()) {
    return replace(operands[0]);
  }
  return become(node_->op, std::move(operands));
}

// Over axes of size 1 every reduction hands on its operand.
Status Simplify::reduce() {
  const auto& op = *node_->as<op::Reduce>();
  const int64_t rank = node_->inputs[0]->type().rank();
  op::Ints axes = op.axes;
  if (axes.empty()) axes.resize(static_cast<size_t>(rank)), std::iota(axes.begin(), axes.end(), 0);
  for (const int64_t axis : axes) {
    if (!in_dims()[static_cast<size_t>(axis < 0 ? axis + rank : axis)].is(1)) return {};
  }
  if (!(node_->inputs[0]->type().dtype == node_->output()->type().dtype)) return {};
  if (node_->inputs[0]->type() == node_->output()->type()) return replace(node_->inputs[0]);
  return become(op::Reshape{out_dims()}, {node_->inputs[0]});
}

// Constant indices at even distances are a slice.
Status Simplify::gather() {
  const Tensor* indices = constant_of(node_->inputs[1]);
  if (!indices || indices->elements() == 0) return {};
  const Dims& dims = in_dims();
  const int64_t axis = node_->as<op::Gather>()->axis;
  const auto at = static_cast<size_t>(axis < 0 ? axis + std::ssize(dims) : axis);
  if (!dims[at].is_constant() || constant_of(node_->inputs[0])) return {};
  const int64_t size = dims[at].value(), count = indices->elements();
  const auto index = [&](int64_t i) {
    const int64_t value = indices->get_int(i);
    return value < 0 ? value + size : value;
  };
  const int64_t step = count > 1 ? index(1) - index(0) : 1;
  if (step == 0) return {};
  for (int64_t i = 0; i < count; ++i) {
    if (index(i) < 0 || index(i) >= size || index(i) != index(0) + i * step) return {};
  }
  op::Slice slice{Dims(dims.size(), 0), dims, op::Ints(dims.size(), 1)};
  slice.starts[at] = index(0);
  slice.sizes[at] = count;
  slice.steps[at] = step;
  if (indices->rank() == 1) return become(std::move(slice), {node_->inputs[0]});
  if (context_.exhausted()) return {};
  CARNOT_ASSIGN(Value * sliced,
                graph_.make(std::move(slice), {node_->inputs[0]}, node_->origin, node_));
  return become(op::Reshape{out_dims()}, {sliced});
}

}  // namespace

Status simplify_views(Graph& graph, PassContext& context) {
  Simplify simplify(graph, context);
  for (Node* node : graph.nodes()) {
    CARNOT_RETURN_IF_ERROR(context.budget().check());
    CARNOT_RETURN_IF_ERROR(simplify.node(node));
  }
  return {};
}

}  // namespace carnot
