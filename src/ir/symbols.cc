#include "ir/symbols.h"

namespace carnot {
namespace {

void replace_symbols(Graph& graph, const Substitution& with, bool inputs_too) {
  if (inputs_too) {
    for (Value* input : graph.inputs()) input->info.type = substitute(input->type(), with);
  }
  for (Node* node : graph.nodes()) {
    if (is_symbolic(node->op)) node->op = substitute(node->op, with);
    for (const auto& region : node->regions) replace_symbols(*region, with, true);
  }
}

}  // namespace

std::vector<std::string> defined_symbols(const Node& node) {
  std::vector<Info> infos;
  for (const Value* value : node.inputs) infos.push_back(value->info);
  return defined_symbols(node.op, infos);
}

Op substitute(const Op& op, const Substitution& with) {
  Op out = op;
  for_each_dim(out, [&](Dim& dim) {
    if (!dim.is_constant()) dim = substitute(dim, with);
  });
  return out;
}

TensorType substitute(const TensorType& type, const Substitution& with) {
  TensorType out = type;
  for (Dim& dim : out.dims) {
    if (!dim.is_constant()) dim = substitute(dim, with);
  }
  return out;
}

Status substitute(Graph& graph, const Substitution& with) {
  replace_symbols(graph, with, false);
  return graph.reinfer();
}

Status substitute_region(Graph& region, const Substitution& with) {
  replace_symbols(region, with, true);
  return region.reinfer();
}

namespace {

void collect(const Dim& dim, SymbolSet& names) {
  if (dim.is_constant()) return;
  std::vector<std::string> found;
  dim.collect_symbols(found);
  names.insert(found.begin(), found.end());
}

void collect_own(const Node& node, SymbolSet& names) {
  collect_attribute_symbols(node.op, names);
  for (const Value* value : node.outputs) collect_symbols(value->type().dims, names);
}

}  // namespace

void collect_symbols(const Dims& dims, SymbolSet& names) {
  for (const Dim& dim : dims) collect(dim, names);
}

Dims attribute_dims(const Op& op) {
  Dims out;
  for_each_dim(op, [&](const Dim& dim) { out.push_back(dim); });
  return out;
}

void collect_attribute_symbols(const Op& op, SymbolSet& names) {
  for_each_dim(op, [&](const Dim& dim) { collect(dim, names); });
}

void collect_symbols(const Node& node, SymbolSet& names) {
  collect_own(node, names);
  for (const auto& region : node.regions) collect_symbols(*region, true, names);
}

void collect_symbols(const Graph& graph, bool with_regions, SymbolSet& names) {
  for (const Value* input : graph.inputs()) collect_symbols(input->type().dims, names);
  for (const Node* node : graph.nodes()) {
    if (with_regions) {
      collect_symbols(*node, names);
    } else {
      collect_own(*node, names);
    }
  }
}

}  // namespace carnot
