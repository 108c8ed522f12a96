// softmax and normalize: rows scaled by their own statistics.
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
    double largest = *x, sum = 0;
    for (int64_t i = 0; i < view.size; ++i) largest = std::max(largest, x[i * view.inner]);
    for (int64_t i = 0; i < view.size; ++i) sum += std::exp(x[i * view.inner] - largest);
    const double log_sum = std::log(sum);
    for (int64_t i = 0; i < view.size; ++i) {
      const double shifted = x[i * view.inner] - largest;
      x[i * view.inner] = op.log ? shifted - log_sum : std::exp(shifted) / sum;
    }
  }
  CARNOT_ASSIGN(Tensor out, tensor_of(types[0].dtype, in[0].shape(), values));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
