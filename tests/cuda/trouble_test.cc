// What an engine on a GPU meets in the world: damaged code, code for others, memory that does not
// suffice, many users at once, streams of others. Skipped where there is no GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "carnot/builder.h"
#include "carnot/engine.h"
#include "device/cuda/code_file.h"
#include "device/cuda/cuda.h"
#include "device/cuda/objects.h"
#include "engine/engine_file.h"
#include "runtime/make_engine.h"
#include "tensor/fill.h"

namespace carnot {
namespace {

// Kernels only: a product, a sum over rows, something for each value.
constexpr const char* kGraph = R"(graph g (%x: f32[?n, 64], %w: f32[64, 64]) {
  %0 = matmul(%x, %w) : f32[?n, 64]
  %1 = softmax(%0) {axis = 1} : f32[?n, 64]
  %2 = pointwise(%1, %x) by add($0, $1) : f32[?n, 64]
  return %2
})";
constexpr int64_t kWidth = 64;

#define EXPECT_OK(...)                                       \
  do {                                                       \
    const ::carnot::Status expected_ok = (__VA_ARGS__);      \
    EXPECT_TRUE(expected_ok.ok()) << to_string(expected_ok); \
  } while (false)

std::vector<std::byte> bytes_for(const std::string& device, int effort = 0) {
  auto network = Network::from_text(kGraph);
  EXPECT_TRUE(network.ok()) << to_string(network.status());
  BuilderOptions options;
  options.device = device;
  options.effort = effort;
  auto bytes = build(std::move(*network), options);
  EXPECT_TRUE(bytes.ok()) << to_string(bytes.status());
  return bytes.ok() ? *bytes : std::vector<std::byte>();
}

Tensor tensor_of(std::span<const std::byte> bytes) {
  Tensor out = *Tensor::allocate(DType::kU8, {static_cast<int64_t>(bytes.size())});
  std::copy(bytes.begin(), bytes.end(), out.mutable_data());
  return out;
}

class CudaTrouble : public testing::Test {
 protected:
  void SetUp() override {
    const auto gpus = list_gpus();
    if (!gpus.ok() || gpus->empty()) GTEST_SKIP() << "skipped: no CUDA device";
    driver_ = *cuda::driver();
    device_ = *make_cuda_device(0);
    in_ = *cuda::Context::retain(0);
    engine_ = *Engine::load(bytes_for("cuda"));
  }

  Context context(const ContextOptions& options = {}) const {
    auto out = engine_->make_context(options);
    EXPECT_TRUE(out.ok()) << to_string(out.status());
    return std::move(*out);
  }
  static std::vector<Tensor> inputs(int64_t n, uint64_t seed) {
    return {*fill(DType::kF32, {n, kWidth}, seed), *fill(DType::kF32, {kWidth, kWidth}, 1)};
  }
  static Tensor run(Context& context, const std::vector<Tensor>& inputs) {
    auto out = context.run(inputs);
    EXPECT_TRUE(out.ok()) << to_string(out.status());
    return out.ok() ? (*out)[0] : Tensor();
  }
  cuda::StreamObject* stream() const {
    const cuda::Current current = in_->current();
    cuda::StreamObject* out = nullptr;
    EXPECT_EQ(driver_->stream_create(&out, cuda::kStreamNonBlocking), cuda::kSuccess);
    return out;
  }
  /// Memory of the GPU with these values.
  void* on_gpu(const Tensor& from) const {
    void* const out = *device_->allocate(from.bytes());
    EXPECT_OK(device_->copy(out, from.data(), from.bytes(), nullptr));
    return out;
  }

  const cuda::Driver* driver_ = nullptr;
  std::unique_ptr<Device> device_;
  std::unique_ptr<cuda::Context> in_;
  EnginePtr engine_;
};

TEST_F(CudaTrouble, AnAlteredFileIsRefused) {
  const std::vector<std::byte> good = bytes_for("cuda");
  constexpr size_t kPlaces = 256;
  for (size_t i = 0; i < kPlaces; ++i) {
    std::vector<std::byte> bytes = good;
    std::byte& altered = bytes[(bytes.size() - 1) * i / (kPlaces - 1)];
    altered ^= std::byte{0x10};
    const auto engine = Engine::load(bytes);
    if (engine.ok()) continue;  // padding between sections is nobody's
    EXPECT_NE(engine.status().code(), Code::kDevice) << to_string(engine.status());
  }
  for (size_t size : {size_t{0}, size_t{1}, good.size() / 2, good.size() - 1}) {
    EXPECT_FALSE(Engine::load(std::span(good).first(size)).ok()) << size;
  }
}

// Whoever writes the hashes can write the code: what no file check sees the driver must not crash
// on.
TEST_F(CudaTrouble, ACubinThatIsNoneIsRefused) {
  const Tensor copy = tensor_of(bytes_for("cuda"));
  const auto whole = parse_engine(copy);
  ASSERT_TRUE(whole.ok());
  const auto code = cuda::parse_code_file(whole->code.bytes);
  ASSERT_TRUE(code.ok());
  for (size_t m = 0; m < code->modules.size(); ++m) {
    for (int way = 0; way < 4; ++way) {
      std::vector<std::byte> cubin(code->modules[m].begin(), code->modules[m].end());
      if (way == 0) std::fill_n(cubin.begin(), 64, std::byte{0x5a});
      if (way == 1) cubin.resize(cubin.size() / 2);
      if (way == 2) std::fill_n(cubin.begin() + 40, 8, std::byte{0x7f});  // where its sections are
      if (way == 3) cubin.clear();
      auto file = parse_engine(copy);
      cuda::CodeFile altered = *code;
      altered.modules[m] = cubin;
      file->code.bytes = cuda::write_code_file(altered);
      const auto engine = make_engine(std::move(*file));
      ASSERT_FALSE(engine.ok()) << "module " << m << ", way " << way;
      EXPECT_EQ(engine.status().code(), Code::kCorruptEngine);
      const std::string module = cat("module ", m);
      EXPECT_NE(to_string(engine.status()).find(module), std::string::npos)
          << to_string(engine.status());
    }
  }
  Context works = context();
  run(works, inputs(3, 1));
}

TEST_F(CudaTrouble, AnEngineForAnotherGpuIsRefused) {
  const std::vector<std::byte> bytes = bytes_for("cuda:sm_120a");
  const std::string isa = describe_gpu(0)->isa;
  if (isa == "sm_120a") GTEST_SKIP() << "skipped: it is that GPU";
  const auto engine = Engine::load(bytes);
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.status().code(), Code::kVersionMismatch);
  EXPECT_NE(to_string(engine.status()).find("sm_120a"), std::string::npos);
  // The same code under this GPU's name.
  auto file = parse_engine(tensor_of(bytes));
  ASSERT_TRUE(file.ok());
  file->plan.device = to_string(*describe_gpu(0));
  const auto disguised = make_engine(std::move(*file));
  ASSERT_FALSE(disguised.ok());
  EXPECT_NE(to_string(disguised.status()).find("the driver refuses it"), std::string::npos)
      << to_string(disguised.status());
}

TEST_F(CudaTrouble, ThreadsWithStreamsOfTheirOwnGiveTheSameBits) {
  constexpr int kThreads = 4, kRounds = 40;
  std::vector<Tensor> alone;
  Context single = context();
  for (int t = 0; t < kThreads; ++t) alone.push_back(run(single, inputs(5 + 40 * t, 7)));
  std::vector<std::thread> team;
  for (int t = 0; t < kThreads; ++t) {
    team.emplace_back([&, t] {
      cuda::StreamObject* const own = stream();
      {
        Context mine = context({.stream = own});
        for (int round = 0; round < kRounds; ++round) {
          EXPECT_TRUE(run(mine, inputs(5 + 40 * t, 7)) == alone[static_cast<size_t>(t)]);
        }
      }
      EXPECT_EQ(driver_->stream_destroy(own), cuda::kSuccess);
    });
  }
  for (std::thread& thread : team) thread.join();
}

TEST_F(CudaTrouble, ManyContextsOfOneEngine) {
  constexpr size_t kContexts = 64;
  std::vector<Context> all;
  for (size_t i = 0; i < kContexts; ++i) all.push_back(context());
  const Tensor want = run(all[0], inputs(9, 3));
  for (Context& each : all) EXPECT_TRUE(run(each, inputs(9, 3)) == want);
  for (size_t i = 0; i < all.size(); i += 2) std::swap(all[i], all[all.size() - 1 - i]);
  all.erase(all.begin(), all.begin() + kContexts / 2);
  for (Context& each : all) EXPECT_TRUE(run(each, inputs(9, 3)) == want);
}

TEST_F(CudaTrouble, AStreamUnderCapture) {
  const std::vector<Tensor> in = inputs(33, 5);
  Context plain = context();
  const Tensor want = run(plain, in);
  cuda::StreamObject* const own = stream();
  void *const x = on_gpu(in[0]), *const w = on_gpu(in[1]), *const y = on_gpu(in[0]);
  {
    Context captured = context({.stream = own});
    EXPECT_OK(captured.set_input("x", x, in[0].shape()));
    EXPECT_OK(captured.set_input("w", w, in[1].shape()));
    EXPECT_OK(captured.set_output(engine_->outputs()[0].name, y, in[0].bytes()));
    for (const bool warm : {false, true}) {
      const cuda::Current current = in_->current();
      if (warm) EXPECT_OK(captured.run());
      cuda::GraphObject* graph = nullptr;
      cuda::GraphExecObject* exec = nullptr;
      ASSERT_EQ(driver_->capture_begin(own, cuda::kModeRelaxed), cuda::kSuccess);
      EXPECT_OK(captured.run());
      ASSERT_EQ(driver_->capture_end(own, &graph), cuda::kSuccess);
      ASSERT_EQ(driver_->graph_instantiate(&exec, graph, 0), cuda::kSuccess);
      for (int round = 0; round < 3; ++round) {
        EXPECT_OK(device_->set(y, std::byte{0}, in[0].bytes()));
        ASSERT_EQ(driver_->graph_launch(exec, own), cuda::kSuccess);
        ASSERT_EQ(driver_->stream_wait(own), cuda::kSuccess);
        Tensor got = Tensor::zeros(DType::kF32, in[0].shape());
        EXPECT_OK(device_->copy(got.mutable_data(), y, got.bytes(), nullptr));
        EXPECT_TRUE(got == want);
      }
      driver_->graph_exec_destroy(exec);
      driver_->graph_destroy(graph);
    }
  }
  for (void* const memory : {x, w, y}) device_->release(memory);
  EXPECT_EQ(driver_->stream_destroy(own), cuda::kSuccess);
}

TEST_F(CudaTrouble, MemoryThatDoesNotSufficeIsAnError) {
  Context tight = context();
  const std::vector<Tensor> in = inputs(4, 2);
  const Tensor want = run(tight, in);
  void* const small = on_gpu(in[0]);
  for (const int64_t n : {int64_t{1} << 31, int64_t{1} << 40, int64_t{1} << 56}) {
    EXPECT_OK(tight.set_input("w", in[1]));
    Status status = tight.set_input("x", small, {n, kWidth});
    if (status.ok()) status = tight.run();
    EXPECT_FALSE(status.ok()) << n;
    EXPECT_NE(status.code(), Code::kDevice) << to_string(status);
    EXPECT_TRUE(run(tight, in) == want);
  }
  device_->release(small);
}

// Convolutions of each kind and a pool, of images of any size.
Network images() {
  Network out;
  TensorType type{DType::kF32, {Dim::symbol("n"), 3, Dim::symbol("h"), Dim::symbol("w")}};
  Network::Handle x = out.add_input("x", type);
  const auto add = [&](const auto& op, const Shape& weights) {
    std::vector<Network::Handle> inputs = {x};
    if (!weights.empty()) inputs.push_back(out.add_constant(*fill(DType::kF32, weights, 4)));
    const auto made = out.add(op, inputs);
    ASSERT_TRUE(made.ok()) << to_string(made.status());
    x = (*made)[0];
  };
  const op::Ints one = {1, 1}, two = {2, 2}, three = {3, 3};
  add(op::Conv{two, one, one, one}, {16, 3, 3, 3});
  add(op::Conv{one, one, one, one, 16}, {16, 1, 3, 3});
  add(op::Pool{op::Pool::kMaximum, three, two, one, one, one}, {});
  add(op::Conv{one, one, {0, 0}, {0, 0}}, {13, 16, 1, 1});
  add(op::Conv{one, one, two, two}, {37, 13, 5, 5});
  out.mark_output(x, "y");
  return out;
}

TEST_F(CudaTrouble, OneContextTakesImagesOfAnySize) {
  constexpr double kAgrees = 1e-4;  // of the largest value: f32, summed in another order
  std::vector<Context> contexts;
  for (const char* device : {"cuda", "cpu"}) {
    BuilderOptions options;
    options.device = device;
    options.effort = 1;
    const auto bytes = build(images(), options);
    ASSERT_TRUE(bytes.ok()) << to_string(bytes.status());
    contexts.push_back(std::move(*(*Engine::load(*bytes))->make_context()));
  }
  const Shape sizes[] = {{1, 3, 131, 97}, {7, 3, 33, 40},  {128, 3, 16, 16}, {3, 3, 225, 223},
                         {1, 3, 5, 7},    {1, 3, 131, 97}, {2, 3, 64, 1}};
  for (const Shape& size : sizes) {
    const std::vector<Tensor> in = {*fill(DType::kF32, size, 8)};
    const Tensor got = run(contexts[0], in), want = run(contexts[1], in);
    ASSERT_EQ(got.shape(), want.shape());
    double largest = 0, off = 0;
    for (int64_t i = 0; i < want.elements(); ++i) {
      largest = std::max(largest, std::abs(want.get(i)));
      off = std::max(off, std::abs(got.get(i) - want.get(i)));
    }
    EXPECT_LE(off, kAgrees * largest) << "batch " << size[0] << ", " << size[2] << "x" << size[3];
  }
}

}  // namespace
}  // namespace carnot
