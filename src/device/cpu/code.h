#pragma once
// Machine code in executable memory that nobody can write.
#include "device/device.h"

namespace carnot::cpu {

/// Copies `code` to the start of a page. The memory is never writable and executable at once.
Result<std::unique_ptr<LoadedCode>> map_code(std::span<const std::byte> code);

}  // namespace carnot::cpu
