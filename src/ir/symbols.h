#pragma once
// How symbols get their numbers: which nodes define them, and how a declared type and a concrete
// shape bind them.
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "ir/graph.h"

namespace carnot {

/// The symbols that this node defines: the run binds them from its results.
std::vector<std::string> defined_symbols(const Node& node);

/// Fits a concrete shape to declared sizes: symbols that are unknown so far are bound (also inside
/// an expression where it is linear in one of them), everything else must agree.
Status bind_symbols(const Dims& declared, const Shape& actual, Symbols& symbols);
/// The shape, where every symbol is known and no size is negative; nothing otherwise.
std::optional<Shape> known_shape(const Dims& dims, const Symbols& symbols);
/// The operation with known symbols in its attributes replaced by their numbers.
Op with_symbols(const Op& op, const Symbols& symbols);

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
void collect_attribute_symbols(const Op& op, SymbolSet& names);
/// Names of all symbols in the node's attributes, results and regions.
void collect_symbols(const Node& node, SymbolSet& names);
/// Names of all symbols in the graph, with or without those that only its regions hold.
void collect_symbols(const Graph& graph, bool with_regions, SymbolSet& names);

}  // namespace carnot
