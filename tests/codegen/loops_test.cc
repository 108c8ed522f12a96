// Generated loops against the interpreter: the kernels of tests/kernels and random ones, for every
// choice of lanes on every target that this machine runs.
#include <gtest/gtest.h>

#include "codegen/cpu/loops.h"
#include "codegen/cpu/transpose.h"
#include "tests/codegen/run_kernel.h"
#include "tests/kernels/random_kernel.h"

namespace carnot::cpu {

namespace {

void expect_same(const StoredKernel& test, const Target& target, const std::string& variant,
                 const Generate& generate, const std::vector<Tensor>& want) {
  const std::string what = cat(test.name, " ", variant, " on ", to_string(target));
  const Result<std::vector<Tensor>> got =
      run_generated(test.kernel, generate, target, test.inputs, test.symbols);
  ASSERT_TRUE(got.ok()) << what << ": " << to_string(got.status());
  for (size_t i = 0; i < want.size(); ++i) {
    const bool exact = !is_float(want[i].dtype());
    const Tolerance tolerance{exact ? 0 : test.tolerance, exact ? 0 : test.tolerance, true};
    const Difference difference = compare((*got)[i], want[i], tolerance);
    ASSERT_TRUE(difference.ok) << what << ": output " << i << ": " << difference.first << "\n"
                               << print(test.kernel);
  }
}

void check_case(const StoredKernel& test, size_t choices_max, const std::vector<Target>& targets) {
  const Result<std::vector<Tensor>> want = interpret(test.kernel, test.inputs, test.symbols);
  ASSERT_TRUE(want.ok()) << test.name << ": " << to_string(want.status());
  for (const Target& target : targets) {
    if (why_not_transpose(test.kernel, target, test.symbols).ok()) {
      const auto generate = [&](Module& module, const std::string& symbol) {
        return emit_transpose(module, symbol, test.kernel, test.symbols);
      };
      expect_same(test, target, "transpose", generate, *want);
    }
    const Result<std::vector<LoopChoice>> choices = loop_choices(test.kernel, target, test.symbols);
    ASSERT_TRUE(choices.ok()) << test.name << ": " << to_string(choices.status());
    for (size_t c = 0; c < std::min(choices_max, choices->size()); ++c) {
      const LoopChoice& choice = (*choices)[c];
      const auto generate = [&](Module& module, const std::string& symbol) {
        return emit_loops(module, symbol, test.kernel, test.symbols, choice);
      };
      const std::string variant =
          cat("axis ", choice.axis, " lanes ", choice.lanes, " unroll ", choice.unroll);
      expect_same(test, target, variant, generate, *want);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(Loops, Files) {
  const std::vector<Target> targets = runnable_targets();
  for (const std::string& path : kernel_files()) {
    const Result<StoredKernel> test = read_stored_kernel(path);
    ASSERT_TRUE(test.ok()) << path << ": " << to_string(test.status());
    if (test->kernel.attention) continue;
    check_case(*test, 4, {targets[0]});
    check_case(*test, 1, targets);
    if (HasFatalFailure()) return;
  }
}

TEST(Loops, Random) {
  constexpr int kRounds = 40;
  const std::vector<Target> targets = runnable_targets();
  for (int i = 0; i < kRounds; ++i) {
    StoredKernel test = random_kernel(static_cast<uint64_t>(i));
    ASSERT_TRUE(verify(test.kernel).ok()) << to_string(verify(test.kernel));
    const Result<std::vector<Tensor>> inputs = make_inputs(test.kernel, test.symbols, 3, false);
    ASSERT_TRUE(inputs.ok()) << to_string(inputs.status());
    test.inputs = *inputs;
    check_case(test, 2, {targets[static_cast<size_t>(i) % targets.size()]});
    if (HasFatalFailure()) return;
  }
}

}  // namespace

}  // namespace carnot::cpu
