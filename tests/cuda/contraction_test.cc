// Contractions for GPUs: what is offered, that weights are packed as blocks read them, and that
// NVRTC (where there is one) takes every instance for every architecture.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <set>

#include "codegen/cuda/contraction.h"
#include "codegen/cuda/embedded.h"
#include "codegen/cuda/nvrtc.h"

namespace carnot::cuda {
namespace {

constexpr const char* kArchitectures[] = {"sm_75", "sm_80", "sm_89", "sm_90a", "sm_100a", "sm_120"};

Kernel parse(std::string_view text) {
  Result<Kernel> kernel = parse_kernel(text);
  EXPECT_TRUE(kernel.ok()) << kernel.status().message();
  EXPECT_TRUE(verify(*kernel).ok());
  return std::move(*kernel);
}

/// 3x3, stride 2, padded, bias, residual and relu; channels in groups of 8 elements or not.
Kernel conv(const std::string& type, int channels, int columns) {
  const std::string x = type == "f32" ? "" : "cast(", y = type == "f32" ? "" : "):f32";
  const std::string c = std::to_string(channels), k = std::to_string(columns);
  return parse("kernel conv {\n  input 0 : " + type + "[2, 9, 9, " + c + "]\n  input 1 : " + type +
               "[" + k + ", " + c + ", 3, 3]\n  input 2 : " + type + "[" + k + "]\n  output 3 : " +
               type + "[2, 5, 5, " + k + "]\n  axes #0 n = 2, #1 h = 5, #2 w = 5, #3 k = " + k +
               "\n  fold sum : f32 {\n    inner #4 kh = 3, #5 kw = 3, #6 c = " + c +
               "\n    $0 = load 0[#0, #1*2 + #4 - 1, #2*2 + #5 - 1, #6] if 0 <= #1*2 + #4 - 1 < 9, "
               "0 <= #2*2 + #5 - 1 < 9 else 0.0\n    $1 = load 1[#3, #6, #4, #5]\n    by mul($0, "
               "$1)\n  }\n  store {\n    $0 = load 2[#3]\n    by " +
               (type == "f32" ? "" : "cast(") + "max(add($1, " + x + "$0" + y + "), 0.0:f32)" +
               (type == "f32" ? "" : "):" + type) + "\n    result 0 -> 3[#0, #1, #2, #3]\n  }\n}");
}

Kernel matmul(const std::string& type) {
  const bool plain = type == "f32";
  return parse("kernel matmul {\n  input 0 : " + type + "[?m, 40]\n  input 1 : " + type +
               "[40, 24]\n  output 2 : " + type +
               "[?m, 24]\n  axes #0 m = ?m, #1 n = 24\n  fold sum : f32 {\n    inner #2 k = 40\n"
               "    $0 = load 0[#0, #2]\n    $1 = load 1[#2, #1]\n    by mul($0, $1)\n  }\n  store "
               "{\n    by " +
               (plain ? "$0" : "cast(mul(erf(div($0, 1.5:f32)), sigmoid(exp($0)))):" + type) +
               "\n    result 0 -> 2[#0, #1]\n  }\n}");
}

/// Of two operands that are known at run time alone, both along their rows.
Kernel products(const std::string& type) {
  return parse("kernel products {\n  input 0 : " + type + "[3, ?m, 64]\n  input 1 : " + type +
               "[3, 48, 64]\n  output 2 : " + type +
               "[3, ?m, 48]\n  axes #0 b = 3, #1 m = ?m, #2 n = 48\n  fold sum : f32 {\n    inner "
               "#3 k = 64\n    $0 = load 0[#0, #1, #3]\n    $1 = load 1[#0, #2, #3]\n    by "
               "mul($0, $1)\n  }\n  store {\n    by cast($0):" +
               type + "\n    result 0 -> 2[#0, #1, #2]\n  }\n}");
}

Kernel depthwise(const std::string& type, int channels) {
  const bool plain = type == "f32";
  const std::string c = std::to_string(channels);
  return parse("kernel depthwise {\n  input 0 : " + type + "[2, 9, 9, " + c +
               "]\n  input 1 : " + type + "[" + c + ", 1, 3, 3]\n  output 2 : " + type +
               "[2, 5, 5, " + c + "]\n  axes #0 n = 2, #1 h = 5, #2 w = 5, #3 c = " + c +
               "\n  fold sum : f32 {\n    inner #4 kh = 3, #5 kw = 3\n    $0 = load 0[#0, #1*2 + "
               "#4 - 1, #2*2 + #5 - 1, #3] if 0 <= #1*2 + #4 - 1 < 9, 0 <= #2*2 + #5 - 1 < 9 else "
               "0.0\n    $1 = load 1[#3, 0, #4, #5]\n    by mul($0, $1)\n  }\n  store {\n    by " +
               (plain ? "$0" : "cast($0):" + type) + "\n    result 0 -> 2[#0, #1, #2, #3]\n  }\n}");
}

Gpu gpu(const char* isa) {
  DeviceDescription device;
  device.kind = "cuda";
  device.isa = isa;
  return *gpu_of(device);
}

TEST(CudaContraction, CopiesAreAsWideAsStridesAllow) {
  EXPECT_EQ(contraction_facts(conv("f16", 64, 8), true)->copy_a, 16);
  EXPECT_EQ(contraction_facts(conv("f16", 12, 8), true)->copy_a, 8);
  EXPECT_EQ(contraction_facts(conv("f16", 6, 8), true)->copy_a, 4);
  EXPECT_EQ(contraction_facts(conv("f16", 3, 8), true)->copy_a, 0);
  EXPECT_EQ(contraction_facts(conv("f32", 3, 8), true)->copy_a, 4);
  EXPECT_EQ(contraction_facts(conv("f16", 64, 12), true)->vector, 4);
  EXPECT_EQ(contraction_facts(matmul("f16"), false)->copy_b, 0);
}

TEST(CudaContraction, RowsAtEqualDistancesComeInBoxes) {
  const Kernel kernel = matmul("f16");
  const auto facts = contraction_facts(kernel, true);
  ASSERT_TRUE(facts.ok() && facts->boxes);
  EXPECT_FALSE(contraction_facts(kernel, false)->boxes);  // B's rows come by another way
  EXPECT_FALSE(contraction_facts(conv("f16", 64, 64), true)->boxes);
  const auto tile = tile_from_knobs({1, 128, 24, 128, 4, 4, 2, 1, 1, 1, 1, 132});
  const auto source = emit_contraction(kernel, *facts, *tile, "k");
  ASSERT_TRUE(source.ok()) << source.status().message();
  EXPECT_EQ(source->boxes[0], (BoxMap{0, 2, 128, 0}));
  const Dims numbers(source->params.begin(), source->params.begin() + 6);
  EXPECT_EQ(numbers, (Dims{0, 40, Dim::symbol("m"), 40, 1, 0}));
  EXPECT_NE(source->text.find("__grid_constant__"), std::string::npos);
  const auto warps = emit_contraction(kernel, *facts, ContractionTile(), "k");
  ASSERT_TRUE(warps.ok());
  EXPECT_EQ(warps->boxes, BoxMaps());
}

TEST(CudaContraction, RunsThatBeginAnywhereAreSpans) {
  const auto facts = contraction_facts(conv("f16", 3, 8), true);
  EXPECT_TRUE(facts->span && facts->run.is(9) && facts->taps.is(3) && facts->span_unit.is(3));
  EXPECT_EQ(facts->span_guard, 1);
  EXPECT_FALSE(contraction_facts(conv("f16", 64, 8), true)->span);
}

TEST(CudaContraction, ResultsIn16BitsCallTheFunctionsThatSuffice) {
  const Kernel kernel = matmul("f16");
  const auto source =
      emit_contraction(kernel, *contraction_facts(kernel, true), ContractionTile(), "k");
  ASSERT_TRUE(source.ok()) << source.status().message();
  EXPECT_NE(source->text.find(": contraction::Narrow "), std::string::npos);
  std::string narrow;
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == std::string("codegen/cuda/lib/narrow.cuh")) narrow = file.text;
  }
  for (const std::string call : {"erf_f32(", "exp(", "sigmoid("}) {
    EXPECT_NE(source->text.find("= " + call), std::string::npos) << call;
    EXPECT_NE(narrow.find("float " + call), std::string::npos) << call;
  }
}

TEST(CudaContraction, RankedTilesHoldAndSurviveTheirKnobs) {
  for (const char* isa : kArchitectures) {
    for (const char* type : {"f32", "f16", "bf16"}) {
      const auto facts = contraction_facts(conv(type, 64, 64), true);
      ASSERT_TRUE(facts.ok());
      const auto tiles = rank_tiles(*facts, gpu(isa), {}, 2);
      ASSERT_EQ(tiles.empty(), std::string(isa) == "sm_75" && std::string(type) == "bf16");
      std::set<std::string> names;
      for (const RankedTile& ranked : tiles) {
        EXPECT_TRUE(why_not(*facts, ranked.tile, gpu(isa)).ok());
        EXPECT_EQ(*tile_from_knobs(knobs(ranked.tile)), ranked.tile);
        EXPECT_TRUE(names.insert(to_string(ranked.tile)).second);
      }
    }
  }
}

TEST(CudaContraction, FactorsAreRoundedToTf32WhereThatIsAllowed) {
  for (const char* isa : {"sm_80", "sm_90a", "sm_120"}) {
    const Kernel kernel = conv("f32", 64, 64);
    const auto facts = contraction_facts(kernel, true);
    ASSERT_TRUE(facts.ok());
    for (const bool allowed : {false, true}) {
      const auto tiles = rank_tiles(*facts, gpu(isa), {}, 2, allowed);
      ASSERT_FALSE(tiles.empty());
      EXPECT_EQ(tiles[0].tile.rounds(DType::kF32), allowed);
      EXPECT_FALSE(tiles[0].tile.rounds(DType::kF16));
      for (const RankedTile& ranked : tiles) {
        EXPECT_EQ(*tile_from_knobs(knobs(ranked.tile)), ranked.tile);
        EXPECT_TRUE(allowed || !ranked.tile.rounds(DType::kF32));
      }
    }
  }
}

TEST(CudaContraction, PackedWeightsOfTf32AreRoundedToTheNearest) {
  const Kernel kernel = matmul("f32");
  const auto facts = contraction_facts(kernel, true);
  ASSERT_TRUE(facts.ok() && facts->packed);
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<std::pair<float, float>> cases = {
      {1 + 0x1p-11F, 1 + 0x1p-10F},
      {1 + 0x1p-12F, 1},
      {-3, -3},
      {std::numeric_limits<float>::max(), 0x1.ffcp127F},
      {infinity, infinity}};
  for (const auto method : {ContractionMethod::kRounded, ContractionMethod::kParts}) {
    for (const auto& [given, rounded] : cases) {
      Tensor weights = Tensor::zeros(DType::kF32, {40, 24});
      reinterpret_cast<float*>(weights.mutable_data())[0] = given;
      ContractionTile tile;
      tile.method = method;
      const auto packed = pack_weights(kernel, *facts, tile, weights);
      ASSERT_TRUE(packed.ok());
      float first;
      std::memcpy(&first, packed->data(), sizeof first);
      EXPECT_EQ(first, method == ContractionMethod::kRounded ? rounded : given);
    }
  }
}

TEST(CudaContraction, TilesFromFilesAreChecked) {
  const auto facts = contraction_facts(conv("f16", 64, 64), true);
  EXPECT_FALSE(tile_from_knobs({0, 64, 64}).ok());
  EXPECT_FALSE(tile_from_knobs({9, 64, 64, 128, 3, 2, 2, 1, 1, 1, 1, 0}).ok());
  for (const std::vector<int64_t>& bad :
       {std::vector<int64_t>{0, 96, 64, 128, 3, 2, 2, 1, 1, 1, 1, 0},
        {0, 64, 64, 128, 9, 2, 2, 1, 1, 1, 1, 0},
        {0, 64, 64, 32, 3, 2, 2, 1, 1, 1, 1, 0},
        {0, 64, 64, 128, 3, 8, 2, 1, 1, 1, 1, 0},
        {0, 256, 256, 128, 4, 4, 4, 1, 1, 1, 1, 0},
        {0, 64, 64, 128, 3, 2, 2, 1, 16, 1, 1, 0},
        {0, 64, 64, 128, 3, 2, 2, 1, 1, 1, 2, 0},
        {3, 64, 64, 128, 3, 2, 2, 1, 1, 1, 1, 0},
        {1, 64, 36, 128, 3, 4, 1, 1, 1, 1, 1, 0},
        {1, 128, 64, 128, 3, 8, 2, 1, 1, 1, 1, 132},
        {1, 128, 64, 128, 3, 4, 2, 1, 2, 1, 1, 0},
        {1, 128, 192, 128, 3, 4, 2, 1, 1, 1, 1, 132},
        {1, 256, 256, 128, 3, 8, 1, 1, 1, 1, 1, 132},
        {1, 128, 128, 128, 3, 8, 1, 1, 2, 1, 2, 0},
        {1, 128, 128, 128, 3, 8, 1, 1, 1, 1, 2, 131}}) {
    const auto tile = tile_from_knobs(bad);
    EXPECT_TRUE(tile.ok() && !why_not(*facts, *tile, gpu("sm_90a")).ok());
  }
  EXPECT_FALSE(why_not(*facts, ContractionTile(), gpu("sm_70")).ok());
}

TEST(CudaContraction, WeightsArePackedAsBlocksReadThem) {
  const Kernel kernel = conv("f16", 12, 24);
  const auto facts = contraction_facts(kernel, true);
  ASSERT_TRUE(facts.ok() && facts->packed);
  Tensor weights = Tensor::zeros(DType::kF16, {24, 12, 3, 3});
  auto* bits = reinterpret_cast<uint16_t*>(weights.mutable_data());
  for (int i = 0; i < 24 * 12 * 9; ++i) bits[i] = static_cast<uint16_t>(i + 1);
  ContractionTile tile;
  tile.n = 16;
  const auto packed = pack_weights(kernel, *facts, tile, weights);
  ASSERT_TRUE(packed.ok());
  // 9 taps of 2 chunks (8 and 4 channels) are 3 steps of 8 chunks; 2 tiles of 16 columns.
  ASSERT_EQ(packed->elements(), 2 * 3 * 16 * 128);
  const auto at = [&](int column, int tap, int channel) {
    const int chunk = tap * 2 + channel / 8, row = column % 16;
    const int piece = (column / 16 * 3 + chunk / 8) * 16 * 128;
    uint16_t out;
    std::memcpy(
        &out, packed->data() + piece + row * 128 + ((chunk % 8) ^ (row % 8)) * 16 + channel % 8 * 2,
        2);
    return out;
  };
  for (int k = 0; k < 24; ++k) {
    for (int tap = 0; tap < 9; ++tap) {
      for (int c = 0; c < 12; ++c) EXPECT_EQ(at(k, tap, c), (k * 12 + c) * 9 + tap + 1);
      for (int c = 12; c < 16; ++c) EXPECT_EQ(at(k, tap, c), 0);
    }
  }
}

TEST(CudaContraction, ChannelsOfDepthwiseConvolutionsAreColumns) {
  const Kernel kernel = depthwise("f16", 24);
  const auto facts = contraction_facts(kernel, true);
  ASSERT_TRUE(facts.ok() && facts->depthwise);
  EXPECT_TRUE(facts->problem.columns.is(24) && facts->problem.batch.empty());
  EXPECT_EQ(facts->stride, 2);
  EXPECT_EQ(facts->dilation, 1);
  EXPECT_EQ(facts->vector, 8);
  EXPECT_EQ(facts->guard_units, (std::vector<int64_t>{0, 1}));
  EXPECT_FALSE(why_not(*facts, ContractionTile(), gpu("sm_90a")).ok());
  const auto tiles = rank_tiles(*facts, gpu("sm_90a"), {}, 2);
  ASSERT_FALSE(tiles.empty());
  Tensor weights = Tensor::zeros(DType::kF16, {24, 1, 3, 3});
  auto* bits = reinterpret_cast<uint16_t*>(weights.mutable_data());
  for (int i = 0; i < 24 * 9; ++i) bits[i] = static_cast<uint16_t>(i);
  const auto packed = pack_weights(kernel, *facts, tiles[0].tile, weights);
  ASSERT_TRUE(packed.ok());
  for (int i = 0; i < 24 * 9; ++i) {
    uint16_t value;
    std::memcpy(&value, packed->data() + 2 * i, 2);
    EXPECT_EQ(value, i % 24 * 9 + i / 24);
  }
}

/// Warpgroups: weights for two blocks at once, inner axes split, B not packed, odd columns.
void add_warpgroups(std::vector<Source>& sources) {
  const auto add = [&](const Kernel& kernel, bool b_constant, std::vector<int64_t> knobs) {
    const auto facts = contraction_facts(kernel, b_constant);
    ASSERT_TRUE(facts.ok()) << facts.status().message();
    const auto tile = tile_from_knobs(knobs);
    ASSERT_TRUE(tile.ok() && why_not(*facts, *tile, gpu("sm_90a")).ok()) << to_string(*tile);
    const std::string name = "warpgroups" + std::to_string(sources.size());
    auto source = emit_contraction(kernel, *facts, *tile, name);
    ASSERT_TRUE(source.ok()) << source.status().message();
    EXPECT_NE(source->text.find("warpgroup::run"), std::string::npos);
    sources.push_back({name, source->text});
  };
  add(conv("f16", 64, 64), true, {1, 128, 256, 128, 4, 8, 1, 1, 1, 8, 2, 132});
  add(conv("bf16", 64, 72), true, {1, 128, 72, 128, 3, 4, 1, 1, 1, 1, 1, 264});
  add(conv("f16", 12, 64), true, {1, 64, 64, 128, 6, 4, 1, 1, 4, 1, 1, 0});
  add(conv("f32", 64, 64), true, {1, 128, 64, 128, 4, 8, 1, 1, 1, 8, 1, 132});
  add(conv("f16", 64, 64), true, {1, 128, 64, 128, 4, 4, 2, 1, 1, 8, 1, 132});
  add(matmul("f16"), true, {1, 128, 128, 128, 4, 4, 2, 1, 1, 8, 1, 132});
  add(matmul("f16"), true, {1, 64, 32, 128, 4, 4, 1, 1, 2, 8, 1, 0});
  add(matmul("f32"), true, {1, 128, 32, 128, 4, 4, 2, 1, 1, 8, 2, 132});
  add(products("f16"), false, {1, 64, 48, 128, 3, 4, 1, 1, 1, 1, 1, 0});
}

TEST(CudaContraction, BlocksThatKeepAllWeightsMustHaveRoomForThem) {
  // 9 taps of 2 chunks, or 3 runs of 9 elements in 2 chunks.
  const auto facts = contraction_facts(conv("f16", 12, 24), true);
  const auto takes = [&](const ContractionFacts& f, std::vector<int64_t> knobs) {
    return why_not(f, *tile_from_knobs(knobs), gpu("sm_80")).ok();
  };
  EXPECT_TRUE(takes(*facts, {0, 64, 32, 128, 3, 4, 2, 1, 1, 1, 1, 300}));
  EXPECT_FALSE(takes(*facts, {0, 64, 32, 128, 2, 4, 2, 1, 1, 1, 1, 300}));
  EXPECT_FALSE(takes(*facts, {0, 64, 16, 128, 3, 4, 1, 1, 1, 1, 1, 300}));
  EXPECT_FALSE(
      takes(*contraction_facts(matmul("f16"), false), {0, 64, 32, 128, 1, 4, 2, 1, 1, 1, 1, 300}));
  EXPECT_TRUE(takes(*contraction_facts(conv("f16", 3, 24), true),
                    {0, 64, 32, 128, 1, 4, 2, 1, 1, 1, 1, 300}));
}

TEST(CudaContraction, NvrtcTakesTheInstances) {
  const auto nvrtc = Nvrtc::open();
  if (!nvrtc.ok()) GTEST_SKIP() << "skipped: " << nvrtc.status().message();
  for (const char* isa : kArchitectures) {
    std::vector<Source> sources;
    const auto add = [&](const Kernel& kernel, bool b_constant, size_t count, bool tf32 = false) {
      const auto facts = contraction_facts(kernel, b_constant);
      ASSERT_TRUE(facts.ok()) << facts.status().message();
      const auto tiles = rank_tiles(*facts, gpu(isa), {{"m", 200}}, 2, tf32);
      for (size_t i = 0; i < std::min(count, tiles.size()); ++i) {
        const std::string name = "kernel" + std::to_string(sources.size());
        auto source = emit_contraction(kernel, *facts, tiles[i].tile, name);
        ASSERT_TRUE(source.ok()) << source.status().message();
        sources.push_back({name, source->text});
      }
    };
    add(conv("f16", 64, 64), true, 2);
    add(conv("bf16", 3, 10), true, 1);
    add(conv("f32", 12, 64), true, 1);
    add(depthwise("f16", 24), true, 2);
    add(depthwise("f32", 5), true, 1);
    add(matmul("f16"), false, 1);
    add(matmul("f32"), true, 1);
    if (gpu(isa).architecture >= 80) add(conv("f32", 64, 64), true, 2, true);
    if (gpu(isa).architecture >= 80) add(matmul("f32"), false, 1, true);
    for (const int channels : {3, 12}) {
      const Kernel kernel = conv("f16", channels, 24);
      const auto facts = contraction_facts(kernel, true);
      const int steps = channels == 3 ? 1 : 3;
      const auto tile = tile_from_knobs({0, 64, 32, 128, steps, 4, 2, 1, 1, 1, 1, 300});
      auto source = emit_contraction(kernel, *facts, *tile, "kept" + std::to_string(channels));
      ASSERT_TRUE(source.ok()) << source.status().message();
      sources.push_back({"kept" + std::to_string(channels), source->text});
    }
    if (gpu(isa).architecture == 90) add_warpgroups(sources);
    const auto cubins = (*nvrtc)->compile(sources, isa, 2);
    EXPECT_TRUE(cubins.ok()) << isa << ": " << cubins.status().message();
  }
}

}  // namespace
}  // namespace carnot::cuda
