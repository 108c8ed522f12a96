// Sequence operators that carry a state from one call to the next: linear attention (a Scan over
// time) and causal depthwise convolution.
#include <cmath>

#include "base/text.h"
#include "onnx/import_table.h"
#include "onnx/session.h"

namespace carnot::onnx {

namespace {

/// What LinearAttention's recurrence needs to know. The state is [b, heads, d_k, d_v].
struct Recurrence {
  bool gated = false, delta = false;
  int64_t heads = 1, group = 1;  ///< of keys and values; queries of each
  Dim batch, d_k, d_v;
  bool shared_decay = false;  ///< one decay a head, not one a key element
  double scale = 1;
};

Recurrence read_recurrence(NodeImport& n) {
  Recurrence out;
  const std::string rule = n.text("update_rule", "gated_delta");
  out.gated = rule == "gated" || rule == "gated_delta";
  out.delta = rule == "delta" || rule == "gated_delta";
  if (!out.gated && !out.delta && rule != "linear") {
    n.invalid("the update rule ", quote(rule), " is unknown");
  }
  for (size_t i = 0; i < 3; ++i) {
    if (n.rank(i) != 3) n.invalid("operand ", i, " needs rank 3, got ", to_string(n.type(i)));
  }
  const int64_t queries = n.integer("q_num_heads");
  out.heads = n.integer("kv_num_heads");
  if (out.heads < 1 || queries < 1 || queries % out.heads != 0) {
    n.invalid("has ", queries, " query heads for ", out.heads, " key heads");
  }
  out.group = queries / out.heads;
  const auto width = [&](size_t operand, int64_t heads) {
    const Dim& packed = n.type(operand).dims[2];
    if (packed.is_constant() && packed.value() % heads != 0) {
      n.invalid(to_string(n.type(operand)), " does not divide into ", heads, " heads");
    }
    return floor_div(packed, heads);
  };
  out.batch = n.type(0).dims[0];
  out.d_k = width(1, out.heads);
  out.d_v = width(2, out.heads);
  if (out.gated) out.shared_decay = n.type(4).dims.back().is(out.heads) && !out.d_k.is(1);
  out.scale = n.real("scale", 0);
  if (out.scale == 0) {
    if (!out.d_k.is_constant() || out.d_k.value() < 1) {
      n.unsupported("the default scale needs a known head size, which is ", to_string(out.d_k));
    }
    out.scale = 1 / std::sqrt(static_cast<double>(out.d_k.value()));
  }
  return out;
}

/// One time step: the new state and the output [b, query heads * d_v].
std::pair<Value*, Value*> step(Emit& b, const Recurrence& r, Value* state, const Values& element) {
  size_t next = 0;
  const auto take = [&](const Dims& dims) { return b.reshape(element[next++], dims); };
  Value* const q = take({r.batch, r.heads, r.group, r.d_k});
  Value* const k = take({r.batch, r.heads, r.d_k, 1});
  Value* change = take({r.batch, r.heads, 1, r.d_v});
  if (r.gated) {
    Value* const decay = take({r.batch, r.heads, r.shared_decay ? Dim(1) : r.d_k, 1});
    state = b.map("mul(exp($0), $1)", {decay, state});
  }
  if (r.delta) {
    // What the state already answers to this key is not added again.
    Value* const known = b.matmul(b.transpose(k, {0, 1, 3, 2}), state);
    Value* const beta = take({r.batch, element[next]->type().dims[1], 1, 1});
    change = b.map("mul($0, sub($1, $2))", {beta, change, known});
  }
  state = b.map("add($0, mul($1, $2))", {state, k, change});
  Value* const out = b.map("mul($0, #" + print_float(r.scale) + ")", {b.matmul(q, state)});
  return {state, b.reshape(out, {r.batch, Dim(r.heads * r.group) * r.d_v})};
}

void linear_attention(NodeImport& n) {
  const Recurrence r = read_recurrence(n);
  const DType dtype = n.type(0).dtype;
  // The state of a long sequence does not survive rounding to 16 bits at every step.
  const DType wide = dtype == DType::kF64 ? dtype : DType::kF32;
  const Dims state_dims = {r.batch, r.heads, r.d_k, r.d_v};
  Value* const state =
      n.has_input(3) ? n.cast(n.in(3), wide) : n.filled(Tensor::zeros(wide, {}), state_dims);
  Values operands = {state, n.in(0), n.in(1), n.in(2)};
  if (r.gated) operands.push_back(n.in(4));
  if (r.delta) operands.push_back(n.in(5));

  auto body = std::make_unique<Graph>();
  body->name = "step";
  KnownValues known;
  Emit b(*body, known, n.session().fresh(), n.origin());
  Value* const before = body->add_input("state", {wide, state_dims});
  Values elements;
  for (size_t i = 1; i < operands.size(); ++i) {
    operands[i] = n.cast(operands[i], wide);
    const Dims& dims = operands[i]->type().dims;
    if (dims.size() != 3) n.invalid("needs operands of rank 3, got ", to_string(dims));
    elements.push_back(body->add_input(cat("x", i), {wide, {dims[0], dims[2]}}));
  }
  const auto [after, out] = step(b, r, before, elements);
  body->set_outputs({after, out});
  body->output_names = {"after", "out"};

  op::Scan op;
  op.states = 1;
  op.scanned = static_cast<int64_t>(elements.size());
  op.input_axes.assign(elements.size(), 1);
  op.input_reversed.assign(elements.size(), 0);
  op.output_axes = {1};
  op.output_reversed = {0};
  const Dims& out_dims = out->type().dims;
  op.types = {before->type(), {wide, {out_dims[0], n.type(0).dims[1], out_dims[1]}}};
  std::vector<std::unique_ptr<Graph>> regions;
  regions.push_back(std::move(body));
  Node* const scan = n.add(std::move(op), operands, std::move(regions));
  n.out(0, n.cast(scan->outputs[1], dtype));
  n.out(1, n.cast(scan->outputs[0], dtype));
}

void causal_conv(NodeImport& n) {
  Value *const x = n.in(0), *const w = n.in(1);
  const Dims &dims = x->type().dims, &kernel = w->type().dims;
  if (dims.size() != 3 || kernel.size() != 3) {
    n.invalid("needs operands of rank 3, got ", to_string(dims), " and ", to_string(kernel));
  }
  if (!kernel[0].is_constant() || !kernel[2].is_constant() || kernel[0].value() < 1 ||
      kernel[2].value() < 1) {
    n.unsupported("the weights need known sizes, they are ", to_string(kernel));
  }
  const Dim kept = kernel[2] - Dim(1);
  Value* const past = n.has_input(3)
                          ? n.in(3)
                          : n.filled(Tensor::zeros(x->type().dtype, {}), {dims[0], dims[1], kept});
  Value* const all = n.concat({past, x}, 2);
  op::Conv op;
  op.groups = kernel[0].value();
  Value* y = n.make(op, n.has_input(2) ? Values{all, w, n.in(2)} : Values{all, w});
  const std::string activation = n.text("activation", "none");
  if (activation == "silu" || activation == "swish") {
    y = n.map("mul($0, sigmoid($0))", {y});
  } else if (activation != "none") {
    n.invalid("the activation ", quote(activation), " is unknown");
  }
  n.out(0, y);
  n.out(1, n.slice(all, 2, dims[2], kept));
}

constexpr ImportRow kRows[] = {
    {"CausalConvWithState", 27, kNewest, 2, 4, 2, causal_conv},
    {"LinearAttention", 27, kNewest, 3, 6, 2, linear_attention},
};

}  // namespace

std::span<const ImportRow> state_rows() {
  return kRows;
}

}  // namespace carnot::onnx
