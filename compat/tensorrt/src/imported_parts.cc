#include "imported_parts.h"

#include "imported_as.h"

namespace trt {

using carnot::ScalarOp;
using Node = carnot::Network::Node;
namespace op = carnot::op;

namespace {

bool raises_ranks(const carnot::Network& model, const Node& node) {
  if (node.inputs.size() < 2) return false;
  if (std::holds_alternative<op::Normalize>(node.op)) return true;
  if (std::holds_alternative<op::MatMul>(node.op)) {
    return std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](Handle h) { return model.type(h).rank() >= 2; });
  }
  const auto* const p = std::get_if<op::Pointwise>(&node.op);
  return p && p->body.insts.size() == 1 && p->body.results.size() == 1;
}

NetTensor* raised(Network& into, NetTensor* tensor, const carnot::Dims& dims, size_t rank,
                  LayerNames& names) {
  op::Reshape reshape;
  reshape.sizes.assign(rank - dims.size(), 1);
  reshape.sizes.insert(reshape.sizes.end(), dims.begin(), dims.end());
  Node node;
  node.op = reshape;
  node.outputs.emplace_back();
  Layer* const layer =
      keep<Shuffle>(into, node, [&](Shuffle& l) { l.reshape = dims_of(reshape.sizes); });
  names.unique("ONNXTRT_ShapeShuffle");  // the same layer's first name there: it is counted
  layer->name = names.unique("ONNXTRT_Broadcast");
  layer->inputs = {tensor};
  return layer->outputs[0].get();
}

template <class T, class F>
Layer* add(Network& into, std::vector<NetTensor*> inputs, F&& fill) {
  auto layer = std::make_unique<T>(into);
  fill(*layer);
  Layer* const kept = into.keep(std::move(layer), 1);
  kept->inputs = std::move(inputs);
  return kept;
}

Layer* elementwise(Network& into, ElementWiseOperation operation, NetTensor* a, NetTensor* b) {
  return add<ElementWise>(into, {a, b}, [&](ElementWise& l) { l.operation = operation; });
}

NetTensor* result(const Layer* layer) {
  return layer->outputs[0].get();
}

}  // namespace

void raise_ranks(Network& into, const carnot::Network& model, const Node& node,
                 std::vector<NetTensor*>& inputs, LayerNames& names) {
  if (!raises_ranks(model, node)) return;
  size_t rank = 0;
  for (const Handle h : node.inputs) rank = std::max(rank, model.type(h).dims.size());
  for (size_t k = 0; k < inputs.size(); ++k) {
    const carnot::Dims& dims = model.type(node.inputs[k]).dims;
    if (dims.size() < rank) inputs[k] = raised(into, inputs[k], dims, rank, names);
  }
}

Layer* keep_in_parts(Network& into, const Node& node, const std::vector<NetTensor*>& inputs,
                     const std::string& name, LayerNames& names) {
  const auto* const p = std::get_if<op::Pointwise>(&node.op);
  if (!p || name.empty() || node.origin.empty()) return nullptr;
  const std::string_view kind = node_operator(node.origin.back());
  const std::string metadata = cat("[ONNX Layer: ", names.shown(node), "]");
  std::vector<Layer*> parts;
  if (kind == "HardSwish" && inputs.size() == 1) {
    parts.push_back(add<Activation>(into, inputs, [](Activation& l) {
      l.type = ActivationType::kHARD_SIGMOID, l.alpha = 1.0F / 6, l.beta = 0.5F;
    }));
    parts.push_back(
        elementwise(into, ElementWiseOperation::kPROD, inputs[0], result(parts.back())));
  } else if (p->body.insts.size() == 1 && inputs.size() == 2 &&
             (p->body.insts[0].op == ScalarOp::kGe || p->body.insts[0].op == ScalarOp::kLe)) {
    const bool greater = p->body.insts[0].op == ScalarOp::kGe;
    parts.push_back(
        elementwise(into, greater ? ElementWiseOperation::kGREATER : ElementWiseOperation::kLESS,
                    inputs[0], inputs[1]));
    parts.push_back(elementwise(into, ElementWiseOperation::kEQUAL, inputs[0], inputs[1]));
    parts.push_back(
        elementwise(into, ElementWiseOperation::kOR, result(parts[0]), result(parts[1])));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i]->name = i == 0 ? name : names.unique(names.shown(node));
    parts[i]->metadata = metadata;
    parts[i]->origin = node.origin;
  }
  return parts.empty() ? nullptr : parts.back();
}

}  // namespace trt
