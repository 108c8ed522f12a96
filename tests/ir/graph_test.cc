// The Graph's bookkeeping: uses, order, clones, dead nodes, and its speed on large graphs.
#include "ir/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "ir/text.h"

namespace carnot {
namespace {

op::Pointwise binary(ScalarOp op) {
  op::Pointwise out;
  out.body.inputs = 2;
  out.body.results = {out.body.add(op, 0, 1)};
  return out;
}

const TensorType kPair = {DType::kF32, {2}};

TEST(Graph, KnowsEveryUse) {
  Graph graph;
  Value* x = graph.add_input("x", kPair);
  Value* y = graph.add_input("y", kPair);
  Value* twice = *graph.make(binary(ScalarOp::kAdd), {x, x}, {});
  Value* sum = *graph.make(binary(ScalarOp::kAdd), {twice, y}, {});
  graph.set_outputs({sum, x});
  EXPECT_EQ(x->users.size(), 2u);
  EXPECT_TRUE(graph.is_output(x));
  EXPECT_FALSE(graph.is_output(y));

  graph.replace_uses(x, y);
  EXPECT_TRUE(x->users.empty());
  EXPECT_EQ(y->users.size(), 3u);
  EXPECT_EQ(graph.outputs()[1], y);
  EXPECT_FALSE(graph.is_output(x));
  EXPECT_TRUE(verify(graph).ok()) << to_string(verify(graph));

  graph.set_input(sum->producer, 0, y);
  EXPECT_TRUE(twice->users.empty());
  graph.erase(twice->producer);
  graph.remove_input(0);
  EXPECT_EQ(graph.size(), 1u);
  EXPECT_TRUE(verify(graph).ok()) << to_string(verify(graph));
}

TEST(Graph, OperandsMayChangeInNumber) {
  Graph graph;
  Value* x = graph.add_input("x", kPair);
  Value* y = *graph.make(op::Concat{0}, {x, x, x}, {});
  graph.set_outputs({y});
  graph.set_inputs(y->producer, {x});
  EXPECT_EQ(x->users.size(), 1u);
  ASSERT_TRUE(graph.reinfer().ok());
  EXPECT_EQ(to_string(y->type()), "f32[2]");
  EXPECT_TRUE(verify(graph).ok()) << to_string(verify(graph));
}

TEST(Graph, InsertsAndMovesBefore) {
  Graph graph;
  Value* x = graph.add_input("x", kPair);
  Value* last = *graph.make(binary(ScalarOp::kAdd), {x, x}, {});
  Value* first = *graph.make(binary(ScalarOp::kMul), {x, x}, {}, last->producer);
  EXPECT_EQ(graph.nodes()[0], first->producer);
  graph.move_before(last->producer, first->producer);
  EXPECT_EQ(graph.nodes()[0], last->producer);
  graph.move_before(last->producer, nullptr);
  EXPECT_EQ(graph.nodes()[1], last->producer);
}

TEST(Graph, AClonedGraphIsItsOwn) {
  const Result<Graph> graph = parse_graph(R"(graph (%c: bool[], %x: f32[?n]) {
    %y = if(%c, %x) {types = [f32[?n]]} {
      graph then (%a: f32[?n]) { %0 = pointwise(%a) by neg($0) return %0 }
      graph else (%a: f32[?n]) { return %a }
    }
    %z = pointwise(%y, %x) by add($0, $1)
    return %z as "out"
  })");
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  const std::string text = print(*graph);
  Graph copy = graph->clone();
  EXPECT_EQ(print(copy), text);
  EXPECT_TRUE(verify(copy).ok()) << to_string(verify(copy));
  copy.replace_uses(copy.outputs()[0], copy.inputs()[1]);
  EXPECT_EQ(copy.remove_dead(), 2);
  EXPECT_EQ(print(*graph), text);
  EXPECT_TRUE(verify(*graph).ok()) << to_string(verify(*graph));
}

TEST(Graph, OriginsMergeWithoutRepeats) {
  EXPECT_EQ(merge({"a", "b"}, {"b", "c"}), (Origin{"a", "b", "c"}));
  Origin many;
  for (int i = 0; i < 1000; ++i) many.push_back(std::to_string(i));
  EXPECT_LT(merge({}, many).size(), 100u);
}

TEST(Graph, RegionsNestOnlySoDeep) {
  Graph inner;
  inner.set_outputs({inner.add_input("x", kPair)});
  Status status;
  for (int i = 0; i < 2 * Graph::kMaxNesting && status.ok(); ++i) {
    Graph outer;
    Value* c = outer.add_input("c", {DType::kBool, {}});
    Value* x = outer.add_input("x", kPair);
    std::vector<std::unique_ptr<Graph>> regions;
    regions.push_back(std::make_unique<Graph>(inner.clone()));
    regions.push_back(std::make_unique<Graph>(std::move(inner)));
    (void)c;
    const Result<Node*> node = outer.add(op::Fused{}, {x}, {}, {}, nullptr, {});
    EXPECT_FALSE(node.ok());  // a fused node needs its region
    regions.pop_back();
    const Result<Node*> fused = outer.add(op::Fused{}, {x}, {}, {}, nullptr, std::move(regions));
    status = fused.status();
    if (fused.ok()) outer.set_outputs({(*fused)->output()});
    inner = std::move(outer);
  }
  EXPECT_NE(status.message().find("nest deeper than 32"), std::string::npos) << status.message();
}

// Quadratic steps anywhere would make this take minutes.
TEST(Graph, LargeGraphsAreLinear) {
  constexpr int kNodes = 50000;
  const auto start = std::chrono::steady_clock::now();
  Graph graph;
  Value* x = graph.add_input("x", kPair);
  Value* value = x;
  std::vector<Value*> all;
  for (int i = 0; i < kNodes; ++i) {
    value = *graph.make(binary(i % 2 ? ScalarOp::kAdd : ScalarOp::kMul), {value, x}, {});
    all.push_back(value);
  }
  graph.set_outputs({value});
  EXPECT_TRUE(verify(graph).ok());
  const Graph copy = graph.clone();
  const Result<Graph> parsed = parse_graph(print(copy));
  ASSERT_TRUE(parsed.ok()) << to_string(parsed.status());
  EXPECT_EQ(parsed->size(), graph.size());
  Value* y = graph.add_input("y", kPair);
  graph.replace_uses(x, y);
  for (int i = 0; i < kNodes / 2; ++i) {  // from the front, where x's uses are oldest
    graph.replace_uses(all[static_cast<size_t>(i)], y);
    graph.erase(all[static_cast<size_t>(i)]->producer);
  }
  graph.set_outputs({y});
  EXPECT_EQ(graph.remove_dead(), kNodes / 2);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

}  // namespace
}  // namespace carnot
