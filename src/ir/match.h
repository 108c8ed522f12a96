#pragma once
// Small questions that matchers ask of a Graph.
#include <array>
#include <optional>

#include "ir/graph.h"

namespace carnot {

/// The node that makes the value, if it is a T.
template <class T>
Node* producer_of(const Value* value) {
  return value->producer && value->producer->as<T>() ? value->producer : nullptr;
}

/// The one node that uses the value, once, where it is no output of the graph; else null.
Node* sole_user(const Graph& graph, const Value* value);
/// Whether the value has exactly one use: it may be changed together with its user.
bool used_once(const Graph& graph, const Value* value);

/// The number that every element of a constant has, where there is one.
std::optional<double> uniform_value(const Tensor& tensor);
std::optional<double> uniform_value(const Value* value);

/// A pointwise node that does one thing: `op` on values and immediates.
struct ScalarStep {
  struct Operand {
    Value* value = nullptr;  ///< null for an immediate
    double number = 0;
    /// The immediate, or what every element of a constant operand is.
    std::optional<double> uniform() const;
  };
  Node* node = nullptr;
  ScalarOp op = ScalarOp::kConst;
  DType type = DType::kF32;  ///< of a cast
  std::array<Operand, 3> operands;
};
std::optional<ScalarStep> scalar_step(Node* node);
/// The same for a value's producer; `op` must be what it does.
std::optional<ScalarStep> scalar_step(const Value* value, ScalarOp op);
/// A binary step with a tensor on one side and a number on the other.
struct ScaledBy {
  Value* value = nullptr;
  double number = 0;
  bool number_first = false;
};
std::optional<ScaledBy> with_number(const ScalarStep& step);

}  // namespace carnot
