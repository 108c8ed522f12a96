#pragma once
// Emit: appends canonical nodes to a graph, with the idioms that importers are written in. A failed
// step leaves by the private exception ImportFailure, which the import of one node catches
// (import_nodes.cc): so decompositions read as formulas and no half-made value is ever looked at.
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "ir/graph.h"

namespace carnot::onnx {

/// Never leaves src/onnx.
struct ImportFailure {
  Status status;
};

/// Small tensors known at import (constants, and what is computed from them), by value.
using KnownValues = std::unordered_map<const Value*, Tensor>;

using Values = std::vector<Value*>;

class Emit {
 public:
  Emit(Graph& graph, KnownValues& known, int64_t& fresh, Origin origin)
      : graph_(graph), known_(known), fresh_(fresh), origin_(std::move(origin)) {}

  /// The model breaks ONNX's rules.
  template <class... Args>
  [[noreturn]] void invalid(const Args&... args) const {
    throw ImportFailure{error(Code::kInvalidModel, args...)};
  }
  /// Legal, but beyond us; say what to do.
  template <class... Args>
  [[noreturn]] void unsupported(const Args&... args) const {
    throw ImportFailure{error(Code::kUnsupported, args...)};
  }
  void require(const Status& status) const {
    if (!status.ok()) throw ImportFailure{status};
  }
  template <class T>
  T take(Result<T> result) const {
    if (!result.ok()) throw ImportFailure{std::move(result).status()};
    return std::move(*result);
  }

  Graph& graph() { return graph_; }
  const Origin& origin() const { return origin_; }

  // Nodes.
  Node* add(Op op, Values inputs, std::vector<std::unique_ptr<Graph>> regions = {});
  Value* make(Op op, Values inputs) { return add(std::move(op), std::move(inputs))->output(); }

  // Constants.
  Value* constant(Tensor value);
  Value* scalar(DType dtype, double value);
  Value* scalar_i64(int64_t value) { return constant(Tensor::from_i64({}, {value})); }
  Value* vector_i64(const std::vector<int64_t>& values);
  /// A fill value repeated over a shape without being stored.
  Value* filled(const Tensor& fill, const Dims& dims);

  // What is known.
  const Tensor* known(const Value* value) const;
  /// Elements of a known or symbolic integer vector or scalar.
  std::optional<Dims> elements(const Value* value) const;
  /// Elements of an integer vector of known length one by one, as far as they are known; nothing
  /// where the length is not.
  std::optional<std::vector<std::optional<Dim>>> partial_elements(const Value* value) const;
  std::optional<std::vector<int64_t>> known_ints(const Value* value) const;
  std::optional<double> known_number(const Value* value) const;  ///< of a one-element value
  /// A new symbol for a size that only the data gives, "<hint>.data<n>".
  Dim fresh_symbol(std::string_view hint);

  // Elementwise. In a body `#1.5` is a constant of the first operand's element type (or of
  // `dtype`); everything else is the text of a ScalarProgram.
  Value* map(std::string_view body, Values inputs);
  Value* map(std::string_view body, Values inputs, DType dtype);
  Value* apply(ScalarProgram body, Values inputs);
  Value* unary(ScalarOp op, Value* a);
  Value* binary(ScalarOp op, Value* a, Value* b);
  Value* add2(Value* a, Value* b) { return binary(ScalarOp::kAdd, a, b); }
  Value* sub(Value* a, Value* b) { return binary(ScalarOp::kSub, a, b); }
  Value* mul(Value* a, Value* b) { return binary(ScalarOp::kMul, a, b); }
  Value* div(Value* a, Value* b) { return binary(ScalarOp::kDiv, a, b); }
  Value* cast(Value* x, DType to);

  // Shape. Each returns its operand where it changes nothing.
  Value* reshape(Value* x, const Dims& dims);
  Value* transpose(Value* x, const std::vector<int64_t>& perm);
  Value* expand(Value* x, const Dims& dims);
  Value* slice(Value* x, int64_t axis, const Dim& start, const Dim& size);
  Value* concat(const Values& values, int64_t axis);
  /// Inserts axes of size 1 so that x, whose axes are `axes` of a tensor of rank `rank`, broadcasts
  /// to that tensor.
  Value* align(Value* x, const std::vector<int64_t>& axes, int64_t rank);
  Value* flatten(Value* x) { return reshape(x, {product(x->type().dims)}); }
  Value* unsqueeze(Value* x, int64_t axis);
  Value* squeeze(Value* x, int64_t axis);
  /// The shape as an i64 vector; a constant where it is known.
  Value* shape_of(Value* x);
  /// One size as i64 [1].
  Value* size_of(Value* x, int64_t axis);

  // Others.
  Value* reduce(op::Reduce::Kind kind, Value* x, std::vector<int64_t> axes, bool keep);
  Value* matmul(Value* a, Value* b);
  Value* iota(const Dims& dims, int64_t axis, DType dtype = DType::kI64);
  Value* gather(Value* x, Value* indices, int64_t axis);
  Value* pad(Value* x, const Dims& lo, const Dims& hi, Value* fill = nullptr);
  Value* softmax(Value* x, int64_t axis, bool log = false);

 private:
  void learn(const Node& node);

  Graph& graph_;
  KnownValues& known_;
  int64_t& fresh_;
  Origin origin_;
};

// Sizes, reasoned about with every symbol at least 1, or 0 where the data gives it.

/// True where a <= b whatever the symbols are; false where that is not so or not seen.
bool surely_le(const Dim& a, const Dim& b);
/// min and max without the expression where the order is known.
Dim smaller(const Dim& a, const Dim& b);
Dim larger(const Dim& a, const Dim& b);
/// What numpy's broadcasting makes of two sizes; `a` where they contradict each other.
Dim broadcast_size(const Dim& a, const Dim& b);
Dims broadcast_dims(const Dims& a, const Dims& b);

/// Characters that a symbol's text form takes bare; others become '_'.
std::string symbol_text(std::string_view name);

}  // namespace carnot::onnx
