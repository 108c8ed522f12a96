// Models as text: what is imported, printed.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/log.h"
#include "ir/executor.h"
#include "onnx/importer.h"
#include "tests/onnx_import/encode.h"

namespace carnot {
namespace {

using namespace encode;  // NOLINT

Result<carnot::Graph> import(const std::string& bytes, const ImportOptions& options = {}) {
  return import_onnx(std::as_bytes(std::span(bytes)), options);
}

std::string text(const std::string& bytes, const ImportOptions& options = {}) {
  const Result<carnot::Graph> graph = import(bytes, options);
  return graph.ok() ? print(*graph) : to_string(graph.status());
}

/// One node from x to y.
std::string one(const Message& node, const std::vector<Size>& x, int64_t opset = 17,
                std::vector<Message> initializers = {}) {
  return model({{node}, {value("x", kFloat, x)}, {value("y", kFloat)}, std::move(initializers)},
               opset);
}

/// The type of y.
std::string result(const std::string& bytes, const ImportOptions& options = {}) {
  const Result<carnot::Graph> graph = import(bytes, options);
  return graph.ok() ? to_string(graph->outputs()[0]->type()) : to_string(graph.status());
}

TEST(Import, NamesAndOriginsAreKept) {
  const std::string bytes =
      model({{node("Relu", {"in/put:0"}, {"a b"}, {}, "act"), node("Neg", {"a b"}, {"y"})},
             {value("in/put:0", kFloat, {"N", 3})},
             {value("y", kFloat)},
             {}});
  const Result<carnot::Graph> graph = import(bytes);
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  EXPECT_EQ(graph->inputs()[0]->name, "in/put:0");
  EXPECT_EQ(graph->nodes()[0]->output()->name, "a b");
  EXPECT_EQ(graph->nodes()[0]->origin, Origin{"act (Relu)"});
  EXPECT_EQ(graph->nodes()[1]->origin, Origin{"y (Neg)"});
  EXPECT_EQ(graph->output_names, std::vector<std::string>{"y"});
}

TEST(Import, BatchNormalizationFolds) {
  const std::string bytes = model(
      {{node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y"}, {attribute("epsilon", 0.0F)})},
       {value("x", kFloat, {"n", 2, 4})},
       {value("y", kFloat)},
       {tensor_f32("s", {2}, {2, 3}), tensor_f32("b", {2}, {1, 1}), tensor_f32("m", {2}, {1, 2}),
        tensor_f32("v", {2}, {4, 1})}});
  EXPECT_EQ(text(bytes), R"(graph g (%x: f32[?n, 2, 4]) {
  %0 = constant {value = f32[2] {1, 3}} : f32[2]
  %1 = reshape(%0) {sizes = [1, 2, 1]} : f32[1, 2, 1]
  %2 = constant {value = f32[2] {0, -5}} : f32[2]
  %3 = reshape(%2) {sizes = [1, 2, 1]} : f32[1, 2, 1]
  %y = pointwise(%x, %1, %3) by add(mul($0, $1), $2) : f32[?n, 2, 4]
  return %y
}
)");
}

TEST(Import, LegacyBroadcastAxis) {
  const Message add = node("Add", {"x", "b"}, {"y"},
                           {attribute("axis", int64_t{1}), attribute("broadcast", int64_t{1})});
  EXPECT_EQ(result(one(add, {2, 3, 4}, 6, {tensor_f32("b", {3}, {1, 2, 3})})), "f32[2, 3, 4]");
}

TEST(Import, SoftmaxBeforeOpset13WorksOnRows) {
  const std::string now = text(one(node("Softmax", {"x"}, {"y"}), {2, 3, 4}, 13));
  EXPECT_EQ(now.find("reshape"), std::string::npos);
  const std::string before = text(one(node("Softmax", {"x"}, {"y"}), {2, 3, 4}, 12));
  EXPECT_NE(before.find("reshape(%x) {sizes = [2, 12]}"), std::string::npos) << before;
}

TEST(Import, ShapeArithmeticBecomesSizes) {
  // reshape(x, [shape(x)[0], -1]) and slices of an unknown axis.
  const std::string bytes =
      model({{node("Shape", {"x"}, {"s"}), node("Gather", {"s", "zero"}, {"n"}),
              node("Unsqueeze", {"n", "zero1"}, {"n1"}),
              node("Concat", {"n1", "rest"}, {"t"}, {attribute("axis", int64_t{0})}),
              node("Reshape", {"x", "t"}, {"y"})},
             {value("x", kFloat, {"batch", 8, "h", "w"})},
             {value("y", kFloat)},
             {tensor_i64("zero", {}, {0}), tensor_i64("zero1", {1}, {0}),
              tensor_i64("rest", {1}, {-1})}});
  EXPECT_EQ(result(bytes), "f32[?batch, ?h*?w*8]");
}

std::string slice(const std::vector<Size>& x, int64_t start, int64_t end, int64_t step) {
  return result(one(node("Slice", {"x", "a", "b", "c", "d"}, {"y"}), x, 17,
                    {tensor_i64("a", {1}, {start}), tensor_i64("b", {1}, {end}),
                     tensor_i64("c", {1}, {0}), tensor_i64("d", {1}, {step})}));
}

TEST(Import, SliceClampsAndKeepsSizesPlain) {
  constexpr int64_t kMost = INT64_MAX, kLeast = INT64_MIN;
  EXPECT_EQ(slice({5}, 1, kMost, 1), "f32[4]");
  EXPECT_EQ(slice({5}, kLeast, kMost, 2), "f32[3]");
  EXPECT_EQ(slice({5}, kMost, kLeast, -1), "f32[5]");
  EXPECT_EQ(slice({5}, -2, -1, 1), "f32[1]");
  EXPECT_EQ(slice({5}, 4, 2, 1), "f32[0]");
  EXPECT_EQ(slice({5}, 3, kLeast, kLeast), "f32[1]");
  EXPECT_EQ(slice({"n"}, 0, kMost, 1), "f32[?n]");
  EXPECT_EQ(slice({"n"}, 1, kMost, 1), "f32[?n - 1]");
  EXPECT_EQ(slice({"n"}, 0, -1, 1), "f32[?n - 1]");
  EXPECT_EQ(slice({"n"}, 0, kMost, 2), "f32[(?n + 1)//2]");
  EXPECT_EQ(slice({"n"}, kMost, kLeast, -1), "f32[?n]");
}

TEST(Import, SplitOfAnUnknownAxis) {
  const std::string bytes = one(node("Split", {"x"}, {"y", "z"}), {"n"}, 13);
  EXPECT_EQ(result(bytes), "f32[(?n + 1)//2]");
}

TEST(Import, ConvWithSamePadding) {
  const auto conv = [](int64_t stride) {
    return node("Conv", {"x", "w"}, {"y"},
                {attribute("auto_pad", std::string_view("SAME_UPPER")),
                 attribute("strides", std::vector<int64_t>{stride})});
  };
  const std::vector<Message> w = {tensor_f32("w", {1, 1, 3}, {1, 1, 1})};
  EXPECT_EQ(result(one(conv(1), {1, 1, "n"}, 17, w)), "f32[1, 1, ?n]");
  EXPECT_EQ(result(one(conv(2), {1, 1, 7}, 17, w)), "f32[1, 1, 4]");
}

TEST(Import, InitializersListedAsInputsAreConstants) {
  const std::string bytes = model({{node("Add", {"x", "w"}, {"y"})},
                                   {value("x", kFloat, {2}), value("w", kFloat, {2})},
                                   {value("y", kFloat, {2})},
                                   {tensor_f32("w", {2}, {1, 2})}});
  const Result<carnot::Graph> graph = import(bytes);
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  EXPECT_EQ(graph->inputs().size(), 1U);
}

TEST(Import, SizesArePinnedEverywhere) {
  const std::string bytes = model({{node("Add", {"x", "z"}, {"y"})},
                                   {value("x", kFloat, {"n", 3}), value("z", kFloat, {"n", 3})},
                                   {value("y", kFloat)},
                                   {}});
  ImportOptions options;
  options.input_shapes["x"] = {4, 3};
  EXPECT_EQ(result(bytes, options), "f32[4, 3]");
  options.input_shapes["x"] = {4, 5};
  EXPECT_NE(result(bytes, options).find("axis 1 is fixed by the model"), std::string::npos);
  options.input_shapes = {{"q", {1}}};
  EXPECT_NE(result(bytes, options).find("has no input \"q\""), std::string::npos);
  options.input_shapes = {{"x", {4, 3}}, {"z", {5, 3}}};
  EXPECT_NE(result(bytes, options).find("which is 4 elsewhere"), std::string::npos);
}

TEST(Import, ASizeRenamedTwiceStaysOne) {
  const std::string bytes = model({{node("Add", {"x", "z"}, {"y"})},
                                   {value("x", kFloat, {"n", 3}), value("z", kFloat, {"n", 3})},
                                   {value("y", kFloat)},
                                   {}});
  const Dim a = Dim::symbol("a"), b = Dim::symbol("b");
  ImportOptions options;
  options.input_shapes = {{"x", {a, 3}}, {"z", {b, 3}}};
  EXPECT_EQ(result(bytes, options), "f32[?a, 3]");
  options.input_shapes = {{"x", {a, 3}}, {"z", {4, 3}}};
  EXPECT_EQ(result(bytes, options), "f32[4, 3]");
  options.input_shapes = {{"x", {4, 3}}, {"z", {b, 3}}};
  EXPECT_EQ(result(bytes, options), "f32[4, 3]");
}

TEST(Import, SizesWithoutNamesAreDistinct) {
  const std::string bytes = one(node("Relu", {"x"}, {"y"}), {-1, "?", "x.0"});
  EXPECT_EQ(result(bytes), "f32[?x.0, ?x.1, ?x.0_1]");
}

encode::Graph branch(const std::vector<Message>& nodes) {
  return {nodes, {}, {value("b", kFloat, {2})}, {}, "branch"};
}

TEST(Import, CapturesOfBranchesAreOperands) {
  const std::string bytes =
      model({{node("Neg", {"x"}, {"t"}),
              node("If", {"c"}, {"y"},
                   {attribute_graph("then_branch",
                                    encode::encode(branch({node("Add", {"t", "w"}, {"b"})}))),
                    attribute_graph("else_branch",
                                    encode::encode(branch({node("Relu", {"x"}, {"b"})})))})},
             {value("x", kFloat, {2}), value("c", kBool, {})},
             {value("y", kFloat, {2})},
             {tensor_f32("w", {2}, {1, 2})}});
  const Result<carnot::Graph> graph = import(bytes);
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  const Node* const node = graph->outputs()[0]->producer;
  ASSERT_TRUE(node->as<op::If>());
  EXPECT_EQ(node->inputs.size(), 3U);  // the condition, t and x; the weights are inside
  Budget budget;
  std::vector<Tensor> in = {Tensor::from_f32({2}, {5, -7}), Tensor::zeros(DType::kBool, {})};
  auto out = execute(*graph, in, budget);
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ((*out)[0], Tensor::from_f32({2}, {5, 0}));
  in[1] = Tensor::zeros(DType::kBool, {});
  in[1].set_int(0, 1);
  out = execute(*graph, in, budget);
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ((*out)[0], Tensor::from_f32({2}, {-4, 9}));
}

TEST(Import, KnownConditionsTakeTheirBranch) {
  const std::string bytes = model(
      {{node(
           "If", {"c"}, {"y"},
           {attribute_graph("then_branch", encode::encode(branch({node("Neg", {"x"}, {"b"})}))),
            attribute_graph("else_branch", encode::encode(branch({node("Relu", {"x"}, {"b"})})))})},
       {value("x", kFloat, {2}), value("c", kBool, {})},
       {value("y", kFloat, {2})},
       {}});
  ImportOptions options;
  options.input_values["c"] = Tensor::zeros(DType::kBool, {});
  EXPECT_EQ(text(bytes, options), R"(graph g (%x: f32[2]) {
  %b = pointwise(%x) by max($0, 0.0:f32) : f32[2]
  return %b as "y"
}
)");
}

TEST(Import, BranchesThatGivenShapesRuleOutFailWhenTaken) {
  const std::vector<Message> nodes = {
      node("Constant", {}, {"s"}, {attribute_tensor("value", tensor_i64("", {2}, {2, 2}))}),
      node("Reshape", {"x", "s"}, {"r"}),
      node("ReduceSum", {"r", "a"}, {"b"}, {attribute("keepdims", int64_t{0})})};
  const std::string bytes = model(
      {{node("If", {"c"}, {"y"},
             {attribute_graph("then_branch", encode::encode(branch({node("Relu", {"x"}, {"b"})}))),
              attribute_graph("else_branch", encode::encode(branch(nodes)))})},
       {value("x", kFloat, {"n"}), value("c", kBool, {})},
       {value("y", kFloat)},
       {tensor_i64("a", {1}, {0})}});
  ASSERT_TRUE(import(bytes).ok());  // n may be 4
  ImportOptions options;
  options.input_shapes["x"] = {3};
  set_log_level(LogLevel::kError);
  const Result<carnot::Graph> graph = import(bytes, options);
  set_log_level(LogLevel::kWarning);
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  Budget budget;
  Tensor yes = Tensor::zeros(DType::kBool, {});
  yes.set_int(0, 1);
  std::vector<Tensor> in = {Tensor::from_f32({3}, {1, -2, 3}), yes};
  EXPECT_TRUE(execute(*graph, in, budget).ok());
  in[1] = Tensor::zeros(DType::kBool, {});
  const auto out = execute(*graph, in, budget);
  ASSERT_FALSE(out.ok());
  EXPECT_NE(out.status().message().find("cannot become"), std::string::npos)
      << to_string(out.status());
}

TEST(Import, WhatGrowsInALoopGetsASymbol) {
  encode::Graph body;
  body.inputs = {value("i", kInt64, {}), value("go", kBool, {}), value("v", kFloat, {1})};
  body.outputs = {value("go2", kBool, {}), value("v2", kFloat)};
  body.nodes = {node("Identity", {"go"}, {"go2"}),
                node("Concat", {"v", "x"}, {"v2"}, {attribute("axis", int64_t{0})})};
  const std::string bytes =
      model({{node("Loop", {"m", "", "x"}, {"y"}, {attribute_graph("body", encode::encode(body))})},
             {value("x", kFloat, {1}), value("m", kInt64, {})},
             {value("y", kFloat, {"k"})},
             {}});
  const Result<carnot::Graph> graph = import(bytes);
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  Budget budget;
  const std::vector<Tensor> in = {Tensor::from_f32({1}, {7}), Tensor::from_i64({}, {3})};
  const auto out = execute(*graph, in, budget);
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ((*out)[0], Tensor::from_f32({4}, {7, 7, 7, 7}));
}

TEST(Import, FunctionsAreInlined) {
  // twice(a) <alpha> = LeakyRelu<alpha = @alpha>(LeakyRelu<alpha = @alpha>(a))
  const Message reference = Message().text(1, "alpha").integer(20, 1).text(21, "slope");
  const Message function = Message()
                               .text(1, "twice")
                               .text(4, "a")
                               .text(5, "b")
                               .text(6, "slope")
                               .message(7, node("LeakyRelu", {"a"}, {"t"}, {reference}))
                               .message(7, node("LeakyRelu", {"t"}, {"b"}, {reference}))
                               .message(9, Message().integer(2, 17))
                               .text(10, "own");
  const std::string more = Message().message(25, function).bytes() +
                           Message().message(8, Message().text(1, "own").integer(2, 1)).bytes();
  const auto call = [](const std::vector<Message>& attributes) {
    return node("twice", {"x"}, {"y"}, attributes).text(7, "own");
  };
  const auto file = [&](const Message& n) {
    return model({{n}, {value("x", kFloat, {2})}, {value("y", kFloat, {2})}, {}}, 17, more);
  };
  EXPECT_EQ(text(file(call({attribute("slope", 0.5F)}))), R"(graph g (%x: f32[2]) {
  %"y/t" = pointwise(%x) by select(ge($0, 0.0:f32), $0, mul($0, 0.5:f32)) : f32[2]
  %"y/b" = pointwise(%"y/t") by select(ge($0, 0.0:f32), $0, mul($0, 0.5:f32)) : f32[2]
  return %"y/b" as "y"
}
)");
  EXPECT_NE(text(file(call({}))).find("attribute \"slope\" is missing"), std::string::npos);
}

TEST(Import, RunTimeTargets) {
  const std::string bytes = model({{node("Reshape", {"x", "t"}, {"y"})},
                                   {value("x", kFloat, {2, 6}), value("t", kInt64, {3})},
                                   {value("y", kFloat, {"a", "b", "c"})},
                                   {}});
  const Result<carnot::Graph> graph = import(bytes);
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  Budget budget;
  std::vector<float> values(12);
  std::generate(values.begin(), values.end(), [i = 0.0F]() mutable { return i++; });
  const std::vector<Tensor> in = {Tensor::from_f32({2, 6}, values),
                                  Tensor::from_i64({3}, {0, -1, 3})};
  const auto out = execute(*graph, in, budget);
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ((*out)[0].shape(), (Shape{2, 2, 3}));
}

TEST(Import, ErrorsNameTheNode) {
  EXPECT_EQ(text(one(node("Conv", {"x", "w"}, {"y"}, {}, "conv1"), {1, 3, 8, 8}, 17,
                     {tensor_f32("w", {4, 2, 1, 1}, std::vector<float>(8))})),
            "invalid model: model in memory: node \"conv1\" (Conv): conv: the operand "
            "f32[1, 3, 8, 8] has 3 channels, the weights f32[4, 2, 1, 1] in 1 groups take 2");
  EXPECT_EQ(
      text(one(node("SequenceAt", {"x"}, {"y"}), {2})),
      "unsupported: model in memory: node \"y\" (SequenceAt): the operator is not supported: "
      "sequences of tensors are not supported; export the model with a fixed list of tensors");
}

TEST(SupportedOps, AreSortedAndSayWhy) {
  const std::vector<SupportedOp> ops = supported_ops();
  EXPECT_GT(ops.size(), 180U);
  EXPECT_TRUE(std::is_sorted(ops.begin(), ops.end(), [](const auto& a, const auto& b) {
    return std::tie(a.domain, a.name, a.since) < std::tie(b.domain, b.name, b.since);
  }));
  const auto refused = std::find_if(ops.begin(), ops.end(),
                                    [](const SupportedOp& op) { return op.name == "Bernoulli"; });
  ASSERT_NE(refused, ops.end());
  EXPECT_FALSE(refused->refused.empty());
}

}  // namespace
}  // namespace carnot
