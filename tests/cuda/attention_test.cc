// Attention for GPUs: what is taken and what is refused, and that NVRTC (where there is one) takes
// the instances.
#include "codegen/cuda/attention.h"

#include <gtest/gtest.h>

#include "codegen/cuda/nvrtc.h"

namespace carnot::cuda {
namespace {

constexpr int kShared = 227 << 10;

Kernel attention(const std::string& type, const std::string& width, bool bias) {
  std::string text = "kernel attention {\n";
  for (const char* input : {"0", "1", "2"}) {
    text += std::string("  input ") + input + ": " + type + "[2, ?s, 4, " + width + "]\n";
  }
  if (bias) text += "  input 3: " + type + "[2, 1, 1, ?s]\n";
  text += std::string("  output ") + (bias ? "4" : "3") + ": " + type + "[2, ?s, 4, " + width +
          "]\n  attention" + (bias ? " bias" : "") + " {scale = 0.125, bsh = true}\n}";
  Result<Kernel> kernel = parse_kernel(text);
  EXPECT_TRUE(kernel.ok()) << kernel.status().message();
  EXPECT_TRUE(verify(*kernel).ok());
  return std::move(*kernel);
}

TEST(CudaAttention, SaysWhyNot) {
  EXPECT_TRUE(why_not_attention(attention("f16", "64", true), 80, kShared, {4, 1}).ok());
  EXPECT_TRUE(why_not_attention(attention("bf16", "37", false), 90, kShared, {1, 1}).ok());
  EXPECT_FALSE(why_not_attention(attention("f16", "64", true), 75, kShared, {4, 1}).ok());
  EXPECT_TRUE(why_not_attention(attention("f32", "64", true), 80, kShared, {4, 1}).ok());
  EXPECT_FALSE(why_not_attention(attention("f32", "64", true), 80, kShared, {4, 2}).ok());
  AttentionTile rounded{4, 1};
  rounded.tf32 = true;
  EXPECT_TRUE(why_not_attention(attention("f32", "64", true), 80, kShared, rounded).ok());
  EXPECT_FALSE(why_not_attention(attention("f16", "64", true), 80, kShared, rounded).ok());
  EXPECT_FALSE(why_not_attention(attention("f64", "64", true), 90, kShared, {4, 1}).ok());
  EXPECT_FALSE(why_not_attention(attention("f16", "264", true), 90, kShared, {4, 1}).ok());
  EXPECT_FALSE(why_not_attention(attention("f16", "?d", true), 90, kShared, {4, 1}).ok());
  EXPECT_FALSE(why_not_attention(attention("f16", "64", true), 90, kShared, {9, 1}).ok());
  EXPECT_FALSE(why_not_attention(attention("f16", "128", true), 90, 48 << 10, {4, 1}).ok());
}

/// The same with `keys` keys, a number that is known.
Kernel of_keys(const std::string& type, int keys, int width, bool causal) {
  const std::string rows = type + "[2, " + std::to_string(keys) + ", 4, " + std::to_string(width);
  std::string text = "kernel attention {\n";
  for (const char* buffer : {"input 0", "input 1", "input 2", "output 3"}) {
    text += std::string("  ") + buffer + ": " + rows + "]\n";
  }
  text += std::string("  attention {scale = 0.125, ") + (causal ? "causal = true, " : "") +
          "bsh = true}\n}";
  Result<Kernel> kernel = parse_kernel(text);
  EXPECT_TRUE(kernel.ok()) << kernel.status().message();
  return std::move(*kernel);
}

TEST(CudaAttention, SaysWhyNotWholeHeads) {
  EXPECT_TRUE(why_not_attention(of_keys("f16", 197, 64, false), 90, kShared, {8, 1, 2}).ok());
  EXPECT_TRUE(why_not_attention(of_keys("bf16", 77, 37, false), 90, kShared, {16, 1, 1}).ok());
  EXPECT_FALSE(why_not_attention(of_keys("f16", 197, 64, true), 90, kShared, {8, 1, 2}).ok());
  EXPECT_FALSE(why_not_attention(of_keys("f16", 197, 64, false), 80, kShared, {8, 1, 2}).ok());
  EXPECT_FALSE(why_not_attention(of_keys("f16", 197, 72, false), 90, kShared, {8, 1, 2}).ok());
  EXPECT_FALSE(why_not_attention(of_keys("f16", 197, 64, false), 90, kShared, {6, 1, 2}).ok());
  EXPECT_FALSE(why_not_attention(of_keys("f16", 900, 64, false), 90, kShared, {8, 1, 2}).ok());
  EXPECT_FALSE(why_not_attention(attention("f16", "64", true), 90, kShared, {8, 1, 2}).ok());
}

AttentionTile ring(int warps, int step, int split = 1) {
  AttentionTile tile;
  tile.warps = warps, tile.step = step, tile.split = split;
  return tile;
}

TEST(CudaAttention, SaysWhyNotThroughARing) {
  const Kernel narrow = attention("f16", "64", true), wide = attention("bf16", "256", false);
  EXPECT_TRUE(why_not_attention(narrow, 90, kShared, ring(8, 128)).ok());
  EXPECT_TRUE(why_not_attention(wide, 90, kShared, ring(8, 64)).ok());
  EXPECT_TRUE(why_not_attention(narrow, 90, kShared, ring(4, 64, 8)).ok());
  EXPECT_FALSE(why_not_attention(narrow, 80, kShared, ring(8, 128)).ok());
  EXPECT_FALSE(why_not_attention(narrow, 90, kShared, ring(16, 64)).ok());
  EXPECT_FALSE(why_not_attention(narrow, 90, kShared, ring(8, 72)).ok());
  EXPECT_FALSE(why_not_attention(narrow, 90, kShared, ring(4, 64, 3)).ok());
  EXPECT_FALSE(why_not_attention(wide, 90, kShared, ring(8, 128)).ok());
  AttentionTile turns = ring(4, 64);
  turns.turns = true;
  EXPECT_FALSE(why_not_attention(narrow, 90, kShared, turns).ok());
}

TEST(CudaAttention, KeysAndValuesComeInBoxes) {
  const auto source = emit_attention(of_keys("f16", 300, 64, false), ring(8, 112), "kernel");
  ASSERT_TRUE(source.ok()) << source.status().message();
  EXPECT_EQ(source->boxes, (BoxMaps{{{1, 2, 112, 0}, {2, 2, 112, 6}}}));
  // Heads behind rows: columns, rows, elements from row to row, matrices.
  const Dims keys(source->params.begin(), source->params.begin() + 6);
  EXPECT_EQ(keys, (Dims{0, 256, 300, 256, 2, 300 * 256}));
  // A box of 64 elements would have another head's in it.
  const auto narrow = emit_attention(of_keys("f16", 300, 72, false), ring(8, 112), "kernel");
  ASSERT_TRUE(narrow.ok()) << narrow.status().message();
  EXPECT_EQ(narrow->boxes, BoxMaps());
}

TEST(CudaAttention, NvrtcTakesRings) {
  const auto nvrtc = Nvrtc::open();
  if (!nvrtc.ok()) GTEST_SKIP() << "skipped: " << nvrtc.status().message();
  std::vector<Source> sources;
  const auto add = [&](const Kernel& kernel, AttentionTile tile) {
    const std::string name = "kernel" + std::to_string(sources.size());
    const auto source = emit_attention(kernel, tile, name);
    ASSERT_TRUE(source.ok()) << source.status().message();
    EXPECT_NE(source->text.find("attention::run_ring"), std::string::npos);
    sources.push_back({name, source->text});
  };
  AttentionTile turns = ring(8, 128);
  turns.turns = true, turns.blocks = 132;
  add(of_keys("f16", 1024, 128, true), turns);
  AttentionTile pack = ring(4, 64, 4);
  pack.pack = true;
  add(attention("bf16", "72", true), pack);
  add(attention("f16", "37", true), ring(12, 96));
  const auto cubins = (*nvrtc)->compile(sources, "sm_90a", 2);
  EXPECT_TRUE(cubins.ok()) << cubins.status().message();
}

TEST(CudaAttention, NvrtcTakesWholeHeads) {
  const auto nvrtc = Nvrtc::open();
  if (!nvrtc.ok()) GTEST_SKIP() << "skipped: " << nvrtc.status().message();
  std::vector<Source> sources;
  for (const int keys : {16, 77, 197, 500}) {
    const std::string name = "kernel" + std::to_string(sources.size());
    const Kernel kernel = of_keys(keys == 77 ? "bf16" : "f16", keys, keys == 77 ? 37 : 64, false);
    const auto source = emit_attention(kernel, {8, 1, 2}, name);
    ASSERT_TRUE(source.ok()) << source.status().message();
    EXPECT_NE(source->text.find("attention::run_heads"), std::string::npos);
    sources.push_back({name, source->text});
  }
  const auto cubins = (*nvrtc)->compile(sources, "sm_90a", 2);
  EXPECT_TRUE(cubins.ok()) << cubins.status().message();
}

TEST(CudaAttention, NvrtcTakesTheInstances) {
  const auto nvrtc = Nvrtc::open();
  if (!nvrtc.ok()) GTEST_SKIP() << "skipped: " << nvrtc.status().message();
  std::vector<Source> sources;
  const auto add = [&](const Kernel& kernel, AttentionTile tile) {
    const std::string name = "kernel" + std::to_string(sources.size());
    const auto source = emit_attention(kernel, tile, name);
    ASSERT_TRUE(source.ok()) << source.status().message();
    sources.push_back({name, source->text});
  };
  add(attention("f16", "64", true), {4, 2});
  add(attention("bf16", "256", false), {4, 1});
  add(attention("f16", "37", true), {4, 1});
  add(attention("f32", "40", true), {4, 1});
  AttentionTile rounded{8, 1};
  rounded.tf32 = true, rounded.keys = 16;
  add(attention("f32", "128", false), rounded);
  for (const char* isa : {"sm_80", "sm_89", "sm_90a", "sm_100a", "sm_120"}) {
    const auto cubins = (*nvrtc)->compile(sources, isa, 2);
    EXPECT_TRUE(cubins.ok()) << isa << ": " << cubins.status().message();
  }
}

}  // namespace
}  // namespace carnot::cuda
