// store_as_f16, store_as_bf16: f32 values between kernels are kept in a half-size type. Arithmetic
// stays in f32: only what is written to memory is rounded. Values that come from a contraction, and
// its operands, are stored so; what is computed from inputs, tables and shapes alone (positions,
// masks, frequencies) keeps its range. Inputs and outputs of the graph keep their types.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "ir/match.h"
#include "passes/cast.h"
#include "passes/passes.h"
#include "tensor/codec.h"

namespace carnot {
namespace {

constexpr double kLargestF16 = 65504, kLargestBf16 = 3.38953139e38;

class StoreHalf {
 public:
  StoreHalf(Graph& graph, PassContext& context, DType half)
      : graph_(graph), context_(context), half_(half) {}

  Status run() {
    for (Node* node : graph_.nodes()) {
      if (context_.exhausted()) break;
      if (!is_stored_half(*node) || context_.keeps_f32(*node) || !context_.rewrite()) continue;
      CARNOT_RETURN_IF_ERROR(rewrite(node));
    }
    graph_.remove_dead();
    return {};
  }

 private:
  static bool is_contraction(const Node& node) {
    return node.as<op::Conv>() || node.as<op::ConvTranspose>() || node.as<op::MatMul>() ||
           node.as<op::Attention>();
  }
  // Ops whose results are no larger than their operands, so that f16's range holds them too.
  static bool keeps_range(const Node& node) {
    if (const auto* reduce = node.as<op::Reduce>()) {
      return reduce->kind == op::Reduce::kMean || reduce->kind == op::Reduce::kMaximum ||
             reduce->kind == op::Reduce::kMinimum;
    }
    if (const auto* pool = node.as<op::Pool>()) return pool->kind != op::Pool::kLp;
    return node.as<op::Pointwise>() || node.as<op::Softmax>() || node.as<op::Normalize>() ||
           (node.as<op::Resize>() && node.inputs.size() == 1) || node.as<op::Reshape>() ||
           node.as<op::Transpose>() || node.as<op::Slice>() || node.as<op::Pad>() ||
           node.as<op::Expand>() || node.as<op::Concat>();
  }
  static bool is_f32(const Value* v) { return v->type().dtype == DType::kF32; }
  // The half value that was widened to this one.
  Value* narrow_source(const Value* v) const {
    const auto step = is_f32(v) ? scalar_step(v, ScalarOp::kCast) : std::nullopt;
    Value* source = step ? step->operands[0].value : nullptr;
    return source && source->type().dtype == half_ ? source : nullptr;
  }
  bool is_stored_half(const Node& node) const {
    if (std::none_of(node.inputs.begin(), node.inputs.end(), is_f32)) return false;
    if (is_contraction(node)) return true;
    return keeps_range(node) && std::any_of(node.inputs.begin(), node.inputs.end(),
                                            [&](const Value* v) { return narrow_source(v); });
  }

  // One number for a whole program stays an immediate of its own type.
  static bool is_immediate(const Value* v) {
    const Tensor* constant = constant_of(v);
    return constant && constant->elements() == 1;
  }

  Result<Tensor> rounded(const Tensor& tensor) const {
    CARNOT_ASSIGN(Tensor out, Tensor::allocate(half_, tensor.shape()));
    const double largest = half_ == DType::kF16 ? kLargestF16 : kLargestBf16;
    if (tensor.dtype() == DType::kF32 && half_ == DType::kF16 && !tensor.is_splat()) {
      const std::byte* from = tensor.data();
      std::byte* to = out.mutable_data();
      for (int64_t i = 0; i < tensor.elements(); ++i, from += sizeof(float), to += 2) {
        float x = 0;
        std::memcpy(&x, from, sizeof x);
        const auto limit = static_cast<float>(largest);
        const uint16_t bits = f32_to_f16(std::isfinite(x) ? std::clamp(x, -limit, limit) : x);
        std::memcpy(to, &bits, sizeof bits);
      }
      return out;
    }
    for (int64_t i = 0; i < tensor.elements(); ++i) {
      const double x = tensor.get(i);
      out.set(i, std::isfinite(x) ? std::clamp(x, -largest, largest) : x);
    }
    return out;
  }

  // Masks are often lower than f16 goes: infinity in a whole row would leave no weight to share,
  // which is meant only where the attention is guarded.
  Result<Value*> narrow_mask(Value* v, Node* before) {
    if (half_ != DType::kF16 || narrow_source(v) || constant_of(v)) return narrow(v, before);
    op::Pointwise cast;
    ScalarProgram& body = cast.body;
    body.inputs = 1;
    const int32_t low = body.constant(DType::kF32, -kLargestF16);
    const int32_t high = body.constant(DType::kF32, kLargestF16);
    int32_t held = body.add(ScalarOp::kMin, body.add(ScalarOp::kMax, 0, low), high);
    if (before->as<op::Attention>()->guarded) {
      held = body.add(ScalarOp::kSelect, body.add(ScalarOp::kIsInf, 0), 0, held);
    }
    body.results = {body.cast(held, half_)};
    return graph_.make(std::move(cast), {v}, before->origin, before);
  }

  Result<Value*> narrow(Value* v, Node* before) {
    if (Value* source = narrow_source(v)) return source;
    if (const auto it = narrowed_.find(v); it != narrowed_.end()) return it->second;
    Value* out = nullptr;
    if (const Tensor* constant = constant_of(v)) {
      CARNOT_ASSIGN(Tensor tensor, rounded(*constant));
      out = graph_.constant(std::move(tensor), v->producer->origin, v->producer);
    } else {
      const Origin origin = v->producer ? v->producer->origin : before->origin;
      CARNOT_ASSIGN(out, cast_to(graph_, v, half_, origin, before));
    }
    narrowed_.emplace(v, out);
    return out;
  }

  // The same program between casts.
  op::Pointwise between_casts(const op::Pointwise& op, const std::vector<Value*>& inputs,
                              const std::vector<Value*>& outputs) const {
    op::Pointwise out;
    out.body.inputs = op.body.inputs;
    std::vector<int32_t> bind;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto id = static_cast<int32_t>(i);
      bind.push_back(inputs[i]->type().dtype == half_ ? out.body.cast(id, DType::kF32) : id);
    }
    out.body.results = out.body.append(op.body, bind);
    for (size_t i = 0; i < outputs.size(); ++i) {
      int32_t& result = out.body.results[i];
      if (is_f32(outputs[i])) result = out.body.cast(result, half_);
    }
    return out;
  }

  Status rewrite(Node* node) {
    std::vector<Value*> inputs;
    for (Value* v : node->inputs) {
      Value* operand = v;
      if (is_f32(v) && !(node->as<op::Pointwise>() && is_immediate(v))) {
        const bool mask = node->as<op::Attention>() && inputs.size() == 3;
        CARNOT_ASSIGN(operand, mask ? narrow_mask(v, node) : narrow(v, node));
      }
      inputs.push_back(operand);
    }
    Op op = node->op;
    if (const auto* pointwise = node->as<op::Pointwise>()) {
      op = between_casts(*pointwise, inputs, node->outputs);
    }
    std::vector<std::string> names;
    for (const Value* v : node->outputs) names.push_back(v->name);
    CARNOT_ASSIGN(Node * made,
                  graph_.add(std::move(op), std::move(inputs), node->origin, names, node));
    for (size_t i = 0; i < node->outputs.size(); ++i) {
      Value* result = made->outputs[i];
      if (result->type().dtype == half_ && is_f32(node->outputs[i])) {
        CARNOT_ASSIGN(Value * wide, cast_to(graph_, result, DType::kF32, node->origin, node));
        result = wide;
      }
      graph_.replace_uses(node->outputs[i], result);
    }
    graph_.erase(node);
    return {};
  }

  Graph& graph_;
  PassContext& context_;
  const DType half_;
  std::unordered_map<const Value*, Value*> narrowed_;  ///< casts that exist already
};

}  // namespace

Status store_as_f16(Graph& graph, PassContext& context) {
  return StoreHalf(graph, context, DType::kF16).run();
}

Status store_as_bf16(Graph& graph, PassContext& context) {
  return StoreHalf(graph, context, DType::kBF16).run();
}

}  // namespace carnot
