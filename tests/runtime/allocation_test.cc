// A run with known shapes allocates nothing: every operator new and every device allocation counts.
#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/runtime/harness.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
std::atomic<int64_t> g_allocations{0};
}

// Not inlined: the compiler would see free() meet operator new.
[[gnu::noinline]] void* operator new(size_t bytes) {
  ++g_allocations;
  if (void* memory = std::malloc(bytes ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace carnot {
namespace {

// Counts what the runtime asks of the device.
class CountingDevice : public Device {
 public:
  explicit CountingDevice(int threads) : inner_(std::move(*make_cpu_device(threads))) {}
  const DeviceDescription& description() const override { return inner_->description(); }
  Result<void*> allocate(size_t bytes) override {
    ++g_allocations;
    return inner_->allocate(bytes);
  }
  void release(void* memory) override { inner_->release(memory); }
  Result<std::unique_ptr<LoadedCode>> load(std::span<const std::byte> code) override {
    return inner_->load(code);
  }
  Status run(std::span<const Launch> launches, std::span<void* const> scratch,
             const RunOptions& options) override {
    return inner_->run(launches, scratch, options);
  }
  int threads() const override { return inner_->threads(); }

 private:
  std::unique_ptr<Device> inner_;
};

TEST(Allocation, NoneInARunWithKnownShapes) {
  const EnginePtr engine = engine_of(R"p(plan p {
  input "x" @0
  output "y" @3
  output "x" @0
  buffer @0 "x" f32[?n] input 0
  buffer @1 "a" f32[?n] arena
  buffer @2 "b" f32[?n] arena
  buffer @3 "y" f32[?n] output 0
  step kernel "t" (@0) -> (@1) entry "double" arguments (@0, @1) tasks ?n
  step kernel "t" (@1) -> (@2) entry "scratch" arguments (@1, @2) params [64] tasks ?n scratch 64
  step kernel "t" (@1, @2) -> (@3) entry "add" arguments (@1, @2, @3) tasks ?n
})p");
  for (const int threads : {1, 2}) {
    CountingDevice device(threads);
    auto context = make_context(*engine, device, {});
    ASSERT_TRUE(context.ok());
    const Tensor a = counting({1000}), b = counting({1000});
    EXPECT_OK(context->set_input("x", a));
    EXPECT_OK(context->run());
    const int64_t before = g_allocations;
    for (int i = 0; i < 100; ++i) {
      if (!context->run().ok()) FAIL();
    }
    EXPECT_EQ(g_allocations, before);
    // Another input of the same shape: nothing in run() either.
    EXPECT_OK(context->set_input("x", b));
    const int64_t again = g_allocations;
    if (!context->run().ok()) FAIL();
    EXPECT_EQ(g_allocations, again);
    EXPECT_EQ(context->output("y")->get(10), 60);
  }
}

}  // namespace
}  // namespace carnot

#endif
