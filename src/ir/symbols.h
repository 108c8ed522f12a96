#pragma once
// Symbols of a graph: which nodes define them, replacing them, collecting them. How a run binds
// them to numbers is ops/bind.h.
#include <functional>
#include <map>
#include <set>
#include <string>

#include "ir/graph.h"
#include "ops/bind.h"

namespace carnot {

/// The symbols that this node defines: the run binds them from its results.
std::vector<std::string> defined_symbols(const Node& node);

using Substitution = std::map<std::string, Dim, std::less<>>;
/// The operation with symbols in its attributes replaced.
Op substitute(const Op& op, const Substitution& with);
TensorType substitute(const TensorType& type, const Substitution& with);
/// The same in all of a graph but its inputs' types, regions with their inputs included, and all
/// types inferred anew.
Status substitute(Graph& graph, const Substitution& with);
/// The same for a region: its inputs' types change too.
Status substitute_region(Graph& region, const Substitution& with);
using SymbolSet = std::set<std::string, std::less<>>;
/// All sizes among the attributes, one after another.
Dims attribute_dims(const Op& op);
void collect_symbols(const Dims& dims, SymbolSet& names);
void collect_attribute_symbols(const Op& op, SymbolSet& names);
/// Names of all symbols in the node's attributes, results and regions.
void collect_symbols(const Node& node, SymbolSet& names);
/// Names of all symbols in the graph, with or without those that only its regions hold.
void collect_symbols(const Graph& graph, bool with_regions, SymbolSet& names);

}  // namespace carnot
