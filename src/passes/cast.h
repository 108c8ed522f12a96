#pragma once
// A conversion between element types as a node. Private to src/passes.
#include "ir/graph.h"

namespace carnot {

/// pointwise(v) by cast($0):dtype, inserted before a node.
Result<Value*> cast_to(Graph& graph, Value* v, DType dtype, const Origin& origin, Node* before);

}  // namespace carnot
