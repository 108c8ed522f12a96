#pragma once
// Which layers an operator of ONNX becomes in NVIDIA's parser: a row each, by families.
#include <span>

#include "onnx_sizes.h"

namespace trt {

struct OnnxRow {
  std::string_view op;
  void (*show)(OnnxView&);  ///< leaves by NotShown where it does not take the node
};
std::span<const OnnxRow> rows_of_math();
std::span<const OnnxRow> rows_of_shapes();
std::span<const OnnxRow> rows_of_slices();
std::span<const OnnxRow> rows_of_windows();
std::span<const OnnxRow> rows_of_reductions();
std::span<const OnnxRow> rows_of_indices();
std::span<const OnnxRow> rows_of_recurrences();
std::span<const OnnxRow> rows_of_control();
std::span<const OnnxRow> rows_of_quantization();
std::span<const OnnxRow> rows_of_parts();

}  // namespace trt
