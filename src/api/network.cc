// Network: the public face of the Graph and its importer.
#include "carnot/network.h"

#include <algorithm>

#include "ir/graph.h"
#include "onnx/importer.h"

namespace carnot {

namespace {

ImportOptions import_options(const OnnxImport& given) {
  ImportOptions options;
  options.problem = given.problem;
  options.custom = given.custom;
  options.custom_first = given.custom_first;
  options.unnamed = given.unnamed;
  options.keep_identities = given.keep_identities;
  options.mix_doubles = given.mix_doubles;
  options.trace = given.trace;
  for (const InputShape& s : given.shapes) {
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

Result<Network> Network::from_onnx(const std::string& path, std::span<const InputShape> shapes,
                                   ImportProblem* problem) {
  return import_onnx_model(path, {shapes, problem, {}, false});
}

Result<Network> Network::from_onnx(std::span<const std::byte> bytes,
                                   std::span<const InputShape> shapes, ImportProblem* problem) {
  return import_onnx_model(OnnxModel{bytes}, {shapes, problem, {}, false});
}

Result<Network> import_onnx_model(const std::string& path, const OnnxImport& options) {
  return own(import_onnx(std::filesystem::path(path), import_options(options)));
}

Result<Network> import_onnx_model(const OnnxModel& model, const OnnxImport& given) {
  ImportOptions options = import_options(given);
  options.folder = model.folder;
  options.initializers = model.initializers;
  return own(import_onnx(model.bytes, options));
}

Result<Network> Network::from_onnx(const OnnxModel& model, std::span<const InputShape> shapes,
                                   ImportProblem* problem) {
  return import_onnx_model(model, {shapes, problem, {}, false});
}

bool supports_onnx_op(std::string_view op_type) {
  const std::vector<SupportedOp> ops = supported_ops();
  return std::any_of(ops.begin(), ops.end(), [&](const SupportedOp& op) {
    return op.domain.empty() && op.name == op_type && op.refused.empty();
  });
}

Result<Network> Network::from_text(std::string_view text) {
  return own(parse_graph(text));
}

std::string Network::to_text() const {
  return print(*graph_);
}

Network Network::clone() const {
  Network out;
  *out.graph_ = graph_->clone();
  out.origin_ = origin_;
  return out;
}

std::vector<Network::Handle> Network::handles(const std::vector<Value*>& values) {
  std::vector<Handle> out(values.size());
  for (size_t i = 0; i < out.size(); ++i) out[i].value_ = values[i];
  return out;
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

Result<std::vector<Network::Handle>> Network::add(const Operation& op,
                                                  std::span<const Handle> inputs,
                                                  std::span<Network> bodies) {
  std::vector<Value*> values;
  for (const Handle& h : inputs) {
    if (!h.valid()) return error(Code::kInvalidArgument, carnot::name(op), ": an empty operand");
    values.push_back(static_cast<Value*>(h.value_));
  }
  std::vector<std::unique_ptr<Graph>> regions;
  for (Network& body : bodies) {
    regions.push_back(std::make_unique<Graph>(std::move(*body.graph_)));
  }
  CARNOT_ASSIGN(carnot::Node* const node,
                graph_->add(op, std::move(values), origin_, {}, nullptr, std::move(regions)));
  return handles(node->outputs);
}

#define CARNOT_OP(T)                                                                \
  Result<std::vector<Network::Handle>> Network::add(                                \
      const op::T& op, std::span<const Handle> inputs, std::span<Network> bodies) { \
    return add(Operation(op), inputs, bodies);                                      \
  }
#include "carnot/ops.def"

void Network::mark_output(Handle value, const std::string& name) {
  if (!value.valid()) return;
  std::vector<Value*> outputs = graph_->outputs();
  std::vector<std::string> names = graph_->output_names;
  names.resize(outputs.size());
  outputs.push_back(static_cast<Value*>(value.value_));
  names.push_back(name);
  graph_->set_outputs(std::move(outputs));
  graph_->output_names = std::move(names);
}

void Network::clear_outputs() {
  graph_->set_outputs({});
  graph_->output_names.clear();
}

void Network::set_origin(std::vector<std::string> names) {
  origin_ = std::move(names);
}

std::vector<Network::Node> Network::nodes() const {
  std::vector<Node> out;
  for (const carnot::Node* node : graph_->nodes()) {
    out.push_back({node->op, node->origin, handles(node->inputs), handles(node->outputs), {}});
    for (const auto& region : node->regions) {
      *out.back().bodies.emplace_back().graph_ = region->clone();
    }
  }
  return out;
}

std::vector<Network::Handle> Network::input_handles() const {
  return handles(graph_->inputs());
}
std::vector<Network::Handle> Network::output_handles() const {
  return handles(graph_->outputs());
}
const TensorType& Network::type(Handle value) const {
  return static_cast<const Value*>(value.value_)->type();
}
const std::string& Network::name(Handle value) const {
  return static_cast<const Value*>(value.value_)->name;
}
const std::optional<Dims>& Network::elements(Handle value) const {
  return static_cast<const Value*>(value.value_)->info.elements;
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
