// one_hot: a new axis that is `on` where its index equals the operand's, `off` elsewhere.
#include <cmath>

#include "ops/operands.h"

namespace carnot {
namespace {

/// The target's depth, as ONNX says cast to i64.
Result<int64_t> depth_of(const op::OneHot& op, Tensors in) {
  if (op.depth.is_constant()) return op.depth.value();
  if (in.size() < 3 || in[2].elements() != 1) {
    return bad_value(op, "depth ", to_string(op.depth), " needs a target of one element");
  }
  if (is_float(in[2].dtype())) return clamped_index(std::trunc(in[2].get(0)), -1, INT64_MAX);
  return in[2].get_int(0);
}

/// The index as ONNX casts it; -1 where it selects nothing.
int64_t index_at(const Tensor& indices, int64_t i, int64_t depth) {
  int64_t index = 0;
  if (is_float(indices.dtype())) {
    const double value = std::trunc(indices.get(i));
    // Every double beyond 2^62 is outside any depth that fits in memory.
    if (!(std::abs(value) < 0x1p62)) return -1;
    index = static_cast<int64_t>(value);
  } else {
    index = indices.get_int(i);
    if (class_of(indices.dtype()) == DTypeClass::kUnsigned && index < 0) return -1;
  }
  if (index < -depth || index >= depth) return -1;
  return index < 0 ? index + depth : index;
}

}  // namespace

Result<std::vector<Info>> infer(const op::OneHot& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType &indices = in[0].type, &values = in[1].type;
  CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "indices", indices));
  CARNOT_RETURN_IF_ERROR(expect_rank(op.kName, "values", values, 1));
  CARNOT_RETURN_IF_ERROR(expect_same(op.kName, "the number of values", values.dims[0], Dim(2)));
  CARNOT_RETURN_IF_ERROR(expect_size(op.kName, "depth", op.depth));
  if (in.size() > 2) {
    CARNOT_RETURN_IF_ERROR(expect_number(op.kName, "depth", in[2].type));
    CARNOT_RETURN_IF_ERROR(expect_single(op.kName, "depth", in[2].type));
  }
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, indices.rank() + 1));
  Dims dims = indices.dims;
  dims.insert(dims.begin() + axis, op.depth);
  return one_result(op.kName, values.dtype, std::move(dims));
}

Result<std::vector<Tensor>> reference(const op::OneHot& op, Tensors in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  CARNOT_RETURN_IF_ERROR(infer(op, infos_of(in)).status());
  CARNOT_ASSIGN(const int64_t depth, depth_of(op, in));
  if (depth < 0) return bad_value(op, "depth is negative: ", depth);
  const Tensor& indices = in[0];
  CARNOT_ASSIGN(const int64_t axis, resolve_axis(op.kName, op.axis, indices.rank() + 1));
  Shape shape = indices.shape();
  int64_t inner = 1;
  for (auto i = static_cast<size_t>(axis); i < shape.size(); ++i) inner *= shape[i];
  shape.insert(shape.begin() + axis, depth);
  // Allocated first for its overflow check; pick() multiplies the sizes unchecked.
  CARNOT_RETURN_IF_ERROR(Tensor::allocate(DType::kBool, shape).status());
  CARNOT_ASSIGN(Tensor out, pick(in[1], shape, [&](int64_t i) -> int64_t {
                  const int64_t within = i % inner, at = i / inner;
                  return index_at(indices, at / depth * inner + within, depth) == at % depth;
                }));
  return std::vector<Tensor>{out};
}

}  // namespace carnot
