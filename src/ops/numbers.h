#pragma once
// Operands of reference() as plain C++ numbers, and results rounded once into their type.
#include <cstdint>
#include <cstring>
#include <vector>

#include "carnot/tensor.h"

namespace carnot {

/// Element `i` of packed memory of any alignment: weights stay where the model's file has them.
template <class T>
T load_unaligned(const std::byte* data, int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

/// All elements, dense (a splat is repeated). Not for strings.
std::vector<double> doubles_of(const Tensor& tensor);
/// All elements of an integer or bool tensor; u64 by its bits.
std::vector<int64_t> ints_of(const Tensor& tensor);

Result<Tensor> tensor_of(DType dtype, Shape shape, const std::vector<double>& values);
/// Wraps around into the element type.
Result<Tensor> tensor_of(DType dtype, Shape shape, const std::vector<int64_t>& values);

/// Smallest and largest value of an integer or bool type (u64 by its bits).
int64_t lowest_int(DType dtype);
int64_t highest_int(DType dtype);
/// a < b, as the type orders them (u64 by its bits).
inline bool int_less(DType dtype, int64_t a, int64_t b) {
  return dtype == DType::kU64 ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
}

}  // namespace carnot
