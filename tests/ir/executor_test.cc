// The executor: regions, symbols, budgets, and messages that name the node.
#include "ir/executor.h"

#include <gtest/gtest.h>

#include "ir/text.h"

namespace carnot {
namespace {

Graph parsed(std::string_view text) {
  Result<Graph> graph = parse_graph(text);
  EXPECT_TRUE(graph.ok()) << to_string(graph.status());
  return graph.ok() ? std::move(*graph) : Graph();
}

// The outputs as text, or the error.
std::string run(std::string_view text, const std::vector<Tensor>& inputs) {
  const Graph graph = parsed(text);
  Budget budget;
  const Result<std::vector<Tensor>> outputs = execute(graph, inputs, budget);
  EXPECT_EQ(budget.bytes_used(), 0);
  if (!outputs.ok()) return "error: " + outputs.status().message();
  std::string out;
  for (const Tensor& tensor : *outputs) out += (out.empty() ? "" : " ") + to_string(tensor);
  return out;
}

Tensor boolean(bool value) {
  Tensor out = Tensor::zeros(DType::kBool, {});
  out.set_int(0, value);
  return out;
}

TEST(Executor, BindsSymbols) {
  const Graph graph = parsed(R"(graph (%x: f32[?n, ?n*2 + 1]) {
    %d = dims {values = [?n]}
    %z = non_zero(%x) {count = ?k}
    return %d, %z
  })");
  Budget budget;
  Symbols symbols;
  const std::vector<Tensor> inputs = {Tensor::from_f32({1, 3}, {0, 5, 0})};
  const auto outputs = execute(graph, inputs, budget, &symbols);
  ASSERT_TRUE(outputs.ok()) << to_string(outputs.status());
  EXPECT_EQ(to_string((*outputs)[0]), "i64[1] {1}");
  EXPECT_EQ(to_string((*outputs)[1]), "i64[2, 1] {0, 1}");
  EXPECT_EQ(symbols, (Symbols{{"k", 1}, {"n", 1}}));
  const std::vector<Tensor> wrong = {Tensor::from_f32({1, 4}, {0, 5, 0, 1})};
  const auto refused = execute(graph, wrong, budget);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().message(),
            "input 0 (x): size 4 of axis 1 is not ?n*2 + 1, which is 3");
}

TEST(Executor, If) {
  const char* text = R"(graph (%c: bool[], %x: f32[2]) {
    %y = if(%c, %x) {types = [f32[?m]]} {
      graph then (%a: f32[2]) { %0 = pointwise(%a) by neg($0) return %0 }
      graph else (%a: f32[2]) { %0 = concat(%a, %a) return %0 }
    }
    %d = dims {values = [?m]}
    return %y, %d
  })";
  const Tensor x = Tensor::from_f32({2}, {1, 2});
  EXPECT_EQ(run(text, {boolean(true), x}), "f32[2] {-1, -2} i64[1] {2}");
  EXPECT_EQ(run(text, {boolean(false), x}), "f32[4] {1, 2, 1, 2} i64[1] {4}");
}

constexpr const char* kLoop = R"(graph (%n: i64[], %c: bool[], %x: f32[2], %step: f32[]) {
  %y, %s = loop(%n, %c, %x, %step) {carried = 1, types = [f32[2], f32[?t, 2]]} {
    graph body (%i: i64[], %k: bool[], %a: f32[2], %d: f32[]) {
      %b = pointwise(%a, %d) by add($0, $1)
      %more = pointwise(%i) by lt($0, 3:i64)
      return %more, %b, %a
    }
  }
  return %y, %s
})";

TEST(Executor, Loop) {
  const Tensor x = Tensor::from_f32({2}, {1, 2}), step = Tensor::from_f32({}, {10});
  const auto loop = [&](int64_t trips, bool condition) {
    return run(kLoop, {Tensor::from_i64({}, {trips}), boolean(condition), x, step});
  };
  EXPECT_EQ(loop(2, true), "f32[2] {21, 22} f32[2, 2] {1, 2, 11, 12}");
  EXPECT_EQ(loop(0, true), "f32[2] {1, 2} f32[0, 2] {}");
  EXPECT_EQ(loop(5, false), "f32[2] {1, 2} f32[0, 2] {}");
  // The condition ends it: false after the iteration with i = 3.
  EXPECT_EQ(loop(INT64_MAX, true), "f32[2] {41, 42} f32[4, 2] {1, 2, 11, 12, 21, 22, 31, 32}");
}

TEST(Executor, LoopOverAGrowingValue) {
  EXPECT_EQ(run(R"(graph (%n: i64[], %c: bool[], %x: f32[1]) {
    %y = loop(%n, %c, %x) {carried = 1, types = [f32[?m]]} {
      graph body (%i: i64[], %k: bool[], %a: f32[?a]) {
        %b = concat(%a, %a)
        return %k, %b
      }
    }
    return %y
  })",
                {Tensor::from_i64({}, {2}), boolean(true), Tensor::from_f32({1}, {7})}),
            "f32[4] {7, 7, 7, 7}");
}

TEST(Executor, Scan) {
  const Tensor state = Tensor::from_f32({}, {0});
  const Tensor x = Tensor::from_f32({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(run(R"(graph (%s: f32[], %x: f32[2, 3]) {
    %t, %y = scan(%s, %x) {states = 1, scanned = 1, types = [f32[], f32[2]]} {
      graph body (%a: f32[], %e: f32[3]) {
        %r = reduce(%e) {keep = false}
        %b = pointwise(%a, %r) by add($0, $1)
        return %b, %b
      }
    }
    return %t, %y
  })",
                {state, x}),
            "f32[] {21} f32[2] {6, 21}");
  EXPECT_EQ(run(R"(graph (%s: f32[], %x: f32[2, 3]) {
    %t, %y = scan(%s, %x) {states = 1, scanned = 1, input_axes = [1], input_reversed = [1],
                           output_axes = [-1], output_reversed = [1],
                           types = [f32[], f32[2, 3]]} {
      graph body (%a: f32[], %e: f32[2]) {
        %b = pointwise(%e, %a) by add($0, $1)
        %r = reduce(%e) {keep = false}
        return %r, %b
      }
    }
    return %t, %y
  })",
                {state, x}),
            "f32[] {5} f32[2, 3] {8, 11, 3, 11, 14, 6}");
}

TEST(Executor, Fused) {
  EXPECT_EQ(run(R"(graph (%x: f32[?n]) {
    %y = fused(%x) {
      graph step (%a: f32[?n]) { %0 = pointwise(%a) by neg($0) return %0 }
    }
    return %y
  })",
                {Tensor::from_f32({2}, {1, 2})}),
            "f32[2] {-1, -2}");
}

TEST(Executor, ErrorsNameTheNode) {
  Graph graph = parsed(R"(graph (%x: f32[2], %i: i64[1]) {
    %y = gather(%x, %i)
    return %y
  })");
  graph.nodes()[0]->origin = {"lookup (Gather)"};
  Budget budget;
  const std::vector<Tensor> inputs = {Tensor::from_f32({2}, {1, 2}), Tensor::from_i64({1}, {9})};
  const auto outputs = execute(graph, inputs, budget);
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(
      outputs.status().message().rfind("running gather %y (from lookup (Gather)): gather: ", 0), 0u)
      << outputs.status().message();
}

// Charged before it is computed: this must not touch 4 TB.
TEST(Executor, RefusesWhatTheBudgetDoesNotHold) {
  const Graph graph = parsed(R"(graph (%x: f32[1000000, 1], %y: f32[1, 1000000]) {
    %z = pointwise(%x, %y) by add($0, $1)
    return %z
  })");
  const Tensor zero = Tensor::zeros(DType::kF32, {});
  const std::vector<Tensor> inputs = {Tensor::splat(zero, {1000000, 1}),
                                      Tensor::splat(zero, {1, 1000000})};
  Budget budget({int64_t{1} << 30, std::chrono::hours(1), nullptr});
  const auto outputs = execute(graph, inputs, budget);
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.status().code(), Code::kResourceLimit);
  EXPECT_EQ(budget.bytes_used(), 0);
}

// Sizes that an operand tells are charged before as well.
TEST(Executor, RefusesComputedSizes) {
  const auto code = [](std::string_view text, const std::vector<Tensor>& inputs) {
    const Graph graph = parsed(text);
    Budget budget({int64_t{1} << 30, std::chrono::hours(1), nullptr});
    return execute(graph, inputs, budget).status().code();
  };
  const Tensor zero = Tensor::from_i64({}, {0}), one = Tensor::from_i64({}, {1});
  EXPECT_EQ(code(R"(graph (%a: i64[], %b: i64[], %c: i64[]) {
    %y = range(%a, %b, %c) {count = ?k}
    return %y })",
                 {zero, Tensor::from_i64({}, {int64_t{1} << 40}), one}),
            Code::kResourceLimit);
  EXPECT_EQ(code(R"(graph (%x: f32[2], %t: i64[2]) {
    %y = expand(%x, %t) {sizes = [?k, 2]}
    return %y })",
                 {Tensor::from_f32({2}, {1, 2}), Tensor::from_i64({2}, {int64_t{1} << 40, 1})}),
            Code::kResourceLimit);
}

TEST(Executor, ReleasesAfterTheLastUse) {
  std::string text = "graph (%x: f32[1000]) {\n %0 = pointwise(%x) by neg($0)\n";
  for (int i = 1; i < 100; ++i) {
    text += cat(" %", i, " = pointwise(%", i - 1, ") by neg($0)\n");
  }
  const Graph graph = parsed(text + " return %99 }");
  Budget budget({3 * 4000, std::chrono::hours(1), nullptr});
  const std::vector<Tensor> inputs = {Tensor::zeros(DType::kF32, {1000})};
  EXPECT_TRUE(execute(graph, inputs, budget).ok());
}

TEST(Executor, AnEndlessLoopStopsAtItsDeadline) {
  const Graph graph = parsed(R"(graph (%n: i64[], %c: bool[], %x: f32[]) {
    %y = loop(%n, %c, %x) {carried = 1, types = [f32[]]} {
      graph body (%i: i64[], %k: bool[], %a: f32[]) { return %k, %a }
    }
    return %y
  })");
  const std::vector<Tensor> inputs = {Tensor::from_i64({}, {INT64_MAX}), boolean(true),
                                      Tensor::from_f32({}, {1})};
  Budget short_time({int64_t{1} << 30, std::chrono::milliseconds(20), nullptr});
  EXPECT_EQ(execute(graph, inputs, short_time).status().code(), Code::kResourceLimit);
  Budget cancelled;
  cancelled.cancel();
  EXPECT_EQ(execute(graph, inputs, cancelled).status().code(), Code::kCancelled);
}

TEST(Executor, ShowsResultsToAnObserver) {
  const Graph graph = parsed(R"(graph (%x: f32[1]) {
    %a = pointwise(%x) by neg($0)
    %b = pointwise(%a) by neg($0)
    return %b
  })");
  std::string seen;
  Budget budget;
  const std::vector<Tensor> inputs = {Tensor::from_f32({1}, {4})};
  const auto outputs =
      execute(graph, inputs, budget, nullptr, [&](const Node& node, Tensors results) {
        seen += cat(node.output()->name, "=", to_string(results[0]), ";");
      });
  EXPECT_TRUE(outputs.ok());
  EXPECT_EQ(seen, "a=f32[1] {-4};b=f32[1] {4};");
}

}  // namespace
}  // namespace carnot
