#pragma once
// A plan of several engines: optimization profiles with sizes of their own are tuned each for
// itself. A magic word, the number of parts, each part's bytes; then the parts, which are engines.
#include <cstddef>
#include <span>
#include <vector>

#include "carnot/status.h"

namespace trt {

/// One engine is a plan by itself.
std::vector<std::byte> join_parts(std::vector<std::vector<std::byte>> engines);
/// The engines of a plan; where it is not of several, all of it.
carnot::Result<std::vector<std::span<const std::byte>>> split_parts(
    std::span<const std::byte> plan);

}  // namespace trt
