// Engines on a GPU of this machine; skipped where there is none.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "carnot/builder.h"
#include "carnot/engine.h"
#include "device/cuda/cuda.h"
#include "device/cuda/objects.h"
#include "engine/engine_file.h"
#include "runtime/make_engine.h"
#include "tensor/fill.h"

namespace carnot {
namespace {

// Several kernels, one operation that no GPU runs, two outputs.
constexpr const char* kGraph = R"(graph g (%x: f32[?n, 64]) {
  %0 = pointwise(%x, %x) by mul($0, $1) : f32[?n, 64]
  %1 = softmax(%0) {axis = 1} : f32[?n, 64]
  %2 = transpose(%1) {perm = [1, 0]} : f32[64, ?n]
  %3, %4 = top_k(%1) {count = 4} : f32[?n, 4], i64[?n, 4]
  return %2, %3
})";

#define EXPECT_OK(...)                                       \
  do {                                                       \
    const ::carnot::Status expected_ok = (__VA_ARGS__);      \
    EXPECT_TRUE(expected_ok.ok()) << to_string(expected_ok); \
  } while (false)

class CudaEngine : public testing::Test {
 protected:
  void SetUp() override {
    const auto gpus = list_gpus();
    if (!gpus.ok() || gpus->empty()) GTEST_SKIP() << "skipped: no CUDA device";
  }
};

std::vector<std::byte> bytes_for(const std::string& device) {
  auto network = Network::from_text(kGraph);
  EXPECT_TRUE(network.ok()) << to_string(network.status());
  BuilderOptions options;
  options.device = device;
  options.effort = 1;
  auto bytes = build(std::move(*network), options);
  EXPECT_TRUE(bytes.ok()) << to_string(bytes.status());
  return bytes.ok() ? *bytes : std::vector<std::byte>();
}

EnginePtr engine_for(const std::string& device) {
  auto out = Engine::load(bytes_for(device));
  EXPECT_TRUE(out.ok()) << to_string(out.status());
  return out.ok() ? *out : nullptr;
}

Context context_of(const EnginePtr& engine, const ContextOptions& options = {}) {
  auto out = engine->make_context(options);
  EXPECT_TRUE(out.ok()) << to_string(out.status());
  return std::move(*out);
}

std::string x_name(const EnginePtr& engine) {
  return engine->inputs()[0].name;
}

void expect_close(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  for (int64_t i = 0; i < a.elements(); ++i) ASSERT_NEAR(a.get(i), b.get(i), 1e-6) << i;
}

TEST_F(CudaEngine, AgreesWithTheCpuForEachBatch) {
  const EnginePtr gpu = engine_for("cuda"), cpu = engine_for("cpu");
  Context on_gpu = context_of(gpu), on_cpu = context_of(cpu);
  for (const int64_t n : {1, 7, 128, 3, 7}) {
    const Tensor x = *fill(DType::kF32, {n, 64}, 11 + static_cast<uint64_t>(n));
    for (int round = 0; round < 3; ++round) {
      const auto got = on_gpu.run({{x}}), want = on_cpu.run({{x}});
      ASSERT_TRUE(got.ok()) << to_string(got.status());
      ASSERT_TRUE(want.ok());
      for (size_t i = 0; i < want->size(); ++i) expect_close((*got)[i], (*want)[i]);
    }
  }
}

// Far from the likely rows other kernels run; what they give is the same.
TEST_F(CudaEngine, KernelsFollowTheSizes) {
  constexpr const char* kWide = R"(graph g (%x: f16[?n, 256]) {
  %w = constant {value = f16[256, 512] fill(seed = 1)}
  %v = constant {value = f16[512, 256] fill(seed = 2)}
  %0 = matmul(%x, %w)
  %1 = pointwise(%0) by max($0, 0.0:f16)
  %2 = matmul(%1, %v)
  return %2
})";
  constexpr double kRounding = 0x1p-9;  // of f16, twice, and of sums in another order
  std::vector<EnginePtr> engines;
  for (const char* device : {"cuda", "cpu"}) {
    auto network = Network::from_text(kWide);
    ASSERT_TRUE(network.ok()) << to_string(network.status());
    BuilderOptions options;
    options.device = device;
    options.effort = device == std::string("cuda") ? 3 : 0;
    options.profiles["x"] = {{1, 256}, {8, 256}, {2048, 256}};
    auto bytes = build(std::move(*network), options);
    ASSERT_TRUE(bytes.ok()) << to_string(bytes.status());
    auto engine = Engine::load(std::move(*bytes));
    ASSERT_TRUE(engine.ok()) << to_string(engine.status());
    engines.push_back(*engine);
  }
  Context on_gpu = context_of(engines[0]), on_cpu = context_of(engines[1]);
  for (const int64_t n : {1, 2, 8, 100, 129, 2048, 3}) {
    const Tensor x = *fill(DType::kF16, {n, 256}, 11 + static_cast<uint64_t>(n));
    const auto got = on_gpu.run({{x}}), want = on_cpu.run({{x}});
    ASSERT_TRUE(got.ok()) << to_string(got.status());
    ASSERT_TRUE(want.ok()) << to_string(want.status());
    double largest = 0;
    for (int64_t i = 0; i < x.elements(); ++i) {
      largest = std::max(largest, std::abs((*want)[0].get(i)));
    }
    for (int64_t i = 0; i < x.elements(); ++i) {
      ASSERT_NEAR((*got)[0].get(i), (*want)[0].get(i), kRounding * largest) << n << " rows, " << i;
    }
  }
}

TEST_F(CudaEngine, PointersOfTheGpuAreUsedAndMayChange) {
  const EnginePtr gpu = engine_for("cuda");
  const auto device = make_cuda_device(0);
  ASSERT_TRUE(device.ok());
  Context context = context_of(gpu);
  const Tensor x = *fill(DType::kF32, {8, 64}, 5);
  const auto want = context.run({{x}});
  ASSERT_TRUE(want.ok());
  const size_t bytes = x.bytes();
  for (const size_t shift : {size_t{0}, size_t{256}, size_t{4}}) {  // the last is staged
    void* const in = *(*device)->allocate(bytes + 512);
    void* const out = *(*device)->allocate(bytes + 512);
    EXPECT_OK((*device)->copy(static_cast<char*>(in) + shift, x.data(), bytes, nullptr));
    EXPECT_OK(context.set_input(x_name(gpu), static_cast<char*>(in) + shift, {8, 64}));
    EXPECT_OK(context.set_output(gpu->outputs()[0].name, static_cast<char*>(out) + shift, bytes));
    for (int round = 0; round < 2; ++round) EXPECT_OK(context.run());
    Tensor got = Tensor::zeros(DType::kF32, {64, 8});
    EXPECT_OK((*device)->copy(got.mutable_data(), static_cast<char*>(out) + shift, bytes, nullptr));
    expect_close(got, (*want)[0]);
    EXPECT_OK(context.set_output(gpu->outputs()[0].name, nullptr, 0));
    (*device)->release(in);
    (*device)->release(out);
  }
}

TEST_F(CudaEngine, ACallersStream) {
  const EnginePtr gpu = engine_for("cuda");
  const auto driver = cuda::driver();
  const auto device = make_cuda_device(0);  // its context is what the stream lies in
  ASSERT_TRUE(driver.ok() && device.ok());
  const Tensor x = *fill(DType::kF32, {8, 64}, 5);
  const auto want = context_of(gpu).run({{x}});
  ASSERT_TRUE(want.ok());
  const auto context_in = cuda::Context::retain(0);
  ASSERT_TRUE(context_in.ok());
  const cuda::Current current = (*context_in)->current();
  cuda::StreamObject* stream = nullptr;
  ASSERT_EQ((*driver)->stream_create(&stream, cuda::kStreamNonBlocking), cuda::kSuccess);
  {
    Context context = context_of(gpu, {.stream = stream});
    EXPECT_OK(context.set_input(x_name(gpu), x));
    for (int i = 0; i < 20; ++i) EXPECT_OK(context.run());
    const auto got = context.output(gpu->outputs()[0].name);
    ASSERT_TRUE(got.ok()) << to_string(got.status());
    expect_close(*got, (*want)[0]);
  }
  EXPECT_EQ((*driver)->stream_destroy(stream), cuda::kSuccess);
}

TEST_F(CudaEngine, ContextsOnSeveralThreads) {
  const EnginePtr gpu = engine_for("cuda");
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Context context = context_of(gpu);
      const Tensor x = *fill(DType::kF32, {static_cast<int64_t>(4 + t), 64}, t);
      const auto first = context.run({{x}});
      ASSERT_TRUE(first.ok()) << to_string(first.status());
      for (int i = 0; i < 50; ++i) {
        const auto again = context.run({{x}});
        ASSERT_TRUE(again.ok()) << to_string(again.status());
        ASSERT_TRUE((*again)[0] == (*first)[0]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Rows of a table by index: those below zero count from its end.
EnginePtr table_engine() {
  auto network = Network::from_text(R"(graph g (%t: f32[10, 8], %i: i64[?n]) {
  %0 = gather(%t, %i) : f32[?n, 8]
  %1 = pointwise(%0) by mul($0, 2:f32) : f32[?n, 8]
  return %1
})");
  EXPECT_TRUE(network.ok()) << to_string(network.status());
  BuilderOptions options;
  options.device = "cuda";
  options.effort = 1;
  const auto bytes = build(std::move(*network), options);
  EXPECT_TRUE(bytes.ok()) << to_string(bytes.status());
  auto out = Engine::load(*bytes);
  EXPECT_TRUE(out.ok()) << to_string(out.status());
  return *out;
}

Tensor indices(std::initializer_list<int64_t> numbers) {
  Tensor out = Tensor::zeros(DType::kI64, {static_cast<int64_t>(numbers.size())});
  int64_t i = 0;
  for (const int64_t number : numbers) out.set_int(i++, number);
  return out;
}

TEST_F(CudaEngine, ABadIndexIsAnErrorOfItsRun) {
  Context context = context_of(table_engine());
  const Tensor table = *fill(DType::kF32, {10, 8}, 3);
  for (int round = 0; round < 3; ++round) {
    const auto good = context.run({{table, indices({0, 9, -1, -10, 4})}});
    ASSERT_TRUE(good.ok()) << to_string(good.status());
    const int64_t rows[] = {0, 9, 9, 0, 4};
    for (int64_t k = 0; k < 40; ++k) {
      EXPECT_EQ((*good)[0].get(k), 2 * table.get(rows[k / 8] * 8 + k % 8));
    }
    for (const int64_t bad : {int64_t{10}, int64_t{-11}, int64_t{1} << 40, INT64_MIN}) {
      const auto status = context.run({{table, indices({0, 1, bad, 3, 4})}}).status();
      EXPECT_EQ(status.code(), Code::kInvalidArgument);
      EXPECT_NE(to_string(status).find(cat("index ", bad, " is out of range for an axis of 10")),
                std::string::npos)
          << to_string(status);
    }
  }
}

TEST_F(CudaEngine, ABadIndexTakesElement0WhereItIsNoError) {
  Context context = context_of(table_engine(), {.any_index = true});
  const Tensor table = *fill(DType::kF32, {10, 8}, 3);
  const auto out = context.run({{table, indices({9, 10, -11, int64_t{1} << 40, INT64_MIN})}});
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  for (int64_t k = 0; k < 40; ++k) {
    EXPECT_EQ((*out)[0].get(k), 2 * table.get((k < 8 ? 72 : 0) + k % 8));
  }
}

TEST_F(CudaEngine, ABadIndexInACallersStreamIsToldByTheNextRun) {
  const auto driver = cuda::driver();
  const auto context_in = cuda::Context::retain(0);
  ASSERT_TRUE(driver.ok() && context_in.ok());
  const cuda::Current current = (*context_in)->current();
  cuda::StreamObject* stream = nullptr;
  ASSERT_EQ((*driver)->stream_create(&stream, cuda::kStreamNonBlocking), cuda::kSuccess);
  {
    Context context = context_of(table_engine(), {.stream = stream});
    const Tensor good = indices({1, 2}), bad = indices({1, 12});
    EXPECT_OK(context.set_input("t", *fill(DType::kF32, {10, 8}, 3)));
    EXPECT_OK(context.set_input("i", bad));
    EXPECT_OK(context.run());
    ASSERT_EQ((*driver)->stream_wait(stream), cuda::kSuccess);
    EXPECT_OK(context.set_input("i", good));
    EXPECT_NE(to_string(context.run()).find("the run before this one"), std::string::npos);
    EXPECT_OK(context.run());
    EXPECT_TRUE(context.output("1").ok());
    EXPECT_OK(context.set_input("i", bad));
    EXPECT_OK(context.run());
    EXPECT_FALSE(context.output("1").ok());
  }
  EXPECT_EQ((*driver)->stream_destroy(stream), cuda::kSuccess);
}

TEST_F(CudaEngine, ProfileTimesEachStep) {
  Context context = context_of(engine_for("cuda"));
  EXPECT_OK(context.set_input("x", *fill(DType::kF32, {128, 64}, 1)));
  const auto steps = context.profile(3);
  ASSERT_TRUE(steps.ok()) << to_string(steps.status());
  for (const StepTime& step : *steps) EXPECT_GT(step.median_us, 0) << step.tactic;
}

TEST_F(CudaEngine, AWrongCubinIsRefused) {
  const std::vector<std::byte> bytes = bytes_for("cuda");
  Tensor copy = *Tensor::allocate(DType::kU8, {static_cast<int64_t>(bytes.size())});
  std::copy(bytes.begin(), bytes.end(), copy.mutable_data());
  auto file = parse_engine(copy);
  ASSERT_TRUE(file.ok());
  const auto elf = std::search(file->code.bytes.begin(), file->code.bytes.end(),
                               reinterpret_cast<const std::byte*>("\x7f"
                                                                  "ELF"),
                               reinterpret_cast<const std::byte*>("\x7f"
                                                                  "ELF") +
                                   4);
  ASSERT_NE(elf, file->code.bytes.end());
  std::fill(elf, elf + 64, std::byte{0x5a});
  const auto engine = make_engine(std::move(*file));
  ASSERT_FALSE(engine.ok());
  EXPECT_NE(to_string(engine.status()).find("of the machine code"), std::string::npos)
      << to_string(engine.status());
}

// Last: what the GPU meets here no Context of this process survives.
TEST_F(CudaEngine, ZABadAccessBreaksContextsNotTheProcess) {
  const EnginePtr gpu = engine_for("cuda");
  const auto device = make_cuda_device(0);
  ASSERT_TRUE(device.ok());
  Context context = context_of(gpu);
  void* const small = *(*device)->allocate(256);
  EXPECT_OK(context.set_input("x", small, {1 << 20, 64}));
  const Status first = context.run();
  EXPECT_EQ(first.code(), Code::kDevice) << to_string(first);
  EXPECT_NE(to_string(context.run()).find("cannot be used any more"), std::string::npos);
  // The process goes on: others hear of it, and what is not on the GPU works.
  const Result<Context> after = gpu->make_context();
  if (after.ok()) {
    Context other = context_of(gpu);
    EXPECT_FALSE(other.run({{*fill(DType::kF32, {4, 64}, 1)}}).ok());
  }
  Context on_cpu = context_of(engine_for("cpu"));
  EXPECT_TRUE(on_cpu.run({{*fill(DType::kF32, {4, 64}, 1)}}).ok());
}

}  // namespace
}  // namespace carnot
