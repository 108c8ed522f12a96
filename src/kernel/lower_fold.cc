// The folding ops as stages. Each adds the kernel's axes, one or more folding stages, and a storing
// stage; fold_value() then says what the op's result is at an index, from the folded values.
#include <algorithm>
#include <limits>
#include <numeric>

#include "kernel/lowering.h"

namespace carnot {

using Id = StageBuilder::Id;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

int64_t at_or(const op::Ints& list, size_t i, int64_t otherwise) {
  return i < list.size() ? list[i] : otherwise;
}

std::vector<bool> axis_mask(const op::Ints& axes, int64_t rank, bool all_if_empty) {
  std::vector<bool> mask(static_cast<size_t>(rank), axes.empty() && all_if_empty);
  for (int64_t a : axes) mask[static_cast<size_t>(a < 0 ? a + rank : a)] = true;
  return mask;
}

}  // namespace

DType accumulator_of(DType dtype) {
  switch (class_of(dtype)) {
    case DTypeClass::kFloat:
      return dtype == DType::kF64 ? DType::kF64 : DType::kF32;
    case DTypeClass::kBool:
      return DType::kBool;
    default:
      return dtype;
  }
}

Dims Lowering::outer_index(const Dims& dims, const std::vector<bool>& skip) {
  Dims index;
  for (size_t i = 0; i < dims.size(); ++i) {
    if ((i < skip.size() && skip[i]) || dims[i].is(1)) {
      index.push_back(0);
    } else {
      index.push_back(axis_symbol(add_axis(cat("d", i), dims[i])));
    }
  }
  return index;
}

int Lowering::add_fold(StageBuilder& b, Id value, std::vector<Axis> inner, Combiner combiner,
                       DType accumulator) {
  Stage stage = b.finish({value}, static_cast<int>(kernel_.stages.size()));
  stage.inner = std::move(inner);
  stage.combiner = combiner;
  stage.accumulator = accumulator;
  kernel_.stages.push_back(std::move(stage));
  return static_cast<int>(kernel_.stages.size()) - 1;
}

Status Lowering::lower_fold() {
  const Op& op = fold_->op;
  if (auto* o = std::get_if<op::Conv>(&op)) return lower_conv(*o);
  if (auto* o = std::get_if<op::MatMul>(&op)) return lower_matmul(*o);
  if (auto* o = std::get_if<op::Pool>(&op)) return lower_pool(*o);
  if (auto* o = std::get_if<op::Reduce>(&op)) return lower_reduce(*o);
  if (auto* o = std::get_if<op::ArgReduce>(&op)) return lower_arg_reduce(*o);
  if (auto* o = std::get_if<op::Softmax>(&op)) return lower_softmax(*o);
  if (auto* o = std::get_if<op::Normalize>(&op)) return lower_normalize(*o);
  return lower_attention(std::get<op::Attention>(op));
}

Status Lowering::lower_conv(const op::Conv& op) {
  const TensorType& x = fold_->inputs[0]->type();
  const TensorType& w = fold_->inputs[1]->type();
  const TensorType& y = fold_->output()->type();
  const size_t spatial = x.dims.size() - 2;
  const size_t first = op.channels_last ? 1 : 2;  // of the spatial axes in x and y
  const size_t channel = op.channels_last ? x.dims.size() - 1 : 1;
  const int64_t groups = op.groups;
  const Dim per_group_out = floor_div(w.dims[0], groups);
  const Dim per_group_in = w.dims[1];

  // Axes: n, spatial..., [group], k: the order that makes rows and columns contiguous.
  Dims out(y.dims.size());
  out[0] = y.dims[0].is(1) ? Dim(0) : axis_symbol(add_axis("n", y.dims[0]));
  for (size_t i = 0; i < spatial; ++i) {
    out[first + i] = axis_symbol(add_axis(cat("o", i), y.dims[first + i]));
  }
  Dim group = 0, k = 0;
  if (groups > 1) group = axis_symbol(add_axis("g", groups));
  if (!per_group_out.is(1)) k = axis_symbol(add_axis("k", per_group_out));
  out[channel] = group * per_group_out + k;

  std::vector<Axis> inner;
  Dims taps;
  const int base = static_cast<int>(kernel_.axes.size());
  for (size_t i = 0; i < spatial; ++i) {
    taps.push_back(w.dims[2 + i].is(1) ? Dim(0)
                                       : axis_symbol(base + static_cast<int>(inner.size())));
    if (!w.dims[2 + i].is(1)) inner.push_back({cat("k", i), w.dims[2 + i]});
  }
  Dim c = 0;
  if (!per_group_in.is(1)) {
    c = axis_symbol(base + static_cast<int>(inner.size()));
    inner.push_back({"c", per_group_in});
  }

  StageBuilder b;
  Edge edge;
  Dims in(x.dims.size());
  in[0] = out[0];
  in[channel] = group * per_group_in + c;
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t lo = at_or(op.pads_lo, i, 0), hi = at_or(op.pads_hi, i, 0);
    in[first + i] = out[first + i] * Dim(at_or(op.strides, i, 1)) +
                    taps[i] * Dim(at_or(op.dilations, i, 1)) - Dim(lo);
    if (lo || hi) edge.guards.push_back({in[first + i], 0, x.dims[first + i]});
  }
  CARNOT_ASSIGN(Id a, eval(b, fold_->inputs[0], in, edge));
  Dims wi = {group * per_group_out + k, c};
  wi.insert(wi.end(), taps.begin(), taps.end());
  CARNOT_ASSIGN(Id weight, eval(b, fold_->inputs[1], wi, {}));
  add_fold(b, b.op(ScalarOp::kMul, a, weight), inner, Combiner::kSum, accumulator_of(x.dtype));
  StageBuilder store;
  return store_outputs(store, out, {});
}

Status Lowering::lower_matmul(const op::MatMul& op) {
  const TensorType& a = fold_->inputs[0]->type();
  const TensorType& b = fold_->inputs[1]->type();
  const TensorType& y = fold_->output()->type();
  const size_t ra = a.dims.size(), ry = y.dims.size();
  const Dim inner_size = a.dims[op.transpose_a ? ra - 2 : ra - 1];
  Dims out = outer_index(y.dims, {});
  std::vector<Axis> inner;
  Dim k = 0;
  if (!inner_size.is(1)) {
    k = axis_symbol(static_cast<int>(kernel_.axes.size()));
    inner.push_back({"k", inner_size});
  }
  auto operand = [&](const TensorType& t, Dim row, Dim column) {
    Dims index;
    const size_t r = t.dims.size();
    for (size_t i = 0; i + 2 < r; ++i) {
      index.push_back(t.dims[i].is(1) ? Dim(0) : out[ry - r + i]);
    }
    index.push_back(std::move(row));
    index.push_back(std::move(column));
    return index;
  };
  const Dim m = out[ry - 2], n = out[ry - 1];
  StageBuilder s;
  CARNOT_ASSIGN(Id left, eval(s, fold_->inputs[0],
                              operand(a, op.transpose_a ? k : m, op.transpose_a ? m : k), {}));
  CARNOT_ASSIGN(Id right, eval(s, fold_->inputs[1],
                               operand(b, op.transpose_b ? n : k, op.transpose_b ? k : n), {}));
  add_fold(s, s.op(ScalarOp::kMul, left, right), inner, Combiner::kSum, accumulator_of(a.dtype));
  StageBuilder store;
  return store_outputs(store, out, {});
}

Status Lowering::lower_pool(const op::Pool& op) {
  const TensorType& x = fold_->inputs[0]->type();
  const TensorType& y = fold_->output()->type();
  const size_t spatial = x.dims.size() - 2;
  const size_t first = op.channels_last ? 1 : 2;
  Dims out = outer_index(y.dims, {});
  std::vector<Axis> inner;
  Edge edge;
  const bool average = op.kind == op::Pool::kAverage;
  edge.otherwise = average ? 0 : -kInf;
  Dims in = out;
  const int base = static_cast<int>(kernel_.axes.size());
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t size = at_or(op.kernel, i, 1);
    Dim tap = 0;
    if (size != 1) {
      tap = axis_symbol(base + static_cast<int>(inner.size()));
      inner.push_back({cat("k", i), size});
    }
    const int64_t lo = at_or(op.pads_lo, i, 0), hi = at_or(op.pads_hi, i, 0);
    in[first + i] = out[first + i] * Dim(at_or(op.strides, i, 1)) +
                    tap * Dim(at_or(op.dilations, i, 1)) - Dim(lo);
    // In ceil mode the last window may reach beyond the high padding.
    if (lo || hi || op.ceil_mode) edge.guards.push_back({in[first + i], 0, x.dims[first + i]});
  }
  StageBuilder b;
  CARNOT_ASSIGN(Id value, eval(b, fold_->inputs[0], in, edge));
  add_fold(b, value, inner, average ? Combiner::kSum : Combiner::kMax, accumulator_of(x.dtype));
  if (average) fold_count_ = pool_count(op, out);
  StageBuilder store;
  return store_outputs(store, out, {});
}

Dim Lowering::pool_count(const op::Pool& op, const Dims& index) const {
  const TensorType& x = fold_->inputs[0]->type();
  const size_t first = op.channels_last ? 1 : 2;
  Dim count = 1;
  for (size_t i = 0; i + 2 < x.dims.size(); ++i) {
    const int64_t size = at_or(op.kernel, i, 1), dilation = at_or(op.dilations, i, 1);
    const int64_t lo = at_or(op.pads_lo, i, 0), hi = at_or(op.pads_hi, i, 0);
    const Dim start = index[first + i] * Dim(at_or(op.strides, i, 1)) - Dim(lo);
    // Taps t with low <= start + t * dilation < high: the padding counts or it does not, what
    // lies beyond the high padding (ceil mode) never does.
    const Dim low = op.count_padding ? Dim(-lo) : Dim(0);
    const Dim high = x.dims[first + i] + (op.count_padding ? Dim(hi) : Dim(0));
    if ((op.count_padding || (lo == 0 && hi == 0)) && !op.ceil_mode) {
      count = count * Dim(size);
      continue;
    }
    const Dim begin = max(Dim(0), ceil_div(low - start, dilation));
    const Dim end = min(Dim(size), ceil_div(high - start, dilation));
    count = count * max(end - begin, Dim(1));
  }
  return count;
}

Status Lowering::lower_reduce(const op::Reduce& op) {
  const TensorType& x = fold_->inputs[0]->type();
  const std::vector<bool> folded = axis_mask(op.axes, x.rank(), true);
  Dims in = outer_index(x.dims, folded);
  std::vector<Axis> inner;
  fold_count_ = 1;
  Dims out;
  const int base = static_cast<int>(kernel_.axes.size());
  for (size_t i = 0; i < x.dims.size(); ++i) {
    if (!folded[i] || op.keep) out.push_back(in[i]);
    if (!folded[i]) continue;
    fold_count_ = fold_count_ * x.dims[i];
    if (x.dims[i].is(1)) continue;
    in[i] = axis_symbol(base + static_cast<int>(inner.size()));
    inner.push_back({cat("r", i), x.dims[i]});
  }
  constexpr Combiner kCombiners[] = {Combiner::kSum, Combiner::kSum, Combiner::kMax, Combiner::kMin,
                                     Combiner::kProduct};
  StageBuilder b;
  CARNOT_ASSIGN(Id value, eval(b, fold_->inputs[0], in, {}));
  add_fold(b, value, inner, kCombiners[op.kind], accumulator_of(x.dtype));
  StageBuilder store;
  return store_outputs(store, out, {});
}

Status Lowering::lower_arg_reduce(const op::ArgReduce& op) {
  const TensorType& x = fold_->inputs[0]->type();
  const std::vector<bool> folded = axis_mask({op.axis}, x.rank(), false);
  Dims in = outer_index(x.dims, folded), out;
  const size_t axis = static_cast<size_t>(op.axis < 0 ? op.axis + x.rank() : op.axis);
  for (size_t i = 0; i < x.dims.size(); ++i) {
    if (i != axis || op.keep) out.push_back(in[i]);
  }
  in[axis] = axis_symbol(static_cast<int>(kernel_.axes.size()));
  StageBuilder b;
  CARNOT_ASSIGN(Id value, eval(b, fold_->inputs[0], in, {}));
  add_fold(b, value, {{"r", x.dims[axis]}}, op.smallest ? Combiner::kArgMin : Combiner::kArgMax,
           accumulator_of(x.dtype));
  StageBuilder store;
  return store_outputs(store, out, {});
}

Status Lowering::lower_softmax(const op::Softmax& op) {
  const TensorType& x = fold_->inputs[0]->type();
  const size_t axis = static_cast<size_t>(op.axis < 0 ? op.axis + x.rank() : op.axis);
  const DType acc = accumulator_of(x.dtype);
  Dims index = outer_index(x.dims, axis_mask({op.axis}, x.rank(), false));
  index[axis] = axis_symbol(static_cast<int>(kernel_.axes.size()));
  const std::vector<Axis> inner = {{"r", x.dims[axis]}};
  StageBuilder largest;
  CARNOT_ASSIGN(Id value, eval(largest, fold_->inputs[0], index, {}));
  add_fold(largest, value, inner, Combiner::kMax, acc);
  StageBuilder sum;
  CARNOT_ASSIGN(Id again, eval(sum, fold_->inputs[0], index, {}));
  if (x.dtype != acc) again = sum.cast(again, acc);
  add_fold(sum, sum.op(ScalarOp::kExp, sum.op(ScalarOp::kSub, again, sum.folded(0))), inner,
           Combiner::kSum, acc);
  StageBuilder store;
  return store_outputs(store, index, inner);
}

Status Lowering::lower_normalize(const op::Normalize& op) {
  const TensorType& x = fold_->inputs[0]->type();
  const DType acc = accumulator_of(x.dtype);
  const std::vector<bool> folded = axis_mask(op.axes, x.rank(), true);
  Dims index = outer_index(x.dims, folded);
  std::vector<Axis> inner;
  fold_count_ = 1;
  const int base = static_cast<int>(kernel_.axes.size());
  for (size_t i = 0; i < x.dims.size(); ++i) {
    if (!folded[i]) continue;
    fold_count_ = fold_count_ * x.dims[i];
    if (x.dims[i].is(1)) continue;
    index[i] = axis_symbol(base + static_cast<int>(inner.size()));
    inner.push_back({cat("r", i), x.dims[i]});
  }
  auto load = [&](StageBuilder& b) -> Result<Id> {
    CARNOT_ASSIGN(Id v, eval(b, fold_->inputs[0], index, {}));
    return x.dtype == acc ? v : b.cast(v, acc);
  };
  if (!op.rms) {
    StageBuilder sum;
    CARNOT_ASSIGN(Id v, load(sum));
    add_fold(sum, v, inner, Combiner::kSum, acc);
  }
  StageBuilder squares;
  CARNOT_ASSIGN(Id v, load(squares));
  if (!op.rms) {
    const Id mean =
        squares.op(ScalarOp::kDiv, squares.folded(0), squares.expression(fold_count_, acc));
    v = squares.op(ScalarOp::kSub, v, mean);
  }
  add_fold(squares, squares.op(ScalarOp::kMul, v, v), inner, Combiner::kSum, acc);
  StageBuilder store;
  return store_outputs(store, index, inner);
}

Status Lowering::lower_attention(const op::Attention& op) {
  kernel_.attention = AttentionCore{op, fold_->inputs.size() > 3};
  if (region_.nodes().size() != 1) {
    return error(Code::kUnsupported, "attention: a group of its own only");
  }
  return {};
}

Result<Id> Lowering::fold_value(StageBuilder& b, const Value* v, const Dims& index) {
  const Op& op = fold_->op;
  const DType type = v->type().dtype;
  auto finish = [&](Id id, DType from) { return b.narrow(id, from, type); };
  auto widened = [&](Id id, DType from, DType acc) { return from == acc ? id : b.cast(id, acc); };
  const Value* x = fold_->inputs[0];
  const DType acc = accumulator_of(x->type().dtype);
  if (auto* conv = std::get_if<op::Conv>(&op)) {
    Id id = b.folded(0);
    if (fold_->inputs.size() > 2) {
      const size_t channel = conv->channels_last ? index.size() - 1 : 1;
      CARNOT_ASSIGN(Id bias, eval(b, fold_->inputs[2], {index[channel]}, {}));
      id = b.op(ScalarOp::kAdd, id, widened(bias, type, acc));
    }
    return finish(id, acc);
  }
  if (auto* pool = std::get_if<op::Pool>(&op)) {
    Id id = b.folded(0);
    if (pool->kind == op::Pool::kAverage) {
      id = b.op(ScalarOp::kDiv, id, b.expression(fold_count_, acc));
    }
    return finish(id, acc);
  }
  if (auto* reduce = std::get_if<op::Reduce>(&op)) {
    Id id = b.folded(0);
    if (reduce->kind == op::Reduce::kMean) {
      id = b.op(ScalarOp::kDiv, id, b.expression(fold_count_, acc));
    }
    return finish(id, acc);
  }
  if (std::holds_alternative<op::ArgReduce>(op)) return b.folded(0);
  if (auto* softmax = std::get_if<op::Softmax>(&op)) {
    CARNOT_ASSIGN(Id id, eval(b, x, index, {}));
    id = widened(id, x->type().dtype, acc);
    id = b.op(ScalarOp::kSub, id, b.folded(0));
    id = softmax->log ? b.op(ScalarOp::kSub, id, b.op(ScalarOp::kLog, b.folded(1)))
                      : b.op(ScalarOp::kDiv, b.op(ScalarOp::kExp, id), b.folded(1));
    return finish(id, acc);
  }
  if (auto* norm = std::get_if<op::Normalize>(&op)) {
    CARNOT_ASSIGN(Id id, eval(b, x, index, {}));
    id = widened(id, x->type().dtype, acc);
    const Id count = b.expression(fold_count_, acc);
    if (!norm->rms) id = b.op(ScalarOp::kSub, id, b.op(ScalarOp::kDiv, b.folded(0), count));
    Id variance = b.op(ScalarOp::kDiv, b.folded(norm->rms ? 0 : 1), count);
    variance = b.op(ScalarOp::kAdd, variance, b.constant(acc, norm->epsilon));
    const Id inverse = b.op(ScalarOp::kDiv, b.constant(acc, 1), b.op(ScalarOp::kSqrt, variance));
    id = b.op(ScalarOp::kMul, id, inverse);
    for (size_t i = 1; i < fold_->inputs.size(); ++i) {
      const TensorType& t = fold_->inputs[i]->type();
      Dims at;
      for (size_t d = 0; d < t.dims.size(); ++d) {
        at.push_back(t.dims[d].is(1) ? Dim(0) : index[index.size() - t.dims.size() + d]);
      }
      CARNOT_ASSIGN(Id operand, eval(b, fold_->inputs[i], at, {}));
      id = b.op(i == 1 ? ScalarOp::kMul : ScalarOp::kAdd, id, widened(operand, t.dtype, acc));
    }
    return finish(id, acc);
  }
  return finish(b.folded(0), acc);  // matmul
}

}  // namespace carnot
