#pragma once
// The reference executor: runs a Graph plainly, node by node, with each op's reference(). It is
// what a graph means; slow, and it runs everything.
#include <functional>

#include "base/budget.h"
#include "ir/graph.h"

namespace carnot {

/// Sees each node's results as they appear, regions' nodes included (once per iteration).
using Observer = std::function<void(const Node& node, Tensors results)>;

/// The graph's outputs for concrete inputs. Symbols are bound from the inputs' shapes and from the
/// results of nodes that define some; `bound` (may be null) holds symbols known before and
/// receives all of the outer graph's. Every result must fit its declared type. Bytes of results
/// are charged to `budget` (before they are computed, where their size is known) and released
/// after their last use; its time limit and cancel flag are honoured between nodes. Errors name
/// the node and its origin.
Result<std::vector<Tensor>> execute(const Graph& graph, std::span<const Tensor> inputs,
                                    Budget& budget, Symbols* bound = nullptr,
                                    const Observer& observer = {});

/// Runs one node without regions on concrete operands, its attributes' symbols replaced by their
/// numbers. What execute() does for each node.
Result<std::vector<Tensor>> run_node(const Node& node, Tensors operands, const Symbols& symbols);

}  // namespace carnot
