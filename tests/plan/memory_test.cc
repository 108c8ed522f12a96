// The memory planner: no two live buffers share bytes, close to the lower bound.
#include "plan/memory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace carnot {
namespace {

void expect_valid(const std::vector<LiveRange>& ranges, const MemoryPlan& plan) {
  ASSERT_EQ(plan.offsets.size(), ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    ASSERT_EQ(plan.offsets[i] % kArenaAlignment, 0);
    ASSERT_LE(plan.offsets[i] + ranges[i].bytes, plan.bytes);
    for (size_t k = 0; k < i; ++k) {
      const bool together = ranges[i].first <= ranges[k].last && ranges[k].first <= ranges[i].last;
      const bool apart = plan.offsets[i] + ranges[i].bytes <= plan.offsets[k] ||
                         plan.offsets[k] + ranges[k].bytes <= plan.offsets[i];
      ASSERT_TRUE(!together || apart || ranges[i].bytes == 0 || ranges[k].bytes == 0)
          << i << " and " << k;
    }
  }
}

TEST(Memory, AChainNeedsTwoBuffers) {
  std::vector<LiveRange> ranges;
  for (int i = 0; i < 100; ++i) ranges.push_back({1000, i, i + 1});
  const auto plan = plan_memory(ranges);
  ASSERT_TRUE(plan.ok());
  expect_valid(ranges, *plan);
  EXPECT_EQ(plan->bytes, 2 * 1024);
}

TEST(Memory, NothingAndEmptyBuffers) {
  EXPECT_EQ(plan_memory({})->bytes, 0);
  const std::vector<LiveRange> ranges = {{0, 0, 5}, {0, 1, 1}};
  const auto plan = plan_memory(ranges);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->bytes, 0);
}

TEST(Memory, TooMuchIsAnError) {
  const std::vector<LiveRange> ranges = {{int64_t{1} << 61, 0, 1}, {int64_t{1} << 62, 2, 3}};
  EXPECT_EQ(plan_memory(ranges).status().code(), Code::kResourceLimit);
}

// Sizes and lives as in a network with residuals and skips.
std::vector<LiveRange> network(uint32_t seed, int count) {
  std::mt19937 random(seed);
  std::vector<LiveRange> ranges;
  for (int i = 0; i < count; ++i) {
    const int64_t bytes = int64_t{1} << (8 + random() % 12);
    const int life = random() % 8 == 0 ? 20 : random() % 3 == 0 ? 4 : 1;
    ranges.push_back({bytes + static_cast<int64_t>(random() % 64), i, i + life});
  }
  return ranges;
}

TEST(Memory, IsCloseToTheLowerBound) {
  double worst = 1;
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const auto ranges = network(seed, 300);
    const auto plan = plan_memory(ranges);
    ASSERT_TRUE(plan.ok());
    expect_valid(ranges, *plan);
    worst = std::max(
        worst, static_cast<double>(plan->bytes) / static_cast<double>(*live_bytes_max(ranges)));
    EXPECT_EQ(plan_memory(ranges)->offsets, plan->offsets);
  }
  EXPECT_LT(worst, 1.15);
  std::printf("worst arena: %.3f of the lower bound\n", worst);
}

TEST(Memory, IsFast) {
  const auto ranges = network(1, 500);
  double best_ms = 1e9;
  for (int i = 0; i < 20; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(plan_memory(ranges).ok());
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    best_ms = std::min(best_ms, time.count());
  }
  std::printf("500 buffers: %.3f ms\n", best_ms);
  EXPECT_LT(best_ms, 40);  // 1 ms in a release build; sanitizers are slower
}

}  // namespace
}  // namespace carnot
