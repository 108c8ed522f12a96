#include "imported.h"

#include <functional>

#include "imported_kinds.h"
#include "imported_parts.h"
#include "parser_plugins.h"

namespace trt {

namespace {

using Pinned = std::map<std::string, carnot::Dim, std::less<>>;

/// By value: handles compare by what they stand for.
template <class T>
using ByHandle = std::unordered_map<Handle, T, std::function<size_t(Handle)>>;

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
  for (const carnot::Network& body : bodies) {
    const bool same = plugins.empty() && pinned_->empty();
    copies.push_back(same ? body.clone() : built_anew(body));
  }
  return e.add(op, in, copies);
}

// The same operations, but for sizes that are pinned by now, and for plugins, which become what
// their layers say.
carnot::Network Imported::built_anew(const carnot::Network& body) {
  carnot::Network out;
  Emit e(out, network.fresh());
  ByHandle<Handle> values(64, [&](Handle h) { return reinterpret_cast<size_t>(&body.type(h)); });
  for (const Handle h : body.input_handles()) {
    carnot::TensorType type = body.type(h);
    Pin{*pinned_}("", type.dims);
    values[h] = out.add_input(body.name(h), type);
  }
  for (const carnot::Network::Node& node : body.nodes()) {
    out.set_origin(node.origin);
    Values in, results;
    for (const Handle h : node.inputs) in.push_back(values.at(h));
    const auto* const constant = std::get_if<carnot::op::Constant>(&node.op);
    const auto* const custom = std::get_if<carnot::op::Custom>(&node.op);
    const auto plugin = custom ? plugins.find(custom->state) : plugins.end();
    if (constant) {
      results = {out.add_constant(constant->value)};
    } else if (plugin != plugins.end()) {
      results = plugin->second->emit(e, ParsedPlugins::arranged(*plugin->second, in));
    } else {
      std::vector<carnot::Network> inner;
      for (const carnot::Network& each : node.bodies) inner.push_back(built_anew(each));
      results = e.add(pinned(node.op, *pinned_), in, inner);
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) values[node.outputs[i]] = results.at(i);
  }
  const std::vector<carnot::TensorSpec> names = body.outputs();
  const std::vector<Handle> ends = body.output_handles();
  for (size_t i = 0; i < ends.size(); ++i) out.mark_output(values.at(ends[i]), names[i].name);
  return out;
}

/// The layers of the plugins in a node's bodies, by their operations' states.
static void take_plugins(std::span<const carnot::Network> bodies, ParsedPlugins& from,
                         std::map<std::string, std::unique_ptr<Layer>>& to) {
  for (const carnot::Network& body : bodies) {
    for (const carnot::Network::Node& node : body.nodes()) {
      take_plugins(node.bodies, from, to);
      const auto* const custom = std::get_if<carnot::op::Custom>(&node.op);
      std::unique_ptr<Layer> layer = custom ? from.take(*custom) : nullptr;
      if (layer) to[custom->state] = std::move(layer);
    }
  }
}

ptrdiff_t Imported::first_shape_input() const {
  return std::visit(
      [&]<class Op>(const Op&) {
        if constexpr (requires { Op::kTarget; }) return ptrdiff_t{Op::kTarget};
        return static_cast<ptrdiff_t>(inputs.size());
      },
      operation);
}

namespace {

using Node = carnot::Network::Node;

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
  auto layer = std::make_unique<Imported>(into, std::move(node));
  take_plugins(layer->bodies, plugins, layer->plugins);
  return into.keep(std::move(layer), outputs);
}

/// Operands of an element-wise node have one rank.
void raise_ranks(Network& into, const carnot::Network& model, const Node& node,
                 std::vector<NetTensor*>& inputs, LayerNames& names) {
  if (!raises_ranks(model, node)) return;
  size_t rank = 0;
  for (const Handle h : node.inputs) rank = std::max(rank, model.type(h).dims.size());
  for (size_t k = 0; k < inputs.size(); ++k) {
    const carnot::Dims& dims = model.type(node.inputs[k]).dims;
    if (dims.size() < rank) inputs[k] = raised(into, inputs[k], dims, rank, names);
  }
}

/// Convolutions and batch normalizations keep their weights, as those of other parsers do;
/// elsewhere constants are layers.
class OwnWeights {
 public:
  OwnWeights(const carnot::Network& model, const std::vector<Node>& nodes,
             std::function<size_t(Handle)> hash)
      : values_(64, hash), uses_(64, hash) {
    for (const Node& node : nodes) keep_value(model, node);
    for (const Handle h : model.output_handles()) ++uses_[h];
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      if (!is_layer(*node)) continue;
      const size_t tensors = of(*node).empty() ? node->inputs.size() : 1;
      for (size_t i = 0; i < tensors; ++i) ++uses_[node->inputs[i]];
    }
  }

  /// What the node keeps: all of its inputs after the first, or nothing.
  std::vector<carnot::Tensor> of(const Node& node) const {
    std::vector<carnot::Tensor> out;
    const bool filters = std::holds_alternative<carnot::op::Conv>(node.op) ||
                         std::holds_alternative<carnot::op::ConvTranspose>(node.op);
    if (!filters && !is_scale(node)) return out;
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      const auto found = values_.find(node.inputs[i]);
      const bool plain = found != values_.end() && !found->second.is_splat() &&
                         data_type_of(found->second.dtype());
      if (!plain) return {};
      out.push_back(found->second);
    }
    // Others than these are no layers of convolutions.
    const bool known = !out.empty() && (!filters || (out[0].rank() >= 4 && out[0].rank() <= 5));
    return known ? out : std::vector<carnot::Tensor>();
  }
  /// A constant, or one in another shape, that nobody looks at is none.
  bool is_layer(const Node& node) const {
    return values_.count(node.outputs[0]) == 0 || uses_.count(node.outputs[0]) > 0;
  }

 private:
  void keep_value(const carnot::Network& model, const Node& node) {
    if (is_constant(node)) {
      const carnot::Tensor& value = std::get<carnot::op::Constant>(node.op).value;
      const bool writes_out = value.is_splat() && value.elements() <= kSplatMax;
      auto dense = writes_out ? value.dense() : carnot::Result<carnot::Tensor>(value);
      values_.emplace(node.outputs[0], dense.ok() ? std::move(*dense) : value);
      return;
    }
    const bool moves = std::holds_alternative<carnot::op::Reshape>(node.op);
    const auto from = moves ? values_.find(node.inputs[0]) : values_.end();
    const carnot::TensorType& type = model.type(node.outputs[0]);
    if (from == values_.end() || !type.is_static() || from->second.is_splat()) return;
    if (model.type(node.inputs[0]).rank() > 1) return;
    values_.emplace(node.outputs[0], from->second.reshaped(ints_of(dims_of(type.dims))));
  }

  static constexpr int64_t kSplatMax = 1 << 20;  ///< of repeated numbers, elements written out
  ByHandle<carnot::Tensor> values_;
  ByHandle<int> uses_;
};

}  // namespace

std::vector<NetTensor*> import_layers(Network& into, const carnot::Network& model,
                                      ParsedPlugins& plugins,
                                      const std::vector<std::string>& unnamed) {
  const std::function<size_t(Handle)> hash = [&](Handle h) {
    return reinterpret_cast<size_t>(&model.type(h));
  };
  ByHandle<NetTensor*> tensors(64, hash);
  for (const Handle h : model.input_handles()) {
    tensors[h] = into.new_input(model.name(h), model.type(h));
  }
  std::vector<Node> nodes = model.nodes();
  const OwnWeights weights(model, nodes, hash);
  LayerNames names(model, nodes, unnamed);
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!weights.is_layer(nodes[i])) continue;
    const std::vector<Handle> in = nodes[i].inputs, out = nodes[i].outputs;
    const std::vector<carnot::Tensor> own = weights.of(nodes[i]);
    std::vector<NetTensor*> inputs;
    for (size_t k = 0; k < (own.empty() ? in.size() : 1); ++k) inputs.push_back(tensors.at(in[k]));
    raise_ranks(into, model, nodes[i], inputs, names);
    const bool reshapes = std::holds_alternative<carnot::op::Reshape>(nodes[i].op);
    if (reshapes) names.unique("ONNXTRT_ShapeShuffle");  // its first name there: it is counted
    const std::string name = names.of(nodes[i], i);
    Layer* layer = keep_in_parts(into, nodes[i], inputs, name, names);
    if (!layer) {
      const std::string shown = names.shown(nodes[i]);
      const bool constant = is_constant(nodes[i]);
      std::vector<std::string> origin = nodes[i].origin;
      layer = keep_layer(into, model, std::move(nodes[i]), own, plugins);
      if (!name.empty()) layer->name = name;
      if (!name.empty() && !constant) layer->metadata = cat("[ONNX Layer: ", shown, "]");
      layer->origin = std::move(origin);
      layer->inputs = std::move(inputs);
      ParsedPlugins::arrange(*layer);
    }
    if (const auto* const constant = dynamic_cast<Constant*>(layer); constant && !name.empty()) {
      into.setWeightsName(constant->weights, model.name(out[0]).c_str());
    }
    for (size_t k = 0; k < own.size(); ++k) {
      const std::string& initializer = model.name(in[k + 1]);
      const Weights kept{DataType::kFLOAT, own[k].data(), own[k].elements()};
      if (!initializer.empty()) into.setWeightsName(kept, initializer.c_str());
    }
    for (size_t k = 0; k < out.size(); ++k) {
      NetTensor* const t = layer->outputs[k].get();
      const std::string& known = model.name(out[k]);
      if (!known.empty() && layer->kind != LayerType::kCONSTANT) t->name = known;
      tensors[out[k]] = t;
    }
  }
  std::vector<NetTensor*> outputs;
  for (const Handle h : model.output_handles()) outputs.push_back(tensors.at(h));
  return outputs;
}

}  // namespace trt
