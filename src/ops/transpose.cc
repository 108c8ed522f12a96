// transpose: the axes in another order.
#include "ops/elements.h"
#include "ops/move.h"
#include "ops/rules.h"

namespace carnot {

Result<std::vector<Info>> infer(const op::Transpose& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  if (static_cast<int64_t>(op.perm.size()) != x.rank()) {
    return invalid(op, "perm has ", op.perm.size(), " axes, the operand ", to_string(x), " has ",
                   x.rank());
  }
  std::vector<bool> seen(op.perm.size(), false);
  Dims dims;
  for (const int64_t axis : op.perm) {
    if (axis < 0 || axis >= x.rank() || seen[static_cast<size_t>(axis)]) {
      return invalid(op, "perm is not a permutation: axis ", axis);
    }
    seen[static_cast<size_t>(axis)] = true;
    dims.push_back(x.dims[static_cast<size_t>(axis)]);
  }
  return one_result(op.kName, x.dtype, std::move(dims), moved_elements(op, in));
}

Result<std::vector<Tensor>> reference(const op::Transpose& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  Shape shape = shape_of(types[0].dims);
  if (in[0].is_splat()) return std::vector<Tensor>{in[0].reshaped(std::move(shape))};
  const std::vector<int64_t> from = row_major_strides(in[0].shape());
  std::vector<int64_t> strides;
  for (const int64_t axis : op.perm) strides.push_back(from[static_cast<size_t>(axis)]);
  CARNOT_ASSIGN(Tensor out, copy_strided(in[0], std::move(shape), 0, std::move(strides)));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
