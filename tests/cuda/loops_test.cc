// Generated CUDA C++ against the interpreter, run on this machine's CPU: the kernels of
// tests/kernels and random ones, several choices of each.
#include <gtest/gtest.h>

#include "codegen/cuda/loops.h"
#include "codegen/cuda/rowwise_attention.h"
#include "tests/cuda/host_run.h"
#include "tests/kernels/random_kernel.h"

namespace carnot::cuda {
namespace {

DeviceDescription h200() {
  DeviceDescription out;
  out.kind = "cuda";
  out.isa = "sm_90a";
  return out;
}

/// One choice of one kernel.
struct Trial {
  const StoredKernel* test;
  std::string variant;
  KernelSource source;
};

/// Makes sources, compiles them together, runs and compares.
class Trials {
 public:
  void add(const StoredKernel& test, size_t choices_max) {
    const auto choices = loop_choices(test.kernel, h200(), test.symbols);
    ASSERT_TRUE(choices.ok()) << test.name << ": " << to_string(choices.status());
    // Spread over the list: neighbours on it are alike.
    const size_t count = choices->size(), step = (count + choices_max - 1) / choices_max;
    for (size_t c = 0; c < count; ++c) {
      const LoopChoice& choice = (*choices)[c];
      const bool rare = choice.method >= LoopChoice::kTiles;
      if (c % step != 0 && !rare) continue;
      Result<KernelSource> source = loop_source(next_name(), test.kernel, test.symbols, choice);
      ASSERT_TRUE(source.ok()) << test.name << ": " << to_string(source.status());
      trials_.push_back({&test, to_string(choice), std::move(*source)});
    }
  }

  void add(const StoredKernel& test, const std::string& variant, KernelSource source) {
    trials_.push_back({&test, variant, std::move(source)});
  }
  std::string next_name() const { return cat("kernel", trials_.size()); }

  void check() const {
    std::vector<KernelSource> sources;
    for (const Trial& trial : trials_) sources.push_back(trial.source);
    const Result<HostModule> module = HostModule::compile(sources);
    ASSERT_TRUE(module.ok()) << module.status().message();
    for (const Trial& trial : trials_) {
      check(*module, trial);
      if (testing::Test::HasFatalFailure()) return;
    }
  }

 private:
  static void check(const HostModule& module, const Trial& trial) {
    const StoredKernel& test = *trial.test;
    const std::string what = cat(test.name, " ", trial.variant);
    const auto want = interpret(test.kernel, test.inputs, test.symbols);
    ASSERT_TRUE(want.ok()) << what << ": " << to_string(want.status());
    const auto got = module.run(trial.source, test.kernel, test.inputs, test.symbols);
    ASSERT_TRUE(got.ok()) << what << ": " << to_string(got.status());
    for (size_t i = 0; i < want->size(); ++i) {
      const bool exact = !is_float((*want)[i].dtype());
      const Tolerance tolerance{exact ? 0 : test.tolerance, exact ? 0 : test.tolerance, true};
      const Difference difference = compare((*got)[i], (*want)[i], tolerance);
      ASSERT_TRUE(difference.ok) << what << ": output " << i << ": " << difference.first << "\n"
                                 << print(test.kernel) << trial.source.text;
    }
  }

  std::vector<Trial> trials_;
};

TEST(CudaLoops, StoredKernels) {
  const Result<std::vector<StoredKernel>> tests = all_stored_kernels();
  ASSERT_TRUE(tests.ok()) << to_string(tests.status());
  Trials trials;
  for (const StoredKernel& test : *tests) {
    if (test.kernel.attention) {
      trials.add(test, "attention", rowwise_attention(trials.next_name(), test.kernel));
    } else {
      trials.add(test, 4);
    }
    if (HasFatalFailure()) return;
  }
  trials.check();
}

/// q, k, v, bias, as [batch, heads, length, width] or [batch, length, heads, width].
StoredKernel attention(const char* name, bool bsh, bool causal, DType type, const Dims& bias) {
  StoredKernel out;
  out.name = out.kernel.name = name;
  out.symbols = {{"q", 5}, {"k", 150}};
  const auto shape = [&](const Dim& heads, const Dim& length, const Dim& width) {
    return bsh ? Dims{2, length, heads, width} : Dims{2, heads, length, width};
  };
  const Dim q = Dim::symbol("q"), k = Dim::symbol("k");
  for (const Dims& dims :
       {shape(4, q, 8), shape(2, k, 8), shape(2, k, 130), bias, shape(4, q, 130)}) {
    if (dims.empty()) continue;
    Buffer buffer;
    buffer.type = {type, dims};
    out.kernel.buffers.push_back(buffer);
  }
  out.kernel.buffers.back().output = true;
  AttentionCore core;
  core.op.scale = 0.35, core.op.bsh = bsh, core.op.causal = causal;
  core.has_bias = !bias.empty();
  out.kernel.attention = core;
  out.tolerance = bits_of(type) == 16 ? 1e-2 : 1e-5;
  return out;
}

TEST(CudaLoops, Attention) {
  const Dim q = Dim::symbol("q"), k = Dim::symbol("k");
  std::vector<StoredKernel> tests = {
      attention("heads_first", false, false, DType::kF32, {}),
      attention("causal", true, true, DType::kF16, {}),
      attention("with_bias", true, false, DType::kF32, {2, 1, q, k}),
      attention("masked", false, true, DType::kF64, {k}),
  };
  Trials trials;
  for (StoredKernel& test : tests) {
    const auto inputs = make_inputs(test.kernel, test.symbols, 3, /*provoking=*/false);
    ASSERT_TRUE(inputs.ok()) << to_string(inputs.status());
    test.inputs = *inputs;
    trials.add(test, "attention", rowwise_attention(trials.next_name(), test.kernel));
  }
  trials.check();
}

TEST(CudaLoops, RandomKernels) {
  constexpr uint64_t kRounds = 40;
  std::vector<StoredKernel> tests;
  for (uint64_t i = 0; i < kRounds; ++i) {
    StoredKernel test = random_kernel(i);
    const auto inputs = make_inputs(test.kernel, test.symbols, 3, /*provoking=*/false);
    ASSERT_TRUE(inputs.ok()) << to_string(inputs.status());
    test.inputs = *inputs;
    tests.push_back(std::move(test));
  }
  Trials trials;
  for (const StoredKernel& test : tests) {
    trials.add(test, 2);
    if (HasFatalFailure()) return;
  }
  trials.check();
}

}  // namespace
}  // namespace carnot::cuda
