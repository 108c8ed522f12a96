#include "layers_language.h"

#include "network_add.h"

namespace trt {

using carnot::Dim;
using carnot::ScalarOp;
namespace op = carnot::op;

namespace {

bool given(const Values& in, size_t i) {
  return in.size() > i && in[i].valid();
}

std::string f32(float value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  std::string out = text;
  if (out.find_first_of(".einf") == std::string::npos) out += ".0";
  return out + ":f32";
}

}  // namespace

Values AttentionOutput::emit(Emit& e, const Values& in) {
  for (int i = 0; i < 3; ++i) {
    if (e.rank(in[static_cast<size_t>(i)]) != 4) refuse("query, key and value need rank 4");
  }
  const Handle q = in[0], k = in[1], v = in[2];
  const DType t = e.dtype(q);
  const Dim rows = e.dims(q)[2], columns = e.dims(k)[2];
  Handle bias;
  if (given(in, 3)) {
    const Handle zero = e.scalar(t, 0), never = e.scalar(t, t == DType::kF16 ? -65504 : -1e30);
    bias = e.dtype(in[3]) == DType::kBool ? e.map("select($0, $1, $2)", {in[3], zero, never})
                                          : e.cast(in[3], t);
    bias = e.with_rank(bias, 4);
  }
  const bool square = rows == columns;
  if (causal && !(square && normalization == AttentionNormalizationOp::kSOFTMAX)) {
    const Handle i = e.make(op::Iota{{rows, columns}, 0, DType::kI64}, {});
    const Handle j = e.make(op::Iota{{rows, columns}, 1, DType::kI64}, {});
    const Handle mask =
        e.with_rank(e.map("select(le($0, $1), $2, $3)",
                          {j, i, e.scalar(t, 0), e.scalar(t, t == DType::kF16 ? -65504 : -1e30)}),
                    4);
    bias = bias.valid() ? e.binary(ScalarOp::kAdd, bias, mask) : mask;
  }
  if (normalization == AttentionNormalizationOp::kSOFTMAX) {
    Values operands = {q, k, v};
    if (bias.valid()) operands.push_back(bias);
    op::Attention a;
    a.causal = causal && square;
    return {e.make(a, operands)};
  }
  if (bias.valid()) unsupported("a mask without softmax");
  op::MatMul scores;
  scores.transpose_b = true;
  return {e.matmul(e.make(scores, {q, k}), v)};
}

IAttention* AttentionOutput::getAttention() const noexcept {
  return attention;
}

bool Attention::setInput(int32_t index, ITensor& input) noexcept {
  return layer_.set_input(index, static_cast<NetTensor*>(&input));
}
int32_t Attention::getNbInputs() const noexcept {
  return layer_.getNbInputs();
}
ITensor* Attention::getInput(int32_t index) const noexcept {
  return layer_.getInput(index);
}
ITensor* Attention::getOutput(int32_t index) const noexcept {
  return layer_.getOutput(index);
}
bool Attention::setName(char const* name) noexcept {
  if (!layer_.takes_text("setName", name)) return false;
  name_ = name;
  layer_.name = name;
  return true;
}
bool Attention::setNormalizationOperation(AttentionNormalizationOp operation) noexcept {
  const std::string unknown = check_value("AttentionNormalizationOp", operation);
  if (!unknown.empty()) return layer_.refuse_value("setNormalizationOperation", unknown), false;
  layer_.normalization = operation;
  layer_.touch();
  return true;
}
bool Attention::setCausal(bool causal) noexcept {
  layer_.causal = causal;
  layer_.touch();
  return true;
}
bool Attention::setNormalizationQuantizeScale(ITensor& scale) noexcept {
  if (!layer_.network.owns(&scale)) {
    layer_.refuse_value("setNormalizationQuantizeScale", layer_.network.why_not_owned(&scale));
    return false;
  }
  quantize_scale_ = &scale;
  return true;
}
bool Attention::setMetadata(char const* text) noexcept {
  if (!layer_.takes_text("setMetadata", text)) return false;
  layer_.metadata = text;
  return true;
}

Values RotaryEmbedding::emit(Emit& e, const Values& in) {
  const Handle x = in[0];
  if (e.rank(x) != 4 || !e.dims(x)[3].is_constant()) refuse("needs [batch, heads, length, size]");
  const int64_t size = e.dims(x)[3].value(), turned = dim == 0 ? size : dim, half = turned / 2;
  if (turned > size || turned % 2) refuse("the rotary dimension ", turned, " of ", size);
  // The caches become [batch, 1, length, half].
  const auto cache = [&](Handle h) {
    if (given(in, 3)) h = e.gather(h, e.cast(in[3], DType::kI64), 0);
    if (e.rank(h) != 3)
      refuse("the caches need [length, size/2] with positions, else [batch, ...]");
    carnot::Dims sizes = e.dims(h);
    sizes.insert(sizes.begin() + 1, Dim(1));
    return e.cast(e.reshape(h, sizes), e.dtype(x));
  };
  const Handle c = cache(in[1]), s = cache(in[2]);
  const Handle part = e.slice(x, 3, Dim(0), Dim(turned));
  Handle a, b;
  const carnot::Dims sizes = e.dims(part);
  carnot::Dims pairs(sizes.begin(), sizes.begin() + 3);
  pairs.emplace_back(half), pairs.emplace_back(2);
  carnot::Dims halves(sizes.begin(), sizes.begin() + 3);
  halves.emplace_back(half);
  if (interleaved) {
    const Handle split = e.reshape(part, pairs);
    a = e.reshape(e.slice(split, 4, Dim(0), Dim(1)), halves);
    b = e.reshape(e.slice(split, 4, Dim(1), Dim(1)), halves);
  } else {
    a = e.slice(part, 3, Dim(0), Dim(half));
    b = e.slice(part, 3, Dim(half), Dim(half));
  }
  const Handle p = e.map("sub(mul($0, $2), mul($1, $3))", {a, b, c, s});
  const Handle q = e.map("add(mul($0, $3), mul($1, $2))", {a, b, c, s});
  Handle out;
  if (interleaved) {
    carnot::Dims one = halves;
    one.emplace_back(1);
    out = e.reshape(e.concat({e.reshape(p, one), e.reshape(q, one)}, 4), sizes);
  } else {
    out = e.concat({p, q}, 3);
  }
  if (turned == size) return {out};
  return {e.concat({out, e.slice(x, 3, Dim(turned), Dim(size - turned))}, 3)};
}

Values KvCacheUpdate::emit(Emit& e, const Values& in) {
  const Handle cache = in[0], update = in[1];
  if (e.rank(cache) != 4 || e.rank(update) != 4) refuse("needs [batch, heads, length, size]");
  const Dim length = e.dims(update)[2];
  // Where in the update each row of the cache comes from; rows outside stay.
  const carnot::Dims rows = {e.dims(cache)[0], Dim(1), e.dims(cache)[2], Dim(1)};
  const Handle row = e.make(op::Iota{rows, 2, DType::kI64}, {});
  const Handle first =
      e.reshape(e.cast(in[2], DType::kI64), {e.dims(cache)[0], Dim(1), Dim(1), Dim(1)});
  const Handle from = e.binary(ScalarOp::kSub, row, first);
  const Handle count = e.make(op::DimsTensor{{length}, true}, {});
  const Handle at = e.map("max(0:i64, min($0, sub($1, 1:i64)))", {from, count});
  const Handle moved = e.make(op::GatherElements{2}, {update, e.expand(at, e.dims(cache))});
  return {e.map("select(and(ge($2, 0:i64), lt($2, $3)), $1, $0)",
                {cache, e.cast(moved, e.dtype(cache)), from, count})};
}

void Experts::setGatedWeights(ITensor& gate, ITensor& up, ITensor& down, MoEActType type) noexcept {
  set_input(3, static_cast<NetTensor*>(&gate));
  set_input(4, static_cast<NetTensor*>(&up));
  set_input(5, static_cast<NetTensor*>(&down));
  activation = type;
}
void Experts::setGatedBiases(ITensor& gate, ITensor& up, ITensor& down) noexcept {
  set_input(6, static_cast<NetTensor*>(&gate));
  set_input(7, static_cast<NetTensor*>(&up));
  set_input(8, static_cast<NetTensor*>(&down));
}
void Experts::setQuantizationStatic(ITensor&, DataType type) noexcept {
  quantize_to = type;
  touch();
}
void Experts::setQuantizationDynamicDblQ(ITensor&, DataType type, Dims const& shape,
                                         DataType scales) noexcept {
  quantize_to = type, block = shape, scale_type = scales;
  touch();
}

/// Every expert sees every token; a token's weights of the experts that it did not select are 0.
Values Experts::emit(Emit& e, const Values& in) {
  if (!given(in, 3) || !given(in, 4) || !given(in, 5)) refuse("setGatedWeights() comes first");
  if (quantize_to != DataType::kFLOAT) unsupported("quantized experts; leave them in float");
  const Handle x = in[0];
  if (e.rank(x) < 1 || e.rank(in[1]) < 1) refuse("needs tokens and what they selected");
  for (size_t i = 3; i < 6; ++i) {
    if (e.rank(in[i]) != 3) refuse("needs weights [experts, from, to], input ", i, " has others");
  }
  for (size_t i = 6; i < 9; ++i) {
    if (given(in, i) && e.rank(in[i]) != 2) refuse("needs biases [experts, size], input ", i);
  }
  const carnot::Dims sizes = e.dims(x);
  const Dim experts = e.dims(in[3])[0], chosen = e.dims(in[1]).back();
  const Dim tokens = floor_div(carnot::product(sizes), sizes.back());
  const DType t = e.dtype(x);
  const Handle rows = e.reshape(x, {Dim(1), tokens, sizes.back()});
  const auto affine = [&](Handle y, size_t weights, size_t bias) {
    y = e.matmul(y, in[weights]);
    if (!given(in, bias)) return y;
    const Handle b = e.reshape(in[bias], {experts, Dim(1), e.dims(in[bias]).back()});
    return e.binary(ScalarOp::kAdd, y, b);
  };
  Handle gate = e.cast(affine(rows, 3, 6), DType::kF32),
         up = e.cast(affine(rows, 4, 7), DType::kF32);
  if (limit < std::numeric_limits<float>::infinity()) {
    gate = e.map(cat("min($0, ", f32(limit), ")"), {gate});
    up = e.map(cat("max(", f32(-limit), ", min($0, ", f32(limit), "))"), {up});
  }
  Handle h =
      activation == MoEActType::kSILU
          ? e.map(cat("mul(mul($0, sigmoid(mul($0, ", f32(alpha), "))), add($1, ", f32(beta), "))"),
                  {gate, up})
          : e.binary(ScalarOp::kMul, gate, up);
  const Handle y = affine(e.cast(h, t), 5, 8);
  // Scores [experts, tokens, 1]: of the chosen places that name the expert.
  const Handle names = e.reshape(e.cast(in[1], DType::kI64), {Dim(1), tokens, chosen});
  const Handle scores = e.reshape(e.cast(in[2], t), {Dim(1), tokens, chosen});
  const Handle expert = e.make(op::Iota{{experts, Dim(1), Dim(1)}, 0, DType::kI64}, {});
  const Handle picked =
      e.map("select(eq($0, $1), $2, $3)", {names, expert, scores, e.scalar(t, 0)});
  const Handle share = e.reduce(op::Reduce::kSum, picked, {2}, true);
  const Handle sum = e.reduce(op::Reduce::kSum, e.binary(ScalarOp::kMul, y, share), {0}, false);
  carnot::Dims out = sizes;
  out.back() = e.dims(sum).back();
  return {e.reshape(sum, out)};
}

IAttention* Network::addAttention(ITensor& query, ITensor& key, ITensor& value,
                                  AttentionNormalizationOp normalization, bool causal) noexcept {
  const char* const call = "INetworkDefinition::addAttention";
  AttentionOutput* const layer =
      add<AttentionOutput>(call, {&query, &key, &value}, 1, [&](AttentionOutput& l) {
        l.normalization = normalization, l.causal = causal;
        return check_value("AttentionNormalizationOp", normalization);
      });
  if (!layer) return nullptr;
  return reporter_.guard(call, static_cast<IAttention*>(nullptr), [&] {
    attentions_.push_back(std::make_unique<Attention>(*layer));
    layer->attention = attentions_.back().get();
    return layer->attention;
  });
}

IRotaryEmbeddingLayer* Network::addRotaryEmbedding(ITensor& input, ITensor& cos, ITensor& sin,
                                                   bool interleaved, int32_t dim) noexcept {
  const char* const call = "INetworkDefinition::addRotaryEmbedding";
  return add<RotaryEmbedding>(call, {&input, &cos, &sin}, 1, [&](RotaryEmbedding& l) {
    l.interleaved = interleaved, l.dim = dim;
    return std::string(
        dim >= 0 && dim % 2 == 0 ? kFine : "the rotary dimension is not even and at least 0");
  });
}

IKVCacheUpdateLayer* Network::addKVCacheUpdate(ITensor& cache, ITensor& update, ITensor& indices,
                                               KVCacheMode mode) noexcept {
  const char* const call = "INetworkDefinition::addKVCacheUpdate";
  return add<KvCacheUpdate>(call, {&cache, &update, &indices}, 1,
                            [&](KvCacheUpdate&) { return check_value("KVCacheMode", mode); });
}

IMoELayer* Network::addMoE(ITensor& hidden, ITensor& selected, ITensor& scores) noexcept {
  return add<Experts>("INetworkDefinition::addMoE", {&hidden, &selected, &scores}, 1,
                      [](Experts&) { return std::string(); });
}

}  // namespace trt
