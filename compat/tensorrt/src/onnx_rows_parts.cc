// Operators that TensorRT has no layer for: formulas of several layers.
#include "imported_kinds.h"
#include "layers_language.h"
#include "layers_math.h"
#include "layers_window.h"
#include "onnx_rows.h"

namespace trt {

namespace {

using Binary = ElementWiseOperation;

NetTensor* step(OnnxView& v, NetTensor* a, NetTensor* b, Binary operation) {
  return v.named<ElementWise>({a, b}, [&](ElementWise& l) { l.operation = operation; });
}
NetTensor* step(OnnxView& v, NetTensor* x, UnaryOperation operation) {
  return v.named<Unary>({x}, [&](Unary& l) { l.operation = operation; });
}
NetTensor* reduced(OnnxView& v, NetTensor* x, ReduceOperation operation, uint32_t axes) {
  return v.named<Reduce>(
      {x}, [&](Reduce& l) { l.operation = operation, l.axes = axes, l.keep_dims = true; });
}

DataType real_type(OnnxView& v, NetTensor* x, bool brain = false) {
  const DataType type = v.type(x);
  const bool taken =
      type == DataType::kFLOAT || type == DataType::kHALF || (brain && type == DataType::kBF16);
  return taken ? type : throw NotShown();
}

carnot::Tensor number(DataType type, float value) {
  carnot::Tensor out = carnot::Tensor::zeros(*dtype_of(type), {});
  out.set(0, static_cast<double>(value));
  return out;
}

/// max(0, x) + min(0, alpha * (exp(x / alpha) - 1)).
void celu(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const int32_t rank = v.rank(x);
  // The names of all numbers come first.
  const float values[3] = {0, 1, v.real("alpha", 1)};
  std::string names[3];
  for (std::string& name : names) name = v.count_weights();
  NetTensor* n[3];
  for (size_t i = 0; i < 3; ++i) {
    n[i] = v.plain_constant(number(DataType::kFLOAT, values[i]));
    v.call(n[i]->producer, names[i].c_str());
    n[i] = raised(v, n[i], rank);
  }
  NetTensor* const power = step(v, step(v, x, n[2], Binary::kDIV), UnaryOperation::kEXP);
  NetTensor* const positive = step(v, x, n[0], Binary::kMAX);
  NetTensor* const scaled = step(v, n[2], step(v, power, n[1], Binary::kSUB), Binary::kPROD);
  v.out(step(v, positive, step(v, n[0], scaled, Binary::kMIN), Binary::kSUM));
}

void mean_variance(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const int32_t rank = v.rank(x);
  if (real_type(v, x, true) != DataType::kFLOAT) throw NotShown();
  uint32_t axes = 0;
  for (const int64_t axis : v.ints("axes").value_or(Ints{0, 2, 3}))
    axes |= 1U << v.axis(axis, rank);
  NetTensor* const centered = step(v, x, reduced(v, x, ReduceOperation::kAVG, axes), Binary::kSUB);
  NetTensor* const squares = step(v, centered, centered, Binary::kPROD);
  NetTensor* const deviation =
      step(v, reduced(v, squares, ReduceOperation::kAVG, axes), UnaryOperation::kSQRT);
  NetTensor* const epsilon = v.scalar(DataType::kFLOAT, static_cast<double>(1e-9F), rank);
  v.out(step(v, centered, step(v, deviation, epsilon, Binary::kSUM), Binary::kDIV));
}

void lp_normalization(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const DataType type = real_type(v, x);
  const int32_t rank = v.rank(x);
  const uint32_t axes = 1U << v.axis(v.integer("axis", -1), rank);
  const int64_t p = v.integer("p", 2);
  NetTensor* const zero = raised(v, v.named_weights(number(type, 0)), rank);
  NetTensor* norm = nullptr;
  if (p == 1) {
    norm = reduced(v, step(v, x, UnaryOperation::kABS), ReduceOperation::kSUM, axes);
  } else if (p == 2) {
    norm = reduced(v, step(v, x, x, Binary::kPROD), ReduceOperation::kSUM, axes);
    norm = step(v, norm, UnaryOperation::kSQRT);
  } else {
    throw NotShown();
  }
  // A norm of 0 counts as 1.
  NetTensor* const ones = v.cast(step(v, norm, zero, Binary::kEQUAL), type);
  v.out(step(v, x, step(v, norm, ones, Binary::kSUM), Binary::kDIV));
}

/// What a pooling layer has of a node's attributes.
void set_window(OnnxView& v, Pooling& l, const Ints& kernel) {
  const size_t n = kernel.size();
  const auto list = [&](const char* name, int64_t otherwise) {
    Ints out = v.ints(name).value_or(Ints());
    out.resize(n, otherwise);
    return dims_of(out);
  };
  l.kernel_size = dims_of(kernel);
  l.stride = list("strides", 1);
  l.pre = l.post = dims_of(Ints(n, 0));
  const Ints pads = v.ints("pads").value_or(Ints());
  const bool up = v.integer("ceil_mode", 0) != 0;
  l.padding_mode = up ? PaddingMode::kEXPLICIT_ROUND_UP : PaddingMode::kEXPLICIT_ROUND_DOWN;
  if (const auto same = same_padding(v.text("auto_pad", "NOTSET"))) {
    l.padding_mode = *same;
  } else if (pads.size() == 2 * n) {
    const auto middle = pads.begin() + static_cast<ptrdiff_t>(n);
    l.pre = dims_of(Ints(pads.begin(), middle)), l.post = dims_of(Ints(middle, pads.end()));
  } else if (!pads.empty()) {
    throw NotShown();
  }
}

void lp_pool(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const DataType type = real_type(v, x);
  const int64_t p = v.integer("p", 2);
  const auto kernel = v.ints("kernel_shape");
  if (!kernel || kernel->size() < 2 || (p != 1 && p != 2)) throw NotShown();
  int64_t count = 1;
  for (const int64_t size : *kernel) count *= size;
  NetTensor* const elements = v.scalar(type, static_cast<double>(count), v.rank(x));
  NetTensor* const powers =
      p == 1 ? step(v, x, UnaryOperation::kABS) : step(v, x, x, Binary::kPROD);
  NetTensor* const means = v.named<Pooling>({powers}, [&](Pooling& l) {
    set_window(v, l, *kernel);
    l.type = PoolingType::kAVERAGE;
    l.excludes_padding = v.attribute("count_include_pad") && v.integer("count_include_pad", 0) != 1;
  });
  NetTensor* const sums = step(v, means, elements, Binary::kPROD);
  v.out(p == 1 ? sums : step(v, sums, UnaryOperation::kSQRT));
}

void global_lp_pool(OnnxView& v) {
  NetTensor* const x = v.in(0);
  const DataType type = real_type(v, x);
  const int32_t rank = v.rank(x);
  const auto p = static_cast<float>(v.integer("p", 2));
  NetTensor* const power = v.scalar(type, static_cast<double>(p), rank);
  NetTensor* const root = v.scalar(type, static_cast<double>(1.0F / p), rank);
  NetTensor* const powers = v.binary(x, power, Binary::kPOW);
  const uint32_t axes = ((1U << rank) - 1) & ~3U;
  v.out(v.binary(reduced(v, powers, ReduceOperation::kSUM, axes), root, Binary::kPOW));
}

void hard_max(OnnxView& v) {
  NetTensor* x = v.in(0);
  const DataType type = real_type(v, x, true);
  const Dims dims = v.dims(x);
  const bool flat = v.opset() < 13;
  int32_t axis = v.axis(v.integer("axis", flat ? 1 : -1), dims.nbDims);
  if (flat) {
    x = flatten(v, x, axis, true);
    axis = 1;
  }
  TopK* const layer = v.add<TopK>(
      {x}, [&](TopK& l) { l.operation = TopKOperation::kMAX, l.k = 1, l.axes = 1U << axis; }, 2);
  v.call(layer);
  NetTensor* const index = squeeze(v, OnnxView::result(layer, 1), {axis});
  carnot::Tensor both = carnot::Tensor::zeros(DType::kI32, {2});
  both.set_int(1, 1);
  NetTensor* const values = v.constant(std::move(both));
  NetTensor* const depth = axis_length(v, x, axis, true);
  NetTensor* out = v.named<OneHot>({index, values, depth}, [&](OneHot& l) { l.axis = axis; });
  if (flat && dims.nbDims != 2) {
    Layer* const back = v.add<Shuffle>({out}, [&](Shuffle& l) {
      l.reshape = dims;
      l.zero_copies = false;
    });
    v.call(back, "ONNXTRT_reshapeTensor");
    out = OnnxView::result(back);
  }
  v.out(v.cast(out, type));
}

void shrink(OnnxView& v) {
  NetTensor* x = v.in(0);
  const DataType type = v.type(x);
  x = v.cast(x, DataType::kFLOAT);
  const float limit = v.real("lambd", 0.5F), bias = v.real("bias", 0);
  const auto raised_number = [&](float value) {
    NetTensor* out = v.scalar(DataType::kFLOAT, static_cast<double>(value));
    raise(v, out, x);
    return out;
  };
  NetTensor* const above = raised_number(limit);
  NetTensor* const below = raised_number(-limit);
  NetTensor* const shift = raised_number(bias);
  NetTensor* const zero = raised_number(0);
  NetTensor* const is_above = step(v, x, above, Binary::kGREATER);
  NetTensor* const less = step(v, x, shift, Binary::kSUB);
  NetTensor* const rest = v.named<Select>({is_above, less, zero}, [](Select&) {});
  NetTensor* const is_below = step(v, x, below, Binary::kLESS);
  NetTensor* const more = step(v, x, shift, Binary::kSUM);
  v.out(v.cast(v.named<Select>({is_below, more, rest}, [](Select&) {}), type));
}

void mean(OnnxView& v) {
  int32_t rank = 0;
  for (size_t i = 0; i < v.inputs(); ++i) rank = std::max(rank, v.rank(i));
  std::vector<NetTensor*> operands;
  for (size_t i = 0; i < v.inputs(); ++i) operands.push_back(raised(v, v.in(i), rank));
  if (v.type(operands.at(0)) != DataType::kFLOAT) throw NotShown();
  NetTensor* sum = operands.size() == 1 ? v.identity(operands[0]) : operands[0];
  for (size_t i = 1; i < operands.size(); ++i) sum = step(v, sum, operands[i], Binary::kSUM);
  const float share = 1.0F / static_cast<float>(v.inputs());
  NetTensor* const factor = v.scalar(DataType::kFLOAT, static_cast<double>(share), rank);
  v.call(factor->producer);
  v.out(step(v, sum, factor, Binary::kPROD));
}

void cumulative_sum(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* axis = v.in(1);
  if (v.rank(axis) == 1) axis = squeeze(v, axis, {0});
  v.out(v.named<Cumulative>({x, axis}, [&](Cumulative& l) {
    l.exclusive = v.integer("exclusive", 0) != 0, l.reverse = v.integer("reverse", 0) != 0;
  }));
}

void rms_normalization(OnnxView& v) {
  NetTensor* const x = v.in(0);
  NetTensor* scale = v.in(1);
  const int32_t rank = v.rank(x);
  if (v.integer("stash_type", 1) != 1) throw NotShown();
  const DataType type = v.type(x);
  NetTensor* const wide = type == DataType::kFLOAT ? x : v.cast(x, DataType::kFLOAT);
  uint32_t axes = 0;
  for (int32_t i = v.axis(v.integer("axis", -1), rank); i < rank; ++i) axes |= 1U << i;
  NetTensor* means = reduced(v, step(v, wide, wide, Binary::kPROD), ReduceOperation::kAVG, axes);
  const double added = static_cast<double>(v.real("epsilon", 1e-5F));
  NetTensor* epsilon = v.cast(v.scalar(DataType::kFLOAT, added), DataType::kFLOAT);
  raise(v, means, epsilon);
  NetTensor* const root = step(v, step(v, means, epsilon, Binary::kSUM), UnaryOperation::kSQRT);
  NetTensor* out = step(v, wide, root, Binary::kDIV);
  if (type != DataType::kFLOAT) out = v.cast(out, type);
  if (v.type(scale) != type) scale = v.cast(scale, type);
  raise(v, out, scale);
  v.out(step(v, out, scale, Binary::kPROD));
}

void rotary_embedding(OnnxView& v) {
  NetTensor* x = v.in(0);
  const bool folded = v.rank(x) == 3;
  if (folded) {
    const int64_t heads = v.integer("num_heads", 0);
    if (heads < 1) throw NotShown();
    x = v.named<Shuffle>({x}, [&](Shuffle& l) {
      l.reshape = dims_of({0, 0, heads, -1});
      l.second.order[1] = 2, l.second.order[2] = 1;
    });
  }
  std::vector<NetTensor*> inputs = {x, v.in(1)};
  inputs.push_back(v.in(2));
  auto* const layer = v.add<RotaryEmbedding>(std::move(inputs), [&](RotaryEmbedding& l) {
    l.interleaved = v.integer("interleaved", 0) != 0;
    l.dim = static_cast<int32_t>(v.integer("rotary_embedding_dim", 0));
  });
  v.call(layer);
  if (v.has(3)) layer->inputs.push_back(v.in(3));
  NetTensor* const turned = OnnxView::result(layer);
  if (!folded) return v.out(turned);
  v.out(v.named<Shuffle>({turned}, [](Shuffle& l) {
    l.first.order[1] = 2, l.first.order[2] = 1;
    l.reshape = dims_of({0, 0, -1});
  }));
}

constexpr OnnxRow kRows[] = {
    {"Celu", celu},
    {"CumSum", cumulative_sum},
    {"GlobalLpPool", global_lp_pool},
    {"Hardmax", hard_max},
    {"LpNormalization", lp_normalization},
    {"LpPool", lp_pool},
    {"Mean", mean},
    {"MeanVarianceNormalization", mean_variance},
    {"RMSNormalization", rms_normalization},
    {"RotaryEmbedding", rotary_embedding},
    {"Shrink", shrink},
};

}  // namespace

std::span<const OnnxRow> rows_of_parts() {
  return kRows;
}

}  // namespace trt
