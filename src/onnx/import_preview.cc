// Operators of the domain ai.onnx.preview.
#include <cmath>

#include "base/text.h"
#include "onnx/import_table.h"
#include "onnx/session.h"

namespace carnot::onnx {

namespace {

/// A subgraph of one input and one output, at this place. It must keep the type.
Value* apply_modifier(NodeImport& n, const char* name, Value* x) {
  if (!n.has(name)) return x;
  const GraphProto& body = n.subgraph(name);
  if (body.inputs.size() != 1) n.invalid(name, " takes ", body.inputs.size(), " inputs, not 1");
  Scope scope = n.scope().nested();
  Binding binding;
  binding.kind = Binding::kValue;
  binding.value = x;
  n.session().define(scope, body.inputs[0].name, std::move(binding));
  const Values outputs = n.session().import_body(scope, body);
  if (outputs.size() != 1 || !(outputs[0]->type() == x->type())) {
    n.invalid(name, " does not give one ", to_string(x->type()));
  }
  return outputs[0];
}

/// Attention whose scores and probabilities pass through subgraphs of the model.
void flex_attention(NodeImport& n) {
  Value *const q = n.in(0), *const k = n.in(1), *const v = n.in(2);
  for (size_t i = 0; i < 3; ++i) {
    if (n.rank(i) != 4) n.invalid("operand ", i, " needs rank 4, got ", to_string(n.type(i)));
  }
  const Dims &rows = q->type().dims, &keys = k->type().dims;
  const Dim &heads = rows[1], &shared = keys[1], &width = rows[3];
  if (!heads.is_constant() || !shared.is_constant() || shared.value() < 1 ||
      heads.value() % shared.value() != 0) {
    n.unsupported("has ", to_string(heads), " query heads for ", to_string(shared), " key heads");
  }
  double scale = 0;
  if (n.has("scale")) {
    scale = n.real("scale", 1);
  } else if (width.is_constant() && width.value() > 0) {
    scale = 1 / std::sqrt(static_cast<double>(width.value()));
  } else {
    n.unsupported("the default scale needs a known head size, which is ", to_string(width));
  }
  const DType dtype = q->type().dtype;
  const DType precise =
      n.dtype("softmax_precision", dtype == DType::kF64 ? DType::kF64 : DType::kF32);
  const Dim group = heads.value() / shared.value();
  // A group of query heads shares one key head: its rows are more rows of that head.
  const auto fold = [&](Value* x, const Dim& last) {
    return n.reshape(x, {rows[0], shared, group * rows[2], last});
  };
  Value* const product =
      n.matmul(fold(n.cast(q, precise), width), n.transpose(n.cast(k, precise), {0, 1, 3, 2}));
  Value* scores = n.reshape(product, {rows[0], heads, rows[2], keys[2]});
  scores = n.map("mul($0, #" + print_float(scale) + ")", {scores});
  scores = apply_modifier(n, "score_mod", scores);
  Value* const weights = apply_modifier(n, "prob_mod", n.softmax(scores, 3));
  Value* const out = n.matmul(fold(weights, keys[2]), n.cast(v, precise));
  n.out(n.cast(n.reshape(out, {rows[0], heads, rows[2], v->type().dims[3]}), dtype));
}

constexpr ImportRow kRows[] = {
    {"FlexAttention", 1, kNewest, 3, 3, 1, flex_attention},
};

}  // namespace

std::span<const ImportRow> preview_rows() {
  return kRows;
}

}  // namespace carnot::onnx
