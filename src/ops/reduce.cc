// reduce, arg_reduce, cumulative: folds along axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/elements.h"
#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {
namespace {

/// Which elements each result folds: outer[i] + inner[j] for every j.
struct Folding {
  std::vector<int64_t> outer, inner;
};

// Offsets of all positions along the chosen axes, in row-major order.
std::vector<int64_t> offsets(const Shape& shape, const std::vector<bool>& chosen) {
  const std::vector<int64_t> strides = row_major_strides(shape);
  // Of none there may be many along another axis.
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (chosen[axis] && shape[axis] == 0) return {};
  }
  std::vector<int64_t> out = {0};
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!chosen[axis]) continue;
    std::vector<int64_t> next;
    for (const int64_t start : out) {
      for (int64_t i = 0; i < shape[axis]; ++i) next.push_back(start + i * strides[axis]);
    }
    out = std::move(next);
  }
  return out;
}

std::vector<bool> mark(const Ints& axes, size_t rank) {
  std::vector<bool> out(rank, axes.empty());
  for (const int64_t axis : axes) out[static_cast<size_t>(axis)] = true;
  return out;
}

Folding folding_of(const Shape& shape, const Ints& axes) {
  const std::vector<bool> folded = mark(axes, shape.size());
  std::vector<bool> kept = folded;
  kept.flip();
  Folding out{offsets(shape, kept), {}};
  if (!out.outer.empty()) out.inner = offsets(shape, folded);
  return out;
}

Dims folded_dims(const Dims& dims, const Ints& axes, bool keep) {
  const std::vector<bool> folded = mark(axes, dims.size());
  Dims out;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!folded[i]) out.push_back(dims[i]);
    if (folded[i] && keep) out.push_back(Dim(1));
  }
  return out;
}

ScalarOp combiner(op::Reduce::Kind kind) {
  switch (kind) {
    case op::Reduce::kSum:
    case op::Reduce::kMean:
      return ScalarOp::kAdd;
    case op::Reduce::kMaximum:
      return ScalarOp::kMax;
    case op::Reduce::kMinimum:
      return ScalarOp::kMin;
    case op::Reduce::kProduct:
      return ScalarOp::kMul;
  }
  return ScalarOp::kAdd;
}

// Sums of sizes are sizes. A mean may be a fraction and is not followed.
std::optional<Dims> folded_elements(const op::Reduce& op, const Ints& axes, const Info& x) {
  if (op.kind == op::Reduce::kMean || !x.elements || !can_know_elements(x.type)) {
    return std::nullopt;
  }
  const Folding folding = folding_of(shape_of(x.type.dims), axes);
  if (folding.inner.empty()) return std::nullopt;
  ScalarProgram step;
  step.inputs = 2;
  step.results = {step.add(combiner(op.kind), 0, 1)};
  const std::vector<DType> types(3, x.type.dtype);
  Dims out;
  for (const int64_t start : folding.outer) {
    std::optional<Dim> value = (*x.elements)[static_cast<size_t>(start)];
    for (size_t j = 1; value && j < folding.inner.size(); ++j) {
      value = evaluate_known(
          step, types, {value, (*x.elements)[static_cast<size_t>(start + folding.inner[j])]})[0];
    }
    if (!value) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

double start_of(op::Reduce::Kind kind) {
  switch (kind) {
    case op::Reduce::kMaximum:
      return -std::numeric_limits<double>::infinity();
    case op::Reduce::kMinimum:
      return std::numeric_limits<double>::infinity();
    case op::Reduce::kProduct:
      return 1;
    default:
      return 0;
  }
}

double fold(op::Reduce::Kind kind, double a, double b) {
  switch (kind) {
    case op::Reduce::kMaximum:
      return std::isnan(a) || a > b ? a : b;
    case op::Reduce::kMinimum:
      return std::isnan(a) || a < b ? a : b;
    case op::Reduce::kProduct:
      return a * b;
    default:
      return a + b;
  }
}

int64_t start_of(op::Reduce::Kind kind, DType dtype) {
  switch (kind) {
    case op::Reduce::kMaximum:
      return lowest_int(dtype);
    case op::Reduce::kMinimum:
      return highest_int(dtype);
    case op::Reduce::kProduct:
      return 1;
    default:
      return 0;
  }
}

int64_t fold(op::Reduce::Kind kind, DType dtype, int64_t a, int64_t b) {
  const auto bits = [](int64_t v) { return static_cast<uint64_t>(v); };
  switch (kind) {
    case op::Reduce::kMaximum:
      return int_less(dtype, a, b) ? b : a;
    case op::Reduce::kMinimum:
      return int_less(dtype, b, a) ? b : a;
    case op::Reduce::kProduct:
      return static_cast<int64_t>(bits(a) * bits(b));
    default:
      return static_cast<int64_t>(bits(a) + bits(b));
  }
}

// Rounds toward zero; the mean of no integers is 0.
int64_t integer_mean(DType dtype, int64_t sum, int64_t count) {
  if (count == 0) return 0;
  if (dtype != DType::kU64) return sum / count;
  return static_cast<int64_t>(static_cast<uint64_t>(sum) / static_cast<uint64_t>(count));
}

}  // namespace

Result<std::vector<Info>> infer(const op::Reduce& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  const bool orders = op.kind == op::Reduce::kMaximum || op.kind == op::Reduce::kMinimum;
  if (x.dtype != DType::kBool || !orders) {
    CARNOT_RETURN_IF_ERROR(expect_number(op.kName, op.kKindNames[op.kind], x));
  }
  CARNOT_ASSIGN(const Ints axes, resolve_axes(op.kName, op.axes, x.rank()));
  return one_result(op.kName, x.dtype, folded_dims(x.dims, axes, op.keep),
                    folded_elements(op, axes, in[0]));
}

Result<std::vector<Tensor>> reference(const op::Reduce& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  CARNOT_ASSIGN(const Ints axes, resolve_axes(op.kName, op.axes, in[0].rank()));
  const Folding folding = folding_of(in[0].shape(), axes);
  const auto count = static_cast<int64_t>(folding.inner.size());
  const DType dtype = types[0].dtype;
  Result<Tensor> out = Status();
  if (is_float(dtype)) {
    const std::vector<double> x = doubles_of(in[0]);
    std::vector<double> values;
    for (const int64_t start : folding.outer) {
      double value = start_of(op.kind);
      for (const int64_t i : folding.inner)
        value = fold(op.kind, value, x[static_cast<size_t>(start + i)]);
      values.push_back(op.kind == op::Reduce::kMean ? value / static_cast<double>(count) : value);
    }
    out = tensor_of(dtype, shape_of(types[0].dims), values);
  } else {
    const std::vector<int64_t> x = ints_of(in[0]);
    std::vector<int64_t> values;
    for (const int64_t start : folding.outer) {
      int64_t value = start_of(op.kind, dtype);
      for (const int64_t i : folding.inner) {
        value = fold(op.kind, dtype, value, x[static_cast<size_t>(start + i)]);
      }
      values.push_back(op.kind == op::Reduce::kMean ? integer_mean(dtype, value, count) : value);
    }
    out = tensor_of(dtype, shape_of(types[0].dims), values);
  }
  if (!out.ok()) return std::move(out).status();
  return std::vector<Tensor>{std::move(*out)};
}

Result<std::vector<Info>> infer(const op::ArgReduce& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  if (x.dtype != DType::kBool) {
    CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "the operand", x));
  }
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
  if (x.dims[static_cast<size_t>(axis)].is(0)) {
    return invalid(op, "axis ", axis, " of ", to_string(x), " has no elements");
  }
  return one_result(op.kName, DType::kI64, folded_dims(x.dims, {axis}, op.keep));
}

Result<std::vector<Tensor>> reference(const op::ArgReduce& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Tensor& x = in[0];
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(DType::kI64, shape_of(types[0].dims)));
  if (out.elements() == 0) return std::vector<Tensor>{std::move(out)};
  const bool floats = is_float(x.dtype());
  const std::vector<double> reals = floats ? doubles_of(x) : std::vector<double>();
  const std::vector<int64_t> ints = floats ? std::vector<int64_t>() : ints_of(x);
  const auto beats = [&](size_t a, size_t b) {
    if (!floats) {
      return op.smallest ? int_less(x.dtype(), ints[a], ints[b])
                         : int_less(x.dtype(), ints[b], ints[a]);
    }
    if (std::isnan(reals[a]) || std::isnan(reals[b])) return !std::isnan(reals[b]);
    return op.smallest ? reals[a] < reals[b] : reals[a] > reals[b];
  };
  const AxisView view = view_axis(x.shape(), axis);
  for (int64_t i = 0; i < view.outer * view.inner; ++i) {
    const int64_t start = i / view.inner * view.size * view.inner + i % view.inner;
    const auto at = [&](int64_t k) { return static_cast<size_t>(start + k * view.inner); };
    int64_t best = 0;
    for (int64_t k = 1; k < view.size; ++k) {
      // Where neither beats the other they tie.
      if (beats(at(k), at(best)) || (op.last && !beats(at(best), at(k)))) best = k;
    }
    out.as<int64_t>()[i] = best;
  }
  return std::vector<Tensor>{std::move(out)};
}

Result<std::vector<Info>> infer(const op::Cumulative& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "the operand", x));
  CARNOT_RETURN_IF_ERROR(resolve_axis(op.kName, op.axis, x.rank()).status());
  return one_result(op.kName, x.dtype, x.dims);
}

Result<std::vector<Tensor>> reference(const op::Cumulative& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, in[0].rank()));
  const AxisView view = view_axis(in[0].shape(), axis);
  const op::Reduce::Kind kind = op.product ? op::Reduce::kProduct : op::Reduce::kSum;
  const auto run = [&](auto values, auto first, auto step) {
    if (values.empty()) return values;
    for (int64_t i = 0; i < view.outer * view.inner; ++i) {
      const int64_t start = i / view.inner * view.size * view.inner + i % view.inner;
      auto total = first;
      for (int64_t k = 0; k < view.size; ++k) {
        auto& x =
            values[static_cast<size_t>(start + (op.reverse ? view.size - 1 - k : k) * view.inner)];
        const auto next = step(total, x);
        x = op.exclusive ? total : next;
        total = next;
      }
    }
    return values;
  };
  const DType dtype = types[0].dtype;
  const auto step_real = [&](double a, double b) { return fold(kind, a, b); };
  const auto step_int = [&](int64_t a, int64_t b) { return fold(kind, dtype, a, b); };
  Result<Tensor> out =
      is_float(dtype)
          ? tensor_of(dtype, in[0].shape(), run(doubles_of(in[0]), start_of(kind), step_real))
          : tensor_of(dtype, in[0].shape(), run(ints_of(in[0]), start_of(kind, dtype), step_int));
  if (!out.ok()) return std::move(out).status();
  return std::vector<Tensor>{std::move(*out)};
}

}  // namespace carnot
