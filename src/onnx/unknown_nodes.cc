// unknown_onnx_nodes(): what an import would not get past, all of it and wherever it is.
#include "base/text.h"
#include "onnx/import_table.h"
#include "onnx/session.h"

namespace carnot::onnx {

void Session::find_unknown(const std::vector<NodeProto>& nodes, UnknownOnnxNode& at,
                           std::vector<UnknownOnnxNode>& out) const {
  for (const NodeProto& node : nodes) {
    if (&nodes == &file_.model.graph.nodes) at.index = static_cast<size_t>(&node - nodes.data());
    if (const FunctionProto* const function = find_function(node)) {
      at.calls.push_back(cat(node.name, " (", node.op_type, ")"));
      find_unknown(function->nodes, at, out);
      at.calls.pop_back();
      continue;
    }
    for (const AttributeProto& attribute : node.attributes) {
      if (attribute.g) find_unknown(attribute.g->nodes, at, out);
    }
    const std::string_view domain = node.domain == "ai.onnx" ? std::string_view() : node.domain;
    if (has_row(domain, node.op_type)) continue;
    UnknownOnnxNode& found = out.emplace_back(at);
    found.name = node.name, found.op_type = node.op_type, found.domain = domain;
    for (const AttributeProto& attribute : node.attributes) {
      if (attribute.type == AttributeProto::kString) {
        found.texts.emplace_back(attribute.name, attribute.s);
      }
    }
  }
}

std::vector<UnknownOnnxNode> Session::unknown_nodes() {
  index_functions();  // which bounds how deep and how far the calls below go
  std::vector<UnknownOnnxNode> out;
  UnknownOnnxNode at;
  find_unknown(file_.model.graph.nodes, at, out);
  return out;
}

}  // namespace carnot::onnx

namespace carnot {

Result<std::vector<UnknownOnnxNode>> unknown_onnx_nodes(std::span<const std::byte> model) {
  CARNOT_ASSIGN(const onnx::ModelFile file, onnx::read_model(model, nullptr));
  const ImportOptions options;
  try {
    return onnx::Session(file, options).unknown_nodes();
  } catch (onnx::ImportFailure& failure) {
    return std::move(failure.status).with(file.name);
  }
}

}  // namespace carnot
