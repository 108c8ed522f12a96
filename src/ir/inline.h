#pragma once
// Copies a region's nodes into the graph around it.
#include "ir/symbols.h"

namespace carnot {

/// Which symbols a graph holds, and names that neither it nor its outermost graph uses yet. A
/// symbol that is known around a region means the same inside it.
class SymbolNames {
 public:
  SymbolNames(const Graph& graph, const Graph& outermost);
  bool known(const std::string& name) const { return known_.count(name) > 0; }
  std::string fresh(const std::string& like);

 private:
  SymbolSet known_, used_;
};

/// Inserts copies of the region's nodes before `before`, its inputs replaced by `arguments`, and
/// returns what its outputs become. Symbols that the region defines get fresh names; those of its
/// inputs become the arguments' sizes. `origin` is merged into each copy's.
Result<std::vector<Value*>> inline_region(Graph& graph, const Graph& region,
                                          const std::vector<Value*>& arguments, Node* before,
                                          const Origin& origin, SymbolNames& names);

/// Goes along a graph's nodes and tells which symbols each is the first to mention.
class SymbolScope {
 public:
  explicit SymbolScope(const Graph& graph);
  /// The symbols that this node really defines: not those known before it.
  std::vector<std::string> enter(const Node& node);

 private:
  SymbolSet seen_;
};

/// Bare symbols among `own` in `from` become the sizes of `to`, which takes its place.
void match_symbols(const Dims& from, const Dims& to, const std::vector<std::string>& own,
                   Substitution& with);
/// The same for all results of a node that `values` take the place of. False (and nothing is
/// matched) where that leaves one of `own`, the symbols that the node defines, without a size.
bool match_results(const Node& node, const std::vector<TensorType>& types,
                   const std::vector<std::string>& own, Substitution& with);
std::vector<TensorType> types_of(const std::vector<Value*>& values);

}  // namespace carnot
