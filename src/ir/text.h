#pragma once
// The textual form of the Graph. Grammar:
//   graph   = 'graph' [name] '(' [input {',' input}] ')' '{' {node} return '}'
//   input   = value ':' type
//   node    = value {',' value} '=' op ['(' [value {',' value}] ')'] attrs [regions] [types]
//   regions = '{' graph {graph} '}'
//   types   = ':' type {',' type}
//   return  = 'return' [output {',' output}]
//   output  = value ['as' string]              the user's name, where it is not the value's
//   value   = '%' name                         %conv1, %0, %"any characters"
// attrs are those of ops/attrs.h, types those of tensor/type_text.h, constants those of
// tensor/text.h. Types of results may be left out; where given they must be what is inferred.
// Names are local to their graph. `//` begins a comment.
#include <string>
#include <string_view>

#include "ir/graph.h"
#include "tensor/text.h"

namespace carnot {

struct PrintOptions {
  /// Adds `// from conv1 (Conv)` behind each node that has an origin.
  bool origins = false;
  /// Receives the constants that the text only names by hash; may be null.
  ConstantTable* constants = nullptr;
};
/// print(parse(t)) == t up to spaces and comments for what parse_graph() accepts with all types
/// given. Values without a name, or with one that is taken, are named.
std::string print(const Graph& graph, const PrintOptions& options);

struct ParseOptions {
  const ConstantTable* constants = nullptr;
  std::string source = "graph";  ///< in messages
};
/// A verified graph, or kInvalidArgument with line and column.
Result<Graph> parse_graph(std::string_view text, const ParseOptions& options);

}  // namespace carnot
