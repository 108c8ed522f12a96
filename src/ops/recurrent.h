#pragma once
// What those ask of a recurrence who compute it: its gates.
#include <cstdint>

#include "ops/op.h"

namespace carnot {

/// Gates of a step, each with its rows of the weights.
int64_t gates_of(const op::Recurrent& op);
int64_t directions_of(const op::Recurrent& op);
/// Gates by sigmoid, what they pass by tanh (ONNX's defaults, also where they are spelled out),
/// nothing clipped, no input gate from the forget gate.
bool has_usual_gates(const op::Recurrent& op);

}  // namespace carnot
