// softmax(q k^T * scale + bias) v, written out as matmul, scaling, mask, softmax and matmul,
// becomes one attention node. Taken in: factors on q, on k and on the scores; added biases and
// masks that select -inf, in any order; weights that are 0 where they would be NaN; masks per
// window of a batch; three-dimensional operands. A bias that says no more than that keys after the
// query are masked becomes an attribute. Where q, k and v are all transposed, mostly from [b, s, h,
// d], they and the result become [b, s, h, d]: what is left of their transposes, often nothing,
// meets the ones in front of the projections.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ir/match.h"
#include "passes/causal_mask.h"
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
constexpr int kStepsMax = 8;     // between the scores and their softmax

// What a matmul's operand is, seen as [b, h, rows, width]: `base` with its axes permuted, times
// `scale`.
struct Operand {
  Value* base = nullptr;
  op::Ints perm;
  double scale = 1;
};

// What happens to scores before their softmax.
struct Step {
  Value* bias = nullptr;  // added, times `scale`
  double scale = 1;
  Value* mask = nullptr;  // bool: where it is `mask_drops`, the score is `masked`
  bool mask_drops = false;
  double masked = 0;
  Dims windows;      // of a bias per window of the batch: [batches, windows]; else empty
  int64_t rank = 4;  // of the scores then
};

struct Pattern {
  Node* result = nullptr;  // the matmul with v
  Operand q, k, v;
  double scale = 1;
  std::vector<Step> steps;  // the last one is the first to happen
  bool guarded = false;
  Dims
      heads;  // [batch, heads] where products of [batch * heads, ...] are views of them; else empty
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

class Recognize {
 public:
  Recognize(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}
  Status softmax(Node* node);
  Status without_transposes(Node* attention);
  Status narrow_bias(Node* attention);
  Status without_repeats(Node* attention);
  Status without_causal_bias(Node* attention);

 private:
  Result<Value*> without_causal_part(Node* attention, const ScoreSizes& sizes);
  Value* mask_step(Value* value, Pattern& pattern);
  Value* window_step(Value* value, Pattern& pattern);
  Value* view_step(Value* value, Pattern& pattern) const;
  Dims dims_of(const Operand& operand, const Pattern& p) const;
  bool leads_to_matmul(const Value* value, int depth = 0);
  bool drops_far(const ScalarStep& step, double masked) const;
  Node* weighted(Node* softmax, Pattern& pattern) const;
  std::string why_not(const Pattern& p) const;
  Result<Value*> materialize(const Operand& operand, const Pattern& p);
  Result<Value*> with_heads(Value* value, const Pattern& p);
  Result<Value*> bias_of(const Pattern& p);
  Result<Value*> pointwise(ScalarOp op, Value* a, std::optional<double> number, Value* b,
                           const Pattern& p);
  Result<Value*> narrowed(Value* value, Node* before, int depth);
  Status rewrite(const Pattern& p);

  Graph& graph_;
  PassContext& context_;
};

bool Recognize::leads_to_matmul(const Value* value, int depth) {
  double scale = 1;
  Origin origin;
  while (const Value* inner = before_scaling(value, scale, origin)) value = inner;
  if (producer_of<op::MatMul>(value)) return true;
  const Node* const view = producer_of<op::Reshape>(value);
  const int64_t ranks = view ? view->inputs[0]->type().rank() + value->type().rank() : 0;
  if (depth < kStepsMax && (ranks == 9 || ranks == 7)) {
    return leads_to_matmul(view->inputs[0], depth + 1);
  }
  const auto step = scalar_step(value->producer);
  if (!step || depth == kStepsMax) return false;
  if (step->op != ScalarOp::kAdd && step->op != ScalarOp::kSelect) return false;
  return std::any_of(step->operands.begin(), step->operands.end(), [&](const auto& side) {
    return side.value && side.value->type() == value->type() &&
           leads_to_matmul(side.value, depth + 1);
  });
}

// Whether the number that a mask selects is as good as -inf: by itself, or because every row of a
// constant mask leaves a score.
bool Recognize::drops_far(const ScalarStep& step, double masked) const {
  if (masked <= kMaskedMax) return true;
  const Tensor* mask = constant_of(step.operands[0].value);
  if (!mask || !(masked <= kFarBelow) || mask->rank() < 1 || mask->is_splat()) return false;
  const bool drops = !step.operands[1].value || uniform_value(step.operands[1].value);
  const int64_t keys = mask->shape().back();
  for (int64_t row = 0; row < mask->elements(); row += keys) {
    bool any = false;
    for (int64_t j = 0; j < keys && !any; ++j) any = (mask->get(row + j) != 0) != drops;
    if (!any) return false;
  }
  return true;
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
    p.steps.push_back({.bias = fits(a) ? b.value : a.value,
                       .scale = p.scale,
                       .windows = {},
                       .rank = value->type().rank()});
    return fits(a) ? a.value : b.value;
  }
  if (step->op != ScalarOp::kSelect || !a.value) return nullptr;
  const bool keeps = fits(b), drops = fits(c);
  const auto masked = keeps ? c.uniform() : drops ? b.uniform() : std::nullopt;
  if (!masked) return nullptr;
  if (!drops_far(*step, *masked) || !(p.scale > 0)) {
    context_.note(*step->node, "masks scores with a number that is not as good as -inf");
    return nullptr;
  }
  p.origin = merge(step->node->origin, p.origin);
  p.steps.push_back({.mask = a.value,
                     .mask_drops = drops,
                     .masked = *masked,
                     .windows = {},
                     .rank = value->type().rank()});
  return keeps ? b.value : c.value;
}

// The same where the batch is split into windows for it, each with a bias of its own.
Value* Recognize::window_step(Value* value, Pattern& p) {
  const auto reshaped = [&](const Value* v, int64_t from, int64_t to) {
    const Node* node = producer_of<op::Reshape>(v);
    const bool fits = node && v->type().rank() == to && node->inputs[0]->type().rank() == from;
    return fits && used_once(graph_, node->inputs[0]) ? node : nullptr;
  };
  const Node* const joined = reshaped(value, 5, 4);
  if (!joined) return nullptr;
  const Dims &split = joined->inputs[0]->type().dims, &whole = value->type().dims;
  const bool by_batch = std::equal(split.begin() + 2, split.end(), whole.begin() + 1) &&
                        split[0] * split[1] == whole[0];
  const auto step = scalar_step(joined->inputs[0]->producer);
  if (!by_batch || !step || step->op != ScalarOp::kAdd) return nullptr;
  const auto& [a, b, unused] = step->operands;
  for (const auto& [scores, bias] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
    if (!scores->value || !bias->value || bias->value->type().rank() != 5) continue;
    const Node* const parted = reshaped(scores->value, 4, 5);
    if (!parted || !used_once(graph_, scores->value)) continue;
    if (!(parted->inputs[0]->type() == value->type()) || !leads_to_matmul(parted->inputs[0])) {
      continue;
    }
    p.origin = merge(merge(joined->origin, step->node->origin), merge(parted->origin, p.origin));
    p.steps.push_back(
        {.bias = bias->value, .scale = p.scale, .windows = {split[0], split[1]}, .rank = 4});
    return parted->inputs[0];
  }
  return nullptr;
}

// Notes what splits [batch * heads, rows, columns] or joins it; false where the reshape is another.
bool splits_heads(const Node& reshape, Pattern& p) {
  const Dims &from = reshape.inputs[0]->type().dims, &to = reshape.output()->type().dims;
  if (from.size() + to.size() != 7 || (from.size() != 3 && to.size() != 3)) return false;
  const Dims &joined = from.size() == 3 ? from : to, &split = from.size() == 3 ? to : from;
  const Dims heads = {split[0], split[1]};
  const bool fits = std::equal(joined.begin() + 1, joined.end(), split.begin() + 2) &&
                    joined[0] == split[0] * split[1] && (p.heads.empty() || p.heads == heads);
  if (fits) p.heads = heads;
  return fits;
}

// The scores before such a view of them.
Value* Recognize::view_step(Value* value, Pattern& p) const {
  const Node* const node = producer_of<op::Reshape>(value);
  if (!node || !splits_heads(*node, p)) return nullptr;
  p.origin = merge(node->origin, p.origin);
  return node->inputs[0];
}

// The matmul of the weights with v; between them may be what makes weights that are NaN zeros.
Node* Recognize::weighted(Node* softmax, Pattern& p) const {
  Value* weights = softmax->output();
  if (weights->users.size() == 2 && !graph_.is_output(weights)) {
    for (Node* user : weights->users) {
      const auto step = scalar_step(user);
      if (!step || step->op != ScalarOp::kSelect || step->operands[2].value != weights) continue;
      const auto nan = step->operands[0].value
                           ? scalar_step(step->operands[0].value, ScalarOp::kIsNan)
                           : std::nullopt;
      const auto zero = step->operands[1].uniform();
      if (!nan || nan->operands[0].value != weights || !zero || *zero != 0) continue;
      if (!used_once(graph_, nan->node->output())) continue;
      p.guarded = true;
      p.origin = merge(merge(nan->node->origin, user->origin), p.origin);
      weights = user->output();
      break;
    }
  }
  Node* out = sole_user(graph_, weights);
  if (out && out->as<op::Reshape>() && splits_heads(*out, p)) {
    p.origin = merge(out->origin, p.origin);
    weights = out->output();
    out = sole_user(graph_, weights);
  }
  const auto* values = out ? out->as<op::MatMul>() : nullptr;
  return values && out->inputs[0] == weights && !values->transpose_a ? out : nullptr;
}

Status Recognize::softmax(Node* node) {
  const int64_t rank = node->output()->type().rank();
  const auto& softmax = *node->as<op::Softmax>();
  if (softmax.log || (softmax.axis != -1 && softmax.axis != rank - 1)) return {};
  Pattern p;
  p.result = weighted(node, p);
  if (!p.result) return {};
  const auto* values = p.result->as<op::MatMul>();
  p.origin = merge(p.origin, merge(node->origin, p.result->origin));

  std::vector<Value*> path = {node->inputs[0]};
  for (int i = 0; i < kStepsMax; ++i) {
    Value* scores = before_scaling(path.back(), p.scale, p.origin);
    if (!scores) scores = mask_step(path.back(), p);
    if (!scores) scores = window_step(path.back(), p);
    if (!scores) scores = view_step(path.back(), p);
    if (!scores) break;
    path.push_back(scores);
  }
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

// Of an operand's axes as it is used; with heads split off where products join them.
Dims Recognize::dims_of(const Operand& operand, const Pattern& p) const {
  const Dims& base = operand.base->type().dims;
  Dims out;
  for (const int64_t axis : operand.perm) out.push_back(base[static_cast<size_t>(axis)]);
  if (p.heads.empty() || out.size() != 3) return out;
  if (operand.perm[0] != 0 || !(out[0] == p.heads[0] * p.heads[1])) return {};
  out[0] = p.heads[1];
  out.insert(out.begin(), p.heads[0]);
  return out;
}

std::string Recognize::why_not(const Pattern& p) const {
  const size_t rank = p.heads.empty() ? p.result->output()->type().dims.size() : 4;
  if (rank != 3 && rank != 4) return cat("its rank is ", rank);
  if (p.v.scale != 1) return "its values are scaled";
  const Dims q = dims_of(p.q, p), k = dims_of(p.k, p), v = dims_of(p.v, p);
  for (const Operand* operand : {&p.q, &p.k, &p.v}) {
    const Dims dims = dims_of(*operand, p);
    const DType dtype = operand->base->type().dtype;
    if (dims.size() != rank) return "its operands differ in rank";
    if (!is_float(dtype) || dtype != p.q.base->type().dtype) return "of its types";
    if (!(dims[0] == q[0])) return "its operands' batches differ";
  }
  if (rank == 4) {
    if (!(k[1] == v[1])) return "k and v have different heads";
    if (!(k[1] == q[1]) && !k[1].is(1)) return "k's heads are not q's";
  }
  for (const Step& step : p.steps) {
    if (step.bias && step.bias->type().dtype != p.q.base->type().dtype) {
      return "its bias has another type";
    }
    const Value* added = step.bias ? step.bias : step.mask;
    const bool joined = !p.heads.empty() && step.rank == 3 && added->type().rank() == 3;
    const Dim& first = added->type().rank() > 0 ? added->type().dims[0] : Dim(1);
    if (joined && !first.is(1) && !(first == p.heads[0] * p.heads[1])) {
      return "a bias of its joined heads is repeated";
    }
  }
  return "";
}

// Three axes [n, s, d] are four with one head, or with those that products join.
Result<Value*> Recognize::with_heads(Value* value, const Pattern& p) {
  if (value->type().rank() != 3) return value;
  op::Reshape reshape{value->type().dims};
  reshape.sizes.insert(reshape.sizes.begin() + 1, 1);
  if (!p.heads.empty() && !reshape.sizes[0].is(1)) {
    std::copy(p.heads.begin(), p.heads.end(), reshape.sizes.begin());
  }
  return graph_.make(std::move(reshape), {value}, p.origin, p.result);
}

Result<Value*> Recognize::materialize(const Operand& operand, const Pattern& p) {
  Operand own = operand;
  if (!p.heads.empty() && own.perm.size() == 3) {
    CARNOT_ASSIGN(own.base, with_heads(own.base, p));
    own.perm = {0, 1, own.perm[1] + 1, own.perm[2] + 1};
  }
  Value* value = own.base;
  if (!is_identity(own.perm)) {
    CARNOT_ASSIGN(value, graph_.make(op::Transpose{own.perm}, {value}, p.origin, p.result));
  }
  return with_heads(value, p);
}

// op(a, number or b), or with a mask: select(a, number, b).
Result<Value*> Recognize::pointwise(ScalarOp op, Value* a, std::optional<double> number, Value* b,
                                    const Pattern& p) {
  op::Pointwise node;
  node.body.inputs = b ? 2 : 1;
  int32_t second = 1;
  if (number) second = node.body.constant(p.q.base->type().dtype, *number);
  node.body.results = {node.body.add(op, 0, second)};
  return graph_.make(std::move(node), b ? std::vector<Value*>{a, b} : std::vector<Value*>{a},
                     p.origin, p.result);
}

// All that is added, and the masks as such; null for none.
Result<Value*> Recognize::bias_of(const Pattern& p) {
  const DType dtype = p.q.base->type().dtype;
  Value* bias = nullptr;
  for (auto step = p.steps.rbegin(); step != p.steps.rend(); ++step) {
    const bool joined = !p.heads.empty() && step->rank == 3;
    if (step->mask) {
      Value* mask = step->mask;
      if (joined) {
        CARNOT_ASSIGN(mask, with_heads(mask, p));
      }
      op::Pointwise select;
      select.body.inputs = bias ? 2 : 1;
      const int32_t kept = bias ? 1 : select.body.constant(dtype, 0);
      const int32_t masked = select.body.constant(dtype, step->masked);
      select.body.results = {step->mask_drops
                                 ? select.body.add(ScalarOp::kSelect, 0, masked, kept)
                                 : select.body.add(ScalarOp::kSelect, 0, kept, masked)};
      std::vector<Value*> inputs = {mask};
      if (bias) inputs.push_back(bias);
      CARNOT_ASSIGN(bias, graph_.make(std::move(select), std::move(inputs), p.origin, p.result));
      continue;
    }
    Value* term = step->bias;
    if (joined) {
      CARNOT_ASSIGN(term, with_heads(term, p));
    }
    if (!step->windows.empty()) {
      Dims dims = term->type().dims;
      dims[0] = step->windows[0], dims[1] = step->windows[1];
      if (!(term->type().dims == dims)) {
        CARNOT_ASSIGN(term, graph_.make(op::Expand{dims}, {term}, p.origin, p.result));
      }
      dims[1] = dims[0] * dims[1];
      dims.erase(dims.begin());
      CARNOT_ASSIGN(term, graph_.make(op::Reshape{dims}, {term}, p.origin, p.result));
    }
    if (step->scale != 1) {
      CARNOT_ASSIGN(term, pointwise(ScalarOp::kMul, term, step->scale, nullptr, p));
    }
    if (bias) {
      CARNOT_ASSIGN(term, pointwise(ScalarOp::kAdd, bias, std::nullopt, term, p));
    }
    bias = term;
  }
  const bool three = p.heads.empty() && p.result->output()->type().rank() == 3;
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
  op.guarded = p.guarded;
  CARNOT_ASSIGN(Value * bias, bias_of(p));
  if (bias) inputs.push_back(bias);
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

// What a bias says of keys after the query becomes an attribute; the rest of it stays.
Status Recognize::without_causal_bias(Node* node) {
  if (node->inputs.size() < 4 || node->as<op::Attention>()->causal) return {};
  const op::Attention& op = *node->as<op::Attention>();
  const size_t length = op.bsh ? 1 : 2;
  const ScoreSizes sizes{node->inputs[0]->type().dims[length],
                         node->inputs[1]->type().dims[length]};
  Value* rest = nullptr;
  if (!is_causal_bias(node->inputs[3], sizes)) {
    CARNOT_ASSIGN(rest, without_causal_part(node, sizes));
    if (!rest) return {};
  }
  if (!context_.rewrite()) return {};
  op::Attention causal = op;
  causal.causal = true;
  node->op = causal;
  std::vector<Value*> inputs(node->inputs.begin(), node->inputs.begin() + 3);
  if (rest) inputs.push_back(rest);
  graph_.set_inputs(node, std::move(inputs));
  return {};
}

// The bias without its causal part, where it is that and more; null where it is not.
Result<Value*> Recognize::without_causal_part(Node* node, const ScoreSizes& sizes) {
  Value* const bias = node->inputs[3];
  const auto step = scalar_step(bias->producer);
  if (!step || context_.exhausted()) return nullptr;
  const auto& [a, b, c] = step->operands;
  if (step->op == ScalarOp::kAdd && a.value && b.value) {
    if (is_causal_bias(a.value, sizes)) return b.value;
    return is_causal_bias(b.value, sizes) ? a.value : nullptr;
  }
  if (step->op != ScalarOp::kSelect || !a.value) return nullptr;
  // Of a row that is masked whole by a finite number the softmax sees the keys after the query.
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  const auto x = b.uniform(), y = c.uniform();
  const bool drops = x && *x == kNothing && y && *y == 0;
  if (!drops && !(x && *x == 0 && y && *y == kNothing)) return nullptr;
  const SplitCondition parts = split_condition(a.value, drops, sizes);
  if (!parts.causal || parts.rest.empty()) return nullptr;
  Value* seen = nullptr;
  for (const SplitCondition::Part& part : parts.rest) {
    Value* one = part.value;
    if (part.negated) {
      op::Pointwise negate;
      negate.body.inputs = 1;
      negate.body.results = {negate.body.add(ScalarOp::kNot, 0)};
      CARNOT_ASSIGN(one, graph_.make(std::move(negate), {one}, node->origin, node));
    }
    if (seen) {
      op::Pointwise both;
      both.body.inputs = 2;
      both.body.results = {both.body.add(ScalarOp::kAnd, 0, 1)};
      CARNOT_ASSIGN(one, graph_.make(std::move(both), {seen, one}, node->origin, node));
    }
    seen = one;
  }
  const DType dtype = bias->type().dtype;
  op::Pointwise select;
  select.body.inputs = 1;
  const int32_t zero = select.body.constant(dtype, 0);
  const int32_t masked = select.body.constant(dtype, kNothing);
  select.body.results = {select.body.add(ScalarOp::kSelect, 0, zero, masked)};
  return graph_.make(std::move(select), {seen}, node->origin, node);
}

// One number, the same for all keys, which a softmax does not see.
bool is_uniform(const Value* bias) {
  const Tensor* c = constant_of(bias);
  return c && c->elements() > 0 && (c->is_splat() || c->elements() == 1) &&
         std::isfinite(c->get(0));
}

Status Recognize::narrow_bias(Node* node) {
  if (node->inputs.size() < 4 || context_.exhausted()) return {};
  CARNOT_ASSIGN(Value * bias, narrowed(node->inputs[3], node, 0));
  const bool none = is_uniform(bias);
  if ((bias == node->inputs[3] && !none) || !context_.rewrite()) return {};
  std::vector<Value*> inputs(node->inputs.begin(), node->inputs.begin() + 3);
  if (!none) inputs.push_back(bias);
  graph_.set_inputs(node, std::move(inputs));
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
    CARNOT_RETURN_IF_ERROR(recognize.without_causal_bias(node));
    CARNOT_RETURN_IF_ERROR(recognize.narrow_bias(node));
  }
  graph.remove_dead();
  return {};
}

}  // namespace carnot
