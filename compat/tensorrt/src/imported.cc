#include "imported.h"

#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "imported_kinds.h"
#include "network.h"
#include "parser_plugins.h"

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

using Node = carnot::Network::Node;

/// By value: handles compare by what they stand for.
template <class T>
using ByHandle = std::unordered_map<Handle, T, std::function<size_t(Handle)>>;

/// A layer for one node: constants are layers of their own kind.
Layer* keep_layer(Network& into, const carnot::Network& model, Node node,
                  const std::vector<carnot::Tensor>& own, ParsedPlugins& plugins) {
  const auto outputs = static_cast<int>(node.outputs.size());
  if (const auto* constant = std::get_if<carnot::op::Constant>(&node.op)) {
    auto layer = std::make_unique<Constant>(into);
    layer->set_value(constant->value);
    return into.keep(std::move(layer), outputs);
  }
  if (const auto* custom = std::get_if<carnot::op::Custom>(&node.op)) {
    if (std::unique_ptr<Layer> layer = plugins.take(*custom)) {
      return into.keep(std::move(layer), outputs);
    }
  }
  if (Layer* const layer = keep_as_kind(into, model, node, own)) return layer;
  return into.keep(std::make_unique<Imported>(into, std::move(node)), outputs);
}

bool is_constant(const Node& node) {
  return std::holds_alternative<carnot::op::Constant>(node.op);
}

/// Only moves elements, or changes their type: not what a node is known for.
bool is_side(const Node& node) {
  if (const auto* p = std::get_if<carnot::op::Pointwise>(&node.op)) {
    return p->body.insts.size() == 1 && p->body.insts[0].op == carnot::ScalarOp::kCast;
  }
  return is_constant(node) || std::holds_alternative<carnot::op::Reshape>(node.op) ||
         std::holds_alternative<carnot::op::Transpose>(node.op) ||
         std::holds_alternative<carnot::op::Expand>(node.op) ||
         std::holds_alternative<carnot::op::ShapeOf>(node.op);
}

std::string label_of(const Node& node) {
  return node.origin.empty() ? "" : node_name(node.origin.back());
}

/// The ONNX node's name for the first layer that does what the node is known for, else its last;
/// others that the node became have "_1", "_2" after it. Constants have their initializer's name.
class Names {
 public:
  Names(const carnot::Network& model, const std::vector<Node>& nodes) : model_(model) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (is_constant(nodes[i])) continue;
      const auto [at, fresh] = main_.try_emplace(label_of(nodes[i]), i);
      if (!fresh && is_side(nodes[at->second])) at->second = i;
    }
  }
  std::string next(const Node& node, size_t i) {
    const std::string label = label_of(node);
    if (label.empty()) return "";
    if (!is_constant(node)) return unique(label, main_.at(label) == i);
    const std::string& name = model_.name(node.outputs[0]);
    return unique(name.empty() ? label + "_constant" : name, true);
  }

 private:
  std::string unique(const std::string& name, bool bare) {
    if (bare && taken_.insert(name).second) return name;
    for (;;) {
      const std::string numbered = cat(name, '_', ++numbers_[name]);
      if (main_.count(numbered) == 0 && taken_.insert(numbered).second) return numbered;
    }
  }

  const carnot::Network& model_;
  std::unordered_map<std::string, size_t> main_;
  std::unordered_map<std::string, int> numbers_;
  std::unordered_set<std::string> taken_;
};

/// Convolutions keep their weights, as those of other parsers do; elsewhere constants are layers.
class OwnWeights {
 public:
  OwnWeights(const carnot::Network& model, const std::vector<Node>& nodes,
             std::function<size_t(Handle)> hash)
      : values_(64, hash), uses_(64, hash) {
    for (const Node& node : nodes) {
      if (is_constant(node))
        values_[node.outputs[0]] = &std::get<carnot::op::Constant>(node.op).value;
    }
    for (const Handle h : model.output_handles()) ++uses_[h];
    for (const Node& node : nodes) {
      if (!of(node).empty()) continue;
      for (const Handle h : node.inputs) ++uses_[h];
    }
  }

  /// What the node keeps: all of its inputs after the first, or nothing.
  std::vector<carnot::Tensor> of(const Node& node) const {
    std::vector<carnot::Tensor> out;
    const bool filters = std::holds_alternative<carnot::op::Conv>(node.op) ||
                         std::holds_alternative<carnot::op::ConvTranspose>(node.op);
    for (size_t i = 1; filters && i < node.inputs.size(); ++i) {
      const auto found = values_.find(node.inputs[i]);
      const bool plain = found != values_.end() && !found->second->is_splat() &&
                         data_type_of(found->second->dtype());
      if (!plain) return {};
      out.push_back(*found->second);
    }
    // Others than these are no layers of convolutions.
    const bool known = filters && !out.empty() && out[0].rank() >= 4 && out[0].rank() <= 5;
    return known ? out : std::vector<carnot::Tensor>();
  }
  bool is_layer(const Node& node) const {
    return !is_constant(node) || uses_.count(node.outputs[0]) > 0;
  }

 private:
  ByHandle<const carnot::Tensor*> values_;
  ByHandle<int> uses_;
};

}  // namespace

std::vector<NetTensor*> import_layers(Network& into, const carnot::Network& model,
                                      ParsedPlugins& plugins) {
  const std::function<size_t(Handle)> hash = [&](Handle h) {
    return reinterpret_cast<size_t>(&model.type(h));
  };
  ByHandle<NetTensor*> tensors(64, hash);
  for (const Handle h : model.input_handles()) {
    tensors[h] = into.new_input(model.name(h), model.type(h));
  }
  std::vector<Node> nodes = model.nodes();
  const OwnWeights weights(model, nodes, hash);
  Names names(model, nodes);
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!weights.is_layer(nodes[i])) continue;
    const std::vector<Handle> in = nodes[i].inputs, out = nodes[i].outputs;
    const std::string name = names.next(nodes[i], i);
    const std::string label = label_of(nodes[i]);
    std::vector<std::string> origin = nodes[i].origin;
    const std::vector<carnot::Tensor> own = weights.of(nodes[i]);
    Layer* const layer = keep_layer(into, model, std::move(nodes[i]), own, plugins);
    if (!name.empty()) {
      layer->name = name;
      layer->metadata = cat("[ONNX Layer: ", label, "]");
    }
    layer->origin = std::move(origin);
    for (size_t k = 0; k < (own.empty() ? in.size() : 1); ++k) {
      layer->inputs.push_back(tensors.at(in[k]));
    }
    ParsedPlugins::arrange(*layer);
    for (size_t k = 0; k < own.size(); ++k) {
      const Weights kept{DataType::kFLOAT, own[k].data(), own[k].elements()};
      into.setWeightsName(kept, model.name(in[k + 1]).c_str());
    }
    for (size_t k = 0; k < out.size(); ++k) {
      NetTensor* const t = layer->outputs[k].get();
      const std::string& known = model.name(out[k]);
      t->name = !known.empty() ? known : cat(layer->name, "_output", k ? cat("_", k) : "");
      tensors[out[k]] = t;
    }
  }
  std::vector<NetTensor*> outputs;
  for (const Handle h : model.output_handles()) outputs.push_back(tensors.at(h));
  return outputs;
}

}  // namespace trt
