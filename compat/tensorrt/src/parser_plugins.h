#pragma once
// Operators of a model that are plugins: made by the registered creators while it is imported.
#include "carnot/import.h"
#include "layer.h"

namespace trt {

class ParsedPlugins {
 public:
  explicit ParsedPlugins(Network& network) : network_(network) {}

  /// The operation of a node that some creator makes a plugin of; nothing where there is none.
  carnot::Result<std::optional<carnot::op::Custom>> make(const carnot::OnnxCall& call);
  /// Whether there is a creator for nodes like this one.
  static bool knows(const carnot::UnknownOnnxNode& node);
  /// The layer of an operation that make() gave, its inputs in the node's order; null for others.
  std::unique_ptr<Layer> take(const carnot::op::Custom& op);
  /// From the order of the node's inputs to the layer's.
  static void arrange(Layer& layer);
  static Values arranged(const Layer& layer, const Values& in);

 private:
  Network& network_;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace trt
