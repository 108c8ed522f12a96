// Offline dynamic storage allocation is NP-hard; networks are kind to greedy placement. Buffers are
// placed one after another, each at the lowest offset where nothing that lives at the same time
// lies. What matters is the order: largest first is mostly optimal for networks whose sizes shrink,
// longest-lived first where a few values (residuals, a decoder's skips) span everything. We try
// some orders and keep the best, stopping when the lower bound is met. n buffers cost O(n^2) an
// order, in practice some tens of nanoseconds a pair.
#include "plan/memory.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"

namespace carnot {
namespace {

using Order = std::vector<uint32_t>;

// Sizes rounded up to the alignment, empty buffers dropped.
struct Problem {
  std::span<const LiveRange> ranges;
  std::vector<int64_t> bytes;  // rounded
  Order order;                 // of those that need memory
};

Result<Problem> make_problem(std::span<const LiveRange> ranges, int64_t alignment) {
  Problem out;
  out.ranges = ranges;
  int64_t sum = 0;  // bounds every offset
  for (size_t i = 0; i < ranges.size(); ++i) {
    CARNOT_CHECK(ranges[i].bytes >= 0 && ranges[i].first <= ranges[i].last);
    CARNOT_ASSIGN(const int64_t bytes, align_up(ranges[i].bytes, alignment));
    const auto total = checked_add(sum, bytes);
    if (!total || *total > kBytesMax) {
      return error(Code::kResourceLimit, "the values of one run need more than ", kBytesMax,
                   " bytes");
    }
    sum = *total;
    out.bytes.push_back(bytes);
    if (bytes > 0) out.order.push_back(static_cast<uint32_t>(i));
  }
  return out;
}

int64_t lower_bound(const Problem& problem) {
  // Changes of the live sum, by step; frees count after the step.
  std::vector<std::pair<int64_t, int64_t>> changes;
  for (const uint32_t i : problem.order) {
    changes.emplace_back(problem.ranges[i].first, problem.bytes[i]);
    changes.emplace_back(int64_t{problem.ranges[i].last} + 1, -problem.bytes[i]);
  }
  std::sort(changes.begin(), changes.end());  // at equal steps the negative come first
  int64_t live = 0, most = 0;
  for (const auto& [step, change] : changes) most = std::max(most, live += change);
  return most;
}

struct Placed {
  int64_t begin, end;
  int first, last;
};

// Puts the buffers down in this order; gives up (and returns `limit`) when the arena reaches it.
int64_t place(const Problem& problem, const Order& order, int64_t limit,
              std::vector<int64_t>& offsets) {
  std::vector<Placed> placed;  // sorted by begin
  placed.reserve(order.size());
  int64_t arena = 0;
  for (const uint32_t i : order) {
    const LiveRange& range = problem.ranges[i];
    int64_t at = 0;
    for (const Placed& other : placed) {
      if (other.begin - at >= problem.bytes[i]) break;  // what follows begins later still
      if (other.first <= range.last && range.first <= other.last) at = std::max(at, other.end);
    }
    const Placed mine{at, at + problem.bytes[i], range.first, range.last};
    arena = std::max(arena, mine.end);
    if (arena >= limit) return limit;
    offsets[i] = at;
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), mine,
                         [](const Placed& a, const Placed& b) { return a.begin < b.begin; }),
        mine);
  }
  return arena;
}

// Order number `attempt` of the placement, or false when there are no more.
bool reorder(const Problem& problem, int attempt, Order& order) {
  const auto by = [&](auto key) {
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return key(a) > key(b); });
  };
  const auto life = [&](uint32_t i) {
    return int64_t{problem.ranges[i].last} - problem.ranges[i].first + 1;
  };
  order = problem.order;
  switch (attempt) {
    case 0:
      return by([&](uint32_t i) { return problem.bytes[i]; }), true;
    case 1:
      by([&](uint32_t i) {
        return static_cast<double>(problem.bytes[i]) * static_cast<double>(life(i));
      });
      return true;
    case 2:
      return by(life), true;
    case 3:
      return by([&](uint32_t i) { return -int64_t{problem.ranges[i].first}; }), true;
    default:
      return false;
  }
}

}  // namespace

Result<int64_t> live_bytes_max(std::span<const LiveRange> ranges) {
  CARNOT_ASSIGN(const Problem problem, make_problem(ranges, kArenaAlignment));
  return lower_bound(problem);
}

Result<MemoryPlan> plan_memory(std::span<const LiveRange> ranges, int64_t alignment) {
  CARNOT_ASSIGN(const Problem problem, make_problem(ranges, alignment));
  MemoryPlan best;
  best.offsets.assign(ranges.size(), 0);
  const int64_t least = lower_bound(problem);
  std::vector<int64_t> offsets(ranges.size(), 0);
  Order order;
  best.bytes = kBytesMax + alignment;
  for (int attempt = 0; best.bytes > least && reorder(problem, attempt, order); ++attempt) {
    if (const int64_t bytes = place(problem, order, best.bytes, offsets); bytes < best.bytes) {
      best.bytes = bytes;
      best.offsets = offsets;
    }
  }
  return best;
}

}  // namespace carnot
