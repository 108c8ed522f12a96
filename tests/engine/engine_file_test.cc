// Engine files: what is saved is loaded; what was made up is refused.
#include "engine/engine_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "carnot/engine.h"
#include "engine/container.h"

namespace carnot {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPlan = R"p(plan small device "cpu isa=x86-64 threads=1" {
  input "x" @0
  output "y" @3
  buffer @0 "x" f32[?n, 3] input 0
  buffer @1 "w" f32[3] constant 0
  buffer @2 "sum" f32[?n, 3] arena
  buffer @3 "y" f32[?n, 3] output 0
  step host "host.reference" (@0, @1) -> (@2)
    op pointwise by add($0, $1)
    origin ["add (Add)"]
  step host "host.reference" (@2) -> (@3)
    op pointwise by neg($0)
}
)p";

EngineFile sample() {
  EngineFile file;
  auto plan = parse_plan(kPlan);
  EXPECT_TRUE(plan.ok()) << to_string(plan.status());
  file.plan = std::move(*plan);
  file.weights = {Tensor::from_f32({3}, {1, 2, 3}), Tensor::from_strings({2}, {"a", "\0b\"\n"}),
                  Tensor::from_i64({0, 4}, {}), Tensor::from_i64({}, {7})};
  file.code.bytes = {std::byte{0xc3}, std::byte{0x90}};
  file.code.entries = {{"k0", 0}, {"k \"1\"", 1}};
  file.kernels_text = "kernel k0\n";
  file.timings_text = "k0 3.5\n";
  file.metadata = {{"model.hash", "00ff"}, {"text\n\"x\"", "\x01"}};
  return file;
}

Result<EngineFile> parse(const std::vector<std::byte>& bytes) {
  auto copy = Tensor::allocate(DType::kU8, {static_cast<int64_t>(bytes.size())});
  if (!bytes.empty()) std::memcpy(copy->mutable_data(), bytes.data(), bytes.size());
  return parse_engine(*copy);
}

void expect_equal(const EngineFile& a, const EngineFile& b) {
  EXPECT_EQ(print(a.plan), print(b.plan));
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.code.bytes, b.code.bytes);
  EXPECT_EQ(a.code.entries, b.code.entries);
  EXPECT_EQ(a.kernels_text, b.kernels_text);
  EXPECT_EQ(a.timings_text, b.timings_text);
  EXPECT_EQ(a.metadata, b.metadata);
}

class EngineFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / cat("carnot-engine-test-", getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  fs::path folder_;
};

TEST_F(EngineFileTest, IsReadBack) {
  const EngineFile file = sample();
  const auto bytes = serialize_engine(file);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(*serialize_engine(file), *bytes);
  const auto back = parse(*bytes);
  ASSERT_TRUE(back.ok()) << to_string(back.status());
  expect_equal(file, *back);
  EXPECT_EQ(*serialize_engine(*back), *bytes);

  ASSERT_TRUE(save_engine(file, path("e")).ok());
  const auto loaded = load_engine(path("e"));
  ASSERT_TRUE(loaded.ok()) << to_string(loaded.status());
  expect_equal(file, *loaded);
  for (const Tensor& weight : loaded->weights) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(weight.data()) % 64, 0u);
  }
}

TEST_F(EngineFileTest, EveryTruncationAndFlippedBitIsRefused) {
  auto bytes = *serialize_engine(sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(parse({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)}).ok());
  }
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    const auto flip = static_cast<std::byte>(1 << (i % 8));
    bytes[i / 8] ^= flip;
    ASSERT_FALSE(parse(bytes).ok()) << "bit " << i;
    bytes[i / 8] ^= flip;
  }
  EXPECT_TRUE(parse(bytes).ok());
}

// Bytes replaced where they stand, all hashes made right again: nothing may crash, and what is
// accepted must be a valid engine.
TEST_F(EngineFileTest, AlteredWithRightHashes) {
  const auto good = *serialize_engine(sample());
  int accepted = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char value : {'\0', '\1', '-', '9', '"', '@', '\x7f', '\xff'}) {
      auto bytes = good;
      if (bytes[i] == static_cast<std::byte>(value)) continue;
      bytes[i] = static_cast<std::byte>(value);
      repair_hashes_for_testing(bytes);
      const auto engine = parse(bytes);
      if (!engine.ok()) continue;
      ++accepted;
      EXPECT_TRUE(verify(engine->plan, static_cast<int>(engine->weights.size())).ok());
    }
  }
  EXPECT_GT(accepted, 0);
}

TEST_F(EngineFileTest, WhatIsNoFileIsRefused) {
  EXPECT_EQ(load_engine(path("absent")).status().code(), Code::kIo);
  EXPECT_EQ(load_engine(folder_.string()).status().code(), Code::kIo);
  EXPECT_EQ(load_engine("/dev/zero").status().code(), Code::kIo);
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(load_engine(path("pipe")).status().code(), Code::kIo);
  std::ofstream(path("empty")).close();
  const Status status = load_engine(path("empty")).status();
  EXPECT_EQ(status.code(), Code::kCorruptEngine);
  EXPECT_NE(status.message().find(path("empty") + ": the file is empty"), std::string::npos);
}

TEST_F(EngineFileTest, RunsAfterLoading) {
  ASSERT_TRUE(save_engine(sample(), path("e")).ok());
  const auto bytes = *serialize_engine(sample());
  for (auto& engine : {Engine::load(path("e")), Engine::load(bytes)}) {
    ASSERT_TRUE(engine.ok()) << to_string(engine.status());
    auto context = (*engine)->make_context({.threads = 1});
    ASSERT_TRUE(context.ok());
    const Tensor x = Tensor::from_f32({1, 3}, {10, 20, 30});
    const auto out = context->run({&x, 1});
    ASSERT_TRUE(out.ok()) << to_string(out.status());
    EXPECT_EQ(out->at(0), Tensor::from_f32({1, 3}, {-11, -22, -33}));
    EXPECT_TRUE((*engine)->save(path("again")).ok());
    EXPECT_EQ((*engine)->metadata().at("model.hash"), "00ff");
    EXPECT_NE((*engine)->plan_text().find("origin [\"add (Add)\"]"), std::string::npos);
    const auto a = read_file(path("e")), b = read_file(path("again"));
    EXPECT_EQ(*a, *b);
  }
}

TEST_F(EngineFileTest, ForeignCpusAreRefused) {
  EngineFile file = sample();
  file.plan.device = "cpu isa=sme9 threads=1";
  ASSERT_TRUE(save_engine(file, path("e")).ok());
  const Status status = Engine::load(path("e")).status();
  EXPECT_EQ(status.code(), Code::kVersionMismatch);
  EXPECT_NE(status.message().find("it was built for a CPU with sme9"), std::string::npos)
      << to_string(status);
  const auto device = [](const char* text) { return *parse_device(text); };
  EXPECT_EQ(why_not_runnable(device("cpu isa=avx2"), device("cpu isa=avx512")), "");
  EXPECT_NE(why_not_runnable(device("cpu isa=avx512"), device("cpu isa=avx2")), "");
  EXPECT_NE(why_not_runnable(device("cpu isa=neon"), device("cpu isa=avx2")), "");
  EXPECT_NE(why_not_runnable(device("cuda isa=sm_90a"), device("cpu isa=avx2")), "");
  EXPECT_EQ(why_not_runnable(device("cpu isa=avx2 features=f16c"),
                             device("cpu isa=avx2 features=f16c,vnni")),
            "");
  EXPECT_EQ(why_not_runnable(device("cpu isa=avx2 features=vnni"), device("cpu isa=avx2")),
            "it was built for a CPU with vnni, which this one lacks");
}

TEST_F(EngineFileTest, WeightsMustBeWhatThePlanSays) {
  EngineFile file = sample();
  file.weights[0] = Tensor::from_f32({4}, {1, 2, 3, 4});
  const auto engine = parse(*serialize_engine(file));
  ASSERT_FALSE(engine.ok());
  EXPECT_NE(engine.status().message().find("weight 0 is f32[4], the plan says f32[3]"),
            std::string::npos);
}

}  // namespace
}  // namespace carnot
