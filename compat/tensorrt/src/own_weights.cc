#include "own_weights.h"

#include "imported_kinds.h"
#include "imported_names.h"

namespace trt {

using Node = carnot::Network::Node;

std::function<size_t(Handle)> hash_of_handles(const carnot::Network& model) {
  return [&model](Handle h) { return reinterpret_cast<size_t>(&model.type(h)); };
}

OwnWeights::OwnWeights(const carnot::Network& model, const std::vector<Node>& nodes)
    : values_(64, hash_of_handles(model)) {
  for (const Node& node : nodes) keep_value(model, node);
}

std::vector<carnot::Tensor> OwnWeights::of(const Node& node) const {
  std::vector<carnot::Tensor> out;
  const auto* const back = std::get_if<carnot::op::ConvTranspose>(&node.op);
  const bool filters = back || std::holds_alternative<carnot::op::Conv>(node.op);
  if (!(back ? is_deconvolution(*back) : filters || is_scale(node))) return out;
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    const auto found = values_.find(node.inputs[i]);
    const bool plain =
        found != values_.end() && !found->second.is_splat() && data_type_of(found->second.dtype());
    if (!plain) return {};
    out.push_back(found->second);
  }
  // Others than these are no layers of convolutions.
  const bool known = !out.empty() && (!filters || (out[0].rank() >= 4 && out[0].rank() <= 5));
  return known ? out : std::vector<carnot::Tensor>();
}

carnot::Tensor OwnWeights::written_out(const carnot::Tensor& value) {
  constexpr int64_t kSplatMax = 1 << 20;
  if (!value.is_splat() || value.elements() > kSplatMax) return value;
  auto dense = value.dense();
  return dense.ok() ? std::move(*dense) : value;
}

void OwnWeights::keep_value(const carnot::Network& model, const Node& node) {
  if (is_constant(node)) {
    const carnot::Tensor& value = std::get<carnot::op::Constant>(node.op).value;
    values_.emplace(node.outputs[0], written_out(value));
    return;
  }
  const bool moves = std::holds_alternative<carnot::op::Reshape>(node.op);
  const auto from = moves ? values_.find(node.inputs[0]) : values_.end();
  const carnot::TensorType& type = model.type(node.outputs[0]);
  if (from == values_.end() || !type.is_static() || from->second.is_splat()) return;
  if (model.type(node.inputs[0]).rank() > 1) return;
  values_.emplace(node.outputs[0], from->second.reshaped(ints_of(dims_of(type.dims))));
}

}  // namespace trt
