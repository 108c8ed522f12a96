#pragma once
// Loops and conditionals: groups of layers with a boundary. What lies between the boundary's layers
// becomes the body of one operation.
#include "scope.h"

namespace trt {

class Loop;
class Conditional;

/// A layer at a loop's boundary.
template <class I, class V>
class LoopEdge : public LayerOf<I, V>, public apiv::VLoopBoundaryLayer {
 public:
  LoopEdge(Network& net, LayerType type) : LayerOf<I, V>(net, type) { this->mBoundary = this; }
  ILoop* getLoop() const noexcept override;
  Values emit(Emit&, const Values& in) override { return in; }

  Loop* loop = nullptr;
};

class Recurrence final : public LoopEdge<IRecurrenceLayer, apiv::VRecurrenceLayer> {
 public:
  explicit Recurrence(Network& net) : LoopEdge(net, LayerType::kRECURRENCE) {}
  bool emit_edge(Scope& scope) override;
  int32_t inputs_max() const override { return 2; }
  size_t shaping_inputs() const override { return 1; }
};

class TripLimitLayer final : public LoopEdge<ITripLimitLayer, apiv::VTripLimitLayer> {
 public:
  explicit TripLimitLayer(Network& net) : LoopEdge(net, LayerType::kTRIP_LIMIT) {}
  bool emit_edge(Scope&) override { return true; }
  TripLimit getTripLimit() const noexcept override { return limit; }
  TripLimit limit = TripLimit::kCOUNT;
};

class Iterator final : public LoopEdge<IIteratorLayer, apiv::VIteratorLayer> {
 public:
  explicit Iterator(Network& net) : LoopEdge(net, LayerType::kITERATOR) {}
  bool emit_edge(Scope& scope) override;
  TRT_PARAMETER(int32_t, Axis, axis, 0)
  TRT_PARAMETER(bool, Reverse, reverse, false)
};

class LoopOutputLayer : public LoopEdge<ILoopOutputLayer, apiv::VLoopOutputLayer> {
 public:
  explicit LoopOutputLayer(Network& net) : LoopEdge(net, LayerType::kLOOP_OUTPUT) {}
  bool emit_edge(Scope& scope) override;
  int32_t inputs_max() const override { return 2; }
  LoopOutput getLoopOutput() const noexcept override { return output; }
  TRT_PARAMETER(int32_t, Axis, axis, 0)
  LoopOutput output = LoopOutput::kLAST_VALUE;
};

class Loop final : public ILoop, public apiv::VLoop {
 public:
  Loop(Network& net, std::string text) : network(net), name(std::move(text)) { mImpl = this; }
  ~Loop() noexcept override = default;

  IRecurrenceLayer* addRecurrence(ITensor& initial) noexcept override;
  ITripLimitLayer* addTripLimit(ITensor& tensor, TripLimit limit) noexcept override;
  IIteratorLayer* addIterator(ITensor& tensor, int32_t axis, bool reverse) noexcept override;
  ILoopOutputLayer* addLoopOutput(ITensor& tensor, LoopOutput output,
                                  int32_t axis) noexcept override;
  void setName(char const* text) noexcept override;
  char const* getName() const noexcept override { return name.c_str(); }

  /// Emits the whole loop and binds its outputs.
  void emit(Scope& scope);
  /// Layers that are run in each iteration.
  std::set<const Layer*> body() const;

  Network& network;
  std::string name;
  std::vector<Recurrence*> recurrences;
  std::vector<Iterator*> iterators;
  std::vector<TripLimitLayer*> limits;
  std::vector<LoopOutputLayer*> outputs;

 private:
  const TripLimitLayer* limit(TripLimit kind) const;
  Handle condition(Scope& scope, const std::set<const Layer*>& inside, const Values& carried) const;
  carnot::Network emit_body(Scope& outer, const std::set<const Layer*>& inside,
                            carnot::op::Loop& op, const carnot::Dim& trips, Values& operands) const;
  void bind_outputs(Scope& scope, const Values& results) const;
};

template <class I, class V>
ILoop* LoopEdge<I, V>::getLoop() const noexcept {
  return loop;
}

/// A layer at a conditional's boundary.
template <class I, class V>
class ConditionalEdge : public LayerOf<I, V>, public apiv::VConditionalBoundaryLayer {
 public:
  ConditionalEdge(Network& net, LayerType type) : LayerOf<I, V>(net, type) {
    this->mBoundary = this;
  }
  IIfConditional* getConditional() const noexcept override;
  Values emit(Emit&, const Values& in) override { return in; }

  Conditional* conditional = nullptr;
};

class Condition final : public ConditionalEdge<IConditionLayer, apiv::VConditionLayer> {
 public:
  explicit Condition(Network& net) : ConditionalEdge(net, LayerType::kCONDITION) {}
  bool emit_edge(Scope&) override { return true; }
};

class ConditionalInput final
    : public ConditionalEdge<IIfConditionalInputLayer, apiv::VConditionalInputLayer> {
 public:
  explicit ConditionalInput(Network& net) : ConditionalEdge(net, LayerType::kCONDITIONAL_INPUT) {}
};

class ConditionalOutput
    : public ConditionalEdge<IIfConditionalOutputLayer, apiv::VConditionalOutputLayer> {
 public:
  explicit ConditionalOutput(Network& net) : ConditionalEdge(net, LayerType::kCONDITIONAL_OUTPUT) {}
  bool emit_edge(Scope& scope) override;
};

class Conditional final : public IIfConditional, public apiv::VIfConditional {
 public:
  Conditional(Network& net, std::string text) : network(net), name(std::move(text)) {
    mImpl = this;
  }
  ~Conditional() noexcept override = default;

  IConditionLayer* setCondition(ITensor& tensor) noexcept override;
  IIfConditionalInputLayer* addInput(ITensor& tensor) noexcept override;
  IIfConditionalOutputLayer* addOutput(ITensor& if_true, ITensor& if_false) noexcept override;
  void setName(char const* text) noexcept override;
  char const* getName() const noexcept override { return name.c_str(); }

  void emit(Scope& scope);
  std::set<const Layer*> body() const;

  Network& network;
  std::string name;
  Condition* condition = nullptr;
  std::vector<ConditionalInput*> inputs;
  std::vector<ConditionalOutput*> outputs;

 private:
  void emit_branch(Scope& body, size_t branch, const std::vector<NetTensor*>& captures) const;
};

template <class I, class V>
IIfConditional* ConditionalEdge<I, V>::getConditional() const noexcept {
  return conditional;
}

}  // namespace trt
