// non_zero: coordinates of the elements that are not zero.
#include <cmath>

#include "ops/operands.h"

namespace carnot {

Result<std::vector<Info>> infer(const op::NonZero& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  return one_result(op.kName, DType::kI64, {Dim(in[0].type.rank()), op.count});
}

Result<std::vector<Tensor>> reference(const op::NonZero& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const Tensor& x = in[0];
  const auto is_zero = [&](int64_t i) {
    if (x.dtype() == DType::kString) return x.get_string(i).empty();
    return is_float(x.dtype()) ? x.get(i) == 0 : x.get_int(i) == 0;
  };
  std::vector<int64_t> found;
  for (int64_t i = 0; i < x.elements(); ++i) {
    if (!is_zero(i)) found.push_back(i);
  }
  const auto count = static_cast<int64_t>(found.size());
  if (!may_equal(op.count, Dim(count))) {
    return bad_value(op, "found ", count, " elements, the graph says ", to_string(op.count));
  }
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(DType::kI64, {x.rank(), count}));
  for (int64_t axis = x.rank() - 1; axis >= 0; --axis) {
    const int64_t size = x.shape()[static_cast<size_t>(axis)];
    int64_t* row = out.as<int64_t>() + axis * count;
    for (size_t i = 0; i < found.size(); ++i) {
      row[i] = found[i] % size;
      found[i] /= size;
    }
  }
  return std::vector<Tensor>{out};
}

}  // namespace carnot
