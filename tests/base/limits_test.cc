// checked.h, budget.h, log.h and hash.h.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/budget.h"
#include "base/checked.h"
#include "base/hash.h"
#include "base/log.h"

namespace carnot {
namespace {

TEST(Checked, Arithmetic) {
  EXPECT_EQ(checked_add(1, 2), 3);
  EXPECT_FALSE(checked_add(INT64_MAX, 1));
  EXPECT_FALSE(checked_sub(INT64_MIN, 1));
  EXPECT_FALSE(checked_mul(int64_t{1} << 32, int64_t{1} << 31));
  using Sizes = std::vector<int64_t>;
  EXPECT_EQ(*element_count(Sizes{}), 1);
  EXPECT_EQ(*element_count(Sizes{2, 3}), 6);
  EXPECT_EQ(*element_count(Sizes{INT64_MAX, INT64_MAX, 0}), 0);
  EXPECT_EQ(element_count(Sizes{0, -1}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(element_count(Sizes{int64_t{1} << 40, 1 << 23}).status().code(), Code::kResourceLimit);
  EXPECT_EQ(*byte_size(3, 4), 2);
  EXPECT_EQ(*byte_size(5, 32), 20);
  EXPECT_EQ(*byte_size(kBytesMax, 8), kBytesMax);
  EXPECT_FALSE(byte_size(kBytesMax, 9).ok());
  EXPECT_FALSE(byte_size(kBytesMax, 64).ok());
  EXPECT_EQ(*align_up(65, 64), 128);
  EXPECT_FALSE(align_up(kBytesMax, 64).ok());
}

TEST(Budget, Bytes) {
  Budget budget({.bytes = 100});
  EXPECT_TRUE(budget.charge(60).ok());
  EXPECT_EQ(budget.charge(41).message(), "41 bytes are needed, 40 of 100 are left");
  EXPECT_TRUE(budget.charge(40).ok());
  budget.release(100);
  EXPECT_EQ(budget.bytes_used(), 0);
  EXPECT_FALSE(budget.charge(INT64_MAX).ok());
  EXPECT_TRUE(Budget().charge(INT64_MAX).ok());
}

TEST(Budget, TimeAndCancel) {
  Budget late({.time = std::chrono::nanoseconds(0)});
  EXPECT_EQ(late.check().code(), Code::kResourceLimit);
  std::atomic<bool> flag{false};
  Budget budget({.cancel = &flag});
  EXPECT_TRUE(budget.check().ok());
  flag = true;
  EXPECT_EQ(budget.charge(1).code(), Code::kCancelled);
  Budget own;
  std::thread([&] { own.cancel(); }).join();
  EXPECT_EQ(own.check().code(), Code::kCancelled);
}

TEST(Log, EscapesAndFilters) {
  std::vector<std::string> seen;
  set_log_sink([&](LogLevel, std::string_view text) { seen.emplace_back(text); });
  log_warning("node ", "a\x1b[31m\nb\tc");
  log_info("dropped");
  set_log_level(LogLevel::kInfo);
  log_info("kept");
  set_log_level(LogLevel::kWarning);
  set_log_sink(nullptr);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], "node a\\x1b[31m\n    b\\tc");
  EXPECT_EQ(seen[1], "kept");
  EXPECT_EQ(escape_control("\xc2\x9b h\xc3\xa9 \x7f"), "\\xc2\\x9b h\xc3\xa9 \\x7f");
}

TEST(Hash, StableAndIncremental) {
  EXPECT_EQ(hash64(std::string_view()), 0x2d06800538d394c2u);  // XXH3's published empty hash
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 7);
  Hasher hasher;
  for (size_t at = 0; at < text.size(); at += 333) {
    const std::string_view piece = std::string_view(text).substr(at, 333);
    hasher.bytes(std::as_bytes(std::span(piece.data(), piece.size())));
  }
  const Hasher copy = hasher;
  EXPECT_EQ(hasher.digest(), hash64(text));
  hasher.add(1);
  EXPECT_EQ(copy.digest(), hash64(text));
  EXPECT_NE(hasher.digest(), copy.digest());
  EXPECT_NE(Hasher().add("ab").add("c").digest(), Hasher().add("a").add("bc").digest());
  EXPECT_EQ(Hasher().add(uint8_t{5}).digest(), Hasher().add(int64_t{5}).digest());
}

}  // namespace
}  // namespace carnot
