// assign_layouts: convolutions, pools and resizes become channels-last, which makes rows (pixels)
// and columns (channels) of their contraction contiguous and lets views join along channels.
//
// Each such op is wrapped: transpose to channels-last, the op, transpose back. One forward sweep
// then sinks the transposes through what follows (pointwise, concat, reduce, slice, pad, softmax,
// reshape) until they meet their inverse or an output. What remains is paid: usually one at the
// graph's input.
#include <algorithm>

#include "passes/passes.h"
#include "passes/transpose_through.h"

namespace carnot {

namespace {

Perm to_last(int64_t rank) {
  Perm p = {0};
  for (int64_t i = 2; i < rank; ++i) p.push_back(i);
  p.push_back(1);
  return p;
}

// The channels-last form of an op on [n, c, spatial...], or nothing.
std::optional<Op> channels_last(const Node& node) {
  if (auto* op = node.as<op::Conv>(); op && !op->channels_last) {
    op::Conv out = *op;
    out.channels_last = true;
    return out;
  }
  if (auto* op = node.as<op::ConvTranspose>(); op && !op->channels_last) {
    op::ConvTranspose out = *op;
    out.channels_last = true;
    return out;
  }
  if (auto* op = node.as<op::Pool>(); op && !op->channels_last) {
    op::Pool out = *op;
    out.channels_last = true;
    return out;
  }
  if (auto* op = node.as<op::Resize>(); op && node.inputs.size() == 1) {
    const Dims& in = node.inputs[0]->type().dims;
    // An image [n, c, spatial...] as the user has it; one that is already rewritten comes from the
    // inverse transpose and must not flip again.
    if (in.size() < 3 || !(in[0] == op->sizes[0]) || !(in[1] == op->sizes[1])) return {};
    if (in.back() == op->sizes.back()) return {};
    op::Resize out = *op;
    const Perm p = to_last(static_cast<int64_t>(in.size()));
    for (size_t i = 0; i < p.size(); ++i) {
      out.sizes[i] = op->sizes[static_cast<size_t>(p[i])];
      if (!op->scales.empty()) out.scales[i] = op->scales[static_cast<size_t>(p[i])];
    }
    return out;
  }
  return {};
}

// A convolution of single pixels takes them in any order.
bool is_per_pixel(const Node& node, const Op& op) {
  const auto* conv = std::get_if<op::Conv>(&op);
  if (!conv) return false;
  const auto all = [](const op::Ints& list, int64_t value) {
    return std::all_of(list.begin(), list.end(), [&](int64_t v) { return v == value; });
  };
  const Dims& w = node.inputs[1]->type().dims;
  return all(conv->strides, 1) && all(conv->pads_lo, 0) && all(conv->pads_hi, 0) &&
         std::all_of(w.begin() + 2, w.end(), [](const Dim& d) { return d.is(1); });
}

}  // namespace

Status assign_layouts(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    if (context.exhausted()) break;
    std::optional<Op> op = channels_last(*node);
    if (op) {
      context.rewrite();
      const Perm last = to_last(node->inputs[0]->type().rank());
      CARNOT_ASSIGN(Value * x, transposed(graph, node->inputs[0], last, node));
      std::vector<Value*> inputs = node->inputs;
      Perm back = inverse(last);
      const Perm* order = transpose_of(x);
      if (order && order->back() + 1 == std::ssize(*order) && is_per_pixel(*node, *op)) {
        back = compose(*order, back);
        x = x->producer->inputs[0];
      }
      inputs[0] = x;
      CARNOT_ASSIGN(Node * made, graph.add(std::move(*op), inputs, node->origin, {}, node));
      CARNOT_ASSIGN(Value * y, transposed(graph, made->output(), back, node));
      if (y->name.empty()) y->name = node->output()->name;
      graph.replace_uses(node->output(), y);
    } else {
      CARNOT_ASSIGN(bool moved, sink_transpose(graph, node));
      if (moved) context.rewrite();
    }
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
