// Steps with regions.
#include <thread>

#include "tests/runtime/harness.h"

namespace carnot {
namespace {

TEST(Control, IfTakesABranch) {
  Context context = context_of(engine_of(R"p(plan p {
  input "c" @0
  input "x" @1
  output "y" @2
  buffer @0 "c" bool[] input 0
  buffer @1 "x" f32[?n] input 1
  buffer @2 "y" f32[?n] output 0
  step if "host.if" (@0, @1) -> (@2) op if {types = [f32[?n]]} regions {
    plan then {
      input "x" @0
      output "y" @2
      buffer @0 "x" f32[?n] input 0
      buffer @1 "a" f32[?n] arena
      buffer @2 "y" f32[?n] output 0
      step kernel "t" (@0) -> (@1) entry "double" arguments (@0, @1) tasks ?n
      step kernel "t" (@1) -> (@2) entry "double" arguments (@1, @2) tasks ?n
    }
    plan else { input "x" @0 output "x" @0 buffer @0 "x" f32[?n] input 0 }
  }
})p"),
                               2);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(run_all(context, {boolean(true), f32({2}, {1, 2})})[0], f32({2}, {4, 8}));
    EXPECT_EQ(run_all(context, {boolean(false), f32({2}, {1, 2})})[0], f32({2}, {1, 2}));
    EXPECT_EQ(run_all(context, {boolean(false), f32({1}, {1})})[0], f32({1}, {1}));
  }
}

TEST(Control, BranchesOfDifferentSizesDefineOne) {
  Context context = context_of(engine_of(R"p(plan p {
  input "c" @0
  input "x" @1
  output "y" @3
  buffer @0 "c" bool[] input 0
  buffer @1 "x" f32[?n] input 1
  buffer @2 "v" f32[?m] arena
  buffer @3 "y" f32[?m] output 0
  step if "host.if" (@0, @1) -> (@2) op if {types = [f32[?m]]} defines [?m] regions {
    plan then { input "x" @0 output "x" @0 buffer @0 "x" f32[?n] input 0 }
    plan else {
      input "x" @0 output "y" @1
      buffer @0 "x" f32[?n] input 0
      buffer @1 "y" f32[?n + 2] output 0
      step kernel "t" () -> (@1) entry "iota" arguments (@1) tasks ?n + 2
    }
  }
  step kernel "t" (@2) -> (@3) entry "double" arguments (@2, @3) tasks ?m
})p"));
  EXPECT_EQ(run_all(context, {boolean(true), f32({2}, {1, 2})})[0], f32({2}, {2, 4}));
  EXPECT_EQ(run_all(context, {boolean(false), f32({1}, {9})})[0], f32({3}, {0, 2, 4}));
}

// s doubles in each iteration; the doubled values are stacked; stops when going says so.
constexpr const char* kLoop = R"p(plan p {
  input "trips" @0
  input "going" @1
  input "s" @2
  input "k" @3
  output "last" @4
  output "all" @5
  buffer @0 "trips" i64[] input 0
  buffer @1 "going" bool[] input 1
  buffer @2 "s" f32[?n] input 2
  buffer @3 "k" f32[?n] input 3
  buffer @4 "last" f32[?n] output 0
  buffer @5 "all" f32[?t, ?n] output 1
  step loop "host.loop" (@0, @1, @2, @3) -> (@4, @5)
    op loop {carried = 1, types = [f32[?n], f32[?t, ?n]]} defines [?t] regions {
    plan body {
      input "i" @0 input "c" @1 input "s" @2 input "k" @3
      output "c" @1 output "s" @5 output "each" @4
      buffer @0 "i" i64[] input 0
      buffer @1 "c" bool[] input 1
      buffer @2 "s" f32[?n] input 2
      buffer @3 "k" f32[?n] input 3
      buffer @4 "each" f32[?n] output 2
      buffer @5 "next" f32[?n] output 1
      step kernel "t" (@2) -> (@4) entry "double" arguments (@2, @4) tasks ?n
      step kernel "t" (@4, @3) -> (@5) entry "add" arguments (@4, @3, @5) tasks ?n
    }
  }
})p";

TEST(Control, LoopCarriesAndStacks) {
  for (const int threads : {1, 2}) {
    Context context = context_of(engine_of(kLoop), threads);
    const Tensor k = f32({2}, {1, 0}), s = f32({2}, {1, 2});
    for (int round = 0; round < 3; ++round) {
      auto out = run_all(context, {Tensor::from_i64({}, {3}), boolean(true), s, k});
      EXPECT_EQ(out[0], f32({2}, {15, 16}));
      EXPECT_EQ(out[1], f32({3, 2}, {2, 4, 6, 8, 14, 16}));
      out = run_all(context, {Tensor::from_i64({}, {0}), boolean(true), s, k});
      EXPECT_EQ(out[0], s);
      EXPECT_EQ(out[1].shape(), (Shape{0, 2}));
      out = run_all(context, {Tensor::from_i64({}, {5}), boolean(false), s, k});
      EXPECT_EQ(out[1].shape(), (Shape{0, 2}));
      out = run_all(context,
                    {Tensor::from_i64({}, {1}), boolean(true), f32({1}, {3}), f32({1}, {0})});
      EXPECT_EQ(out[0], f32({1}, {6}));
    }
    EXPECT_EQ(s, f32({2}, {1, 2}));  // the caller's memory is read only
  }
}

TEST(Control, AnEndlessLoopCanBeCancelled) {
  Context context = context_of(engine_of(kLoop), 2);
  EXPECT_OK(context.set_input("trips", Tensor::from_i64({}, {INT64_MAX})));
  EXPECT_OK(context.set_input("going", boolean(true)));
  EXPECT_OK(context.set_input("s", f32({0}, {})));
  EXPECT_OK(context.set_input("k", f32({0}, {})));
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_ERROR(context.run(), "in use by another thread");
    context.cancel();
  });
  EXPECT_EQ(context.run().code(), Code::kCancelled);
  other.join();
  EXPECT_OK(context.set_input("trips", Tensor::from_i64({}, {2})));
  EXPECT_OK(context.run());
}

TEST(Control, AGrowingLoopMeetsTheMemoryLimit) {
  auto context =
      engine_of(kLoop)->make_context({.threads = 1, .memory_bytes_max = int64_t{1} << 20});
  ASSERT_TRUE(context.ok());
  const std::vector<Tensor> inputs = {Tensor::from_i64({}, {INT64_MAX}), boolean(true),
                                      counting({100}), counting({100})};
  EXPECT_EQ(context->run(inputs).status().code(), Code::kResourceLimit);
}

// The carried value grows by one element in each iteration.
TEST(Control, CarriedShapesMayChange) {
  Context context = context_of(engine_of(R"p(plan p {
  input "trips" @0
  input "s" @1
  output "last" @3
  buffer @0 "trips" i64[] input 0
  buffer @1 "s" f32[?n] input 1
  buffer @2 "true" bool[] constant 0
  buffer @3 "last" f32[?m] output 0
  step loop "host.loop" (@0, @2, @1) -> (@3) op loop {carried = 1, types = [f32[?m]]} defines [?m]
    regions {
    plan body {
      input "i" @0 input "c" @1 input "s" @2
      output "c" @1 output "s" @4
      buffer @0 "i" i64[] input 0
      buffer @1 "c" bool[] input 1
      buffer @2 "s" f32[?k] input 2
      buffer @3 "one" f32[1] constant 1
      buffer @4 "next" f32[?k + 1] output 1
      step host "h" (@2, @3) -> (@4) op concat
    }
  }
})p",
                                         {boolean(true), f32({1}, {5})}));
  EXPECT_EQ(run_all(context, {Tensor::from_i64({}, {3}), f32({1}, {1})})[0],
            f32({4}, {1, 5, 5, 5}));
  EXPECT_EQ(run_all(context, {Tensor::from_i64({}, {0}), f32({2}, {1, 2})})[0], f32({2}, {1, 2}));
}

// A running sum over the rows (or columns) of x; each partial sum is stacked.
std::string scan_plan(const std::string& attrs, const std::string& x, const std::string& y) {
  return R"p(plan p {
  input "s" @0
  input "x" @1
  output "last" @2
  output "all" @3
  buffer @0 "s" f32[2] input 0
  buffer @1 "x" )p" +
         x + R"p( input 1
  buffer @2 "last" f32[2] output 0
  buffer @3 "all" )p" +
         y + R"p( output 1
  step scan "host.scan" (@0, @1) -> (@2, @3) op scan {states = 1, scanned = 1, )p" +
         attrs + R"p(} regions {
    plan body {
      input "s" @0 input "x" @1
      output "s" @2 output "each" @2
      buffer @0 "s" f32[2] input 0
      buffer @1 "x" f32[2] input 1
      buffer @2 "sum" f32[2] output 0
      step kernel "t" (@0, @1) -> (@2) entry "add" arguments (@0, @1, @2) tasks 2
    }
  }
})p";
}

TEST(Control, ScanAlongEitherAxis) {
  const Tensor zero = f32({2}, {0, 0});
  Context rows =
      context_of(engine_of(scan_plan("types = [f32[2], f32[?t, 2]]", "f32[?t, 2]", "f32[?t, 2]")));
  auto out = run_all(rows, {zero, f32({3, 2}, {1, 2, 3, 4, 5, 6})});
  EXPECT_EQ(out[0], f32({2}, {9, 12}));
  EXPECT_EQ(out[1], f32({3, 2}, {1, 2, 4, 6, 9, 12}));
  out = run_all(rows, {zero, f32({0, 2}, {})});
  EXPECT_EQ(out[0], zero);
  EXPECT_EQ(out[1].shape(), (Shape{0, 2}));

  Context columns = context_of(engine_of(
      scan_plan("input_axes = [1], output_axes = [1], types = []", "f32[2, ?t]", "f32[2, ?t]")));
  out = run_all(columns, {zero, f32({2, 3}, {1, 3, 5, 2, 4, 6})});
  EXPECT_EQ(out[0], f32({2}, {9, 12}));
  EXPECT_EQ(out[1], f32({2, 3}, {1, 4, 9, 2, 6, 12}));

  Context backwards = context_of(engine_of(scan_plan(
      "input_reversed = [1], output_reversed = [1], types = []", "f32[?t, 2]", "f32[?t, 2]")));
  out = run_all(backwards, {zero, f32({3, 2}, {1, 2, 3, 4, 5, 6})});
  EXPECT_EQ(out[0], f32({2}, {9, 12}));
  EXPECT_EQ(out[1], f32({3, 2}, {9, 12, 8, 10, 5, 6}));
}

// An if inside a loop, and errors that say where.
TEST(Control, RegionsNest) {
  Context context = context_of(engine_of(R"p(plan p {
  input "trips" @0
  input "x" @1
  input "pick" @2
  output "y" @4
  buffer @0 "trips" i64[] input 0
  buffer @1 "x" f32[?n] input 1
  buffer @2 "pick" i64[?t] input 2
  buffer @3 "true" bool[] constant 0
  buffer @4 "y" f32[?n] output 0
  step loop "host.loop" (@0, @3, @1, @2) -> (@4) op loop {carried = 1, types = [f32[?n]]}
    origin ["outer (Loop)"] regions {
  plan body {
      input "i" @0 input "c" @1 input "s" @2 input "pick" @3
      output "c" @1 output "s" @6
      buffer @0 "i" i64[] input 0
      buffer @1 "c" bool[] input 1
      buffer @2 "s" f32[?n] input 2
      buffer @3 "pick" i64[?t] input 3
      buffer @4 "picked" i64[] arena
      buffer @5 "flag" bool[] arena
      buffer @6 "next" f32[?n] output 1
      step host "h" (@3, @0) -> (@4) op gather origin ["pick (Gather)"]
      step host "h" (@4) -> (@5) op pointwise by cast($0):bool
      step if "host.if" (@5, @2) -> (@6) op if {types = [f32[?n]]} regions {
        plan then {
          input "x" @0 output "y" @1
          buffer @0 "x" f32[?n] input 0
          buffer @1 "y" f32[?n] output 0
          step kernel "t" (@0) -> (@1) entry "double" arguments (@0, @1) tasks ?n
        }
        plan else { input "x" @0 output "x" @0 buffer @0 "x" f32[?n] input 0
        }
      }
  }
  }
})p",
                                         {boolean(true)}));
  const Tensor pick = Tensor::from_i64({4}, {1, 0, 1, 1});
  EXPECT_EQ(run_all(context, {Tensor::from_i64({}, {4}), f32({2}, {1, 2}), pick})[0],
            f32({2}, {8, 16}));
  const std::vector<Tensor> inputs = {Tensor::from_i64({}, {5}), f32({2}, {1, 2}), pick};
  EXPECT_ERROR(context.run(inputs).status(),
               "step 0 (host.loop, loop, from outer (Loop)): iteration 4: step 0 (h, gather, from "
               "pick (Gather)): gather: ");
}

}  // namespace
}  // namespace carnot
