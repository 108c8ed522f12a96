// shape_of, dims, constant, iota: values that come from sizes or from the model itself.
#include "ops/elements.h"
#include "ops/move.h"
#include "ops/numbers.h"
#include "ops/rules.h"

namespace carnot {

Result<std::vector<Info>> infer(const op::ShapeOf& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const Dims& dims = in[0].type.dims;
  const bool known = in[0].type.rank() <= Info::kMaxElements;
  return one_result(op.kName, DType::kI64, {Dim(in[0].type.rank())},
                    known ? std::optional(dims) : std::nullopt);
}

Result<std::vector<Tensor>> reference(const op::ShapeOf& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  return std::vector<Tensor>{Tensor::from_i64({in[0].rank()}, in[0].shape())};
}

Result<std::vector<Info>> infer(const op::DimsTensor& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  if (op.scalar && op.values.size() != 1) {
    return invalid(op, "a scalar has one value, not ", op.values.size());
  }
  for (const Dim& value : op.values) {
    if (value.overflowed()) {
      return error(Code::kResourceLimit, op.kName, ": a value is beyond 64 bits");
    }
  }
  const auto count = static_cast<int64_t>(op.values.size());
  return one_result(op.kName, DType::kI64, op.scalar ? Dims{} : Dims{Dim(count)},
                    count <= Info::kMaxElements ? std::optional(op.values) : std::nullopt);
}

Result<std::vector<Tensor>> reference(const op::DimsTensor& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  std::vector<int64_t> values;
  for (const Dim& value : op.values) {
    if (!value.is_constant()) {
      return error(Code::kInvalidArgument, op.kName, ": ", to_string(value),
                   " is not known in this run");
    }
    values.push_back(value.value());
  }
  return std::vector<Tensor>{Tensor::from_i64(shape_of(types[0].dims), values)};
}

Result<std::vector<Info>> infer(const op::Constant& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType type = op.value.type();
  return one_result(op.kName, type.dtype, type.dims, known_elements(op.value));
}

Result<std::vector<Tensor>> reference(const op::Constant& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  return std::vector<Tensor>{op.value};
}

Result<std::vector<Info>> infer(const op::Iota& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  if (op.dtype == DType::kBool || op.dtype == DType::kString) {
    return invalid(op, "cannot count in ", to_string(op.dtype));
  }
  const TensorType type{op.dtype, op.sizes};
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, type.rank()));
  std::optional<Dims> elements;
  if (can_know_elements(type) && bits_of(op.dtype) >= 32) {
    const AxisView view = view_axis(shape_of(type.dims), axis);
    elements.emplace();
    for (int64_t i = 0; i < view.outer * view.size * view.inner; ++i) {
      elements->push_back(Dim(i / view.inner % view.size));
    }
  }
  return one_result(op.kName, op.dtype, op.sizes, std::move(elements));
}

Result<std::vector<Tensor>> reference(const op::Iota& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  Shape shape = shape_of(types[0].dims);
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, types[0].rank()));
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(op.dtype, shape));
  const AxisView view = view_axis(shape, axis);
  for (int64_t i = 0; i < out.elements(); ++i) out.set_int(i, i / view.inner % view.size);
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
