// Scalar programs: text, types, simplification, numbers; comparison of tensors.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/op.h"
#include "ops/scalar_eval.h"

namespace carnot {
namespace {

ScalarProgram parse(std::string_view text, int32_t inputs = -1) {
  Result<ScalarProgram> out = parse_scalar_program(text, inputs);
  EXPECT_TRUE(out.ok()) << text << ": " << to_string(out.status());
  return out.ok() ? *out : ScalarProgram();
}

TEST(ScalarText, RoundTrips) {
  for (const char* text :
       {"$0", "add($0, $1), sub($0, $1)", "t0 = exp($0); div(t0, add(t0, 1.0:f32))", "cast($0):i64",
        "select(lt($0, 0.0:f16), neg($0), $0)", "max($1, -7:i8)", "true",
        "mul($0, 18446744073709551615:u64)", "add($0, nan:f32), add($0, -inf:f32)",
        "t0 = abs($0); t1 = add(t0, t0); mul(t1, t1)", "not(and($0, false))"}) {
    EXPECT_EQ(to_string(parse(text)), text);
  }
  EXPECT_EQ(parse("exp($1)", 3).inputs, 3);
  // Deep programs are printed with named parts, and read back.
  ScalarProgram deep;
  deep.inputs = 1;
  int32_t id = 0;
  for (int i = 0; i < 500; ++i) id = deep.add(ScalarOp::kAdd, id, deep.constant(DType::kF32, i));
  deep.results = {id};
  EXPECT_EQ(to_string(parse(to_string(deep))), to_string(deep));
}

TEST(ScalarText, Errors) {
  for (const char* text : {"", "exp()", "exp($0, $1)", "odd($0)", "t0", "1.0", "$-1", "$999999",
                           "300:i8", "cast($0)", "1.5:i32", "t0 = exp($0)", "add($0, $1,"}) {
    EXPECT_FALSE(parse_scalar_program(text).ok()) << text;
  }
  EXPECT_FALSE(parse_scalar_program("$2", 2).ok());
  std::string deep;
  for (int i = 0; i < 10000; ++i) deep += "exp(";
  EXPECT_FALSE(parse_scalar_program(deep).ok());
}

TEST(ScalarTypes, AreChecked) {
  const auto types =
      infer(parse("select(lt($0, $1), cast($0):i64, 3:i64)"), {DType::kF32, DType::kF32});
  ASSERT_TRUE(types.ok()) << types.status().message();
  EXPECT_EQ(types->back(), DType::kI64);
  const auto message = [](std::string_view text, std::vector<DType> inputs) {
    return infer(parse(text), inputs).status().message();
  };
  EXPECT_EQ(message("exp($0)", {DType::kI32}), "exp needs a float operand, got i32");
  EXPECT_EQ(message("add($0, $1)", {DType::kF32, DType::kF16}),
            "add needs operands of one type, got f32 and f16");
  EXPECT_EQ(message("not($0)", {DType::kI8}), "not needs a bool operand, got i8");
  EXPECT_EQ(message("shl($0, $0)", {DType::kF32}), "shl needs an integer operand, got f32");
  EXPECT_EQ(message("eq($0, $0)", {DType::kString}),
            "eq needs a number or bool operand, got string");
  EXPECT_EQ(message("add($0, $1)", {DType::kF32}), "the scalar program takes 2 operands, got 1");
}

double run_float(std::string_view text, std::vector<double> inputs, DType type = DType::kF32) {
  auto evaluator = ScalarEvaluator::create(parse(text, static_cast<int32_t>(inputs.size())),
                                           std::vector<DType>(inputs.size(), type));
  EXPECT_TRUE(evaluator.ok()) << evaluator.status().message();
  std::vector<Scalar> in(inputs.size()), out(1);
  for (size_t i = 0; i < inputs.size(); ++i) in[i].real = inputs[i];
  evaluator->run(in, out);
  return is_float(evaluator->results()[0]) ? out[0].real : static_cast<double>(out[0].integer);
}
int64_t run_int(std::string_view text, std::vector<int64_t> inputs, DType type) {
  auto evaluator = ScalarEvaluator::create(parse(text, static_cast<int32_t>(inputs.size())),
                                           std::vector<DType>(inputs.size(), type));
  EXPECT_TRUE(evaluator.ok()) << evaluator.status().message();
  std::vector<Scalar> in(inputs.size()), out(1);
  for (size_t i = 0; i < inputs.size(); ++i) in[i].integer = inputs[i];
  evaluator->run(in, out);
  return out[0].integer;
}

TEST(ScalarEval, Floats) {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(run_float("mod($0, $1)", {-7, 3}), 2);
  EXPECT_EQ(run_float("mod($0, $1)", {7, -3}), -2);
  EXPECT_EQ(run_float("rem($0, $1)", {-7, 3}), -1);
  EXPECT_TRUE(std::isnan(run_float("min($0, $1)", {1, nan})));
  EXPECT_TRUE(std::isnan(run_float("max($0, $1)", {nan, 1})));
  EXPECT_EQ(run_float("round($0)", {2.5}), 2);
  EXPECT_EQ(run_float("round($0)", {-3.5}), -4);
  EXPECT_EQ(run_float("sigmoid($0)", {0}), 0.5);
  EXPECT_EQ(run_float("sigmoid($0)", {-1000}), 0);
  EXPECT_EQ(run_float("cast($0):i8", {-200}), -128);
  EXPECT_EQ(run_float("cast($0):i32", {nan}), 0);
  EXPECT_EQ(run_float("cast($0):f16", {1e6}), inf);
  EXPECT_EQ(run_float("cast($0):f8e4m3", {1e6}), 448);
  EXPECT_EQ(run_float("cast($0):bool", {nan}), 1);
  EXPECT_EQ(run_float("is_inf($0)", {-inf}), 1);
  // Rounded at casts only: 1 + 2^-30 is no f32.
  EXPECT_GT(run_float("add($0, $1)", {1, 0x1p-30}), 1);
  EXPECT_EQ(run_float("sub(cast(add($0, $1)):f16, cast($0):f16)", {1, 0x1p-30}), 0);
}

TEST(ScalarEval, IntegersAreExactAndWrap) {
  EXPECT_EQ(run_int("add($0, $1)", {127, 1}, DType::kI8), -128);
  EXPECT_EQ(run_int("sub($0, $1)", {0, 1}, DType::kU16), 65535);
  EXPECT_EQ(run_int("mul($0, $1)", {INT64_MAX, 2}, DType::kI64), -2);
  EXPECT_EQ(run_int("div($0, $1)", {-7, 2}, DType::kI32), -3);
  EXPECT_EQ(run_int("div($0, $1)", {7, 0}, DType::kI32), 0);
  EXPECT_EQ(run_int("div($0, $1)", {INT64_MIN, -1}, DType::kI64), INT64_MIN);
  EXPECT_EQ(run_int("div($0, $1)", {-1, 2}, DType::kU64), INT64_MAX);
  EXPECT_EQ(run_int("mod($0, $1)", {-7, 3}, DType::kI32), 2);
  EXPECT_EQ(run_int("rem($0, $1)", {-7, 3}, DType::kI32), -1);
  EXPECT_EQ(run_int("mod($0, $1)", {-7, 0}, DType::kI32), 0);
  EXPECT_EQ(run_int("rem($0, $1)", {INT64_MIN, -1}, DType::kI64), 0);
  EXPECT_EQ(run_int("pow($0, $1)", {3, 5}, DType::kI32), 243);
  EXPECT_EQ(run_int("pow($0, $1)", {-1, -3}, DType::kI32), -1);
  EXPECT_EQ(run_int("pow($0, $1)", {2, -1}, DType::kI32), 0);
  EXPECT_EQ(run_int("lt($0, $1)", {1, -1}, DType::kU64), 1);
  EXPECT_EQ(run_int("shr($0, $1)", {-8, 1}, DType::kI32), -4);
  EXPECT_EQ(run_int("shr($0, $1)", {-1, 63}, DType::kU64), 1);
  EXPECT_EQ(run_int("shl($0, $1)", {1, 8}, DType::kU8), 0);
  EXPECT_EQ(run_int("bit_not($0)", {0}, DType::kU8), 255);
  EXPECT_EQ(run_int("abs($0)", {-128}, DType::kI8), -128);
  EXPECT_EQ(run_int("cast($0):i8", {200}, DType::kI32), -56);
}

TEST(ScalarSimplify, FoldsAndDropsWhatIsUnused) {
  const auto simplified = [](std::string_view text, std::vector<DType> inputs) {
    return to_string(simplify(parse(text, static_cast<int32_t>(inputs.size())), inputs));
  };
  EXPECT_EQ(simplified("add($0, exp(0.0:f32))", {DType::kF32}), "add($0, 1.0:f32)");
  EXPECT_EQ(simplified("cast($0):f32", {DType::kF32}), "$0");
  EXPECT_EQ(simplified("select(lt(1:i64, 2:i64), $0, neg($0))", {DType::kF32}), "$0");
  EXPECT_EQ(simplified("select(is_nan($0), $0, $0)", {DType::kF32}), "$0");
  EXPECT_EQ(simplified("t0 = exp($0); add($0, $0)", {DType::kF32}), "add($0, $0)");
  EXPECT_EQ(simplified("mul(cast(3:i64):f32, $0)", {DType::kF32}), "mul(3.0:f32, $0)");
}

TEST(Compare, JudgesElements) {
  const Tensor want = Tensor::from_f32({2}, {1, 100});
  const Tensor near = Tensor::from_f32({2}, {1.0001f, 100});
  EXPECT_TRUE(compare(want, want, {}).ok);
  const Difference difference = compare(near, want, {});
  EXPECT_FALSE(difference.ok);
  EXPECT_EQ(difference.first, "at [0]: got 1.0001, want 1");
  EXPECT_TRUE(compare(near, want, {0, 1e-3, false}).ok);
  EXPECT_FALSE(compare(near, want, {0, 2e-6, false}).ok);
  EXPECT_TRUE(compare(near, want, {0, 2e-6, true}).ok);  // relative to 100
  const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
  const Tensor special = Tensor::from_f32({2}, {nan, inf});
  EXPECT_TRUE(compare(special, special, {}).ok);
  EXPECT_FALSE(compare(Tensor::from_f32({2}, {nan, -inf}), special, {1, 1, true}).ok);
  EXPECT_FALSE(compare(Tensor::from_f32({2}, {0, inf}), special, {1, 1, true}).ok);
  EXPECT_FALSE(compare(want, Tensor::from_i64({2}, {1, 100}), {}).ok);
  EXPECT_FALSE(
      compare(Tensor::from_i64({1}, {INT64_MAX}), Tensor::from_i64({1}, {INT64_MAX - 1}), {}).ok);
}

}  // namespace
}  // namespace carnot
