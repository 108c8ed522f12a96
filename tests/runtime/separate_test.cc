// Devices with memory of their own: what is copied, what is used in place, what is allocated.
#include <cstring>

#include "plan/separate_memory.h"
#include "tests/runtime/harness.h"

namespace carnot {
namespace {

// Any address names the test device's streams.
char g_stream = 0;
void* const kStream = &g_stream;

constexpr const char* kMixed = R"p(plan p device "cpu isa=x86-64 features=own_memory" {
  input "x" @0
  output "y" @4
  buffer @0 "x" f32[?n] input 0
  buffer @1 "a" f32[?n] arena
  buffer @2 "b" f32[?n] arena
  buffer @3 "w" f32[4] constant 0
  buffer @4 "y" f32[?n] output 0
  step kernel "t" (@0) -> (@1) entry "double" arguments (@0, @1) tasks ?n
  step host "h" (@1) -> (@2) op softmax {axis = 0}
  step kernel "t" (@2, @3) -> (@4) entry "add" arguments (@2, @3, @4) tasks ?n
})p";

EnginePtr engine_with_copies() {
  auto plan = parse_plan(kMixed);
  EXPECT_TRUE(plan.ok()) << to_string(plan.status());
  separate_memory(*plan);
  return engine_of(print(*plan), {f32({4}, {1, 2, 3, 4})});
}

Context context_on(const EnginePtr& engine, const ContextOptions& options = {}) {
  auto context = make_context(*engine, separate_device(), options);
  EXPECT_TRUE(context.ok()) << to_string(context.status());
  return std::move(*context);
}

// Memory of the device with these numbers.
class OnDevice {
 public:
  explicit OnDevice(const std::vector<float>& values) : bytes_(values.size() * sizeof(float)) {
    memory_ = *separate_device().allocate(bytes_);
    EXPECT_OK(separate_device().copy(memory_, values.data(), bytes_, nullptr));
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  ~OnDevice() { separate_device().release(memory_); }
  void* memory() const { return memory_; }
  size_t bytes() const { return bytes_; }
  std::vector<float> values() const {
    std::vector<float> out(bytes_ / sizeof(float));
    EXPECT_OK(separate_device().copy(out.data(), memory_, bytes_, nullptr));
    return out;
  }

 private:
  size_t bytes_;
  void* memory_;
};

TEST(Separate, HostStepsBetweenKernels) {
  Context context = context_on(engine_with_copies());
  for (int round = 0; round < 3; ++round) {
    const auto out = run_all(context, {f32({4}, {5, 5, 5, 5})});
    EXPECT_EQ(out[0], f32({4}, {1.25, 2.25, 3.25, 4.25}));
  }
}

TEST(Separate, PointersOfTheDeviceAreUsedInPlace) {
  Context context = context_on(engine_with_copies());
  const OnDevice x({5, 5, 5, 5}), y({0, 0, 0, 0});
  EXPECT_OK(context.set_input("x", x.memory(), {4}));
  EXPECT_OK(context.set_output("y", y.memory(), y.bytes()));
  EXPECT_OK(context.run());
  const int64_t before = separate_device().copied_bytes();
  EXPECT_OK(context.run());
  EXPECT_EQ(separate_device().copied_bytes() - before, 2 * 16);  // around the host's step alone
  EXPECT_EQ(y.values(), (std::vector<float>{1.25, 2.25, 3.25, 4.25}));
}

TEST(Separate, CallersMemoryOfEitherKind) {
  Context context = context_on(engine_with_copies());
  std::vector<float> y(4);
  EXPECT_OK(context.set_input("x", f32({4}, {5, 5, 5, 5})));
  EXPECT_OK(context.set_output("y", y.data(), 16));
  EXPECT_OK(context.run());
  EXPECT_EQ(y, (std::vector<float>{1.25, 2.25, 3.25, 4.25}));
  EXPECT_OK(context.set_output("y", y.data(), 12));
  EXPECT_ERROR(context.run(), "takes 16 bytes, the memory given has 12");
}

TEST(Separate, NothingIsAllocatedOnceShapesAreKnown) {
  Context context = context_on(engine_with_copies());
  EXPECT_OK(context.set_input("x", f32({4}, {5, 5, 5, 5})));
  EXPECT_OK(context.run());
  const int64_t before = separate_device().allocations(), replays = separate_device().replays();
  for (int i = 0; i < 5; ++i) EXPECT_OK(context.run());
  EXPECT_EQ(separate_device().allocations(), before);
  EXPECT_EQ(separate_device().replays() - replays, 5);
}

TEST(Separate, ACallersStreamIsNotWaitedFor) {
  Context context = context_on(engine_of(R"p(plan p {
  input "x" @0
  output "y" @1
  buffer @0 "x" f32[?n] input 0
  buffer @1 "y" f32[?n] output 0
  step kernel "t" (@0) -> (@1) entry "double" arguments (@0, @1) tasks ?n
})p"),
                               {.stream = kStream});
  const OnDevice x({1, 2}), y({0, 0});
  EXPECT_OK(context.set_input("x", x.memory(), {2}));
  EXPECT_OK(context.set_output("y", y.memory(), 8));
  EXPECT_OK(context.run());
#if CARNOT_SEPARATE_MEMORY
  EXPECT_EQ(y.values(), (std::vector<float>{0, 0}));
#endif
  ASSERT_TRUE(context.output("y").ok());  // this waits
  EXPECT_EQ(y.values(), (std::vector<float>{2, 4}));
}

TEST(Separate, ABrokenDeviceBreaksTheContext) {
  const auto device = make_separate_device(1, signature_of);
  auto context = make_context(*engine_with_copies(), *device, {});
  ASSERT_TRUE(context.ok());
  EXPECT_OK(context->set_input("x", f32({4}, {5, 5, 5, 5})));
  EXPECT_OK(context->run());
  device->break_down();
  EXPECT_ERROR(context->run(), "illegal memory access");
  EXPECT_ERROR(context->run(), "this context cannot be used any more, its device failed");
}

}  // namespace
}  // namespace carnot
