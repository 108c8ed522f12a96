#include "convert.h"

namespace trt {

namespace {

struct Row {
  DataType type;
  carnot::DType dtype;
  const char* name;
  int32_t bytes;
};
constexpr Row kRows[] = {
    {DataType::kFLOAT, carnot::DType::kF32, "Float", 4},
    {DataType::kHALF, carnot::DType::kF16, "Half", 2},
    {DataType::kINT8, carnot::DType::kI8, "Int8", 1},
    {DataType::kINT32, carnot::DType::kI32, "Int32", 4},
    {DataType::kBOOL, carnot::DType::kBool, "Bool", 1},
    {DataType::kUINT8, carnot::DType::kU8, "UInt8", 1},
    {DataType::kFP8, carnot::DType::kF8E4M3, "FP8", 1},
    {DataType::kBF16, carnot::DType::kBF16, "BFloat16", 2},
    {DataType::kINT64, carnot::DType::kI64, "Int64", 8},
    {DataType::kINT4, carnot::DType::kI4, "Int4", 0},
    {DataType::kFP4, carnot::DType::kF4E2M1, "FP4", 0},
    {DataType::kE8M0, carnot::DType::kF8E8M0, "E8M0", 1},
};

const Row* find(DataType type) {
  for (const Row& row : kRows) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

}  // namespace

std::optional<carnot::DType> dtype_of(DataType type) {
  const Row* row = find(type);
  return row ? std::optional(row->dtype) : std::nullopt;
}

std::optional<DataType> data_type_of(carnot::DType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return row.type;
  }
  return std::nullopt;
}

const char* name_of(DataType type) {
  const Row* row = find(type);
  return row ? row->name : "unknown type";
}

int32_t bytes_of(DataType type) {
  const Row* row = find(type);
  return row ? row->bytes : -1;
}

Dims dims_of(const carnot::Dims& dims) {
  if (dims.size() > static_cast<size_t>(Dims::MAX_DIMS)) return invalid_dims();
  Dims out{};
  out.nbDims = static_cast<int32_t>(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) out.d[i] = dims[i].is_constant() ? dims[i].value() : -1;
  return out;
}

Dims dims_of(const carnot::Shape& shape) {
  if (shape.size() > static_cast<size_t>(Dims::MAX_DIMS)) return invalid_dims();
  Dims out{};
  out.nbDims = static_cast<int32_t>(shape.size());
  for (size_t i = 0; i < shape.size(); ++i) out.d[i] = shape[i];
  return out;
}

Dims dims_of(std::initializer_list<int64_t> sizes) {
  return dims_of(carnot::Shape(sizes));
}

std::vector<int64_t> ints_of(const Dims& dims) {
  if (!is_valid(dims)) return {};
  return {dims.d, dims.d + dims.nbDims};
}

carnot::Dims fixed_dims(const Dims& dims) {
  carnot::Dims out;
  for (const int64_t size : ints_of(dims)) out.emplace_back(size);
  return out;
}

std::string text_of(const Dims& dims) {
  if (!is_valid(dims)) return cat("dimensions with nbDims = ", dims.nbDims);
  return carnot::to_string(ints_of(dims));
}

bool operator==(const Dims& a, const Dims& b) {
  return a.nbDims == b.nbDims && ints_of(a) == ints_of(b);
}

carnot::Result<carnot::Tensor> tensor_of(const Weights& weights, const carnot::Shape& shape) {
  const auto refuse = [](const std::string& why) {
    return carnot::Status(carnot::Code::kInvalidArgument, why);
  };
  const auto dtype = dtype_of(weights.type);
  if (!dtype) return refuse("the weights have an unknown type");
  // Allocated only to learn the shape's checked size: a shape is the user's.
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) {
      return refuse(cat("weights of shape ", carnot::to_string(shape), " cannot be"));
    }
  }
  if (weights.count != count) {
    return refuse(cat("the weights have ", weights.count, " elements, but shape ",
                      carnot::to_string(shape), " needs ", count));
  }
  if (count > 0 && !weights.values) return refuse("the weights' values are null");
  int64_t bits = 0;
  if (__builtin_mul_overflow(count, static_cast<int64_t>(carnot::bits_of(*dtype)), &bits)) {
    return refuse("the weights are too large");
  }
  const auto* const bytes = static_cast<const std::byte*>(weights.values);
  return carnot::Tensor::wrap(*dtype, shape, {bytes, static_cast<size_t>((bits + 7) / 8)}, nullptr);
}

}  // namespace trt
