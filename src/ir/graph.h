#pragma once
// Graph: operations on tensors with symbolic shapes, in an order where every value is defined
// before it is used. The Graph owns its nodes and values; everyone else holds raw pointers.
#include <cstdint>
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
  std::vector<Node*> users;  ///< once per use, so a node may appear twice; in no promised order
  const TensorType& type() const { return info.type; }

 private:
  friend class Graph;
  friend class Verifier;
  std::vector<uint32_t> operands_;  // parallel to users: which operand of the user this is
  int output_uses_ = 0;             // how often the value is an output of its graph
};

/// `inputs` are changed through the Graph only (set_input, set_inputs): it keeps track of uses.
struct Node {
  Op op;
  std::vector<Value*> inputs;
  std::vector<Value*> outputs;
  std::vector<std::unique_ptr<Graph>> regions;
  Origin origin;
  Value* output() const { return outputs[0]; }
  template <class T>
  const T* as() const {
    return std::get_if<T>(&op);
  }
  template <class T>
  T* as() {
    return std::get_if<T>(&op);
  }

 private:
  friend class Graph;
  friend class Verifier;
  std::vector<uint32_t> uses_;  // parallel to inputs: where in its users this use stands
  std::vector<std::unique_ptr<Value>> results_;
  std::list<std::unique_ptr<Node>>::iterator position_;
};
/// "conv (from conv1 (Conv))": how messages name a node.
std::string describe(const Node& node);

class Graph {
 public:
  /// Regions nest no deeper than this; add() refuses what would.
  static constexpr int kMaxNesting = 32;

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
  void set_outputs(std::vector<Value*> outputs);
  /// The names that the user sees for outputs, parallel to outputs(): first the values' names.
  std::vector<std::string> output_names;
  /// Only where the input has no use.
  void remove_input(size_t index);

  /// Nodes in order. The list is stable under insertion and under erasing other nodes.
  std::vector<Node*> nodes() const;
  size_t size() const { return nodes_.size(); }
  bool is_output(const Value* value) const { return value->output_uses_ > 0; }
  /// Operands and outputs alike.
  void replace_uses(Value* from, Value* to);
  /// Replaces one operand of one node.
  void set_input(Node* node, size_t index, Value* value);
  /// Replaces all operands of a node; their number may change.
  void set_inputs(Node* node, std::vector<Value*> values);
  /// Only where no result has a use.
  void erase(Node* node);
  /// Infers all results again after ops or inputs changed, inside regions too: captured values
  /// tell a region what is known of them outside.
  Status reinfer();
  /// Moves a node to just before another (the caller keeps definitions before uses).
  void move_before(Node* node, Node* before);
  /// Erases nodes that no output needs, inside regions too. Returns how many.
  int remove_dead();
  /// 1, or one more than the deepest region's.
  int nesting() const { return nesting_; }

 private:
  void link(Node* node, size_t index, Value* value);
  void unlink(Node* node, size_t index);

  std::list<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Value>> input_values_;  // parallel to inputs_, which it owns
  std::vector<Value*> inputs_, outputs_;
  int nesting_ = 1;
};

/// How many regions a node of this kind has: 2 for if; 1 for loop, scan and fused; else 0.
int region_count(const Op& op);
/// The infos of the node's results, from its operands' (and a fused node's region).
Result<std::vector<Info>> infer_node(const Op& op, const std::vector<Value*>& inputs,
                                     const std::vector<std::unique_ptr<Graph>>& regions);
/// Index of the first operand that a region only captures (if: 1, loop: 2 + carried, ...), and of
/// the region input that receives it.
struct Captures {
  size_t operand = 0, input = 0;
};
Captures captures_of(const Op& op);

/// The constant tensor behind a value, or null.
const Tensor* constant_of(const Value* value);
/// Every broken invariant is an error that names the node: order, uses, types, arity, regions,
/// symbols that nobody defines.
Status verify(const Graph& graph);

/// Text (grammar in ir/text.h, with options); print(parse(t)) == t up to spaces.
std::string print(const Graph& graph);
Result<Graph> parse_graph(std::string_view text);

}  // namespace carnot
