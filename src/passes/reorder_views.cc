// Views in the order in which they combine: slices, changes of unit axes and reshapes that split an
// axis go before transposes, so that transposes meet transposes and attention, reshapes reshapes.
#include <algorithm>

#include "ir/match.h"
#include "passes/passes.h"
#include "passes/transpose_through.h"

namespace carnot {
namespace {

class Reorder {
 public:
  Reorder(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}
  Status slice(Node* node);
  Status reshape(Node* node);
  Status split(Node* node);

 private:
  Graph& graph_;
  PassContext& context_;
};

// transpose then slice -> slice then transpose, where nothing else needs the transpose's result.
Status Reorder::slice(Node* node) {
  const Node* before = producer_of<op::Transpose>(node->inputs[0]);
  if (!before || node->inputs.size() != 1 || graph_.is_output(before->output())) return {};
  const std::vector<Node*>& users = before->output()->users;
  const bool only_slices = std::all_of(users.begin(), users.end(), [](const Node* user) {
    return user->as<op::Slice>() && user->inputs.size() == 1;
  });
  if (!only_slices || !context_.rewrite()) return {};
  const op::Slice& from = *node->as<op::Slice>();
  const op::Ints perm = before->as<op::Transpose>()->perm;
  op::Slice slice = from;
  for (size_t i = 0; i < perm.size(); ++i) {
    const auto axis = static_cast<size_t>(perm[i]);
    slice.starts[axis] = from.starts[i];
    slice.sizes[axis] = from.sizes[i];
    slice.steps[axis] = from.steps[i];
  }
  const Origin origin = merge(before->origin, node->origin);
  CARNOT_ASSIGN(Value * sliced, graph_.make(std::move(slice), {before->inputs[0]}, origin, node));
  node->op = op::Transpose{perm};
  graph_.set_inputs(node, {sliced});
  return {};
}

// transpose then a reshape that only adds or removes axes of size 1 -> reshape then transpose.
Status Reorder::reshape(Node* node) {
  const Node* before = producer_of<op::Transpose>(node->inputs[0]);
  if (!before || node->inputs.size() != 1 || !used_once(graph_, before->output())) return {};
  const Dims& source = before->inputs[0]->type().dims;
  const Dims& from = before->output()->type().dims;
  const Dims& to = node->output()->type().dims;
  const op::Ints& perm = before->as<op::Transpose>()->perm;

  // Axes larger than 1: where they are in the source, in the order in which the result has them.
  op::Ints kept, kept_in_result;
  for (size_t i = 0; i < from.size(); ++i) {
    if (!from[i].is(1)) kept.push_back(perm[i]);
  }
  for (size_t i = 0; i < to.size(); ++i) {
    if (!to[i].is(1)) kept_in_result.push_back(static_cast<int64_t>(i));
  }
  if (kept.size() != kept_in_result.size()) return split(node);
  for (size_t i = 0; i < kept.size(); ++i) {
    const Dim& size = source[static_cast<size_t>(kept[i])];
    if (!(size == to[static_cast<size_t>(kept_in_result[i])])) return {};
  }
  // The reshape puts them, in the source's order, where the result has them; unit axes stay.
  op::Ints in_order = kept;
  std::sort(in_order.begin(), in_order.end());
  op::Reshape reshape{to};
  op::Ints moved(to.size());
  for (size_t i = 0; i < to.size(); ++i) moved[i] = static_cast<int64_t>(i);
  for (size_t i = 0; i < kept.size(); ++i) {
    const auto place = static_cast<size_t>(kept_in_result[i]);
    reshape.sizes[place] = source[static_cast<size_t>(in_order[i])];
    const auto rank = std::find(in_order.begin(), in_order.end(), kept[i]) - in_order.begin();
    moved[place] = kept_in_result[static_cast<size_t>(rank)];
  }
  if (!context_.rewrite()) return {};
  const Origin origin = merge(before->origin, node->origin);
  CARNOT_ASSIGN(Value * reshaped,
                graph_.make(std::move(reshape), {before->inputs[0]}, origin, node));
  node->op = op::Transpose{std::move(moved)};
  graph_.set_inputs(node, {reshaped});
  return {};
}

// transpose then a reshape that splits axes (heads out of batch x heads) -> reshape then transpose.
Status Reorder::split(Node* node) {
  const Value *in = node->inputs[0], *out = node->output();
  if (out->type().rank() <= in->type().rank() || context_.exhausted()) return {};
  CARNOT_ASSIGN(const bool moved, sink_transpose(graph_, node));
  if (!moved) return {};
  context_.rewrite();
  graph_.erase(node);
  return {};
}

}  // namespace

Status reorder_views(Graph& graph, PassContext& context) {
  Reorder reorder(graph, context);
  for (Node* node : graph.nodes()) {
    if (node->as<op::Slice>()) CARNOT_RETURN_IF_ERROR(reorder.slice(node));
    if (node->as<op::Reshape>()) CARNOT_RETURN_IF_ERROR(reorder.reshape(node));
  }
  return {};
}

}  // namespace carnot
