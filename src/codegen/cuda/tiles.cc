#include "codegen/cuda/tiles.h"

#include <algorithm>

namespace carnot::cuda {

namespace {

constexpr int64_t kTileElements = 4096;
constexpr int64_t kTileSide = 64;
constexpr size_t kTurnedMax = 2;  // loads, so that shared memory suffices whatever their types

bool turned(const NestAccess& load, const NestAxis& read, const NestAxis& write) {
  return load.buffer >= 0 && !load.within && !uses_loads(load.offset) &&
         step_of(load, read.symbol).kind == AxisStep::kUnit &&
         step_of(load, write.symbol).kind == AxisStep::kStrided;
}

}  // namespace

std::optional<Tiling> tiling_of(const Nest& nest) {
  if (nest.stages.size() != 1 || !nest.stages[0].inner.empty() || nest.axes.size() < 2) {
    return std::nullopt;
  }
  const NestStage& stage = nest.stages[0];
  Tiling out;
  out.write = nest.axes.size() - 1;
  const NestAxis& write = nest.axes[out.write];
  for (const NestAccess& store : stage.stores) {
    if (uses_loads(store.offset) || step_of(store, write.symbol).kind != AxisStep::kUnit) {
      return std::nullopt;
    }
  }
  for (size_t read = 0; read < out.write && out.loads.empty(); ++read) {
    out.read = read;
    for (size_t i = 0; i < stage.loads.size() && out.loads.size() < kTurnedMax; ++i) {
      if (turned(stage.loads[i], nest.axes[read], write)) out.loads.push_back(i);
    }
  }
  if (out.loads.empty()) return std::nullopt;
  // A short axis is taken whole, and more of the other one.
  const int64_t rows = std::min(kTileSide, write.likely);
  const int64_t columns = std::min(kTileSide, nest.axes[out.read].likely);
  out.write_size = static_cast<int>(std::min(write.likely, kTileElements / 2 / columns));
  out.read_size = static_cast<int>(std::min(nest.axes[out.read].likely, kTileElements / 2 / rows));
  if (rows == kTileSide && columns == kTileSide) out.write_size = out.read_size = kTileSide;
  int narrowest = 8;
  for (const size_t i : out.loads) {
    narrowest = std::min(narrowest, std::max(8, bits_of(stage.loads[i].dtype)) / 8);
  }
  // An odd number of 4-byte words: neighbouring rows begin in other banks.
  const int per_word = std::max(1, 4 / narrowest);
  const int words = (out.read_size + per_word - 1) / per_word;
  out.pitch = (words | 1) * per_word;
  return out;
}

}  // namespace carnot::cuda
