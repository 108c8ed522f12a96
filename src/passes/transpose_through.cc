#include "passes/transpose_through.h"

#include <algorithm>
#include <numeric>

namespace carnot {

Perm inverse(const Perm& perm) {
  Perm out(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) {
    out[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  }
  return out;
}

Perm compose(const Perm& first, const Perm& second) {
  Perm out;
  for (int64_t p : second) out.push_back(first[static_cast<size_t>(p)]);
  return out;
}

bool is_identity(const Perm& perm) {
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

const Perm* transpose_of(const Value* v) {
  const auto* t = v->producer ? v->producer->as<op::Transpose>() : nullptr;
  return t ? &t->perm : nullptr;
}

namespace {

Dims permuted(const Dims& dims, const Perm& perm) {
  Dims out;
  for (int64_t p : perm) out.push_back(dims[static_cast<size_t>(p)]);
  return out;
}

// Whether the axes that are not 1 keep their order.
bool moves_only_ones(const Dims& dims, const Perm& perm) {
  int64_t last = -1;
  for (int64_t p : perm) {
    if (dims[static_cast<size_t>(p)].is(1)) continue;
    if (p < last) return false;
    last = p;
  }
  return true;
}

}  // namespace

Result<Value*> transposed(Graph& graph, Value* v, const Perm& perm, Node* before) {
  if (const Perm* own = transpose_of(v)) {
    return transposed(graph, v->producer->inputs[0], compose(*own, perm), before);
  }
  if (is_identity(perm)) return v;
  const Origin origin = v->producer ? v->producer->origin : Origin{};
  if (moves_only_ones(v->type().dims, perm)) {
    return graph.make(op::Reshape{.sizes = permuted(v->type().dims, perm)}, {v}, origin, before);
  }
  if (const Tensor* c = constant_of(v)) {
    CARNOT_ASSIGN(std::vector<Tensor> t, reference(Op(op::Transpose{.perm = perm}), {c, 1}));
    return graph.constant(t[0], origin, before);
  }
  return graph.make(op::Transpose{.perm = perm}, {v}, origin, before);
}

namespace {

// Gives `v` the rank that `perm` is for, by size-1 axes in front.
Result<Value*> with_rank(Graph& graph, Value* v, size_t rank, Node* before) {
  if (v->type().dims.size() == rank) return v;
  Dims sizes(rank - v->type().dims.size(), Dim(1));
  sizes.insert(sizes.end(), v->type().dims.begin(), v->type().dims.end());
  if (const Tensor* c = constant_of(v)) {
    Shape shape(rank - c->shape().size(), 1);
    shape.insert(shape.end(), c->shape().begin(), c->shape().end());
    return graph.constant(c->reshaped(shape), v->producer->origin, before);
  }
  return graph.make(op::Reshape{.sizes = sizes}, {v}, v->producer ? v->producer->origin : Origin{},
                    before);
}

// Whether transposing `v` by inverse(perm) costs a copy of a large value.
bool costs_a_copy(const Value* v, const Perm& perm) {
  if (constant_of(v)) return false;
  if (const Perm* own = transpose_of(v)) return *own != perm;
  Dims dims(perm.size() - v->type().dims.size(), Dim(1));
  dims.insert(dims.end(), v->type().dims.begin(), v->type().dims.end());
  return !moves_only_ones(dims, inverse(perm));
}

struct Sink {
  Graph& graph;
  Node* node;
  Perm perm;  // of the operand: it is transpose(x, perm)

  // Replaces the node's results by transposes (back to the old axes) of the new node's.
  Result<bool> replace(Op op, std::vector<Value*> inputs, const Perm& back) {
    CARNOT_ASSIGN(Node * made, graph.add(std::move(op), std::move(inputs), node->origin, {}, node));
    for (size_t i = 0; i < node->outputs.size(); ++i) {
      CARNOT_ASSIGN(Value * y, transposed(graph, made->outputs[i], back, node));
      if (y->name.empty()) y->name = node->outputs[i]->name;
      graph.replace_uses(node->outputs[i], y);
    }
    return true;
  }

  Result<bool> elementwise() {
    const size_t rank = perm.size();
    for (const Value* v : node->inputs) {
      if (v->type().dims.size() > rank || costs_a_copy(v, perm)) return false;
    }
    std::vector<Value*> inputs;
    for (Value* v : node->inputs) {
      if (v->type().dims.empty()) {
        inputs.push_back(v);
        continue;
      }
      CARNOT_ASSIGN(Value * full, with_rank(graph, v, rank, node));
      CARNOT_ASSIGN(Value * x, transposed(graph, full, inverse(perm), node));
      inputs.push_back(x);
    }
    return replace(node->op, std::move(inputs), perm);
  }

  Result<bool> concat(op::Concat op) {
    for (const Value* v : node->inputs) {
      if (costs_a_copy(v, perm)) return false;
    }
    const int64_t rank = static_cast<int64_t>(perm.size());
    op.axis = perm[static_cast<size_t>(op.axis < 0 ? op.axis + rank : op.axis)];
    std::vector<Value*> inputs;
    for (Value* v : node->inputs) {
      CARNOT_ASSIGN(Value * x, transposed(graph, v, inverse(perm), node));
      inputs.push_back(x);
    }
    return replace(op, std::move(inputs), perm);
  }

  // Ops with one large operand and attributes per axis.
  Result<bool> unary(Op op, const Perm& back) {
    CARNOT_ASSIGN(Value * x, transposed(graph, node->inputs[0], inverse(perm), node));
    std::vector<Value*> inputs = node->inputs;
    inputs[0] = x;
    return replace(std::move(op), std::move(inputs), back);
  }

  Result<bool> reduce(op::Reduce op) {
    const int64_t rank = static_cast<int64_t>(perm.size());
    if (op.axes.empty()) {
      op.axes.resize(perm.size());
      std::iota(op.axes.begin(), op.axes.end(), 0);
    }
    std::vector<bool> folded(perm.size());
    for (int64_t& a : op.axes) {
      a = perm[static_cast<size_t>(a < 0 ? a + rank : a)];
      folded[static_cast<size_t>(a)] = true;
    }
    std::sort(op.axes.begin(), op.axes.end());
    if (op.keep) return unary(op, perm);
    // The surviving axes, numbered among themselves, in the old order.
    Perm number(perm.size(), -1), back;
    int64_t next = 0;
    for (size_t i = 0; i < perm.size(); ++i) {
      if (!folded[i]) number[i] = next++;
    }
    for (int64_t p : perm) {
      if (!folded[static_cast<size_t>(p)]) back.push_back(number[static_cast<size_t>(p)]);
    }
    return unary(op, back);
  }

  Result<bool> slice(op::Slice op) {
    if (node->inputs.size() > 1) return false;
    const Perm inv = inverse(perm);
    op::Slice out = op;
    out.starts = permuted(op.starts, inv), out.sizes = permuted(op.sizes, inv);
    for (size_t i = 0; i < op.steps.size(); ++i) {
      out.steps[i] = op.steps[static_cast<size_t>(inv[i])];
    }
    return unary(out, perm);
  }

  Result<bool> pad(op::Pad op) {
    if (node->inputs.size() > 2) return false;
    const Perm inv = inverse(perm);
    op.lo = permuted(op.lo, inv), op.hi = permuted(op.hi, inv);
    return unary(op, perm);
  }

  // The rows of a product with one matrix, in any order.
  Result<bool> matmul(const op::MatMul& op) {
    const bool rows = !op.transpose_a && node->inputs[1]->type().rank() == 2;
    if (!rows || perm.back() + 1 != static_cast<int64_t>(perm.size())) return false;
    return unary(op, perm);
  }

  // What is normalized stays last, as scale and shift have it.
  Result<bool> normalize(const op::Normalize& op) {
    const int64_t rank = static_cast<int64_t>(perm.size());
    op::Normalize moved = op;
    if (op.axes.empty()) return false;
    for (int64_t& a : moved.axes) {
      a = a < 0 ? a + rank : a;
      if (perm[static_cast<size_t>(a)] != a) return false;
    }
    for (size_t i = 1; i < node->inputs.size(); ++i) {
      const Dims& dims = node->inputs[i]->type().dims;
      for (size_t d = 0; d < dims.size(); ++d) {
        const size_t at = perm.size() - dims.size() + d;
        if (!dims[d].is(1) && perm[at] != static_cast<int64_t>(at)) return false;
      }
    }
    return unary(moved, perm);
  }

  // Axes that merge into one, or split from one, move as a block.
  Result<bool> reshape(const op::Reshape& op) {
    if (node->inputs.size() > 1) return false;
    const Dims& in = node->inputs[0]->type().dims;
    struct Block {
      size_t in_begin, in_end, out_begin, out_end;
    };
    std::vector<Block> blocks;
    for (size_t i = 0, o = 0; i < in.size() || o < op.sizes.size();) {
      Block b{i, i, o, o};
      Dim left = 1, right = 1;
      if (i < in.size()) left = in[b.in_end++];
      if (o < op.sizes.size()) right = op.sizes[b.out_end++];
      while (!(left == right)) {
        if (b.in_end - b.in_begin <= 1 && b.out_end < op.sizes.size() &&
            (b.out_end - b.out_begin > 1 ||
             !(left.is_constant() && right.is_constant() && left.value() < right.value()))) {
          right = right * op.sizes[b.out_end++];
        } else if (b.out_end - b.out_begin <= 1 && b.in_end < in.size()) {
          left = left * in[b.in_end++];
        } else {
          return false;
        }
      }
      blocks.push_back(b);
      i = b.in_end, o = b.out_end;
    }
    // Each block's input axes must be neighbours in x, in order; then x's own order of the blocks
    // gives the new sizes.
    struct Placed {
      int64_t at;
      size_t block;
    };
    std::vector<Placed> placed;
    for (size_t b = 0; b < blocks.size(); ++b) {
      if (blocks[b].in_begin == blocks[b].in_end) return false;
      for (size_t i = blocks[b].in_begin + 1; i < blocks[b].in_end; ++i) {
        if (perm[i] != perm[i - 1] + 1) return false;
      }
      placed.push_back({perm[blocks[b].in_begin], b});
    }
    std::sort(placed.begin(), placed.end(), [](auto& l, auto& r) { return l.at < r.at; });
    Dims sizes;
    Perm back(op.sizes.size());
    for (const Placed& p : placed) {
      for (size_t o = blocks[p.block].out_begin; o < blocks[p.block].out_end; ++o) {
        back[o] = static_cast<int64_t>(sizes.size());
        sizes.push_back(op.sizes[o]);
      }
    }
    return unary(op::Reshape{.sizes = sizes}, back);
  }
};

}  // namespace

Result<bool> sink_transpose(Graph& graph, Node* node) {
  Sink sink{graph, node, {}};
  for (const Value* v : node->inputs) {
    if (const Perm* p = transpose_of(v); p && p->size() > sink.perm.size()) sink.perm = *p;
  }
  if (sink.perm.empty()) return false;
  if (node->as<op::Pointwise>()) return sink.elementwise();
  if (auto* op = node->as<op::Concat>()) return sink.concat(*op);
  if (!transpose_of(node->inputs[0])) return false;
  if (auto* op = node->as<op::Reduce>()) return sink.reduce(*op);
  if (auto* op = node->as<op::Slice>()) return sink.slice(*op);
  if (auto* op = node->as<op::Pad>()) return sink.pad(*op);
  if (auto* op = node->as<op::Reshape>()) return sink.reshape(*op);
  if (auto* op = node->as<op::MatMul>()) return sink.matmul(*op);
  if (auto* op = node->as<op::Normalize>()) return sink.normalize(*op);
  if (auto* op = node->as<op::Softmax>()) {
    op::Softmax moved = *op;
    const int64_t rank = static_cast<int64_t>(sink.perm.size());
    moved.axis = sink.perm[static_cast<size_t>(op->axis < 0 ? op->axis + rank : op->axis)];
    return sink.unary(moved, sink.perm);
  }
  if (auto* op = node->as<op::Transpose>()) {
    CARNOT_ASSIGN(Value * y, transposed(graph, node->inputs[0], op->perm, node));
    graph.replace_uses(node->output(), y);
    return true;
  }
  return false;
}

}  // namespace carnot
