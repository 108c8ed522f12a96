// Shape arithmetic: what infer() knows of the elements of sizes that have passed through a chain of
// operations, as a model computes the target of a reshape.
#include <gtest/gtest.h>

#include <limits>

#include "ops/elements.h"
#include "ops/op.h"
#include "tensor/type_text.h"

namespace carnot {
namespace {

Info info_of(const char* type) {
  return {parse_type(type).value(), std::nullopt};
}
Info constant(Tensor value) {
  return infer(Op(op::Constant{std::move(value)}), {}).value()[0];
}
Info scalar(int64_t value) {
  return constant(Tensor::from_i64({}, {value}));
}
Info vector(const std::vector<int64_t>& values) {
  return constant(Tensor::from_i64({static_cast<int64_t>(values.size())}, values));
}
Info run(const Op& op, const std::vector<Info>& operands) {
  const Result<std::vector<Info>> out = infer(op, operands);
  EXPECT_TRUE(out.ok()) << out.status().message();
  return out.ok() ? (*out)[0] : Info();
}
Info map(const char* body, const std::vector<Info>& operands) {
  const auto inputs = static_cast<int32_t>(operands.size());
  return run(op::Pointwise{parse_scalar_program(body, inputs).value()}, operands);
}
std::string known(const Info& info) {
  return info.elements ? to_string(*info.elements) : "unknown";
}

Info shape(const char* type) {
  return run(op::ShapeOf(), {info_of(type)});
}

TEST(Elements, MoveWithTheirOperation) {
  const Info sizes = shape("f32[?n, 3, ?h, ?w]");
  EXPECT_EQ(known(sizes), "[?n, 3, ?h, ?w]");
  EXPECT_EQ(known(run(op::Gather{}, {sizes, vector({-1, 0})})), "[?w, ?n]");
  EXPECT_EQ(known(run(op::Slice{{2}, {2}, {1}}, {sizes})), "[?h, ?w]");
  EXPECT_EQ(known(run(op::Slice{{3}, {4}, {-1}}, {sizes})), "[?w, ?h, 3, ?n]");
  const Info height = run(op::Gather{}, {sizes, scalar(2)});
  EXPECT_EQ(to_string(height.type), "i64[]");
  const Info one = run(op::Reshape{{1}}, {height});
  EXPECT_EQ(known(run(op::Concat{}, {one, vector({-1}), one})), "[?h, -1, ?h]");
  EXPECT_EQ(known(run(op::Expand{{3}}, {height})), "[?h, ?h, ?h]");
  // The pads of an export: pairs, last axis first, turned round.
  const Info pairs = run(op::Reshape{{2, 2}}, {sizes});
  EXPECT_EQ(known(run(op::Transpose{{1, 0}}, {pairs})), "[?n, ?h, 3, ?w]");
  EXPECT_EQ(known(run(op::Pad{{1}, {0}}, {sizes, scalar(7)})), "[7, ?n, 3, ?h, ?w]");
}

TEST(Elements, Arithmetic) {
  const Info sizes = shape("f32[?n, 8]");
  EXPECT_EQ(known(map("add(mul($0, $1), 1:i64)", {sizes, scalar(2)})), "[?n*2 + 1, 17]");
  EXPECT_EQ(known(map("div(sub($0, 1:i64), 2:i64)", {sizes})), "[(?n + 1)//2 - 1, 3]");
  EXPECT_EQ(known(map("cast(floor(mul(cast($0):f32, 2.0:f32))):i64", {sizes})), "[?n*2, 16]");
  EXPECT_EQ(known(map("max($0, 1:i64)", {sizes})), "[?n, 8]");
  EXPECT_EQ(known(map("select(eq($0, -1:i64), 5:i64, $0)", {sizes})), "[?n, 8]");
  EXPECT_EQ(known(map("lt($0, 1:i64)", {sizes})), "[0, 0]");
  EXPECT_EQ(known(run(op::Reduce{op::Reduce::kProduct, {}, false}, {sizes})), "[?n*8]");
  EXPECT_EQ(known(run(op::Reduce{op::Reduce::kSum, {0}, true}, {sizes})), "[?n + 8]");
  EXPECT_EQ(known(run(op::Range{3}, {scalar(4), scalar(10), scalar(2)})), "[4, 6, 8]");
}

TEST(Elements, WhatCannotBeToldIsNot) {
  const Info sizes = shape("f32[?n, 8]");
  EXPECT_EQ(known(map("div(sub($0, 3:i64), 2:i64)", {sizes})), "unknown");  // ?n may be 1
  EXPECT_EQ(known(map("div(cast($0):f32, 3.0:f32)", {sizes})), "unknown");
  EXPECT_EQ(known(map("select(gt($0, 4:i64), 1:i64, 2:i64)", {sizes})), "unknown");
  EXPECT_EQ(known(map("cast($0):i8", {sizes})), "unknown");  // may not fit
  EXPECT_EQ(known(map("add($0, $1)", {sizes, info_of("i64[2]")})), "unknown");
  EXPECT_EQ(known(map("mul($0, $0)", {vector({std::numeric_limits<int64_t>::max()})})), "unknown");
  EXPECT_EQ(known(constant(Tensor::from_f32({2}, {1, 0.5F}))), "unknown");
  EXPECT_EQ(known(run(op::Iota{{Info::kMaxElements + 1}}, {})), "unknown");
}

TEST(Elements, SizesOfWindowsAreExpressions) {
  op::Conv conv;
  conv.strides = {2, 2}, conv.pads_lo = {1, 1}, conv.pads_hi = {1, 1};
  const Info out = run(conv, {info_of("f32[?n, 3, ?h, 224]"), info_of("f32[8, 3, 3, 3]")});
  EXPECT_EQ(to_string(out.type), "f32[?n, 8, (?h + 1)//2, 112]");
  EXPECT_EQ(known(run(op::ShapeOf(), {out})), "[?n, 8, (?h + 1)//2, 112]");
}

}  // namespace
}  // namespace carnot
