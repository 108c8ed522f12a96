// Operators that go over axes: reductions, normalizations, softmax.
#include "layers_math.h"
#include "onnx_rows.h"

namespace trt {

namespace {

/// No axes, and that means no reduction.
bool changes_nothing(OnnxView& v) {
  return v.integer("noop_with_empty_axes", 0) == 1 && !v.ints("axes") && v.inputs() == 1;
}

void out_identity(OnnxView& v) {
  if (const carnot::Tensor* const weights = v.weights(0)) return v.out(weights);
  v.out(v.identity(v.in(0)));
}

NetTensor* reduced(OnnxView& v, NetTensor* x, ReduceOperation operation) {
  const int32_t rank = v.rank(x);
  Ints axes = v.ints("axes").value_or(v.has(1) ? v.known_ints(1) : Ints());
  if (axes.empty()) {
    if (v.integer("noop_with_empty_axes", 0) == 1) return v.identity(x);
    axes = Sizes::count_up(rank).values();
  }
  uint32_t mask = 0;
  for (const int64_t axis : axes) mask |= 1U << v.axis(axis, rank);
  return v.named<Reduce>({x}, [&](Reduce& l) {
    l.operation = operation, l.axes = mask, l.keep_dims = v.integer("keepdims", 1) != 0;
  });
}

template <ReduceOperation kOperation>
void reduce(OnnxView& v) {
  v.out(reduced(v, v.in(0), kOperation));
}

NetTensor* named_unary(OnnxView& v, NetTensor* x, UnaryOperation operation) {
  return v.named<Unary>({x}, [&](Unary& l) { l.operation = operation; });
}

NetTensor* sum_of_squares(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* const squares = v.named<ElementWise>(
      {x, x}, [](ElementWise& l) { l.operation = ElementWiseOperation::kPROD; });
  return reduced(v, squares, ReduceOperation::kSUM);
}

void reduce_l1(OnnxView& v) {
  if (changes_nothing(v)) return out_identity(v);
  v.out(reduced(v, named_unary(v, v.in(0), UnaryOperation::kABS), ReduceOperation::kSUM));
}
void reduce_l2(OnnxView& v) {
  if (changes_nothing(v)) return out_identity(v);
  v.out(named_unary(v, sum_of_squares(v), UnaryOperation::kSQRT));
}
void reduce_log_sum(OnnxView& v) {
  if (changes_nothing(v)) return out_identity(v);
  v.out(named_unary(v, reduced(v, v.in(0), ReduceOperation::kSUM), UnaryOperation::kLOG));
}
void reduce_log_sum_exp(OnnxView& v) {
  if (changes_nothing(v)) return out_identity(v);
  NetTensor* const powers = named_unary(v, v.in(0), UnaryOperation::kEXP);
  v.out(named_unary(v, reduced(v, powers, ReduceOperation::kSUM), UnaryOperation::kLOG));
}
void reduce_sum_square(OnnxView& v) {
  if (changes_nothing(v)) return out_identity(v);
  v.out(sum_of_squares(v));
}

template <ReduceOperation kOperation>
void global_pool(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const uint32_t mask = ((1U << v.rank(x)) - 1) & ~3U;
  v.out(v.named<Reduce>(
      {x}, [&](Reduce& l) { l.operation = kOperation, l.axes = mask, l.keep_dims = true; }));
}

NetTensor* soft_max(OnnxView& v, NetTensor* x) {
  const bool flat = v.opset() < 13;
  const int32_t axis = v.axis(v.integer("axis", flat ? 1 : -1), v.rank(x));
  NetTensor* const from = flat ? flatten(v, x, axis) : x;
  return v.named<SoftMax>({from}, [&](SoftMax& l) { l.axes = 1U << (flat ? 1 : axis); });
}

void softmax(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* const soft = soft_max(v, x);
  v.out(OnnxView::result(add_shuffle(v, soft, Sizes::shape(v, x))));
}

void log_softmax(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* const logarithm = named_unary(v, soft_max(v, x), UnaryOperation::kLOG);
  v.out(OnnxView::result(add_shuffle(v, logarithm, Sizes::shape(v, x))));
}

void layer_normalization(OnnxView& v) {
  if (v.outputs() > 1) throw NotShown();
  NetTensor* x = v.in(0);
  const DataType type = v.type(x) == DataType::kHALF   ? DataType::kHALF
                        : v.type(x) == DataType::kBF16 ? DataType::kBF16
                                                       : DataType::kFLOAT;
  const int32_t rank = v.rank(x), first = v.axis(v.integer("axis", -1), rank);
  const auto factor = [&](size_t i, double otherwise) {
    if (!v.has(i)) return v.scalar(type, otherwise, rank);
    NetTensor* out = v.in(i);
    raise(v, x, out);
    return out;
  };
  NetTensor* const scale = factor(1, 1);
  NetTensor* const bias = factor(2, 0);
  v.out(v.named<Normalization>({x, scale, bias}, [&](Normalization& l) {
    for (int32_t i = first; i < rank; ++i) l.axes |= 1U << i;
    l.epsilon = v.real("epsilon", 1e-5F);
    l.v2 = true;
  }));
}

/// One scale and bias for each channel.
template <bool kGroups>
void channel_normalization(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* const scales = v.in(1);
  NetTensor* const biases = v.in(2);
  const int32_t rank = v.rank(x);
  if (rank < 3) throw NotShown();
  Ints others = {0};
  for (int32_t i = 2; i < rank; ++i) others.push_back(i);
  NetTensor* const scale = unsqueeze(v, scales, others);
  NetTensor* const bias = unsqueeze(v, biases, others);
  v.out(v.named<Normalization>({x, scale, bias}, [&](Normalization& l) {
    for (int32_t i = 2; i < rank; ++i) l.axes |= 1U << i;
    l.epsilon = v.real("epsilon", 1e-5F);
    l.groups = v.integer("num_groups", 1);
    l.v2 = !kGroups || v.opset() >= 21;
  }));
}

void lrn(OnnxView& v) {
  v.out(v.named<Lrn>({v.in(0)}, [&](Lrn& l) {
    l.window = v.integer("size", 1), l.alpha = v.real("alpha", 1e-4F);
    l.beta = v.real("beta", 0.75F), l.k = v.real("bias", 1);
  }));
}

constexpr OnnxRow kRows[] = {
    {"GlobalAveragePool", global_pool<ReduceOperation::kAVG>},
    {"GlobalMaxPool", global_pool<ReduceOperation::kMAX>},
    {"GroupNormalization", channel_normalization<true>},
    {"InstanceNormalization", channel_normalization<false>},
    {"LRN", lrn},
    {"LayerNormalization", layer_normalization},
    {"LogSoftmax", log_softmax},
    {"ReduceL1", reduce_l1},
    {"ReduceL2", reduce_l2},
    {"ReduceLogSum", reduce_log_sum},
    {"ReduceLogSumExp", reduce_log_sum_exp},
    {"ReduceMax", reduce<ReduceOperation::kMAX>},
    {"ReduceMean", reduce<ReduceOperation::kAVG>},
    {"ReduceMin", reduce<ReduceOperation::kMIN>},
    {"ReduceProd", reduce<ReduceOperation::kPROD>},
    {"ReduceSum", reduce<ReduceOperation::kSUM>},
    {"ReduceSumSquare", reduce_sum_square},
    {"Softmax", softmax},
};

}  // namespace

std::span<const OnnxRow> rows_of_reductions() {
  return kRows;
}

}  // namespace trt
