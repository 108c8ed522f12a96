#pragma once
// Moving a transpose from before an operation to after it. Private to src/passes.
#include <optional>

#include "ir/graph.h"

namespace carnot {

using Perm = std::vector<int64_t>;
Perm inverse(const Perm& perm);
/// perm of transpose(transpose(x, first), second).
Perm compose(const Perm& first, const Perm& second);
bool is_identity(const Perm& perm);
/// The perm when `v` is a transpose of something else.
const Perm* transpose_of(const Value* v);
/// transpose(v, perm), folded with v's own transpose, into constants, and away where it is the
/// identity or moves only axes of size 1 (then it is a reshape).
Result<Value*> transposed(Graph& graph, Value* v, const Perm& perm, Node* before);

/// Rewrites `node`, an operand of which is transpose(x, perm), as transposes of a node on x, when
/// that costs no new transpose of a large value. Says whether it did.
Result<bool> sink_transpose(Graph& graph, Node* node);

}  // namespace carnot
