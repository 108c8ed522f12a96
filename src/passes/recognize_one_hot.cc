// A matmul of one-hot rows with constant weights only picks rows of the weights: a gather.
//   matmul(cast(x == iota(k)), w[k, n])  ->  gather(w and a row of zeros, x or else k)
// An x outside of 0..k-1 has no 1 in its row: it picks the zeros.
#include <algorithm>
#include <cmath>

#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {
namespace {

// 0, 1, ... k-1 along the last axis, all others of size 1.
bool is_iota(const Tensor& tensor, int64_t k) {
  if (!is_integer(tensor.dtype()) || tensor.rank() == 0) return false;
  if (tensor.elements() != k || tensor.shape().back() != k || k < 2) return false;
  for (int64_t i = 0; i < k; ++i) {
    if (tensor.get_int(i) != i) return false;
  }
  return true;
}

// x of cast(x == iota(k)), x with a last axis of size 1.
Value* one_hot_of(const Value* value, int64_t k) {
  const auto cast = scalar_step(value, ScalarOp::kCast);
  if (!cast || !cast->operands[0].value) return nullptr;
  const auto equal = scalar_step(cast->operands[0].value, ScalarOp::kEq);
  if (!equal || !equal->operands[0].value || !equal->operands[1].value) return nullptr;
  for (const size_t side : {0, 1}) {
    const Tensor* iota = constant_of(equal->operands[side].value);
    Value* x = equal->operands[1 - side].value;
    const TensorType& type = x->type();
    const bool fits = iota && is_iota(*iota, k) && iota->dtype() == type.dtype &&
                      type.rank() == value->type().rank() && type.rank() > 0 &&
                      type.dims.back().is(1);
    if (fits) return x;
  }
  return nullptr;
}

bool all_finite(const Tensor& tensor) {
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    if (!std::isfinite(tensor.get(i))) return false;
  }
  return true;
}

// x where 0 <= x < k, else k.
op::Pointwise in_range(DType dtype, int64_t k) {
  op::Pointwise op;
  ScalarProgram& body = op.body;
  body.inputs = 1;
  const int32_t low = body.add(ScalarOp::kGe, 0, body.constant_int(dtype, 0));
  const int32_t high = body.add(ScalarOp::kLt, 0, body.constant_int(dtype, k));
  const int32_t inside = body.add(ScalarOp::kAnd, low, high);
  body.results = {body.add(ScalarOp::kSelect, inside, 0, body.constant_int(dtype, k))};
  return op;
}

Status recognize(Graph& graph, PassContext& context, Node* node) {
  const auto& matmul = *node->as<op::MatMul>();
  const Tensor* weights = constant_of(node->inputs[1]);
  if (!weights || weights->rank() != 2 || matmul.transpose_a || matmul.transpose_b) return {};
  const int64_t k = weights->shape()[0], n = weights->shape()[1];
  if (!is_float(weights->dtype())) return {};
  Value* x = one_hot_of(node->inputs[0], k);
  if (!x) return {};
  // The first index outside must be a number of the type.
  if (bits_of(x->type().dtype) < 16 && k > 127) return {};
  if (!all_finite(*weights)) {
    context.note(*node, "picks rows of its weights, but one of them is not finite");
    return {};
  }
  if (!context.rewrite()) return {};
  CARNOT_ASSIGN(Tensor zeros, Tensor::allocate(weights->dtype(), {1, n}));
  for (int64_t i = 0; i < n; ++i) zeros.set(i, 0);
  const Tensor parts[] = {*weights, std::move(zeros)};
  CARNOT_ASSIGN(std::vector<Tensor> table, reference(op::Concat{0}, parts));
  const Origin origin = merge(node->inputs[0]->producer->inputs[0]->producer->origin, node->origin);
  Value* rows = graph.constant(std::move(table[0]), node->inputs[1]->producer->origin, node);
  rows->name = node->inputs[1]->name;
  op::Reshape flat{x->type().dims};
  flat.sizes.pop_back();
  CARNOT_ASSIGN(Value * index, graph.make(std::move(flat), {x}, origin, node));
  CARNOT_ASSIGN(index, graph.make(in_range(x->type().dtype, k), {index}, origin, node));
  node->op = op::Gather{0};
  graph.set_inputs(node, {rows, index});
  return {};
}

}  // namespace

Status recognize_one_hot(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    if (node->as<op::MatMul>()) CARNOT_RETURN_IF_ERROR(recognize(graph, context, node));
  }
  return {};
}

}  // namespace carnot
