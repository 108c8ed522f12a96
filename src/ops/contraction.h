#pragma once
// Element types of contractions (conv, conv_transpose, matmul).
#include <cstdint>
#include <utility>
#include <vector>

#include "ops/numbers.h"
#include "ops/rules.h"

namespace carnot {

/// The result's type: that of float operands, i32 for operands of at most 8 bits (which may differ
/// in sign), else the operands' own integer type.
Result<DType> contraction_type(const char* op, const TensorType& a, const TensorType& b);

/// The bias is [channels] in the result's type.
Status check_bias(const char* op, const TensorType& bias, DType dtype, const Dim& channels);

/// Calls `compute` with operand vectors of double (float types) or uint64_t (integers, exact modulo
/// 2^64) and rounds or wraps what it returns into `dtype`. compute(a, b, bias) -> vector.
template <class F>
Result<Tensor> contract(DType dtype, Shape shape, Tensors in, F&& compute) {
  if (is_float(dtype)) {
    const std::vector<double> a = doubles_of(in[0]), b = doubles_of(in[1]);
    const std::vector<double> bias = in.size() > 2 ? doubles_of(in[2]) : std::vector<double>();
    return tensor_of(dtype, std::move(shape), compute(a, b, bias));
  }
  const auto unsigned_of = [](const Tensor& tensor) {
    const std::vector<int64_t> ints = ints_of(tensor);
    return std::vector<uint64_t>(ints.begin(), ints.end());
  };
  const std::vector<uint64_t> a = unsigned_of(in[0]), b = unsigned_of(in[1]);
  const std::vector<uint64_t> bias = in.size() > 2 ? unsigned_of(in[2]) : std::vector<uint64_t>();
  const std::vector<uint64_t> out = compute(a, b, bias);
  return tensor_of(dtype, std::move(shape), std::vector<int64_t>(out.begin(), out.end()));
}

}  // namespace carnot
