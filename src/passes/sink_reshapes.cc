// sink_reshapes: a reshape moves from in front of a pointwise node to behind it, so that the node
// can join the kernel that computes its operand (the bias and activation of a 1-D convolution that
// was imported as a 2-D one, the positions that are added to an image's patches).
#include <algorithm>

#include "passes/passes.h"

namespace carnot {

namespace {

// Neighbouring axes of one shape that hold the elements of neighbouring axes of the other.
struct Block {
  size_t from_begin, from_end, to_begin, to_end;
};

std::optional<std::vector<Block>> blocks_of(const Dims& from, const Dims& to) {
  std::vector<Block> out;
  for (size_t f = 0, t = 0; f < from.size() || t < to.size();) {
    Block block{f, f, t, t};
    while (f < from.size() && from[f].is(1)) ++f;
    while (t < to.size() && to[t].is(1)) ++t;
    bool found = f == from.size() && t == to.size();
    block.from_end = f, block.to_end = t;
    Dim left = 1;
    for (size_t i = f; i < from.size() && !found; ++i) {
      left = left * from[i];
      Dim right = 1;
      for (size_t j = t; j < to.size() && !found; ++j) {
        right = right * to[j];
        found = left == right;
        block.to_end = j + 1;
      }
      block.from_end = i + 1;
    }
    if (!found) return std::nullopt;
    out.push_back(block);
    f = block.from_end, t = block.to_end;
  }
  return out;
}

// Whether the reshape only adds or drops axes of size 1.
bool keeps_axes(const std::vector<Block>& blocks, const Dims& from, const Dims& to) {
  const auto wide = [](const Dims& dims, size_t begin, size_t end) {
    return std::count_if(dims.begin() + static_cast<long>(begin),
                         dims.begin() + static_cast<long>(end),
                         [](const Dim& d) { return !d.is(1); });
  };
  return std::all_of(blocks.begin(), blocks.end(), [&](const Block& b) {
    return wide(from, b.from_begin, b.from_end) <= 1 && wide(to, b.to_begin, b.to_end) <= 1;
  });
}

// The reshape among the operands that gives the node its shape.
Node* reshape_of(const Node& node) {
  for (const Value* v : node.inputs) {
    Node* p = v->producer;
    if (!p || !p->as<op::Reshape>() || p->inputs.size() != 1) continue;
    if (!(v->type().dims == node.output()->type().dims)) continue;
    const Value* x = p->inputs[0];
    const bool only =
        std::all_of(v->users.begin(), v->users.end(), [&](const Node* n) { return n == &node; });
    if (only && x->users.size() == 1 && x->producer && !constant_of(x)) return p;
  }
  return nullptr;
}

// The sizes of an operand in the axes of `from`: each block whole, or repeated as a whole.
std::optional<Dims> sizes_before(const Dims& operand, const std::vector<Block>& blocks,
                                 const Dims& from, const Dims& to) {
  Dims padded(to.size() - operand.size(), Dim(1));
  padded.insert(padded.end(), operand.begin(), operand.end());
  Dims out;
  for (const Block& b : blocks) {
    bool whole = true, repeated = true;
    for (size_t i = b.to_begin; i < b.to_end; ++i) {
      whole = whole && padded[i] == to[i];
      repeated = repeated && padded[i].is(1);
    }
    if (!whole && !repeated) return std::nullopt;
    for (size_t i = b.from_begin; i < b.from_end; ++i) out.push_back(whole ? from[i] : Dim(1));
  }
  return out;
}

// The node's operands in front of the reshape; nothing where one of them cannot be there.
std::optional<std::vector<Dims>> operand_sizes(const Node& node, const Node& reshape) {
  const Dims& from = reshape.inputs[0]->type().dims;
  const Dims& to = node.output()->type().dims;
  const auto blocks = blocks_of(from, to);
  if (from == to || !blocks) return std::nullopt;
  const Node* p = reshape.inputs[0]->producer;
  const bool joins = p->as<op::Conv>() || p->as<op::MatMul>() || p->as<op::Pointwise>();
  if (!joins && !keeps_axes(*blocks, from, to)) return std::nullopt;
  std::vector<Dims> out;
  for (const Value* v : node.inputs) {
    if (v->type().dims.empty()) {
      out.emplace_back();
      continue;
    }
    std::optional<Dims> sizes = sizes_before(v->type().dims, *blocks, from, to);
    if (!sizes) return std::nullopt;
    out.push_back(std::move(*sizes));
  }
  return out;
}

Result<Value*> with_sizes(Graph& graph, Value* v, const Dims& sizes, Node* before) {
  if (sizes == v->type().dims) return v;
  const Origin origin = v->producer ? v->producer->origin : Origin{};
  return graph.make(op::Reshape{.sizes = sizes}, {v}, origin, before);
}

}  // namespace

Status sink_reshapes(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    if (!node->as<op::Pointwise>() || node->outputs.size() != 1) continue;
    Node* reshape = reshape_of(*node);
    if (!reshape) continue;
    Value* x = reshape->inputs[0];
    const Dims to = node->output()->type().dims;
    const auto sizes = operand_sizes(*node, *reshape);
    if (!sizes || !context.rewrite()) continue;
    std::vector<Value*> inputs;
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      Value* v = node->inputs[i];
      if (v == reshape->output()) {
        inputs.push_back(x);
        continue;
      }
      CARNOT_ASSIGN(Value * operand, with_sizes(graph, v, (*sizes)[i], node));
      inputs.push_back(operand);
    }
    CARNOT_ASSIGN(Value * made, graph.make(node->op, inputs, node->origin, node));
    CARNOT_ASSIGN(Value * y, graph.make(op::Reshape{.sizes = to}, {made}, node->origin, node));
    y->name = node->output()->name;
    graph.replace_uses(node->output(), y);
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
