#pragma once
// A Network as bytes, with all of its constants.
#include <cstddef>

#include "carnot/network.h"

namespace carnot {

Result<std::vector<std::byte>> save_network(const Network& network);
/// Nodes have the order that they had. Constants point into `bytes`, which must outlive the result.
Result<Network> load_network(std::span<const std::byte> bytes);
/// Gives constants other elements, of the same types. Keys are places in Network::nodes().
Status set_constants(Network& network, const std::map<size_t, Tensor>& values);

}  // namespace carnot
