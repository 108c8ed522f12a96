// sink_concats: a pointwise node behind a concat works on the pieces, where each can take it: a
// kernel that computes a piece computes it as it shall be, in its place in the result (a class
// token before the patches of an image, and the positions that are added to all of them).
#include <algorithm>

#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {

namespace {

size_t axis_of(const Node& concat) {
  const auto axis = concat.as<op::Concat>()->axis;
  return static_cast<size_t>(axis < 0 ? axis + concat.output()->type().rank() : axis);
}

// Whether a pointwise node on the piece costs no kernel more than the piece alone.
bool takes(const Graph& graph, const Value* piece) {
  if (constant_of(piece)) return true;
  const Node* p = piece->producer;
  while (p && p->as<op::Reshape>() && p->inputs.size() == 1 && used_once(graph, piece)) {
    piece = p->inputs[0];
    p = piece->producer;
  }
  if (!p || p->outputs.size() != 1 || !used_once(graph, piece)) return false;
  return p->as<op::Conv>() || p->as<op::MatMul>() || p->as<op::Pointwise>() ||
         p->as<op::Expand>() || p->as<op::Reduce>() || p->as<op::Normalize>();
}

// A concat's pieces, those of pieces that are concats along its axis among them.
std::vector<Value*> pieces_of(const Graph& graph, const Node& concat) {
  std::vector<Value*> out;
  for (Value* v : concat.inputs) {
    const Node* inner = producer_of<op::Concat>(v);
    if (inner && used_once(graph, v) && axis_of(*inner) == axis_of(concat)) {
      const std::vector<Value*> more = pieces_of(graph, *inner);
      out.insert(out.end(), more.begin(), more.end());
    } else {
      out.push_back(v);
    }
  }
  return out;
}

// The concat among the operands that gives the node its shape.
Node* concat_of(const Graph& graph, const Node& node) {
  for (const Value* v : node.inputs) {
    Node* p = producer_of<op::Concat>(v);
    if (!p || !used_once(graph, v) || !(v->type().dims == node.output()->type().dims)) continue;
    const auto none = [&](const Value* piece) { return constant_of(piece) != nullptr; };
    const auto fits = [&](const Value* piece) { return takes(graph, piece); };
    const std::vector<Value*> pieces = pieces_of(graph, *p);
    if (std::all_of(pieces.begin(), pieces.end(), fits) &&
        !std::all_of(pieces.begin(), pieces.end(), none)) {
      return p;
    }
  }
  return nullptr;
}

class Sinking {
 public:
  Sinking(Graph& graph, Node* node, const Node* concat)
      : graph_(graph), node_(node), concat_(concat), axis_(axis_of(*concat)) {}

  Result<Value*> run() {
    std::vector<Value*> made;
    Dim start = 0;
    for (Value* piece : pieces_of(graph_, *concat_)) {
      const Dim size = piece->type().dims[axis_];
      std::vector<Value*> inputs;
      for (Value* v : node_->inputs) {
        if (v == concat_->output()) {
          inputs.push_back(piece);
          continue;
        }
        CARNOT_ASSIGN(Value * operand, part(v, start, size));
        inputs.push_back(operand);
      }
      CARNOT_ASSIGN(Value * value, computed(node_->op, inputs));
      made.push_back(value);
      start = start + size;
    }
    const op::Concat op{.axis = static_cast<int64_t>(axis_)};
    return graph_.make(op, made, concat_->origin, node_);
  }

 private:
  // What one piece sees of an operand that the whole result sees.
  Result<Value*> part(Value* v, const Dim& start, const Dim& size) {
    const Dims& dims = v->type().dims;
    const size_t missing = concat_->output()->type().dims.size() - dims.size();
    if (axis_ < missing || dims[axis_ - missing].is(1)) return v;
    op::Slice slice{.starts = Dims(dims.size(), Dim(0)),
                    .sizes = dims,
                    .steps = std::vector<int64_t>(dims.size(), 1)};
    slice.starts[axis_ - missing] = start;
    slice.sizes[axis_ - missing] = size;
    return computed(std::move(slice), {v});
  }

  Result<Value*> computed(Op op, const std::vector<Value*>& inputs) {
    std::vector<Tensor> known;
    for (const Value* v : inputs) {
      if (const Tensor* c = constant_of(v)) known.push_back(*c);
    }
    if (known.size() < inputs.size())
      return graph_.make(std::move(op), inputs, node_->origin, node_);
    CARNOT_ASSIGN(std::vector<Tensor> value, reference(op, known));
    return graph_.constant(value[0], node_->origin, node_);
  }

  Graph& graph_;
  Node* node_;
  const Node* concat_;
  size_t axis_;
};

}  // namespace

Status sink_concats(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    if (!node->as<op::Pointwise>() || node->outputs.size() != 1) continue;
    const Node* concat = concat_of(graph, *node);
    if (!concat || !context.rewrite()) continue;
    CARNOT_ASSIGN(Value * made, Sinking(graph, node, concat).run());
    made->name = node->output()->name;
    graph.replace_uses(node->output(), made);
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
