#pragma once
// Contractions for NVIDIA GPUs: convolutions and matrix products as instances of the templates in
// lib/. This is the host's side: which instances there are for a kernel, their text, and weights as
// they read them.
#include <string>
#include <vector>

#include "codegen/contraction_problem.h"
#include "codegen/cuda/kernel_source.h"
#include "device/device.h"

namespace carnot::cuda {

enum class ContractionMethod : uint8_t {
  kTiles,      ///< warps of their own: mma.sync, or multiply-adds of f32
  kHopper,     ///< lib/warpgroup.cuh: wgmma, sm_90a alone; f32 is rounded to TF32
  kDepthwise,  ///< lib/depthwise.cuh: m threads, n neighbours each
  kParts,      ///< as kTiles, f32 on the tensor cores in parts
  kRounded     ///< as kTiles, f32 on the tensor cores rounded to TF32
};

struct ContractionTile {
  ContractionMethod method = ContractionMethod::kTiles;
  int m = 128, n = 128;  ///< of the output, per block
  int row_bytes = 128;   ///< of one step along the inner axes: 64 or 128
  int stages = 3;
  /// Of kHopper warps_n is 1, or 2 where two warpgroups are at a tile each, by turns.
  int warps_m = 2, warps_n = 4, warps_k = 1;
  int split = 1;  ///< blocks of a cluster that share a tile's inner axes
  int group = 8;  ///< rows of tiles that neighbouring blocks cover
  int share = 1;  ///< blocks of a cluster that take packed columns together; of kHopper
  /// That go through all tiles; 0: each has one. Of kTiles and kParts these keep all weights, and
  /// `stages` is the number of steps (lib/kept.cuh).
  int blocks = 0;
  bool kept() const { return blocks > 0 && method != ContractionMethod::kHopper; }
  int warps() const { return warps_m * warps_n * warps_k; }
  /// Factors of that type are rounded to TF32.
  bool rounds(DType element) const {
    const bool rounding =
        method == ContractionMethod::kRounded || method == ContractionMethod::kHopper;
    return element == DType::kF32 && rounding;
  }
  bool operator==(const ContractionTile&) const = default;
};
/// "tiles 128x128x128 s3 w2x4x1 k1 g8"
std::string to_string(const ContractionTile& tile);
std::vector<int64_t> knobs(const ContractionTile& tile);
Result<ContractionTile> tile_from_knobs(const std::vector<int64_t>& knobs);

/// What a GPU can do, from its description.
struct Gpu {
  int architecture = 0;   ///< 80, 90 ...
  bool specific = false;  ///< "sm_90a"
  int sms = 1;
  int shared_bytes = 0;  ///< that one block may have
  double clock_ghz = 1, memory_gbps = 1000;
};
Result<Gpu> gpu_of(const DeviceDescription& device);

/// A kernel seen as a contraction, and how its operands can be read.
struct ContractionFacts {
  ContractionProblem problem;
  DType element = DType::kF32;  ///< of both operands
  bool packed = false;          ///< B is constant: packed at build time
  /// Inner axes: taps, then those that are contiguous in A (all of them where A is gathered).
  size_t run_axes = 0;
  Dim taps = 1, run = 1;
  int copy_a = 0, copy_b = 0;  ///< bytes of one asynchronous copy; 0: element by element
  /// A's run is contiguous, and read as such, from any element on; `span_guard` (or -1) bounds it,
  /// in units of `span_unit` elements.
  bool span = false;
  int span_guard = -1;
  Dim span_unit = 1;
  /// A is matrices of rows at equal distances, as the copy engine takes them (BoxMap); B is packed.
  bool boxes = false;
  int vector = 1;     ///< columns that the epilogue takes at once
  bool wide = false;  ///< offsets need 64 bits
  /// The columns are channels that A has as well; the last inner axis moves along the last row
  /// axis: a step of either is so many positions.
  bool depthwise = false;
  int64_t stride = 1, dilation = 1;
  Dim unit;                          ///< elements between positions
  std::vector<int64_t> guard_units;  ///< what a position adds to each guard
  int element_bytes() const { return bits_of(element) / 8; }
  /// Elements of the inner axes in a chunk of 16 bytes, chunks of a tap.
  int chunk() const { return 16 / element_bytes(); }
  Dim chunks() const { return ceil_div(run, Dim(chunk())); }
  Dim steps(const ContractionTile& t) const {
    return ceil_div(chunks() * taps, Dim(t.row_bytes / 16));
  }
};
/// The facts, or why this is not for the templates. `b_constant`: B's buffer is known now.
Result<ContractionFacts> contraction_facts(const Kernel& kernel, bool b_constant);

/// Whether a tile (it may come from a file) holds for a problem.
Status why_not(const ContractionFacts& facts, const ContractionTile& tile, const Gpu& gpu);

/// Tiles to try, best guess first, for the sizes in `likely`. Effort 0 gives one.
struct RankedTile {
  ContractionTile tile;
  double predicted_us = 0;
};
/// `tf32`: factors of f32 may be rounded so.
std::vector<RankedTile> rank_tiles(const ContractionFacts& facts, const Gpu& gpu,
                                   const Symbols& likely, int effort, bool tf32 = false);

/// Blocks that a multiprocessor has room for, as far as the instance's registers are limited to it.
int resident_blocks(const ContractionTile& tile);

/// Columns that leave a warp of kHopper at once.
int slab_columns(const ContractionTile& tile);

/// Dynamic shared memory of a block.
int shared_bytes(const ContractionTile& tile);

/// The kernel's text. Its buffers are the kernel's, B's replaced by the packed weights.
Result<KernelSource> emit_contraction(const Kernel& kernel, const ContractionFacts& facts,
                                      const ContractionTile& tile, const std::string& function);

/// B as the instance reads it, as bytes.
Result<carnot::Tensor> pack_weights(const Kernel& kernel, const ContractionFacts& facts,
                                    const ContractionTile& tile, const carnot::Tensor& weights);

}  // namespace carnot::cuda
