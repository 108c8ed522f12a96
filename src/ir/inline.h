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

/// What replacing a value of type `from` by one of type `to` means for symbols that `from` alone
/// holds: bare ones become the sizes of `to`.
void match_symbols(const TensorType& from, const TensorType& to, Substitution& with);

}  // namespace carnot
