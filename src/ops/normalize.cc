// normalize: layer, instance and RMS norms over any axes.
#include <cmath>

#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {
namespace {

// An operand's element for each element of x, by numpy's rules.
std::vector<double> broadcast_to(const Tensor& operand, const Shape& shape) {
  const std::vector<double> values = doubles_of(operand);
  const std::vector<int64_t> from = row_major_strides(operand.shape());
  const size_t lead = shape.size() - from.size();
  std::vector<double> out;
  out.reserve(static_cast<size_t>(volume(shape)));
  std::vector<int64_t> index(shape.size(), 0);
  do {
    int64_t at = 0;
    for (size_t i = 0; i < from.size(); ++i) {
      at += operand.shape()[i] == 1 ? 0 : index[lead + i] * from[i];
    }
    out.push_back(values[static_cast<size_t>(at)]);
  } while (next_index(index, shape));
  return out;
}

// Which row each element of x belongs to: elements that differ only along `axes` share one.
std::vector<size_t> rows_of(const Shape& shape, const Ints& axes, size_t* count) {
  Shape kept = shape;
  for (const int64_t axis : axes) kept[static_cast<size_t>(axis)] = 1;
  *count = static_cast<size_t>(volume(kept));
  const std::vector<int64_t> strides = row_major_strides(kept);
  std::vector<size_t> out;
  out.reserve(static_cast<size_t>(volume(shape)));
  std::vector<int64_t> index(shape.size(), 0);
  do {
    int64_t row = 0;
    for (size_t i = 0; i < shape.size(); ++i) row += kept[i] == 1 ? 0 : index[i] * strides[i];
    out.push_back(static_cast<size_t>(row));
  } while (next_index(index, shape));
  return out;
}

// Two passes: the squared distances from the mean, not mean(x^2) - mean^2, which cancels.
void normalize(std::vector<double>& x, const std::vector<size_t>& rows, size_t count,
               const op::Normalize& op) {
  const double size = static_cast<double>(x.size()) / static_cast<double>(count);
  std::vector<double> mean(count, 0), variance(count, 0);
  if (!op.rms) {
    for (size_t i = 0; i < x.size(); ++i) mean[rows[i]] += x[i];
    for (double& m : mean) m /= size;
  }
  for (size_t i = 0; i < x.size(); ++i) {
    const double distance = x[i] - mean[rows[i]];
    variance[rows[i]] += distance * distance;
  }
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = (x[i] - mean[rows[i]]) / std::sqrt(variance[rows[i]] / size + op.epsilon);
  }
}

}  // namespace

Result<std::vector<Info>> infer(const op::Normalize& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "the operand", x));
  CARNOT_ASSIGN(const Ints axes, resolve_axes(op.kName, op.axes, x.rank()));
  if (axes.empty()) return invalid(op, "no axes to normalize over");
  if (!(op.epsilon >= 0)) return invalid(op, "epsilon is ", op.epsilon);
  for (size_t i = 1; i < in.size(); ++i) {
    const TensorType& operand = in[i].type;
    bool fits = operand.dtype == x.dtype && operand.rank() <= x.rank();
    for (size_t k = 0; fits && k < operand.dims.size(); ++k) {
      const Dim& size = operand.dims[k];
      fits = size.is(1) || may_equal(size, x.dims[x.dims.size() - operand.dims.size() + k]);
    }
    if (!fits) {
      return invalid(op, i == 1 ? "the scale " : "the shift ", to_string(operand),
                     " does not broadcast to ", to_string(x));
    }
  }
  return one_result(op.kName, x.dtype, x.dims);
}

Result<std::vector<Tensor>> reference(const op::Normalize& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Shape& shape = in[0].shape();
  CARNOT_ASSIGN(const Ints axes, resolve_axes(op.kName, op.axes, in[0].rank()));
  std::vector<double> x = doubles_of(in[0]);
  if (!x.empty()) {
    size_t count = 0;
    const std::vector<size_t> rows = rows_of(shape, axes, &count);
    normalize(x, rows, count, op);
    for (size_t operand = 1; operand < in.size(); ++operand) {
      const std::vector<double> values = broadcast_to(in[operand], shape);
      for (size_t i = 0; i < x.size(); ++i) {
        x[i] = operand == 1 ? x[i] * values[i] : x[i] + values[i];
      }
    }
  }
  CARNOT_ASSIGN(Tensor out, tensor_of(types[0].dtype, shape, x));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
