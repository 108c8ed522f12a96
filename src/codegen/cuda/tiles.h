#pragma once
// Tiles: a pointwise kernel that reads along one axis and writes along another goes through shared
// memory, so that both touch memory in runs.
#include <optional>
#include <vector>

#include "codegen/nest.h"

namespace carnot::cuda {

struct Tiling {
  size_t read = 0;                      ///< the axis along which `loads` are contiguous
  size_t write = 0;                     ///< the last axis: along which stores are
  std::vector<size_t> loads;            ///< of the stage, that go through shared memory
  int read_size = 64, write_size = 64;  ///< of a tile
  int pitch = 65;                       ///< elements between a tile's rows in shared memory
};

/// Nothing where no load is turned.
std::optional<Tiling> tiling_of(const Nest& nest);

}  // namespace carnot::cuda
