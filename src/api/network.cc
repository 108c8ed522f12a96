// Network: the public face of the Graph and its importer.
#include "carnot/network.h"

#include "ir/graph.h"
#include "onnx/importer.h"

namespace carnot {

namespace {

ImportOptions import_options(std::span<const InputShape> shapes) {
  ImportOptions options;
  for (const InputShape& s : shapes) {
    Dims dims;
    for (size_t i = 0; i < s.shape.size(); ++i) {
      dims.push_back(s.shape[i] >= 0 ? Dim(s.shape[i]) : Dim::symbol(cat(s.name, '.', i)));
    }
    options.input_shapes[s.name] = dims;
  }
  return options;
}

Result<Network> own(Result<Graph> graph) {
  if (!graph.ok()) return graph.status();
  Network n;
  n.graph() = std::move(*graph);
  return n;
}

}  // namespace

Network::Network() : graph_(std::make_unique<Graph>()) {}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

Result<Network> Network::from_onnx(const std::string& path, std::span<const InputShape> shapes) {
  return own(import_onnx(std::filesystem::path(path), import_options(shapes)));
}

Result<Network> Network::from_onnx(std::span<const std::byte> bytes,
                                   std::span<const InputShape> shapes) {
  return own(import_onnx(bytes, import_options(shapes)));
}

Result<Network> Network::from_text(std::string_view text) {
  return own(parse_graph(text));
}

std::string Network::to_text() const {
  return print(*graph_);
}

Network::Handle Network::add_input(const std::string& name, TensorType type) {
  Handle h;
  h.value_ = graph_->add_input(name, std::move(type));
  return h;
}

Network::Handle Network::add_constant(Tensor value) {
  Handle h;
  h.value_ = graph_->constant(std::move(value));
  return h;
}

#define CARNOT_OP(T)                                                                            \
  Result<std::vector<Network::Handle>> Network::add(const op::T& op,                            \
                                                    std::span<const Handle> inputs) {           \
    std::vector<Value*> values;                                                                 \
    for (const Handle& h : inputs) {                                                            \
      if (!h.valid()) return error(Code::kInvalidArgument, op::T::kName, ": an empty operand"); \
      values.push_back(static_cast<Value*>(h.value_));                                          \
    }                                                                                           \
    CARNOT_ASSIGN(Node* node, graph_->add(op, std::move(values), {}));                          \
    std::vector<Handle> out(node->outputs.size());                                              \
    for (size_t i = 0; i < out.size(); ++i) out[i].value_ = node->outputs[i];                   \
    return out;                                                                                 \
  }
#include "carnot/ops.def"

void Network::mark_output(Handle value, const std::string& name) {
  if (!value.valid()) return;
  std::vector<Value*> outputs = graph_->outputs();
  outputs.push_back(static_cast<Value*>(value.value_));
  graph_->set_outputs(std::move(outputs));
  graph_->output_names.resize(graph_->outputs().size());
  graph_->output_names.back() = name;
}

std::vector<TensorSpec> Network::inputs() const {
  std::vector<TensorSpec> out;
  for (const Value* v : graph_->inputs()) out.push_back({v->name, v->type()});
  return out;
}

std::vector<TensorSpec> Network::outputs() const {
  std::vector<TensorSpec> out;
  for (size_t i = 0; i < graph_->outputs().size(); ++i) {
    const Value* v = graph_->outputs()[i];
    out.push_back({i < graph_->output_names.size() ? graph_->output_names[i] : v->name, v->type()});
  }
  return out;
}

}  // namespace carnot
