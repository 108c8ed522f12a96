#pragma once
// ImportedAs: an operation of an imported model that its user sees as a layer of a known kind.
#include "imported.h"
#include "layers_shape.h"
#include "network.h"
#include "stand_in.h"

namespace trt {

/// What a layer of a model computes in truth: the model's own operations. Layers before it show how
/// TensorRT would get there; they are left out while nobody has changed them.
struct Stand {
  struct Step {
    carnot::Operation operation;
    std::vector<size_t> inputs;  ///< operands; behind them all, results of earlier steps
  };
  std::vector<NetTensor*> tensors;       ///< operands; null where `own` has the value
  std::map<size_t, carnot::Tensor> own;  ///< operands that are no layers, by their places
  std::vector<Step> steps;               ///< each has one result, and the last one's is the layer's
  std::vector<const Layer*> covered;     ///< layers that it stands for, but for its own
  std::vector<NetTensor*> inputs;        ///< of its own layer, when it was made

  bool holds(const Layer& layer) const {
    return !layer.parameters_set && layer.inputs == inputs &&
           std::all_of(covered.begin(), covered.end(),
                       [](const Layer* each) { return is_untouched(*each); });
  }
};

/// Layers that a Stand can be given to.
class CanStand {
 public:
  virtual void stand(Stand given) = 0;
  /// `group` has this layer's result among others. One of its layers owns it.
  virtual void stand(StandIn* group, std::unique_ptr<StandIn> owned) = 0;

 protected:
  ~CanStand() = default;
};

template <class T>
class ImportedAs final : public T, public CanStand {
 public:
  /// One that computes what a layer of its kind does, until it gets something to stand for.
  explicit ImportedAs(Network& net) : T(net) {}
  ImportedAs(Network& net, carnot::Operation node) : T(net), operation_(std::move(node)) {}
  void stand(Stand given) override { stand_ = std::move(given); }
  void stand(StandIn* group, std::unique_ptr<StandIn> owned) override {
    group_ = group;
    if (owned) owned_ = std::move(owned);
  }
  const std::vector<NetTensor*>& reads() const override {
    if (group_ && group_->holds()) return group_->tensors;
    return stand_ && stand_->holds(*this) ? stand_->tensors : this->inputs;
  }
  Values emit(Emit& e, const Values& in) override {
    if (stand_ && stand_->holds(*this)) return emit_stand(e, in);
    if (!operation_ || this->parameters_set) return T::emit(e, in);
    Values all = in;
    for (size_t i = 1; i <= own.size(); ++i) {
      all.resize(std::max(all.size(), i + 1));
      if (!all[i].valid()) all[i] = as_computed(e, e.constant(own[i - 1]), in[0]);
    }
    return e.add(pinned(*operation_, *sizes_), all);
  }
  bool emit_edge(Scope& scope) override {
    sizes_ = &scope.pinned;
    if (stand_ && stand_->holds(*this)) return false;
    if (!group_ || !group_->holds()) return T::emit_edge(scope);
    group_->emit(scope);
    return true;
  }

  /// A weight in the half-size type that the layer's user has set for it and its input.
  Handle as_computed(Emit& e, Handle weight, Handle operand) const {
    using carnot::DType;
    const DType half = e.dtype(operand);
    const bool narrow = this->precision && (half == DType::kF16 || half == DType::kBF16);
    return narrow && e.dtype(weight) == DType::kF32 ? e.cast(weight, half) : weight;
  }

  std::vector<carnot::Tensor> own;  ///< inputs after the first that are no layers: weights

 private:
  Values emit_stand(Emit& e, const Values& in) const {
    Values all = in;
    for (const auto& [i, value] : stand_->own) {
      const Handle made = e.constant(value);
      all[i] = i > 0 && all[0].valid() ? as_computed(e, made, all[0]) : made;
    }
    for (const Stand::Step& step : stand_->steps) {
      Values operands;
      for (const size_t i : step.inputs) operands.push_back(all.at(i));
      all.push_back(e.make(pinned(step.operation, *sizes_), operands));
    }
    return {all.back()};
  }

  std::optional<carnot::Operation> operation_;
  std::optional<Stand> stand_;
  StandIn* group_ = nullptr;
  std::unique_ptr<StandIn> owned_;
  const std::map<std::string, carnot::Dim, std::less<>>* sizes_ = nullptr;
};

template <class T, class F>
Layer* keep(Network& into, const carnot::Network::Node& node, F&& fill) {
  auto layer = std::make_unique<ImportedAs<T>>(into, node.op);
  fill(*layer);
  return into.keep(std::move(layer), static_cast<int>(node.outputs.size()));
}

/// Null where the operation is of no kind that TensorRT has.
Layer* keep_pointwise(Network& into, const carnot::Network::Node& node,
                      const carnot::op::Pointwise& pointwise);

}  // namespace trt
