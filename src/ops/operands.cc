// The shared checks and the element order of operands.h.
#include "ops/operands.h"

#include <algorithm>
#include <cmath>

namespace carnot {
namespace {

Status wrong_type(const char* op, const char* operand, const char* needs, const TensorType& type) {
  return error(Code::kInvalidModel, op, ": ", operand, " needs ", needs, ", got ", to_string(type));
}

}  // namespace

Status expect_rank(const char* op, const char* operand, const TensorType& type, int64_t rank) {
  if (type.rank() == rank) return {};
  return wrong_type(op, operand, cat("rank ", rank).c_str(), type);
}

Status expect_float(const char* op, const char* operand, const TensorType& type) {
  return is_float(type.dtype) ? Status() : wrong_type(op, operand, "a float type", type);
}

Status expect_integer(const char* op, const char* operand, const TensorType& type) {
  return is_integer(type.dtype) ? Status() : wrong_type(op, operand, "an integer type", type);
}

Status expect_number(const char* op, const char* operand, const TensorType& type) {
  const bool fits = is_float(type.dtype) || is_integer(type.dtype);
  return fits ? Status() : wrong_type(op, operand, "a float or integer type", type);
}

Status expect_single(const char* op, const char* operand, const TensorType& type) {
  const bool fits = std::all_of(type.dims.begin(), type.dims.end(),
                                [](const Dim& d) { return may_equal(d, Dim(1)); });
  return fits ? Status() : wrong_type(op, operand, "exactly one element", type);
}

Status expect_size(const char* op, const char* what, const Dim& size) {
  if (size.overflowed()) return error(Code::kInvalidModel, op, ": ", what, " overflows 64 bits");
  if (size.is_constant() && size.value() < 0) {
    return error(Code::kInvalidModel, op, ": ", what, " is negative: ", size.value());
  }
  return {};
}

Status expect_same(const char* op, const char* what, const Dim& got, const Dim& want) {
  if (!got.overflowed() && !want.overflowed() && may_equal(got, want)) return {};
  return error(Code::kInvalidModel, op, ": ", what, " is ", to_string(got), ", needs ",
               to_string(want));
}

int64_t clamped_index(double value, int64_t lowest, int64_t highest) {
  const double floored = std::floor(value);
  if (!(floored > static_cast<double>(lowest))) return lowest;
  if (floored >= static_cast<double>(highest)) return highest;
  return static_cast<int64_t>(floored);
}

ElementOrder::ElementOrder(const Tensor& x) : x_(x), class_(class_of(x.dtype())) {}

int ElementOrder::compare(int64_t i, int64_t j) const {
  const auto order = [](const auto& a, const auto& b) { return a < b ? -1 : (b < a ? 1 : 0); };
  switch (class_) {
    case DTypeClass::kString:
      return order(x_.get_string(i), x_.get_string(j));
    case DTypeClass::kFloat: {
      const double a = x_.get(i), b = x_.get(j);
      if (std::isnan(a) || std::isnan(b)) return int{std::isnan(a)} - int{std::isnan(b)};
      return order(a, b);
    }
    case DTypeClass::kUnsigned:
      return order(static_cast<uint64_t>(x_.get_int(i)), static_cast<uint64_t>(x_.get_int(j)));
    case DTypeClass::kSigned:
    case DTypeClass::kBool:
      break;
  }
  return order(x_.get_int(i), x_.get_int(j));
}

}  // namespace carnot
