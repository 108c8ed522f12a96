#include "imported.h"

#include "imported_kinds.h"
#include "network.h"

namespace trt {

namespace {

using Pinned = std::map<std::string, carnot::Dim, std::less<>>;

/// Puts numbers in the place of sizes that the user has pinned, in every attribute that has sizes.
struct Pin {
  const Pinned& with;

  void operator()(const char*, carnot::Dim& d) const { d = substitute(d, with); }
  void operator()(const char*, carnot::Dims& dims) const {
    for (carnot::Dim& d : dims) d = substitute(d, with);
  }
  void operator()(const char*, std::vector<carnot::TensorType>& types) const {
    for (carnot::TensorType& t : types) (*this)("", t.dims);
  }
  template <class T>
  void operator()(const char*, T&) const {}
};

/// "conv1" of "conv1 (Conv)".
std::string node_name(const std::string& origin) {
  const size_t end = origin.rfind(" (");
  return end == std::string::npos ? origin : origin.substr(0, end);
}

}  // namespace

carnot::Operation pinned(carnot::Operation operation, const Pinned& sizes) {
  if (!sizes.empty()) {
    std::visit([&](auto& o) { o.attrs(o, Pin{sizes}); }, operation);
  }
  return operation;
}

bool Imported::emit_edge(Scope& scope) {
  pinned_ = &scope.pinned;
  return false;
}

Values Imported::emit(Emit& e, const Values& in) {
  const carnot::Operation op = pinned(operation, *pinned_);
  std::vector<carnot::Network> copies;
  for (const carnot::Network& body : bodies) copies.push_back(body.clone());
  return e.add(op, in, copies);
}

namespace {

/// A layer for one node: constants are layers of their own kind.
Layer* keep_layer(Network& into, const carnot::Network& model, carnot::Network::Node node) {
  const auto outputs = static_cast<int>(node.outputs.size());
  if (const auto* constant = std::get_if<carnot::op::Constant>(&node.op)) {
    auto layer = std::make_unique<Constant>(into);
    layer->set_value(constant->value);
    return into.keep(std::move(layer), outputs);
  }
  if (Layer* const layer = keep_as_kind(into, model, node)) return layer;
  return into.keep(std::make_unique<Imported>(into, std::move(node)), outputs);
}

/// "conv1", or "conv1_2" for the second of several layers that one ONNX node has become: the last,
/// whose result is the node's, has the bare name.
class Names {
 public:
  explicit Names(const std::vector<carnot::Network::Node>& nodes) {
    for (const carnot::Network::Node& node : nodes) ++left_[name_of(node)];
  }
  std::string next(const carnot::Network::Node& node) {
    const std::string name = name_of(node);
    const int left = --left_[name];
    return left == 0 ? name : cat(name, '_', left);
  }
  static std::string name_of(const carnot::Network::Node& node) {
    if (node.origin.empty()) return "";
    const bool constant = std::holds_alternative<carnot::op::Constant>(node.op);
    return node_name(node.origin.back()) + (constant ? "_constant" : "");
  }

 private:
  std::map<std::string, int> left_;
};

}  // namespace

std::vector<NetTensor*> import_layers(Network& into, const carnot::Network& model) {
  const auto hash = [&](Handle h) { return reinterpret_cast<size_t>(&model.type(h)); };
  std::unordered_map<Handle, NetTensor*, decltype(hash)> tensors(64, hash);
  for (const Handle h : model.input_handles()) {
    tensors[h] = into.new_input(model.name(h), model.type(h));
  }
  std::vector<carnot::Network::Node> nodes = model.nodes();
  Names names(nodes);
  for (carnot::Network::Node& node : nodes) {
    const std::vector<Handle> in = node.inputs, out = node.outputs;
    const std::string name = names.next(node);
    std::vector<std::string> origin = node.origin;
    Layer* const layer = keep_layer(into, model, std::move(node));
    if (!name.empty()) {
      layer->name = name;
      layer->metadata = cat("[ONNX Layer: ", node_name(origin.back()), "]");
    }
    layer->origin = std::move(origin);
    for (const Handle h : in) layer->inputs.push_back(tensors.at(h));
    for (size_t i = 0; i < out.size(); ++i) {
      NetTensor* const t = layer->outputs[i].get();
      const std::string& known = model.name(out[i]);
      t->name = !known.empty() ? known : cat(layer->name, "_output", i ? cat("_", i) : "");
      tensors[out[i]] = t;
    }
  }
  std::vector<NetTensor*> outputs;
  for (const Handle h : model.output_handles()) outputs.push_back(tensors.at(h));
  return outputs;
}

}  // namespace trt
