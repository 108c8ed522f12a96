#pragma once
// Session: the import of one model. Scope: the names that nodes see while one graph, branch or
// function body is imported.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "onnx/emit.h"
#include "onnx/importer.h"
#include "onnx/node_import.h"
#include "onnx/reader.h"

namespace carnot::onnx {

/// What a name stands for. Constants become nodes of a graph when they are first used in it.
struct Binding {
  enum Kind { kValue, kConstant, kAbsent, kNotComputed };
  Kind kind = kAbsent;
  Value* value = nullptr;           ///< of kValue, and of a kConstant that has been used
  Tensor tensor;                    ///< of kConstant
  const NodeProto* node = nullptr;  ///< of kNotComputed: whose output this is
};

using Opsets = std::map<std::string_view, int64_t>;
using Attributes = std::map<std::string_view, const AttributeProto*>;

struct Scope {
  Graph* graph = nullptr;
  KnownValues* known = nullptr;
  Scope* outer = nullptr;  ///< whose names are visible too; of the same Graph
  std::unordered_map<std::string_view, Binding> names;
  const Opsets* opsets = nullptr;
  const Attributes* attributes = nullptr;  ///< of the function call; null in the model's graph
  std::string prefix;                      ///< of names inside an inlined function
  int calls = 0, regions = 0;              ///< how deep in functions and in regions

  /// A scope inside this one, in the same graph.
  Scope nested();
  Binding* find(std::string_view name);
};

/// What a node takes, and what its bodies take from around it, each name once.
std::vector<std::string_view> names_read(const NodeProto& node);

/// A body imported as a closed graph.
struct Region {
  std::unique_ptr<Graph> graph;
  std::unique_ptr<KnownValues> known;
};

class Session {
 public:
  Session(const ModelFile& file, const ImportOptions& options);

  /// The whole model. Throws ImportFailure.
  Graph import_model();

  /// As unknown_onnx_nodes() says. Throws ImportFailure.
  std::vector<UnknownOnnxNode> unknown_nodes();

  /// Nodes in order, into the scope's graph.
  void import_nodes(Scope& scope, const std::vector<NodeProto>& nodes);
  /// Initializers of a graph, then its nodes; gives the values of its outputs.
  Values import_body(Scope& scope, const GraphProto& graph);
  /// A body as a region: its own inputs have the given types; `captures` are operands of the node
  /// that it sees under their names.
  Region import_region(NodeImport& n, const GraphProto& body, const std::vector<TensorType>& inputs,
                       const std::vector<std::string_view>& captures);
  /// Names that the bodies take from around them, in order of first use. Constants are not among
  /// them: regions get their own.
  std::vector<std::string_view> captured_names(NodeImport& n,
                                               const std::vector<const GraphProto*>& bodies);

  /// The value of a name; makes a constant's node. Null where the name is unknown or absent.
  Value* resolve(Scope& scope, std::string_view name, const Origin& origin);
  void define(Scope& scope, std::string_view name, Binding binding);
  Tensor read(const TensorProto& proto);
  Tensor read(const SparseTensorProto& proto);
  int64_t& fresh() { return fresh_; }
  /// Nodes imported so far, those of functions and bodies each time.
  int64_t nodes() const { return nodes_; }
  /// Counts nodes of a body that was imported again; an error where loops within loops do so over
  /// and over.
  void charge_repeated(int64_t nodes);
  bool keeps_identities() const { return options_.keep_identities; }
  bool mixes_doubles() const { return options_.mix_doubles; }
  /// Whether the caller gave shapes: they may rule out branches of a sound model.
  bool has_given_shapes() const { return !options_.input_shapes.empty(); }

 private:
  void check_versions();
  void index_functions();
  void import_inputs(Scope& scope);
  void fix_input(Scope& scope, const ValueInfoProto& input);
  TensorType input_type(const ValueInfoProto& input);
  TensorType declared_type(const ValueInfoProto& input);
  void pin_sizes(const std::string& name, const Dims& declared, const Dims& wanted);
  void import_initializers(Scope& scope, const GraphProto& graph);
  void import_node(Scope& scope, const NodeProto& node);
  /// Notes a node or a value of the model's own graph for the caller's trace.
  void trace_node(const Scope& scope, const NodeProto& node, int64_t opset);
  OnnxTrace::Node traced(const NodeProto& node, int64_t opset, bool in_body);
  OnnxTrace::Graph traced(std::string_view attribute, const GraphProto& graph);
  void trace_value(const Scope& scope, std::string_view name, const Binding& binding);
  void check_operands(Scope& scope, const NodeProto& node, const std::vector<NodeProto>& all);
  void dispatch(NodeImport& n, Scope& scope);
  /// Asks the caller of the import (import_custom.cc); whether it knew the operator.
  bool import_custom(NodeImport& n, Scope& scope);
  void call_function(NodeImport& n, Scope& scope, const FunctionProto& function);
  const FunctionProto* find_function(const NodeProto& node) const;
  /// Adds those among `nodes`; `at` is where they are, its name and operator left out.
  void find_unknown(const std::vector<NodeProto>& nodes, UnknownOnnxNode& at,
                    std::vector<UnknownOnnxNode>& out) const;
  int64_t inlined_nodes(const FunctionProto& function, int depth);
  int64_t inlined_nodes(const std::vector<NodeProto>& nodes, int depth);
  void check_outputs(const Values& outputs);
  [[noreturn]] void fail(Code code, const std::string& message) const {
    throw ImportFailure{Status(code, message)};
  }

  const ModelFile& file_;
  const ImportOptions& options_;
  TensorReader tensors_;
  Opsets opsets_;
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, const FunctionProto*>
      functions_;
  std::map<const FunctionProto*, Opsets> function_opsets_;
  std::map<const FunctionProto*, int64_t> function_nodes_;   // with what they call, inlined
  std::map<std::string, std::string, std::less<>> symbols_;  // dim_param to symbol
  std::unordered_set<std::string> symbol_texts_;             // the symbols
  std::unordered_map<std::string, int64_t> repeats_;         // names that differ only as dim_param
  std::map<std::string, Dim, std::less<>> pinned_;           // symbol to what options give it
  int64_t fresh_ = 0;
  int64_t nodes_ = 0, repeated_nodes_ = 0;
};

/// An attribute for callers of the import; nothing where it is a graph or a type.
std::optional<OnnxAttribute> value_of(Session& session, const AttributeProto& attribute);
/// "conv1 (Conv)": the name, or the first output where it has none.
std::string describe(const NodeProto& node);
std::vector<std::string> output_names(const GraphProto& graph);

}  // namespace carnot::onnx
