#include "ops/contraction.h"

namespace carnot {

Result<DType> contraction_type(const char* op, const TensorType& a, const TensorType& b) {
  const bool same = a.dtype == b.dtype;
  if (same && is_float(a.dtype)) return a.dtype;
  if (is_integer(a.dtype) && is_integer(b.dtype)) {
    if (bits_of(a.dtype) <= 8 && bits_of(b.dtype) <= 8) return DType::kI32;
    if (same) return a.dtype;
  }
  return error(Code::kInvalidModel, op, ": operands ", to_string(a), " and ", to_string(b),
               " must be floats or integers of one type; cast one");
}

Status check_bias(const char* op, const TensorType& bias, DType dtype, const Dim& channels) {
  if (bias.dtype == dtype && bias.rank() == 1 && may_equal(bias.dims[0], channels)) return {};
  return error(Code::kInvalidModel, op, ": the bias must be ",
               to_string(TensorType{dtype, {channels}}), ", is ", to_string(bias));
}

}  // namespace carnot
