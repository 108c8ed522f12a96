#pragma once
// Between TensorRT's types and ours.
#include <optional>

#include "carnot/tensor.h"
#include "report.h"

namespace trt {

std::optional<carnot::DType> dtype_of(DataType type);
std::optional<DataType> data_type_of(carnot::DType dtype);
const char* name_of(DataType type);
/// "kFLOAT" is 4 bytes; 0 for those of less than one.
int32_t bytes_of(DataType type);

inline bool is_known(DataType type) {
  return dtype_of(type).has_value();
}
/// A rank between 0 and Dims::MAX_DIMS.
inline bool is_valid(const Dims& dims) {
  return dims.nbDims >= 0 && dims.nbDims <= Dims::MAX_DIMS;
}
inline Dims invalid_dims() {
  Dims out{};
  out.nbDims = -1;
  return out;
}

/// -1 where a size is not a number; invalid where there are more axes than Dims holds.
Dims dims_of(const carnot::Dims& dims);
Dims dims_of(const carnot::Shape& shape);
Dims dims_of(std::initializer_list<int64_t> sizes);
std::vector<int64_t> ints_of(const Dims& dims);
/// Only where every size is a number.
carnot::Dims fixed_dims(const Dims& dims);
std::string text_of(const Dims& dims);
bool operator==(const Dims& a, const Dims& b);

/// Weights as a tensor of this shape, which must have as many elements. Not copied: TensorRT's
/// users keep weights until the network is built.
carnot::Result<carnot::Tensor> tensor_of(const Weights& weights, const carnot::Shape& shape);

}  // namespace trt
