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

SymbolScope::SymbolScope(const Graph& graph) {
  for (const Value* input : graph.inputs()) collect_symbols(input->type().dims, seen_);
}

std::vector<std::string> SymbolScope::enter(const Node& node) {
  std::vector<std::string> own = defined_symbols(node);
  own.erase(std::remove_if(own.begin(), own.end(),
                           [&](const std::string& name) { return seen_.count(name) > 0; }),
            own.end());
  collect_attribute_symbols(node.op, seen_);
  for (const Value* value : node.outputs) collect_symbols(value->type().dims, seen_);
  return own;
}

void match_symbols(const Dims& from, const Dims& to, const std::vector<std::string>& own,
                   Substitution& with) {
  for (size_t i = 0; i < std::min(from.size(), to.size()); ++i) {
    const auto symbol = from[i].as_symbol();
    if (symbol && std::find(own.begin(), own.end(), *symbol) != own.end()) {
      with.try_emplace(*symbol, to[i]);
    }
  }
}

bool match_results(const Node& node, const std::vector<TensorType>& types,
                   const std::vector<std::string>& own, Substitution& with) {
  if (own.empty()) return true;
  Substitution found = with;
  for (size_t i = 0; i < std::min(types.size(), node.outputs.size()); ++i) {
    match_symbols(node.outputs[i]->type().dims, substitute(types[i], with).dims, own, found);
  }
  for (const std::string& symbol : own) {
    if (!found.count(symbol)) return false;
  }
  with = std::move(found);
  return true;
}

std::vector<TensorType> types_of(const std::vector<Value*>& values) {
  std::vector<TensorType> types;
  for (const Value* value : values) types.push_back(value->type());
  return types;
}

Result<std::vector<Value*>> inline_region(Graph& graph, const Graph& region,
                                          const std::vector<Value*>& arguments, Node* before,
                                          const Origin& origin, SymbolNames& names) {
  CARNOT_CHECK(arguments.size() == region.inputs().size());
  std::unordered_map<const Value*, Value*> copies;
  Substitution with;
  for (size_t i = 0; i < arguments.size(); ++i) {
    copies[region.inputs()[i]] = arguments[i];
    SymbolSet declared;
    collect_symbols(region.inputs()[i]->type().dims, declared);
    std::vector<std::string> own;
    for (const std::string& name : declared) {
      if (!names.known(name)) own.push_back(name);
    }
    match_symbols(region.inputs()[i]->type().dims, arguments[i]->type().dims, own, with);
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
