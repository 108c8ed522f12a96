// one_hot: a thread for each element of the result.
#pragma once
#include "codegen/cuda/lib/element.cuh"

namespace carnot::one_hot {

/// `values` are off and on, bits that are only moved.
template <class E, class T>
CARNOT_DEVICE void write(const typename E::Stored* indices, const T* values, T* out, i64 depth,
                         i64 inner, i64 count) {
  const i64 i = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const i64 outer = i / (depth * inner), at = i / inner % depth;
  const auto value = E::get(indices[outer * inner + i % inner]);
  i64 index;
  if constexpr (IsReal<typename E::Value>::kIs) {
    index = fabs(value) < static_cast<typename E::Value>(0x1p62) ? static_cast<i64>(value)
                                                                 : ~i64{0} - depth;
  } else {
    index = static_cast<i64>(value);
  }
  if (index < 0) index += depth;
  out[i] = values[index == at ? 1 : 0];
}

}  // namespace carnot::one_hot
