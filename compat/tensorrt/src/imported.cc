#include "imported.h"

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

bool Imported::emit_edge(Scope& scope) {
  pinned_ = &scope.pinned;
  return false;
}

Values Imported::emit(Emit& e, const Values& in) {
  if (const auto* constant = std::get_if<carnot::op::Constant>(&operation)) {
    return {e.constant(constant->value)};
  }
  carnot::Operation op = operation;
  if (!pinned_->empty()) {
    std::visit([&](auto& o) { o.attrs(o, Pin{*pinned_}); }, op);
  }
  std::vector<carnot::Network> copies;
  for (const carnot::Network& body : bodies) copies.push_back(body.clone());
  return e.add(op, in, copies);
}

std::vector<NetTensor*> import_layers(Network& into, const carnot::Network& model) {
  std::vector<std::pair<Handle, NetTensor*>> list;
  const auto hash = [&](Handle h) { return reinterpret_cast<size_t>(&model.type(h)); };
  std::unordered_map<Handle, NetTensor*, decltype(hash)> tensors(64, hash);
  for (const Handle h : model.input_handles()) {
    tensors[h] = into.new_input(model.name(h), model.type(h));
  }
  std::map<std::string, int> names;
  for (carnot::Network::Node& node : model.nodes()) {
    const std::vector<Handle> in = node.inputs, out = node.outputs;
    std::vector<std::string> origin = node.origin;
    Imported* const layer =
        into.keep(std::make_unique<Imported>(into, std::move(node)), static_cast<int>(out.size()));
    if (!origin.empty()) {
      const std::string name = node_name(origin.back());
      const int count = names[name]++;
      layer->name = count == 0 ? name : cat(name, "_", count);
      layer->metadata = cat("[ONNX Layer: ", name, "]");
    }
    layer->origin = std::move(origin);
    for (const Handle h : in) layer->inputs.push_back(tensors.at(h));
    for (size_t i = 0; i < out.size(); ++i) {
      NetTensor* const t = layer->outputs[i].get();
      t->name = !model.name(out[i]).empty() ? model.name(out[i])
                                            : cat(layer->name, "_output", i ? cat("_", i) : "");
      tensors[out[i]] = t;
    }
  }
  std::vector<NetTensor*> outputs;
  const std::vector<Handle> handles = model.output_handles();
  for (const Handle h : handles) outputs.push_back(tensors.at(h));
  return outputs;
}

}  // namespace trt
