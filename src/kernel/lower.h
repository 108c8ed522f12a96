#pragma once
// Lowering: from a fused group of Graph nodes to the Kernel that computes them.
#include "ir/graph.h"
#include "kernel/kernel.h"

namespace carnot {

/// The kernel of a region that `group_kernels` made: at most one folding op (conv, matmul, pool,
/// reduce, softmax, normalize, arg_reduce, attention), around it pointwise ops and the views that
/// become index maps. Region inputs become input buffers in order, region outputs output buffers.
/// An error says which node cannot be expressed; such a group is run by the executor instead.
Result<Kernel> lower_region(const Graph& region);

/// A node whose kernel has faults (kernel.h): devices that report none leave it to the host.
bool is_gather(const Node& node);

/// Why a single node cannot be part of a kernel; empty where it can. `group_kernels` asks this.
std::string why_not_lowered(const Node& node);

}  // namespace carnot
