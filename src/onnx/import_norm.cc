// Normalizations.
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "onnx/import_table.h"

namespace carnot::onnx {

namespace {

using Kind = op::Reduce::Kind;

// Channels whose factors are computed at import: a lazy fill may claim any number of them.
constexpr int64_t kFoldMax = int64_t{1} << 24;

std::vector<int64_t> axes_from(int64_t first, int64_t rank) {
  std::vector<int64_t> out;
  for (int64_t axis = first; axis < rank; ++axis) out.push_back(axis);
  return out;
}

/// A vector of one value a channel, as it broadcasts to x [n, c, ...].
Value* per_channel(NodeImport& n, Value* vector, Value* x) {
  if (x->type().rank() < 2) n.invalid("needs a tensor of rank 2 or more");
  return n.align(vector, {1}, x->type().rank());
}

/// scale / sqrt(variance + epsilon) and shift - mean * that, from constants.
std::pair<Tensor, Tensor> fold_batch_norm(const std::vector<const Tensor*>& operands,
                                          double epsilon, DType dtype) {
  const Shape shape = operands[0]->shape();
  Tensor factor = Tensor::zeros(dtype, shape), offset = factor;
  offset = Tensor::zeros(dtype, shape);
  for (int64_t i = 0; i < factor.elements(); ++i) {
    const double scale = operands[0]->get(i) / std::sqrt(operands[3]->get(i) + epsilon);
    factor.set(i, scale);
    offset.set(i, operands[1]->get(i) - operands[2]->get(i) * scale);
  }
  return {std::move(factor), std::move(offset)};
}

/// Statistics of the batch itself; also the running ones.
void train_batch_norm(NodeImport& n, double epsilon) {
  Value* const x = n.in(0);
  std::vector<int64_t> axes = axes_from(2, x->type().rank());
  axes.push_back(0);
  Value* const mean = n.reduce(Kind::kMean, x, axes, true);
  Value* const centred = n.sub(x, mean);
  Value* const variance = n.reduce(Kind::kMean, n.mul(centred, centred), axes, true);
  n.out(n.map(cat("add(mul(div($0, sqrt(add($1, #", print_float(epsilon), "))), $2), $3)"),
              {centred, variance, per_channel(n, n.in(1), x), per_channel(n, n.in(2), x)}));
  const std::string momentum = print_float(n.real("momentum", 0.9));
  const auto running = [&](Value* before, Value* now) {
    now = n.cast(n.reshape(now, before->type().dims), before->type().dtype);
    return n.map(cat("add(mul($0, #", momentum, "), mul($1, sub(#1, #", momentum, ")))"),
                 {before, now});
  };
  if (n.wants(1)) n.out(1, running(n.in(3), mean));
  if (n.wants(2)) n.out(2, running(n.in(4), variance));
}

void batch_norm(NodeImport& n) {
  Value* const x = n.in(0);
  const double epsilon = n.real("epsilon", 1e-5);
  if (n.opset() >= 14 && n.flag("training_mode", false)) return train_batch_norm(n, epsilon);
  const bool spatial = n.opset() >= 9 || n.flag("spatial", true);
  const DType dtype = x->type().dtype;
  const auto place = [&](Value* value) {
    return spatial ? per_channel(n, value, x) : n.reshape(value, [&] {
      Dims dims = x->type().dims;
      dims.erase(dims.begin());
      return dims;
    }());
  };
  std::vector<const Tensor*> constants;
  bool same = true;
  for (size_t i = 1; i < 5; ++i) {
    constants.push_back(n.known(n.in(i)));
    same = same && constants.back() && constants.back()->shape() == constants[0]->shape() &&
           constants[0]->elements() <= kFoldMax;
  }
  if (same) {
    auto [factor, offset] = fold_batch_norm(constants, epsilon, dtype);
    return n.out(n.map("add(mul($0, $1), $2)", {x, place(n.constant(std::move(factor))),
                                                place(n.constant(std::move(offset)))}));
  }
  const auto operand = [&](size_t i) { return place(n.cast(n.in(i), dtype)); };
  n.out(n.map(cat("add(mul(div(sub($0, $3), sqrt(add($4, #", print_float(epsilon), "))), $1), $2)"),
              {x, operand(1), operand(2), operand(3), operand(4)}));
}

Value* normalize(NodeImport& n, Values operands, std::vector<int64_t> axes, double epsilon,
                 bool rms = false) {
  op::Normalize op;
  op.axes = std::move(axes);
  op.epsilon = epsilon;
  op.rms = rms;
  return n.make(std::move(op), std::move(operands));
}

void layer_norm(NodeImport& n) {
  Value* const x = n.in(0);
  const int64_t rank = x->type().rank();
  const std::vector<int64_t> axes = axes_from(n.axis(n.integer("axis", -1), rank), rank);
  const double epsilon = n.real("epsilon", 1e-5);
  Values operands = {x, n.in(1)};
  if (n.has_input(2)) operands.push_back(n.in(2));
  n.out(normalize(n, operands, axes, epsilon));
  if (!n.wants(1) && !n.wants(2)) return;
  Value* const wide = n.cast(x, DType::kF32);
  Value* const mean = n.reduce(Kind::kMean, wide, axes, true);
  if (n.wants(1)) n.out(1, mean);
  if (!n.wants(2)) return;
  Value* const centred = n.sub(wide, mean);
  Value* const variance = n.reduce(Kind::kMean, n.mul(centred, centred), axes, true);
  n.out(2, n.map(cat("recip(sqrt(add($0, #", print_float(epsilon), ")))"), {variance}));
}

void rms_norm(NodeImport& n) {
  const int64_t rank = n.rank(0);
  const std::vector<int64_t> axes = axes_from(n.axis(n.integer("axis", -1), rank), rank);
  n.out(normalize(n, {n.in(0), n.in(1)}, axes, n.real("epsilon", 1e-5), true));
}

void instance_norm(NodeImport& n) {
  Value* const x = n.in(0);
  if (x->type().rank() < 3) n.invalid("needs a tensor of rank 3 or more");
  n.out(normalize(n, {x, per_channel(n, n.in(1), x), per_channel(n, n.in(2), x)},
                  axes_from(2, x->type().rank()), n.real("epsilon", 1e-5)));
}

/// Normalized as [n, groups, everything else]; scale and shift are one a channel (opset 21), or
/// one a group before.
void group_norm(NodeImport& n) {
  Value* const x = n.in(0);
  const Dims& dims = x->type().dims;
  const int64_t groups = n.integer("num_groups");
  if (groups < 1 || dims.size() < 3) n.invalid("needs groups and a tensor of rank 3 or more");
  const Dim size = floor_div(dims[1], groups);
  if (dims[1].is_constant() && dims[1].value() % groups != 0) {
    n.invalid("the ", dims[1].value(), " channels do not divide into ", groups, " groups");
  }
  Dims rest(dims.begin() + 2, dims.end());
  Value* const grouped = n.reshape(x, {dims[0], groups, size * product(rest)});
  Value* const out = n.reshape(normalize(n, {grouped}, {2}, n.real("epsilon", 1e-5)), dims);
  const auto spread = [&](Value* value) {
    if (n.opset() >= 21) return per_channel(n, value, x);
    Value* const each = n.expand(n.reshape(value, {groups, 1}), {groups, size});
    return per_channel(n, n.reshape(each, {Dim(groups) * size}), x);
  };
  n.out(n.map("add(mul($0, $1), $2)", {out, spread(n.in(1)), spread(n.in(2))}));
}

void mean_variance_norm(NodeImport& n) {
  Value* const x = n.in(0);
  std::vector<int64_t> axes = {0, 2, 3};
  if (n.opset() < 9) {
    axes = n.flag("across_channels", false) ? std::vector<int64_t>{0, 1, 2, 3} : axes;
  } else {
    axes = n.integers("axes", axes);
  }
  axes = n.axes(axes, x->type().rank());
  Value* const mean = n.reduce(Kind::kMean, x, axes, true);
  Value* const centred = n.sub(x, mean);
  Value* const variance = n.reduce(Kind::kMean, n.mul(centred, centred), axes, true);
  n.out(n.map("div($0, add(sqrt($1), #1e-9))", {centred, variance}));
}

void lp_norm(NodeImport& n) {
  Value* const x = n.in(0);
  const std::vector<int64_t> axes = {n.axis(n.integer("axis", -1), x->type().rank())};
  const int64_t p = n.integer("p", 2);
  if (p != 1 && p != 2) n.invalid("p is ", p, ", neither 1 nor 2");
  Value* const sum =
      n.reduce(Kind::kSum, n.map(p == 1 ? "abs($0)" : "mul($0, $0)", {x}), axes, true);
  // Rows of zeros stay zeros.
  n.out(n.map(
      p == 1 ? "select(eq($1, #0), #0, div($0, $1))" : "select(eq($1, #0), #0, div($0, sqrt($1)))",
      {x, sum}));
}

/// x / (bias + alpha * mean of the squares of neighbouring channels) ^ beta.
void lrn(NodeImport& n) {
  Value* const x = n.in(0);
  const Dims& dims = x->type().dims;
  const int64_t size = n.integer("size");
  if (dims.size() < 2) n.invalid("needs a tensor of rank 2 or more");
  if (size < 1 || size > int64_t{1} << 31) n.invalid("the size is ", size);
  const Dims rest(dims.begin() + 2, dims.end());
  Value* const squares = n.reshape(n.map("mul($0, $0)", {x}), {dims[0], 1, dims[1], product(rest)});
  op::Pool pool;
  pool.kind = op::Pool::kAverage;
  pool.kernel = {size, 1};
  pool.strides = {1, 1};
  pool.dilations = {1, 1};
  pool.pads_lo = {(size - 1) / 2, 0};
  pool.pads_hi = {size - 1 - (size - 1) / 2, 0};
  pool.count_padding = true;
  Value* const mean = n.reshape(n.make(std::move(pool), {squares}), dims);
  n.out(n.map(cat("div($0, pow(add(mul($1, #", print_float(n.real("alpha", 1e-4)), "), #",
                  print_float(n.real("bias", 1)), "), #", print_float(n.real("beta", 0.75)), "))"),
              {x, mean}));
}

constexpr ImportRow kRows[] = {
    {"BatchNormalization", 1, kNewest, 5, 5, 5, batch_norm},
    {"GroupNormalization", 18, kNewest, 3, 3, 1, group_norm},
    {"InstanceNormalization", 1, kNewest, 3, 3, 1, instance_norm},
    {"LRN", 1, kNewest, 1, 1, 1, lrn},
    {"LayerNormalization", 17, kNewest, 2, 3, 3, layer_norm},
    {"LpNormalization", 1, kNewest, 1, 1, 1, lp_norm},
    {"MeanVarianceNormalization", 1, kNewest, 1, 1, 1, mean_variance_norm},
    {"RMSNormalization", 23, kNewest, 2, 2, 1, rms_norm},
};

}  // namespace

std::span<const ImportRow> norm_rows() {
  return kRows;
}

}  // namespace carnot::onnx
