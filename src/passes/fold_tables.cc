// Pointwise nodes on rows gathered from a constant table work on the table instead, at build time:
//   f(gather(t, i), gather(u, i), c)  ->  gather(f(t, u, c), i)
// Only where the table is no larger than what is gathered from it.
#include <algorithm>

#include "ir/executor.h"
#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {
namespace {

// Elements of a table; more take too long to compute and too much room in the engine.
constexpr int64_t kElementsMax = 1 << 20;

// The least number of elements that the type can have in a run that does something.
int64_t least_elements(const TensorType& type) {
  double count = 1;
  for (const Dim& dim : type.dims) {
    if (dim.is_constant()) count *= static_cast<double>(dim.value());
  }
  return count < 0x1p62 ? static_cast<int64_t>(count) : INT64_MAX;
}

struct Rows {
  const Tensor* table = nullptr;
  Value* index = nullptr;
};
std::optional<Rows> rows_of(const Value* value) {
  const Node* gather = producer_of<op::Gather>(value);
  if (!gather || gather->as<op::Gather>()->axis != 0) return {};
  const Tensor* table = constant_of(gather->inputs[0]);
  if (!table || table->rank() == 0) return {};
  return Rows{table, gather->inputs[1]};
}

// Whether the tensor has at most `rank` axes, not counting leading ones of size 1, which go.
bool drop_leading_ones(Tensor& tensor, int64_t rank) {
  Shape shape = tensor.shape();
  while (std::ssize(shape) > rank && shape.front() == 1) shape.erase(shape.begin());
  if (std::ssize(shape) > rank) return false;
  tensor = tensor.reshaped(std::move(shape));
  return true;
}

Status fold(Graph& graph, PassContext& context, Node* node) {
  std::vector<Tensor> operands;
  std::optional<Rows> rows;
  for (const Value* value : node->inputs) {
    if (const auto found = rows_of(value)) {
      if (rows &&
          (found->index != rows->index || found->table->shape()[0] != rows->table->shape()[0])) {
        return {};
      }
      if (!rows) rows = found;
      operands.push_back(*found->table);
    } else if (const Tensor* constant = constant_of(value)) {
      operands.push_back(*constant);
    } else {
      return {};
    }
  }
  if (!rows || node->outputs.size() != 1) return {};
  // Constants must meet a row, not the place in the result where it is used.
  const int64_t row_rank = rows->table->rank() - 1;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (rows_of(node->inputs[i])) {
      if (operands[i].rank() != row_rank + 1) return {};
    } else if (!drop_leading_ones(operands[i], row_rank)) {
      return {};
    }
  }
  if (node->outputs[0]->type().rank() != row_rank + rows->index->type().rank()) return {};
  const int64_t elements = rows->table->elements();
  if (elements > kElementsMax || elements > least_elements(node->output()->type())) {
    context.note(*node, "could work on the table, which is larger than what is gathered from it");
    return {};
  }
  Result<std::vector<Tensor>> table = run_node(*node, operands, {});
  if (!table.ok() || table->front().rank() != row_rank + 1 ||
      table->front().shape()[0] != rows->table->shape()[0]) {
    return {};
  }
  if (!context.rewrite()) return {};
  const Node* gather = nullptr;
  for (const Value* value : node->inputs) {
    if (rows_of(value)) gather = value->producer;
  }
  Value* constant = graph.constant(std::move(table->front()), node->origin, node);
  node->op = op::Gather{0};
  node->origin = merge(gather->origin, node->origin);
  graph.set_inputs(node, {constant, rows->index});
  return {};
}

}  // namespace

Status fold_tables(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    CARNOT_RETURN_IF_ERROR(context.budget().check());
    if (node->as<op::Pointwise>()) CARNOT_RETURN_IF_ERROR(fold(graph, context, node));
  }
  return {};
}

}  // namespace carnot
