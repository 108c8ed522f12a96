// What a model says of its graph before any import.
#include <algorithm>
#include <unordered_set>

#include "onnx/session.h"

namespace carnot {

namespace {

OnnxOutline::Value value_of(const onnx::TypeProto& type) {
  OnnxOutline::Value out;
  const auto is_unknown = [](const onnx::DimensionProto& size) {
    return size.kind == onnx::DimensionProto::kUnknown;
  };
  out.ranked = type.has_shape;
  out.sized = type.has_shape && std::none_of(type.shape.begin(), type.shape.end(), is_unknown);
  if (type.kind != onnx::TypeProto::kTensor) return out;
  if (const Result<DType> dtype = onnx::dtype_of(type.elem_type); dtype.ok()) out.dtype = *dtype;
  return out;
}

}  // namespace

Result<std::vector<OnnxNode>> onnx_nodes(std::span<const std::byte> model) {
  CARNOT_ASSIGN(const onnx::ModelFile file, onnx::read_model(model, nullptr));
  std::vector<OnnxNode> out;
  for (const onnx::NodeProto& node : file.model.graph.nodes) {
    out.push_back({std::string(node.name),
                   std::string(node.op_type),
                   std::string(node.domain),
                   {node.outputs.begin(), node.outputs.end()}});
  }
  return out;
}

Result<OnnxOutline> onnx_outline(std::span<const std::byte> model) {
  CARNOT_ASSIGN(const onnx::ModelFile file, onnx::read_model(model, nullptr));
  const onnx::GraphProto& graph = file.model.graph;
  OnnxOutline out;
  for (const auto* const list : {&graph.values, &graph.inputs, &graph.outputs}) {
    for (const onnx::ValueInfoProto& value : *list) {
      out.values[std::string(value.name)] = value_of(value.type);
    }
  }
  std::unordered_set<std::string_view> constants;
  for (const onnx::TensorProto& tensor : graph.initializers) constants.insert(tensor.name);
  for (const auto& tensor : graph.sparse_initializers) constants.insert(tensor.values.name);
  for (const onnx::ValueInfoProto& input : graph.inputs) {
    if (constants.count(input.name) == 0) out.inputs.emplace_back(input.name);
  }
  for (const onnx::ValueInfoProto& output : graph.outputs) out.outputs.emplace_back(output.name);
  for (const onnx::OpsetImport& opset : file.model.opsets) out.domains.emplace_back(opset.domain);
  for (const onnx::NodeProto& node : graph.nodes) {
    const std::vector<std::string_view> names = onnx::names_read(node);
    out.reads.emplace_back(names.begin(), names.end());
  }
  return out;
}

}  // namespace carnot
