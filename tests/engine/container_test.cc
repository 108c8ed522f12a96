// The container: a cut or altered file is refused with the reason.
#include "engine/container.h"

#include <gtest/gtest.h>

#include <cstring>

namespace carnot {
namespace {

std::vector<std::byte> flat(const ContainerImage& image) {
  std::vector<std::byte> out;
  for (const auto& part : image.parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::vector<std::byte> sample() {
  std::array<Pieces, kSections> sections;
  sections[0] = {bytes_of("plan text")};
  sections[6] = {bytes_of("code")};
  sections[7] = {bytes_of("first"), bytes_of("second")};
  return flat(write_container("cpu isa=avx2", sections));
}

TEST(Container, IsReadBack) {
  const auto bytes = sample();
  EXPECT_EQ(bytes.size() % kSectionAlignment, 0u);
  const auto container = read_container(bytes);
  ASSERT_TRUE(container.ok()) << to_string(container.status());
  EXPECT_EQ(container->target, "cpu isa=avx2");
  EXPECT_EQ(container->text(Section::kPlan), "plan text");
  EXPECT_EQ(container->text(Section::kKernels), "");
  EXPECT_EQ(container->text(Section::kCode), "code");
  const std::string_view weights = container->text(Section::kWeights);
  EXPECT_EQ(weights.size(), 64u + 6u);
  EXPECT_EQ(weights.substr(0, 5), "first");
  EXPECT_EQ(weights.substr(64), "second");
}

TEST(Container, EveryTruncationIsRefused) {
  auto bytes = sample();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto container = read_container(std::span(bytes).first(size));
    ASSERT_FALSE(container.ok()) << size;
    EXPECT_EQ(container.status().code(), Code::kCorruptEngine);
  }
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(read_container(bytes).ok());
}

TEST(Container, EveryFlippedBitIsRefused) {
  auto bytes = sample();
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    const auto flip = static_cast<std::byte>(1 << (i % 8));
    bytes[i / 8] ^= flip;
    const auto container = read_container(bytes);
    ASSERT_FALSE(container.ok()) << "bit " << i;
    EXPECT_TRUE(container.status().code() == Code::kCorruptEngine ||
                container.status().code() == Code::kVersionMismatch);
    bytes[i / 8] ^= flip;
  }
  EXPECT_TRUE(read_container(bytes).ok());
}

TEST(Container, ErrorsSayWhatToDo) {
  const auto message = [](std::span<const std::byte> bytes) {
    return to_string(read_container(bytes).status());
  };
  EXPECT_EQ(
      message({}),
      "corrupt engine: the file is empty; 'carnot build MODEL.onnx -o FILE.engine' makes one");
  EXPECT_EQ(message(bytes_of("\x08\x07\x12\x07pytorch")),
            "corrupt engine: this is not a Carnot engine; 'carnot build MODEL.onnx -o FILE.engine' "
            "makes one");
  auto bytes = sample();
  bytes[7] = std::byte{'\r'};
  EXPECT_NE(message(bytes).find("copy in text mode"), std::string::npos);
  bytes = sample();
  bytes[8] = std::byte{2};
  EXPECT_EQ(message(bytes),
            "version mismatch: the engine has format 2, this library reads format 1; use a newer "
            "Carnot, or build it again");
  bytes = sample();
  bytes.resize(bytes.size() - 64);
  EXPECT_NE(message(bytes).find("the engine is damaged: it has "), std::string::npos);
}

// Fields set to extreme numbers, with the header's hash made right again.
TEST(Container, TrustsNoSize) {
  const auto good = sample();
  uint32_t header_bytes = 0;
  std::memcpy(&header_bytes, good.data() + 12, 4);
  const uint64_t extremes[] = {0,
                               1,
                               63,
                               64,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               uint64_t{1} << 62,
                               ~uint64_t{0} >> 1,
                               ~uint64_t{0}};
  for (size_t at = 8; at + 8 <= header_bytes; at += 4) {
    for (const uint64_t extreme : extremes) {
      for (const size_t size : {size_t{4}, size_t{8}}) {
        auto bytes = good;
        std::memcpy(bytes.data() + at, &extreme, size);
        (void)read_container(bytes).ok();
        repair_hashes_for_testing(bytes);
        const auto container = read_container(bytes);
        if (!container.ok()) continue;
        for (const auto section : container->sections) {
          ASSERT_TRUE(section.empty() ||
                      (section.data() >= bytes.data() &&
                       section.data() + section.size() <= bytes.data() + bytes.size()));
        }
      }
    }
  }
}

}  // namespace
}  // namespace carnot
