// Codecs of narrow types: every bit pattern, every rounding.
#include "tensor/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "carnot/tensor.h"

namespace carnot {
namespace {

const DType kSmallFloats[] = {DType::kF16,    DType::kBF16,     DType::kF8E4M3, DType::kF8E4M3UZ,
                              DType::kF8E5M2, DType::kF8E5M2UZ, DType::kF4E2M1};

TEST(Codec, EveryPatternSurvives) {
  for (const DType dtype : kSmallFloats) {
    for (uint64_t bits = 0; bits < uint64_t{1} << bits_of(dtype); ++bits) {
      const double value = decode_float(dtype, bits);
      const uint64_t back = encode_float(dtype, value, Excess::kOverflow);
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(decode_float(dtype, back))) << to_string(dtype) << " " << bits;
      } else {
        EXPECT_EQ(back, bits) << to_string(dtype) << " " << value;
      }
    }
  }
  for (uint64_t bits = 0; bits < 256; ++bits) {
    EXPECT_EQ(encode_float(DType::kF8E8M0, decode_float(DType::kF8E8M0, bits)), bits);
  }
}

// Between two neighbours: the nearer one, at the middle the even one.
TEST(Codec, RoundsToNearestEven) {
  for (const DType dtype : kSmallFloats) {
    const uint64_t sign = uint64_t{1} << (bits_of(dtype) - 1);
    for (uint64_t bits = 0; bits + 1 < sign; ++bits) {
      const double low = decode_float(dtype, bits), high = decode_float(dtype, bits + 1);
      if (!std::isfinite(low) || !std::isfinite(high)) continue;
      const double middle = (low + high) / 2;
      EXPECT_EQ(encode_float(dtype, middle), bits % 2 ? bits + 1 : bits) << to_string(dtype);
      EXPECT_EQ(encode_float(dtype, std::nextafter(middle, low)), bits);
      EXPECT_EQ(encode_float(dtype, std::nextafter(middle, high)), bits + 1);
      const uint64_t negative = encode_float(dtype, -std::nextafter(middle, high));
      EXPECT_EQ(decode_float(dtype, negative), -high);
    }
  }
}

TEST(Codec, LargestAndBeyond) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto round = [](DType dtype, double value, Excess excess = Excess::kSaturate) {
    return decode_float(dtype, encode_float(dtype, value, excess));
  };
  EXPECT_EQ(round(DType::kF16, 65519), 65504);
  EXPECT_EQ(round(DType::kF16, 65520), infinity);
  EXPECT_EQ(round(DType::kF16, -infinity), -infinity);
  EXPECT_EQ(round(DType::kF8E4M3, 1e9), 448);
  EXPECT_EQ(round(DType::kF8E4M3, infinity), 448);
  EXPECT_TRUE(std::isnan(round(DType::kF8E4M3, 1e9, Excess::kOverflow)));
  EXPECT_EQ(round(DType::kF8E4M3UZ, -1e9), -240);
  EXPECT_TRUE(std::isnan(round(DType::kF8E4M3UZ, -1e9, Excess::kOverflow)));
  EXPECT_EQ(round(DType::kF8E5M2, infinity), 57344);
  EXPECT_EQ(round(DType::kF8E5M2, infinity, Excess::kOverflow), infinity);
  EXPECT_EQ(round(DType::kF8E5M2UZ, 1e9), 57344);
  EXPECT_EQ(round(DType::kF4E2M1, 100), 6);
  EXPECT_EQ(encode_float(DType::kF8E4M3UZ, -0.0), 0u);
  EXPECT_EQ(encode_float(DType::kF8E4M3, -0.0), 0x80u);
  EXPECT_EQ(round(DType::kF8E8M0, 3), 4);
  EXPECT_EQ(round(DType::kF8E8M0, 2.9, Excess::kOverflow), 2);
  EXPECT_TRUE(std::isnan(round(DType::kF8E8M0, 0, Excess::kOverflow)));
}

TEST(Codec, FastPathsAgree) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float half = f16_to_f32(bits), brain = bf16_to_f32(bits);
    // Neighbouring f32 patterns cover every way of rounding.
    for (const float base : {half, brain}) {
      for (const float value : {base, std::nextafter(base, 1e38f), std::nextafter(base, -1e38f),
                                base * 1.000244140625f, base * 1.00390625f}) {
        if (std::isnan(value)) continue;
        ASSERT_EQ(f32_to_f16(value), encode_float(DType::kF16, value)) << value;
        ASSERT_EQ(f32_to_bf16(value), encode_float(DType::kBF16, value)) << value;
      }
    }
  }
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(std::nanf("")))));
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::nanf("")))));
}

TEST(Codec, Integers) {
  EXPECT_EQ(wrap_integer(DType::kI8, 300), 44);
  EXPECT_EQ(wrap_integer(DType::kI8, 200), -56);
  EXPECT_EQ(wrap_integer(DType::kU8, -1), 255);
  EXPECT_EQ(wrap_integer(DType::kI4, 9), -7);
  EXPECT_EQ(wrap_integer(DType::kBool, 256), 1);
  EXPECT_EQ(to_integer(DType::kI8, -300.5), -128);
  EXPECT_EQ(to_integer(DType::kI8, -1.9), -1);
  EXPECT_EQ(to_integer(DType::kU8, 1e9), 255);
  EXPECT_EQ(to_integer(DType::kU8, -1e9), 0);
  EXPECT_EQ(to_integer(DType::kI64, 1e30), INT64_MAX);
  EXPECT_EQ(to_integer(DType::kI64, -1e30), INT64_MIN);
  EXPECT_EQ(static_cast<uint64_t>(to_integer(DType::kU64, 1e30)), UINT64_MAX);
  EXPECT_EQ(to_integer(DType::kI32, std::nan("")), 0);
  EXPECT_EQ(to_integer(DType::kBool, std::nan("")), 1);
  EXPECT_EQ(to_double(DType::kU64, -1, false), 0x1p64);
  // 2^24 + 1 + a little: to nearest through f64 and then f32 would round down twice.
  const int64_t tricky = (int64_t{1} << 60) + (int64_t{1} << 36) + 1;
  EXPECT_EQ(static_cast<float>(to_double(DType::kI64, tricky)), static_cast<float>(tricky));
}

}  // namespace
}  // namespace carnot
