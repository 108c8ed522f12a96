// Bodies of If, Loop and Scan as closed graphs: what they take from around them becomes explicit.
#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "onnx/session.h"

namespace carnot::onnx {

namespace {

/// Names that a body uses and does not define, in order of first use.
class FreeNames {
 public:
  void node(const NodeProto& node) {
    for (const std::string_view name : node.inputs) use(name);
    for (const AttributeProto& attribute : node.attributes) {
      if (attribute.g) body(*attribute.g);
    }
  }
  void body(const GraphProto& graph) {
    defined_.emplace_back();
    for (const ValueInfoProto& input : graph.inputs) define(input.name);
    for (const TensorProto& initializer : graph.initializers) define(initializer.name);
    for (const auto& initializer : graph.sparse_initializers) define(initializer.values.name);
    for (const NodeProto& each : graph.nodes) {
      node(each);
      for (const std::string_view name : each.outputs) define(name);
    }
    for (const ValueInfoProto& output : graph.outputs) use(output.name);
    defined_.pop_back();
  }
  const std::vector<std::string_view>& names() const { return names_; }

 private:
  void define(std::string_view name) { defined_.back().insert(name); }
  void use(std::string_view name) {
    if (name.empty() || seen_.count(name)) return;
    for (const auto& scope : defined_) {
      if (scope.count(name)) return;
    }
    seen_.insert(name);
    names_.push_back(name);
  }

  std::vector<std::unordered_set<std::string_view>> defined_;
  std::unordered_set<std::string_view> seen_;
  std::vector<std::string_view> names_;
};

}  // namespace

std::vector<std::string_view> names_read(const NodeProto& node) {
  FreeNames free;
  free.node(node);
  return free.names();
}

std::vector<std::string_view> Session::captured_names(
    NodeImport& n, const std::vector<const GraphProto*>& bodies) {
  FreeNames free;
  for (const GraphProto* const body : bodies) free.body(*body);
  std::vector<std::string_view> out;
  for (const std::string_view name : free.names()) {
    const Binding* const binding = n.scope().find(name);
    // Names that are unknown here are reported where the body uses them.
    if (binding && binding->kind == Binding::kValue) out.push_back(name);
  }
  return out;
}

Region Session::import_region(NodeImport& n, const GraphProto& body,
                              const std::vector<TensorType>& inputs,
                              const std::vector<std::string_view>& captures) {
  if (body.inputs.size() != inputs.size()) {
    n.invalid("its body takes ", body.inputs.size(), " inputs, not ", inputs.size());
  }
  Scope& outer = n.scope();
  if (outer.regions + 1 >= Graph::kMaxNesting) {
    n.unsupported("bodies are nested deeper than ", Graph::kMaxNesting);
  }
  Region region{std::make_unique<Graph>(), std::make_unique<KnownValues>()};
  if (!body.name.empty()) region.graph->name = std::string(body.name);
  Scope scope;
  scope.graph = region.graph.get();
  scope.known = region.known.get();
  scope.opsets = outer.opsets;
  scope.attributes = outer.attributes;
  scope.calls = outer.calls;
  scope.regions = outer.regions + 1;
  const auto add_input = [&](std::string_view name, const TensorType& type) {
    Binding binding;
    binding.kind = Binding::kValue;
    binding.value = region.graph->add_input(std::string(name), type);
    define(scope, name, binding);
    return binding.value;
  };
  for (size_t i = 0; i < inputs.size(); ++i) add_input(body.inputs[i].name, inputs[i]);
  for (const std::string_view name : captures) {
    const Binding& binding = *outer.find(name);
    if (scope.names.count(name)) {  // hidden by an input of the body
      region.graph->add_input(std::string(name), binding.value->type());
      continue;
    }
    Value* const input = add_input(name, binding.value->type());
    input->info.elements = binding.value->info.elements;
    if (const Tensor* const known = n.known(binding.value)) region.known->emplace(input, *known);
  }
  FreeNames free;
  free.body(body);
  for (const std::string_view name : free.names()) {
    const Binding* const binding = outer.find(name);
    if (!binding || binding->kind == Binding::kValue) continue;
    Binding copy = *binding;  // constants, and what is absent outside
    copy.value = nullptr;
    scope.names.emplace(name, std::move(copy));
  }
  region.graph->set_outputs(import_body(scope, body));
  region.graph->output_names = output_names(body);
  region.graph->remove_dead();
  return region;
}

}  // namespace carnot::onnx
