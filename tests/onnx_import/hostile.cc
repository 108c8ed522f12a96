#include "tests/onnx_import/hostile.h"

#include <limits>

#include "tests/onnx_import/encode.h"

namespace carnot {

namespace {

using namespace encode;  // NOLINT: this file is a list of models

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

/// x: f32[2, 3] through the given nodes to y.
Graph graph(std::vector<Message> nodes, std::vector<Message> initializers = {}) {
  return {std::move(nodes),
          {value("x", kFloat, {2, 3})},
          {value("y", kFloat)},
          std::move(initializers)};
}

/// One node on x with an attribute, and integer operands that are initializers.
std::string one(std::string_view op, std::vector<Message> attributes = {},
                const std::vector<std::vector<int64_t>>& operands = {}, int64_t opset = 17) {
  Names inputs = {"x"};
  std::vector<Message> initializers;
  for (size_t i = 0; i < operands.size(); ++i) {
    inputs.push_back("c" + std::to_string(i));
    initializers.push_back(
        tensor_i64(inputs.back(), {static_cast<int64_t>(operands[i].size())}, operands[i]));
  }
  return model(graph({node(op, inputs, {"y"}, attributes, "n1")}, initializers), opset);
}

Message relu(const std::string& from, const std::string& to) {
  return node("Relu", {from}, {to});
}

/// A tensor of the given shape and bytes, used once.
std::string with_tensor(const Message& tensor) {
  return model(graph({node("Add", {"x", "w"}, {"y"}, {}, "n1")}, {tensor}));
}

/// If inside If inside If ...
Message nested_if(int depth) {
  Graph branch;
  branch.outputs = {value("b", kFloat, {2, 3})};
  branch.nodes = {depth == 0 ? node("Identity", {"x"}, {"b"})
                             : node("If", {"c"}, {"b"},
                                    {attribute_graph("then_branch", nested_if(depth - 1)),
                                     attribute_graph("else_branch", nested_if(0))})};
  return encode::encode(branch);
}

std::string deep_model(int depth) {
  Graph g = graph({node("If", {"c"}, {"y"},
                        {attribute_graph("then_branch", nested_if(depth)),
                         attribute_graph("else_branch", nested_if(0))})});
  g.inputs.push_back(value("c", kBool, {}));
  return model(g);
}

std::string function(std::string_view name, const std::vector<Message>& nodes) {
  Message out;
  out.text(1, name).text(4, "a").text(5, "b");
  for (const Message& n : nodes) out.message(7, n);
  out.message(9, Message().integer(2, 17)).text(10, "f");
  return Message().message(25, out).bytes();
}

Message call(const std::string& name, const std::string& from, const std::string& to) {
  return node(name, {from}, {to}).text(7, "f");
}

/// f0 is Relu, f1 calls f0 twice, f2 calls f1 twice ...
std::string doubling_functions(int count) {
  std::string more = function("f0", {relu("a", "b")});
  for (int i = 1; i < count; ++i) {
    const std::string before = "f" + std::to_string(i - 1);
    more += function("f" + std::to_string(i), {call(before, "a", "t"), call(before, "t", "b")});
  }
  more += Message().message(8, Message().text(1, "f").integer(2, 1)).bytes();
  return model(graph({call("f" + std::to_string(count - 1), "x", "y")}), 17, more);
}

/// What the loop carries doubles in each iteration; within it the same again.
Message growing_loop(int depth) {
  encode::Graph body;
  body.inputs = {value("i", kInt64, {}), value("go", kBool, {}), value("v", kFloat)};
  body.outputs = {value("go2", kBool, {}), value("v2", kFloat)};
  body.nodes = {node("Identity", {"go"}, {"go2"}),
                depth == 0 ? node("Concat", {"v", "v"}, {"v2"}, {attribute("axis", int64_t{0})})
                           : node("Loop", {"", "", "v"}, {"v2"},
                                  {attribute_graph("body", growing_loop(depth - 1))})};
  return encode::encode(body);
}

void add_bytes(std::vector<HostileModel>& out) {
  const std::string good = one("Relu");
  out.push_back({"empty", "", Code::kInvalidModel, "no graph"});
  out.push_back({"text", "dummy", Code::kInvalidModel, "not an ONNX model"});
  out.push_back({"gzip", "\x1f\x8b\x08", Code::kInvalidModel, "not an ONNX model"});
  out.push_back({"long_varint", std::string(12, '\xff'), Code::kInvalidModel, "malformed"});
  out.push_back(
      {"field_zero", std::string("\x00\x01", 2), Code::kInvalidModel, "no protobuf field"});
  out.push_back({"group", "\x3b\x3c", Code::kInvalidModel, "wire type"});
  out.push_back({"wrong_wire_type", "\x38\x01", Code::kInvalidModel, "instead of 2"});
  for (const uint64_t size :
       {uint64_t{1} << 31, uint64_t{1} << 32, ~uint64_t{0} >> 1, ~uint64_t{0}}) {
    out.push_back({"length_" + std::to_string(size), "\x3a" + varint(size) + "x",
                   Code::kInvalidModel, "are left"});
  }
  std::string many;
  for (int i = 0; i < 3'000'000; ++i) many += std::string("\x0a\x00", 2);  // empty nodes
  out.push_back(
      {"many_empty_nodes", Message().text(7, many).bytes(), Code::kResourceLimit, "more objects"});
  std::string deep;
  for (int i = 0; i < 20'000; ++i)
    deep = Message().text(6, Message().text(5, deep).bytes()).bytes();
  out.push_back({"deep_attributes", Message().text(7, Message().text(1, deep).bytes()).bytes(),
                 Code::kInvalidModel, ""});
  out.push_back({"no_opset", Message().integer(1, 8).message(7, encode::encode(graph({}))).bytes(),
                 Code::kInvalidModel, "no opset"});
  out.push_back({"opset_0", one("Relu", {}, {}, 0), Code::kInvalidModel, "opset"});
  out.push_back({"opset_999", one("Relu", {}, {}, 999), Code::kUnsupported, "999"});
  out.push_back({"ir_version", "\x08" + varint(uint64_t(kMost)) + good.substr(2),
                 Code::kUnsupported, "IR version"});
  out.push_back({"no_ir_version", good.substr(2), Code::kInvalidModel, "IR version"});
}

void add_graphs(std::vector<HostileModel>& out) {
  out.push_back({"no_outputs", model({{relu("x", "y")}, {value("x", kFloat, {1})}, {}, {}}),
                 Code::kInvalidModel, "no outputs"});
  out.push_back({"self_loop", model(graph({relu("y", "y")})), Code::kInvalidModel, "a cycle"});
  out.push_back({"cycle", model(graph({relu("b", "a"), relu("a", "b"), relu("b", "y")})),
                 Code::kInvalidModel, "in a cycle or not sorted"});
  out.push_back({"dangling", model(graph({relu("nowhere", "y")})), Code::kInvalidModel,
                 "\"nowhere\" is neither"});
  out.push_back({"two_producers", model(graph({relu("x", "y"), relu("x", "y")})),
                 Code::kInvalidModel, "already defined"});
  out.push_back({"output_missing", model(graph({relu("x", "z")})), Code::kInvalidModel,
                 "\"y\" is not computed"});
  out.push_back({"unknown_op", one("Frobnicate"), Code::kUnsupported, "no operator of this name"});
  out.push_back({"removed_op", one("Upsample", {}, {}, 17), Code::kInvalidModel, "removed"});
  out.push_back({"too_many_inputs", model(graph({node("Relu", {"x", "x"}, {"y"}, {}, "n1")})),
                 Code::kInvalidModel, "node \"n1\" (Relu): has 2 inputs"});
  out.push_back({"missing_input", model(graph({node("Add", {"x", ""}, {"y"}, {}, "n1")})),
                 Code::kInvalidModel, "needs its input 1"});
  out.push_back({"negative_dim",
                 model({{relu("x", "y")}, {value("x", kFloat, {-5})}, {value("y", kFloat)}, {}}),
                 Code::kInvalidModel, "size of axis 0 is -5"});
  out.push_back({"huge_dim",
                 model({{node("Add", {"x", "z"}, {"y"})},
                        {value("x", kFloat, {kMost, 1}), value("z", kFloat, {1, kMost})},
                        {value("y", kFloat)},
                        {}}),
                 Code::kResourceLimit, "too large"});
  out.push_back({"element_type",
                 model({{relu("x", "y")}, {value("x", 9999, {1})}, {value("y", kFloat)}, {}}),
                 Code::kInvalidModel, "9999"});
  out.push_back(
      {"output_type",
       model({{relu("x", "y")}, {value("x", kFloat, {1})}, {value("y", kInt64, {1})}, {}}),
       Code::kInvalidModel, "declares INT64"});
  out.push_back({"attribute_type", one("Flatten", {attribute("axis", 1.5F)}), Code::kInvalidModel,
                 "is of type FLOAT, expected INT"});
  out.push_back({"attribute_unknown_type",
                 one("Flatten", {Message().text(1, "axis").integer(3, 1).integer(20, 99)}),
                 Code::kInvalidModel, "unknown type 99"});
  out.push_back({"attribute_two_values",
                 one("Flatten", {attribute("axis", int64_t{1}).text(4, "x")}), Code::kInvalidModel,
                 "values of several types"});
  out.push_back({"deep_if", deep_model(33), Code::kInvalidModel, "deeper"});
  out.push_back({"functions_double", doubling_functions(60), Code::kResourceLimit, "inlined"});
  out.push_back({"loops_grow",
                 model(graph({node("Loop", {"", "", "x"}, {"y"},
                                   {attribute_graph("body", growing_loop(24))})})),
                 Code::kResourceLimit, "too often"});
  const std::string self = function("f0", {call("f0", "a", "b")}) +
                           Message().message(8, Message().text(1, "f").integer(2, 1)).bytes();
  out.push_back({"function_recursion", model(graph({call("f0", "x", "y")}), 17, self),
                 Code::kUnsupported, "cycle"});
}

void add_tensors(std::vector<HostileModel>& out) {
  const std::string floats(24, '\0');
  out.push_back({"raw_data_short", with_tensor(tensor("w", kFloat, {2, 3}, floats.substr(1))),
                 Code::kInvalidModel, "raw_data has 23 bytes"});
  out.push_back({"raw_data_long", with_tensor(tensor("w", kFloat, {1}, floats)),
                 Code::kInvalidModel, "needs 4"});
  out.push_back({"dims_overflow",
                 with_tensor(tensor("w", kFloat, {int64_t{1} << 32, int64_t{1} << 32}, floats)),
                 Code::kResourceLimit, "2^62"});
  out.push_back({"dims_negative", with_tensor(tensor("w", kFloat, {-1}, floats)),
                 Code::kInvalidModel, "negative"});
  out.push_back({"rank", with_tensor(tensor("w", kFloat, std::vector<int64_t>(1025, 1), "abcd")),
                 Code::kUnsupported, "1025 axes"});
  out.push_back(
      {"data_type", with_tensor(tensor("w", 77, {2, 3}, floats)), Code::kInvalidModel, "77"});
  out.push_back(
      {"complex", with_tensor(tensor("w", 14, {3}, floats)), Code::kUnsupported, "COMPLEX64"});
  out.push_back({"string_raw", with_tensor(tensor("w", kString, {24}, floats)), Code::kInvalidModel,
                 "raw_data"});
  out.push_back({"raw_and_typed", with_tensor(tensor("w", kFloat, {2, 3}, floats).real(4, 1)),
                 Code::kInvalidModel, "both"});
  out.push_back({"typed_short",
                 with_tensor(Message().integer(1, 2).integer(2, kFloat).text(8, "w").real(4, 1)),
                 Code::kInvalidModel, "has 1 elements, the shape 2"});
  out.push_back({"typed_wrong_field",
                 with_tensor(Message().integer(1, 1).integer(2, kFloat).text(8, "w").integer(5, 1)),
                 Code::kInvalidModel, "another element type"});
  out.push_back(
      {"packed_odd",
       with_tensor(Message().integer(1, 1).integer(2, kFloat).text(8, "w").text(4, "abc")),
       Code::kInvalidModel, "not a multiple of 4"});
  out.push_back({"segment", with_tensor(tensor("w", kFloat, {2, 3}, floats).text(3, "")),
                 Code::kUnsupported, "segments"});
  const Message location = Message().text(1, "location").text(2, "../secret");
  out.push_back({"external_in_memory",
                 with_tensor(Message()
                                 .integer(1, 1)
                                 .integer(2, kFloat)
                                 .text(8, "w")
                                 .message(13, location)
                                 .integer(14, 1)),
                 Code::kInvalidModel, "in memory"});
  const Message sparse = Message()
                             .message(1, tensor_f32("w", {1}, {1.0F}))
                             .message(2, tensor_i64("i", {1}, {7}))
                             .integer(3, 2)
                             .integer(3, 3);
  Graph g = graph({node("Add", {"x", "w"}, {"y"})});
  Message bytes = encode::encode(g);
  bytes.message(15, sparse);
  out.push_back(
      {"sparse_index",
       Message().integer(1, 8).message(7, bytes).message(8, Message().integer(2, 17)).bytes(),
       Code::kInvalidModel, "out of range"});
}

void add_attributes(std::vector<HostileModel>& out) {
  const auto invalid = [&](const std::string& name, const std::string& bytes,
                           const std::string& message = "") {
    out.push_back({name, bytes, Code::kInvalidModel, message});
  };
  for (const int64_t axis : {kLeast, int64_t{-3}, int64_t{2}, kMost}) {
    const std::string at = std::to_string(axis);
    invalid("softmax_axis_" + at, one("Softmax", {attribute("axis", axis)}), "axis");
    invalid("gather_axis_" + at, one("Gather", {attribute("axis", axis)}, {{0}}), "axis");
    invalid("concat_axis_" + at, one("Concat", {attribute("axis", axis)}), "axis");
    invalid("unsqueeze_axis_" + at, one("Unsqueeze", {},
                                        {{axis == 2    ? 5
                                          : axis == -3 ? -5
                                                       : axis}}));
    invalid("reduce_axis_" + at, one("ReduceMean", {attribute("axes", std::vector{axis})}), "axis");
  }
  invalid("slice_step_0", one("Slice", {}, {{0}, {1}, {0}, {0}}), "step is 0");
  invalid("slice_lengths", one("Slice", {}, {{0, 0}, {1}}), "differ in length");
  invalid("slice_axes_repeat", one("Slice", {}, {{0, 0}, {1, 1}, {1, 1}}), "twice");
  invalid("reshape_two_rests", one("Reshape", {}, {{-1, -1}}), "more than one size is -1");
  invalid("reshape_volume", one("Reshape", {}, {{4, 2}}), "");
  invalid("reshape_rest", one("Reshape", {}, {{4, -1}}), "cannot be reshaped");
  invalid("expand", one("Expand", {}, {{2, 4}}), "");
  invalid("expand_negative", one("Expand", {}, {{2, -3}}), "");
  invalid("tile_count", one("Tile", {}, {{2}}), "repeats");
  invalid("tile_negative", one("Tile", {}, {{2, -1}}), "repeat is -1");
  invalid("split_sum", one("Split", {}, {{7}}), "sum to 7");
  invalid("transpose_perm", one("Transpose", {attribute("perm", std::vector<int64_t>{0, 0})}),
          "twice");
  invalid("squeeze", one("Squeeze", {}, {{1}}), "is not of size 1");
  invalid("depth_to_space", one("DepthToSpace", {attribute("blocksize", int64_t{2})}), "rank 4");
  invalid("pad_count", one("Pad", {}, {{1}}), "has 1 pads");
  invalid("einsum", one("Einsum", {attribute("equation", std::string_view("ijk->i"))}),
          "does not fit");
  invalid("einsum_operands", one("Einsum", {attribute("equation", std::string_view("i,j->ij"))}),
          "2 terms for 1");
  invalid("top_k", one("TopK", {}, {{9}}), "");
  invalid("max_pool_rank", one("MaxPool", {attribute("kernel_shape", std::vector<int64_t>{2})}),
          "rank 3 or more");
  invalid("lrn_size", one("LRN", {attribute("size", int64_t{0})}), "size is 0");
}

/// Small models that ask for much: they import (nothing is computed), or say why not.
void add_bombs(std::vector<HostileModel>& out) {
  out.push_back(
      {"tile_overflow", one("Tile", {}, {{kMost, kMost}}), Code::kResourceLimit, "result"});
  out.push_back({"pad_overflow", one("Pad", {}, {{kMost, kMost, kMost, kMost}}),
                 Code::kResourceLimit, "result"});
  out.push_back(
      {"expand_overflow", one("Expand", {}, {{kMost, 1, 2, 3}}), Code::kResourceLimit, "result"});
  const Message shape = tensor_i64("s", {2}, {int64_t{1} << 40, int64_t{1} << 40});
  out.push_back(
      {"constant_of_shape",
       model(
           graph({node("ConstantOfShape", {"s"}, {"c"}), node("Add", {"x", "c"}, {"y"})}, {shape})),
       Code::kResourceLimit, "2^62"});
}

}  // namespace

std::vector<HostileModel> hostile_models() {
  std::vector<HostileModel> out;
  add_bytes(out);
  add_graphs(out);
  add_tensors(out);
  add_attributes(out);
  add_bombs(out);
  return out;
}

}  // namespace carnot
