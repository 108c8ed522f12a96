// exp(x - max(x)) / sum(exp(x - max(x))) along one axis is softmax(x).
#include "ir/match.h"
#include "passes/passes.h"
#include "passes/statistics.h"

namespace carnot {
namespace {

// The statistic of this kind over one axis, fit to meet `operand`.
std::optional<Statistic> along_one_axis(Value* value, const Value* operand, op::Reduce::Kind kind,
                                        Inner& inner) {
  auto found = statistic_of(value, inner);
  if (!found || found->kind != kind || found->axes.size() != 1 || found->of != operand) return {};
  if (!keeps_axes(value->type(), operand->type(), found->axes)) return {};
  return found;
}

Status recognize(Graph& graph, PassContext& context, Node* node) {
  const auto div = scalar_step(node);
  if (!div || div->op != ScalarOp::kDiv) return {};
  const auto& [e, total, unused] = div->operands;
  const auto exp = e.value ? scalar_step(e.value, ScalarOp::kExp) : std::nullopt;
  if (!exp || !total.value || !exp->operands[0].value) return {};
  Inner inner = {e.value, exp->operands[0].value};
  const auto sum = along_one_axis(total.value, e.value, op::Reduce::kSum, inner);
  const auto sub = scalar_step(exp->operands[0].value, ScalarOp::kSub);
  if (!sum || !sub || !sub->operands[0].value || !sub->operands[1].value) return {};
  Value* x = sub->operands[0].value;
  const auto max = along_one_axis(sub->operands[1].value, x, op::Reduce::kMaximum, inner);
  if (!max || max->axes != sum->axes || !(x->type() == node->output()->type())) return {};
  if (!private_to(graph, *node, inner)) {
    context.note(*node, "is a softmax, but a value inside it is needed elsewhere");
    return {};
  }
  if (!context.rewrite()) return {};
  Origin origin = node->origin;
  for (const Value* value : inner) origin = merge(value->producer->origin, origin);
  node->op = op::Softmax{sum->axes[0]};
  node->origin = std::move(origin);
  graph.set_inputs(node, {x});
  return {};
}

}  // namespace

Status recognize_softmax(Graph& graph, PassContext& context) {
  for (Node* node : graph.nodes()) CARNOT_RETURN_IF_ERROR(recognize(graph, context, node));
  return {};
}

}  // namespace carnot
