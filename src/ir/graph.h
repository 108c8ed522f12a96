#pragma once
// Graph: operations on tensors with symbolic shapes, in an order where every value is defined
// before it is used. The Graph owns its nodes and values; everyone else holds raw pointers.
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace carnot {

class Graph;
struct Node;

/// Where a value came from: names of ONNX nodes ("conv1 (Conv)"), kept through every rewrite.
using Origin = std::vector<std::string>;
/// The union, in order, without repeats; at most kMaxOrigins are kept.
Origin merge(const Origin& a, const Origin& b);

struct Value {
  std::string name;
  Info info;
  Node* producer = nullptr;  ///< null for a graph input
  int result = 0;            ///< which result of the producer
  std::vector<Node*> users;  ///< once per use, so a node may appear twice
  const TensorType& type() const { return info.type; }
};

struct Node {
  Op op;
  std::vector<Value*> inputs;
  std::vector<Value*> outputs;
  std::vector<std::unique_ptr<Graph>> regions;
  Origin origin;
  Value* output() const { return outputs[0]; }
  template <class T>
  const T* as() const { return std::get_if<T>(&op); }
  template <class T>
  T* as() { return std::get_if<T>(&op); }
};

class Graph {
 public:
  Graph() = default;
  Graph(Graph&&) noexcept = default;
  Graph& operator=(Graph&&) noexcept = default;
  Graph clone() const;

  std::string name = "main";

  Value* add_input(std::string name, TensorType type);
  /// Appends a node (or inserts it before `before`), infers its results' types. `names` may be
  /// shorter than the results; missing ones are made unique when printed. Regions of fused, if,
  /// loop and scan are moved in.
  Result<Node*> add(Op op, std::vector<Value*> inputs, Origin origin,
                    std::vector<std::string> names = {}, Node* before = nullptr,
                    std::vector<std::unique_ptr<Graph>> regions = {});
  /// The common case: a node whose first result is wanted.
  Result<Value*> make(Op op, std::vector<Value*> inputs, const Origin& origin,
                      Node* before = nullptr);
  Value* constant(Tensor value, Origin origin = {}, Node* before = nullptr);

  const std::vector<Value*>& inputs() const { return inputs_; }
  const std::vector<Value*>& outputs() const { return outputs_; }
  void set_outputs(std::vector<Value*> outputs) { outputs_ = std::move(outputs); }
  /// The names that the user sees for outputs; parallel to outputs().
  std::vector<std::string> output_names;
  void remove_input(size_t index);

  /// Nodes in order. The list is stable under insertion and under erasing other nodes.
  std::vector<Node*> nodes() const;
  size_t size() const { return nodes_.size(); }
  bool is_output(const Value* value) const;
  void replace_uses(Value* from, Value* to);
  /// Replaces one operand of one node.
  void set_input(Node* node, size_t index, Value* value);
  /// Only where no result has a use.
  void erase(Node* node);
  /// Infers a node's results again after its op or inputs changed, and those of what follows.
  Status reinfer();
  /// Moves a node to just before another (the caller keeps definitions before uses).
  void move_before(Node* node, Node* before);
  /// Erases nodes that no output needs. Returns how many.
  int remove_dead();

 private:
  std::list<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Value>> values_;
  std::vector<Value*> inputs_, outputs_;
};

/// The constant tensor behind a value, or null.
const Tensor* constant_of(const Value* value);
/// Every broken invariant is an error that names the node: order, uses, types, arity, regions,
/// symbols that nobody defines.
Status verify(const Graph& graph);

/// Text (grammar in text.h's comment); print(parse(t)) == t up to spaces.
std::string print(const Graph& graph);
Result<Graph> parse_graph(std::string_view text);

}  // namespace carnot
