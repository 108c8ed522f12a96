// The parts of BERT as TensorRT's plugins have them. Sequences are [sequence, batch, ...], or of
// various lengths one behind the other, [total, ...], with their bounds [batch + 1].
#include <cmath>
#include <limits>

#include "stock_boxes.h"

namespace trt {

namespace {

using carnot::Dim;
using carnot::Dims;
using carnot::ScalarOp;
namespace op = carnot::op;

// The plugins add the least step of their type to a variance.
double epsilon_of(DType dtype) {
  return dtype == DType::kF16 ? 0x1p-10 : dtype == DType::kBF16 ? 0x1p-7 : 0x1p-23;
}

/// A field's numbers [count] along `axis` of a tensor with this rank, in this type.
Handle weights_along(Emit& e, const StockFields& fields, const char* name, int64_t axis,
                     int64_t rank, DType dtype) {
  const carnot::Tensor values = fields.tensor(name);
  if (values.elements() == 0) refuse("the field '", name, "' has no numbers");
  Dims sizes(static_cast<size_t>(rank), Dim(1));
  sizes[static_cast<size_t>(axis)] = Dim(values.elements());
  return e.reshape(e.cast(e.constant(values), dtype), sizes);
}

/// gamma * x normalised along `axis` + beta.
Handle layer_norm(Emit& e, Handle x, int64_t axis, double epsilon, Handle gamma, Handle beta) {
  op::Normalize n;
  n.axes = {axis};
  n.epsilon = epsilon;
  return e.map("add(mul($0, $1), $2)", {e.make(n, {x}), gamma, beta});
}

/// x + skip (+ bias), and that normalised along `axis`.
struct Summed {
  Handle sum, normal;
};
Summed add_and_norm(Emit& e, const Values& in, const StockFields& fields, int64_t axis) {
  if (in.size() != 2) refuse("takes x and the skip connection");
  if (!e.is_float(in[0])) unsupported("INT8 tensors: scales are those of the network's ranges");
  const int64_t rank = e.rank(in[0]);
  if (axis >= rank) refuse("x has ", rank, " axes");
  const DType dtype = e.dtype(in[0]);
  const auto vector = [&](const char* name) {
    return weights_along(e, fields, name, axis, rank, dtype);
  };
  Handle x = e.binary(ScalarOp::kAdd, in[0], in[1]);
  if (fields.tensor("bias").elements() > 0) x = e.binary(ScalarOp::kAdd, x, vector("bias"));
  return {x, layer_norm(e, x, axis, epsilon_of(dtype), vector("gamma"), vector("beta"))};
}

/// x is [sequence, batch, hidden, 1, 1], or [total, hidden, 1, 1].
Values skip_layer_norm(Emit& e, const Values& in, const StockFields& fields) {
  const int64_t rank = in.empty() ? 0 : e.rank(in[0]);
  const int64_t axis = rank == 4 ? 1 : std::min<int64_t>(2, rank - 1);
  return {add_and_norm(e, in, fields, axis).normal};
}
/// x is [1, hidden, total, 1].
Values skip_interleaved(Emit& e, const Values& in, const StockFields& fields) {
  return {add_and_norm(e, in, fields, 1).normal};
}
Values skip_interleaved_megatron(Emit& e, const Values& in, const StockFields& fields) {
  const Summed s = add_and_norm(e, in, fields, 1);
  return {s.normal, s.sum};
}

/// x [s, b, k, 1, 1] by weights [k, out].
Values fully_connected(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 1 || e.rank(in[0]) < 3) refuse("takes x [sequence, batch, k, 1, 1]");
  const Dims sizes = e.dims(in[0]);
  const int64_t out = fields.integer("out_dims", 0);
  const carnot::Tensor w = fields.tensor("W");
  if (out < 1 || w.elements() == 0 || !(sizes[2] * Dim(out) == Dim(w.elements()))) {
    refuse("W has ", w.elements(), " numbers, x is ", carnot::to_string(sizes), ", out_dims is ",
           out);
  }
  const Handle weights =
      e.reshape(e.cast(e.constant(w), e.dtype(in[0])), {Dim(w.elements() / out), Dim(out)});
  Dims result = sizes;
  result[2] = Dim(out);
  return {e.reshape(e.matmul(e.reshape(in[0], {sizes[0], sizes[1], sizes[2]}), weights), result)};
}

/// Rows of the embedding in a field: [rows, hidden].
Handle table_of(Emit& e, const StockFields& fields, const char* name, int64_t hidden) {
  const carnot::Tensor values = fields.tensor(name);
  if (values.elements() == 0 || values.elements() % hidden != 0) {
    refuse("the field '", name, "' has ", values.elements(), " numbers, rows have ", hidden);
  }
  return e.reshape(e.constant(values), {Dim(values.elements() / hidden), Dim(hidden)});
}

/// The sum of the embeddings of words, segments and positions [...], and that normalised; [...,
/// hidden].
Summed embed(Emit& e, const Values& in, const StockFields& fields, Handle positions) {
  const int64_t hidden = fields.tensor("bert_embeddings_layernorm_gamma").elements();
  if (hidden < 1) refuse("the field 'bert_embeddings_layernorm_gamma' has no numbers");
  const DType dtype = fields.flag("output_fp16", false) ? DType::kF16 : DType::kF32;
  const auto rows = [&](const char* table, Handle index) {
    const Handle all = e.cast(table_of(e, fields, table, hidden), dtype);
    return e.gather(all, e.cast(index, DType::kI64), 0);
  };
  const Handle words = rows("bert_embeddings_word_embeddings", in[0]);
  const Handle sum =
      e.map("add(add($0, $1), $2)", {words, rows("bert_embeddings_token_type_embeddings", in[1]),
                                     rows("bert_embeddings_position_embeddings", positions)});
  const int64_t rank = e.rank(sum);
  const auto vector = [&](const char* name) {
    return weights_along(e, fields, name, rank - 1, rank, dtype);
  };
  constexpr double kTiny = 1e-12;  // this plugin adds none
  return {sum, layer_norm(e, sum, rank - 1, kTiny, vector("bert_embeddings_layernorm_gamma"),
                          vector("bert_embeddings_layernorm_beta"))};
}

Handle with_ones(Emit& e, Handle x, int64_t count) {
  Dims sizes = e.dims(x);
  sizes.insert(sizes.end(), static_cast<size_t>(count), Dim(1));
  return e.reshape(x, sizes);
}

/// Words, segments and marks of valid ones [s, b] -> [s, b, hidden, 1, 1], and how many words of a
/// sequence are valid [b, 1]: those before its first that is not.
Values embed_fixed(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 3 || e.rank(in[0]) != 2) refuse("takes words, segments and a mask [s, b]");
  const Dims sizes = e.dims(in[0]);
  const Handle position = e.make(op::Iota{{sizes[0], Dim(1)}, 0, DType::kI64}, {});
  const Summed s = embed(e, in, fields, position);
  const Handle masked = e.map("select(eq($0, 0:i64), $1, $2)",
                              {e.cast(in[2], DType::kI64), position, i64(e, sizes[0])});
  const Handle first = e.reduce(op::Reduce::kMinimum, masked, {0}, false);
  return {with_ones(e, s.normal, 2), e.cast(e.reshape(first, {sizes[1], Dim(1)}), DType::kI32)};
}

/// Where the sequence of each of `total` words starts [total, 1]; bounds are [b + 1].
Handle starts_of(Emit& e, Handle bounds, const Dim& total) {
  const Handle word = e.make(op::Iota{{total, Dim(1)}, 0, DType::kI64}, {});
  const Handle from = e.reshape(e.cast(bounds, DType::kI64), {Dim(1), e.dims(bounds)[0]});
  const Handle reached = e.map("select(le($0, $1), $0, 0:i64)", {from, word});
  return e.reduce(op::Reduce::kMaximum, reached, {1}, true);
}

/// Words and segments [total], bounds [b + 1] and a tensor whose size is the longest sequence.
Summed embed_various(Emit& e, const Values& in, const StockFields& fields) {
  if (in.size() != 4 || e.rank(in[0]) != 1 || e.rank(in[2]) != 1) {
    refuse("takes words and segments [total], bounds [batch + 1] and the longest length");
  }
  const Dim total = e.dims(in[0])[0];
  const Handle word = e.make(op::Iota{{total}, 0, DType::kI64}, {});
  const Handle start = e.reshape(starts_of(e, in[2], total), {total});
  const Summed s = embed(e, in, fields, e.binary(ScalarOp::kSub, word, start));
  return {with_ones(e, s.sum, 2), with_ones(e, s.normal, 2)};
}
Values embed_huggingface(Emit& e, const Values& in, const StockFields& fields) {
  const Handle out = embed_various(e, in, fields).normal;
  return {out, e.scalar(e.dtype(out), 0)};  // what is behind it means nothing
}
Values embed_megatron(Emit& e, const Values& in, const StockFields& fields) {
  const Summed s = embed_various(e, in, fields);
  return {s.normal, s.sum};
}

/// Queries, keys and values of heads, and what attention makes of them.
struct Heads {
  int64_t count, width;
};
Heads heads_of(const StockFields& fields) {
  const int64_t hidden = fields.integer("hidden_size", 0), count = fields.integer("num_heads", 0);
  if (hidden < 1 || count < 1 || hidden % count != 0) {
    refuse("hidden_size is ", hidden, ", num_heads ", count);
  }
  return {count, hidden / count};
}

/// all [b, s, count, 3, width], bias broadcastable to [b, count, s, s] or not valid -> [b, s,
/// hidden].
Handle attend(Emit& e, Handle all, const Heads& heads, Handle bias) {
  const Dims sizes = e.dims(all);
  const auto part = [&](int64_t i) {
    const Handle x = e.reshape(e.slice(all, 3, Dim(i), Dim(1)),
                               {sizes[0], sizes[1], Dim(heads.count), Dim(heads.width)});
    return e.transpose(x, {0, 2, 1, 3});
  };
  op::Attention a;
  a.scale = 1 / std::sqrt(static_cast<double>(heads.width));
  a.guarded = true;
  Values operands = {part(0), part(1), part(2)};
  if (bias.valid()) operands.push_back(e.cast(bias, e.dtype(all)));
  const Handle out = e.transpose(e.make(a, operands), {0, 2, 1, 3});
  return e.reshape(out, {sizes[0], sizes[1], Dim(heads.count * heads.width)});
}

Handle bias_where(Emit& e, Handle visible) {
  return e.map("select($0, 0:f32, $1)",
               {visible, f32(e, -std::numeric_limits<double>::infinity())});
}

/// [s, b, 3 hidden, 1, 1] (each head's query, key and value) and perhaps how many keys of a
/// sequence count, [b, 1] or [b] -> [s, b, hidden, 1, 1].
Values attention_fixed(Emit& e, const Values& in, const StockFields& fields) {
  const Heads heads = heads_of(fields);
  const bool masked = fields.flag("has_mask", false);
  if (in.size() != 1 + static_cast<size_t>(masked) || e.rank(in[0]) != 5) {
    refuse("takes [s, b, 3 hidden, 1, 1] and, with has_mask, a mask");
  }
  if (!e.is_float(in[0])) unsupported("INT8: its scales are those of the network's ranges");
  const Dims sizes = e.dims(in[0]);
  const Handle all = e.reshape(e.transpose(in[0], {1, 0, 2, 3, 4}),
                               {sizes[1], sizes[0], Dim(heads.count), Dim(3), Dim(heads.width)});
  Handle bias;
  if (masked) {
    const Handle key = e.make(op::Iota{{sizes[0]}, 0, DType::kI64}, {});
    const Handle count = e.reshape(e.cast(in[1], DType::kI64), {sizes[1], Dim(1), Dim(1), Dim(1)});
    bias = bias_where(e, e.map("lt($0, $1)", {key, count}));
  }
  const Handle out = e.transpose(attend(e, all, heads, bias), {1, 0, 2});
  return {with_ones(e, out, 2)};
}

/// all [1, total, count, 3, width]: words see those of their own sequence.
Handle attend_various(Emit& e, Handle all, const Heads& heads, Handle bounds) {
  const Dim total = e.dims(all)[1];
  const Handle start = starts_of(e, bounds, total);
  const Handle same = e.map("eq($0, $1)", {start, e.reshape(start, {Dim(1), total})});
  return attend(e, all, heads, e.reshape(bias_where(e, same), {Dim(1), Dim(1), total, total}));
}

/// With var_seqlen [total, 3 hidden, 1, 1], a mask that is not looked at, bounds [b + 1] and a
/// tensor whose size is the longest sequence -> [total, hidden, 1, 1].
Values attention_various(Emit& e, const Values& in, const StockFields& fields) {
  if (!fields.flag("var_seqlen", false)) return attention_fixed(e, in, fields);
  const Heads heads = heads_of(fields);
  if (in.size() != 4 || e.rank(in[0]) != 4 || e.rank(in[2]) != 1) {
    refuse("takes [total, 3 hidden, 1, 1], a mask, bounds [batch + 1] and the longest length");
  }
  if (!e.is_float(in[0])) unsupported("INT8: its scales are those of the network's ranges");
  const Dim total = e.dims(in[0])[0];
  const Handle all = e.reshape(in[0], {Dim(1), total, Dim(heads.count), Dim(3), Dim(heads.width)});
  const Handle out =
      e.reshape(attend_various(e, all, heads, in[2]), {total, Dim(heads.count * heads.width)});
  return {with_ones(e, out, 2)};
}

/// [1, 3 hidden, total, 1]: all queries, all keys, all values; bounds [b + 1] -> [1, hidden, total,
/// 1]. INT8 tensors have the fields' scales.
Values attention_interleaved(Emit& e, const Values& in, const StockFields& fields) {
  const Heads heads = heads_of(fields);
  if (in.size() != 3 || e.rank(in[0]) != 4 || e.rank(in[1]) != 1) {
    refuse("takes [1, 3 hidden, total, 1], bounds [batch + 1] and the longest length");
  }
  const bool integers = !e.is_float(in[0]);
  if (integers && !fields.flag("use_explicit_int8", false)) {
    unsupported(
        "INT8 without use_explicit_int8 has the scales of the network's ranges, which no "
        "kernel knows here: set use_explicit_int8 to 1, input_qkv_scale and "
        "output_ctx_scale");
  }
  const Dim total = e.dims(in[0])[2];
  Handle x = in[0];
  if (integers) {
    x = e.map("mul($0, $1)", {e.cast(x, DType::kF32), f32(e, fields.number("input_qkv_scale", 1))});
  }
  x = e.reshape(x, {Dim(3), Dim(heads.count), Dim(heads.width), total});
  const Handle all = e.reshape(e.transpose(x, {3, 1, 0, 2}),
                               {Dim(1), total, Dim(heads.count), Dim(3), Dim(heads.width)});
  const Handle out =
      e.reshape(attend_various(e, all, heads, in[1]), {total, Dim(heads.count * heads.width)});
  Handle y =
      e.reshape(e.transpose(out, {1, 0}), {Dim(1), Dim(heads.count * heads.width), total, Dim(1)});
  if (integers) {
    y = e.map("cast(max(min(round(div($0, $1)), 127:f32), -128:f32)):i8",
              {y, f32(e, fields.number("output_ctx_scale", 1))});
  }
  return {y};
}

constexpr const char* kSkip = "type_id:i ld:i beta:f gamma:f bias:f";
constexpr const char* kSkipVarious = "type_id:i beta:f gamma:f bias:f";
constexpr const char* kSkipInterleaved = "beta:f gamma:f";
constexpr const char* kEmbed =
    "output_fp16:i full_mask:i mha_type_id:i bert_embeddings_layernorm_beta:f "
    "bert_embeddings_layernorm_gamma:f bert_embeddings_word_embeddings:f "
    "bert_embeddings_token_type_embeddings:f bert_embeddings_position_embeddings:f";
constexpr const char* kEmbedVarious =
    "output_fp16:i bert_embeddings_layernorm_beta:f bert_embeddings_layernorm_gamma:f "
    "bert_embeddings_word_embeddings:f bert_embeddings_token_type_embeddings:f "
    "bert_embeddings_position_embeddings:f";
constexpr const char* kAttention = "type_id:i hidden_size:i num_heads:i has_mask:i dq_probs:f";
constexpr const char* kAttentionVarious =
    "type_id:i hidden_size:i num_heads:i has_mask:i dq_probs:f var_seqlen:i use_int8_scale_max:i";
constexpr const char* kAttentionInterleaved =
    "hidden_size:i num_heads:i dq_probs:f use_int8_scale_max:i use_explicit_int8:i "
    "input_qkv_scale:f output_ctx_scale:f";

constexpr const char* kSkipName = "CustomSkipLayerNormPluginDynamic";
constexpr const char* kEmbedName = "CustomEmbLayerNormPluginDynamic";
constexpr const char* kAttentionName = "CustomQKVToContextPluginDynamic";

constexpr StockRow kRows[] = {
    {kSkipName, "1", StockKind::kDynamic, 1, kSkip, skip_layer_norm},
    {kSkipName, "2", StockKind::kDynamic, 1, kSkipVarious, skip_layer_norm},
    {kSkipName, "3", StockKind::kDynamic, 1, kSkipInterleaved, skip_interleaved},
    {kSkipName, "4", StockKind::kDynamic, 2, kSkipInterleaved, skip_interleaved_megatron},
    {kSkipName, "5", StockKind::kV3, 1, kSkip, skip_layer_norm},
    {kSkipName, "6", StockKind::kV3, 1, kSkipVarious, skip_layer_norm},
    {kSkipName, "7", StockKind::kV3, 1, kSkipInterleaved, skip_interleaved},
    {kSkipName, "8", StockKind::kV3, 2, kSkipInterleaved, skip_interleaved_megatron},
    {kEmbedName, "1", StockKind::kDynamic, 2, kEmbed, embed_fixed, "hi"},
    {kEmbedName, "2", StockKind::kDynamic, 2, kEmbedVarious, embed_huggingface, "h"},
    {kEmbedName, "3", StockKind::kDynamic, 2, kEmbedVarious, embed_megatron, "h"},
    {kEmbedName, "4", StockKind::kV3, 2, kEmbedVarious, embed_huggingface, "h"},
    {kEmbedName, "5", StockKind::kV3, 2, kEmbedVarious, embed_megatron, "h"},
    {kEmbedName, "6", StockKind::kV3, 2, kEmbed, embed_fixed, "hi"},
    {kAttentionName, "1", StockKind::kDynamic, 1, kAttention, attention_fixed},
    {kAttentionName, "2", StockKind::kDynamic, 1, kAttentionVarious, attention_various},
    {kAttentionName, "3", StockKind::kDynamic, 1, kAttentionInterleaved, attention_interleaved},
    {kAttentionName, "4", StockKind::kV3, 1, kAttention, attention_fixed},
    {kAttentionName, "5", StockKind::kV3, 1, kAttentionVarious, attention_various},
    {kAttentionName, "6", StockKind::kV3, 1, kAttentionInterleaved, attention_interleaved},
    {"CustomFCPluginDynamic", "1", StockKind::kDynamic, 1, "out_dims:i type_id:i W:f",
     fully_connected},
};

}  // namespace

std::span<const StockRow> stock_bert() {
  return kRows;
}

}  // namespace trt
