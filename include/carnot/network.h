#pragma once
// Network: what a user wants computed, from an ONNX file or operation by operation.
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "carnot/op_structs.h"

namespace carnot {

class Graph;
struct Value;

namespace detail {
template <class, class... Ops>
struct AnyOperation {
  using type = std::variant<Ops...>;
};
}  // namespace detail

// clang-format off
/// Any of the operations of carnot/op_structs.h.
using Operation = detail::AnyOperation<void
#define CARNOT_OP(T) , op::T
#include "carnot/ops.def"
>::type;
// clang-format on

/// Name, element type and shape of an input or output; unknown sizes are symbols ("?batch").
struct TensorSpec {
  std::string name;
  TensorType type;
};

/// Sizes for one input while it is imported: a number pins an axis, -1 leaves it as the model has
/// it.
struct InputShape {
  std::string name;
  Shape shape;
};

/// Which node of an ONNX model an import stopped at.
struct ImportProblem {
  int64_t node = -1;  ///< index in the model's graph; -1: not a node
  std::string name, op_type;
};

/// An ONNX model in memory and what it refers to. All of it must outlive the Network.
struct OnnxModel {
  std::span<const std::byte> bytes;
  std::string folder = {};  ///< where external data may lie; empty: it is refused
  /// The elements of initializers by name, in place of where the model says that they are.
  std::map<std::string, std::span<const std::byte>, std::less<>> initializers = {};
};

/// A node of an ONNX model's graph, in the model's order.
struct OnnxNode {
  std::string name, op_type, domain;
  std::vector<std::string> outputs;
};
Result<std::vector<OnnxNode>> onnx_nodes(std::span<const std::byte> model);
/// Whether some opset's operator of this name (of the standard domain) can be imported.
bool supports_onnx_op(std::string_view op_type);

class Network {
 public:
  Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();

  /// Reads an ONNX model. External data is opened only beneath the model's folder. Errors name the
  /// node, its operator, the reason and what to do.
  static Result<Network> from_onnx(const std::string& path, std::span<const InputShape> shapes = {},
                                   ImportProblem* problem = nullptr);
  /// The same from memory; the bytes must outlive the Network.
  static Result<Network> from_onnx(std::span<const std::byte> bytes,
                                   std::span<const InputShape> shapes = {},
                                   ImportProblem* problem = nullptr);
  static Result<Network> from_onnx(const OnnxModel& model, std::span<const InputShape> shapes = {},
                                   ImportProblem* problem = nullptr);
  /// Reads the Graph's text form (docs/languages.md).
  static Result<Network> from_text(std::string_view text);
  std::string to_text() const;
  /// Constants are shared. Handles of one are none of the other, but nodes() and the rest list the
  /// same things in the same order.
  Network clone() const;

  /// A value inside one Network.
  class Handle {
   public:
    bool valid() const { return value_ != nullptr; }

    bool operator==(const Handle&) const = default;

   private:
    friend class Network;
    void* value_ = nullptr;
  };
  Handle add_input(const std::string& name, TensorType type);
  Handle add_constant(Tensor value);
  /// Adds an operation; its results in order. Fails where the operation refuses its operands. The
  /// bodies of if, loop and scan are Networks of their own, which are moved from.
#define CARNOT_OP(T)                                                               \
  Result<std::vector<Handle>> add(const op::T& op, std::span<const Handle> inputs, \
                                  std::span<Network> bodies = {});
#include "carnot/ops.def"
  Result<std::vector<Handle>> add(const Operation& op, std::span<const Handle> inputs,
                                  std::span<Network> bodies = {});
  /// Where the operations added from now on come from, for messages and profiles.
  void set_origin(std::vector<std::string> names);
  void mark_output(Handle value, const std::string& name);
  void clear_outputs();

  // What is there.
  struct Node {
    Operation op;
    std::vector<std::string> origin;  ///< ONNX nodes
    std::vector<Handle> inputs, outputs;
    std::vector<Network> bodies;  ///< copies
  };
  std::vector<Node> nodes() const;  ///< each after those that it uses
  std::vector<Handle> input_handles() const;
  std::vector<Handle> output_handles() const;
  const TensorType& type(Handle value) const;
  const std::string& name(Handle value) const;
  /// Each element of a small tensor where all follow from sizes and constants.
  const std::optional<Dims>& elements(Handle value) const;

  std::vector<TensorSpec> inputs() const;
  std::vector<TensorSpec> outputs() const;

  /// For the builder.
  Graph& graph() {
    return *graph_;
  }
  const Graph& graph() const {
    return *graph_;
  }

 private:
  static std::vector<Handle> handles(const std::vector<Value*>& values);

  std::unique_ptr<Graph> graph_;
  std::vector<std::string> origin_;
};

}  // namespace carnot
