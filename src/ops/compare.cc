// compare(): the one judge of results.
#include <cmath>
#include <limits>

#include "base/status.h"
#include "ops/op.h"
#include "tensor/text.h"

namespace carnot {
namespace {

std::string position(int64_t i, const Shape& shape) {
  Shape index(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = i % shape[axis];
    i /= shape[axis];
  }
  return to_string(index);
}

void disagree(Difference& out, const Tensor& got, const Tensor& want, int64_t i) {
  if (out.ok) {
    out.first = cat("at ", position(i, want.shape()), ": got ", print_element(got, i), ", want ",
                    print_element(want, i));
  }
  out.ok = false;
}

double largest_finite(const Tensor& tensor) {
  double out = 0;
  const int64_t count =
      tensor.is_splat() ? std::min<int64_t>(1, tensor.elements()) : tensor.elements();
  for (int64_t i = 0; i < count; ++i) {
    const double value = std::fabs(tensor.get(i));
    if (std::isfinite(value)) out = std::max(out, value);
  }
  return out;
}

// |got - want| of integers, exactly until the last step.
double distance(DType dtype, int64_t a, int64_t b) {
  const bool is_unsigned = class_of(dtype) == DTypeClass::kUnsigned;
  const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  const bool less = is_unsigned ? x < y : a < b;
  return static_cast<double>(less ? y - x : x - y);
}

void compare_strings(Difference& out, const Tensor& got, const Tensor& want) {
  for (int64_t i = 0; i < want.elements(); ++i) {
    if (got.get_string(i) != want.get_string(i)) disagree(out, got, want, i);
  }
}

}  // namespace

Difference compare(const Tensor& got, const Tensor& want, Tolerance tolerance) {
  Difference out;
  if (got.dtype() != want.dtype() || got.shape() != want.shape()) {
    out.ok = false;
    out.first = cat("got ", to_string(got.type()), ", want ", to_string(want.type()));
    return out;
  }
  if (want.dtype() == DType::kString) return compare_strings(out, got, want), out;
  const double largest = largest_finite(want);
  const bool floats = is_float(want.dtype());
  for (int64_t i = 0; i < want.elements(); ++i) {
    const double x = got.get(i), y = want.get(i);
    double error = 0;
    if (floats) {
      if (std::isnan(x) && std::isnan(y)) continue;
      if (x == y) continue;
      if (!std::isfinite(x) || !std::isfinite(y)) {
        out.largest = std::numeric_limits<double>::infinity();
        disagree(out, got, want, i);
        continue;
      }
      error = std::fabs(x - y);
    } else {
      error = distance(want.dtype(), got.get_int(i), want.get_int(i));
    }
    out.largest = std::max(out.largest, error);
    const double scale = tolerance.scaled ? std::max(std::fabs(y), largest) : std::fabs(y);
    if (!(error <= tolerance.absolute + tolerance.relative * scale)) disagree(out, got, want, i);
  }
  out.relative = largest > 0 ? out.largest / largest : out.largest;
  return out;
}

}  // namespace carnot
