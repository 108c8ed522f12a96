// softmax(q k^T * scale + bias) v, written out as matmul, scaling, mask, softmax and matmul,
// becomes one attention node. Taken in: factors on q, on k and on the scores; an added bias; a mask
// that selects -inf; three-dimensional operands. Where q, k and v are all transposed, mostly from
// [b, s, h, d], they and the result become [b, s, h, d]: what is left of their transposes, often
// nothing, meets the ones in front of the projections.
#include <algorithm>
#include <numeric>

#include "ir/match.h"
#include "passes/passes.h"

namespace carnot {
namespace {

// A number below this, added to a score, gives the number itself: as if it had been selected.
constexpr double kMaskedMax = -1e30;
// Between [b, h, s, d] and [b, s, h, d], either way.
op::Ints heads_last() {
  return {0, 2, 1, 3};
}
constexpr int kNarrowedMax = 8;  // operations between a mask and the bias that it becomes
// Larger biases are not searched for a causal pattern.
constexpr int64_t kCausalElementsMax = 1 << 24;

// What a matmul's operand is, seen as [b, h, rows, width]: `base` with its axes permuted, times
// `scale`.
struct Operand {
  Value* base = nullptr;
  op::Ints perm;
  double scale = 1;
};

struct Pattern {
  Node* result = nullptr;  // the matmul with v
  Operand q, k, v;
  double scale = 1;
  Value* bias = nullptr;
  Value* mask = nullptr;  // bool: where it is `mask_drops`, the score is `masked`
  bool mask_drops = false;
  double masked = 0;
  Origin origin;
};

// The value before a multiplication or division by a number, where that is what makes it.
Value* before_scaling(const Value* value, double& scale, Origin& origin) {
  const auto step = scalar_step(value->producer);
  const auto number = step ? with_number(*step) : std::nullopt;
  if (!number || number->number == 0 || !(number->value->type() == value->type())) return nullptr;
  const bool divides = step->op == ScalarOp::kDiv && !number->number_first;
  if (step->op != ScalarOp::kMul && !divides) return nullptr;
  scale = divides ? scale / number->number : scale * number->number;
  origin = merge(step->node->origin, origin);
  return number->value;
}

// Looks through transposes and factors. `swap`: the last two axes stand the other way round.
Operand operand_of(Value* value, bool swap, Origin& origin) {
  Operand out;
  out.perm.resize(static_cast<size_t>(value->type().rank()));
  std::iota(out.perm.begin(), out.perm.end(), 0);
  if (swap) std::swap(out.perm[out.perm.size() - 1], out.perm[out.perm.size() - 2]);
  for (out.base = value;;) {
    if (const Node* transpose = producer_of<op::Transpose>(out.base)) {
      for (int64_t& axis : out.perm) {
        axis = transpose->as<op::Transpose>()->perm[static_cast<size_t>(axis)];
      }
      out.base = transpose->inputs[0];
    } else if (Value* inner = before_scaling(out.base, out.scale, origin)) {
      out.base = inner;
    } else {
      return out;
    }
  }
}

bool is_identity(const op::Ints& perm) {
  return std::is_sorted(perm.begin(), perm.end());
}

// Zero where key j <= query i + (t - s), and as good as -inf elsewhere.
bool is_causal(const Tensor& bias, const Dims& scores) {
  const int64_t rank = bias.rank(), scores_rank = static_cast<int64_t>(scores.size());
  if (rank < 2 || bias.is_splat() || bias.elements() > kCausalElementsMax) return false;
  const int64_t s = bias.shape()[static_cast<size_t>(rank - 2)];
  const int64_t t = bias.shape()[static_cast<size_t>(rank - 1)];
  if (bias.elements() != s * t || t < s) return false;
  if (!scores[static_cast<size_t>(scores_rank - 2)].is(s)) return false;
  if (!scores[static_cast<size_t>(scores_rank - 1)].is(t)) return false;
  for (int64_t i = 0; i < s; ++i) {
    for (int64_t j = 0; j < t; ++j) {
      const double value = bias.get(i * t + j);
      if (j <= i + t - s ? value != 0 : !(value <= kMaskedMax)) return false;
    }
  }
  return true;
}

class Recognize {
 public:
  Recognize(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}
  Status softmax(Node* node);
  Status without_transposes(Node* attention);
  Status narrow_bias(Node* attention);
  Status without_repeats(Node* attention);

 private:
  Value* mask_step(Value* value, Pattern& pattern);
  bool leads_to_matmul(const Value* value);
  std::string why_not(const Pattern& p) const;
  Result<Value*> materialize(const Operand& operand, const Pattern& p);
  Result<Value*> with_heads(Value* value, const Pattern& p);
  Result<Value*> bias_of(const Pattern& p);
  Result<Value*> narrowed(Value* value, Node* before, int depth);
  Status rewrite(const Pattern& p);

  Graph& graph_;
  PassContext& context_;
};

bool Recognize::leads_to_matmul(const Value* value) {
  double scale = 1;
  Origin origin;
  while (const Value* inner = before_scaling(value, scale, origin)) value = inner;
  return producer_of<op::MatMul>(value) != nullptr;
}

// The scores before a mask or bias; notes which. Null where there is none.
Value* Recognize::mask_step(Value* value, Pattern& p) {
  const auto step = scalar_step(value->producer);
  if (!step) return nullptr;
  const auto& [a, b, c] = step->operands;
  const auto fits = [&](const ScalarStep::Operand& side) {
    return side.value && side.value->type() == value->type() && leads_to_matmul(side.value);
  };
  if (step->op == ScalarOp::kAdd && a.value && b.value) {
    if (!fits(a) && !fits(b)) return nullptr;
    p.origin = merge(step->node->origin, p.origin);
    p.bias = fits(a) ? b.value : a.value;
    return fits(a) ? a.value : b.value;
  }
  if (step->op != ScalarOp::kSelect || !a.value) return nullptr;
  const bool keeps = fits(b), drops = fits(c);
  const auto masked = keeps ? c.uniform() : drops ? b.uniform() : std::nullopt;
  if (!masked) return nullptr;
  if (!(*masked <= kMaskedMax)) {
    context_.note(*step->node, "masks scores with a number that is not as good as -inf");
    return nullptr;
  }
  p.origin = merge(step->node->origin, p.origin);
  p.mask = a.value;
  p.mask_drops = drops;
  p.masked = *masked;
  return keeps ? b.value : c.value;
}

Status Recognize::softmax(Node* node) {
  const int64_t rank = node->output()->type().rank();
  const auto& softmax = *node->as<op::Softmax>();
  if (softmax.log || (softmax.axis != -1 && softmax.axis != rank - 1)) return {};
  Pattern p;
  p.result = sole_user(graph_, node->output());
  const auto* values = p.result ? p.result->as<op::MatMul>() : nullptr;
  if (!values || p.result->inputs[0] != node->output() || values->transpose_a) return {};
  p.origin = merge(node->origin, p.result->origin);

  std::vector<Value*> path = {node->inputs[0]};
  if (Value* scores = mask_step(path.back(), p)) path.push_back(scores);
  while (Value* scores = before_scaling(path.back(), p.scale, p.origin)) path.push_back(scores);
  const Node* scores = producer_of<op::MatMul>(path.back());
  if (!scores) {
    context_.note(*node, "softmax before a matmul, but its operand is no scaled matmul");
    return {};
  }
  for (const Value* value : path) {
    if (used_once(graph_, value)) continue;
    context_.note(*node, "is attention, but its scores are needed elsewhere");
    return {};
  }
  p.origin = merge(scores->origin, p.origin);
  const auto& products = *scores->as<op::MatMul>();
  p.q = operand_of(scores->inputs[0], products.transpose_a, p.origin);
  p.k = operand_of(scores->inputs[1], !products.transpose_b, p.origin);
  p.v = operand_of(p.result->inputs[1], values->transpose_b, p.origin);
  if (const std::string reason = why_not(p); !reason.empty()) {
    context_.note(*node, "is attention, but " + reason);
    return {};
  }
  return rewrite(p);
}

std::string Recognize::why_not(const Pattern& p) const {
  const int64_t rank = p.result->output()->type().rank();
  if (rank != 3 && rank != 4) return cat("its rank is ", rank);
  if (p.v.scale != 1) return "its values are scaled";
  const auto size = [](const Operand& operand, size_t axis) -> const Dim& {
    return operand.base->type().dims[static_cast<size_t>(operand.perm[axis])];
  };
  for (const Operand* operand : {&p.q, &p.k, &p.v}) {
    const TensorType& type = operand->base->type();
    if (type.rank() != rank) return "its operands differ in rank";
    if (!is_float(type.dtype) || type.dtype != p.q.base->type().dtype) return "of its types";
    if (!(size(*operand, 0) == size(p.q, 0))) return "its operands' batches differ";
  }
  if (rank == 4) {
    if (!(size(p.k, 1) == size(p.v, 1))) return "k and v have different heads";
    if (!(size(p.k, 1) == size(p.q, 1)) && !size(p.k, 1).is(1)) return "k's heads are not q's";
  }
  if (p.bias && p.bias->type().dtype != p.q.base->type().dtype) return "its bias has another type";
  return "";
}

// Three axes [n, s, d] are four with one head.
Result<Value*> Recognize::with_heads(Value* value, const Pattern& p) {
  if (value->type().rank() != 3) return value;
  op::Reshape reshape{value->type().dims};
  reshape.sizes.insert(reshape.sizes.begin() + 1, 1);
  return graph_.make(std::move(reshape), {value}, p.origin, p.result);
}

Result<Value*> Recognize::materialize(const Operand& operand, const Pattern& p) {
  Value* value = operand.base;
  if (!is_identity(operand.perm)) {
    CARNOT_ASSIGN(value, graph_.make(op::Transpose{operand.perm}, {value}, p.origin, p.result));
  }
  return with_heads(value, p);
}

// The added bias, or the mask as one; null for none.
Result<Value*> Recognize::bias_of(const Pattern& p) {
  Value* bias = p.bias;
  if (p.mask) {
    const DType dtype = p.q.base->type().dtype;
    op::Pointwise select;
    select.body.inputs = 1;
    const int32_t zero = select.body.constant(dtype, 0);
    const int32_t masked = select.body.constant(dtype, p.masked);
    select.body.results = {p.mask_drops ? select.body.add(ScalarOp::kSelect, 0, masked, zero)
                                        : select.body.add(ScalarOp::kSelect, 0, zero, masked)};
    CARNOT_ASSIGN(bias, graph_.make(std::move(select), {p.mask}, p.origin, p.result));
  }
  const bool three = p.result->output()->type().rank() == 3;
  return bias && three ? with_heads(bias, p) : bias;
}

Status Recognize::rewrite(const Pattern& p) {
  if (!context_.rewrite()) return {};
  op::Attention op{p.scale * p.q.scale * p.k.scale};
  const auto turned = [](const Operand& o) { return o.perm.size() == 4 && !is_identity(o.perm); };
  op.bsh = turned(p.q) && turned(p.k) && turned(p.v);
  std::vector<Value*> inputs;
  for (const Operand* operand : {&p.q, &p.k, &p.v}) {
    Operand own = *operand;
    if (op.bsh) std::swap(own.perm[1], own.perm[2]);
    CARNOT_ASSIGN(Value * value, materialize(own, p));
    inputs.push_back(value);
  }
  const Tensor* constant = p.bias ? constant_of(p.bias) : nullptr;
  op.causal = constant && is_causal(*constant, p.result->inputs[0]->type().dims);
  if (!op.causal) {
    CARNOT_ASSIGN(Value * bias, bias_of(p));
    if (bias) inputs.push_back(bias);
  }
  CARNOT_ASSIGN(Value * out, graph_.make(std::move(op), std::move(inputs), p.origin, p.result));
  if (out->producer->as<op::Attention>()->bsh) {
    CARNOT_ASSIGN(out, graph_.make(op::Transpose{heads_last()}, {out}, p.origin, p.result));
  }
  if (!(out->type() == p.result->output()->type())) {
    op::Reshape reshape{p.result->output()->type().dims};
    CARNOT_ASSIGN(out, graph_.make(std::move(reshape), {out}, p.origin, p.result));
  }
  out->name = p.result->output()->name;
  graph_.replace_uses(p.result->output(), out);
  return {};
}

// Attention on operands that are all transposed takes them with their heads behind the rows.
Status Recognize::without_transposes(Node* node) {
  if (node->as<op::Attention>()->bsh) return {};
  for (size_t i = 0; i < 3; ++i) {
    if (!producer_of<op::Transpose>(node->inputs[i])) return {};
  }
  if (!context_.rewrite()) return {};
  std::vector<Value*> inputs = node->inputs;
  for (size_t i = 0; i < 3; ++i) {
    const Node* transpose = inputs[i]->producer;
    op::Ints perm = transpose->as<op::Transpose>()->perm;
    std::swap(perm[1], perm[2]);
    inputs[i] = transpose->inputs[0];
    if (is_identity(perm)) continue;
    CARNOT_ASSIGN(inputs[i], graph_.make(op::Transpose{perm}, {inputs[i]}, node->origin, node));
  }
  op::Attention op = *node->as<op::Attention>();
  op.bsh = true;
  CARNOT_ASSIGN(Value * out, graph_.make(std::move(op), std::move(inputs), node->origin, node));
  node->op = op::Transpose{heads_last()};
  graph_.set_inputs(node, {out});
  return {};
}

// A value that gives this one when it is broadcast, computed from operands that are not: exporters
// spread a mask of keys over the queries by a constant of ones.
Result<Value*> Recognize::narrowed(Value* value, Node* before, int depth) {
  Node* node = value->producer;
  if (!node || depth == kNarrowedMax || node->outputs.size() != 1) return value;
  if (node->as<op::Expand>()) return narrowed(node->inputs[0], before, depth + 1);
  if (!node->as<op::Pointwise>()) return value;
  std::vector<Value*> inputs;
  for (Value* input : node->inputs) {
    const auto number = uniform_value(input);
    if (number && input->type().rank() > 0) {
      CARNOT_ASSIGN(Tensor one, Tensor::allocate(input->type().dtype, {}));
      is_float(one.dtype()) ? one.set(0, *number) : one.set_int(0, static_cast<int64_t>(*number));
      input = graph_.constant(std::move(one), node->origin, before);
    } else {
      CARNOT_ASSIGN(input, narrowed(input, before, depth + 1));
    }
    inputs.push_back(input);
  }
  std::vector<Info> infos;
  for (const Value* input : inputs) infos.push_back(input->info);
  CARNOT_ASSIGN(const std::vector<Info> results, infer(node->op, infos));
  if (results[0].type.dims.empty() || results[0].type == value->type()) return value;
  return graph_.make(node->op, std::move(inputs), node->origin, before);
}

// The heads before each was repeated for several of q's, where that is what makes the value.
const Value* unrepeated(const Value* value, size_t axis) {
  const Node* reshape = producer_of<op::Reshape>(value);
  const Node* expand = reshape ? producer_of<op::Expand>(reshape->inputs[0]) : nullptr;
  if (!expand) return nullptr;
  const Dims &all = value->type().dims, &wide = expand->output()->type().dims;
  Dims once = expand->inputs[0]->type().dims;
  if (once.size() != 5 || wide.size() != 5 || !once[axis + 1].is(1)) return nullptr;
  once[axis + 1] = wide[axis + 1];
  if (once != wide || !(wide[axis] * wide[axis + 1] == all[axis])) return nullptr;
  once.erase(once.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
  once[axis] = all[axis];
  return once == all ? expand->inputs[0] : nullptr;
}

// Attention lets several heads of q share one of k and v.
Status Recognize::without_repeats(Node* node) {
  const size_t axis = node->as<op::Attention>()->bsh ? 2 : 1;
  const Value* const k = unrepeated(node->inputs[1], axis);
  const Value* const v = unrepeated(node->inputs[2], axis);
  if (!k || !v || !(k->type().dims[axis] == v->type().dims[axis]) || !context_.rewrite()) return {};
  for (const size_t i : {size_t{1}, size_t{2}}) {
    Value* const once = node->inputs[i]->producer->inputs[0]->producer->inputs[0];
    op::Reshape heads{once->type().dims};
    heads.sizes.erase(heads.sizes.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
    CARNOT_ASSIGN(Value * shared, graph_.make(std::move(heads), {once}, node->origin, node));
    graph_.set_input(node, i, shared);
  }
  return {};
}

Status Recognize::narrow_bias(Node* node) {
  if (node->inputs.size() < 4 || context_.exhausted()) return {};
  CARNOT_ASSIGN(Value * bias, narrowed(node->inputs[3], node, 0));
  if (bias == node->inputs[3] || !context_.rewrite()) return {};
  graph_.set_input(node, 3, bias);
  return {};
}

}  // namespace

Status recognize_attention(Graph& graph, PassContext& context) {
  Recognize recognize(graph, context);
  for (Node* node : graph.nodes()) {
    if (node->as<op::Softmax>()) CARNOT_RETURN_IF_ERROR(recognize.softmax(node));
    if (node->as<op::Attention>()) CARNOT_RETURN_IF_ERROR(recognize.without_transposes(node));
  }
  for (Node* node : graph.nodes()) {
    if (!node->as<op::Attention>()) continue;
    CARNOT_RETURN_IF_ERROR(recognize.without_repeats(node));
    CARNOT_RETURN_IF_ERROR(recognize.narrow_bias(node));
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
