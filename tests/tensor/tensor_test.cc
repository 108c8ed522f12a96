// Tensors: storage, sharing, elements, text.
#include "carnot/tensor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/codec.h"
#include "tensor/fill.h"
#include "tensor/text.h"

namespace carnot {
namespace {

const DType kAll[] = {
#define CARNOT_DTYPE(name, text, bits, kind) DType::name,
#include "carnot/dtypes.def"
};

TEST(Tensor, ElementsOfEveryType) {
  for (const DType dtype : kAll) {
    if (dtype == DType::kString) continue;
    Tensor t = Tensor::zeros(dtype, {5});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(t.data()) % 64, 0u);
    EXPECT_EQ(t.bytes(), static_cast<size_t>((5 * bits_of(dtype) + 7) / 8));
    t.set(1, 1);
    t.set(4, 2);
    EXPECT_EQ(t.get(1), 1) << to_string(dtype);
    EXPECT_EQ(t.get(4), dtype == DType::kBool ? 1 : 2) << to_string(dtype);
    EXPECT_TRUE(t.get(0) == 0 || dtype == DType::kF8E8M0);
    EXPECT_EQ(parse_dtype(to_string(dtype)), dtype);
  }
  EXPECT_FALSE(parse_dtype("f31").has_value());
}

TEST(Tensor, SixtyFourBitIntegersAreExact) {
  Tensor t = Tensor::zeros(DType::kU64, {2});
  t.set_int(0, -1);
  EXPECT_EQ(t.get_int(0), -1);
  EXPECT_EQ(t.get(0), 0x1p64);
  Tensor i = Tensor::from_i64({1}, {INT64_MIN + 1});
  EXPECT_EQ(i.get_int(0), INT64_MIN + 1);
}

TEST(Tensor, RefusesWhatCannotBe) {
  EXPECT_FALSE(Tensor::allocate(DType::kF32, {-1}).ok());
  EXPECT_FALSE(Tensor::allocate(DType::kF32, {INT64_MAX, 4}).ok());
  EXPECT_EQ(Tensor::allocate(DType::kF32, {int64_t{1} << 55}).status().code(), Code::kOutOfMemory);
  const std::byte bytes[4] = {};
  EXPECT_FALSE(Tensor::wrap(DType::kF32, {2}, bytes, nullptr).ok());
  EXPECT_TRUE(Tensor::wrap(DType::kF32, {1}, bytes, nullptr).ok());
}

TEST(Tensor, SplatsEqualDenseTensors) {
  for (const DType dtype : kAll) {
    const Tensor one = *fill(dtype, {}, 3);
    const Tensor splat = Tensor::splat(one, {3, 3});
    const Tensor dense = *splat.dense();
    EXPECT_FALSE(dense.is_splat());
    EXPECT_EQ(splat, dense) << to_string(dtype);
    EXPECT_EQ(dense, splat);
    EXPECT_EQ(hash(splat), hash(dense));
    Tensor other = *fill(dtype, {3, 3}, 4);
    EXPECT_TRUE(other == dense || hash(other) != hash(dense));
  }
  EXPECT_EQ(Tensor().elements(), 0);
  EXPECT_EQ(Tensor(), Tensor::zeros(DType::kF32, {0}));
}

TEST(TensorText, IsExact) {
  for (const DType dtype : kAll) {
    for (const Fill kind : {Fill::kUniform, Fill::kSmallInts, Fill::kProvoking}) {
      const Tensor t = *fill(dtype, {3, 7}, 5, kind);
      const Result<Tensor> back = parse_tensor(print_whole(t));
      ASSERT_TRUE(back.ok()) << back.status().message();
      EXPECT_EQ(*back, t) << print_whole(t);
      const Tensor splat = Tensor::splat(*fill(dtype, {}, 7, kind), {2, 500});
      EXPECT_EQ(*parse_tensor(print(splat)), splat) << print(splat);
    }
  }
  // Every pattern, NaN payloads included.
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    Tensor t = Tensor::zeros(dtype, {65536});
    for (int64_t i = 0; i < 65536; ++i) t.as<uint16_t>()[i] = static_cast<uint16_t>(i);
    EXPECT_EQ(*parse_tensor(print_whole(t)), t);
  }
  EXPECT_EQ(print(Tensor::from_f32({2}, {1, 2.5})), "f32[2] {1, 2.5}");
  EXPECT_EQ(to_string(Tensor::from_i64({3}, {1, 2, 3}), 2), "i64[3] {1, 2, ...}");
}

TEST(TensorText, LargeConstantsGoByHash) {
  const Tensor t = *fill(DType::kF32, {100}, 1);
  const std::string text = print(t);
  EXPECT_EQ(text.substr(0, 10), "f32[100] #");
  EXPECT_FALSE(parse_tensor(text).ok());
  ConstantTable table;
  table.add(t);
  EXPECT_EQ(*parse_tensor(text, &table), t);
  EXPECT_EQ(*parse_tensor("f32[100] fill(seed = 1)"), t);
}

TEST(TensorText, Errors) {
  for (const char* text :
       {"f32[2] {1}", "f32[?n] {1}", "i8[1] {200}", "f32[1000000000000] splat(1", "f32[1] {x}",
        "f32[1] #zz", "f32[1] fill(seed = 1, kind = odd)", "f32[9999999999] fill(seed = 1)",
        "f32[4000000000000000000, 4] splat(1)", "u4[1] {16}", "string[1] {1}"}) {
    EXPECT_FALSE(parse_tensor(text).ok()) << text;
  }
}

TEST(Fill, IsTheSameEverywhere) {
  const Tensor t = *fill(DType::kF32, {3}, 42);
  EXPECT_EQ(t, *fill(DType::kF32, {3}, 42));
  EXPECT_EQ(*fill(DType::kF32, {5}, 42)->reshaped({5}).dense(), *fill(DType::kF32, {5}, 42));
  for (int64_t i = 0; i < 3; ++i) EXPECT_LT(std::fabs(t.get(i)), 1.0);
  bool nan = false, infinite = false;
  const Tensor p = *fill(DType::kF32, {1000}, 1, Fill::kProvoking);
  for (int64_t i = 0; i < 1000; ++i) {
    nan = nan || std::isnan(p.get(i));
    infinite = infinite || std::isinf(p.get(i));
  }
  EXPECT_TRUE(nan && infinite);
}

}  // namespace
}  // namespace carnot
