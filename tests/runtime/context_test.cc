// Static plans: inputs, outputs, views, errors, sharing.
#include <thread>

#include "tests/runtime/harness.h"

namespace carnot {
namespace {

// y = reverse(2 * (x + w)), z = w
constexpr const char* kSmall = R"p(plan small {
  input "x" @0
  output "y" @4
  output "z" @1
  output "x again" @0
  buffer @0 "x" f32[4] input 0
  buffer @1 "w" f32[4] constant 0
  buffer @2 "sum" f32[4] arena
  buffer @3 "double" f32[4] arena
  buffer @4 "y" f32[4] output 0
  step kernel "t" (@0, @1) -> (@2) entry "add" arguments (@0, @1, @2) tasks 4
  step kernel "t" (@2) -> (@3) entry "double" arguments (@2, @3) tasks 4
    origin ["mul (Mul)"]
  step kernel "t" (@3) -> (@4) entry "reverse" arguments (@3, @4) params [4] tasks 4
}
)p";

class SmallEngine : public testing::Test {
 protected:
  EnginePtr engine = engine_of(kSmall, {f32({4}, {10, 20, 30, 40})});
};

TEST_F(SmallEngine, SaysWhatItTakes) {
  ASSERT_EQ(engine->inputs().size(), 1u);
  EXPECT_EQ(engine->inputs()[0].name, "x");
  EXPECT_EQ(to_string(engine->inputs()[0].type), "f32[4]");
  ASSERT_EQ(engine->outputs().size(), 3u);
  EXPECT_EQ(engine->outputs()[1].name, "z");
  EXPECT_EQ(engine->weight_bytes(), 16);
}

TEST_F(SmallEngine, RunsWithAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3}) {
    Context context = context_of(engine, threads);
    EXPECT_EQ(context.threads(), threads);
    for (int i = 0; i < 20; ++i) {
      const auto out = run_all(context, {f32({4}, {1, 2, 3, static_cast<float>(i)})});
      EXPECT_EQ(out[0], f32({4}, {2.0f * static_cast<float>(40 + i), 66, 44, 22}));
      EXPECT_EQ(out[1], f32({4}, {10, 20, 30, 40}));
      EXPECT_EQ(out[2], f32({4}, {1, 2, 3, static_cast<float>(i)}));
    }
  }
}

TEST_F(SmallEngine, UsesTheCallersMemory) {
  Context context = context_of(engine);
  std::vector<float> memory(20, -1);
  float* x = memory.data() + 1;  // aligned as floats only
  float* y = memory.data() + 9;
  std::fill(x, x + 4, 1.0f);
  EXPECT_OK(context.set_input("x", x, {4}));
  EXPECT_OK(context.set_output("y", y, 16));
  EXPECT_OK(context.run());
  EXPECT_EQ(y[0], 82);
  EXPECT_EQ(y[3], 22);
  EXPECT_EQ(y[4], -1);
  x[0] = 2;  // read at the next run, with nothing set again
  EXPECT_OK(context.run());
  EXPECT_EQ(y[3], 24);
  EXPECT_EQ(reinterpret_cast<const float*>(context.output("y")->data()), y);
  EXPECT_OK(context.set_output("y", nullptr, 0));
  y[3] = 0;
  EXPECT_OK(context.run());
  EXPECT_EQ(y[3], 0);
  EXPECT_EQ(context.output("y")->get(3), 24);
}

TEST_F(SmallEngine, OutputsPassedThroughGoToTheCallersMemory) {
  Context context = context_of(engine);
  std::vector<float> z(4), again(4);
  EXPECT_OK(context.set_output("z", z.data(), 16));
  EXPECT_OK(context.set_output("x again", again.data(), 16));
  EXPECT_OK(context.set_input("x", f32({4}, {1, 2, 3, 4})));
  EXPECT_OK(context.run());
  EXPECT_EQ(z, (std::vector<float>{10, 20, 30, 40}));
  EXPECT_EQ(again, (std::vector<float>{1, 2, 3, 4}));
}

TEST_F(SmallEngine, WrongCallsAreRefused) {
  Context context = context_of(engine);
  EXPECT_ERROR(context.run(), "input \"x\" is not set");
  EXPECT_ERROR(context.set_input("q", f32({4}, {1, 2, 3, 4})),
               "there is no input \"q\"; the engine has \"x\"");
  EXPECT_ERROR(context.set_output("q", nullptr, 0), "the engine has \"y\", \"z\", \"x again\"");
  EXPECT_ERROR(context.output("q").status(), "there is no output \"q\"");
  EXPECT_ERROR(context.output("y").status(), "after a run that succeeded");
  EXPECT_ERROR(context.set_input("x", Tensor::from_i64({4}, {1, 2, 3, 4})),
               "input \"x\" must be f32[4], is i64[4]");
  EXPECT_ERROR(context.set_input("x", f32({2, 2}, {1, 2, 3, 4})), "must be f32[4]");
  EXPECT_ERROR(context.set_input("x", nullptr, {4}), "the memory is null");
  EXPECT_ERROR(context.set_input("x", nullptr, {-4}), "input \"x\"");
  EXPECT_OK(context.set_input("x", f32({3}, {1, 2, 3})));
  EXPECT_ERROR(context.run(), "input \"x\" of shape [3] does not fit f32[4]: size 3 of axis 0");
  std::vector<float> y(4);
  EXPECT_OK(context.set_input("x", f32({4}, {1, 2, 3, 4})));
  EXPECT_OK(context.set_output("y", y.data(), 12));
  EXPECT_ERROR(context.run(), "output \"y\" of shape [4] takes 16 bytes, the memory given has 12");
  EXPECT_OK(context.set_output("y", y.data(), 16));
  EXPECT_OK(context.run());  // nothing was poisoned
  EXPECT_ERROR(context.run(std::vector<Tensor>{}).status(), "takes 1 inputs, is given 0");
}

TEST_F(SmallEngine, ProfilesItsSteps) {
  Context context = context_of(engine, 2);
  EXPECT_OK(context.set_input("x", f32({4}, {1, 2, 3, 4})));
  const auto times = context.profile(5);
  ASSERT_TRUE(times.ok());
  ASSERT_EQ(times->size(), 3u);
  EXPECT_EQ((*times)[1].origin, std::vector<std::string>{"mul (Mul)"});
  for (const StepTime& time : *times) {
    EXPECT_GE(time.median_us, 0);
    EXPECT_LT(time.median_us, 1e6);
  }
  EXPECT_ERROR(context.profile(0).status(), "at least one run");
}

TEST_F(SmallEngine, TellsTheTimeOnADeviceWithItsOwnMemory) {
  Context context = context_of(engine);
  EXPECT_OK(context.set_input("x", f32({4}, {1, 2, 3, 4})));
  EXPECT_OK(context.run());
#if CARNOT_SEPARATE_MEMORY
  const Result<double> us = context.device_time_us(2);
  ASSERT_TRUE(us.ok()) << to_string(us.status());
  EXPECT_GT(*us, 0);
  EXPECT_ERROR(context.device_time_us(0).status(), "at least one round");
#else
  EXPECT_ERROR(context.device_time_us(2).status(), "host's memory");
#endif
}

TEST_F(SmallEngine, ServesManyContextsAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      Context context = context_of(engine, 1 + t % 3);
      for (int i = 0; i < 100; ++i) {
        const auto value = static_cast<float>(t * 1000 + i);
        const auto out = run_all(context, {f32({4}, {value, 0, 0, 0})});
        ASSERT_EQ(out[0].get(3), 2 * (value + 10));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SmallEngine, OutlivesTheCallersPointer) {
  Context context = context_of(engine);
  engine.reset();
  EXPECT_EQ(run_all(context, {f32({4}, {0, 0, 0, 0})})[0].get(3), 20);
}

TEST_F(SmallEngine, CancelEndsTheNextRunOnly) {
  for (const int threads : {1, 2}) {
    Context context = context_of(engine, threads);
    EXPECT_OK(context.set_input("x", f32({4}, {1, 2, 3, 4})));
    context.cancel();
    EXPECT_EQ(context.run().code(), Code::kCancelled);
    EXPECT_OK(context.run());
  }
}

TEST(Context, MemoryIsLimited) {
  const EnginePtr engine = engine_of(R"p(plan p {
  input "x" @0
  output "y" @2
  buffer @0 "x" f32[?n] input 0
  buffer @1 "a" f32[?n] arena
  buffer @2 "y" f32[?n] output 0
  step kernel "t" (@0) -> (@1) entry "double" arguments (@0, @1) tasks ?n
  step kernel "t" (@1) -> (@2) entry "double" arguments (@1, @2) tasks ?n
})p");
  auto context = engine->make_context({.threads = 1, .memory_bytes_max = 4096});
  ASSERT_TRUE(context.ok());
  EXPECT_EQ(context->run(std::vector<Tensor>{counting({100})})->at(0).get(9), 36);
  const Status status = context->run(std::vector<Tensor>{counting({1000})}).status();
  EXPECT_EQ(status.code(), Code::kResourceLimit);
  EXPECT_ERROR(status, "the memory limit of this context");
  EXPECT_EQ(context->run(std::vector<Tensor>{counting({100})})->at(0).get(9), 36);
}

TEST(Context, ScratchMemoryIsPerThread) {
  const EnginePtr engine = engine_of(R"p(plan p {
  input "x" @0
  output "y" @1
  buffer @0 "x" f32[?n] input 0
  buffer @1 "y" f32[?n] output 0
  step kernel "" (@0) -> (@1) entry "scratch" arguments (@0, @1) params [?n*4] tasks ?n scratch ?n*4
})p");
  Context context = context_of(engine, 3);
  for (const int64_t n : {10, 20000, 30}) {
    const auto out = run_all(context, {counting({n})});
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(out[0].get(i), 2.0 * static_cast<double>(i));
  }
}

TEST(Context, StringsPassThroughTheHost) {
  const EnginePtr engine = engine_of(R"p(plan p {
  input "x" @0
  input "i" @1
  output "y" @3
  output "w" @4
  buffer @0 "x" string[?n] input 0
  buffer @1 "i" i64[?k] input 1
  buffer @2 "flat" string[?k] arena
  buffer @3 "y" string[?k, 1] view of @2
  buffer @4 "w" string[2] constant 0
  step host "h" (@0, @1) -> (@2) op gather
})p",
                                     {Tensor::from_strings({2}, {"p", "q"})});
  Context context = context_of(engine);
  const auto out =
      run_all(context, {Tensor::from_strings({3}, {"a", "b", "c"}), Tensor::from_i64({2}, {2, 0})});
  EXPECT_EQ(out[0], Tensor::from_strings({2, 1}, {"c", "a"}));
  EXPECT_EQ(out[1], Tensor::from_strings({2}, {"p", "q"}));
}

TEST(Context, HostErrorsNameTheStep) {
  const EnginePtr engine = engine_of(R"p(plan p {
  input "x" @0
  input "i" @1
  output "y" @2
  buffer @0 "x" f32[4] input 0
  buffer @1 "i" i64[1] input 1
  buffer @2 "y" f32[1] output 0
  step host "host.reference" (@0, @1) -> (@2) op gather origin ["pick (Gather)"]
})p");
  Context context = context_of(engine, 2);
  const Tensor x = counting({4});
  EXPECT_EQ(run_all(context, {x, Tensor::from_i64({1}, {-1})})[0].get(0), 3);
  const Status status = context.run(std::vector<Tensor>{x, Tensor::from_i64({1}, {4})}).status();
  EXPECT_ERROR(status, "step 0 (host.reference, gather, from pick (Gather)): gather: ");
  EXPECT_EQ(run_all(context, {x, Tensor::from_i64({1}, {1})})[0].get(0), 1);
  auto lenient = engine->make_context({.threads = 1, .any_index = true});
  ASSERT_TRUE(lenient.ok());
  const auto out = lenient->run(std::vector<Tensor>{x, Tensor::from_i64({1}, {4})});
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ((*out)[0].get(0), 0);
}

}  // namespace
}  // namespace carnot
