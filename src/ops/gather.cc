// gather: slices of a tensor, picked along an axis.
#include "ops/elements.h"
#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/operands.h"

namespace carnot {

Result<std::vector<Info>> infer(const op::Gather& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &x = in[0].type, &indices = in[1].type;
  CARNOT_RETURN_IF_ERROR(expect_integer(op.kName, "the index", indices));
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
  Dims dims(x.dims.begin(), x.dims.begin() + axis);
  dims.insert(dims.end(), indices.dims.begin(), indices.dims.end());
  dims.insert(dims.end(), x.dims.begin() + axis + 1, x.dims.end());
  std::optional<Dims> elements;
  if (const std::optional<Tensor> known = constant_elements(in[1])) {
    elements = moved_elements(op, in.first(1), {*known});
  }
  return one_result(op.kName, x.dtype, std::move(dims), std::move(elements));
}

Result<std::vector<Tensor>> reference(const op::Gather& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Tensor& x = in[0];
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, x.rank()));
  const AxisView view = view_axis(x.shape(), axis);
  std::vector<int64_t> indices = ints_of(in[1]);
  for (int64_t& index : indices) {
    CARNOT_ASSIGN(index, resolve_index(op, index, view.size));
  }
  const Shape shape = shape_of(types[0].dims);
  CARNOT_ASSIGN(ElementWriter writer, ElementWriter::make(x.dtype(), shape));
  if (volume(shape) > 0) {
    int64_t at = 0;
    for (int64_t i = 0; i < view.outer; ++i) {
      for (const int64_t index : indices) {
        writer.copy(at, x, (i * view.size + index) * view.inner, view.inner);
        at += view.inner;
      }
    }
  }
  return std::vector<Tensor>{std::move(writer).take()};
}

}  // namespace carnot
