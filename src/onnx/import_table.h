#pragma once
// The import tables: which function imports which ONNX operator, from which opset to which. One
// table a family (import_*.cc), listed in import_table.cc.
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "onnx/node_import.h"

namespace carnot::onnx {

inline constexpr int64_t kNewest = std::numeric_limits<int64_t>::max();
inline constexpr int kAny = std::numeric_limits<int>::max();

struct ImportRow {
  const char* name;
  int64_t since, until;  ///< opsets of the row's domain
  int inputs_min, inputs_max, outputs_max;
  void (*import)(NodeImport& n);
};

/// An operator that is refused, and why.
struct RefusedRow {
  const char* name;
  const char* reason;  ///< and what to do
};

std::span<const ImportRow> activation_rows();
std::span<const ImportRow> attention_rows();
std::span<const ImportRow> constant_rows();
std::span<const ImportRow> control_rows();
std::span<const ImportRow> conv_rows();
std::span<const ImportRow> gather_rows();
std::span<const ImportRow> index_rows();
std::span<const ImportRow> loss_rows();
std::span<const ImportRow> math_rows();
std::span<const ImportRow> matmul_rows();
std::span<const ImportRow> microsoft_rows();  ///< of the domain com.microsoft
std::span<const ImportRow> norm_rows();
std::span<const ImportRow> patches_rows();
std::span<const ImportRow> pool_rows();
std::span<const ImportRow> preview_rows();  ///< of the domain ai.onnx.preview
std::span<const ImportRow> quant_rows();
std::span<const ImportRow> recurrent_rows();
std::span<const ImportRow> reduce_rows();
std::span<const ImportRow> resize_rows();
std::span<const ImportRow> shape_rows();
std::span<const ImportRow> signal_rows();
std::span<const ImportRow> slice_rows();
std::span<const ImportRow> state_rows();
std::span<const ImportRow> vision_rows();
std::span<const RefusedRow> refused_rows();

/// The row for an operator. kUnsupported where there is none in this opset, kInvalidModel where the
/// opset has deprecated it.
Result<const ImportRow*> find_row(std::string_view domain, std::string_view op_type, int64_t opset);
/// Whether some opset has the operator.
bool has_row(std::string_view domain, std::string_view op_type);

}  // namespace carnot::onnx
