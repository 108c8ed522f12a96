#include "ir/inline.h"

#include <algorithm>
#include <unordered_map>

namespace carnot {
SymbolNames::SymbolNames(const Graph& graph, const Graph& outermost) {
  collect_symbols(graph, false, known_);
  collect_symbols(outermost, true, used_);
}

std::string SymbolNames::fresh(const std::string& like) {
  std::string name = like;
  for (int i = 1; !used_.insert(name).second; ++i) name = cat(like, "_", i);
  return name;
}

void match_symbols(const TensorType& from, const TensorType& to, Substitution& with) {
  for (size_t i = 0; i < std::min(from.dims.size(), to.dims.size()); ++i) {
    const auto symbol = from.dims[i].as_symbol();
    if (symbol && !(from.dims[i] == to.dims[i])) with.try_emplace(*symbol, to.dims[i]);
  }
}

Result<std::vector<Value*>> inline_region(Graph& graph, const Graph& region,
                                          const std::vector<Value*>& arguments, Node* before,
                                          const Origin& origin, SymbolNames& names) {
  CARNOT_CHECK(arguments.size() == region.inputs().size());
  std::unordered_map<const Value*, Value*> copies;
  Substitution with;
  for (size_t i = 0; i < arguments.size(); ++i) {
    copies[region.inputs()[i]] = arguments[i];
    match_symbols(region.inputs()[i]->type(), arguments[i]->type(), with);
  }
  for (const Node* node : region.nodes()) {
    for (const std::string& symbol : defined_symbols(*node)) {
      if (names.known(symbol) || with.count(symbol)) continue;
      with.emplace(symbol, Dim::symbol(names.fresh(symbol)));
    }
    std::vector<Value*> inputs;
    for (const Value* value : node->inputs) inputs.push_back(copies.at(value));
    std::vector<std::string> results;
    for (const Value* value : node->outputs) results.push_back(value->name);
    std::vector<std::unique_ptr<Graph>> regions;
    for (const auto& each : node->regions) {
      regions.push_back(std::make_unique<Graph>(each->clone()));
      CARNOT_RETURN_IF_ERROR(substitute_region(*regions.back(), with));
    }
    auto copy =
        graph.add(substitute(node->op, with), std::move(inputs), merge(node->origin, origin),
                  std::move(results), before, std::move(regions));
    if (!copy.ok()) return std::move(copy).status().with(describe(*node));
    for (size_t i = 0; i < node->outputs.size(); ++i) {
      copies[node->outputs[i]] = (*copy)->outputs[i];
    }
  }
  std::vector<Value*> outputs;
  for (const Value* value : region.outputs()) outputs.push_back(copies.at(value));
  return outputs;
}

}  // namespace carnot
