#pragma once
// Convolutions and matrix products as kernels, with plain references: for the tests and the bench
// of the contraction generator.
#include <string>
#include <vector>

#include "codegen/cpu/contraction.h"

namespace carnot::cpu {

/// y = relu?(conv(x, w) + bias? + residual?), x [n, h, w, c], w [k, c/groups, kh, kw].
struct ConvProblem {
  std::string name = "conv";
  int64_t n = 1, h = 1, w = 1, c = 1, k = 1, kh = 1, kw = 1;
  int64_t stride = 1, pad = 0, dilation = 1, groups = 1;
  bool bias = true, residual = false, relu = true;
  bool symbolic_n = false;
  int64_t out_h() const { return (h + 2 * pad - dilation * (kh - 1) - 1) / stride + 1; }
  int64_t out_w() const { return (w + 2 * pad - dilation * (kw - 1) - 1) / stride + 1; }
  double flops() const;
};

/// y[b, m, n] = a[b, m, k] * b[b, k, n], or b[b, n, k] where transposed; plus bias[n].
struct MatMulProblem {
  std::string name = "matmul";
  int64_t batch = 1, m = 1, n = 1, k = 1;
  bool transposed = false, bias = false;
  bool symbolic_m = false, symbolic_n = false, symbolic_k = false;
  double flops() const;
};

struct BuiltProblem {
  Kernel kernel;
  ContractionView view;
  Symbols symbols;
  std::vector<Tensor> inputs;
  Shape output;
};
BuiltProblem build(const ConvProblem& problem);
BuiltProblem build(const MatMulProblem& problem);
Tensor reference(const ConvProblem& problem, const BuiltProblem& built);
Tensor reference(const MatMulProblem& problem, const BuiltProblem& built);

/// A generated function with everything that a call needs.
class PreparedCall {
 public:
  static Result<PreparedCall> make(const BuiltProblem& built, const Target& target,
                                   const ContractionTactic& tactic, bool b_constant);
  void run(int64_t begin, int64_t end) { run(begin, end, scratch_.data()); }
  void run(int64_t begin, int64_t end, void* scratch);
  void run() { run(0, tasks); }
  const Tensor& output() const { return output_; }
  Tensor& output() { return output_; }

  int64_t tasks = 0, scratch_bytes = 0;
  double compile_ms = 0;
  CodeBlob blob;

 private:
  std::vector<Tensor> operands_;
  std::vector<void*> buffers_;
  std::vector<int64_t> params_;
  struct alignas(64) Line {
    char bytes[64];
  };
  std::vector<Line> scratch_;
  Tensor output_;
  std::optional<LoadedCode> code_;
  KernelEntry entry_ = nullptr;
};

Tensor random_tensor(const Shape& shape, uint64_t seed);

}  // namespace carnot::cpu
