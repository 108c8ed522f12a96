#pragma once
// Conversions between element types and quantized values that several families use.
#include "onnx/node_import.h"

namespace carnot::onnx {

/// ONNX Cast, with the node's attribute `saturate` where `to` is an 8-bit float.
Value* convert(NodeImport& n, Value* x, DType to);

/// saturate(round(x / scale) + zero); `zero` may be null. Operands broadcast to x.
Value* quantize(NodeImport& n, Value* x, Value* scale, Value* zero, DType to);
/// (x - zero) * scale
Value* dequantize(NodeImport& n, Value* x, Value* scale, Value* zero, DType to);

}  // namespace carnot::onnx
