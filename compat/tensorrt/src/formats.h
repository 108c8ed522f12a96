#pragma once
// TensorRT's tensor formats that are not kLINEAR: channels last, or groups of channels together. To
// Carnot such a tensor is one of other sizes; here is how these follow from those that programs
// see.
#include <span>

#include "convert.h"

namespace trt {

struct FormatRow {
  TensorFormat format;
  const char* name;
  int32_t spatial;  ///< axes behind the channels
  int64_t vector;   ///< channels in an element: what their number is filled up to
  bool last;        ///< channels are the last axis
  std::initializer_list<DataType> types;  ///< that TensorRT has in it
  const char* words;                      ///< "Two wide channel vectorized row major"

  /// Which axis of a tensor has the channels; negative for tensors that have too few.
  int32_t axis(size_t rank) const { return static_cast<int32_t>(rank) - 1 - spatial; }
};

/// Null for kLINEAR, and for formats that only other devices have.
const FormatRow* format_row(TensorFormat format);
std::span<const FormatRow> format_rows();

/// A tensor's format and, where that fills up channels, how many there are.
struct StoredFormat {
  TensorFormat format = TensorFormat::kLINEAR;
  int64_t channels = 0;
};

/// Sizes as they lie in memory. The tensor has the axes that the format needs.
carnot::Dims stored(const carnot::Dims& sizes, TensorFormat format);
carnot::Shape stored(const carnot::Shape& sizes, TensorFormat format);
/// Sizes as programs see them.
carnot::Dims visible(const carnot::Dims& sizes, const StoredFormat& format);
carnot::Shape visible(const carnot::Shape& sizes, const StoredFormat& format);
/// Steps of each axis in elements, of which kHWC8 has one for eight channels.
Dims strides_of(const Dims& sizes, TensorFormat format);
/// "Channel major FP16 format where channel % 8 == 0 (kHWC8)".
const char* description_of(DataType type, TensorFormat format);

}  // namespace trt
