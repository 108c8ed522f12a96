#pragma once
// ImportedAs: an operation of an imported model that its user sees as a layer of a known kind.
#include "imported.h"
#include "layers_shape.h"
#include "network.h"

namespace trt {

template <class T>
class ImportedAs final : public T {
 public:
  ImportedAs(Network& net, carnot::Operation node) : T(net), operation_(std::move(node)) {}
  Values emit(Emit& e, const Values& in) override {
    if (this->parameters_set) return T::emit(e, in);
    Values all = in;
    all.resize(std::max(in.size(), own.empty() ? 0 : own.size() + 1));
    for (size_t i = 1; i <= own.size(); ++i) {
      if (!all[i].valid()) all[i] = as_computed(e, e.constant(own[i - 1]), in[0]);
    }
    return e.add(pinned(operation_, *sizes_), all);
  }
  bool emit_edge(Scope& scope) override {
    sizes_ = &scope.pinned;
    return false;
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
  carnot::Operation operation_;
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
