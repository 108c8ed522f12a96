#pragma once
// StandIn: operations of an imported model that several layers' results come from: a recurrence, a
// loop, a conditional, a sort. The layers of their node show how TensorRT would get there.
#include "imported.h"
#include "network.h"

namespace trt {

/// Whether the user has left the layer as it was made.
inline bool is_untouched(const Layer& layer) {
  return layer.revision == 0 && !layer.precision && layer.output_types.empty();
}

class StandIn {
 public:
  struct Step {
    carnot::Operation operation;
    std::vector<size_t> inputs;       ///< operands; behind them all, results of earlier steps
    std::unique_ptr<Imported> whole;  ///< where the operation has bodies
  };

  bool holds() const {
    return std::all_of(covered.begin(), covered.end(),
                       [](const Layer* layer) { return is_untouched(*layer); });
  }
  /// Binds all results.
  void emit(Scope& scope);

  std::vector<NetTensor*> tensors;       ///< operands; null where `own` has the value
  std::map<size_t, carnot::Tensor> own;  ///< operands that are no layers, by their places
  std::vector<Step> steps;
  std::vector<std::pair<NetTensor*, size_t>> results;  ///< counted as steps' inputs are
  std::vector<const Layer*> covered;                   ///< all layers of the node
  std::vector<std::string> origin;
};

}  // namespace trt
