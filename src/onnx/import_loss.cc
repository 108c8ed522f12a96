#include "onnx/import_table.h"
namespace carnot::onnx {
std::span<const ImportRow> loss_rows() {
  return {};
}
}  // namespace carnot::onnx
