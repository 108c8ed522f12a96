#pragma once
// Contractions: convolutions and matrix products as one register-tiled kernel.
//
//   out[batch, rows, columns] = epilogue(sum over inner of A[batch, rows, inner] *
//                                                          B[batch, inner, columns])
//
// Rows are flattened over all row axes (n, h, w of a convolution): a register tile is `rows` rows
// by `vectors` vectors of columns, and crosses image rows freely. B is read in panels of that many
// columns, packed at build time where it is constant. How a row of A is found is the `access`:
//   direct    rows and inner are plain strides: matmul, 1x1 convolutions
//   pointers  one pointer per (tap, row) of the tile, to zeros where a guard fails; the inner loop
//             runs over what is contiguous within a tap (channels)
//   winograd  3x3 convolutions in a transformed space (winograd.h): tiles of 2x2 or 4x4 outputs
//   gather    the tile's rows are copied into scratch first, all taps one after another: few
//             channels, or guards on the channels
// Every output element (but those of Winograd) is one chain of fused multiply-adds in the order of
// the inner axes, so its bits depend neither on tiles nor on tails nor on how tasks are split over
// threads.
//
// Outputs must not overlap inputs: the last tile of rows is moved up to end at the last row, so
// some rows are computed twice.
#include <cstdint>
#include <string>
#include <vector>

#include "codegen/cpu/module.h"
#include "codegen/cpu/target.h"
#include "kernel/kernel.h"

namespace carnot::cpu {

enum class RowAccess : uint8_t { kDirect, kPointers, kGather, kWinograd2, kWinograd4 };
/// How B is read: packed at build time, where it lies, or packed into scratch by each task.
enum class ColumnAccess : uint8_t { kPacked, kInPlace, kScratch };

struct ContractionTactic {
  int rows = 8, vectors = 3;  ///< the register tile
  int unroll = 2;             ///< steps along inner per iteration
  RowAccess access = RowAccess::kDirect;
  ColumnAccess columns = ColumnAccess::kPacked;
  int64_t row_block = 1;     ///< tiles of rows (of windows, for Winograd) per task
  int64_t column_block = 1;  ///< panels of columns per task
  int prefetch = 0;          ///< fetch B this many bytes ahead; 0: leave it to the hardware
  /// The inner axes are cut into so many blocks, so that a block of a panel stays in the second
  /// cache for all rows of a task; sums wait in scratch. The order of summation is the same.
  int inner_blocks = 1;
  bool operator==(const ContractionTactic&) const = default;
};
/// "8x3 u4 direct packed 49x2 p0": readable. Inner blocks follow as " k9" where there are any.
std::string to_string(const ContractionTactic& tactic);
std::vector<int64_t> knobs(const ContractionTactic& tactic);
Result<ContractionTactic> tactic_from_knobs(const std::vector<int64_t>& knobs);

/// What a kernel is, seen as a contraction on a target. `b_constant`: B's buffer is known now.
struct ContractionQuery {
  const Kernel& kernel;
  const ContractionView& view;
  const Target& target;
  bool b_constant = false;
  bool b_finite = false;  ///< no infinities and no NaN among its values
};

/// Why the generator cannot take this; ok where it can.
Status why_not(const ContractionQuery& query);

/// Tactics to try, best guess first, with the predicted time on one thread. `likely` gives values
/// to size symbols. Effort 0 gives one.
struct RankedTactic {
  ContractionTactic tactic;
  double predicted_us = 0;  ///< of one thread, at a nominal clock: for ranking
};
std::vector<RankedTactic> candidates(const ContractionQuery& query, const Symbols& likely,
                                     int effort);

/// B as the generated function reads it with ColumnAccess::kPacked: [batch][panel][inner][panel's
/// columns], columns padded with zeros to whole vectors. The result takes the place of B's buffer.
Result<Tensor> pack_weights(const ContractionQuery& query, const ContractionTactic& tactic,
                            const Tensor& weights);

/// Adds the function to the module. Its buffers are the kernel's, B's replaced by packed weights
/// where the tactic says so.
Result<GeneratedFunction> emit_contraction(Module& module, const std::string& symbol,
                                           const ContractionQuery& query,
                                           const ContractionTactic& tactic);

}  // namespace carnot::cpu
