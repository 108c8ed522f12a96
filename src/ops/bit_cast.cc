// bit_cast: the same bytes under another element type.
#include <memory>

#include "ops/rules.h"

namespace carnot {

Result<std::vector<Info>> infer(const op::BitCast& op, Infos in) {
  CARNOT_RETURN_IF_ERROR(check_arity(op, in));
  const TensorType& x = in[0].type;
  if (x.dtype == DType::kString || bits_of(x.dtype) != bits_of(op.to)) {
    return invalid(op, to_string(x), " and ", to_string(op.to), " differ in width");
  }
  if (op.to == DType::kBool && x.dtype != DType::kBool) {
    return invalid(op, "the bits of ", to_string(x), " need not be bools; compare with 0");
  }
  return one_result(op.kName, op.to, x.dims);
}

Result<std::vector<Tensor>> reference(const op::BitCast& op, Tensors in) {
  CARNOT_ASSIGN(const auto types, concrete_types(op, in));
  CARNOT_ASSIGN(const Tensor x, in[0].dense());
  // The bytes are shared; the tensor that owns them lives as long as the result.
  const auto owner = std::make_shared<const Tensor>(x);
  CARNOT_ASSIGN(Tensor out, Tensor::wrap(op.to, x.shape(), {x.data(), x.bytes()}, owner));
  return std::vector<Tensor>{std::move(out)};
}

}  // namespace carnot
