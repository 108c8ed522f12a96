#include "emit.h"

namespace trt {

using carnot::Dim;
using carnot::ScalarOp;
using carnot::ScalarProgram;
namespace op = carnot::op;

std::optional<Ints> Emit::known_ints(Handle h) const {
  const auto& known = elements(h);
  if (!known) return std::nullopt;
  Ints out;
  for (const Dim& d : *known) {
    if (!d.is_constant()) return std::nullopt;
    out.push_back(d.value());
  }
  return out;
}

Values Emit::add(const carnot::Operation& operation, const Values& inputs,
                 std::span<carnot::Network> bodies) {
  return take(net.add(operation, inputs, bodies));
}

Handle Emit::scalar(DType dtype, double value) {
  carnot::Tensor t = take(carnot::Tensor::allocate(dtype, {}));
  t.set(0, value);
  return constant(std::move(t));
}

Handle Emit::ints(const Ints& values) {
  return constant(carnot::Tensor::from_i64({static_cast<int64_t>(values.size())}, values));
}

Handle Emit::map(std::string_view body, const Values& inputs) {
  op::Pointwise p;
  p.body = take(carnot::parse_scalar_program(body, static_cast<int32_t>(inputs.size())));
  return make(p, inputs);
}

Handle Emit::unary(ScalarOp scalar_op, Handle a) {
  op::Pointwise p;
  p.body.inputs = 1;
  p.body.results = {p.body.add(scalar_op, 0)};
  return make(p, {a});
}

Handle Emit::binary(ScalarOp scalar_op, Handle a, Handle b) {
  op::Pointwise p;
  p.body.inputs = 2;
  p.body.results = {p.body.add(scalar_op, 0, 1)};
  return make(p, {a, b});
}

Handle Emit::cast(Handle x, DType to) {
  if (dtype(x) == to) return x;
  op::Pointwise p;
  p.body.inputs = 1;
  p.body.results = {p.body.cast(0, to)};
  return make(p, {x});
}

Handle Emit::reshape(Handle x, const carnot::Dims& sizes) {
  if (dims(x) == sizes) return x;
  return make(op::Reshape{sizes}, {x});
}

Handle Emit::transpose(Handle x, const Ints& perm) {
  bool same = true;
  for (size_t i = 0; i < perm.size(); ++i) same = same && perm[i] == static_cast<int64_t>(i);
  return same ? x : make(op::Transpose{perm}, {x});
}

Handle Emit::expand(Handle x, const carnot::Dims& sizes) {
  if (dims(x) == sizes) return x;
  return make(op::Expand{sizes}, {x});
}

Handle Emit::slice(Handle x, int64_t axis, const Dim& start, const Dim& size) {
  op::Slice s;
  s.starts.assign(dims(x).size(), Dim(0));
  s.sizes = dims(x);
  s.steps.assign(dims(x).size(), 1);
  s.starts[static_cast<size_t>(axis)] = start;
  s.sizes[static_cast<size_t>(axis)] = size;
  return make(s, {x});
}

Handle Emit::pad(Handle x, const carnot::Dims& lo, const carnot::Dims& hi) {
  const carnot::Dims none(dims(x).size(), Dim(0));
  if (lo == none && hi == none) return x;
  return make(op::Pad{lo, hi, op::Pad::kConstant}, {x});
}

Handle Emit::concat(const Values& parts, int64_t axis) {
  return parts.size() == 1 ? parts[0] : make(op::Concat{axis}, parts);
}

Handle Emit::gather(Handle x, Handle index, int64_t axis) {
  return make(op::Gather{axis}, {x, index});
}

Handle Emit::shape_of(Handle x) {
  return make(op::ShapeOf{}, {x});
}

Handle Emit::reduce(op::Reduce::Kind kind, Handle x, const Ints& axes, bool keep) {
  if (axes.empty()) return x;
  return make(op::Reduce{kind, axes, keep}, {x});
}

Handle Emit::matmul(Handle a, Handle b) {
  return make(op::MatMul{}, {a, b});
}

Handle Emit::with_rank(Handle x, int64_t wanted) {
  carnot::Dims sizes(static_cast<size_t>(std::max<int64_t>(wanted - rank(x), 0)), Dim(1));
  sizes.insert(sizes.end(), dims(x).begin(), dims(x).end());
  return reshape(x, sizes);
}

Ints axes_of(uint32_t mask) {
  Ints out;
  for (int64_t i = 0; i < 32; ++i) {
    if (mask >> i & 1) out.push_back(i);
  }
  return out;
}

}  // namespace trt
