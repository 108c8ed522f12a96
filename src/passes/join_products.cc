// join_products: products of one value with several constant matrices become one product with all
// their columns, and what each had behind it (a bias) becomes that of its columns: the q, k and v
// of attention, which reads its part of every row where it lies. One kernel instead of three that
// each leave most of a processor idle, and the value is read once.
//
// Where others than attention read a part it stays by itself: they would want it dense.
#include <algorithm>

#include "ir/match.h"
#include "kernel/strided_view.h"
#include "passes/passes.h"

namespace carnot {

namespace {

constexpr int kViewsMax = 16;  // between a product and attention

struct Part {
  Node* product = nullptr;
  Node* step = nullptr;  // the pointwise node behind it; null for none
  Value* result() const { return (step ? step : product)->output(); }
};

// Attention alone reads it, as q, k or v, through views whose first splits the last axis at most.
bool feeds_attention(const Graph& graph, const Value* value, int depth = 0) {
  if (depth == kViewsMax || value->users.empty() || graph.is_output(value)) return false;
  return std::all_of(value->users.begin(), value->users.end(), [&](const Node* user) {
    if (user->inputs.size() == 1 && (user->as<op::Transpose>() || user->as<op::Reshape>())) {
      return feeds_attention(graph, user->output(), depth + 1);
    }
    const auto uses = std::count(user->inputs.begin(), user->inputs.end(), value);
    return is_attention(*user) &&
           uses == std::count(user->inputs.begin(), user->inputs.begin() + 3, value);
  });
}

// The leading axes stay what they are: columns of a wider row are then strides of every view.
bool keeps_rows(const Value* value) {
  const Dims& dims = value->type().dims;
  return std::all_of(value->users.begin(), value->users.end(), [&](const Node* user) {
    const Dims& to = user->output()->type().dims;
    return user->as<op::Reshape>() && to.size() >= dims.size() &&
           std::equal(dims.begin(), dims.end() - 1, to.begin());
  });
}

// A pointwise step with one large operand, all others constant vectors along the columns or single
// elements.
bool is_joinable(const Node& step, const Value* product) {
  if (step.outputs.size() != 1 || !(step.output()->type().dims == product->type().dims)) {
    return false;
  }
  return std::all_of(step.inputs.begin(), step.inputs.end(), [&](const Value* v) {
    if (v == product) return true;
    const Dims& dims = v->type().dims;
    return constant_of(v) && dims.size() <= 1 &&
           (dims.empty() || dims[0].is(1) || dims[0] == product->type().dims.back());
  });
}

std::optional<Part> part_of(const Graph& graph, Node* product) {
  const auto* op = product->as<op::MatMul>();
  const Value* b = product->inputs[1];
  if (op->transpose_a || !constant_of(b) || b->type().rank() != 2) return std::nullopt;
  Part out{product, nullptr};
  Node* user = sole_user(graph, product->output());
  if (user && user->as<op::Pointwise>()) {
    if (!is_joinable(*user, product->output())) return std::nullopt;
    out.step = user;
  }
  const Value* result = out.result();
  if (result->type().rank() < 2 || !keeps_rows(result) || !feeds_attention(graph, result)) {
    return std::nullopt;
  }
  return out;
}

// Steps that do the same to operands of the same kinds.
bool are_alike(const Part& a, const Part& b) {
  if (!(a.product->op == b.product->op) || !a.step != !b.step) return false;
  const Value *x = a.product->inputs[1], *y = b.product->inputs[1];
  if (x->type().dtype != y->type().dtype) return false;
  if (!a.step) return true;
  if (!(a.step->op == b.step->op) || a.step->inputs.size() != b.step->inputs.size()) return false;
  for (size_t i = 0; i < a.step->inputs.size(); ++i) {
    const Value *u = a.step->inputs[i], *v = b.step->inputs[i];
    if ((u == a.product->output()) != (v == b.product->output())) return false;
    if (u == a.product->output()) continue;
    // A single element is one for all columns of its part only.
    const bool whole = u->type().rank() == 1 && v->type().rank() == 1 &&
                       u->type().dims[0] == a.product->output()->type().dims.back() &&
                       v->type().dims[0] == b.product->output()->type().dims.back();
    if (u->type().dtype != v->type().dtype || (u != v && !whole)) return false;
  }
  return true;
}

class Join {
 public:
  Join(Graph& graph, std::vector<Part> parts) : graph_(graph), parts_(std::move(parts)) {}
  Status run();

 private:
  Result<Value*> joined(const std::vector<const Value*>& pieces, int64_t axis);

  Graph& graph_;
  std::vector<Part> parts_;
  Origin origin_;
};

Result<Value*> Join::joined(const std::vector<const Value*>& pieces, int64_t axis) {
  std::vector<Tensor> tensors;
  for (const Value* piece : pieces) {
    CARNOT_ASSIGN(Tensor dense, constant_of(piece)->dense());
    tensors.push_back(std::move(dense));
  }
  CARNOT_ASSIGN(std::vector<Tensor> out, reference(Op(op::Concat{.axis = axis}), tensors));
  return graph_.constant(std::move(out[0]), origin_, parts_[0].product);
}

Status Join::run() {
  Node* first = parts_[0].product;
  std::vector<const Value*> matrices;
  for (const Part& part : parts_) {
    matrices.push_back(part.product->inputs[1]);
    origin_ = merge(origin_, part.product->origin);
    if (part.step) origin_ = merge(origin_, part.step->origin);
  }
  const auto& op = *first->as<op::MatMul>();
  CARNOT_ASSIGN(Value * matrix, joined(matrices, op.transpose_b ? 0 : 1));
  CARNOT_ASSIGN(Value * all, graph_.make(op, {first->inputs[0], matrix}, origin_, first));
  if (const Node* step = parts_[0].step) {
    std::vector<Value*> inputs;
    for (size_t i = 0; i < step->inputs.size(); ++i) {
      std::vector<const Value*> pieces;
      for (const Part& part : parts_) pieces.push_back(part.step->inputs[i]);
      Value* operand = step->inputs[i];
      if (operand == first->output()) {
        operand = all;
      } else if (operand->type().rank() == 1 && !operand->type().dims[0].is(1)) {
        CARNOT_ASSIGN(operand, joined(pieces, 0));
      }
      inputs.push_back(operand);
    }
    CARNOT_ASSIGN(all, graph_.make(step->op, std::move(inputs), origin_, first));
  }
  Dim at = 0;
  for (const Part& part : parts_) {
    const Dims& sizes = part.result()->type().dims;
    op::Slice slice{Dims(sizes.size(), 0), sizes, op::Ints(sizes.size(), 1)};
    slice.starts.back() = at;
    at = at + sizes.back();
    CARNOT_ASSIGN(Value * columns, graph_.make(std::move(slice), {all}, origin_, first));
    columns->name = part.result()->name;
    graph_.replace_uses(part.result(), columns);
  }
  return {};
}

}  // namespace

Status join_products(Graph& graph, PassContext& context) {
  std::vector<std::vector<Part>> groups;
  for (Node* node : graph.nodes()) {
    const auto part = node->as<op::MatMul>() ? part_of(graph, node) : std::nullopt;
    if (!part) continue;
    const auto same = [&](const std::vector<Part>& group) {
      return group[0].product->inputs[0] == node->inputs[0] && are_alike(group[0], *part);
    };
    const auto group = std::find_if(groups.begin(), groups.end(), same);
    group != groups.end() ? group->push_back(*part) : groups.push_back({*part});
  }
  for (std::vector<Part>& group : groups) {
    if (group.size() < 2 || !context.rewrite()) continue;
    CARNOT_RETURN_IF_ERROR(Join(graph, std::move(group)).run());
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
