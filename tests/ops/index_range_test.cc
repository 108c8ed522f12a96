// Gathers and scatters that go on with indices outside of their axis.
#include <gtest/gtest.h>

#include "ops/index_range.h"

namespace carnot {
namespace {

Tensor i64(Shape shape, const std::vector<int64_t>& values) {
  return Tensor::from_i64(std::move(shape), values);
}

Tensor run(const Op& op, const std::vector<Tensor>& operands) {
  EXPECT_FALSE(reference(op, operands).ok());
  const Result<Call> call = within_range(op, operands);
  EXPECT_TRUE(call.ok()) << call.status().message();
  if (!call.ok()) return {};
  const auto out = reference(call->op, call->operands);
  EXPECT_TRUE(out.ok()) << out.status().message();
  return out.ok() ? (*out)[0] : Tensor();
}

constexpr int64_t kFar = INT64_MAX;

TEST(IndexRange, GathersTakeElement0) {
  const Tensor x = i64({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(run(op::Gather{-1}, {x, i64({4}, {2, 3, -3, -4})}),
            i64({2, 4}, {3, 1, 1, 1, 6, 4, 4, 4}));
  EXPECT_EQ(run(op::GatherElements{0}, {x, i64({1, 3}, {1, kFar, -1})}), i64({1, 3}, {4, 2, 6}));
  EXPECT_EQ(run(op::GatherNd{}, {x, i64({3, 2}, {1, 2, 5, 1, -1, INT64_MIN})}),
            i64({3}, {6, 2, 4}));
  EXPECT_EQ(run(op::GatherNd{1}, {x, i64({2, 1}, {2, 3})}), i64({2}, {3, 4}));
}

TEST(IndexRange, ScattersLeaveUpdatesOut) {
  const Tensor x = i64({3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(
      run(op::ScatterElements{0}, {x, i64({2, 2}, {2, kFar, 3, 0}), i64({2, 2}, {7, 8, 9, 10})}),
      i64({3, 2}, {1, 10, 3, 4, 7, 6}));
  EXPECT_EQ(run(op::ScatterElements{1, op::ScatterKind::kAdd},
                {x, i64({1, 3}, {-1, 1, -3}), i64({1, 3}, {10, 20, 30})}),
            i64({3, 2}, {1, 32, 3, 4, 5, 6}));
  EXPECT_EQ(run(op::ScatterNd{}, {x, i64({2, 1}, {-4, 1}), i64({2, 2}, {7, 8, 9, 10})}),
            i64({3, 2}, {1, 2, 9, 10, 5, 6}));
  EXPECT_EQ(run(op::ScatterNd{}, {x, i64({1, 1}, {3}), i64({1, 2}, {7, 8})}), x);
}

TEST(IndexRange, OtherErrorsStay) {
  const Tensor x = i64({2}, {1, 2}), none = i64({0}, {}), bad = i64({1}, {5});
  const Result<Call> empty = within_range(op::Gather{}, std::vector<Tensor>{none, bad});
  ASSERT_TRUE(empty.ok());
  EXPECT_FALSE(reference(empty->op, empty->operands).ok());
  EXPECT_FALSE(within_range(op::ScatterNd{}, std::vector<Tensor>{x, i64({1, 1}, {5}), x}).ok());
  EXPECT_FALSE(within_range(op::Gather{}, std::vector<Tensor>{x}).ok());
}

}  // namespace
}  // namespace carnot
