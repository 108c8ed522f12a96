#include "ops/numbers.h"

#include <limits>
#include <utility>

#include "base/status.h"
#include "tensor/codec.h"

namespace carnot {
namespace {

template <class To, class From>
void widen(const Tensor& tensor, std::vector<To>& out) {
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<To>(load_unaligned<From>(tensor.data(), static_cast<int64_t>(i)));
  }
}

// The types that operands mostly have, without a codec call for each element.
template <class To>
bool widen_common(const Tensor& tensor, std::vector<To>& out) {
  switch (tensor.dtype()) {
    case DType::kF32:
      return widen<To, float>(tensor, out), true;
    case DType::kF64:
      return widen<To, double>(tensor, out), true;
    case DType::kI64:
      return widen<To, int64_t>(tensor, out), true;
    case DType::kI32:
      return widen<To, int32_t>(tensor, out), true;
    case DType::kI8:
      return widen<To, int8_t>(tensor, out), true;
    case DType::kU8:
    case DType::kBool:
      return widen<To, uint8_t>(tensor, out), true;
    default:
      return false;
  }
}

}  // namespace

std::vector<double> doubles_of(const Tensor& tensor) {
  const auto count = static_cast<size_t>(tensor.elements());
  if (count == 0) return {};
  if (tensor.is_splat()) return std::vector<double>(count, tensor.get(0));
  std::vector<double> out(count);
  if (widen_common(tensor, out)) return out;
  if (tensor.dtype() == DType::kF16 || tensor.dtype() == DType::kBF16) {
    const bool half = tensor.dtype() == DType::kF16;
    for (size_t i = 0; i < count; ++i) {
      const auto bits = load_unaligned<uint16_t>(tensor.data(), static_cast<int64_t>(i));
      out[i] = static_cast<double>(half ? f16_to_f32(bits) : bf16_to_f32(bits));
    }
    return out;
  }
  for (size_t i = 0; i < count; ++i) out[i] = tensor.get(static_cast<int64_t>(i));
  return out;
}

std::vector<int64_t> ints_of(const Tensor& tensor) {
  CARNOT_CHECK(!is_float(tensor.dtype()));
  const auto count = static_cast<size_t>(tensor.elements());
  if (count == 0) return {};
  if (tensor.is_splat()) return std::vector<int64_t>(count, tensor.get_int(0));
  std::vector<int64_t> out(count);
  if (widen_common(tensor, out)) return out;
  for (size_t i = 0; i < count; ++i) out[i] = tensor.get_int(static_cast<int64_t>(i));
  return out;
}

Result<Tensor> tensor_of(DType dtype, Shape shape, const std::vector<double>& values) {
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, std::move(shape)));
  CARNOT_CHECK(out.elements() == static_cast<int64_t>(values.size()));
  if (dtype == DType::kF32) {
    float* data = out.as<float>();
    for (size_t i = 0; i < values.size(); ++i) data[i] = static_cast<float>(values[i]);
  } else {
    for (size_t i = 0; i < values.size(); ++i) out.set(static_cast<int64_t>(i), values[i]);
  }
  return out;
}

Result<Tensor> tensor_of(DType dtype, Shape shape, const std::vector<int64_t>& values) {
  CARNOT_ASSIGN(Tensor out, Tensor::allocate(dtype, std::move(shape)));
  CARNOT_CHECK(out.elements() == static_cast<int64_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    out.set_int(static_cast<int64_t>(i), wrap_integer(dtype, values[i]));
  }
  return out;
}

int64_t lowest_int(DType dtype) {
  if (class_of(dtype) != DTypeClass::kSigned) return 0;
  return std::numeric_limits<int64_t>::min() >> (64 - bits_of(dtype));
}

int64_t highest_int(DType dtype) {
  if (dtype == DType::kBool) return 1;
  if (class_of(dtype) == DTypeClass::kSigned) {
    return std::numeric_limits<int64_t>::max() >> (64 - bits_of(dtype));
  }
  return static_cast<int64_t>(std::numeric_limits<uint64_t>::max() >> (64 - bits_of(dtype)));
}

}  // namespace carnot
