#pragma once
// Nodes that are several layers elsewhere, and the layers that make ranks equal.
#include "imported_names.h"
#include "network.h"

namespace trt {

/// Whether operands of the node are raised to one rank before it.
bool raises_ranks(const carnot::Network& model, const carnot::Network::Node& node);
/// A layer that puts axes of size one before those of a tensor until it has so many.
NetTensor* raised(Network& into, NetTensor* tensor, const carnot::Dims& dims, size_t rank,
                  LayerNames& names);

/// The last of the layers that a node is, with its inputs; null where one layer is all.
Layer* keep_in_parts(Network& into, const carnot::Network::Node& node,
                     const std::vector<NetTensor*>& inputs, const std::string& name,
                     LayerNames& names);

}  // namespace trt
