// Generated CUDA C++ against the interpreter, run on this machine's CPU: the kernels of
// tests/kernels and random ones, several choices of each.
#include <gtest/gtest.h>

#include "codegen/cuda/loops.h"
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
    for (size_t c = 0; c < count; c += step) {
      const LoopChoice& choice = (*choices)[c];
      Result<KernelSource> source =
          loop_source(cat("kernel", trials_.size()), test.kernel, test.symbols, choice);
      ASSERT_TRUE(source.ok()) << test.name << ": " << to_string(source.status());
      trials_.push_back({&test, to_string(choice), std::move(*source)});
    }
  }

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
    if (!test.kernel.attention) trials.add(test, 4);
    if (HasFatalFailure()) return;
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
