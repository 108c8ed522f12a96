#pragma once
// Emit: appends operations to a carnot::Network, with the idioms that layers are written in. A step
// that fails leaves by the private exception EmitFailure, which Scope catches for each layer.
#include <map>
#include <string_view>

#include "carnot/network.h"
#include "convert.h"

namespace trt {

using carnot::DType;
using Handle = carnot::Network::Handle;
using Values = std::vector<Handle>;
using Ints = std::vector<int64_t>;

/// Never leaves a Scope.
struct EmitFailure {
  carnot::Status status;
};

template <class... Args>
[[noreturn]] void refuse(const Args&... why) {
  throw EmitFailure{carnot::Status(carnot::Code::kInvalidArgument, cat(why...))};
}
template <class... Args>
[[noreturn]] void unsupported(const Args&... why) {
  throw EmitFailure{carnot::Status(carnot::Code::kUnsupported, cat(why...))};
}
template <class T>
T take(carnot::Result<T> result) {
  if (!result.ok()) throw EmitFailure{std::move(result).status()};
  return std::move(*result);
}

class Emit {
 public:
  Emit(carnot::Network& network, int64_t& fresh) : net(network), fresh_(fresh) {}

  carnot::Network& net;

  DType dtype(Handle h) const { return net.type(h).dtype; }
  const carnot::Dims& dims(Handle h) const { return net.type(h).dims; }
  int64_t rank(Handle h) const { return net.type(h).rank(); }
  bool is_float(Handle h) const { return carnot::is_float(dtype(h)); }
  /// Elements of a small tensor as far as they follow from sizes.
  const std::optional<carnot::Dims>& elements(Handle h) const { return net.elements(h); }
  std::optional<Ints> known_ints(Handle h) const;
  /// A size that only the data gives.
  carnot::Dim fresh(std::string_view hint) {
    return carnot::Dim::symbol(cat("trt.", hint, fresh_++));
  }

  Values add(const carnot::Operation& op, const Values& inputs,
             std::span<carnot::Network> bodies = {});
  Handle make(const carnot::Operation& op, const Values& inputs) { return add(op, inputs)[0]; }

  Handle constant(carnot::Tensor value) { return net.add_constant(std::move(value)); }
  Handle weights(const Weights& w, const carnot::Shape& shape) {
    return constant(take(tensor_of(w, shape)));
  }
  Handle scalar(DType dtype, double value);
  Handle ints(const Ints& values);

  /// `body` is a ScalarProgram's text.
  Handle map(std::string_view body, const Values& inputs);
  Handle unary(carnot::ScalarOp op, Handle a);
  Handle binary(carnot::ScalarOp op, Handle a, Handle b);
  Handle cast(Handle x, DType to);

  // Each returns its operand where it changes nothing.
  Handle reshape(Handle x, const carnot::Dims& sizes);
  Handle transpose(Handle x, const Ints& perm);
  Handle expand(Handle x, const carnot::Dims& sizes);
  Handle slice(Handle x, int64_t axis, const carnot::Dim& start, const carnot::Dim& size);
  Handle pad(Handle x, const carnot::Dims& lo, const carnot::Dims& hi);
  Handle concat(const Values& parts, int64_t axis);
  Handle gather(Handle x, Handle index, int64_t axis);
  Handle shape_of(Handle x);
  Handle reduce(carnot::op::Reduce::Kind kind, Handle x, const Ints& axes, bool keep);
  Handle matmul(Handle a, Handle b);
  /// x with axes of size 1 put before its first until it has `rank`.
  Handle with_rank(Handle x, int64_t rank);

 private:
  int64_t& fresh_;
};

/// Axes whose bit is set.
Ints axes_of(uint32_t mask);

}  // namespace trt
