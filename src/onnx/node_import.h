#pragma once
// NodeImport: one ONNX node on its way into the Graph: what an importer function sees of it.
#include <string>
#include <string_view>
#include <vector>

#include "onnx/emit.h"
#include "onnx/proto.h"

namespace carnot::onnx {

class Session;
struct Scope;

class NodeImport : public Emit {
 public:
  NodeImport(Session& session, Scope& scope, const NodeProto& node, int64_t opset, Origin origin);

  // The node. Its opset is that of its domain.
  int64_t opset() const { return opset_; }
  std::string_view type() const { return node_.op_type; }
  const NodeProto& node() const { return node_; }
  Session& session() { return session_; }
  Scope& scope() { return scope_; }
  /// What symbols defined by this node are called after.
  std::string_view hint() const;

  // Operands; an absent optional one is null.
  size_t input_count() const { return node_.inputs.size(); }
  bool has_input(size_t index) const;
  Value* in(size_t index);   ///< an error where it is absent
  Value* opt(size_t index);  ///< null where it is absent
  Values all_inputs();       ///< an error where one is absent
  const TensorType& type(size_t index) { return in(index)->type(); }
  int64_t rank(size_t index) { return type(index).rank(); }

  // Results.
  size_t output_count() const { return node_.outputs.size(); }
  /// Whether the node names this output.
  bool wants(size_t index) const;
  void out(size_t index, Value* value);
  void out(Value* value) { out(0, value); }

  // Attributes; the value given stands in for an absent one. One of another type is an error.
  bool has(std::string_view name) const { return find(name) != nullptr; }
  int64_t integer(std::string_view name, int64_t otherwise) const;
  int64_t integer(std::string_view name) const;  ///< must be there
  bool flag(std::string_view name, bool otherwise) const { return integer(name, otherwise) != 0; }
  double real(std::string_view name, double otherwise) const;
  std::string text(std::string_view name, std::string_view otherwise) const;
  std::vector<int64_t> integers(std::string_view name, std::vector<int64_t> otherwise = {}) const;
  std::vector<double> reals(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  /// A TENSOR attribute, or nothing.
  std::optional<Tensor> tensor(std::string_view name) const;
  const GraphProto& subgraph(std::string_view name) const;
  /// The attribute as the caller of a function gave it, or null.
  const AttributeProto* find(std::string_view name) const;
  /// A DType attribute in ONNX's numbers, or `otherwise` where it is absent.
  DType dtype(std::string_view name, DType otherwise) const;

  /// The axis counted from the front; an error where it is out of range.
  int64_t axis(int64_t value, int64_t rank) const;
  std::vector<int64_t> axes(std::vector<int64_t> values, int64_t rank) const;  ///< and no repeats
  /// Integers of an operand that must be known now; `what` names it: "the axes".
  std::vector<int64_t> known_integers(size_t index, const char* what);
  /// Integers that older opsets have as an attribute and newer ones as operand `index`.
  std::optional<std::vector<int64_t>> attribute_or_input(std::string_view name, size_t index);

 private:
  const AttributeProto* find(std::string_view name, AttributeProto::Type type) const;

  Session& session_;
  Scope& scope_;
  const NodeProto& node_;
  int64_t opset_;
};

}  // namespace carnot::onnx
