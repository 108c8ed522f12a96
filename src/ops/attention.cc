// attention: softmax(q k^T * scale + bias) v, a row of scores at a time.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {
namespace {

/// [b, h, s, d] whatever the order in memory.
struct Heads {
  Dim batch, heads, length, width;
};
Heads heads_of(const Dims& dims, bool bsh) {
  return {dims[0], dims[bsh ? 2 : 1], dims[bsh ? 1 : 2], dims[3]};
}

struct HeadStrides {
  int64_t batch, head, row;
};
HeadStrides strides_of(const Shape& shape, bool bsh) {
  const std::vector<int64_t> strides = row_major_strides(shape);
  return {strides[0], strides[bsh ? 2 : 1], strides[bsh ? 1 : 2]};
}

/// One query row: scores against all keys, softmax, weighted sum of values.
struct Attend {
  const op::Attention& op;
  int64_t queries, keys, width, value_width;

  void row(const double* q, const double* k, int64_t k_step, const double* v, int64_t v_step,
           const double* bias, int64_t bias_step, int64_t i, std::vector<double>& scores,
           double* out) const {
    double largest = -std::numeric_limits<double>::infinity();
    for (int64_t j = 0; j < keys; ++j) {
      double score = 0;
      for (int64_t d = 0; d < width; ++d) score += q[d] * k[j * k_step + d];
      score *= op.scale;
      if (bias) score += bias[j * bias_step];
      if (op.causal && j > i + keys - queries) score = -std::numeric_limits<double>::infinity();
      scores[static_cast<size_t>(j)] = score;
      largest = std::max(largest, score);
    }
    double sum = 0;
    for (double& score : scores) sum += score = std::exp(score - largest);
    std::fill_n(out, value_width, 0.0);
    if (op.guarded && !(sum > 0)) return;
    for (int64_t j = 0; j < keys; ++j) {
      const double weight = scores[static_cast<size_t>(j)] / sum;
      for (int64_t e = 0; e < value_width; ++e) out[e] += weight * v[j * v_step + e];
    }
  }
};

Status check_bias(const op::Attention& op, const TensorType& bias, const TensorType& q,
                  const Heads& query, const Dim& keys) {
  const Dims scores = {query.batch, query.heads, query.length, keys};
  bool fits = bias.dtype == q.dtype && bias.rank() <= 4;
  for (size_t i = 0; fits && i < bias.dims.size(); ++i) {
    const Dim& size = bias.dims[i];
    fits = size.is(1) || may_equal(size, scores[4 - bias.dims.size() + i]);
  }
  if (fits) return {};
  return invalid(op, "the bias ", to_string(bias), " does not broadcast to ", to_string(scores));
}

}  // namespace

Result<std::vector<Info>> infer(const op::Attention& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const char* const operands[] = {"q", "k", "v"};
  for (size_t i = 0; i < 3; ++i) {
    CARNOT_RETURN_IF_ERROR(expect_float(op.kName, operands[i], in[i].type));
    CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, operands[i], in[i].type, 4));
    if (in[i].type.dtype != in[0].type.dtype) {
      return invalid(op, operands[i], " is ", to_string(in[i].type), ", q is ",
                     to_string(in[0].type));
    }
  }
  const Heads q = heads_of(in[0].type.dims, op.bsh), k = heads_of(in[1].type.dims, op.bsh),
              v = heads_of(in[2].type.dims, op.bsh);
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "k's batch", k.batch, q.batch));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "v's batch", v.batch, q.batch));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "k's width", k.width, q.width));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "v's length", v.length, k.length));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "v's number of heads", v.heads, k.heads));
  if (q.heads.is_constant() && k.heads.is_constant() &&
      (k.heads.value() < 1 || q.heads.value() % k.heads.value() != 0)) {
    return invalid(op, q.heads.value(), " query heads cannot share ", k.heads.value(),
                   " key heads");
  }
  if (in.size() > 3) CARNOT_RETURN_IF_ERROR(check_bias(op, in[3].type, in[0].type, q, k.length));
  Dims dims = in[0].type.dims;
  dims[3] = v.width;
  return one_result(op.kName, in[0].type.dtype, std::move(dims));
}

Result<std::vector<Tensor>> reference(const op::Attention& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims);
  const size_t head_axis = op.bsh ? 2 : 1, row_axis = op.bsh ? 1 : 2;
  const int64_t heads = shape[head_axis], rows = shape[row_axis];
  const int64_t keys = in[1].shape()[row_axis];
  const Attend attend{op, rows, keys, in[0].shape()[3], shape[3]};
  std::vector<double> out(static_cast<size_t>(volume(shape)), 0);
  if (!out.empty() && keys > 0) {
    const std::vector<double> q = doubles_of(in[0]), k = doubles_of(in[1]), v = doubles_of(in[2]);
    const std::vector<double> bias = in.size() > 3 ? doubles_of(in[3]) : std::vector<double>();
    const HeadStrides qs = strides_of(in[0].shape(), op.bsh),
                      ks = strides_of(in[1].shape(), op.bsh),
                      vs = strides_of(in[2].shape(), op.bsh), os = strides_of(shape, op.bsh);
    std::array<int64_t, 4> bs{};
    if (in.size() > 3) {
      const std::vector<int64_t> own = row_major_strides(in[3].shape());
      for (size_t i = 0; i < own.size(); ++i) {
        bs[4 - own.size() + i] = in[3].shape()[i] == 1 ? 0 : own[i];
      }
    }
    const int64_t shared = heads / in[1].shape()[head_axis];  // query heads of one key head
    std::vector<double> scores(static_cast<size_t>(keys));
    for (int64_t b = 0; b < shape[0]; ++b) {
      for (int64_t h = 0; h < heads; ++h) {
        const double* key = k.data() + b * ks.batch + h / shared * ks.head;
        const double* value = v.data() + b * vs.batch + h / shared * vs.head;
        for (int64_t i = 0; i < rows; ++i) {
          const double* row_bias =
              bias.empty() ? nullptr : bias.data() + b * bs[0] + h * bs[1] + i * bs[2];
          attend.row(q.data() + b * qs.batch + h * qs.head + i * qs.row, key, ks.row, value, vs.row,
                     row_bias, bs[3], i, scores,
                     out.data() + b * os.batch + h * os.head + i * os.row);
        }
      }
    }
  }
  CARNOT_ASSIGN(Tensor result, tensor_of(types[0].dtype, shape, out));
  return std::vector<Tensor>{std::move(result)};
}

}  // namespace carnot
