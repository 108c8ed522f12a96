// The container of GPU code: what is written reads back; what is damaged is refused.
#include <gtest/gtest.h>

#include "device/cuda/code_file.h"

namespace carnot::cuda {
namespace {

std::vector<std::byte> sample(CodeFile& file, const std::vector<std::byte>& code) {
  file.modules = {code, std::span(code).first(3)};
  CodeEntry entry;
  entry.name = "k0";
  entry.function = "softmax";
  entry.threads = 256;
  entry.pointers = 2;
  file.entries.push_back(entry);
  entry.name = "k1";
  entry.module = 1;
  entry.integers = 3;
  entry.scratch = entry.dependent_launch = true;
  entry.cluster = 2;
  entry.integers = 7;
  entry.boxes[0] = {1, 2, 128, 1};
  file.entries.push_back(entry);
  return write_code_file(file);
}

TEST(CodeFile, ReadsBack) {
  const std::vector<std::byte> code(37, std::byte{7});
  CodeFile file;
  const std::vector<std::byte> bytes = sample(file, code);
  const Result<CodeFile> read = parse_code_file(bytes);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->entries, file.entries);
  ASSERT_EQ(read->modules.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(std::equal(read->modules[i].begin(), read->modules[i].end(),
                           file.modules[i].begin(), file.modules[i].end()));
  }
}

TEST(CodeFile, RefusesDamage) {
  const std::vector<std::byte> code(37, std::byte{7});
  CodeFile file;
  const std::vector<std::byte> bytes = sample(file, code);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Result<CodeFile> read = parse_code_file(std::span(bytes).first(size));
    ASSERT_FALSE(read.ok()) << size;
    EXPECT_EQ(read.status().code(), Code::kCorruptEngine);
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::vector<std::byte> damaged = bytes;
      damaged[at] ^= static_cast<std::byte>(flip);
      const Result<CodeFile> read = parse_code_file(damaged);  // or it is valid: but no crash
      EXPECT_TRUE(read.ok() || read.status().code() == Code::kCorruptEngine);
    }
  }
}

}  // namespace
}  // namespace carnot::cuda
