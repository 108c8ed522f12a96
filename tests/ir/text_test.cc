// Text of graphs: what is printed reads back, what is wrong says where.
#include "ir/text.h"

#include <gtest/gtest.h>

namespace carnot {
namespace {

std::string reprint(std::string_view text) {
  const Result<Graph> graph = parse_graph(text);
  return graph.ok() ? print(*graph) : "error: " + graph.status().message();
}

TEST(GraphText, PrintsWhatItParsed) {
  const std::string text = R"(graph resnet_tail (%x: f16[?n, 4, 7, 7], %c: bool[]) {
  %w = constant {value = f16[2] {1, 2}} : f16[2]
  %"a b/c" = pointwise(%x, %x) by mul($0, add($0, $1)) : f16[?n, 4, 7, 7]
  %p.1 = pool(%"a b/c") {kernel = [7, 7]} : f16[?n, 4, 1, 1]
  %v, %i = top_k(%w) {count = 1} : f16[1], i64[1]
  %y = if(%c, %v) {types = [f16[1]]} {
    graph then (%a: f16[1]) {
      return %a
    }
    graph else (%a: f16[1]) {
      %0 = pointwise(%a) by neg($0) : f16[1]
      return %0
    }
  } : f16[1]
  return %p.1 as "the pool", %y, %i
}
)";
  EXPECT_EQ(reprint(text), text);
}

TEST(GraphText, TypesMayBeLeftOut) {
  EXPECT_EQ(reprint("graph (%x: f32[2]) { %y = pointwise(%x) by exp($0) return %y }"),
            "graph (%x: f32[2]) {\n  %y = pointwise(%x) by exp($0) : f32[2]\n  return %y\n}\n");
}

TEST(GraphText, UnnamedAndEqualNamesAreMadeUnique) {
  Graph graph;
  Value* x = graph.add_input("0", {DType::kF32, {2}});
  op::Pointwise negate;
  negate.body.inputs = 1;
  negate.body.results = {negate.body.add(ScalarOp::kNeg, 0)};
  Value* a = *graph.make(negate, {x}, {});
  Value* b = (*graph.add(negate, {a}, {}, {"0"}))->output();
  graph.set_outputs({b});
  graph.output_names = {"y"};
  EXPECT_EQ(print(graph), R"(graph main (%0: f32[2]) {
  %1 = pointwise(%0) by neg($0) : f32[2]
  %0.1 = pointwise(%1) by neg($0) : f32[2]
  return %0.1 as "y"
}
)");
  EXPECT_EQ(reprint(print(graph)), print(graph));
}

TEST(GraphText, OriginsAreComments) {
  Graph graph;
  Value* x = graph.add_input("x", {DType::kF32, {2, 3}});
  Value* y = (*graph.add(op::Transpose{{1, 0}}, {x}, {"t1 (Transpose)", "evil\nname"}))->output();
  graph.set_outputs({y});
  const std::string text = print(graph, {true, nullptr});
  EXPECT_NE(text.find(" : f32[3, 2]  // from t1 (Transpose), evil\\nname\n"), std::string::npos)
      << text;
  EXPECT_EQ(reprint(text), print(graph));
}

TEST(GraphText, LargeConstantsStandBesideTheText) {
  const Result<Graph> graph =
      parse_graph("graph () { %c = constant {value = f32[100] fill(seed = 1)} return %c }");
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  ConstantTable constants;
  const std::string text = print(*graph, {false, &constants});
  EXPECT_NE(text.find("f32[100] #"), std::string::npos) << text;
  EXPECT_FALSE(parse_graph(text).ok());
  const Result<Graph> again = parse_graph(text, {&constants, "graph"});
  ASSERT_TRUE(again.ok()) << to_string(again.status());
  EXPECT_EQ(*constant_of(again->outputs()[0]), *constant_of(graph->outputs()[0]));
}

TEST(GraphText, ErrorsSayWhere) {
  const auto says = [](std::string_view text, std::string_view message) {
    const std::string got = reprint(text);
    EXPECT_NE(got.find(message), std::string::npos) << text << "\n" << got;
  };
  says("graph (%x: f32[2]) { return %y }", "graph:1:29: %y is not defined before this use");
  says("graph (%x: f32[2]) {\n  %y = frob(%x)\n}", "graph:2:8: no operation is named \"frob\"");
  says("graph (%x: f32[2], %x: f32[2]) { return }", "%x is defined twice");
  says("graph (%x: f32[2]) { %y = softmax(%x) : f32[3] return %y }",
       "result 0 of softmax is written as f32[3], but is f32[2]");
  says("graph (%x: f32[2]) { %a, %b = softmax(%x) return %a }", "gives 1 results, 2 are named");
  says("graph (%x: i32[2]) { %y = softmax(%x) return %y }", "graph:1:22: softmax: ");
  says("graph (%x: f32[2]) { %y = dims {values = [?m]} return %y }", "?m, which nothing defines");
  says("graph (%x: f32[2]) { %y = if(%x) return %y }", "expected '{'");
  says("graph (%x: f32[2]) { return %x } x", "expected the end of the text");
  says("graph (%x: f32[2]", "expected ')', found the end of the text");
  says("", "expected 'graph'");
}

// A deep text must neither exhaust the stack nor take long.
TEST(GraphText, NestingIsBounded) {
  const auto nested = [](int depth) {
    std::string text, end;
    for (int i = 0; i < depth; ++i) {
      text += "graph (%c: bool[], %x: f32[2]) { %y = if(%c, %c, %x) {types = [f32[2]]} {";
      end += "graph (%c: bool[], %x: f32[2]) { return %x } } return %y }";
    }
    return text + "graph (%c: bool[], %x: f32[2]) { return %x }" + end;
  };
  EXPECT_EQ(reprint(nested(8)).substr(0, 5), "graph");
  EXPECT_NE(reprint(nested(100000)).find("graphs nest deeper than 32"), std::string::npos);
}

}  // namespace
}  // namespace carnot
