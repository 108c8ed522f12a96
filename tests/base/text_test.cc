// The scanner: numbers, names, quotes, positions of errors.
#include "base/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace carnot {
namespace {

TEST(Scanner, Tokens) {
  Scanner s("graph net (%x: f16[?n, -3]) { // a comment\n  -> \"a\\\"b\\x01\" 1.5 0x1p-2 end }");
  EXPECT_TRUE(s.expect("graph").ok());
  EXPECT_EQ(s.identifier().value(), "net");
  EXPECT_TRUE(s.accept("(") && s.accept("%"));
  EXPECT_EQ(*s.name(), "x");
  EXPECT_FALSE(s.accept("::"));
  EXPECT_TRUE(s.accept(":"));
  EXPECT_EQ(*s.identifier(), "f16");
  EXPECT_TRUE(s.accept("[") && s.accept("?") && s.accept("n") && s.accept(","));
  EXPECT_EQ(s.kind(), TokenKind::kInteger);
  EXPECT_EQ(*s.integer(), -3);
  EXPECT_TRUE(s.accept("]") && s.accept(")") && s.accept("{") && s.accept("->"));
  EXPECT_EQ(s.line(), 2);
  EXPECT_EQ(s.kind(), TokenKind::kString);
  EXPECT_EQ(*s.string(), "a\"b\x01");
  EXPECT_EQ(s.kind(), TokenKind::kFloat);
  EXPECT_EQ(*s.number(), 1.5);
  EXPECT_EQ(*s.number(), 0.25);
  EXPECT_FALSE(s.accept("en"));
  EXPECT_EQ(s.expect(")").message(), "text:2:28: expected ')', found \"end\"");
  EXPECT_TRUE(s.accept("end") && s.accept("}") && s.at_end());
  EXPECT_EQ(s.identifier().status().message(),
            "text:2:33: expected an identifier, found the end of the text");
}

TEST(Scanner, Integers) {
  const auto read = [](const char* text) { return Scanner(text).integer(); };
  EXPECT_EQ(*read("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(*read("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(*read("0x7f"), 127);
  for (const char* bad : {"9223372036854775808", "-9223372036854775809", "1.5", "1e3", "12x", "",
                          "-", "x", "99999999999999999999999", "0x", "inf"}) {
    EXPECT_FALSE(read(bad).ok()) << bad;
  }
  EXPECT_EQ(*Scanner("18446744073709551615").unsigned_integer(), UINT64_MAX);
  EXPECT_EQ(*Scanner("0xffffffffffffffff").unsigned_integer(), UINT64_MAX);
  EXPECT_FALSE(Scanner("-1").unsigned_integer().ok());
}

TEST(Scanner, Floats) {
  EXPECT_EQ(*Scanner("-inf").number(), -INFINITY);
  EXPECT_TRUE(std::isnan(*Scanner("nan").number()));
  EXPECT_EQ(Scanner("nano").kind(), TokenKind::kIdentifier);
  EXPECT_EQ(*Scanner("-0x1.8p1").number(), -3.0);
  EXPECT_EQ(*Scanner("7").number(), 7.0);
  EXPECT_EQ(*Scanner(".5").number(), 0.5);
  EXPECT_FALSE(Scanner("1e999").number().ok());
  EXPECT_FALSE(Scanner("1.5f").number().ok());
  EXPECT_FALSE(Scanner("e5").number().ok());
}

TEST(Scanner, Strings) {
  for (const char* bad : {"\"", "\"a", "\"\\q\"", "\"\\x1\"", "\"a\nb\"", "\"\\", "a"}) {
    EXPECT_FALSE(Scanner(bad).string().ok()) << bad;
  }
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(*Scanner(quote(all)).string(), all);
  for (const std::string name : {"a.b", "0", "a/b", "", "a b", "\xc3\xa9"}) {
    const std::string text = print_name(name);
    EXPECT_EQ(*Scanner(text).name(), name);
  }
  EXPECT_EQ(print_name("a.b_1"), "a.b_1");
  EXPECT_EQ(Scanner("x", "m.ir", Code::kCorruptEngine).expect("y").code(), Code::kCorruptEngine);
}

TEST(Scanner, FloatsRoundTrip) {
  EXPECT_EQ(print_float(1.0), "1.0");
  EXPECT_EQ(print_float(0.1f), "0.1");
  EXPECT_EQ(print_float(1e30), "1e+30");
  EXPECT_EQ(print_float(-0.0), "-0.0");
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = random();
    double d;
    std::memcpy(&d, &bits, sizeof d);
    float f;
    std::memcpy(&f, &bits, sizeof f);
    if (std::isfinite(d)) {
      EXPECT_EQ(*Scanner(print_float(d)).number(), d);
    }
    if (std::isfinite(f)) {
      EXPECT_EQ(*Scanner(print_float(f)).number_f32(), f);
    }
    EXPECT_EQ(Scanner(print_float(f)).kind(), TokenKind::kFloat);
  }
}

}  // namespace
}  // namespace carnot
