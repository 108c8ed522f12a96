#include "ir/match.h"

#include <cmath>

namespace carnot {

bool used_once(const Graph& graph, const Value* value) {
  return value->users.size() == 1 && !graph.is_output(value);
}

Node* sole_user(const Graph& graph, const Value* value) {
  return used_once(graph, value) ? value->users[0] : nullptr;
}

std::optional<double> uniform_value(const Tensor& tensor) {
  if (class_of(tensor.dtype()) == DTypeClass::kString || tensor.elements() == 0) return {};
  const double first = tensor.get(0);
  // i64 beyond 2^53 is no double: callers compare with small numbers, so it is no match.
  if (is_integer(tensor.dtype()) && (first > 0x1p53 || first < -0x1p53)) return {};
  if (tensor.is_splat()) return first;
  for (int64_t i = 1; i < tensor.elements(); ++i) {
    const double other = tensor.get(i);
    if (!(other == first) || std::signbit(other) != std::signbit(first)) return {};
  }
  return first;
}

std::optional<double> uniform_value(const Value* value) {
  const Tensor* tensor = constant_of(value);
  return tensor ? uniform_value(*tensor) : std::nullopt;
}

std::optional<double> ScalarStep::Operand::uniform() const {
  return value ? uniform_value(value) : number;
}

std::optional<ScalarStep> scalar_step(Node* node) {
  const auto* pointwise = node ? node->as<op::Pointwise>() : nullptr;
  if (!pointwise || pointwise->body.results.size() != 1) return {};
  const ScalarProgram& body = pointwise->body;
  const int32_t result = body.results[0] - body.inputs;
  if (result < 0) return {};
  const ScalarInst& inst = body.insts[static_cast<size_t>(result)];
  ScalarStep step{node, inst.op, inst.type, {}};
  if (inst.op == ScalarOp::kConst) return {};
  for (const ScalarInst& other : body.insts) {
    if (&other != &inst && other.op != ScalarOp::kConst) return {};
  }
  for (int i = 0; i < operands_of(inst.op); ++i) {
    const int32_t id = inst.args[static_cast<size_t>(i)];
    ScalarStep::Operand& operand = step.operands[static_cast<size_t>(i)];
    if (id < body.inputs) {
      operand.value = node->inputs[static_cast<size_t>(id)];
    } else {
      const ScalarInst& constant = body.insts[static_cast<size_t>(id - body.inputs)];
      operand.number =
          is_float(constant.type) ? constant.real : static_cast<double>(constant.integer);
    }
  }
  return step;
}

std::optional<ScalarStep> scalar_step(const Value* value, ScalarOp op) {
  std::optional<ScalarStep> step = scalar_step(value->producer);
  return step && step->op == op ? step : std::nullopt;
}

std::optional<ScaledBy> with_number(const ScalarStep& step) {
  if (operands_of(step.op) != 2) return {};
  const auto& [a, b, unused] = step.operands;
  if (const auto number = b.uniform(); number && a.value) return ScaledBy{a.value, *number, false};
  if (const auto number = a.uniform(); number && b.value) return ScaledBy{b.value, *number, true};
  return {};
}

}  // namespace carnot
