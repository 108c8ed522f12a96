// Tensors and messages as they are read: every storage form, mapping, external files.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "onnx/importer.h"
#include "onnx/reader.h"
#include "tests/onnx_import/encode.h"

namespace carnot {
namespace {

using namespace encode;  // NOLINT

Result<Tensor> read(const Message& message) {
  return onnx::read_tensor(std::as_bytes(std::span(message.bytes())));
}

TEST(ReadTensor, RawData) {
  const Result<Tensor> tensor = read(tensor_f32("t", {2, 2}, {1, 2, 3, 4}));
  ASSERT_TRUE(tensor.ok()) << to_string(tensor.status());
  EXPECT_EQ(*tensor, Tensor::from_f32({2, 2}, {1, 2, 3, 4}));
}

TEST(ReadTensor, TypedDataPackedOrNot) {
  Message tensor = Message().integer(1, 4).integer(2, kFloat).real(4, 1).real(4, 2);
  std::string two(8, '\0');
  const float values[] = {3, 4};
  std::memcpy(two.data(), values, sizeof values);
  const Result<Tensor> out = read(tensor.text(4, two));
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ(*out, Tensor::from_f32({4}, {1, 2, 3, 4}));
}

TEST(ReadTensor, SmallIntegersByEitherReading) {
  const Result<Tensor> out =
      read(Message().integer(1, 2).integer(2, 3).integer(5, -1).integer(5, 255));
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ(out->dtype(), DType::kI8);
  EXPECT_EQ(out->get_int(0), -1);
  EXPECT_EQ(out->get_int(1), -1);
  EXPECT_FALSE(read(Message().integer(1, 1).integer(2, 3).integer(5, 256)).ok());
}

TEST(ReadTensor, BoolsAreZeroOrOne) {
  const Result<Tensor> out = read(tensor("t", kBool, {3}, std::string("\x00\x01\x07", 3)));
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ(out->get_int(2), 1);
}

TEST(ReadTensor, OddNumberOfNibbles) {
  const Result<Tensor> out = read(tensor("t", 22, {3}, "\x21\xf3"));
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ(out->dtype(), DType::kI4);
  EXPECT_EQ(out->get_int(2), 3);
  EXPECT_EQ(std::to_integer<int>(out->data()[1]), 3);  // nothing stray behind the last element
}

TEST(ReadTensor, Strings) {
  const Result<Tensor> out = read(
      Message().integer(1, 2).integer(2, kString).text(6, "a").text(6, std::string("b\0c", 3)));
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ(out->get_string(1), std::string("b\0c", 3));
}

TEST(ReadTensor, LastScalarWins) {
  const Result<Tensor> out = read(tensor_i64("t", {1}, {5}).integer(2, kInt64));
  ASSERT_TRUE(out.ok()) << to_string(out.status());
  EXPECT_EQ(out->get_int(0), 5);
}

class ExternalData : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() /
        ("carnot_external_" + std::to_string(testing::UnitTest::GetInstance()->random_seed()) +
         testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_ / "model");
    const float values[] = {1, 2, 3, 4, 5, 6};
    std::ofstream(folder_ / "model/weights.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(values), sizeof values);
    std::ofstream(folder_ / "secret.bin") << "0123456789abcdef01234567";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Imports x + w, where w is f32[2, 3] stored as said.
  Result<carnot::Graph> import(const std::vector<std::pair<std::string, std::string>>& entries) {
    Message w =
        Message().integer(1, 2).integer(1, 3).integer(2, kFloat).text(8, "w").integer(14, 1);
    for (const auto& [key, text] : entries) w.message(13, Message().text(1, key).text(2, text));
    const std::string bytes = model({{node("Add", {"x", "w"}, {"y"})},
                                     {value("x", kFloat, {2, 3})},
                                     {value("y", kFloat, {2, 3})},
                                     {w}});
    const auto path = folder_ / "model/m.onnx";
    std::ofstream(path, std::ios::binary) << bytes;
    return import_onnx(path);
  }
  std::string error(const std::vector<std::pair<std::string, std::string>>& entries) {
    const Result<carnot::Graph> graph = import(entries);
    return graph.ok() ? "" : graph.status().message();
  }

  std::filesystem::path folder_;
};

TEST_F(ExternalData, IsFoundBesideTheModel) {
  const Result<carnot::Graph> graph =
      import({{"location", "weights.bin"}, {"offset", "0"}, {"length", "24"}});
  ASSERT_TRUE(graph.ok()) << to_string(graph.status());
  const Tensor* const w = constant_of(graph->nodes()[0]->output());
  ASSERT_TRUE(w);
  EXPECT_EQ(*w, Tensor::from_f32({2, 3}, {1, 2, 3, 4, 5, 6}));
}

TEST_F(ExternalData, LengthMayBeAbsent) {
  EXPECT_EQ(error({{"location", "weights.bin"}}), "");
}

TEST_F(ExternalData, StaysBeneathTheModel) {
  for (const char* location :
       {"../secret.bin", "/etc/passwd", "a/../../secret.bin", ".", "none.bin"}) {
    EXPECT_NE(error({{"location", location}}), "") << location;
  }
  std::filesystem::create_symlink(folder_ / "secret.bin", folder_ / "model/link.bin");
  EXPECT_NE(error({{"location", "link.bin"}}), "");
}

TEST_F(ExternalData, RangesAreChecked) {
  const auto with = [&](const char* key, const char* text) {
    return error({{"location", "weights.bin"}, {key, text}});
  };
  for (const char* offset :
       {"1", "999999", "-1", "18446744073709551615", "0x10", " 0", "1e3", ""}) {
    EXPECT_NE(with("offset", offset), "") << offset;
  }
  for (const char* length : {"23", "25", "-24", "24 "}) EXPECT_NE(with("length", length), "");
  EXPECT_NE(error({{"location", "weights.bin"}, {"location", "weights.bin"}}), "");
  EXPECT_NE(error({}), "");
}

TEST_F(ExternalData, UnknownKeysAreIgnored) {
  EXPECT_EQ(error({{"location", "weights.bin"}, {"checksum", "abc"}, {"__class__", "x"}}), "");
}

}  // namespace
}  // namespace carnot
