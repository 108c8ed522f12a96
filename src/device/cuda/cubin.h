#pragma once
// The outline of a cubin. The driver is given the address of one and believes what it says about
// its own size.
#include <cstddef>
#include <span>

#include "base/status.h"

namespace carnot::cuda {

/// kCorruptEngine where this is no ELF file for a GPU, or names parts that lie beyond its end.
Status check_cubin(std::span<const std::byte> cubin);

}  // namespace carnot::cuda
