// Generated attention against the reference, over head sizes, lengths, layouts, masks and symbolic
// sizes.
#include "codegen/cpu/attention.h"

#include <gtest/gtest.h>

#include "tensor/fill.h"
#include "tests/codegen/run_kernel.h"

namespace carnot::cpu {

namespace {

struct Problem {
  int64_t batch = 1, heads = 2, key_heads = 2, queries = 5, keys = 7, width = 8, value_width = 8;
  bool bsh = false, causal = false, symbolic = false;
  Shape bias = {};  ///< rank 0: none
  DType dtype = DType::kF32;
};

Kernel make_kernel(const Problem& p) {
  Kernel kernel;
  kernel.name = "attention";
  AttentionCore core;
  core.op.scale = 0.3;
  core.op.causal = p.causal;
  core.op.bsh = p.bsh;
  core.has_bias = !p.bias.empty();
  const Dim s = p.symbolic ? Dim::symbol("s") : Dim(p.queries);
  const Dim t = p.symbolic ? Dim::symbol("t") : Dim(p.keys);
  const auto add = [&](const Dim& heads, const Dim& rows, int64_t width, bool output) {
    Dims dims = {p.batch, heads, rows, width};
    if (p.bsh) std::swap(dims[1], dims[2]);
    kernel.buffers.push_back({{p.dtype, dims}, output, {}});
  };
  add(p.heads, s, p.width, false);
  add(p.key_heads, t, p.width, false);
  add(p.key_heads, t, p.value_width, false);
  if (core.has_bias) {
    Dims dims;
    for (const int64_t size : p.bias) {
      dims.push_back(size == p.queries ? s : size == p.keys ? t : Dim(size));
    }
    kernel.buffers.push_back({{p.dtype, dims}, false, {}});
  }
  add(p.heads, s, p.value_width, true);
  kernel.attention = core;
  return kernel;
}

void check(const Problem& p) {
  const Kernel kernel = make_kernel(p);
  ASSERT_TRUE(verify(kernel).ok()) << to_string(verify(kernel));
  const Symbols symbols = {{"s", p.queries}, {"t", p.keys}};
  const Result<std::vector<Tensor>> inputs = make_inputs(kernel, symbols, 5, false);
  ASSERT_TRUE(inputs.ok());
  const Result<std::vector<Tensor>> want = interpret(kernel, *inputs, symbols);
  ASSERT_TRUE(want.ok()) << to_string(want.status());
  for (const Target& target : runnable_targets()) {
    for (const int variant : {0, 1}) {
      AttentionTactic tactic = attention_tactic(kernel, target);
      if (variant == 1) {
        tactic.query_vectors = 1, tactic.key_block = 24, tactic.keys = 5, tactic.queries = 3;
      }
      const Result<std::vector<Tensor>> got = run_generated(
          kernel,
          [&](Module& module, const std::string& symbol) {
            return emit_attention(module, symbol, kernel, tactic);
          },
          target, *inputs, symbols);
      ASSERT_TRUE(got.ok()) << to_string(got.status());
      const double unit = p.dtype == DType::kF16 ? 2e-3 : p.dtype == DType::kF64 ? 1e-14 : 3e-6;
      const Difference difference = compare((*got)[0], (*want)[0], {unit, unit, true});
      ASSERT_TRUE(difference.ok) << "variant " << variant << " on " << to_string(target) << ": "
                                 << difference.first << "\n"
                                 << print(kernel);
    }
  }
}

TEST(Attention, Sizes) {
  check({});
  check({.queries = 1, .keys = 1, .width = 1, .value_width = 1});
  check({.heads = 1, .key_heads = 1, .queries = 70, .keys = 150, .width = 64, .value_width = 64});
  check({.queries = 33, .keys = 20, .width = 80, .value_width = 80});
  check({.queries = 49, .keys = 49, .width = 33, .value_width = 31});
  check({.queries = 3, .keys = 300, .width = 16, .value_width = 130});
}

TEST(Attention, Layouts) {
  check({.batch = 2, .queries = 17, .keys = 19, .width = 32, .value_width = 32, .bsh = true});
  check({.heads = 6, .key_heads = 2, .queries = 9, .keys = 40, .width = 16, .value_width = 16});
  check({.batch = 2, .queries = 21, .keys = 40, .width = 16, .value_width = 24, .symbolic = true});
}

TEST(Attention, Masks) {
  Problem p{.batch = 2, .queries = 50, .keys = 60, .width = 16, .value_width = 16};
  p.bias = {2, 1, 1, 60};
  check(p);
  p.bias = {2, 50, 60};
  check(p);
  p.bias = {60};
  p.causal = true;
  check(p);
  p.bias = {};
  check(p);
  p.queries = 60, p.keys = 33;  // the first queries see nothing
  check(p);
}

TEST(Attention, ElementTypes) {
  check({.queries = 20, .keys = 30, .width = 16, .value_width = 16, .dtype = DType::kF16});
  check({.queries = 20, .keys = 30, .width = 16, .value_width = 16, .dtype = DType::kF64});
}

}  // namespace

}  // namespace carnot::cpu
