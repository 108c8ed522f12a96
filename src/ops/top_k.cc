// top_k: the largest or smallest elements along an axis, in order, with their positions.
#include <algorithm>
#include <numeric>

#include "ops/operands.h"

namespace carnot {
namespace {

Result<int64_t> count_of(const op::TopK& op, Tensors in) {
  if (op.count.is_constant()) return op.count.value();
  if (in.size() < 2 || in[1].elements() != 1) {
    return bad_value(op, "count ", to_string(op.count), " needs a target of one element");
  }
  return in[1].get_int(0);
}

}  // namespace

Result<std::vector<Info>> infer(const op::TopK& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "x", x));
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
  CARNOT_RETURN_IF_ERROR(expect_size(op.kName, "count", op.count));
  if (in.size() > 1) {
    CARNOT_RETURN_IF_ERROR(expect_integer(op.kName, "count", in[1].type));
    CARNOT_RETURN_IF_ERROR(expect_single(op.kName, "count", in[1].type));
  }
  Dims dims = x.dims;
  Dim& size = dims[static_cast<size_t>(axis)];
  if (size.is_constant() && op.count.is_constant() && op.count.value() > size.value()) {
    return invalid(op, "count ", op.count.value(), " is more than the ", size.value(),
                   " elements along axis ", axis);
  }
  size = op.count;
  return checked_results(op.kName,
                         {{{x.dtype, dims}, std::nullopt}, {{DType::kI64, dims}, std::nullopt}});
}

Result<std::vector<Tensor>> reference(const op::TopK& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  const Tensor& x = in[0];
  CARNOT_ASSIGN(const int64_t count, count_of(op, in));
  CARNOT_ASSIGN(const int64_t signed_axis, resolve_axis(op.kName, op.axis, x.rank()));
  const auto axis = static_cast<size_t>(signed_axis);
  const int64_t size = x.shape()[axis], inner = row_major_strides(x.shape())[axis];
  if (count < 0 || count > size) {
    return bad_value(op, "count ", count, " is not within the ", size, " elements along axis ",
                     signed_axis);
  }
  Shape shape = x.shape();
  shape[axis] = count;
  CARNOT_ASSIGN(Tensor indices, Tensor::allocate(DType::kI64, shape));
  const ElementOrder order(x);
  const int64_t lines = count == 0 ? 0 : indices.elements() / count;
  std::vector<int64_t> line(lines == 0 ? 0 : static_cast<size_t>(size));
  int64_t* out = indices.as<int64_t>();
  for (int64_t i = 0; i < lines; ++i) {
    const int64_t start = i / inner * inner * size + i % inner;
    std::iota(line.begin(), line.end(), 0);
    std::partial_sort(line.begin(), line.begin() + count, line.end(), [&](int64_t a, int64_t b) {
      const int sign = order.compare(start + a * inner, start + b * inner);
      if (sign != 0) return (sign > 0) == op.largest;
      return a < b;
    });
    for (int64_t k = 0; k < count; ++k) {
      out[i / inner * inner * count + k * inner + i % inner] = line[static_cast<size_t>(k)];
    }
  }
  CARNOT_ASSIGN(Tensor values, pick(x, shape, [&](int64_t i) {
                  return i / (inner * count) * inner * size + out[i] * inner + i % inner;
                }));
  return std::vector<Tensor>{values, indices};
}

}  // namespace carnot
