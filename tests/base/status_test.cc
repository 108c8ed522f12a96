// Status, Result and the early returns.
#include "base/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace carnot {
namespace {

Result<std::unique_ptr<int>> make(int v) {
  if (v < 0) return error(Code::kInvalidArgument, "negative: ", v);
  auto p = std::make_unique<int>(v);
  return p;
}

Result<int> sum(int a, int b) {
  CARNOT_ASSIGN(auto x, make(a));
  CARNOT_ASSIGN(const std::unique_ptr<int> y, make(b).with("second"));
  CARNOT_RETURN_IF_ERROR([&]() -> Status {
    CARNOT_RETURN_IF_ERROR(Status());
    return {};
  }());
  return *x + *y;
}

TEST(Status, Propagates) {
  EXPECT_EQ(*sum(1, 2), 3);
  EXPECT_EQ(sum(-1, 2).status().message(), "negative: -1");
  EXPECT_EQ(to_string(sum(1, -2).status()), "invalid argument: second: negative: -2");
  EXPECT_EQ(to_string(Status()), "ok");
  EXPECT_EQ(Status().with("context").message(), "");
}

TEST(Status, ResultOfConvertible) {
  struct Base {
    virtual ~Base() = default;
  };
  struct Derived : Base {};
  const Result<std::unique_ptr<Base>> r = std::make_unique<Derived>();
  EXPECT_TRUE(r.ok() && r.value() != nullptr);
  const auto pair = []() -> Result<std::pair<int, std::string>> { return {{1, "x"}}; }();
  EXPECT_EQ(pair->second, "x");
  std::vector<int> taken = *Result<std::vector<int>>(std::vector<int>{1, 2});
  EXPECT_EQ(taken.size(), 2u);
}

TEST(Status, OkIsNoError) {
  Result<int> r = Status();
  EXPECT_EQ(r.status().code(), Code::kInternal);
}

TEST(StatusDeathTest, ValueOfFailed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH({ (void)make(-1).value(); }, "negative: -1");
  EXPECT_DEATH(CARNOT_CHECK(std::pair<int, int>(1, 2).first == 2), "CHECK\\(std::pair");
}

}  // namespace
}  // namespace carnot
