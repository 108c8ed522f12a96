// The timing cache: what is saved is found again, what is not a time is left out.
#include "tune/timing_cache.h"

#include <gtest/gtest.h>

namespace carnot {
namespace {

TEST(TimingCache, IsReadBackAsItWasPrinted) {
  TimingCache cache;
  cache.add(0x12, 0xfedcba9876543210, "cpu.loops[axis 2 x16 u4]", 1, 0.25);
  cache.add(0x12, 0xfedcba9876543210, "cpu.transpose[blocks]", 2, 12.5);
  TimingCache again;
  EXPECT_EQ(again.parse(cache.print()), 0);
  EXPECT_EQ(again.print(), cache.print());
  EXPECT_EQ(again.find(0x12, 0xfedcba9876543210, "cpu.loops[axis 2 x16 u4]", 1), 0.25);
  EXPECT_EQ(again.find(0x12, 0xfedcba9876543210, "cpu.loops[axis 2 x16 u4]", 2), 0);
}

TEST(TimingCache, KeepsTheSmallerOfTwoTimes) {
  TimingCache cache;
  const std::string key = "0000000000000012 fedcba9876543210 cpu.loops[x] 1 ";
  EXPECT_EQ(cache.parse(key + "3\n" + key + "2\n" + key + "4\n"), 0);
  EXPECT_EQ(cache.find(0x12, 0xfedcba9876543210, "cpu.loops[x]", 1), 2);
}

TEST(TimingCache, LeavesOutWhatIsNoTime) {
  const std::string key = "0000000000000012 fedcba9876543210 cpu.loops[x] 1 ";
  for (const char* time : {"", "nan", "inf", "-1", "0", "1e300", "1 us", "x"}) {
    TimingCache cache;
    EXPECT_EQ(cache.parse(key + time), 1) << time;
    EXPECT_EQ(cache.size(), 0U) << time;
  }
  TimingCache cache;
  EXPECT_EQ(cache.parse("12 fedcba9876543210 cpu.loops[x] 1 2\n# a comment\n\nx\n 1\n"), 3);
}

}  // namespace
}  // namespace carnot
