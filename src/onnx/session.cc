#include "onnx/session.h"

#include <algorithm>

#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

// A node costs 5 kB and 40 us from here to the engine, and functions can double a model at each
// call.
constexpr int64_t kNodesMax = 200'000;
// Each level of loops whose sizes change imports its body twice, and so all levels below it.
constexpr int64_t kRepeatedNodesMax = 100'000;
constexpr int kCallsMax = 100;
constexpr int64_t kFunctionsMax = 10'000;
constexpr int64_t kIrVersionMax = 14;

/// "ai.onnx" is the long name of the standard domain.
std::string_view short_domain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view{} : domain;
}

std::string long_domain(std::string_view domain) {
  return domain.empty() ? "ai.onnx" : std::string(domain);
}

Opsets opsets_of(const std::vector<OpsetImport>& imports) {
  Opsets out;
  for (const OpsetImport& import : imports) {
    const auto [at, is_new] = out.emplace(short_domain(import.domain), import.version);
    if (!is_new && at->second != import.version) {
      throw ImportFailure{error(Code::kInvalidModel, "the opset of the domain ",
                                quote(long_domain(import.domain)), " is given twice: ", at->second,
                                " and ", import.version)};
    }
  }
  return out;
}

void check_nodes(int64_t count) {
  if (count <= kNodesMax) return;
  throw ImportFailure{error(Code::kResourceLimit,
                            "with its functions inlined the model has more than ", kNodesMax,
                            " nodes")};
}

void check_attributes(const NodeImport& n, const NodeProto& node) {
  if (node.attributes.size() < 2) return;
  std::vector<std::string_view> names;
  for (const AttributeProto& attribute : node.attributes) names.push_back(attribute.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) n.invalid("the attribute ", quote(*twice), " is given twice");
}

}  // namespace

std::string describe(const NodeProto& node) {
  std::string_view name = node.name;
  for (const std::string_view output : node.outputs) {
    if (name.empty()) name = output;
  }
  return cat(name, " (", node.op_type, ")");
}

std::vector<std::string> output_names(const GraphProto& graph) {
  std::vector<std::string> out;
  for (const ValueInfoProto& output : graph.outputs) out.emplace_back(output.name);
  return out;
}

Scope Scope::nested() {
  Scope out;
  out.graph = graph;
  out.known = known;
  out.outer = this;
  out.opsets = opsets;
  out.attributes = attributes;
  out.prefix = prefix;
  out.calls = calls;
  out.regions = regions + 1;
  return out;
}

Binding* Scope::find(std::string_view name) {
  for (Scope* scope = this; scope; scope = scope->outer) {
    const auto found = scope->names.find(name);
    if (found != scope->names.end()) return &found->second;
  }
  return nullptr;
}

Session::Session(const ModelFile& file, const ImportOptions& options)
    : file_(file), options_(options), tensors_(file, options.budget) {}

void Session::check_versions() {
  const ModelProto& model = file_.model;
  if (model.ir_version < 1) {
    fail(Code::kInvalidModel, cat("the IR version is ", model.ir_version));
  }
  if (model.ir_version > kIrVersionMax) {
    fail(Code::kUnsupported, cat("the IR version is ", model.ir_version, "; at most ",
                                 kIrVersionMax, " is understood: save it for an older one"));
  }
  opsets_ = opsets_of(model.opsets);
  if (opsets_.empty()) fail(Code::kInvalidModel, "the model imports no opset");
  const auto standard = opsets_.find("");
  if (standard == opsets_.end()) return;  // only functions and other domains
  if (standard->second < kOpsetMin) {
    fail(Code::kInvalidModel, cat("the opset of ai.onnx is ", standard->second));
  }
  if (standard->second > kOpsetMax) {
    fail(Code::kUnsupported, cat("the opset of ai.onnx is ", standard->second, "; at most ",
                                 kOpsetMax, " is understood: convert the model"));
  }
}

void Session::index_functions() {
  const auto& functions = file_.model.functions;
  if (static_cast<int64_t>(functions.size()) > kFunctionsMax) {
    fail(Code::kResourceLimit,
         cat("the model has ", functions.size(), " functions; the limit is ", kFunctionsMax));
  }
  for (const FunctionProto& function : functions) {
    const auto key = std::tuple(short_domain(function.domain), function.name, function.overload);
    if (!functions_.emplace(key, &function).second) {
      fail(Code::kInvalidModel, cat("the function ", quote(function.name), " of the domain ",
                                    quote(long_domain(function.domain)), " is defined twice"));
    }
  }
  check_nodes(inlined_nodes(file_.model.graph.nodes, 0));
}

Tensor Session::read(const TensorProto& proto) {
  Result<Tensor> tensor = tensors_.read(proto);
  if (!tensor.ok()) throw ImportFailure{tensor.status()};
  return std::move(*tensor);
}

Tensor Session::read(const SparseTensorProto& proto) {
  Result<Tensor> tensor = tensors_.read(proto);
  if (!tensor.ok()) throw ImportFailure{tensor.status()};
  return std::move(*tensor);
}

void Session::trace_value(const Scope& scope, std::string_view name, const Binding& binding) {
  if (!options_.trace || scope.outer || scope.calls > 0 || scope.regions > 0) return;
  if (binding.kind == Binding::kConstant) {
    options_.trace->constants.emplace(name, binding.tensor);
  } else if (binding.kind == Binding::kValue && binding.value->name != name) {
    options_.trace->aliases.emplace(name, binding.value->name);
  }
}

void Session::trace_node(const Scope& scope, const NodeProto& node, int64_t opset) {
  if (!options_.trace || scope.outer || scope.calls > 0 || scope.regions > 0) return;
  options_.trace->nodes.push_back(traced(node, opset, false));
}

OnnxTrace::Node Session::traced(const NodeProto& node, int64_t opset, bool in_body) {
  OnnxTrace::Node out;
  out.name = node.name, out.op_type = node.op_type, out.domain = short_domain(node.domain);
  out.opset = opset;
  out.inputs.assign(node.inputs.begin(), node.inputs.end());
  out.outputs.assign(node.outputs.begin(), node.outputs.end());
  for (const AttributeProto& attribute : node.attributes) {
    // A constant's value is among the constants.
    const bool value = attribute.type == AttributeProto::kTensor && node.op_type == "Constant";
    if (value && !in_body) continue;
    if (auto known = value_of(*this, attribute)) {
      out.attributes.emplace_back(attribute.name, std::move(*known));
    }
    if (attribute.g) out.graphs.push_back(traced(attribute.name, *attribute.g));
  }
  return out;
}

OnnxTrace::Graph Session::traced(std::string_view attribute, const GraphProto& graph) {
  OnnxTrace::Graph out{std::string(attribute), std::string(graph.name), {}, {}, {}, {}};
  for (const ValueInfoProto& input : graph.inputs) out.inputs.emplace_back(input.name);
  for (const ValueInfoProto& output : graph.outputs) out.outputs.emplace_back(output.name);
  for (const TensorProto& tensor : graph.initializers) {
    out.initializers.emplace_back(tensor.name, read(tensor));
  }
  for (const NodeProto& node : graph.nodes) {
    const auto opset = opsets_.find(short_domain(node.domain));
    out.nodes.push_back(traced(node, opset == opsets_.end() ? 0 : opset->second, true));
  }
  return out;
}

void Session::define(Scope& scope, std::string_view name, Binding binding) {
  if (name.empty()) return;
  if (binding.kind == Binding::kValue && binding.value->name.empty()) {
    binding.value->name = scope.prefix + std::string(name);
  }
  trace_value(scope, name, binding);
  if (!scope.names.emplace(name, std::move(binding)).second) {
    fail(Code::kInvalidModel, cat("the value ", quote(name), " is defined twice"));
  }
}

Value* Session::resolve(Scope& scope, std::string_view name, const Origin& origin) {
  Binding* const binding = scope.find(name);
  if (!binding) return nullptr;
  if (binding->kind == Binding::kNotComputed) {
    fail(Code::kUnsupported, cat("the value ", quote(name), " is an output of the node ",
                                 quote(describe(*binding->node)), " that is not supported"));
  }
  if (binding->kind == Binding::kConstant && !binding->value) {
    binding->value = scope.graph->constant(binding->tensor, origin);
    binding->value->name = scope.prefix + std::string(name);
  }
  return binding->value;
}

void Session::import_initializers(Scope& scope, const GraphProto& graph) {
  const auto add = [&](std::string_view name, Tensor tensor) {
    if (name.empty()) fail(Code::kInvalidModel, "an initializer has no name");
    Binding binding;
    binding.kind = Binding::kConstant;
    binding.tensor = std::move(tensor);
    define(scope, name, std::move(binding));
  };
  for (const TensorProto& proto : graph.initializers) add(proto.name, read(proto));
  for (const SparseTensorProto& proto : graph.sparse_initializers) {
    add(proto.values.name, read(proto));
  }
}

void Session::check_operands(Scope& scope, const NodeProto& node,
                             const std::vector<NodeProto>& all) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const std::string_view name = node.inputs[i];
    if (name.empty() || scope.find(name)) continue;
    for (const NodeProto& other : all) {
      if (std::find(other.outputs.begin(), other.outputs.end(), name) == other.outputs.end()) {
        continue;
      }
      fail(Code::kInvalidModel,
           cat("node ", quote(describe(node)), ": input ", i, " ", quote(name), " comes from ",
               &other == &node ? "the node itself: a cycle"
                               : cat("the later node ", quote(describe(other)),
                                     ": the nodes are in a cycle or not sorted")));
    }
    fail(Code::kInvalidModel,
         cat("node ", quote(describe(node)), ": input ", i, " ", quote(name),
             " is neither a graph input, an initializer nor an output of any node"));
  }
}

void Session::import_nodes(Scope& scope, const std::vector<NodeProto>& nodes) {
  for (const NodeProto& node : nodes) {
    check_nodes(++nodes_);
    if (options_.budget) {
      if (Status status = options_.budget->check(); !status.ok()) throw ImportFailure{status};
    }
    check_operands(scope, node, nodes);
    import_node(scope, node);
  }
}

void Session::charge_repeated(int64_t nodes) {
  repeated_nodes_ += nodes;
  if (repeated_nodes_ > kRepeatedNodesMax) {
    fail(Code::kResourceLimit, "loops within loops change the sizes of what they carry too often");
  }
}

void Session::import_node(Scope& scope, const NodeProto& node) {
  try {
    const std::string_view domain = short_domain(node.domain);
    const auto opset = scope.opsets->find(domain);
    // Functions of domains that are not imported are reported by the look-up.
    const int64_t version = opset == scope.opsets->end() ? 0 : opset->second;
    if (options_.unnamed && node.name.empty() && !node.outputs.empty()) {
      options_.unnamed->emplace_back(node.outputs[0]);
    }
    trace_node(scope, node, version);
    NodeImport n(*this, scope, node, version, {scope.prefix + describe(node)});
    dispatch(n, scope);
    for (const std::string_view output : node.outputs) {
      if (output.empty() || scope.names.count(output)) continue;
      Binding binding;
      binding.kind = Binding::kNotComputed;
      binding.node = &node;
      define(scope, output, std::move(binding));
    }
  } catch (ImportFailure& failure) {
    const std::vector<NodeProto>& model = file_.model.graph.nodes;
    if (options_.problem && !scope.outer && &node >= model.data() &&
        &node < model.data() + model.size()) {
      *options_.problem = {&node - model.data(), std::string(node.name), std::string(node.op_type)};
    }
    throw ImportFailure{
        std::move(failure.status)
            .with(
                cat("node ",
                    quote(node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name),
                    " (", symbol_text(node.op_type), ")"))};
  }
}

void Session::dispatch(NodeImport& n, Scope& scope) {
  const NodeProto& node = n.node();
  check_attributes(n, node);
  for (const std::string_view output : node.outputs) {
    if (!output.empty() && scope.names.count(output)) {
      n.invalid("its output ", quote(output), " is already defined");
    }
  }
  const std::string_view domain = short_domain(node.domain);
  if (const FunctionProto* const function = find_function(node)) {
    return call_function(n, scope, *function);
  }
  if (options_.custom_first && import_custom(n, scope)) return;
  const Result<const ImportRow*> found = find_row(domain, node.op_type, n.opset());
  if (!found.ok() && import_custom(n, scope)) return;
  if (n.opset() == 0) {
    n.invalid("the model imports no opset of its domain ", quote(long_domain(domain)));
  }
  const ImportRow& row = *n.take(found);
  const auto inputs = static_cast<int>(node.inputs.size());
  const auto outputs = static_cast<int>(node.outputs.size());
  if (inputs < row.inputs_min || inputs > row.inputs_max) {
    n.invalid("has ", inputs, " inputs; it takes ",
              row.inputs_max == kAny             ? cat("at least ", row.inputs_min)
              : row.inputs_min == row.inputs_max ? cat(row.inputs_min)
                                                 : cat(row.inputs_min, " to ", row.inputs_max));
  }
  if (outputs < 1 || outputs > row.outputs_max) {
    n.invalid("has ", outputs, " outputs; it gives at most ", row.outputs_max);
  }
  row.import(n);
}

const FunctionProto* Session::find_function(const NodeProto& node) const {
  const auto found =
      functions_.find(std::tuple(short_domain(node.domain), node.op_type, node.overload));
  return found == functions_.end() ? nullptr : found->second;
}

int64_t Session::inlined_nodes(const std::vector<NodeProto>& nodes, int depth) {
  int64_t count = 0;
  for (const NodeProto& node : nodes) {
    ++count;
    if (const FunctionProto* const function = find_function(node)) {
      count += inlined_nodes(*function, depth + 1);
    }
    for (const AttributeProto& attribute : node.attributes) {
      if (attribute.g) count += inlined_nodes(attribute.g->nodes, depth);
    }
    count = std::min(count, kNodesMax + 1);
  }
  return count;
}

int64_t Session::inlined_nodes(const FunctionProto& function, int depth) {
  if (depth > kCallsMax) {
    fail(Code::kUnsupported, cat("function calls are nested deeper than ", kCallsMax,
                                 " (or the functions call each other in a cycle)"));
  }
  const auto found = function_nodes_.find(&function);
  if (found != function_nodes_.end()) return found->second;
  const int64_t count = inlined_nodes(function.nodes, depth);
  function_nodes_.emplace(&function, count);
  return count;
}

void Session::call_function(NodeImport& n, Scope& scope, const FunctionProto& function) {
  const NodeProto& node = n.node();
  if (scope.calls >= kCallsMax) {
    n.unsupported("function calls are nested deeper than ", kCallsMax,
                  " (or the functions call each other in a cycle)");
  }
  if (node.inputs.size() > function.inputs.size() ||
      node.outputs.size() > function.outputs.size()) {
    n.invalid("is called with ", node.inputs.size(), " inputs and ", node.outputs.size(),
              " outputs; the function has ", function.inputs.size(), " and ",
              function.outputs.size());
  }
  check_nodes(nodes_ + inlined_nodes(function, 0));
  Scope body;
  body.graph = scope.graph;
  body.known = scope.known;
  body.calls = scope.calls + 1;
  body.regions = scope.regions;
  body.prefix = scope.prefix + std::string(n.hint()) + "/";
  auto opsets = function_opsets_.find(&function);
  if (opsets == function_opsets_.end()) {
    Opsets merged = opsets_of(function.opsets);
    merged.insert(opsets_.begin(), opsets_.end());  // what it does not say is the model's
    opsets = function_opsets_.emplace(&function, std::move(merged)).first;
  }
  body.opsets = &opsets->second;
  Attributes attributes;
  for (const AttributeProto& fallback : function.defaults) {
    attributes[fallback.name] = &fallback;
  }
  for (const AttributeProto& attribute : node.attributes) {
    // One that refers to the caller's own attribute, which may be absent.
    if (const AttributeProto* given = n.find(attribute.name)) attributes[attribute.name] = given;
  }
  for (const std::string_view name : function.attributes) {
    if (!attributes.count(name)) n.invalid("the function's attribute ", quote(name), " is missing");
  }
  body.attributes = &attributes;
  for (size_t i = 0; i < function.inputs.size(); ++i) {
    Binding binding;
    if (i < node.inputs.size() && !node.inputs[i].empty()) {
      binding = *scope.find(node.inputs[i]);
    }
    define(body, function.inputs[i], std::move(binding));
  }
  import_nodes(body, function.nodes);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    const Binding* const binding = body.find(function.outputs[i]);
    if (!binding) {
      n.invalid("the function's output ", quote(function.outputs[i]), " is not computed");
    }
    define(scope, node.outputs[i], *binding);
  }
}

Values Session::import_body(Scope& scope, const GraphProto& graph) {
  import_initializers(scope, graph);
  import_nodes(scope, graph.nodes);
  Values outputs;
  for (const ValueInfoProto& output : graph.outputs) {
    Value* const value = resolve(scope, output.name, {});
    if (!value) {
      fail(Code::kInvalidModel,
           cat("the graph's output ", quote(output.name), " is not computed by any node"));
    }
    outputs.push_back(value);
  }
  return outputs;
}

Graph Session::import_model() {
  check_versions();
  index_functions();
  Graph graph;
  const GraphProto& proto = file_.model.graph;
  if (!proto.name.empty()) graph.name = std::string(proto.name);
  KnownValues known;
  Scope scope;
  scope.graph = &graph;
  scope.known = &known;
  scope.opsets = &opsets_;
  import_inputs(scope);
  for (const ValueInfoProto& input : options_.trace ? proto.inputs : decltype(proto.inputs)()) {
    options_.trace->inputs.emplace_back(input.name);
  }
  const Values outputs = import_body(scope, proto);
  check_outputs(outputs);
  graph.set_outputs(outputs);
  graph.output_names = output_names(proto);
  graph.remove_dead();
  if (Status status = verify(graph); !status.ok()) {
    throw ImportFailure{std::move(status).with("the imported graph")};
  }
  return graph;
}

}  // namespace carnot::onnx

namespace carnot {

namespace {

Result<Graph> import_file(Result<onnx::ModelFile> file, const ImportOptions& options) {
  if (!file.ok()) return std::move(file).status();
  try {
    return onnx::Session(*file, options).import_model();
  } catch (onnx::ImportFailure& failure) {
    return std::move(failure.status).with(file->name);
  } catch (const std::bad_alloc&) {
    return error(Code::kOutOfMemory, file->name, ": the import needs more memory than there is");
  }
}

}  // namespace

Result<Graph> import_onnx(const std::filesystem::path& path, const ImportOptions& options) {
  return import_file(onnx::read_model(path, options.budget), options);
}

Result<Graph> import_onnx(std::span<const std::byte> bytes, const ImportOptions& options,
                          onnx::KeepAlive keep_alive) {
  Result<onnx::ModelFile> file = onnx::read_model(bytes, std::move(keep_alive), options.budget);
  if (file.ok()) {
    file->folder = options.folder;
    file->initializers = options.initializers;
  }
  return import_file(std::move(file), options);
}

}  // namespace carnot
