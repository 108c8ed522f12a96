// project_recurrent: what an LSTM, GRU or RNN multiplies its input with is one matrix for all
// steps, so all steps' products are one matmul in front of it; only the state's remain inside.
#include "passes/passes.h"

namespace carnot {

namespace {

enum Operand : size_t { kX, kW };

bool is_projected(const TensorType& w) {
  return !w.dims.empty() && w.dims[0].is(0);
}

Result<Value*> project(Graph& graph, Node* node) {
  Value *x = node->inputs[kX], *w = node->inputs[kW];
  const Dims in = x->type().dims, weights = w->type().dims;
  const Dim width = weights[0] * weights[1];
  const auto reshape = [&](Value* v, Dims sizes) {
    return graph.make(op::Reshape{.sizes = std::move(sizes)}, {v}, node->origin, node);
  };
  CARNOT_ASSIGN(Value * rows, reshape(x, {in[0] * in[1], in[2]}));
  Value* matrix = nullptr;
  if (const Tensor* c = constant_of(w); c && width.is_constant() && in[2].is_constant()) {
    matrix = graph.constant(c->reshaped({width.value(), in[2].value()}), w->producer->origin, node);
  } else {
    CARNOT_ASSIGN(matrix, reshape(w, {width, in[2]}));
  }
  CARNOT_ASSIGN(Value * product,
                graph.make(op::MatMul{.transpose_b = true}, {rows, matrix}, node->origin, node));
  return reshape(product, {in[0], in[1], width});
}

}  // namespace

Status project_recurrent(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    if (!node->as<op::Recurrent>() || is_projected(node->inputs[kW]->type())) continue;
    const DType dtype = node->inputs[kX]->type().dtype;
    const bool half = dtype == DType::kF16 || dtype == DType::kBF16;
    if (dtype != DType::kF32 && !(half && context.kernels_report())) {  // a GPU's
      context.note(*node, "its elements are not f32");
      continue;
    }
    if (!context.rewrite()) break;
    CARNOT_ASSIGN(Value * gates, project(graph, node));
    CARNOT_ASSIGN(Tensor none, Tensor::allocate(dtype, {0, 0, 0}));
    std::vector<Value*> inputs = node->inputs;
    inputs[kX] = gates;
    inputs[kW] = graph.constant(std::move(none), {}, node);
    graph.set_inputs(node, std::move(inputs));
  }
  return {};
}

}  // namespace carnot
