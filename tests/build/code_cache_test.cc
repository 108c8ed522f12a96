// The code cache: what is kept is found again, what is damaged is left out.
#include "tactics/code_cache.h"

#include <gtest/gtest.h>

namespace carnot {
namespace {

std::vector<std::byte> code(size_t size, int value) {
  return std::vector<std::byte>(size, static_cast<std::byte>(value));
}

CodeCache sample() {
  CodeCache cache;
  for (const uint64_t key : {7, 8, 9}) cache.add(key, code(10 * key, static_cast<int>(key)));
  cache.keep(7);
  cache.keep(9);
  return cache;
}

TEST(CodeCache, IsReadBackAsItWasPrinted) {
  const CodeCache cache = sample();
  CodeCache again;
  EXPECT_EQ(again.parse(cache.print()), 0);
  EXPECT_EQ(again.print(), cache.print());
  ASSERT_NE(again.find(9), nullptr);
  EXPECT_EQ(*again.find(9), code(90, 9));
  EXPECT_EQ(again.find(8), nullptr) << "only a candidate";
}

TEST(CodeCache, LeavesOutWhatIsDamaged) {
  const std::string whole = sample().print();
  EXPECT_EQ(CodeCache().parse("no cache"), 1);
  for (size_t size = 0; size < whole.size(); ++size) {
    CodeCache cut;
    cut.parse(whole.substr(0, size));
    if (const auto* found = cut.find(7)) {
      EXPECT_EQ(*found, code(70, 7));
    }
    EXPECT_EQ(cut.find(9), nullptr);
  }
  std::string altered = whole;
  altered.back() ^= 1;
  CodeCache cache;
  EXPECT_EQ(cache.parse(altered), 1);
  EXPECT_NE(cache.find(7), nullptr);
  EXPECT_EQ(cache.find(9), nullptr);
}

}  // namespace
}  // namespace carnot
