#pragma once
// An ONNX model with operators of the user's own: they become custom operations.
#include <functional>

#include "carnot/network.h"

namespace carnot {

using OnnxAttribute = std::variant<int64_t, double, std::string, std::vector<int64_t>,
                                   std::vector<double>, std::vector<std::string>, Tensor>;

/// A node of a model, as far as its operands are known when it is imported.
struct OnnxCall {
  struct Operand {
    TensorType type;
    std::optional<Dims> elements;  ///< as Network::elements()
  };
  std::string op_type, domain, name;
  std::vector<std::pair<std::string, OnnxAttribute>> attributes;
  std::vector<Operand> operands;  ///< those that are present
  size_t results = 0;
  bool in_body = false;  ///< of a branch, a loop or a function
};

/// What a model's own graph says, for those who show it node by node.
struct OnnxTrace {
  struct Graph;
  struct Node {
    std::string name, op_type, domain;
    int64_t opset = 0;                         ///< of its domain; 0: the model imports none
    std::vector<std::string> inputs, outputs;  ///< an absent one is empty
    std::vector<std::pair<std::string, OnnxAttribute>> attributes;  ///< all but graphs
    std::vector<Graph> graphs;                                      ///< of If, Loop and Scan
  };
  /// A node's body. Values of Constant nodes are among the nodes' attributes.
  struct Graph {
    std::string attribute, name;
    std::vector<std::string> inputs, outputs;
    std::vector<std::pair<std::string, Tensor>> initializers;
    std::vector<Node> nodes;
  };
  std::vector<Node> nodes;
  std::vector<std::string> inputs;  ///< of the graph, those with an initializer too
  /// Initializers, and results of nodes that the import knows.
  std::map<std::string, Tensor, std::less<>> constants;
  /// Names of values that the Network calls by another one.
  std::map<std::string, std::string, std::less<>> aliases;
};

/// What a model says of its graph before any import: what each node takes, what values are.
struct OnnxOutline {
  struct Value {
    std::optional<DType> dtype;  ///< nothing: no tensor, or of a type that Carnot has not
    bool ranked = false;         ///< its shape is told
    bool sized = false;          ///< and each size in it is a number or has a name
  };
  std::vector<std::vector<std::string>> reads;  ///< by node, with what its bodies take from outside
  std::map<std::string, Value, std::less<>> values;
  std::vector<std::string> inputs, outputs;  ///< inputs: those without an initializer
  std::vector<std::string> domains;          ///< of operators, that the model imports
};
Result<OnnxOutline> onnx_outline(std::span<const std::byte> model);

struct OnnxImport {
  std::span<const InputShape> shapes;
  ImportProblem* problem = nullptr;
  /// Asked for each operator that Carnot has no import for; gives the operation that it becomes, or
  /// nothing where it is not the user's.
  std::function<Result<std::optional<op::Custom>>(const OnnxCall&)> custom;
  /// Asks for every operator, before Carnot's own import.
  bool custom_first = false;
  /// Gets what nodes without a name are called by: their first outputs.
  std::vector<std::string>* unnamed = nullptr;
  /// Identity nodes become reshapes to the shape that is there, where they would become nothing:
  /// those of the model's own graph whose values are computed. Their results then have names.
  bool keep_identities = false;
  /// Where arithmetic meets f32 and f64, which ONNX rules out, the f32 becomes f64.
  bool mix_doubles = false;
  OnnxTrace* trace = nullptr;  ///< filled in by a successful import; may be null
};

/// A node of an operator that Carnot has no import for and the model no function.
struct UnknownOnnxNode {
  size_t index = 0;  ///< in the model's graph: of the node, or of the one that it is inside of
  std::string name, op_type, domain;
  std::vector<std::pair<std::string, std::string>> texts;  ///< its attributes that are text
  /// The calls of functions that lead to it, the first from the graph: "name (function)".
  std::vector<std::string> calls;
};
/// All of them in the model's order, those in functions, branches and loops too.
Result<std::vector<UnknownOnnxNode>> unknown_onnx_nodes(std::span<const std::byte> model);

/// As Network::from_onnx().
Result<Network> import_onnx_model(const std::string& path, const OnnxImport& options);
Result<Network> import_onnx_model(const OnnxModel& model, const OnnxImport& options);

}  // namespace carnot
