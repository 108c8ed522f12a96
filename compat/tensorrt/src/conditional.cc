// Conditionals: a boundary of inputs and outputs becomes one if operation with two bodies.
#include "control.h"
#include "network_add.h"

namespace trt {

namespace op = carnot::op;

bool ConditionalOutput::emit_edge(Scope& scope) {
  if (!scope.probing) {
    conditional->emit(scope);
    return true;
  }
  carnot::TensorType type = scope.net.type(scope.get(*inputs[0]));
  const carnot::TensorType other = scope.net.type(scope.get(*inputs[1]));
  if (type.dtype != other.dtype || type.rank() != other.rank()) {
    refuse("the branches give ", carnot::to_string(type), " and ", carnot::to_string(other));
  }
  for (size_t i = 0; i < type.dims.size(); ++i) {
    if (!(type.dims[i] == other.dims[i])) type.dims[i] = scope.emit.fresh("if");
  }
  scope.bind(*outputs[0], scope.net.add_input(name, type));
  return true;
}

std::set<const Layer*> Conditional::body() const {
  return network.dependents({inputs.begin(), inputs.end()}, {outputs.begin(), outputs.end()});
}

void Conditional::emit_branch(Scope& body, size_t branch,
                              const std::vector<NetTensor*>& captures) const {
  for (NetTensor* tensor : captures) body.get(*tensor);
  for (const ConditionalInput* in : inputs) {
    body.bind(*in->outputs[0], body.get(*in->inputs[0]));
  }
  for (const ConditionalOutput* out : outputs) {
    body.net.mark_output(body.get(*out->inputs[branch]), "");
  }
}

void Conditional::emit(Scope& scope) {
  if (!condition) refuse("conditional '", name, "' has no condition: call setCondition()");
  const std::set<const Layer*> inside = body();
  // What the branches take from outside; both then take all of it, in one order.
  std::vector<NetTensor*> captures;
  for (size_t branch = 0; branch < 2; ++branch) {
    Scope trial(scope, inside, network.fresh());
    emit_branch(trial, branch, {});
    for (const auto& capture : trial.captures) {
      if (std::find(captures.begin(), captures.end(), capture.first) == captures.end()) {
        captures.push_back(capture.first);
      }
    }
  }
  Scope then_body(scope, inside, network.fresh()), else_body(scope, inside, network.fresh());
  emit_branch(then_body, 0, captures);
  emit_branch(else_body, 1, captures);
  op::If branch;
  for (size_t i = 0; i < outputs.size(); ++i) {
    carnot::TensorType type = then_body.net.type(then_body.net.output_handles()[i]);
    const carnot::TensorType other = else_body.net.type(else_body.net.output_handles()[i]);
    for (size_t k = 0; k < std::min(type.dims.size(), other.dims.size()); ++k) {
      if (!(type.dims[k] == other.dims[k])) type.dims[k] = scope.emit.fresh("if");
    }
    branch.types.push_back(std::move(type));
  }
  Values operands = {scope.emit.reshape(scope.get(*condition->inputs[0]), {})};
  for (NetTensor* tensor : captures) operands.push_back(scope.get(*tensor));
  scope.net.set_origin({name});
  carnot::Network bodies[] = {std::move(then_body.net), std::move(else_body.net)};
  const Values results = scope.emit.add(branch, operands, bodies);
  for (size_t i = 0; i < outputs.size(); ++i) scope.bind(*outputs[i]->outputs[0], results[i]);
}

void Conditional::setName(char const* text) noexcept {
  const char* const call = "IIfConditional::setName";
  network.reporter().guard(call, [&] {
    const std::string problem = name_problem(text);
    if (!problem.empty()) return network.reporter().misuse(call, problem);
    name = text;
  });
}

IConditionLayer* Conditional::setCondition(ITensor& tensor) noexcept {
  return network.add<Condition>("IIfConditional::setCondition", {&tensor}, 0, [&](Condition& l) {
    if (condition) return cat("conditional '", name, "' has a condition already");
    l.conditional = this;
    condition = &l;
    return std::string();
  });
}

IIfConditionalInputLayer* Conditional::addInput(ITensor& tensor) noexcept {
  return network.add<ConditionalInput>("IIfConditional::addInput", {&tensor}, 1,
                                       [&](ConditionalInput& l) {
                                         l.conditional = this;
                                         inputs.push_back(&l);
                                         return std::string();
                                       });
}

IIfConditionalOutputLayer* Conditional::addOutput(ITensor& if_true, ITensor& if_false) noexcept {
  return network.add<ConditionalOutput>("IIfConditional::addOutput", {&if_true, &if_false}, 1,
                                        [&](ConditionalOutput& l) {
                                          l.conditional = this;
                                          outputs.push_back(&l);
                                          return std::string();
                                        });
}

IIfConditional* Network::addIfConditional() noexcept {
  return reporter_.guard("INetworkDefinition::addIfConditional",
                         static_cast<IIfConditional*>(nullptr), [&] {
                           conditionals_.push_back(std::make_unique<Conditional>(
                               *this, cat("(Unnamed Conditional* ", conditionals_.size(), ")")));
                           return conditionals_.back().get();
                         });
}

std::set<const Layer*> Network::layers_in_bodies() const {
  std::set<const Layer*> out;
  for (const auto& loop : loops_) out.merge(loop->body());
  for (const auto& conditional : conditionals_) out.merge(conditional->body());
  return out;
}

}  // namespace trt
