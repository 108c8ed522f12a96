// NVIDIA's libraries as tactics: what is said where they are not, and on a GPU their results.
#include <gtest/gtest.h>

#include "carnot/builder.h"
#include "carnot/engine.h"
#include "device/cuda/cuda.h"
#include "device/cuda/library_call.h"
#include "tensor/fill.h"

namespace carnot {
namespace {

using cuda::ConvolutionCall;
using cuda::MatmulCall;

TEST(LibraryCall, IsTextAndReadBack) {
  MatmulCall matmul;
  matmul.element = 1, matmul.bias = 1, matmul.activation = 2, matmul.choice = 7;
  const std::string text = to_string(matmul);
  EXPECT_EQ(text, "matmul element=1 result=0 ta=0 tb=0 bias=1 residual=0 activation=2 choice=7");
  const auto again = cuda::parse_matmul_call(text);
  ASSERT_TRUE(again.ok()) << to_string(again.status());
  EXPECT_EQ(to_string(*again), text);
  ConvolutionCall convolution;
  convolution.h = 224, convolution.pad_left = 3;
  const auto read = cuda::parse_convolution_call(to_string(convolution));
  ASSERT_TRUE(read.ok()) << to_string(read.status());
  EXPECT_EQ(to_string(*read), to_string(convolution));
}

TEST(LibraryCall, WhatIsNotOneIsRefused) {
  const std::string good = to_string(MatmulCall());
  for (const std::string& bad :
       {std::string(), std::string("matmul"), good + " ", good.substr(0, good.size() - 1),
        good.substr(1), "matmul element=9" + good.substr(16), to_string(ConvolutionCall())}) {
    EXPECT_EQ(cuda::parse_matmul_call(bad).status().code(), Code::kCorruptEngine) << bad;
  }
}

TEST(LibraryTactics, WrongNamesAreRefused) {
  auto network = Network::from_text("graph g (%x: f32[4]) {\n  return %x\n}");
  ASSERT_TRUE(network.ok()) << to_string(network.status());
  BuilderOptions options;
  options.exclude_tactics = {"cublast"};
  const auto built = build(std::move(*network), options);
  ASSERT_FALSE(built.ok());
  EXPECT_NE(to_string(built.status()).find("no tactic is named 'cublast'"), std::string::npos);
}

struct Case {
  const char* name;
  const char* tactic;
  const char* graph;
  std::vector<std::string> without;
};
// Two in a row: a graph is made of more than one launch.
const std::vector<Case> kCases = {
    {"BiasAndRelu",
     "cuda.cublaslt",
     R"(graph g (%x: f16[?n, 64], %w: f16[64, 64], %b: f16[64]) {
  %0 = matmul(%x, %w) : f16[?n, 64]
  %1 = pointwise(%0, %b) by max(add($0, $1), 0.0:f16) : f16[?n, 64]
  %2 = matmul(%1, %w) {transpose_b = true} : f16[?n, 64]
  return %2
})",
     {"contraction", "loops"}},
    {"Batches",
     "cuda.cublaslt",
     R"(graph g (%x: f32[?n, 48, 64], %w: f32[?n, 64, 40]) {
  %0 = matmul(%x, %w) : f32[?n, 48, 40]
  %1 = matmul(%0, %w) {transpose_b = true} : f32[?n, 48, 64]
  %2 = pointwise(%1, %x) by add($0, $1) : f32[?n, 48, 64]
  return %2
})",
     {"contraction", "loops"}},
    {"ConvolutionOfF32",  // whichever kernels win: none rounds its factors
     "cuda.",
     R"(graph g (%x: f32[4, 64, 47, 53], %b: f32[96]) {
  %w = constant {value = f32[96, 64, 3, 3] fill(seed = 5)}
  %0 = conv(%x, %w, %b) {strides = [2, 1], pads_lo = [1, 1], pads_hi = [1, 1]} : f32[4, 96, 24, 53]
  %1 = pointwise(%0) by max($0, 0.0:f32) : f32[4, 96, 24, 53]
  return %1
})",
     {"contraction", "cublaslt"}},
    {"Convolution",
     "cuda.cudnn",
     R"(graph g (%x: f16[4, 64, 47, 53], %b: f16[96]) {
  %w = constant {value = f16[96, 64, 3, 3] fill(seed = 5)}
  %0 = conv(%x, %w, %b) {strides = [2, 1], pads_lo = [1, 1], pads_hi = [1, 1]} : f16[4, 96, 24, 53]
  %1 = pointwise(%0) by max($0, 0.0:f16) : f16[4, 96, 24, 53]
  return %1
})",
     {"contraction", "cublaslt"}},
};

class OnGpu : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto gpus = list_gpus();
    if (!gpus.ok() || gpus->empty()) GTEST_SKIP() << "skipped: no CUDA device";
    const bool blas = std::string(GetParam().tactic) == "cuda.cublaslt";
    const Status there = cuda::open(blas ? cuda::Library::kCublasLt : cuda::Library::kCudnn);
    if (!there.ok()) GTEST_SKIP() << "skipped: " << there.message();
  }
  static EnginePtr engine(const std::string& device) {
    auto network = Network::from_text(GetParam().graph);
    EXPECT_TRUE(network.ok()) << to_string(network.status());
    BuilderOptions options;
    options.device = device;
    options.effort = device == "cpu" ? 1 : 3;
    if (device != "cpu") options.exclude_tactics = GetParam().without;
    auto bytes = build(std::move(*network), options);
    EXPECT_TRUE(bytes.ok()) << to_string(bytes.status());
    auto out = bytes.ok() ? Engine::load(*bytes) : bytes.status();
    EXPECT_TRUE(out.ok()) << to_string(out.status());
    return out.ok() ? *out : nullptr;
  }
  static std::vector<Tensor> inputs(const Engine& engine, int64_t n) {
    std::vector<Tensor> out;
    for (const TensorInfo& info : engine.inputs()) {
      Shape shape;
      for (const Dim& d : info.type.dims) shape.push_back(d.is_constant() ? d.value() : n);
      out.push_back(*fill(info.type.dtype, shape, 3 + out.size()));
    }
    return out;
  }
};

void expect_close(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.shape(), want.shape());
  double largest = 0;
  for (int64_t i = 0; i < want.elements(); ++i) largest = std::max(largest, std::abs(want.get(i)));
  const double limit = largest * (want.dtype() == DType::kF16 ? 8e-3 : 1e-5);
  for (int64_t i = 0; i < want.elements(); ++i) {
    ASSERT_NEAR(got.get(i), want.get(i), limit) << i;
  }
}

TEST_P(OnGpu, AgreesWithTheCpuWhereverItsOperandsLie) {
  const EnginePtr gpu = engine("cuda"), cpu = engine("cpu");
  ASSERT_TRUE(gpu && cpu);
  EXPECT_NE(gpu->plan_text().find(GetParam().tactic), std::string::npos) << gpu->plan_text();
  auto on_gpu = gpu->make_context(), on_cpu = cpu->make_context();
  ASSERT_TRUE(on_gpu.ok() && on_cpu.ok());
  const auto device = make_cuda_device(0);
  for (const int64_t n : {1, 3, 8, 3}) {
    const std::vector<Tensor> in = inputs(*gpu, n);
    const auto want = on_cpu->run(in);
    ASSERT_TRUE(want.ok()) << to_string(want.status());
    // Addresses that change from run to run are given to what was recorded.
    for (int round = 0; round < 3; ++round) {
      void* const x = *(*device)->allocate(in[0].bytes());
      ASSERT_TRUE((*device)->copy(x, in[0].data(), in[0].bytes(), nullptr).ok());
      ASSERT_TRUE(on_gpu->set_input(gpu->inputs()[0].name, x, in[0].shape()).ok());
      for (size_t i = 1; i < in.size(); ++i) {
        ASSERT_TRUE(on_gpu->set_input(gpu->inputs()[i].name, in[i]).ok());
      }
      const Status ran = on_gpu->run();
      ASSERT_TRUE(ran.ok()) << to_string(ran);
      const auto got = on_gpu->output(gpu->outputs()[0].name);
      ASSERT_TRUE(got.ok()) << to_string(got.status());
      expect_close(*got, (*want)[0]);
      if (round != 1) (*device)->release(x);  // the next one lies elsewhere
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Libraries, OnGpu, testing::ValuesIn(kCases),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace carnot
