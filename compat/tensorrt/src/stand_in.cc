#include "stand_in.h"

namespace trt {

void StandIn::emit(Scope& scope) {
  Emit& e = scope.emit;
  Values values;
  for (size_t i = 0; i < tensors.size(); ++i) {
    values.push_back(tensors[i] ? scope.get(*tensors[i]) : e.constant(own.at(i)));
  }
  scope.net.set_origin(origin);
  for (Step& step : steps) {
    Values operands, made;
    for (const size_t i : step.inputs) operands.push_back(values.at(i));
    if (step.whole) {
      step.whole->emit_edge(scope);
      made = step.whole->emit(e, operands);
    } else {
      made = e.add(pinned(step.operation, scope.pinned), operands);
    }
    values.insert(values.end(), made.begin(), made.end());
  }
  for (const auto& [tensor, at] : results) scope.bind(*tensor, values.at(at));
  // What the model has no name for, and a layer gives all the same.
  for (const auto& result : results) {
    Layer& layer = *result.first->producer;
    const bool whole = std::all_of(layer.outputs.begin(), layer.outputs.end(),
                                   [&](const auto& output) { return scope.has(*output); });
    if (whole) continue;
    Values in;
    for (NetTensor* input : layer.inputs) in.push_back(input ? scope.get(*input) : Handle{});
    const Values out = layer.emit(e, in);
    for (size_t i = 0; i < layer.outputs.size(); ++i) {
      if (!scope.has(*layer.outputs[i])) scope.bind(*layer.outputs[i], out.at(i));
    }
  }
}

}  // namespace trt
