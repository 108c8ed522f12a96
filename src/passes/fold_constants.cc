// Computes at build time what does not depend on the graph's inputs: values whose elements are
// known (shape arithmetic) become constants or expressions over sizes, nodes with constant operands
// become their results. Bounded: large fills stay one stored element, and what would grow the model
// or take long stays where it is.
#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "ir/executor.h"
#include "ir/inline.h"
#include "ir/match.h"
#include "ir/symbols.h"
#include "passes/cast.h"
#include "passes/passes.h"

namespace carnot {
namespace {

// A result may be this large, or this many times its operands (weights that are unpacked).
constexpr int64_t kBytesMax = int64_t{64} << 20;
constexpr int64_t kGrowthMax = 4;
// All results of one run of the pass.
constexpr int64_t kTotalBytesMax = int64_t{2} << 30;
// Multiplications of one node: about a second of reference().
constexpr double kWorkMax = 1e8;
// Results of data-dependent size have at most this many operand elements.
constexpr int64_t kUnknownElementsMax = 1 << 20;
// An iota is cheaper to make than to load.
constexpr int64_t kIotaElementsMax = 4096;
// A fill of more bytes than this is stored as one element.
constexpr int64_t kDenseBytesMax = 4096;

Result<int64_t> bytes_of(const TensorType& type) {
  const std::optional<Shape> shape = known_shape(type.dims, {});
  if (!shape) return error(Code::kUnsupported, "the shape is not known");
  CARNOT_ASSIGN(const int64_t count, element_count(*shape));
  return byte_size(count, std::max(bits_of(type.dtype), 1));
}

// Multiplications (or what costs as much) to compute this many elements of results.
double work_of(const Node& node, double elements) {
  const auto size = [&](size_t input, int64_t axis) -> double {
    const Dims& dims = node.inputs[input]->type().dims;
    const Dim& dim = dims[static_cast<size_t>(axis < 0 ? axis + std::ssize(dims) : axis)];
    return dim.is_constant() ? static_cast<double>(dim.value()) : 1;
  };
  const auto volume_of = [&](size_t input) {
    double total = 1;
    for (int64_t i = 0; i < node.inputs[input]->type().rank(); ++i) total *= size(input, i);
    return total;
  };
  if (const auto* matmul = node.as<op::MatMul>()) {
    return elements * size(0, matmul->transpose_a ? -2 : -1);
  }
  if (node.as<op::Conv>() || node.as<op::ConvTranspose>()) {
    return elements * volume_of(1) / std::max(size(1, 0), 1.0);
  }
  if (node.as<op::Attention>()) return elements * volume_of(1);
  if (node.as<op::Recurrent>()) return elements * (volume_of(1) + volume_of(2));
  if (node.as<op::Einsum>()) {
    double total = elements;
    for (size_t i = 0; i < node.inputs.size(); ++i) total *= volume_of(i);
    return total;
  }
  return 0;  // as good as a copy
}

// Whether a result of unknown size holds no more than a few numbers for each operand's element.
bool bounded_by_operands(const Node& node) {
  return node.as<op::NonZero>() || node.as<op::Unique>() || node.as<op::NonMaxSuppression>() ||
         node.as<op::Reshape>() || node.as<op::Slice>() || node.as<op::TopK>();
}

// The first element as a tensor of its own.
Tensor element_of(const Tensor& tensor) {
  Tensor out = Tensor::zeros(tensor.dtype(), {});
  std::memcpy(out.mutable_data(), tensor.data(), out.bytes());
  return out;
}

bool is_fill(const Tensor& tensor) {
  return class_of(tensor.dtype()) != DTypeClass::kString && tensor.elements() > 0 &&
         (tensor.is_splat() || tensor.elements() == 1);
}

class State {
 public:
  State(Graph& graph, PassContext& context) : graph_(graph), context_(context), scope_(graph) {}

  Status node(Node* node) {
    own_ = scope_.enter(*node);
    if (node->as<op::Constant>() || !node->regions.empty()) return {};
    for (Value* result : node->outputs) {
      if (result->users.empty() && !graph_.is_output(result)) continue;
      if (result->info.elements) CARNOT_RETURN_IF_ERROR(known(node, result));
    }
    const bool needed = std::any_of(
        node->outputs.begin(), node->outputs.end(),
        [&](const Value* result) { return !result->users.empty() || graph_.is_output(result); });
    return needed ? constants(node) : Status();
  }
  Status finish() { return changed_ ? substitute(graph_, with_) : Status(); }

 private:
  Status known(Node* node, Value* result);
  Result<Value*> sizes_tensor(Node* node, const Value& result);
  Status constants(Node* node);
  std::string why_not(const Node& node);
  Result<bool> fold_fill(Node* node);
  void replace(Value* from, Value* to) {
    to->name = from->name;
    graph_.replace_uses(from, to);
    changed_ = true;
  }

  Graph& graph_;
  PassContext& context_;
  SymbolScope scope_;
  std::vector<std::string> own_;  // symbols that the node defines
  Substitution with_;
  bool changed_ = false;
  int64_t bytes_ = 0;
};

Result<Tensor> tensor_of(const TensorType& type, const Dims& elements) {
  Shape shape;
  for (const Dim& dim : type.dims) shape.push_back(dim.value());
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(type.dtype, shape));
  for (size_t i = 0; i < elements.size(); ++i) {
    if (is_float(type.dtype)) {
      out.set(static_cast<int64_t>(i), static_cast<double>(elements[i].value()));
    } else {
      out.set_int(static_cast<int64_t>(i), elements[i].value());
    }
  }
  return out;
}

// What sizes_tensor() makes: the sizes, perhaps cast, perhaps reshaped.
bool is_sizes_tensor(const Value* value) {
  if (const Node* reshape = producer_of<op::Reshape>(value)) value = reshape->inputs[0];
  if (const auto cast = scalar_step(value, ScalarOp::kCast)) value = cast->operands[0].value;
  return value && producer_of<op::DimsTensor>(value);
}

Result<Value*> State::sizes_tensor(Node* node, const Value& result) {
  const TensorType& type = result.type();
  op::DimsTensor dims{*result.info.elements, type.rank() == 0};
  CARNOT_ASSIGN(Value * value, graph_.make(std::move(dims), {}, node->origin, node));
  if (type.dtype != DType::kI64) {
    CARNOT_ASSIGN(value, cast_to(graph_, value, type.dtype, node->origin, node));
  }
  if (type.rank() > 1) {
    CARNOT_ASSIGN(value, graph_.make(op::Reshape{type.dims}, {value}, node->origin, node));
  }
  return value;
}

Status State::known(Node* node, Value* result) {
  const Dims& elements = *result->info.elements;
  const bool numbers = std::all_of(elements.begin(), elements.end(),
                                   [](const Dim& dim) { return dim.is_constant(); });
  if (!result->type().is_static() || class_of(result->type().dtype) == DTypeClass::kString) {
    return {};
  }
  if (!numbers && is_sizes_tensor(result)) return {};
  if (!context_.rewrite()) return {};
  if (numbers) {
    CARNOT_ASSIGN(Tensor tensor, tensor_of(result->type(), elements));
    replace(result, graph_.constant(std::move(tensor), node->origin, node));
  } else {
    CARNOT_ASSIGN(Value * value, sizes_tensor(node, *result));
    replace(result, value);
  }
  return {};
}

std::string State::why_not(const Node& node) {
  int64_t in = 0, out = 0, in_elements = 0;
  for (const Value* value : node.inputs) {
    const Result<int64_t> bytes = bytes_of(value->type());
    if (!bytes.ok()) return bytes.status().message();
    const Tensor& tensor = *constant_of(value);
    in += static_cast<int64_t>(tensor.bytes());
    in_elements += tensor.elements();
    // reference() would store a fill whole.
    if (tensor.is_splat() && *bytes > kBytesMax) return cat("an operand has ", *bytes, " bytes");
  }
  double elements = 0;
  for (const Value* value : node.outputs) {
    const Result<int64_t> bytes = bytes_of(value->type());
    if (!bytes.ok()) {
      if (value->type().is_static()) return bytes.status().message();
      if (in_elements > kUnknownElementsMax || !bounded_by_operands(node)) {
        return "the result's size is not known before";
      }
      continue;
    }
    out += *bytes;
    elements += static_cast<double>(*bytes) * 8 / std::max(bits_of(value->type().dtype), 1);
  }
  if (out > std::max(kBytesMax, kGrowthMax * in)) {
    return cat("the result has ", out, " bytes, the operands have ", in);
  }
  if (bytes_ + out > kTotalBytesMax) return "too many bytes were computed already";
  if (work_of(node, elements) > kWorkMax) return "it takes too long to compute";
  bytes_ += out;
  return "";
}

// An operation on fills whose result is a fill. True when it was done, or must not be.
Result<bool> State::fold_fill(Node* node) {
  const bool moves = node->as<op::Expand>() || node->as<op::Reshape>() ||
                     node->as<op::Transpose>() || node->as<op::Slice>();
  if (!moves && !node->as<op::Pointwise>()) return false;
  std::vector<Tensor> operands;
  for (const Value* value : node->inputs) {
    const Tensor& tensor = *constant_of(value);
    if (!moves || operands.empty()) {
      if (!is_fill(tensor)) return false;
      operands.push_back(element_of(tensor));
    }
  }
  std::vector<int64_t> sizes;
  for (const Value* value : node->outputs) {
    const Result<int64_t> bytes = bytes_of(value->type());
    if (!bytes.ok() || *bytes == 0) return false;
    sizes.push_back(*bytes);
  }
  if (!moves) {
    Result<std::vector<Tensor>> results = reference(node->op, operands);
    if (!results.ok()) return false;
    operands = std::move(*results);
  }
  if (!context_.rewrite()) return true;
  for (size_t i = 0; i < node->outputs.size(); ++i) {
    const Shape shape = *known_shape(node->outputs[i]->type().dims, {});
    Tensor fill = Tensor::splat(operands[i], shape);
    if (sizes[i] <= kDenseBytesMax) {
      CARNOT_ASSIGN(fill, fill.dense());
    }
    replace(node->outputs[i], graph_.constant(std::move(fill), node->origin, node));
  }
  graph_.erase(node);
  return true;
}

Status State::constants(Node* node) {
  for (const Value* value : node->inputs) {
    if (!constant_of(value)) return {};
  }
  if (node->as<op::DimsTensor>()) return {};  // the run knows its sizes
  if (const auto* iota = node->as<op::Iota>()) {
    const Dim count = product(iota->sizes);
    if (!count.is_constant() || count.value() > kIotaElementsMax) return {};
  }
  CARNOT_ASSIGN(const bool filled, fold_fill(node));
  if (filled) return {};
  if (const std::string reason = why_not(*node); !reason.empty()) {
    context_.note(*node, "has constant operands, but " + reason);
    return {};
  }
  std::vector<Tensor> operands;
  for (const Value* value : node->inputs) operands.push_back(*constant_of(value));
  Result<std::vector<Tensor>> results = run_node(*node, operands, {});
  if (!results.ok()) {  // it may never be reached in a run
    context_.note(*node, "cannot be computed: " + results.status().message());
    return {};
  }
  std::vector<TensorType> types;
  for (size_t i = 0; i < results->size(); ++i) {
    types.push_back((*results)[i].type());
    Symbols symbols;
    const Status fits = bind_symbols(node->outputs[i]->type().dims, (*results)[i].shape(), symbols);
    if (!fits.ok()) {
      context_.note(*node, "its result does not fit its type: " + fits.message());
      return {};
    }
  }
  if (context_.exhausted() || !match_results(*node, types, own_, with_)) return {};
  if (!context_.rewrite()) return {};
  for (size_t i = 0; i < results->size(); ++i) {
    replace(node->outputs[i], graph_.constant(std::move((*results)[i]), node->origin, node));
  }
  graph_.erase(node);
  return {};
}

}  // namespace

Status fold_constants(Graph& graph, PassContext& context) {
  State state(graph, context);
  for (Node* node : graph.nodes()) {
    CARNOT_RETURN_IF_ERROR(context.budget().check());
    CARNOT_RETURN_IF_ERROR(state.node(node));
  }
  return state.finish();
}

}  // namespace carnot
