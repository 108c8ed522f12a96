#include "imported.h"

#include "imported_kinds.h"
#include "network.h"
#include "own_weights.h"
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
  ByHandle<Handle> values(64, hash_of_handles(body));
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

std::unique_ptr<Imported> make_imported(Network& into, carnot::Network::Node node,
                                        ParsedPlugins& plugins) {
  auto layer = std::make_unique<Imported>(into, std::move(node));
  take_plugins(layer->bodies, plugins, layer->plugins);
  return layer;
}

ptrdiff_t Imported::first_shape_input() const {
  return std::visit(
      [&]<class Op>(const Op&) {
        if constexpr (requires { Op::kTarget; }) return ptrdiff_t{Op::kTarget};
        return static_cast<ptrdiff_t>(inputs.size());
      },
      operation);
}

Layer* keep_layer(Network& into, const carnot::Network& model, carnot::Network::Node node,
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
  return into.keep(make_imported(into, std::move(node), plugins), outputs);
}

}  // namespace trt
