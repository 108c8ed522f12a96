// Rearranging weights in memory (versions 4 to 8).

#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

#include "NvInfer.h"

namespace nvinfer1 {
namespace utils {

/// Bytes of an element; 0 where it has no whole ones.
inline std::size_t carnotTrtBytesOf(DataType type) noexcept {
  switch (type) {
    case DataType::kINT64:
      return 8;
    case DataType::kFLOAT:
    case DataType::kINT32:
      return 4;
    case DataType::kHALF:
    case DataType::kBF16:
      return 2;
    case DataType::kINT4:
    case DataType::kFP4:
      return 0;
    default:
      return 1;
  }
}

/// Writes `input`, of `nbDims` axes of these sizes, with its axes in the order `shapeOrder` to
/// `data`, which has as much room. False where the sizes do not fit the weights.
inline bool reshapeWeights(Weights const& input, int32_t const* shape, int32_t const* shapeOrder,
                           void* data, int32_t nbDims) noexcept {
  std::size_t const bytes = carnotTrtBytesOf(input.type);
  if (!input.values || !shape || !shapeOrder || !data || bytes == 0) return false;
  if (nbDims < 1 || nbDims > Dims::MAX_DIMS) return false;
  int64_t strides[Dims::MAX_DIMS];  // of the input, by its own axes
  int64_t count = 1;
  for (int32_t i = nbDims - 1; i >= 0; --i) {
    if (shape[i] < 1 || shapeOrder[i] < 0 || shapeOrder[i] >= nbDims) return false;
    strides[i] = count;
    count *= shape[i];
    if (count > input.count) return false;
  }
  if (count != input.count) return false;
  int64_t at[Dims::MAX_DIMS] = {};
  for (int64_t to = 0; to < count; ++to) {
    int64_t from = 0;
    for (int32_t i = 0; i < nbDims; ++i) from += at[i] * strides[shapeOrder[i]];
    std::memcpy(static_cast<char*>(data) + static_cast<std::size_t>(to) * bytes,
                static_cast<char const*>(input.values) + static_cast<std::size_t>(from) * bytes,
                bytes);
    for (int32_t i = nbDims - 1; i >= 0; --i) {
      if (++at[i] < shape[shapeOrder[i]]) break;
      at[i] = 0;
    }
  }
  return true;
}

/// Puts `num` pieces of `size` bytes into another order: the one at order[i] becomes number i.
inline bool reorderSubBuffers(void* input, int32_t const* order, int32_t num,
                              int32_t size) noexcept {
  if (!input || !order || num < 0 || size < 0) return false;
  auto const piece = static_cast<std::size_t>(size);
  std::unique_ptr<char[]> const copy(
      new (std::nothrow) char[static_cast<std::size_t>(num) * piece + 1]);
  if (!copy) return false;
  std::memcpy(copy.get(), input, static_cast<std::size_t>(num) * piece);
  for (int32_t i = 0; i < num; ++i) {
    if (order[i] < 0 || order[i] >= num) return false;
  }
  for (int32_t i = 0; i < num; ++i) {
    std::memcpy(static_cast<char*>(input) + static_cast<std::size_t>(i) * piece,
                copy.get() + static_cast<std::size_t>(order[i]) * piece, piece);
  }
  return true;
}

/// Transposes `num` matrices of height x width, one after another, where they lie.
inline bool transposeSubBuffers(void* input, DataType type, int32_t num, int32_t height,
                                int32_t width) noexcept {
  std::size_t const bytes = carnotTrtBytesOf(type);
  if (!input || bytes == 0 || num < 0 || height < 1 || width < 1) return false;
  auto const rows = static_cast<std::size_t>(height), columns = static_cast<std::size_t>(width);
  std::unique_ptr<char[]> const copy(new (std::nothrow) char[rows * columns * bytes]);
  if (!copy) return false;
  for (int32_t i = 0; i < num; ++i) {
    char* const matrix =
        static_cast<char*>(input) + static_cast<std::size_t>(i) * rows * columns * bytes;
    std::memcpy(copy.get(), matrix, rows * columns * bytes);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        std::memcpy(matrix + (c * rows + r) * bytes, copy.get() + (r * columns + c) * bytes, bytes);
      }
    }
  }
  return true;
}

}  // namespace utils
}  // namespace nvinfer1
