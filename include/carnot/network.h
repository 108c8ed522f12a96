#pragma once
// Network: what a user wants computed, from an ONNX file or operation by operation.
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "carnot/op_structs.h"

namespace carnot {

class Graph;

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

class Network {
 public:
  Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();

  /// Reads an ONNX model. External data is opened only beneath the model's folder. Errors name the
  /// node, its operator, the reason and what to do.
  static Result<Network> from_onnx(const std::string& path,
                                   std::span<const InputShape> shapes = {});
  /// The same from memory; the bytes must outlive the Network.
  static Result<Network> from_onnx(std::span<const std::byte> bytes,
                                   std::span<const InputShape> shapes = {});
  /// Reads the Graph's text form (docs/languages.md).
  static Result<Network> from_text(std::string_view text);
  std::string to_text() const;

  /// A value inside one Network.
  class Handle {
   public:
    bool valid() const { return value_ != nullptr; }

   private:
    friend class Network;
    void* value_ = nullptr;
  };
  Handle add_input(const std::string& name, TensorType type);
  Handle add_constant(Tensor value);
  /// Adds an operation; its results in order. Fails where the operation refuses its operands.
#define CARNOT_OP(T) \
  Result<std::vector<Handle>> add(const op::T& op, std::span<const Handle> inputs);
#include "carnot/ops.def"
  void mark_output(Handle value, const std::string& name);

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
  std::unique_ptr<Graph> graph_;
};

}  // namespace carnot
