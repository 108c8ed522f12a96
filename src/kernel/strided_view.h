#pragma once
// Values that attention reads, or writes, where they lie: slices, transposes and reshapes between
// it and memory become strides, no kernel of their own.
#include <optional>

#include "ir/graph.h"

namespace carnot {

/// Part of a dense row-major buffer: element (i, j, ...) lies `start` + sum of index * stride in.
struct StridedView {
  Dims sizes, strides;
  Dim start;
};
StridedView dense_view(const Dims& sizes);
/// The strides of a view's elements in other sizes; nothing where there are none.
std::optional<Dims> reshaped(const StridedView& in, const Dims& sizes);
/// The view behind one more slice, transpose or reshape; nothing where strides cannot express it.
std::optional<StridedView> through(const StridedView& in, const Node& node);

/// An attention node that can be a kernel, or the group that it became.
bool is_attention(const Node& node);
/// The node is such a view, and all that reads it, perhaps through more of them, is attention whose
/// q, k or v it is, as strides with a row's elements side by side: it needs no kernel.
bool is_operand_view(const Graph& graph, const Node& node);
/// The node transposes what an attention writes for it alone: attention may write the result.
bool is_result_view(const Graph& graph, const Node& node);

}  // namespace carnot
