// Two nodes with the same operation and the same operands become one.
#include <algorithm>
#include <unordered_map>

#include "base/hash.h"
#include "passes/passes.h"

namespace carnot {
namespace {

// Unequal constants differ early; equal ones are compared in full before they are merged.
constexpr size_t kHashedBytes = 4096;
// Constants of one shape with one beginning: more comparisons of a new one than this cost too much.
constexpr size_t kCandidatesMax = 8;

uint64_t key_of(const Node& node) {
  Hasher hasher;
  if (const auto* constant = node.as<op::Constant>()) {
    const Tensor& tensor = constant->value;
    hasher.add(tensor.dtype()).add(tensor.is_splat());
    for (const int64_t size : tensor.shape()) hasher.add(size);
    hasher.bytes({tensor.data(), std::min(tensor.bytes(), kHashedBytes)});
    return hasher.digest();
  }
  hasher.add(hash(node.op));
  for (const Value* value : node.inputs) hasher.add(reinterpret_cast<uintptr_t>(value));
  return hasher.digest();
}

bool equal(const Node& a, const Node& b) {
  return a.inputs == b.inputs && a.op == b.op;
}

// What the user's code does twice is not ours to do once.
bool is_custom(const Node& node) {
  return node.as<op::Custom>() != nullptr;
}

bool is_string_constant(const Node& node) {
  const auto* constant = node.as<op::Constant>();
  return constant && constant->value.dtype() == DType::kString;
}

}  // namespace

Status merge_common_subexpressions(Graph& graph, PassContext& context) {
  std::unordered_map<uint64_t, std::vector<Node*>> seen;
  for (Node* node : graph.nodes()) {
    CARNOT_RETURN_IF_ERROR(context.budget().check());
    if (!node->regions.empty() || is_string_constant(*node) || is_custom(*node)) continue;
    std::vector<Node*>& candidates = seen[key_of(*node)];
    const auto same = std::find_if(candidates.begin(), candidates.end(),
                                   [&](const Node* other) { return equal(*node, *other); });
    if (same == candidates.end()) {
      if (candidates.size() < kCandidatesMax) candidates.push_back(node);
      continue;
    }
    if (!context.rewrite()) return {};
    // Origins of shared constants say nothing and would grow with every use.
    if (!node->as<op::Constant>()) (*same)->origin = merge((*same)->origin, node->origin);
    for (size_t i = 0; i < node->outputs.size(); ++i) {
      graph.replace_uses(node->outputs[i], (*same)->outputs[i]);
    }
    graph.erase(node);
  }
  return {};
}

}  // namespace carnot
