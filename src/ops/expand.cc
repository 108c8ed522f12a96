// expand: broadcasts to sizes, both ways.
#include "ops/elements.h"
#include "ops/move.h"
#include "ops/rules.h"

namespace carnot {
namespace {

Result<Shape> result_shape(const op::Expand& op, Tensors in) {
  Shape shape;
  const size_t lead = op.sizes.size() - in[0].shape().size();
  for (size_t i = 0; i < op.sizes.size(); ++i) {
    const int64_t own = i < lead ? 1 : in[0].shape()[i - lead];
    int64_t size = 0;
    if (op.sizes[i].is_constant()) {
      size = op.sizes[i].value();
    } else if (in.size() > 1) {
      // The target is aligned to the last axis and may itself be 1 where the operand is not.
      const int64_t at =
          static_cast<int64_t>(i + in[1].shape()[0]) - static_cast<int64_t>(op.sizes.size());
      const int64_t wanted = at < 0 ? 1 : in[1].get_int(at);
      size = wanted == 1 ? own : wanted;
    } else {
      return error(Code::kInvalidArgument, op.kName, ": the size ", to_string(op.sizes[i]),
                   " is not known in this run");
    }
    if (size < 0 || (own != 1 && own != size)) {
      return error(Code::kInvalidArgument, op.kName, ": the shape ", to_string(in[0].shape()),
                   " does not broadcast to ", to_string(op.sizes), ": axis ", i, " would be ",
                   size);
    }
    shape.push_back(size);
  }
  return shape;
}

}  // namespace

Result<std::vector<Info>> infer(const op::Expand& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  const size_t rank = op.sizes.size();
  const auto refuse = [&] {
    return invalid(op, to_string(x), " does not broadcast to ", to_string(op.sizes));
  };
  if (x.dims.size() > rank) return refuse();
  if (in.size() > 1) {
    CARNOT_RETURN_IF_ERROR(check_vector(op.kName, "the target", in[1].type, -1));
    const Dim& length = in[1].type.dims[0];
    if (length.is_constant() && length.value() > static_cast<int64_t>(rank)) return refuse();
  }
  for (size_t i = 0; i < x.dims.size(); ++i) {
    const Dim& size = op.sizes[rank - x.dims.size() + i];
    if (!x.dims[i].is(1) && !may_equal(x.dims[i], size)) return refuse();
  }
  return one_result(op.kName, x.dtype, op.sizes, moved_elements(op, in.first(1)));
}

Result<std::vector<Tensor>> reference(const op::Expand& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  CARNOT_ASSIGN(Shape shape, result_shape(op, in));
  CARNOT_RETURN_IF_ERROR(one_result(op.kName, in[0].dtype(), dims_of(shape)).status());
  const Tensor& x = in[0];
  if (x.is_splat() || x.elements() == 1) {
    // A fill stays one stored element however large it is.
    CARNOT_ASSIGN(ElementWriter element, ElementWriter::make(x.dtype(), {}));
    element.fill(0, x, 0, 1);
    return std::vector<Tensor>{Tensor::splat(std::move(element).take(), std::move(shape))};
  }
  std::vector<int64_t> strides(shape.size(), 0);
  const std::vector<int64_t> from = row_major_strides(x.shape());
  const size_t lead = shape.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i) strides[lead + i] = x.shape()[i] == 1 ? 0 : from[i];
  CARNOT_ASSIGN(Tensor out, copy_strided(x, std::move(shape), 0, std::move(strides)));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
