// verify() names the node whose invariant is broken.
#include <gtest/gtest.h>

#include "ir/text.h"

namespace carnot {
namespace {

Graph parsed(std::string_view text) {
  Result<Graph> graph = parse_graph(text);
  EXPECT_TRUE(graph.ok()) << to_string(graph.status());
  return graph.ok() ? std::move(*graph) : Graph();
}

constexpr const char* kChain = R"(graph (%x: f32[2]) {
  %a = pointwise(%x) by exp($0)
  %b = pointwise(%a) by neg($0)
  return %b
})";

void expect_broken(const Graph& graph, std::string_view reason) {
  const Status status = verify(graph);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(reason), std::string::npos) << status.message();
}

TEST(Verify, UseBeforeDefinition) {
  Graph graph = parsed(kChain);
  graph.move_before(graph.nodes()[1], graph.nodes()[0]);
  expect_broken(graph, "pointwise %b: operand 0 (%a) is not defined before it");
  graph.move_before(graph.nodes()[1], graph.nodes()[0]);
  EXPECT_TRUE(verify(graph).ok());
}

TEST(Verify, OperandsChangedBehindItsBack) {
  Graph graph = parsed(kChain);
  graph.nodes()[1]->inputs[0] = graph.inputs()[0];
  expect_broken(graph, "operand 0 (%x) does not know of this use");
  graph.nodes()[1]->inputs[0] = graph.nodes()[0]->output();
  graph.nodes()[1]->inputs.push_back(graph.inputs()[0]);
  expect_broken(graph, "operands were changed directly");
  graph.nodes()[1]->inputs.pop_back();
}

TEST(Verify, TypesThatAreNotInferred) {
  Graph graph = parsed(kChain);
  graph.nodes()[0]->output()->info.type.dims = {3};
  expect_broken(graph, "pointwise %a: result 0 is f32[3], infers f32[2]");
}

TEST(Verify, OutputsFromElsewhere) {
  Graph graph = parsed(kChain), other = parsed(kChain);
  graph.set_outputs({other.outputs()[0]});
  expect_broken(graph, "output 0 of the graph  is not defined in it");
  graph.set_outputs({});
}

TEST(Verify, RegionsAreClosed) {
  Graph graph = parsed(R"(graph (%c: bool[], %x: f32[2]) {
    %y = if(%c, %x) {types = [f32[2]]} {
      graph then (%a: f32[2]) { %0 = pointwise(%a) by neg($0) return %0 }
      graph else (%a: f32[2]) { return %a }
    }
    return %y
  })");
  Graph& region = *graph.nodes()[0]->regions[0];
  region.set_input(region.nodes()[0], 0, graph.inputs()[1]);
  expect_broken(graph, "operand 0 (%x) is not defined before it");
  region.set_input(region.nodes()[0], 0, region.inputs()[0]);
  region.inputs()[0]->info.type.dims = {5};
  EXPECT_FALSE(verify(graph).ok());
}

TEST(Verify, ANodesRegionsFitIt) {
  const auto says = [](std::string_view text, std::string_view reason) {
    const Result<Graph> graph = parse_graph(text);
    ASSERT_FALSE(graph.ok());
    EXPECT_NE(graph.status().message().find(reason), std::string::npos) << graph.status().message();
  };
  says(R"(graph (%c: bool[], %x: f32[2]) {
    %y = if(%c, %x) {types = [f32[2]]} {
      graph then (%a: f32[2]) { return %a }
      graph else () { %0 = constant {value = f32[2] {1, 2}} return %0 }
    }
    return %y })",
       "the region else takes 0 inputs, is given 1");
  says(R"(graph (%c: bool[], %x: f32[2]) {
    %y = if(%c, %x) {types = [f32[3]]} {
      graph then (%a: f32[2]) { return %a }
      graph else (%a: f32[2]) { return %a }
    }
    return %y })",
       "output 0 of the region then is f32[2], expected f32[3]");
  says(R"(graph (%n: i64[], %c: bool[], %x: f32[2]) {
    %y = loop(%n, %c, %x) {carried = 1, types = [f32[2]]} {
      graph body (%i: i64[], %k: bool[], %a: f32[2]) { return %a }
    }
    return %y })",
       "returns 1 values, 2 are needed");
}

TEST(Verify, SymbolsAreDefinedBeforeUse) {
  Graph graph = parsed(R"(graph (%x: f32[4], %t: i64[1]) {
    %z = non_zero(%x) {count = ?k}
    %d = dims {values = [?k]}
    return %d, %z
  })");
  graph.move_before(graph.nodes()[1], graph.nodes()[0]);
  expect_broken(graph, "an attribute holds the size ?k, which nothing defines");
}

}  // namespace
}  // namespace carnot
