// Generated contractions against plain loops, over shapes that provoke tails, padding, groups and
// symbolic sizes, for every tactic that fits; and their bits against each other.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "base/status.h"
#include "codegen/cpu/contraction_problem.h"
#include "tests/codegen/problems.h"

namespace carnot::cpu {

namespace {

enum class On { kHost, kAll };  ///< all: also plain SSE, AVX2 and AVX-512

std::vector<Target> runnable_targets(On on) {
  const Result<Target> host = host_target();
  CARNOT_CHECK(host.ok());
  std::vector<Target> targets = {*host};
  if (on == On::kHost) return targets;
  for (const char* text : {"x86-64", "x86-64 avx2 fma", "x86-64 avx512"}) {
    const Result<Target> target = parse_target(text);
    CARNOT_CHECK(target.ok());
    const bool runs = host->arch == Arch::kX86 && (target->isas & ~host->isas) == 0;
    if (runs) targets.push_back(*target);
  }
  return targets;
}

void expect_close(const Tensor& got, const Tensor& want, double scale, const std::string& what) {
  ASSERT_EQ(got.elements(), want.elements());
  for (int64_t i = 0; i < got.elements(); ++i) {
    const double a = static_cast<double>(got.as<float>()[i]);
    const double b = static_cast<double>(want.as<float>()[i]);
    ASSERT_TRUE(std::abs(a - b) <= 2e-6 * scale + 1e-6 * std::abs(b))
        << what << ": element " << i << ": got " << a << ", want " << b;
  }
}

/// Runs tasks in three uneven pieces, the last first, each with its own poisoned scratch.
void run_split(PreparedCall& call) {
  std::memset(call.output().mutable_data(), 0x7f, call.output().bytes());
  const int64_t a = call.tasks / 3, b = call.tasks * 5 / 7;
  const auto bytes = static_cast<size_t>(call.scratch_bytes) + 64;
  const int64_t cuts[][2] = {{b, call.tasks}, {0, a}, {a, b}};
  for (const auto& cut : cuts) {
    void* scratch = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    std::memset(scratch, 0xff, bytes);
    call.run(cut[0], cut[1], scratch);
    std::free(scratch);
  }
}

template <class Problem>
void check(const Problem& problem, bool b_constant, On on = On::kHost, int effort = 5) {
  const BuiltProblem built = build(problem);
  const Tensor want = reference(problem, built);
  double scale = 1;
  for (int64_t i = 0; i < want.elements(); ++i) {
    scale = std::max(scale, std::abs(static_cast<double>(want.as<float>()[i])));
  }
  for (const Target& target : runnable_targets(on)) {
    const ContractionQuery query{built.kernel, built.view, target, b_constant, b_constant};
    ASSERT_TRUE(why_not(query).ok()) << to_string(why_not(query));
    std::optional<Tensor> first;
    std::vector<RankedTactic> list = candidates(query, built.symbols, effort);
    // Thin out: the first, the last and a few between.
    std::vector<ContractionTactic> chosen;
    for (size_t i = 0; i < list.size(); i += std::max<size_t>(1, list.size() / 2)) {
      chosen.push_back(list[i].tactic);
    }
    for (const auto access : {RowAccess::kDirect, RowAccess::kPointers, RowAccess::kGather,
                              RowAccess::kWinograd2, RowAccess::kWinograd4}) {
      for (const auto columns :
           {ColumnAccess::kPacked, ColumnAccess::kInPlace, ColumnAccess::kScratch}) {
        if (columns == ColumnAccess::kPacked && access < RowAccess::kWinograd2) continue;
        ContractionTactic t = list[0].tactic;
        t.rows = std::min(t.rows, 5);
        t.access = access;
        t.columns = columns;
        t.unroll = 3;
        t.row_block = 2;
        const Result<ContractionProblem> p = contraction_problem(built.kernel, built.view);
        ASSERT_TRUE(p.ok());
        if (why_not(*p, query, t).ok()) chosen.push_back(t);
      }
    }
    for (const auto access : {RowAccess::kDirect, RowAccess::kPointers}) {
      for (const int blocks : {2, 3}) {
        ContractionTactic t = list[0].tactic;
        t.rows = std::min(t.rows, 4), t.vectors = std::min(t.vectors, 2);
        t.access = access, t.columns = ColumnAccess::kPacked, t.inner_blocks = blocks;
        t.unroll = 2, t.row_block = 3, t.column_block = 2;
        const Result<ContractionProblem> p = contraction_problem(built.kernel, built.view);
        ASSERT_TRUE(p.ok());
        if (why_not(*p, query, t).ok()) chosen.push_back(t);
      }
    }
    for (const ContractionTactic& tactic : chosen) {
      const std::string what = problem.name + " " + to_string(tactic) + " on " + to_string(target);
      Result<PreparedCall> call = PreparedCall::make(built, target, tactic, b_constant);
      ASSERT_TRUE(call.ok()) << what << ": " << to_string(call.status());
      run_split(*call);
      const bool winograd = tactic.access >= RowAccess::kWinograd2;
      expect_close(call->output(), want, winograd ? 2 * scale : scale, what);
      if (testing::Test::HasFatalFailure()) return;
      // One chain of multiply-adds per element: the same bits from every tactic.
      if (winograd) continue;
      if (!first) {
        first = Tensor::zeros(DType::kF32, built.output);
        std::memcpy(first->mutable_data(), call->output().data(), call->output().bytes());
      } else {
        ASSERT_EQ(0, std::memcmp(first->data(), call->output().data(), call->output().bytes()))
            << what << ": other bits than the first tactic";
      }
    }
  }
}

ConvProblem conv(int64_t hw, int64_t c, int64_t k, int64_t kernel, int64_t stride, int64_t pad) {
  ConvProblem q;
  q.name = "conv" + std::to_string(hw) + "." + std::to_string(c) + "." + std::to_string(k);
  q.h = hw, q.w = hw + 1;
  q.c = c, q.k = k, q.kh = q.kw = kernel, q.stride = stride, q.pad = pad;
  return q;
}

TEST(Contraction, PointwiseConvolutions) {
  check(conv(5, 16, 32, 1, 1, 0), true);
  check(conv(7, 17, 65, 1, 1, 0), true, On::kAll);
  check(conv(8, 24, 17, 1, 2, 0), true);
  check(conv(1, 3, 2, 1, 1, 0), true);
}

TEST(Contraction, PaddedConvolutions) {
  check(conv(9, 3, 20, 7, 2, 3), true);
  check(conv(6, 16, 48, 3, 1, 1), true);
  check(conv(7, 17, 33, 3, 2, 1), true, On::kAll);
  check(conv(3, 1, 5, 3, 1, 1), true);
  ConvProblem q = conv(6, 8, 18, 3, 1, 1);
  q.kh = 1;
  check(q, true);
  q = conv(9, 20, 35, 3, 1, 2);
  q.dilation = 2, q.residual = true;
  check(q, true);
}

// Taps that lie in the padding for a whole tile are left out.
TEST(Contraction, TapsOutside) {
  ConvProblem q = conv(9, 40, 35, 3, 1, 6);
  q.dilation = 6, q.residual = true;
  check(q, true);
  q = conv(2, 33, 20, 5, 1, 2);
  check(q, true, On::kAll);
}

TEST(Contraction, Winograd) {
  check(conv(12, 16, 32, 3, 1, 1), true, On::kAll, 0);
  check(conv(7, 32, 80, 3, 1, 1), true, On::kHost, 0);
  check(conv(9, 16, 16, 3, 1, 0), true, On::kHost, 0);
  ConvProblem q = conv(5, 16, 48, 3, 1, 1);
  q.residual = true;
  for (const int64_t n : {1, 3}) {
    q.symbolic_n = n == 3;
    q.n = n;
    check(q, true, On::kHost, 0);
  }
}

TEST(Contraction, Groups) {
  ConvProblem q = conv(5, 24, 40, 3, 1, 1);
  q.groups = 4;
  check(q, true);
  q.residual = true, q.n = 2;
  check(q, true);
}

TEST(Contraction, SymbolicBatch) {
  ConvProblem q = conv(3, 9, 20, 3, 1, 1);
  q.symbolic_n = true;
  for (const int64_t n : {1, 3}) {
    q.n = n;
    check(q, true);
  }
  q = conv(1, 16, 24, 1, 1, 0);
  q.w = 1, q.symbolic_n = true;
  for (const int64_t n : {1, 3, 6, 19}) {
    q.n = n;
    check(q, true);
  }
}

TEST(Contraction, MatMulWithConstantB) {
  MatMulProblem q;
  q.m = 23, q.n = 50, q.k = 19, q.bias = true;
  check(q, true);
  q.transposed = true;
  check(q, true);
  q.m = 1, q.n = 300;
  check(q, true, On::kAll);
}

TEST(Contraction, MatMulWithVariableB) {
  MatMulProblem q;
  q.batch = 3, q.m = 13, q.n = 37, q.k = 21;
  check(q, false, On::kAll);
  q.transposed = true;
  check(q, false);
}

TEST(Contraction, SymbolicMatMul) {
  MatMulProblem q;
  q.batch = 2, q.symbolic_m = q.symbolic_n = q.symbolic_k = true;
  for (const int64_t m : {1, 5, 18}) {
    q.m = m, q.n = m == 5 ? 48 : m + 15, q.k = 2 * m + 1;
    for (const bool transposed : {false, true}) {
      q.transposed = transposed;
      check(q, false, On::kHost, 0);
    }
  }
}

TEST(Contraction, RefusesAccessThatDoesNotFit) {
  const BuiltProblem built = build(conv(5, 16, 32, 3, 1, 1));
  Result<Target> target = parse_target("x86-64 avx2 fma");
  ASSERT_TRUE(target.ok());
  ContractionTactic tactic;
  tactic.access = RowAccess::kDirect;
  const ContractionQuery query{built.kernel, built.view, *target, true, true};
  Result<Module> module = Module::create(*target);
  ASSERT_TRUE(module.ok());
  const auto made = emit_contraction(*module, "f", query, tactic);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.status().code(), Code::kUnsupported);
}

TEST(Contraction, CrossCompilesForArm) {
  const BuiltProblem built = build(conv(6, 17, 33, 3, 1, 1));
  Result<Target> target = parse_target("aarch64 neon");
  ASSERT_TRUE(target.ok());
  const ContractionQuery query{built.kernel, built.view, *target, true, true};
  Result<Module> module = Module::create(*target);
  ASSERT_TRUE(module.ok());
  const auto list = candidates(query, {}, 0);
  ASSERT_EQ(list.size(), 1U);
  ASSERT_TRUE(emit_contraction(*module, "f", query, list[0].tactic).ok());
  const auto object = module->compile();
  ASSERT_TRUE(object.ok()) << to_string(object.status());
  const auto blob = link(std::span(&*object, 1));
  ASSERT_TRUE(blob.ok()) << to_string(blob.status());
  EXPECT_EQ(blob->entries.count("f"), 1U);
}

TEST(Contraction, KnobsRoundTrip) {
  ContractionTactic t;
  t.rows = 7, t.access = RowAccess::kGather, t.columns = ColumnAccess::kScratch, t.row_block = 9;
  const auto back = tactic_from_knobs(knobs(t));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, t);
  EXPECT_FALSE(tactic_from_knobs({1, 2, 3}).ok());
  EXPECT_FALSE(tactic_from_knobs({0, 1, 1, 0, 0, 1, 1, 0}).ok());
}

TEST(Target, TextRoundTrips) {
  const auto host = host_target();
  ASSERT_TRUE(host.ok());
  const auto back = parse_target(to_string(*host));
  ASSERT_TRUE(back.ok()) << to_string(back.status());
  EXPECT_EQ(*back, *host);
  EXPECT_FALSE(parse_target("sparc").ok());
  EXPECT_FALSE(parse_target("x86-64 neon").ok());
  EXPECT_FALSE(parse_target("x86-64 l1=x").ok());
  EXPECT_FALSE(parse_target("x86-64 l1=0").ok());
}

}  // namespace

}  // namespace carnot::cpu
