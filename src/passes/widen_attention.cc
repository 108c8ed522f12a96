// widen_attention: attention on half-size floats works on f32 between casts, for devices whose
// attention kernels know f32 alone.
#include "passes/cast.h"
#include "passes/passes.h"

namespace carnot {

Status widen_attention(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) {
    const auto* op = node->as<op::Attention>();
    const DType dtype = op ? node->inputs[0]->type().dtype : DType::kF32;
    if (dtype != DType::kF16 && dtype != DType::kBF16) continue;
    if (!context.rewrite()) break;
    std::vector<Value*> inputs;
    for (Value* v : node->inputs) {
      CARNOT_ASSIGN(Value * wide, cast_to(graph, v, DType::kF32, node->origin, node));
      inputs.push_back(wide);
    }
    CARNOT_ASSIGN(Value * result, graph.make(*op, std::move(inputs), node->origin, node));
    CARNOT_ASSIGN(Value * out, cast_to(graph, result, dtype, node->origin, node));
    out->name = node->output()->name;
    graph.replace_uses(node->output(), out);
    graph.erase(node);
  }
  return {};
}

}  // namespace carnot
