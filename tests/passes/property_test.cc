// Random graphs: every pass keeps the values of all outputs, changes nothing the second time, and
// leaves text that parses back.
#include <gtest/gtest.h>

#include "ir/text.h"
#include "passes/passes.h"
#include "tests/passes/equivalence.h"
#include "tests/passes/random_graph.h"

namespace carnot {
namespace {

constexpr uint64_t kGraphs = 100;

Status round_trip(const Graph& graph) {
  ConstantTable constants;
  const std::string text = print(graph, {false, &constants});
  CARNOT_ASSIGN(const Graph again, parse_graph(text, {&constants, "printed"}));
  return print(again) == text ? Status() : error(Code::kInternal, "print(parse(t)) != t");
}

void check(const Graph& original, const Pipeline& pipeline, uint64_t seed) {
  Graph graph = original.clone();
  const auto context = [&] {
    return cat("seed ", seed, ", ", pipeline[0].passes[0], "\n", print(original), "became\n",
               print(graph));
  };
  Status status = run_passes(pipeline, graph);
  ASSERT_TRUE(status.ok()) << to_string(status) << "\n" << context();
  status = same_results(original, graph, seed);
  if (status.code() == Code::kUnsupported) return;  // sizes that disagree, in a node now gone
  ASSERT_TRUE(status.ok()) << to_string(status) << "\n" << context();
  status = round_trip(graph);
  ASSERT_TRUE(status.ok()) << to_string(status) << "\n" << context();
}

TEST(Property, EachPassKeepsValues) {
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    const Graph graph = random_graph(seed);
    ASSERT_TRUE(verify(graph).ok()) << to_string(verify(graph));
    for (const PassRow& row : all_passes()) {
      if (std::string_view(row.name).starts_with("store_as_")) continue;  // these round, as asked
      ASSERT_NO_FATAL_FAILURE(check(graph, {{"one", {row.name}, 1}}, seed));
    }
  }
}

TEST(Property, CanonicalizeKeepsValuesAndSettles) {
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    const Graph original = random_graph(seed);
    ASSERT_NO_FATAL_FAILURE(check(original, canonicalize_pipeline(), seed));
    Graph graph = original.clone();
    ASSERT_TRUE(run_passes(canonicalize_pipeline(), graph).ok());
    const std::string once = print(graph);
    std::vector<PassStats> stats;
    PassOptions options;
    options.stats = &stats;
    ASSERT_TRUE(run_passes(canonicalize_pipeline(), graph, options).ok());
    std::string busy;
    for (const PassStats& each : stats) {
      if (each.rewrites > 0) busy += cat(each.pass, " rewrites ", each.rewrites, "\n");
    }
    ASSERT_EQ(busy, "") << "seed " << seed << "\n" << once << print(graph);
  }
}

}  // namespace
}  // namespace carnot
