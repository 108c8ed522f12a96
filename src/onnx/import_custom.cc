// Operators of the user's own: the caller of the import says which custom operation they become.
#include "onnx/session.h"

namespace carnot::onnx {

std::optional<OnnxAttribute> value_of(Session& session, const AttributeProto& a) {
  switch (a.type) {
    case AttributeProto::kFloat:
      return static_cast<double>(a.f);
    case AttributeProto::kInt:
      return a.i;
    case AttributeProto::kString:
      return std::string(a.s);
    case AttributeProto::kTensor:
      if (!a.t) return std::nullopt;
      return session.read(*a.t);
    case AttributeProto::kFloats:
      return std::vector<double>(a.floats.begin(), a.floats.end());
    case AttributeProto::kInts:
      return a.ints;
    case AttributeProto::kStrings:
      return std::vector<std::string>(a.strings.begin(), a.strings.end());
    default:
      return std::nullopt;  // graphs and the like say nothing to a custom operation
  }
}

bool Session::import_custom(NodeImport& n, Scope& scope) {
  if (!options_.custom) return false;
  const NodeProto& node = n.node();
  OnnxCall call{std::string(node.op_type),
                std::string(node.domain),
                std::string(node.name),
                {},
                {},
                node.outputs.size(),
                scope.calls > 0 || scope.regions > 0};
  for (const AttributeProto& attribute : node.attributes) {
    const AttributeProto* const given = n.find(attribute.name);
    if (!given) continue;
    if (auto value = value_of(*this, *given)) {
      call.attributes.emplace_back(attribute.name, std::move(*value));
    }
  }
  Values inputs;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!n.has_input(i)) continue;
    inputs.push_back(n.in(i));
    call.operands.push_back({inputs.back()->type(), n.elements(inputs.back())});
  }
  auto op = options_.custom(call);
  if (!op.ok()) throw ImportFailure{std::move(op).status()};
  if (!*op) return false;
  if ((*op)->types.size() < node.outputs.size()) {
    n.invalid("has ", node.outputs.size(), " outputs; it gives ", (*op)->types.size());
  }
  Node* const made = n.add(std::move(**op), std::move(inputs));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (n.wants(i)) n.out(i, made->outputs[i]);
  }
  return true;
}

}  // namespace carnot::onnx
