// .npy files: what NumPy writes, and what nobody should have written.
#include "tensor/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tensor/fill.h"
#include "tensor/text.h"

namespace carnot {
namespace {

Result<Tensor> read(std::string_view file, std::optional<DType> as = std::nullopt) {
  // An exact allocation, so that sanitizers see the first byte beyond.
  auto copy = std::make_shared<std::vector<std::byte>>(file.size());
  if (!file.empty()) std::memcpy(copy->data(), file.data(), file.size());
  return read_npy(*copy, copy, as);
}

std::string file(const std::string& header, const std::string& data, char version = 1) {
  std::string out = std::string("\x93NUMPY") + version + '\0';
  out += static_cast<char>(header.size() & 255);
  out += static_cast<char>(header.size() >> 8);
  if (version > 1) out += std::string(2, '\0');
  return out + header + data;
}

TEST(Npy, RoundTrips) {
  const DType kTypes[] = {DType::kF64, DType::kF32, DType::kF16, DType::kBF16, DType::kI64,
                          DType::kI32, DType::kI16, DType::kI8,  DType::kU64,  DType::kU32,
                          DType::kU16, DType::kU8,  DType::kBool};
  for (const DType dtype : kTypes) {
    for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 3}, Shape{0, 4}}) {
      const Tensor t = *fill(dtype, shape, 9, Fill::kProvoking);
      const std::string bytes = *write_npy(t);
      EXPECT_EQ((bytes.size() - t.bytes()) % 64, 0u);
      const Result<Tensor> back = read(bytes);
      ASSERT_TRUE(back.ok()) << back.status().message();
      EXPECT_EQ(*back, t);
    }
  }
  const Tensor f8 = *fill(DType::kF8E5M2, {5}, 1);
  EXPECT_FALSE(read(*write_npy(f8)).ok());
  EXPECT_EQ(*read(*write_npy(f8), DType::kF8E5M2), f8);
  EXPECT_EQ(write_npy(*fill(DType::kI4, {4}, 1)).status().code(), Code::kUnsupported);
  EXPECT_EQ(*read(*write_npy(Tensor::splat(Tensor::from_i64({}, {7}), {2}))),
            Tensor::from_i64({2}, {7, 7}));
}

TEST(Npy, FortranOrderStringsAndVersions) {
  const std::string f = "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }\n";
  const std::string data("\1\4\2\5\3\6", 6);
  for (const char version : {1, 2, 3}) {
    EXPECT_EQ(*read(file(f, data, version)), *parse_tensor("i8[2, 3] {1, 2, 3, 4, 5, 6}"));
  }
  const std::string s = "{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }\n";
  EXPECT_EQ(*read(file(s, std::string("ab\0xyz", 6))),
            *parse_tensor("string[2] {\"ab\", \"xyz\"}"));
  const std::string u = "{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }\n";
  EXPECT_EQ(*read(file(u, std::string("\xe9\0\0\0\x1f\xf6\1\0", 8))),
            Tensor::from_strings({1}, {"\xc3\xa9\xf0\x9f\x98\x9f"}));
}

TEST(Npy, SaysWhatIsWrong) {
  const auto message = [](const std::string& header, const std::string& data = "") {
    return read(file(header, data)).status().message();
  };
  const auto with = [](const std::string& descr, const std::string& shape) {
    return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + "}";
  };
  EXPECT_NE(message(with(">f4", "()")).find("big-endian"), std::string::npos);
  EXPECT_NE(message(with("<c8", "()")).find("no element type"), std::string::npos);
  EXPECT_NE(message(with("|O", "()")).find("no element type"), std::string::npos);
  EXPECT_NE(message(with("<f4", "(2,)"), "1234").find("takes 8 bytes, got 4"), std::string::npos);
  EXPECT_FALSE(read(file(with("<f4", "(-1,)"), "")).ok());
  EXPECT_FALSE(read(file(with("<f4", "(4000000000000000000, 4000000000000000000)"), "")).ok());
  EXPECT_FALSE(read(file(with("|S0", "(4000000000000000000,)"), "")).ok());
  EXPECT_TRUE(read(file("{'descr': '<f4', 'fortran_order': True, 'shape': (4000000000, 4000000000, "
                        "0)}",
                        ""))
                  .ok());
  EXPECT_FALSE(read("hello").ok());
  EXPECT_FALSE(read("").ok());
}

TEST(Npy, TruncatedAndAlteredFilesAreRefused) {
  const std::string good = *write_npy(*fill(DType::kF32, {3, 2}, 1));
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(read(good.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(read(good + "x").ok());
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    for (int k = 0; k < 3; ++k) bad[random() % 100] = static_cast<char>(random());
    (void)read(bad);  // must not crash
  }
}

}  // namespace
}  // namespace carnot
