// Attention and rotary embeddings.
#include <cmath>
#include <limits>

#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

constexpr const char* kMasked = "select($0, #0, #-inf)";  // a bool mask as what is added to scores

/// Queries, keys and values as [b, heads, length, width], or [b, length, heads, width] with `bsh`.
struct Operands {
  Value *q, *k, *v;
  bool bsh = false, flat = false;  ///< flat: they came as [b, length, heads * width]
  int64_t row_axis() const { return bsh ? 1 : 2; }
  const Dim& queries() const { return q->type().dims[static_cast<size_t>(row_axis())]; }
  const Dim& keys() const { return k->type().dims[static_cast<size_t>(row_axis())]; }
};

Value* split_heads(NodeImport& n, Value* x, int64_t heads) {
  const Dims& dims = x->type().dims;
  if (heads < 1) n.invalid("the number of heads is ", heads);
  if (dims[2].is_constant() && dims[2].value() % heads != 0) {
    n.invalid(to_string(x->type()), " does not divide into ", heads, " heads");
  }
  return n.reshape(x, {dims[0], dims[1], heads, floor_div(dims[2], heads)});
}

Operands operands(NodeImport& n) {
  Operands out{n.in(0), n.in(1), n.in(2)};
  const int64_t rank = n.rank(0);
  if ((rank != 3 && rank != 4) || n.rank(1) != rank || n.rank(2) != rank) {
    n.invalid("needs three operands of rank 3 or 4");
  }
  out.flat = rank == 3;
  if (out.flat) {
    const int64_t heads = n.integer("q_num_heads"), shared = n.integer("kv_num_heads");
    out.q = split_heads(n, out.q, heads);
    out.k = split_heads(n, out.k, shared);
    out.v = split_heads(n, out.v, shared);
    out.bsh = true;
  }
  const bool cached = n.has_input(4) || n.has_input(5) || n.wants(1) || n.wants(2) || n.wants(3);
  if (out.bsh && cached) {  // caches and scores are [b, heads, ...]
    for (Value** x : {&out.q, &out.k, &out.v}) *x = n.transpose(*x, {0, 2, 1, 3});
    out.bsh = false;
  }
  if (n.has_input(4)) out.k = n.concat({n.in(4), out.k}, 2);
  if (n.has_input(5)) out.v = n.concat({n.in(5), out.v}, 2);
  return out;
}

/// Sums of masks; null for nothing.
class Bias {
 public:
  explicit Bias(NodeImport& n) : n_(n) {}
  void add(Value* mask) { sum_ = sum_ ? n_.add2(sum_, mask) : mask; }
  Value* get() const { return sum_; }

 private:
  NodeImport& n_;
  Value* sum_ = nullptr;
};

Value* given_mask(NodeImport& n, const Operands& x) {
  Value* mask = n.in(3);
  const DType dtype = x.q->type().dtype;
  mask = mask->type().dtype == DType::kBool ? n.map(kMasked, {mask}, dtype) : n.cast(mask, dtype);
  // Keys that a short mask does not reach take no part.
  const Dim have = mask->type().dims.back(), missing = x.keys() - have;
  if (have.is(1) || surely_le(missing, 0)) return mask;
  Dims lo(mask->type().dims.size(), Dim(0)), hi = lo;
  hi.back() = larger(missing, 0);
  return n.pad(mask, lo, hi, n.scalar(dtype, -std::numeric_limits<double>::infinity()));
}

/// What is added to scores; `causal` is cleared where it is part of that.
Value* bias_of(NodeImport& n, const Operands& x, bool& causal) {
  Bias bias(n);
  if (n.has_input(3)) bias.add(given_mask(n, x));
  const DType dtype = x.q->type().dtype;
  const Dim past = n.has_input(4) ? n.type(4).dims[2] : Dim(0);
  if (causal && !(x.keys() - x.queries() == past)) {  // the diagonal begins at the first key
    Value* const key = n.iota({1, x.keys()}, 1);
    Value* row = n.iota({x.queries(), 1}, 0);
    if (n.has_input(4)) row = n.add2(row, n.size_of(n.in(4), 2));
    bias.add(n.map(kMasked, {n.binary(ScalarOp::kLe, key, row)}, dtype));
    causal = false;
  }
  if (n.has_input(6)) {
    Value* const key = n.iota({1, 1, 1, x.keys()}, 3);
    Value* const length = n.align(n.cast(n.in(6), DType::kI64), {0}, 4);
    bias.add(n.map(kMasked, {n.binary(ScalarOp::kLt, key, length)}, dtype));
  }
  return bias.get();
}

/// Each key head once for every query head that shares it.
Value* repeat_heads(NodeImport& n, Value* x, const Dim& heads) {
  const Dims dims = x->type().dims;
  if (dims[1] == heads) return x;
  const Dim times = floor_div(heads, dims[1]);
  Value* const each = n.reshape(x, {dims[0], dims[1], 1, dims[2], dims[3]});
  return n.reshape(n.expand(each, {dims[0], dims[1], times, dims[2], dims[3]}),
                   {dims[0], heads, dims[2], dims[3]});
}

/// Step by step: for a soft cap, or where the scores themselves are wanted.
Value* spelled_out(NodeImport& n, const Operands& x, double scale, Value* bias, bool causal) {
  if (causal) {
    Value* const key = n.iota({1, x.keys()}, 1);
    Value* row = n.iota({x.queries(), 1}, 0);
    if (n.has_input(4)) row = n.add2(row, n.size_of(n.in(4), 2));
    Value* const mask = n.map(kMasked, {n.binary(ScalarOp::kLe, key, row)}, x.q->type().dtype);
    bias = bias ? n.add2(bias, mask) : mask;
  }
  const auto by_head = [&](Value* v) { return x.bsh ? n.transpose(v, {0, 2, 1, 3}) : v; };
  Value* const q = by_head(x.q);
  const Dim heads = q->type().dims[1];
  Value* const k = repeat_heads(n, by_head(x.k), heads);
  Value* const v = repeat_heads(n, by_head(x.v), heads);
  op::MatMul product;
  product.transpose_b = true;
  const int64_t mode = n.integer("qk_matmul_output_mode", 0);
  const double cap = n.real("softcap", 0);
  Value* scores = n.map(cat("mul($0, #", print_float(scale), ")"), {n.make(product, {q, k})});
  if (mode == 0) n.out(3, scores);
  if (cap > 0) {
    const std::string c = print_float(cap);
    scores = n.map(cat("mul(tanh(div($0, #", c, ")), #", c, ")"), {scores});
  }
  if (mode == 1) n.out(3, scores);
  if (bias) scores = n.add2(scores, bias);
  if (mode == 2) n.out(3, scores);
  Value* const weights = n.softmax(scores, 3);
  if (mode == 3) n.out(3, weights);
  Value* const out = n.matmul(weights, v);
  return x.bsh ? n.transpose(out, {0, 2, 1, 3}) : out;
}

void attention(NodeImport& n) {
  const Operands x = operands(n);
  const Dim& width = x.q->type().dims[3];
  if (!n.has("scale") && !width.is_constant()) n.unsupported("the width of the heads is not known");
  const double scale =
      n.has("scale") ? n.real("scale", 1) : 1 / std::sqrt(static_cast<double>(width.value()));
  bool causal = n.flag("is_causal", false);
  Value* const bias = bias_of(n, x, causal);
  Value* out = nullptr;
  if (n.real("softcap", 0) > 0 || n.wants(3)) {
    out = spelled_out(n, x, scale, bias, causal);
  } else {
    op::Attention op;
    op.scale = scale;
    op.causal = causal;
    op.bsh = x.bsh;
    out = n.make(op, bias ? Values{x.q, x.k, x.v, bias} : Values{x.q, x.k, x.v});
  }
  if (x.flat) {
    if (!x.bsh) out = n.transpose(out, {0, 2, 1, 3});
    const Dims& dims = out->type().dims;
    out = n.reshape(out, {dims[0], dims[1], dims[2] * dims[3]});
  }
  n.out(0, out);
  n.out(1, x.k);
  n.out(2, x.v);
}

/// Rotates pairs of elements of each head by angles that depend on the position.
void rotary_embedding(NodeImport& n) {
  Value* x = n.in(0);
  const Dims original = x->type().dims;
  const bool flat = x->type().rank() == 3;
  if (flat) x = split_heads(n, x, n.integer("num_heads", 0));
  if (x->type().rank() != 4) n.invalid("needs an operand of rank 3 or 4");
  const Dim width = x->type().dims[3];
  const int64_t given = n.integer("rotary_embedding_dim", 0);
  const Dim rotated = given > 0 ? Dim(given) : width;
  const Dim half = floor_div(rotated, 2);
  const auto angles = [&](size_t index) {
    Value* cache = n.in(index);
    if (n.has_input(3)) cache = n.gather(cache, n.in(3), 0);
    if (cache->type().rank() != 3) n.invalid("the caches must have rank 3");
    return n.unsqueeze(cache, flat ? 2 : 1);
  };
  Value *const cos = angles(1), *const sin = angles(2);
  Value* const turning = n.slice(x, 3, 0, rotated);
  Value *a = nullptr, *b = nullptr;
  const bool interleaved = n.flag("interleaved", false);
  if (interleaved) {
    Dims pairs = turning->type().dims;
    pairs[3] = half;
    pairs.emplace_back(2);
    Value* const paired = n.reshape(turning, pairs);
    a = n.squeeze(n.slice(paired, 4, 0, 1), 4);
    b = n.squeeze(n.slice(paired, 4, 1, 1), 4);
  } else {
    a = n.slice(turning, 3, 0, half);
    b = n.slice(turning, 3, half, half);
  }
  Value* const real = n.map("sub(mul($2, $0), mul($3, $1))", {a, b, cos, sin});
  Value* const imaginary = n.map("add(mul($3, $0), mul($2, $1))", {a, b, cos, sin});
  Value* out = interleaved
                   ? n.reshape(n.concat({n.unsqueeze(real, 4), n.unsqueeze(imaginary, 4)}, 4),
                               turning->type().dims)
                   : n.concat({real, imaginary}, 3);
  if (!(rotated == width)) {
    out = n.concat({out, n.slice(x, 3, rotated, width - rotated)}, 3);
  }
  n.out(n.reshape(out, original));
}

constexpr ImportRow kRows[] = {
    {"Attention", 23, kNewest, 3, 7, 4, attention},
    {"RotaryEmbedding", 23, kNewest, 3, 4, 1, rotary_embedding},
};

}  // namespace

std::span<const ImportRow> attention_rows() {
  return kRows;
}

}  // namespace carnot::onnx
