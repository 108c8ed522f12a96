#include "imported_names.h"

namespace trt {

using Node = carnot::Network::Node;

std::string node_name(const std::string& origin) {
  const size_t end = origin.rfind(" (");
  return end == std::string::npos ? origin : origin.substr(0, end);
}

std::string_view node_operator(const std::string& origin) {
  const size_t start = origin.rfind(" (");
  if (start == std::string::npos || origin.back() != ')') return {};
  return std::string_view(origin).substr(start + 2, origin.size() - start - 3);
}

bool is_constant(const Node& node) {
  return std::holds_alternative<carnot::op::Constant>(node.op);
}

std::string label_of(const Node& node) {
  return node.origin.empty() ? "" : node_name(node.origin.back());
}

namespace {

/// Only moves elements, or changes their type: not what a node is known for.
bool is_side(const Node& node) {
  if (const auto* p = std::get_if<carnot::op::Pointwise>(&node.op)) {
    return p->body.insts.size() == 1 && p->body.insts[0].op == carnot::ScalarOp::kCast;
  }
  return is_constant(node) || std::holds_alternative<carnot::op::Reshape>(node.op) ||
         std::holds_alternative<carnot::op::Transpose>(node.op) ||
         std::holds_alternative<carnot::op::Expand>(node.op) ||
         std::holds_alternative<carnot::op::ShapeOf>(node.op);
}

}  // namespace

LayerNames::LayerNames(const carnot::Network& model, const std::vector<Node>& nodes,
                       const std::vector<std::string>& unnamed)
    : model_(model), unnamed_(unnamed.begin(), unnamed.end()) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (is_constant(nodes[i])) continue;
    const auto [at, fresh] = main_.try_emplace(label_of(nodes[i]), i);
    if (!fresh && is_side(nodes[at->second])) at->second = i;
  }
}

std::string LayerNames::shown(const Node& node) const {
  const std::string label = label_of(node);
  return unnamed_.count(label) > 0 ? cat("node_of_", label) : label;
}

std::string LayerNames::of(const Node& node, size_t i) {
  if (is_constant(node)) {
    const std::string& name = model_.name(node.outputs[0]);
    return name.empty() ? "" : unique(name);
  }
  const std::string label = label_of(node);
  if (label.empty() || main_.at(label) != i) return "";
  return unique(shown(node));
}

std::string LayerNames::unique(const std::string& name, Taken& taken) {
  std::string candidate = name;
  while (!taken.insert(candidate).second) candidate = cat(name, '_', numbered_++);
  added_.emplace_back(&taken, candidate);
  return candidate;
}

std::string LayerNames::refittable() {
  const std::string name = "tmp_refittable_weight";
  const int64_t i = refittable_++;
  return i == 0 ? name : cat(name, '_', i - 1);
}

void LayerNames::restore(const State& before) {
  for (; added_.size() > before.added; added_.pop_back()) {
    added_.back().first->erase(added_.back().second);
  }
  numbered_ = before.numbered;
  refittable_ = before.refittable;
}

}  // namespace trt
