// Networks made through the public API: walked, cloned, with bodies, and built.
#include "carnot/network.h"

#include <gtest/gtest.h>

#include <cstring>

#include "carnot/builder.h"
#include "carnot/engine.h"

namespace carnot {
namespace {

using Handle = Network::Handle;

Network doubling() {
  Network n;
  const Handle x = n.add_input("x", {DType::kF32, {Dim::symbol("n")}});
  n.set_origin({"twice (Add)"});
  op::Pointwise add;
  add.body.inputs = 2;
  add.body.results = {add.body.add(ScalarOp::kAdd, 0, 1)};
  const Handle pair[] = {x, x};
  n.mark_output((*n.add(add, pair))[0], "y");
  return n;
}

TEST(Network, IsWalkedInOrder) {
  const Network n = doubling();
  const std::vector<Network::Node> nodes = n.nodes();
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<op::Pointwise>(nodes[0].op));
  EXPECT_EQ(nodes[0].origin, std::vector<std::string>{"twice (Add)"});
  EXPECT_EQ(nodes[0].inputs, (std::vector<Handle>{n.input_handles()[0], n.input_handles()[0]}));
  EXPECT_EQ(nodes[0].outputs, n.output_handles());
  EXPECT_EQ(n.name(nodes[0].inputs[0]), "x");
  EXPECT_EQ(to_string(n.type(nodes[0].outputs[0])), "f32[?n]");
}

TEST(Network, OutputsKeepTheirNames) {
  Network n;
  for (const char* name : {"a", "b", "c"})
    n.mark_output(n.add_constant(Tensor::zeros(DType::kF32, {1})), name);
  const std::vector<TensorSpec> outputs = n.outputs();
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_EQ(outputs[0].name + outputs[1].name + outputs[2].name, "abc");
}

TEST(Network, AnOperationOfAnyKindIsAddedAgain) {
  const Network from = doubling();
  Network to;
  const Handle x = to.add_input("x", {DType::kF32, {3}});
  const Handle pair[] = {x, x};
  const auto y = to.add(from.nodes()[0].op, pair);
  ASSERT_TRUE(y.ok());
  EXPECT_EQ(to_string(to.type((*y)[0])), "f32[3]");
}

TEST(Network, ElementsOfShapesAreKnown) {
  Network n;
  const Handle x[] = {n.add_input("x", {DType::kF32, {Dim::symbol("n"), 3}})};
  const Handle shape = (*n.add(op::ShapeOf{}, x))[0];
  ASSERT_TRUE(n.elements(shape).has_value());
  EXPECT_EQ(to_string(*n.elements(shape)), "[?n, 3]");
  EXPECT_FALSE(n.elements(x[0]).has_value());
}

TEST(Network, BodiesAreGivenAsNetworks) {
  Network n;
  const Handle condition = n.add_input("c", {DType::kBool, {}});
  const Handle x = n.add_input("x", {DType::kF32, {2}});
  Network bodies[2];
  for (Network& body : bodies) body.mark_output(body.add_input("x", {DType::kF32, {2}}), "y");
  op::If branch;
  branch.types = {{DType::kF32, {2}}};
  const Handle operands[] = {condition, x};
  const auto y = n.add(branch, operands, bodies);
  ASSERT_TRUE(y.ok()) << y.status().message();
  n.mark_output((*y)[0], "y");
  EXPECT_EQ(n.clone().nodes()[0].bodies.size(), 2u);
  EXPECT_EQ(n.clone().to_text(), n.to_text());
}

TEST(Network, AnEngineKeepsMetadataAndNamesItsSteps) {
  BuilderOptions options;
  options.effort = 0;
  options.metadata["my.key"] = "my value";
  std::string timings;
  options.timing_cache_text = &timings;
  const auto bytes = build(doubling(), options);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  const auto engine = Engine::load(*bytes);
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ((*engine)->metadata().at("my.key"), "my value");
  const std::vector<StepInfo> steps = (*engine)->steps();
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].origin, std::vector<std::string>{"twice (Add)"});
  ASSERT_EQ(steps[0].outputs.size(), 1u);
  EXPECT_EQ(to_string(steps[0].outputs[0].type), "f32[?n]");
}

TEST(Network, AWindowThatDoesNotFitIsRefusedInARun) {
  Network n;
  const Handle x = n.add_input("x", {DType::kF32, {1, 2, Dim::symbol("h"), 4}});
  n.set_origin({"pool1 (MaxPool)"});
  op::Pool pool;
  pool.kernel = pool.strides = {2, 2};
  n.mark_output((*n.add(pool, {&x, 1}))[0], "y");
  BuilderOptions options;
  options.effort = 0;
  const auto bytes = build(std::move(n), options);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  const auto engine = Engine::load(*bytes);
  ASSERT_TRUE(engine.ok());
  auto context = (*engine)->make_context();
  ASSERT_TRUE(context.ok());
  const auto run = [&](int64_t h) {
    const Status set = context->set_input("x", Tensor::zeros(DType::kF32, {1, 2, h, 4}));
    return set.ok() ? context->run() : set;
  };
  EXPECT_TRUE(run(2).ok());
  EXPECT_NE(run(1).message().find("pool1 (MaxPool): its window must fit into spatial axis 0"),
            std::string::npos);
  EXPECT_TRUE(run(0).ok());  // nothing of nothing
  EXPECT_TRUE(run(3).ok());
}

// f8e8m0 has no zero: tuning must not take its least number for a wrong result.
TEST(Network, PowersTooSmallForTheirTypeAreBuilt) {
  Network n;
  const Handle x = n.add_input("x", {DType::kF8E8M0, {4}});
  op::Pointwise zero;
  zero.body.inputs = 1;
  const int32_t tiny = zero.body.constant(DType::kF8E8M0, 0x1p-120);
  const int32_t product = zero.body.add(ScalarOp::kMul, 0, tiny);
  zero.body.results = {zero.body.add(ScalarOp::kMul, product, tiny)};
  const Handle inputs[] = {x};
  const auto y = n.add(zero, inputs);
  ASSERT_TRUE(y.ok()) << y.status().message();
  n.mark_output((*y)[0], "y");
  const auto bytes = build(std::move(n), {});
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
}

TEST(Network, AnImportSaysWhereItStopped) {
  ImportProblem problem;
  const std::byte garbage[] = {std::byte{1}, std::byte{2}};
  EXPECT_FALSE(Network::from_onnx(std::span<const std::byte>(garbage), {}, &problem).ok());
  EXPECT_EQ(problem.node, -1);
  EXPECT_FALSE(onnx_nodes(garbage).ok());
  EXPECT_TRUE(supports_onnx_op("Conv"));
  EXPECT_FALSE(supports_onnx_op("NoSuchOperator"));
}

}  // namespace
}  // namespace carnot
