#include "onnx/emit.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <numeric>

#include "base/checked.h"
#include "base/text.h"

namespace carnot::onnx {

namespace {

// Values with more elements are data, not arithmetic on shapes: passes fold them if they like.
constexpr int64_t kKnownElementsMax = 1024;
constexpr int64_t kPartialMax = 64;  // entries of a shape that a run computes: one an axis

/// Kinds whose reference() is cheap on small operands and which shape arithmetic is made of.
bool is_foldable(const Op& op) {
  return std::holds_alternative<op::Pointwise>(op) || std::holds_alternative<op::Gather>(op) ||
         std::holds_alternative<op::Concat>(op) || std::holds_alternative<op::Reshape>(op) ||
         std::holds_alternative<op::Slice>(op) || std::holds_alternative<op::Expand>(op) ||
         std::holds_alternative<op::Transpose>(op) || std::holds_alternative<op::Reduce>(op) ||
         std::holds_alternative<op::Range>(op) || std::holds_alternative<op::NonZero>(op) ||
         std::holds_alternative<op::ScatterNd>(op) || std::holds_alternative<op::Cumulative>(op) ||
         std::holds_alternative<op::ScatterElements>(op) || std::holds_alternative<op::Iota>(op) ||
         std::holds_alternative<op::GatherNd>(op) || std::holds_alternative<op::Softmax>(op) ||
         std::holds_alternative<op::ArgReduce>(op);
}

std::optional<Tensor> from_elements(const Info& info) {
  if (!info.elements || !info.type.is_static()) return std::nullopt;
  Shape shape;
  for (const Dim& dim : info.type.dims) shape.push_back(dim.value());
  if (volume(shape) != static_cast<int64_t>(info.elements->size())) return std::nullopt;
  Tensor out = Tensor::zeros(info.type.dtype, shape);
  for (size_t i = 0; i < info.elements->size(); ++i) {
    const Dim& element = (*info.elements)[i];
    if (!element.is_constant()) return std::nullopt;
    const auto at = static_cast<int64_t>(i);
    if (is_float(out.dtype())) {
      out.set(at, static_cast<double>(element.value()));
    } else {
      out.set_int(at, element.value());
    }
  }
  return out;
}

bool is_small(const TensorType& type) {
  if (!type.is_static() || type.dtype == DType::kString) return false;
  int64_t count = 1;
  for (const Dim& dim : type.dims) {
    count = checked_mul(count, dim.value()).value_or(kKnownElementsMax + 1);
  }
  return count <= kKnownElementsMax;
}

/// "#1.5" as the scalar program's text has constants of this type.
std::string constant_text(std::string_view digits, DType dtype) {
  if (is_float(dtype)) {
    const double value = std::strtod(std::string(digits).c_str(), nullptr);
    return cat(print_float(value), ":", to_string(dtype));
  }
  int64_t value = 0;  // the whole part, exactly
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return cat(value, ":", to_string(dtype));
}

std::string typed_body(std::string_view body, DType dtype) {
  std::string out;
  for (size_t i = 0; i < body.size();) {
    if (body[i] != '#') {
      out += body[i++];
      continue;
    }
    const size_t start = ++i;
    const auto in_number = [&](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '+';
    };
    while (i < body.size() && in_number(body[i])) ++i;
    out += constant_text(body.substr(start, i - start), dtype);
  }
  return out;
}

}  // namespace

Node* Emit::add(Op op, Values inputs, std::vector<std::unique_ptr<Graph>> regions) {
  Node* const node =
      take(graph_.add(std::move(op), std::move(inputs), origin_, {}, nullptr, std::move(regions)));
  learn(*node);
  return node;
}

void Emit::learn(const Node& node) {
  for (const Value* value : node.outputs) {
    if (std::optional<Tensor> tensor = from_elements(value->info)) {
      known_.emplace(value, std::move(*tensor));
    }
  }
  if (!is_foldable(node.op) || known_.count(node.outputs[0])) return;
  for (const Value* value : node.outputs) {
    // What non_zero finds has at most as many columns as its operand has elements.
    if (!is_small(value->type()) && !node.as<op::NonZero>()) return;
  }
  std::vector<Tensor> operands;
  for (const Value* value : node.inputs) {
    const Tensor* const tensor = known(value);
    if (!tensor || tensor->elements() > kKnownElementsMax || !is_small(value->type())) return;
    operands.push_back(*tensor);
  }
  // A failure is not ours to report: the node stays, and the run says what is wrong with it.
  const Result<std::vector<Tensor>> results = reference(node.op, operands);
  if (!results.ok()) return;
  for (size_t i = 0; i < node.outputs.size(); ++i) known_.emplace(node.outputs[i], (*results)[i]);
}

Value* Emit::constant(Tensor value) {
  return graph_.constant(std::move(value), origin_);
}

Value* Emit::scalar(DType dtype, double value) {
  Tensor tensor = Tensor::zeros(dtype, {});
  tensor.set(0, value);
  return constant(std::move(tensor));
}

Value* Emit::vector_i64(const std::vector<int64_t>& values) {
  return constant(Tensor::from_i64({static_cast<int64_t>(values.size())}, values));
}

Value* Emit::filled(const Tensor& fill, const Dims& dims) {
  const bool is_static =
      std::all_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.is_constant(); });
  if (!is_static) return make(op::Expand{dims}, {constant(fill.reshaped({}))});
  Shape shape;
  for (const Dim& dim : dims) shape.push_back(dim.value());
  const int64_t count = take(element_count(shape));
  take(byte_size(count, std::max(bits_of(fill.dtype()), 1)));
  return constant(Tensor::splat(fill.reshaped({}), shape));
}

const Tensor* Emit::known(const Value* value) const {
  const auto found = known_.find(value);
  if (found != known_.end()) return &found->second;
  if (const Tensor* const tensor = constant_of(value)) return tensor;
  if (std::optional<Tensor> tensor = from_elements(value->info)) {
    return &known_.emplace(value, std::move(*tensor)).first->second;
  }
  return nullptr;
}

std::optional<Dims> Emit::elements(const Value* value) const {
  if (value->info.elements) return value->info.elements;
  const std::optional<std::vector<int64_t>> ints = known_ints(value);
  return ints ? std::optional(Dims(ints->begin(), ints->end())) : std::nullopt;
}

std::optional<std::vector<std::optional<Dim>>> Emit::partial_elements(const Value* value) const {
  using Partial = std::vector<std::optional<Dim>>;
  if (const std::optional<Dims> all = elements(value)) return Partial(all->begin(), all->end());
  const TensorType& type = value->type();
  if (type.rank() != 1 || !type.dims[0].is_constant() || type.dims[0].value() > kPartialMax) {
    return std::nullopt;
  }
  Partial out;
  if (value->producer && value->producer->as<op::Concat>()) {
    for (const Value* const part : value->producer->inputs) {
      const std::optional<Dims> known = elements(part);
      const auto count = static_cast<size_t>(part->type().dims[0].value());
      for (size_t i = 0; i < count; ++i) {
        out.push_back(known ? std::optional((*known)[i]) : std::nullopt);
      }
    }
  }
  out.resize(static_cast<size_t>(type.dims[0].value()));
  return out;
}

std::optional<std::vector<int64_t>> Emit::known_ints(const Value* value) const {
  const Tensor* const tensor = known(value);
  if (!tensor || !is_integer(tensor->dtype()) || tensor->elements() > kKnownElementsMax) {
    return std::nullopt;
  }
  std::vector<int64_t> out;
  for (int64_t i = 0; i < tensor->elements(); ++i) out.push_back(tensor->get_int(i));
  return out;
}

std::optional<double> Emit::known_number(const Value* value) const {
  const Tensor* const tensor = known(value);
  if (!tensor || tensor->elements() != 1 || tensor->dtype() == DType::kString) return std::nullopt;
  return tensor->get(0);
}

Value* Emit::map(std::string_view body, Values inputs) {
  const DType dtype = inputs.at(0)->type().dtype;
  return map(body, std::move(inputs), dtype);
}

Value* Emit::map(std::string_view body, Values inputs, DType dtype) {
  const auto count = static_cast<int32_t>(inputs.size());
  return apply(take(parse_scalar_program(typed_body(body, dtype), count)), std::move(inputs));
}

Value* Emit::apply(ScalarProgram body, Values inputs) {
  op::Pointwise pointwise;
  pointwise.body = std::move(body);
  return make(std::move(pointwise), std::move(inputs));
}

Value* Emit::unary(ScalarOp op, Value* a) {
  ScalarProgram body;
  body.inputs = 1;
  body.results = {body.add(op, 0)};
  return apply(std::move(body), {a});
}

Value* Emit::binary(ScalarOp op, Value* a, Value* b) {
  ScalarProgram body;
  body.inputs = 2;
  body.results = {body.add(op, 0, 1)};
  return apply(std::move(body), {a, b});
}

Value* Emit::cast(Value* x, DType to) {
  if (x->type().dtype == to) return x;
  if (x->type().dtype == DType::kString || to == DType::kString) {
    unsupported("conversions from and to strings are not supported: do them before the model");
  }
  ScalarProgram body;
  body.inputs = 1;
  body.results = {body.cast(0, to)};
  return apply(std::move(body), {x});
}

Value* Emit::reshape(Value* x, const Dims& dims) {
  return x->type().dims == dims ? x : make(op::Reshape{dims}, {x});
}

Value* Emit::transpose(Value* x, const std::vector<int64_t>& perm) {
  std::vector<int64_t> identity(perm.size());
  std::iota(identity.begin(), identity.end(), 0);
  return perm == identity ? x : make(op::Transpose{perm}, {x});
}

Value* Emit::expand(Value* x, const Dims& dims) {
  return x->type().dims == dims ? x : make(op::Expand{dims}, {x});
}

Value* Emit::slice(Value* x, int64_t axis, const Dim& start, const Dim& size) {
  op::Slice op;
  op.sizes = x->type().dims;
  op.starts.assign(op.sizes.size(), Dim(0));
  op.steps.assign(op.sizes.size(), 1);
  const auto at = static_cast<size_t>(axis);
  if (start.is(0) && op.sizes.at(at) == size) return x;
  op.starts.at(at) = start;
  op.sizes.at(at) = size;
  return make(std::move(op), {x});
}

Value* Emit::concat(const Values& values, int64_t axis) {
  return values.size() == 1 ? values[0] : make(op::Concat{axis}, values);
}

Value* Emit::align(Value* x, const std::vector<int64_t>& axes, int64_t rank) {
  if (axes.size() != x->type().dims.size()) {
    invalid("needs ", axes.size(), " axes where ", to_string(x->type()), " is given");
  }
  Dims dims(static_cast<size_t>(rank), Dim(1));
  for (size_t i = 0; i < axes.size(); ++i) {
    dims.at(static_cast<size_t>(axes[i])) = x->type().dims[i];
  }
  return reshape(x, dims);
}

Value* Emit::unsqueeze(Value* x, int64_t axis) {
  Dims dims = x->type().dims;
  dims.insert(dims.begin() + axis, Dim(1));
  return reshape(x, dims);
}

Value* Emit::squeeze(Value* x, int64_t axis) {
  Dims dims = x->type().dims;
  dims.erase(dims.begin() + axis);
  return reshape(x, dims);
}

Value* Emit::shape_of(Value* x) {
  if (!x->type().is_static()) return make(op::ShapeOf{}, {x});
  std::vector<int64_t> sizes;
  for (const Dim& dim : x->type().dims) sizes.push_back(dim.value());
  return vector_i64(sizes);
}

Value* Emit::size_of(Value* x, int64_t axis) {
  const Dim& size = x->type().dims.at(static_cast<size_t>(axis));
  if (size.is_constant()) return vector_i64({size.value()});
  return slice(shape_of(x), 0, axis, 1);
}

Value* Emit::reduce(op::Reduce::Kind kind, Value* x, std::vector<int64_t> axes, bool keep) {
  if (axes.empty()) return x;  // the operation would take all axes
  op::Reduce op;
  op.kind = kind;
  op.axes = std::move(axes);
  std::sort(op.axes.begin(), op.axes.end());
  op.keep = keep;
  return make(std::move(op), {x});
}

Value* Emit::matmul(Value* a, Value* b) {
  return make(op::MatMul{}, {a, b});
}

Value* Emit::iota(const Dims& dims, int64_t axis, DType dtype) {
  return make(op::Iota{dims, axis, dtype}, {});
}

Value* Emit::gather(Value* x, Value* indices, int64_t axis) {
  return make(op::Gather{axis}, {x, indices});
}

Value* Emit::pad(Value* x, const Dims& lo, const Dims& hi, Value* fill) {
  const auto is_zero = [](const Dim& dim) { return dim.is(0); };
  if (std::all_of(lo.begin(), lo.end(), is_zero) && std::all_of(hi.begin(), hi.end(), is_zero)) {
    return x;
  }
  op::Pad op;
  op.lo = lo;
  op.hi = hi;
  return make(std::move(op), fill ? Values{x, fill} : Values{x});
}

Value* Emit::softmax(Value* x, int64_t axis, bool log) {
  return make(op::Softmax{axis, log}, {x});
}

std::string symbol_text(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool bare = std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
    out += bare && static_cast<unsigned char>(c) < 0x80 ? c : '_';
  }
  constexpr size_t kSymbolMax = 200;
  if (out.size() > kSymbolMax) out.resize(kSymbolMax);
  return out.empty() ? "_" : out;
}

}  // namespace carnot::onnx
