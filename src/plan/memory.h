#pragma once
// The memory planner: where in one arena each buffer lies, so that no two that are alive at the
// same time share bytes.
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"

namespace carnot {

/// A buffer's bytes, and the first and last step (inclusive) that it is needed in. What a step
/// reads and what it writes are both needed in that step: a kernel's tasks may read an input after
/// other tasks have written the output.
struct LiveRange {
  int64_t bytes = 0;
  int first = 0, last = 0;
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  ///< parallel to the ranges, multiples of the alignment
  int64_t bytes = 0;             ///< of the whole arena
};
inline constexpr int64_t kArenaAlignment = 64;

/// Deterministic. kResourceLimit where the arena would pass kBytesMax.
Result<MemoryPlan> plan_memory(std::span<const LiveRange> ranges,
                               int64_t alignment = kArenaAlignment);

/// The most bytes that are alive in any one step: no arena can be smaller.
Result<int64_t> live_bytes_max(std::span<const LiveRange> ranges);

}  // namespace carnot
