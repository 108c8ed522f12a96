// reshape: the same elements under other sizes.
#include "base/checked.h"
#include "ops/elements.h"
#include "ops/rules.h"
#include "tensor/dim_range.h"

namespace carnot {
namespace {

// Different for all sizes, which are at least 1 unless data decides them: then they may be 0.
// Products that may agree in some run are compared there.
bool surely_differ(const Dim& a, const Dim& b, bool sizes_from_data) {
  if (a == b) return false;
  Ranges sizes;
  sizes.others_min = sizes_from_data || a.is(0) || b.is(0) ? 0 : 1;
  return provably_at_least(a, b + Dim(1), sizes) || provably_at_least(b, a + Dim(1), sizes);
}

// ONNX's rules for a computed shape: 0 copies the operand's size, one -1 takes what is left.
Result<Shape> target_shape(const op::Reshape& op, const Tensor& x, const Tensor& target) {
  Shape shape;
  int64_t known = 1;
  std::optional<size_t> open;
  for (int64_t i = 0; i < target.elements(); ++i) {
    int64_t size = target.get_int(i);
    if (size == 0 && i < x.rank()) size = x.shape()[static_cast<size_t>(i)];
    if (size < -1 || (size == -1 && open)) {
      return error(Code::kInvalidArgument, op.kName, ": the computed shape ", to_string(target),
                   " is not one that ", to_string(x.shape()), " can have");
    }
    if (size == -1) {
      open = shape.size();
    } else {
      known = checked_mul(known, size).value_or(-1);
      if (known < 0) return error(Code::kResourceLimit, op.kName, ": the shape is too large");
    }
    shape.push_back(size);
  }
  if (open) shape[*open] = known == 0 ? 0 : x.elements() / known;
  return shape;
}

// At most one size may still be open: the number of elements gives it.
Result<Shape> result_shape(const op::Reshape& op, Tensors in) {
  Shape shape;
  int64_t known = 1;
  std::optional<size_t> open;
  for (const Dim& size : op.sizes) {
    if (!size.is_constant() && in.size() > 1) return target_shape(op, in[0], in[1]);
    if (!size.is_constant() && open) {
      return error(Code::kInvalidArgument, op.kName, ": the size ", to_string(size),
                   " is not known in this run");
    }
    if (!size.is_constant()) open = shape.size();
    if (size.is_constant()) known = checked_mul(known, size.value()).value_or(0);
    shape.push_back(size.is_constant() ? size.value() : 0);
  }
  if (open) shape[*open] = known == 0 ? 0 : in[0].elements() / known;
  return shape;
}

}  // namespace

Result<std::vector<Info>> infer(const op::Reshape& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  if (in.size() > 1) {
    CARNOT_RETURN_IF_ERROR(
        check_vector(op.kName, "the target", in[1].type, static_cast<int64_t>(op.sizes.size())));
  }
  if (surely_differ(product(x.dims), product(op.sizes), in.size() > 1)) {
    return invalid(op, to_string(x), " cannot become ", to_string(op.sizes),
                   ": the numbers of elements differ");
  }
  return one_result(op.kName, x.dtype, op.sizes, moved_elements(op, in.first(1)));
}

Result<std::vector<Tensor>> reference(const op::Reshape& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  CARNOT_ASSIGN(Shape shape, result_shape(op, in));
  const Result<int64_t> count = element_count(shape);
  if (!count.ok() || *count != in[0].elements()) {
    return error(Code::kInvalidArgument, op.kName, ": the shape ", to_string(in[0].shape()),
                 " cannot become ", to_string(shape), ": the numbers of elements differ");
  }
  return std::vector<Tensor>{in[0].reshaped(std::move(shape))};
}

}  // namespace carnot
