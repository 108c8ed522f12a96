#pragma once
// Layers that the ONNX parser makes: an operation of ours as it is, which answers to TensorRT's
// calls as the nearest kind of layer.
#include "layers_math.h"
#include "layers_window.h"

namespace trt {

class ParsedPlugins;

/// An operation that no kind of layer describes. Its face is an identity layer's, which has no
/// calls of its own that could show a wrong parameter.
class Imported final : public LayerOf<IIdentityLayer, apiv::VIdentityLayer> {
 public:
  Imported(Network& net, carnot::Network::Node node)
      : LayerOf(net, LayerType::kIDENTITY),
        operation(std::move(node.op)),
        bodies(std::move(node.bodies)) {}
  Values emit(Emit& e, const Values& in) override;
  bool emit_edge(Scope& scope) override;
  ptrdiff_t first_shape_input() const override;

  carnot::Operation operation;
  std::vector<carnot::Network> bodies;
  std::map<std::string, std::unique_ptr<Layer>> plugins;  ///< in the bodies, by state

 private:
  carnot::Network built_anew(const carnot::Network& body);
  const std::map<std::string, carnot::Dim, std::less<>>* pinned_ = nullptr;
};

/// A node with bodies, in which custom operations are `plugins`; it is in no network's list.
std::unique_ptr<Imported> make_imported(Network& into, carnot::Network::Node node,
                                        ParsedPlugins& plugins);

/// The operation with the sizes that the user has pinned put in.
carnot::Operation pinned(carnot::Operation operation,
                         const std::map<std::string, carnot::Dim, std::less<>>& sizes);

/// A layer for one operation of a model, whose custom ones are `plugins`: constants and plugins are
/// layers of their own kinds. `own`: weights that it keeps.
Layer* keep_layer(Network& into, const carnot::Network& model, carnot::Network::Node node,
                  const std::vector<carnot::Tensor>& own, ParsedPlugins& plugins);

}  // namespace trt
