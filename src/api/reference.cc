// reference(): a Network run by its definition.
#include "carnot/builder.h"
#include "ir/executor.h"

namespace carnot {

Result<std::vector<Tensor>> reference(const Network& network, std::span<const Tensor> inputs) {
  Budget budget;
  return execute(network.graph(), inputs, budget);
}

}  // namespace carnot
