// Generated loops against the interpreter: the kernels of tests/kernels and random ones, for every
// choice of lanes on every target that this machine runs.
#include <gtest/gtest.h>

#include "codegen/cpu/loops.h"
#include "codegen/cpu/transpose.h"
#include "tests/codegen/run_kernel.h"

namespace carnot::cpu {

namespace {

void expect_same(const KernelCase& test, const Target& target, const std::string& variant,
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

void check_case(const KernelCase& test, size_t choices_max) {
  const Result<std::vector<Tensor>> want = interpret(test.kernel, test.inputs, test.symbols);
  ASSERT_TRUE(want.ok()) << test.name << ": " << to_string(want.status());
  for (const Target& target : runnable_targets()) {
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
  for (const std::string& path : kernel_files()) {
    const Result<KernelCase> test = read_case(path);
    ASSERT_TRUE(test.ok()) << path << ": " << to_string(test.status());
    if (test->kernel.attention) continue;
    check_case(*test, 4);
    if (HasFatalFailure()) return;
  }
}

}  // namespace

}  // namespace carnot::cpu
