// concat: operands one after another along an axis.
#include "ops/elements.h"
#include "ops/move.h"
#include "ops/rules.h"

namespace carnot {

Result<std::vector<Info>> infer(const op::Concat& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& first = in[0].type;
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, first.rank()));
  Dims dims = first.dims;
  for (const Info& info : in.subspan(1)) {
    const TensorType& next = info.type;
    bool fits = next.dtype == first.dtype && next.rank() == first.rank();
    for (size_t i = 0; fits && i < dims.size(); ++i) {
      if (static_cast<int64_t>(i) == axis) {
        dims[i] = dims[i] + next.dims[i];
      } else {
        fits = may_equal(dims[i], next.dims[i]);
        if (next.dims[i].is_constant()) dims[i] = next.dims[i];
      }
    }
    if (!fits) {
      return invalid(op, "operands ", to_string(first), " and ", to_string(next),
                     " differ in more than the size of axis ", axis);
    }
  }
  return one_result(op.kName, first.dtype, std::move(dims), moved_elements(op, in));
}

Result<std::vector<Tensor>> reference(const op::Concat& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  const Shape shape = shape_of(types[0].dims);
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, in[0].rank()));
  CARNOT_ASSIGN(ElementWriter writer, ElementWriter::make(in[0].dtype(), shape));
  const AxisView out = view_axis(shape, axis);
  int64_t start = 0;
  for (const Tensor& x : in) {
    const AxisView view = view_axis(x.shape(), axis);
    if (x.elements() > 0) {
      for (int64_t i = 0; i < out.outer; ++i) {
        writer.copy((i * out.size + start) * out.inner, x, i * view.size * view.inner,
                    view.size * view.inner);
      }
    }
    start += view.size;
  }
  return std::vector<Tensor>{std::move(writer).take()};
}

}  // namespace carnot
