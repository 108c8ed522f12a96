#pragma once
// Nodes that are several layers elsewhere, and the layers that make ranks equal.
#include "imported_names.h"
#include "network.h"

namespace trt {

/// Operands of an element-wise node have one rank: layers put axes of size one before others.
void raise_ranks(Network& into, const carnot::Network& model, const carnot::Network::Node& node,
                 std::vector<NetTensor*>& inputs, LayerNames& names);

/// The last of the layers that a node is, with its inputs; null where one layer is all.
Layer* keep_in_parts(Network& into, const carnot::Network::Node& node,
                     const std::vector<NetTensor*>& inputs, const std::string& name,
                     LayerNames& names);

}  // namespace trt
