// Scalar operations as vector code against the evaluator: every operation and element type, over
// ordinary, extreme and special operands; elementary functions in units of the last place.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "codegen/cpu/loops.h"
#include "ops/scalar_eval.h"
#include "tensor/codec.h"
#include "tests/codegen/run_kernel.h"

namespace carnot::cpu {

namespace {

constexpr int64_t kCount = 700;

/// out = program(inputs...), all of length kCount.
Kernel elementwise(const ScalarProgram& program, const std::vector<DType>& inputs, DType result) {
  Kernel kernel;
  kernel.name = "elementwise";
  Stage stage;
  for (size_t i = 0; i < inputs.size(); ++i) {
    kernel.buffers.push_back({{inputs[i], {kCount}}, false, {}});
    Load load;
    load.buffer = static_cast<int>(i);
    load.index = {axis_symbol(0)};
    stage.loads.push_back(load);
  }
  kernel.buffers.push_back({{result, {kCount}}, true, {}});
  kernel.axes = {{"i", kCount}};
  stage.body = program;
  stage.stores = {{static_cast<int>(inputs.size()), {axis_symbol(0)}, 0}};
  kernel.stages = {stage};
  return kernel;
}

class Numbers {
 public:
  explicit Numbers(uint64_t seed) : random_(seed) {}

  /// Ordinary numbers, every magnitude, specials and neighbours of interesting points.
  Tensor floats(DType dtype) {
    Tensor out = Tensor::zeros(dtype, {kCount});
    const double inf = std::numeric_limits<double>::infinity();
    const double special[] = {
        0,     -0.0,   1,          -1,         0.5,       -0.5,  2,     inf,    -inf,   NAN,
        1e-45, 1e-40,  3e38,       -3e38,      88.7,      88.73, -87.4, -103.9, -104.5, 709.7,
        -745,  1e-310, 0.25,       1.5707963,  3.1415927, 4,     3,     -2,     1e5,    2e6,
        1e22,  1e300,  0.70710678, 1.41421356, -1e-8,     7.5,   8.5,   1e-3,   0x1p23, 0x1p-126};
    for (int64_t i = 0; i < kCount; ++i) {
      double value;
      if (i < 350) {
        value = std::uniform_real_distribution<double>(-10, 10)(random_);
        if (i < 120) value /= 8;
      } else if (i < 550) {
        const double exponent = std::uniform_real_distribution<double>(-130, 128)(random_);
        value = std::exp2(exponent) * (random_() % 2 ? 1 : -1);
      } else {
        value = special[random_() % std::size(special)];
      }
      out.set(i, value);
    }
    return out;
  }

  Tensor integers(DType dtype) {
    Tensor out = Tensor::zeros(dtype, {kCount});
    for (int64_t i = 0; i < kCount; ++i) {
      const auto wide = static_cast<int64_t>(random_());
      const int64_t special[] = {0,
                                 1,
                                 -1,
                                 2,
                                 3,
                                 wide,
                                 std::numeric_limits<int64_t>::min(),
                                 std::numeric_limits<int64_t>::max(),
                                 7,
                                 8,
                                 31,
                                 32,
                                 63,
                                 64};
      const int64_t value =
          i % 3 == 0 ? special[random_() % std::size(special)] : wide >> (random_() % 60);
      out.set_int(i, wrap_integer(dtype, value));
    }
    return out;
  }

  Tensor of(DType dtype) { return is_float(dtype) ? floats(dtype) : integers(dtype); }

 private:
  std::mt19937_64 random_;
};

Tensor run(const Kernel& kernel, const std::vector<Tensor>& inputs, const Target& target) {
  LoopChoice choice;
  choice.axis = 0;
  const Result<std::vector<LoopChoice>> choices = loop_choices(kernel, target, {});
  CARNOT_CHECK(choices.ok());
  const Result<std::vector<Tensor>> got =
      run_generated(kernel,
                    [&](Module& module, const std::string& symbol) {
                      return emit_loops(module, symbol, kernel, {}, (*choices)[0]);
                    },
                    target, inputs, {});
  if (!got.ok()) {
    ADD_FAILURE() << to_string(got.status());
    return {};
  }
  return (*got)[0];
}

double ulps(double got, double want, DType dtype) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) == std::isnan(got) ? 0 : 1e30;
  const double rounded =
      dtype == DType::kF32 ? static_cast<double>(static_cast<float>(want)) : want;
  if (got == rounded) return 0;
  if (std::isinf(rounded) || std::isinf(got)) {
    // A result that nearly overflows may fall to either side.
    return std::fabs(std::isinf(got) ? rounded : got) >
                   (dtype == DType::kF32 ? 3.4028e38 : 1.7976e308)
               ? 1
               : 1e30;
  }
  int exponent = 0;
  std::frexp(want, &exponent);
  const int lowest = dtype == DType::kF32 ? -125 : -1021;
  const int digits = dtype == DType::kF32 ? 24 : 53;
  return std::fabs(got - want) / std::ldexp(1.0, std::max(exponent, lowest) - digits);
}

struct Function {
  ScalarOp op;
  double f32_ulps, f64_ulps;
};
// What math.h promises, function by function (the reference's own f64 error included).
constexpr Function kFunctions[] = {
    {ScalarOp::kExp, 1.2, 2},    {ScalarOp::kLog, 1.5, 2},    {ScalarOp::kSqrt, 0.51, 0.51},
    {ScalarOp::kSin, 1.5, 2},    {ScalarOp::kCos, 1.5, 2},    {ScalarOp::kTan, 3, 4},
    {ScalarOp::kAsin, 0.51, 3},  {ScalarOp::kAcos, 0.51, 3},  {ScalarOp::kAtan, 0.51, 2},
    {ScalarOp::kSinh, 0.51, 4},  {ScalarOp::kCosh, 0.51, 4},  {ScalarOp::kTanh, 2.5, 4},
    {ScalarOp::kAsinh, 0.51, 4}, {ScalarOp::kAcosh, 0.51, 4}, {ScalarOp::kAtanh, 0.51, 4},
    {ScalarOp::kErf, 2.5, 3},    {ScalarOp::kSigmoid, 2.5, 3}};

TEST(Scalar, Functions) {
  for (const Target& target : runnable_targets()) {
    const bool fused = target.has(Isa::kFma);
    for (const DType dtype : {DType::kF32, DType::kF64}) {
      for (const Function& function : kFunctions) {
        ScalarProgram program;
        program.inputs = 1;
        program.results = {program.add(function.op, 0)};
        const Kernel kernel = elementwise(program, {dtype}, dtype);
        const Tensor x = Numbers(3).floats(dtype);
        const Tensor got = run(kernel, {x}, target);
        double limit = dtype == DType::kF32 ? function.f32_ulps : function.f64_ulps;
        if (!fused) limit = limit * 2 + 1;
        ScalarInst inst;
        inst.op = function.op;
        double worst = 0, where = 0;
        for (int64_t i = 0; i < kCount; ++i) {
          Scalar operand;
          operand.real = x.get(i);
          double want = apply(inst, DType::kF64, operand).real;
          if (function.op == ScalarOp::kSigmoid && operand.real < 0) {
            const double e = std::exp(operand.real);  // exact where the evaluator overflows
            want = e / (1 + e);
          }
          const double error = ulps(got.get(i), want, dtype);
          if (error > worst) worst = error, where = operand.real;
        }
        EXPECT_LE(worst, limit) << carnot::to_string(function.op) << " " << carnot::to_string(dtype)
                                << " at " << where << " on " << to_string(target);
      }
    }
  }
}

TEST(Scalar, Powers) {
  for (const Target& target : runnable_targets()) {
    for (const DType dtype : {DType::kF32, DType::kF64}) {
      ScalarProgram program;
      program.inputs = 2;
      program.results = {program.add(ScalarOp::kPow, 0, 1)};
      const Kernel kernel = elementwise(program, {dtype, dtype}, dtype);
      const Tensor x = Numbers(3).floats(dtype);
      Tensor y = Numbers(5).floats(dtype);
      for (int64_t i = 0; i < kCount; i += 2) y.set(i, std::nearbyint(y.get(i)));
      const Tensor got = run(kernel, {x, y}, target);
      const double limit = dtype == DType::kF32 ? 0.51 : target.has(Isa::kFma) ? 24 : 2000;
      for (int64_t i = 0; i < kCount; ++i) {
        const double want = std::pow(x.get(i), y.get(i));
        ASSERT_LE(ulps(got.get(i), want, dtype), limit)
            << x.get(i) << " ^ " << y.get(i) << " = " << want << ", got " << got.get(i) << " "
            << carnot::to_string(dtype) << " on " << to_string(target);
      }
    }
  }
}

TEST(Scalar, QuotientsByConstants) {
  for (const Target& target : runnable_targets()) {
    for (const double divisor : {6.0, -3.0, 49.0, 255.0, 1e20, 0.7, 1e-30, 8.0}) {
      ScalarProgram program;
      program.inputs = 1;
      program.results = {program.add(ScalarOp::kDiv, 0, program.constant(DType::kF32, divisor))};
      const Kernel kernel = elementwise(program, {DType::kF32}, DType::kF32);
      const Tensor x = Numbers(3).floats(DType::kF32);
      const Tensor got = run(kernel, {x}, target);
      for (int64_t i = 0; i < kCount; ++i) {
        const float want = x.as<float>()[i] / static_cast<float>(divisor);
        const float have = got.as<float>()[i];
        const bool tiny = std::fabs(want) < 0x1p-120F;  // remainders of denormals are not exact
        const bool right = std::isnan(want) ? std::isnan(have)
                           : tiny           ? std::fabs(want - have) <= 0x1p-148F
                                            : want == have;
        ASSERT_TRUE(right) << x.as<float>()[i] << " / " << divisor << " = " << want << ", got "
                           << have << " on " << to_string(target);
      }
    }
  }
}

bool same(double got, double want, bool is_real) {
  if (!is_real) return got == want;
  if (std::isnan(want)) return std::isnan(got);
  return got == want || std::fabs(got - want) <= 1e-6 * std::fabs(want) + 1e-45;
}

void check_exact(const ScalarProgram& program, const std::vector<DType>& types, uint64_t seed) {
  const Result<std::vector<DType>> inferred = infer(program, types);
  ASSERT_TRUE(inferred.ok()) << to_string(inferred.status());
  const DType result = (*inferred)[static_cast<size_t>(program.results[0])];
  const Kernel kernel = elementwise(program, types, result);
  std::vector<Tensor> inputs;
  for (const DType type : types) inputs.push_back(Numbers(seed++).of(type));
  const Result<std::vector<Tensor>> want = interpret(kernel, inputs, {});
  ASSERT_TRUE(want.ok()) << to_string(want.status());
  // The widest and the narrowest: integer code differs little between targets.
  std::vector<Target> targets = runnable_targets();
  targets.resize(std::min<size_t>(2, targets.size()));
  for (const Target& target : targets) {
    const Tensor got = run(kernel, inputs, target);
    for (int64_t i = 0; i < kCount && got.elements() > 0; ++i) {
      const bool ok = is_float(result) ? same(got.get(i), (*want)[0].get(i), true)
                                       : got.get_int(i) == (*want)[0].get_int(i);
      std::string operands;
      for (const Tensor& input : inputs) {
        operands += is_float(input.dtype()) ? cat(input.get(i), ", ") : cat(input.get_int(i), ", ");
      }
      ASSERT_TRUE(ok) << carnot::to_string(program) << " of " << operands << " is "
                      << (is_float(result) ? (*want)[0].get(i)
                                           : static_cast<double>((*want)[0].get_int(i)))
                      << ", got "
                      << (is_float(result) ? got.get(i) : static_cast<double>(got.get_int(i)))
                      << " on " << to_string(target);
    }
  }
}

constexpr ScalarOp kArithmetic[] = {ScalarOp::kAdd, ScalarOp::kSub, ScalarOp::kMul, ScalarOp::kDiv,
                                    ScalarOp::kMod, ScalarOp::kRem, ScalarOp::kMin, ScalarOp::kMax,
                                    ScalarOp::kEq,  ScalarOp::kNe,  ScalarOp::kLt,  ScalarOp::kLe,
                                    ScalarOp::kGt,  ScalarOp::kGe};

void check_binary(ScalarOp op, DType dtype) {
  ScalarProgram program;
  program.inputs = 2;
  program.results = {program.add(op, 0, 1)};
  check_exact(program, {dtype, dtype}, 11);
}
void check_unary(ScalarOp op, DType dtype) {
  ScalarProgram program;
  program.inputs = 1;
  program.results = {program.add(op, 0)};
  check_exact(program, {dtype}, 11);
}

TEST(Scalar, Floats) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    for (const ScalarOp op : kArithmetic) check_binary(op, dtype);
    for (const ScalarOp op :
         {ScalarOp::kNeg, ScalarOp::kAbs, ScalarOp::kSign, ScalarOp::kRecip, ScalarOp::kFloor,
          ScalarOp::kCeil, ScalarOp::kRound, ScalarOp::kIsNan, ScalarOp::kIsInf}) {
      check_unary(op, dtype);
    }
  }
}

TEST(Scalar, Integers) {
  for (const DType dtype : {DType::kI64, DType::kI32, DType::kI16, DType::kI8, DType::kU64,
                            DType::kU32, DType::kU16, DType::kU8}) {
    for (const ScalarOp op : kArithmetic) check_binary(op, dtype);
    for (const ScalarOp op : {ScalarOp::kPow, ScalarOp::kBitAnd, ScalarOp::kBitOr,
                              ScalarOp::kBitXor, ScalarOp::kShl, ScalarOp::kShr}) {
      check_binary(op, dtype);
    }
    for (const ScalarOp op : {ScalarOp::kNeg, ScalarOp::kAbs, ScalarOp::kSign, ScalarOp::kBitNot}) {
      check_unary(op, dtype);
    }
  }
  for (const ScalarOp op : {ScalarOp::kAnd, ScalarOp::kOr, ScalarOp::kXor, ScalarOp::kEq}) {
    check_binary(op, DType::kBool);
  }
  check_unary(ScalarOp::kNot, DType::kBool);
}

TEST(Scalar, Casts) {
  const DType types[] = {DType::kF64,      DType::kF32,      DType::kF16,   DType::kBF16,
                         DType::kF8E4M3,   DType::kI64,      DType::kI32,   DType::kI8,
                         DType::kU64,      DType::kU8,       DType::kBool,  DType::kF8E5M2,
                         DType::kF8E4M3UZ, DType::kF8E5M2UZ, DType::kF8E8M0};
  for (const DType from : types) {
    for (const DType to : types) {
      // Integers reach f16 and narrower through f32, which rounds twice; f64 likewise.
      const bool twice =
          is_float(to) && bits_of(to) < 32 && bits_of(from) > 24 && from != DType::kF32;
      // Every type against these three covers each conversion once.
      const auto pivot = [](DType t) {
        return t == DType::kF32 || t == DType::kI32 || t == DType::kBool;
      };
      if (twice || (!pivot(from) && !pivot(to))) continue;
      ScalarProgram program;
      program.inputs = 1;
      program.results = {program.cast(0, to)};
      check_exact(program, {from}, 23);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Scalar, SelectAndNarrowIntegers) {
  const Result<ScalarProgram> select = parse_scalar_program("select(lt($0, $1), $1, add($0, $0))");
  ASSERT_TRUE(select.ok());
  check_exact(*select, {DType::kF32, DType::kF32}, 31);
  check_exact(*select, {DType::kI16, DType::kI16}, 31);
  const Result<ScalarProgram> nibbles =
      parse_scalar_program("cast(add(cast($0):i4, cast($1):i4)):i32");
  ASSERT_TRUE(nibbles.ok()) << to_string(nibbles.status());
  check_exact(*nibbles, {DType::kI32, DType::kI32}, 37);
}

}  // namespace

}  // namespace carnot::cpu
