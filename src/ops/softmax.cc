// softmax: exponentials that sum to 1 along an axis, or their logarithms.
#include <algorithm>
#include <cmath>

#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {

Result<std::vector<Info>> infer(const op::Softmax& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  CARNOT_RETURN_IF_ERROR(expect_float(op.kName, "the operand", x));
  CARNOT_RETURN_IF_ERROR(resolve_axis(op.kName, op.axis, x.rank()).status());
  return one_result(op.kName, x.dtype, x.dims);
}

Result<std::vector<Tensor>> reference(const op::Softmax& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, in[0].rank()));
  const AxisView view = view_axis(in[0].shape(), axis);
  std::vector<double> values = doubles_of(in[0]);
  const int64_t rows = values.empty() ? 0 : view.outer * view.inner;
  for (int64_t row = 0; row < rows; ++row) {
    double* x = values.data() + row / view.inner * view.size * view.inner + row % view.inner;
    const auto each = [&](auto&& visit) {
      for (int64_t i = 0; i < view.size; ++i) visit(x[i * view.inner]);
    };
    double largest = *x, sum = 0;
    each([&](double v) { largest = std::max(largest, v); });
    if (op.log) {
      each([&](double v) { sum += std::exp(v - largest); });
      const double log_sum = std::log(sum);
      each([&](double& v) { v = v - largest - log_sum; });
    } else {
      each([&](double& v) { sum += v = std::exp(v - largest); });
      each([&](double& v) { v /= sum; });
    }
  }
  CARNOT_ASSIGN(Tensor out, tensor_of(types[0].dtype, in[0].shape(), values));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
