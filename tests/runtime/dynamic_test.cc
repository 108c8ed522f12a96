// Sizes that only the data tell.
#include "tests/runtime/harness.h"

namespace carnot {
namespace {

// y = double of (the elements of x that are not zero), n = their indices
constexpr const char* kNonZero = R"p(plan p {
  input "x" @0
  output "y" @4
  output "i" @1
  output "late" @5
  buffer @0 "x" f32[?n] input 0
  buffer @1 "i" i64[1, ?k] output 1
  buffer @2 "picked" f32[1, ?k] arena
  buffer @3 "flat" f32[?k] view of @2
  buffer @4 "y" f32[?k] output 0
  buffer @5 "late" f32[?n] output 2
  step host "h" (@0) -> (@1) op non_zero {count = ?k} defines [?k]
  step host "h" (@0, @1) -> (@2) op gather
  step kernel "t" (@3) -> (@4) entry "double" arguments (@3, @4) tasks ?k
  step kernel "t" (@0) -> (@5) entry "double" arguments (@0, @5) tasks ?n
})p";

TEST(Dynamic, SizesFollowTheData) {
  for (const int threads : {1, 2}) {
    Context context = context_of(engine_of(kNonZero), threads);
    for (int round = 0; round < 2; ++round) {
      auto out = run_all(context, {f32({5}, {0, 3, 0, 4, 5})});
      EXPECT_EQ(out[0], f32({3}, {6, 8, 10}));
      EXPECT_EQ(out[1], Tensor::from_i64({1, 3}, {1, 3, 4}));
      EXPECT_EQ(out[2], f32({5}, {0, 6, 0, 8, 10}));
      out = run_all(context, {f32({5}, {0, 0, 0, 0, 0})});
      EXPECT_EQ(out[0].shape(), Shape{0});
      EXPECT_EQ(out[1].shape(), (Shape{1, 0}));
      out = run_all(context, {f32({2}, {7, 8})});
      EXPECT_EQ(out[0], f32({2}, {14, 16}));
    }
  }
}

TEST(Dynamic, OutputsGoToTheCallersMemory) {
  Context context = context_of(engine_of(kNonZero));
  std::vector<float> y(3, -1);
  std::vector<int64_t> indices(8, -1);
  EXPECT_OK(context.set_output("y", y.data(), 12));
  EXPECT_OK(context.set_output("i", indices.data(), 64));
  EXPECT_OK(context.set_input("x", f32({4}, {0, 1, 2, 0})));
  EXPECT_OK(context.run());
  EXPECT_EQ(y, (std::vector<float>{2, 4, -1}));
  EXPECT_EQ(indices[1], 2);
  EXPECT_EQ(context.output("y")->shape(), Shape{2});
  EXPECT_OK(context.set_input("x", f32({4}, {1, 1, 1, 1})));
  EXPECT_ERROR(context.run(), "output \"y\" of shape [4] takes 16 bytes, the memory given has 12");
  EXPECT_ERROR(context.output_shape("y").status(), "known only after a run");
}

TEST(Dynamic, TheLastStepMayDefine) {
  Context context = context_of(engine_of(R"p(plan p {
  input "x" @0
  output "i" @1
  buffer @0 "x" f32[?n] input 0
  buffer @1 "i" i64[1, ?k] dynamic
  step host "h" (@0) -> (@1) op non_zero {count = ?k} defines [?k]
})p"));
  EXPECT_EQ(run_all(context, {f32({3}, {0, 3, 1})})[0], Tensor::from_i64({1, 2}, {1, 2}));
}

TEST(Dynamic, AttributesTakeTheSymbols) {
  Context context = context_of(engine_of(R"p(plan p {
  input "x" @0
  output "y" @2
  output "s" @3
  buffer @0 "x" f32[?n] input 0
  buffer @1 "i" i64[1, ?k] arena
  buffer @2 "y" i64[?k, 1] output 0
  buffer @3 "s" i64[2] output 1
  step host "h" (@0) -> (@1) op non_zero {count = ?k} defines [?k]
  step host "h" (@1) -> (@2) op reshape {sizes = [?k, 1]}
  step host "h" () -> (@3) op dims {values = [?k*2, ?n]}
})p"));
  const auto out = run_all(context, {f32({3}, {0, 3, 1})});
  EXPECT_EQ(out[0], Tensor::from_i64({2, 1}, {1, 2}));
  EXPECT_EQ(out[1], Tensor::from_i64({2}, {4, 3}));
}

// Values of the first phase live on in later ones, whose memory is their own.
TEST(Dynamic, MemoryOfAnEarlierPhaseStays) {
  Context context = context_of(engine_of(R"p(plan p {
  input "x" @0
  output "y" @5
  buffer @0 "x" f32[?n] input 0
  buffer @1 "a" f32[?n] arena
  buffer @2 "b" f32[?n] arena
  buffer @3 "i" i64[1, ?k] arena
  buffer @4 "c" f32[?k] arena
  buffer @5 "y" f32[?n] output 0
  step kernel "t" (@0) -> (@1) entry "double" arguments (@0, @1) tasks ?n
  step kernel "t" (@1) -> (@2) entry "double" arguments (@1, @2) tasks ?n
  step host "h" (@0) -> (@3) op non_zero {count = ?k} defines [?k]
  step kernel "t" () -> (@4) entry "iota" arguments (@4) tasks ?k
  step kernel "t" (@1, @2) -> (@5) entry "add" arguments (@1, @2, @5) tasks ?n
})p"));
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(run_all(context, {f32({3}, {1, 3, 1})})[0], f32({3}, {6, 18, 6}));
    EXPECT_EQ(run_all(context, {f32({2}, {1, 0})})[0], f32({2}, {6, 0}));
  }
}

}  // namespace
}  // namespace carnot
