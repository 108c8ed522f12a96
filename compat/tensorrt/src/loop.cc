// Loops: a boundary of recurrences, iterators, limits and outputs becomes one loop operation.
#include "control.h"
#include "network_add.h"

namespace trt {

using carnot::Dim;
namespace op = carnot::op;

namespace {

/// With as many steps as the output's second input says: zeros behind those that ran.
Handle of_length(Emit& e, Handle steps, const Dim& length) {
  carnot::Dims more = e.dims(steps);
  if (more[0] == length) return steps;
  more[0] = length;
  const Handle zeros = e.expand(e.scalar(e.dtype(steps), 0), more);
  return e.slice(e.concat({steps, zeros}, 0), 0, Dim(0), length);
}

}  // namespace

bool Recurrence::emit_edge(Scope& scope) {
  if (!scope.probing) refuse("is outside of its loop");
  const Handle initial = scope.get(*inputs[0]);
  scope.bind(*outputs[0], scope.net.add_input(name, scope.net.type(initial)));
  return true;
}

bool Iterator::emit_edge(Scope& scope) {
  if (!scope.probing) refuse("is outside of its loop");
  carnot::TensorType type = scope.net.type(scope.get(*inputs[0]));
  if (axis < 0 || axis >= type.rank()) refuse("axis ", axis, " of ", carnot::to_string(type));
  type.dims.erase(type.dims.begin() + axis);
  scope.bind(*outputs[0], scope.net.add_input(name, type));
  return true;
}

bool LoopOutputLayer::emit_edge(Scope& scope) {
  if (!scope.probing) {
    loop->emit(scope);
    return true;
  }
  carnot::TensorType type = scope.net.type(scope.get(*inputs[0]));
  if (output != LoopOutput::kLAST_VALUE) {
    if (axis < 0 || axis > type.rank()) refuse("axis ", axis, " of ", carnot::to_string(type));
    Dim length = scope.emit.fresh("loop");
    if (NetTensor* const given = input(1)) {
      const auto& known = scope.emit.elements(scope.get(*given));
      if (known && known->size() == 1) length = (*known)[0];
    }
    type.dims.insert(type.dims.begin() + axis, length);
  }
  scope.bind(*outputs[0], scope.net.add_input(name, type));
  return true;
}

std::set<const Layer*> Loop::body() const {
  std::set<const Layer*> roots(recurrences.begin(), recurrences.end());
  roots.insert(iterators.begin(), iterators.end());
  return network.dependents(roots, {outputs.begin(), outputs.end()});
}

const TripLimitLayer* Loop::limit(TripLimit kind) const {
  for (const TripLimitLayer* l : limits) {
    if (l->limit == kind) return l;
  }
  return nullptr;
}

/// What the while limit says where the recurrences have these values.
Handle Loop::condition(Scope& scope, const std::set<const Layer*>& inside,
                       const Values& carried) const {
  const TripLimitLayer* const limit_layer = limit(TripLimit::kWHILE);
  if (!limit_layer) {
    carnot::Tensor yes = carnot::Tensor::zeros(DType::kBool, {});
    yes.set_int(0, 1);
    return scope.emit.constant(std::move(yes));
  }
  const Scope::Bindings before = scope.bindings();
  for (const Layer* layer : inside) {
    for (const auto& output : layer->outputs) scope.forget(*output);
  }
  for (size_t i = 0; i < recurrences.size(); ++i) {
    scope.bind(*recurrences[i]->outputs[0], carried[i]);
  }
  const Handle value = scope.emit.reshape(scope.get(*limit_layer->inputs[0]), {});
  scope.restore(before);
  return value;
}

carnot::Network Loop::emit_body(Scope& outer, const std::set<const Layer*>& inside, op::Loop& loop,
                                const Dim& trips, Values& operands) const {
  Scope body(outer, inside, network.fresh());
  Emit& e = body.emit;
  const Handle iteration = body.net.add_input("iteration", {DType::kI64, {}});
  body.net.add_input("condition", {DType::kBool, {}});
  for (size_t i = 0; i < recurrences.size(); ++i) {
    const carnot::TensorType& type = outer.net.type(operands[2 + i]);
    body.bind(*recurrences[i]->outputs[0], body.net.add_input(cat("carried", i), type));
    loop.types.push_back(type);
  }
  for (const Iterator* it : iterators) {
    const Handle whole = body.get(*it->inputs[0]);
    if (it->axis < 0 || it->axis >= e.rank(whole)) refuse("iterator: axis ", it->axis);
    Handle at = iteration;
    if (it->reverse) {
      const Dim last = e.dims(whole)[static_cast<size_t>(it->axis)] - Dim(1);
      at = e.map("sub($0, $1)", {e.make(op::DimsTensor{{last}, true}, {}), iteration});
    }
    body.bind(*it->outputs[0], e.gather(whole, at, it->axis));
  }
  Values next;
  for (const Recurrence* r : recurrences) {
    if (!r->input(1)) refuse("recurrence '", r->name, "' has no second input: what comes next");
    next.push_back(body.get(*r->inputs[1]));
  }
  Values scans;
  for (const LoopOutputLayer* out : outputs) {
    if (out->output == LoopOutput::kLAST_VALUE) continue;
    scans.push_back(body.get(*out->inputs[0]));
    carnot::TensorType type = body.net.type(scans.back());
    type.dims.insert(type.dims.begin(), trips);
    loop.types.push_back(type);
  }
  body.net.mark_output(condition(body, inside, next), "condition");
  for (const Handle& h : next) body.net.mark_output(h, "");
  for (const Handle& h : scans) body.net.mark_output(h, "");
  for (const auto& capture : body.captures) operands.push_back(outer.get(*capture.first));
  return std::move(body.net);
}

void Loop::emit(Scope& scope) {
  Emit& e = scope.emit;
  const std::set<const Layer*> inside = body();
  op::Loop loop;
  loop.carried = static_cast<int64_t>(recurrences.size());
  Values carried;
  for (const Recurrence* r : recurrences) carried.push_back(scope.get(*r->inputs[0]));
  Values operands(2);
  Dim trips = e.fresh("loop");
  if (const TripLimitLayer* count = limit(TripLimit::kCOUNT)) {
    operands[0] = e.cast(e.reshape(scope.get(*count->inputs[0]), {}), DType::kI64);
    const auto& known = e.elements(operands[0]);
    if (known && known->size() == 1 && !limit(TripLimit::kWHILE)) trips = (*known)[0];
  } else {
    if (!limit(TripLimit::kWHILE)) refuse("loop '", name, "' has no trip limit");
    operands[0] = e.constant(carnot::Tensor::from_i64({}, {INT64_MAX}));
  }
  operands[1] = condition(scope, inside, carried);
  operands.insert(operands.end(), carried.begin(), carried.end());
  carnot::Network bodies[] = {emit_body(scope, inside, loop, trips, operands)};
  scope.net.set_origin({name});
  bind_outputs(scope, e.add(loop, operands, bodies));
}

void Loop::bind_outputs(Scope& scope, const Values& results) const {
  Emit& e = scope.emit;
  size_t scan = recurrences.size();
  for (const LoopOutputLayer* out : outputs) {
    Handle value;
    if (out->output == LoopOutput::kLAST_VALUE) {
      for (size_t i = 0; i < recurrences.size(); ++i) {
        if (recurrences[i]->outputs[0].get() == out->inputs[0]) value = results[i];
      }
      if (!value.valid()) refuse("'", out->name, "': the last value is of a recurrence's output");
    } else {
      value = results[scan++];
      if (out->output == LoopOutput::kREVERSE) {
        op::Slice back;
        back.sizes = e.dims(value);
        back.starts.assign(back.sizes.size(), Dim(0));
        back.steps.assign(back.sizes.size(), 1);
        back.starts[0] = back.sizes[0] - Dim(1);
        back.steps[0] = -1;
        value = e.make(back, {value});
      }
      if (out->axis < 0 || out->axis >= e.rank(value)) refuse("loop output: axis ", out->axis);
      if (NetTensor* const given = out->input(1)) {
        const auto& known = e.elements(scope.get(*given));
        if (known && known->size() == 1) value = of_length(e, value, (*known)[0]);
      }
      Ints perm;
      for (int64_t i = 1; i < e.rank(value); ++i) perm.push_back(i);
      perm.insert(perm.begin() + out->axis, 0);
      value = e.transpose(value, perm);
    }
    scope.bind(*out->outputs[0], value);
  }
}

void Loop::setName(char const* text) noexcept {
  const char* const call = "ILoop::setName";
  network.reporter().guard(call, [&] {
    const std::string problem = name_problem(text);
    if (!problem.empty()) return network.reporter().misuse(call, problem);
    name = text;
  });
}

IRecurrenceLayer* Loop::addRecurrence(ITensor& initial) noexcept {
  return network.add<Recurrence>("ILoop::addRecurrence", {&initial}, 1, [&](Recurrence& l) {
    l.loop = this;
    recurrences.push_back(&l);
    return std::string();
  });
}

ITripLimitLayer* Loop::addTripLimit(ITensor& tensor, TripLimit kind) noexcept {
  return network.add<TripLimitLayer>("ILoop::addTripLimit", {&tensor}, 0, [&](TripLimitLayer& l) {
    if (std::string unknown = check_value("TripLimit", kind); !unknown.empty()) return unknown;
    if (limit(kind)) return cat("loop '", name, "' has a trip limit of this kind already");
    l.loop = this, l.limit = kind;
    limits.push_back(&l);
    return std::string();
  });
}

IIteratorLayer* Loop::addIterator(ITensor& tensor, int32_t axis, bool reverse) noexcept {
  return network.add<Iterator>("ILoop::addIterator", {&tensor}, 1, [&](Iterator& l) {
    l.loop = this, l.axis = axis, l.reverse = reverse;
    iterators.push_back(&l);
    return std::string();
  });
}

ILoopOutputLayer* Loop::addLoopOutput(ITensor& tensor, LoopOutput output, int32_t axis) noexcept {
  return network.add<LoopOutputLayer>("ILoop::addLoopOutput", {&tensor}, 1,
                                      [&](LoopOutputLayer& l) {
                                        std::string unknown = check_value("LoopOutput", output);
                                        if (!unknown.empty()) return unknown;
                                        l.loop = this, l.output = output, l.axis = axis;
                                        outputs.push_back(&l);
                                        return std::string();
                                      });
}

ILoop* Network::addLoop() noexcept {
  return reporter_.guard("INetworkDefinition::addLoop", static_cast<ILoop*>(nullptr), [&] {
    loops_.push_back(std::make_unique<Loop>(*this, cat("(Unnamed Loop* ", loops_.size(), ")")));
    return loops_.back().get();
  });
}

}  // namespace trt
